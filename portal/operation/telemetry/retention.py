"""Retiring readings and hourly figures beyond the years they are kept, never younger than the floors the database holds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from portal.core.actor import Actor, job_actor
from portal.jobs.queries import parameter_value

KEEP_YEARS, KEEP_HOURS_YEARS = 7.0, 10.0
DAYS_A_RUN, MONTHS_A_RUN = 5, 2


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
    months = retire_months(session, who)
    said = f"{len(days)} days, {rows} readings retired"
    return f"{said}, {months} months of hourly figures" if months else said


def retire_months(session: Session, who: Actor) -> int:
    """Remove the hourly figures of the oldest months that may go; their daily figures stay. Returns how many went."""
    years = int(parameter_value(session, "telemetry.keep_hours_years", KEEP_HOURS_YEARS))
    found = session.execute(text("select part, obstacle from retirable_reading_months(:years)"), {"years": years})
    parts = [row.part for row in found if row.obstacle is None][:MONTHS_A_RUN]
    for part in parts:
        facts = {"part": part, "years": years, "kind": who.kind, "who": who.name}
        session.execute(text("select retire_reading_month(:part, :years, :kind, :who)"), facts)
    return len(parts)
