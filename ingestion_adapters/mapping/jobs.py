"""Messages as sent are retired by policy."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

RAW_DAYS, SHORTEST_DAYS = 180, 30


def retire_raw(session: Session, now: datetime) -> str:
    """Remove messages as sent that are older than parameter intake.raw_days; the database keeps 30 days at least."""
    given = session.scalar(text("select value from parameter where key = 'intake.raw_days'"))
    days = max(int(given if given is not None else RAW_DAYS), SHORTEST_DAYS)
    gone = session.scalar(text("select retire_raw_messages(:days)"), {"days": days})
    return f"{gone} older than {days} days removed"
