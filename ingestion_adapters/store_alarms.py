"""ALM: alarms of the enterprise's own system, and later messages that say what became of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from ingestion_adapters.checks import Finding, Stored, instant_of, raw_text, time_finding
from ingestion_adapters.contract import AlarmPush
from ingestion_adapters.store_bulk import ids_of
from ingestion_adapters.store_network import about, plain
from portal.core.actor import Actor
from portal.flows.alarm_intake import take_in_alarm
from portal.operation.alarms.rules import PushedAlarm

AHEAD = timedelta(seconds=300)
OLDEST = timedelta(days=6 * 366)


def store_alarms(
    session: Session,
    enterprise_id: int,
    records: Sequence[AlarmPush],
    receipt_id: int,
    *,
    now: datetime,
    actor: Actor,
) -> Stored:
    """Hand each alarm to the flow in the order sent; return what was new, known and refused."""
    points = ids_of(session, "point", enterprise_id, {sent.point for sent in records if sent.point})
    findings: list[Finding] = []
    accepted = known = 0
    for index, sent in enumerate(records):
        pushed = _judged(sent, index, now, known_points=points)
        if isinstance(pushed, Finding):
            findings.append(pushed)
            continue
        push = replace(pushed, enterprise_id=enterprise_id, receipt_id=receipt_id)
        outcome = take_in_alarm(session, push, now=now, actor=actor)
        if outcome.what == "unchanged":
            known += 1
        else:
            accepted += 1
    return Stored(accepted, known, findings)


def _judged(sent: AlarmPush, index: int, now: datetime, *, known_points: dict[str, int]) -> PushedAlarm | Finding:
    times: dict[str, datetime | None] = {"cleared_at": None}
    for field in ("raised_at", "cleared_at"):
        value = getattr(sent, field)
        if value is None:
            continue
        at = instant_of(value)
        code = _time_code(at, now)
        if code:
            return _about_time(sent, index, field, code)
        times[field] = at
    raised, cleared = times["raised_at"], times["cleared_at"]
    if raised is None or (cleared is not None and cleared < raised):
        return _about_time(sent, index, "cleared_at", "E_TIME")
    if sent.point is not None and sent.point not in known_points:
        return replace(
            about(
                sent, index, "E_UNKNOWN_OBJECT", "point", f"测点“{sent.point}”不存在", f"Point {sent.point} is unknown"
            ),
            object_code=sent.alarm_no,
        )
    return PushedAlarm(
        0,
        sent.alarm_no,
        sent.kind,
        sent.level,
        raised,
        sent.point,
        sent.object_code,
        sent.value,
        sent.limit,
        sent.text,
        cleared,
        sent.disposal,
        sent.lon,
        sent.lat,
    )


def _time_code(at: datetime | None, now: datetime) -> str | None:
    if at is None:
        return "E_TIME"
    if at > now + AHEAD:
        return "E_FUTURE"
    return "E_TOO_OLD" if at < now - OLDEST else None


def _about_time(sent: AlarmPush, index: int, field: str, code: str) -> Finding:
    return replace(time_finding(field, code), row=index, object_code=sent.alarm_no, raw=raw_text(plain(sent)))
