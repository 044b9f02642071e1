"""Reads of the versions of the risk model."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from gis.risk.model import Model, model_of
from gis.risk.models import DRAFT, RELEASED, RiskFactor, RiskModel
from portal.core.errors import NotFound

BIGGEST = 2**31 - 1
VERSIONS_MOST = 200


def versions(session: Session) -> Sequence[RiskModel]:
    """Return the versions, newest first."""
    return session.scalars(select(RiskModel).order_by(RiskModel.id.desc()).limit(VERSIONS_MOST)).all()


def find_version(session: Session, number: int, *, locked: bool = False) -> RiskModel:
    """Return one version, locked until the transaction ends when asked; raise NotFound."""
    wanted = select(RiskModel).where(RiskModel.id == number)
    found = session.scalar(wanted.with_for_update() if locked else wanted) if 0 < number <= BIGGEST else None
    if found is None:
        raise NotFound("risk_model", number=number)
    return found


def factors_of(session: Session, number: int) -> Sequence[RiskFactor]:
    """Return the rows of a version in their order."""
    return session.scalars(select(RiskFactor).where(RiskFactor.model_id == number).order_by(RiskFactor.ordinal)).all()


def model_numbered(session: Session, number: int) -> Model:
    """Return a version as the scoring reads it."""
    return model_of(number, factors_of(session, number))


def released_version(session: Session) -> RiskModel:
    """Return the version in force; raise NotFound without one."""
    found = session.scalar(select(RiskModel).where(RiskModel.state == RELEASED))
    if found is None:
        raise NotFound("risk_model")
    return found


def released_model(session: Session) -> Model:
    """Return the version in force as the scoring reads it."""
    return model_numbered(session, released_version(session).id)


def open_draft(session: Session) -> RiskModel | None:
    """Return the newest draft, None when there is none."""
    return session.scalar(select(RiskModel).where(RiskModel.state == DRAFT).order_by(RiskModel.id.desc()).limit(1))
