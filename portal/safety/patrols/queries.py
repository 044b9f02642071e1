"""Reads of patrols by the object they went to."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.core.actor import Scope
from portal.core.scoping import in_scope
from portal.safety.patrols.models import Patrol


def last_patrol_of(session: Session, scope: Scope, layer: str, object_id: int) -> Patrol | None:
    """Return the newest patrol or leak survey of an object of a layer, None when there was none."""
    wanted = select(Patrol).where(
        Patrol.object_type == layer,
        Patrol.object_id == object_id,
        in_scope(scope, Patrol.enterprise_id, Patrol.adcode),
    )
    return session.scalar(wanted.order_by(Patrol.begun_at.desc()).limit(1))
