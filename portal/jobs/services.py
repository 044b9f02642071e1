"""Changing adjustable figures."""

from __future__ import annotations

import math
from datetime import datetime

from sqlalchemy.orm import Session

from portal.audit.services import record
from portal.core.actor import Actor
from portal.core.errors import Invalid
from portal.jobs.models import Parameter
from portal.jobs.queries import lock_parameter

REASON_MIN_CHARS = 4


def set_parameter(session: Session, key: str, value: float, *, reason: str, now: datetime, actor: Actor) -> Parameter:
    """Change a figure; raise Invalid for a negative or endless one or without a reason, NotFound when unknown."""
    if not math.isfinite(value) or value < 0:
        raise Invalid("parameter_value", key=key)
    if len(reason.strip()) < REASON_MIN_CHARS:
        raise Invalid("reason_needed")
    found = lock_parameter(session, key)
    before = {"value": found.value, "unit": found.unit}
    found.value, found.updated_at = value, now
    session.flush()
    record(
        session,
        actor,
        "parameter.set",
        object_type="parameter",
        object_id=key,
        before=before,
        after={"value": value, "unit": found.unit, "reason": reason.strip()},
    )
    return found
