"""Meter readings over the years: batches of closed days joined into one array row a block, months beyond the years kept retired."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from portal.core.actor import Actor, job_actor
from portal.jobs.queries import parameter_value
from portal.operation.meters.queries import loose_days
from portal.operation.telemetry.packing import PACK_AFTER_DAYS
from portal.operation.telemetry.retention import keep_years

BLOCKS_A_RUN = 4_000
MONTHS_AHEAD_DAYS = 3


def pack_meters(session: Session, now: datetime) -> str:
    """Join batches of the oldest day that is old enough, so many blocks a run: whoever sends late waits a moment only."""
    after = timedelta(days=parameter_value(session, "telemetry.pack_after_days", PACK_AFTER_DAYS))
    for day in loose_days(session, (now - after).astimezone(UTC).date()):
        rows = session.scalar(text("select pack_meter_day(:day, :most)"), {"day": day, "most": BLOCKS_A_RUN})
        if rows:
            return f"{day}: {rows} readings packed"
    return "nothing to pack"


def make_meter_months(session: Session, now: datetime) -> None:
    """Make the partitions of this month and of the month that is near."""
    for ahead in (0, MONTHS_AHEAD_DAYS):
        session.execute(text("select ensure_meter_month(:day)"), {"day": (now + timedelta(days=ahead)).date()})


def retire_meters(session: Session, now: datetime, *, actor: Actor | None = None) -> str:
    """Remove the meter readings of the oldest month that may go; it leaves a row in the audit."""
    years, who = keep_years(session), actor or job_actor("retire_meters")
    month = session.scalar(text("select min(month) from retirable_meter_months(:years)"), {"years": years})
    if month is None:
        return "nothing to retire"
    facts = {"month": month, "years": years, "kind": who.kind, "who": who.name}
    rows = session.scalar(text("select retire_meter_month(:month, :years, :kind, :who)"), facts)
    return f"{month:%Y-%m}: {rows} readings retired"
