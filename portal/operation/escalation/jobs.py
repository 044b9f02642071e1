"""Telling people by the clock: what is due becomes notices, once, whoever looks."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from portal.operation.escalation.services import notify_waiting

NOTIFY_LOCK = 7306


def notify_alarms(session: Session, now: datetime) -> str:
    """Make the notices of every step of the escalation that is due."""
    session.execute(text("select pg_advisory_xact_lock(:lock)"), {"lock": NOTIFY_LOCK})
    return f"{notify_waiting(session, now)} notices"
