"""Reads of hidden dangers by the object they lie at."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.core.actor import Scope
from portal.core.scoping import in_scope
from portal.safety.hidden_dangers.models import HiddenDanger
from portal.safety.hidden_dangers.rules import CLOSED_OUT

SHOWN_MOST = 10


def open_dangers_at(session: Session, scope: Scope, layer: str, object_id: int) -> Sequence[HiddenDanger]:
    """Return the dangers not closed out at an object of a layer, the gravest first."""
    wanted = select(HiddenDanger).where(
        HiddenDanger.object_type == layer,
        HiddenDanger.object_id == object_id,
        HiddenDanger.status != CLOSED_OUT,
        in_scope(scope, HiddenDanger.enterprise_id, HiddenDanger.adcode),
    )
    return session.scalars(wanted.order_by(HiddenDanger.level.desc(), HiddenDanger.deadline).limit(SHOWN_MOST)).all()
