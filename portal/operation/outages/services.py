"""Keeping outages: opening, renewing, ending lines, and counting what was lost and filled later."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from portal.core.live import announce
from portal.operation.outages.models import ClockWatch, Outage
from portal.operation.outages.queries import (
    device_named,
    enterprise_named,
    figures_in_force,
    gaps_to_check,
    member_condition,
    point_named,
)
from portal.operation.outages.rules import CLOCK, DEVICE, GATEWAY, POINT, Fault, is_filled

WATCH_LOCK = 7304


def alone(session: Session) -> None:
    """Let only one look at a time happen, whoever starts it."""
    session.execute(text("select pg_advisory_xact_lock(:lock)"), {"lock": WATCH_LOCK})


def open_outage(session: Session, enterprise_id: int, fault: Fault, now: datetime) -> Outage:
    """Open the line of a fault."""
    outage = Outage(
        enterprise_id=enterprise_id,
        adcode=None,
        level=fault.level,
        subject_id=fault.subject_id,
        subject="",
        points=len(fault.point_ids),
        devices=fault.devices,
        silent=len(fault.point_ids),
        limit_s=fault.limit_s,
        skew_s=fault.skew_s,
        began_at=fault.began_at,
        noticed_at=now,
        checked_at=now,
    )
    if fault.level == POINT:
        named = point_named(session, fault.subject_id)
        outage.point_id, outage.subject, outage.adcode = fault.subject_id, named.code, named.adcode
    elif fault.level in (DEVICE, GATEWAY):
        named = device_named(session, fault.subject_id)
        outage.device_id, outage.subject, outage.adcode = fault.subject_id, named.code, named.adcode
    else:
        outage.subject = enterprise_named(session, enterprise_id)
    session.add(outage)
    session.flush()
    _tell(session, outage)
    return outage


def renew_outage(session: Session, outage: Outage, fault: Fault, now: datetime) -> None:
    """Renew an open line by what is silent now."""
    silent = len(fault.point_ids)
    changed = outage.silent != silent
    outage.silent, outage.points = silent, max(outage.points, silent)
    outage.devices = max(outage.devices, fault.devices)
    outage.returning_at, outage.checked_at = None, now
    if fault.skew_s is not None:
        outage.skew_s = fault.skew_s
    if changed:
        _tell(session, outage)


def keep_waiting(outage: Outage, silent: int, returning_at: datetime, now: datetime) -> None:
    """Keep a line open while the rest of what it concerns is waited for."""
    outage.silent, outage.returning_at, outage.checked_at = silent, returning_at, now


def end_outage(session: Session, outage: Outage, outcome: str, ended_at: datetime, *, into: Outage | None = None) -> None:
    """End a line: recovered, merged into a wider one, split into narrower ones, or withdrawn."""
    outage.ended_at = max(ended_at, outage.began_at)
    outage.outcome, outage.silent = outcome, 0
    outage.merged_id = into.id if into else None
    session.flush()
    if outage.level != CLOCK and outcome != "withdrawn":
        count_gap(session, outage, ended_at)
    _tell(session, outage)


def count_gap(session: Session, outage: Outage, now: datetime) -> None:
    """Count the readings due during an ended outage and those of them that are there by now."""
    condition, values = member_condition(outage)
    row = session.execute(
        text(
            "with member as (select p.id, p.period_s from point p left join device_point f on f.point_id = p.id"
            f" left join device d on d.id = f.device_id where p.status in (2, 3) and {condition})"
            " select coalesce(sum(ceil(extract(epoch from cast(:ended as timestamptz) - :began) / m.period_s) - 1), 0) as lost,"
            " coalesce(sum((select count(*) from reading_all r where r.point_id = m.id and r.ts > :began and r.ts < :ended"
            " and r.day between (cast(:began as timestamptz) at time zone 'UTC')::date"
            " and (cast(:ended as timestamptz) at time zone 'UTC')::date)), 0) as filled from member m"
        ),
        values | {"began": outage.began_at, "ended": outage.ended_at},
    ).one()
    outage.lost = int(row.lost)
    outage.filled = min(int(row.filled), outage.lost)
    outage.checked_at = now
    if outage.filled_at is None and is_filled(outage.lost, outage.filled, figures_in_force(session)):
        outage.filled_at = now
    session.flush()


def look_for_fills(session: Session, now: datetime) -> int:
    """Count again the gaps that may have been filled; return how many were closed."""
    closed = 0
    for outage in gaps_to_check(session, now):
        count_gap(session, outage, now)
        if outage.filled_at is not None:
            closed += 1
            _tell(session, outage)
    return closed


def clock_held(session: Session, enterprise_id: int, skew_s: float, newest_at: datetime, tolerance_s: float) -> ClockWatch:
    """Remember what a source clock shows; start anew when it shows something else than before."""
    watch = session.get(ClockWatch, enterprise_id)
    if watch is None:
        watch = ClockWatch(enterprise_id=enterprise_id, skew_s=skew_s, since=newest_at, newest_at=newest_at)
        session.add(watch)
    elif abs(watch.skew_s - skew_s) > tolerance_s:
        watch.skew_s, watch.since = skew_s, newest_at
    watch.newest_at = newest_at
    session.flush()
    return watch


def forget_clock(session: Session, enterprise_id: int) -> None:
    """Forget a source clock that is right again."""
    watch = session.get(ClockWatch, enterprise_id)
    if watch is not None:
        session.delete(watch)
        session.flush()


def _tell(session: Session, outage: Outage) -> None:
    announce(session, "intake", outage.id, enterprise_id=outage.enterprise_id, adcode=outage.adcode)
