"""Reads of scheduled runs, adjustable figures and code tables."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ScalarSelect, select
from sqlalchemy.orm import Session

from portal.core.errors import NotFound
from portal.jobs.models import DictEntry, JobRun, Parameter

PAGE_ROWS = 100


def parameter_value(session: Session, key: str, default: float) -> float:
    """Return the figure in force under a key, or the default when the table has none."""
    found = session.scalar(select(Parameter.value).where(Parameter.key == key))
    return default if found is None else found


def parameter_figure(key: str) -> ScalarSelect[float]:
    """Return the figure of a key as a part of another query; null when the table has none."""
    return select(Parameter.value).where(Parameter.key == key).scalar_subquery()


def parameters(session: Session) -> Sequence[Parameter]:
    """Return every adjustable figure by key."""
    return session.scalars(select(Parameter).order_by(Parameter.key)).all()


def lock_parameter(session: Session, key: str) -> Parameter:
    """Return one figure, locked until the transaction ends; raise NotFound."""
    found = session.scalar(select(Parameter).where(Parameter.key == key).with_for_update())
    if found is None:
        raise NotFound("parameter", key=key)
    return found


def job_runs(session: Session, *, job: str = "", before: int | None = None) -> Sequence[JobRun]:
    """Return up to a page of runs and one more, newest first, with numbers below `before`."""
    wanted = select(JobRun).order_by(JobRun.id.desc()).limit(PAGE_ROWS + 1)
    if job:
        wanted = wanted.where(JobRun.job == job)
    if before is not None:
        wanted = wanted.where(JobRun.id < before)
    return session.scalars(wanted).all()


def job_names(session: Session) -> Sequence[str]:
    """Return the names of jobs that ever ran."""
    return session.scalars(select(JobRun.job).distinct().order_by(JobRun.job)).all()


def dictionary_names(session: Session) -> Sequence[str]:
    """Return the names of all code tables."""
    return session.scalars(select(DictEntry.dict).distinct().order_by(DictEntry.dict)).all()


def dictionary(session: Session, name: str) -> Sequence[DictEntry]:
    """Return the codes of one table in the order of the screen; raise NotFound for an unknown table."""
    wanted = select(DictEntry).where(DictEntry.dict == name).order_by(DictEntry.sort, DictEntry.code)
    found = session.scalars(wanted).all()
    if not found:
        raise NotFound("dictionary", name=name)
    return found
