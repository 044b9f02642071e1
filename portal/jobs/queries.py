"""Reads of scheduled runs, adjustable figures and code tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ScalarSelect, func, select, text
from sqlalchemy.orm import Session

from portal.core.errors import NotFound
from portal.core.paging import contains
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


@dataclass(frozen=True)
class DictionaryFacts:
    """One code table: its name, how many codes it has, and the newest day one of them holds from."""

    name: str
    codes: int
    newest_on: date


def dictionary_facts(session: Session, words: str = "") -> list[DictionaryFacts]:
    """Return the code tables by name; with words those that hold them in a name or a word."""
    wanted = select(DictEntry.dict, func.count(), func.max(DictEntry.valid_from)).group_by(DictEntry.dict)
    if words:
        holding = select(DictEntry.dict).where(contains(words, DictEntry.dict, DictEntry.zh, DictEntry.en, DictEntry.source))
        wanted = wanted.where(DictEntry.dict.in_(holding))
    return [DictionaryFacts(*row) for row in session.execute(wanted.order_by(DictEntry.dict))]


def dictionary_codes(session: Session, name: str, words: str = "") -> Sequence[DictEntry]:
    """Return the codes of one table, all of them or those that hold the words; every table's when no name is given."""
    wanted = select(DictEntry).order_by(DictEntry.dict, DictEntry.sort, DictEntry.code)
    if name:
        wanted = wanted.where(DictEntry.dict == name)
    if words:
        wanted = wanted.where(contains(words, DictEntry.dict, DictEntry.zh, DictEntry.en, DictEntry.source))
    return session.scalars(wanted).all()


def former_words(session: Session, name: str) -> Sequence[Any]:
    """Return the former words of the codes of one table, newest first."""
    return session.execute(
        text(
            "select code, zh, en, source, valid_from, valid_to from dict_entry_history where dict = :name"
            " order by valid_to desc, code limit 200"
        ),
        {"name": name},
    ).all()
