"""Retiring readings: days beyond the years they are kept go, never a day younger than the floor the database holds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from portal.core.actor import Actor, job_actor
from portal.jobs.queries import parameter_value

KEEP_YEARS = 7.0
DAYS_A_RUN = 5


@dataclass(frozen=True)
class RetirableDay:
    """A day beyond the years kept: its readings, and what stands against retiring it (nothing when None)."""

    day: date
    readings: int
    obstacle: str | None


def keep_years(session: Session) -> int:
    """Return for how many years readings are kept; the database refuses fewer than five."""
    return int(parameter_value(session, "telemetry.keep_years", KEEP_YEARS))


def retirable_days(session: Session) -> list[RetirableDay]:
    """Return the days that are beyond the years kept, oldest first."""
    rows = session.execute(
        text("select day, readings, obstacle from retirable_reading_days(:years) order by day"),
        {"years": keep_years(session)},
    )
    return [RetirableDay(row.day, int(row.readings), row.obstacle) for row in rows]


def retire_due(session: Session, now: datetime, *, actor: Actor | None = None) -> str:
    """Remove the readings of the oldest days that may go; each leaves a row in the audit. Returns how many."""
    days = [each for each in retirable_days(session) if each.obstacle is None][:DAYS_A_RUN]
    years = keep_years(session)
    rows, who = 0, actor or job_actor("retire_readings")
    for each in days:
        facts = {"day": each.day, "years": years, "kind": who.kind, "who": who.name}
        rows += int(session.scalar(text("select retire_reading_day(:day, :years, :kind, :who)"), facts) or 0)
    return f"{len(days)} days, {rows} readings retired"
