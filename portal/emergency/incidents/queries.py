"""Reads of incidents by the object they struck."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.core.actor import Scope
from portal.core.scoping import in_scope
from portal.emergency.incidents.models import Incident

SHOWN_MOST = 5


def incidents_at(session: Session, scope: Scope, layer: str, object_id: int) -> Sequence[Incident]:
    """Return the newest incidents at an object of a layer."""
    wanted = select(Incident).where(
        Incident.object_type == layer,
        Incident.object_id == object_id,
        in_scope(scope, Incident.enterprise_id, Incident.adcode),
    )
    return session.scalars(wanted.order_by(Incident.occurred_at.desc()).limit(SHOWN_MOST)).all()
