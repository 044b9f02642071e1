"""The rehearsal of a change: its rules and those in force replayed over the past, compared alarm by alarm."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from portal.audit.services import record
from portal.core.actor import Actor
from portal.core.errors import Conflict
from portal.jobs.queries import parameter_value
from portal.operation.alarms.limit_queries import figures_in_force
from portal.operation.alarms.models import Alarm, AlarmNow
from portal.operation.alarms.rules import TRUE_ALARM
from portal.operation.limits.history import orders_between, series_of_points, wider_outages
from portal.operation.limits.hits import Trace, age_ms
from portal.operation.limits.models import DRAFT, LimitChange, LimitRehearsalAlarm
from portal.operation.limits.queries import find_change, point_codes, rules_of_change
from portal.operation.limits.replay import Around, Compared, Replayed, Series, compare, replay
from portal.operation.limits.ruleset import from_content
from portal.operation.limits.services import forget_rehearsal
from portal.operation.limits.table import WatchedPoint, watched

DEFAULT_DAYS = 90.0
CHUNK_POINTS, AT_ONCE_POINTS = 40, 20
KEPT_MOST = 20_000
RUN_S = 6.0
OUTCOMES = ("missed", "removed", "added", "changed", "kept")


@dataclass(frozen=True)
class Span:
    """The past that is replayed."""

    begin: datetime
    end: datetime

    @property
    def end_ms(self) -> int:
        """Return the end in ms since 1970."""
        return _ms(self.end)


def order_rehearsal(session: Session, change_id: int, *, now: datetime, actor: Actor) -> LimitChange:
    """Have a draft rehearsed anew: few points at once, many by the schedule while the page shows how far it is."""
    change = find_change(session, change_id, scope=actor.scope, locked=True)
    if change.state != DRAFT:
        raise Conflict("limit_not_a_draft")
    forget_rehearsal(session, change)
    change.rehearsal_state = "waiting"
    change.rehearsal_days = int(parameter_value(session, "limits.rehearsal_days", DEFAULT_DAYS))
    change.rehearsal = {"until": now.isoformat()}
    session.flush()
    record(
        session, actor, "limit.rehearse", object_type="limit_change", object_id=change.id,
        enterprise_id=change.enterprise_id, after={"points": change.points, "days": change.rehearsal_days},
    )  # fmt: skip
    if change.points <= AT_ONCE_POINTS:
        rehearse_for(session, change, seconds=float("inf"))
    return change


def rehearse_waiting(session: Session, _now: datetime) -> str:
    """Go on with the oldest rehearsal that waits or runs, a few seconds a time so that its progress shows."""
    change = session.scalar(
        select(LimitChange)
        .where(LimitChange.rehearsal_state.in_(("waiting", "running")), LimitChange.state == DRAFT)
        .order_by(LimitChange.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    if change is None:
        return "nothing to rehearse"
    rehearse_for(session, change, seconds=RUN_S)
    return f"change {change.id}: {change.rehearsed_points} of {change.points} points"


def rehearse_for(session: Session, change: LimitChange, *, seconds: float) -> None:
    """Rehearse chunks of points until the time is up or all are done; the session is a worker's."""
    begun = time.monotonic()
    told = dict(change.rehearsal or {})
    until = datetime.fromisoformat(told["until"])
    span = Span(until - timedelta(days=change.rehearsal_days or DEFAULT_DAYS), until)
    change.rehearsal_state = "running"
    while time.monotonic() - begun < seconds:
        rows = rules_of_change(session, change.id, after=told.get("last", 0), most=CHUNK_POINTS)
        if not rows:
            change.rehearsal_state, change.rehearsed_at = "done", until
            break
        counted, stored = _rehearse(session, change, rows, span, KEPT_MOST - told.get("stored", 0))
        for name, count in counted.items():
            told[name] = told.get(name, 0) + count
        told["stored"] = told.get("stored", 0) + stored
        told["last"] = rows[-1].LimitRule.point_id
        change.rehearsed_points += len(rows)
    told["seconds"] = round(told.get("seconds", 0) + time.monotonic() - begun, 2)
    change.rehearsal = told
    session.flush()


def _rehearse(
    session: Session, change: LimitChange, rows: Sequence[Any], span: Span, room: int
) -> tuple[Counter[str], int]:
    """Rehearse some points; return the counts and how many alarms were stored."""
    before, after = points_under(session, rows, "former"), points_under(session, rows, "content")
    found = alarms_of_points(session, [*before.values(), *after.values()], span)
    truth = _true_alarms(session, list(before), span)
    counted: Counter[str] = Counter(dict.fromkeys(OUTCOMES, 0))
    stored: list[dict[str, Any]] = []
    for point_id, was in before.items():
        now_made, readings = found[id(after[point_id])]
        was_made, _ = found[id(was)]
        counted["readings"] += readings
        counted["before"] += len(was_made)
        counted["after"] += len(now_made)
        for each in compare(was_made, now_made, span.end_ms):
            alarm_id, verdict = _in_truth(each.alarm, truth.get(point_id, ()))
            outcome = "missed" if each.outcome == "removed" and verdict == TRUE_ALARM else each.outcome
            counted[outcome] += 1
            stored.append(_row(change.id, was, Compared(outcome, each.alarm), alarm_id))
    stored = stored[: max(room, 0)]
    if stored:
        session.execute(insert(LimitRehearsalAlarm), stored)
    return counted, len(stored)


def points_under(session: Session, rows: Sequence[Any], column: str) -> dict[int, WatchedPoint]:
    """Return the points of a change under the rules of a column: `content` the new, `former` the old ones."""
    figures, codes = figures_in_force(session), {}
    found = {}
    for row in rows:
        rules = from_content(getattr(row.LimitRule, column))
        if rules.combined and row.enterprise_id not in codes:
            codes[row.enterprise_id] = point_codes(session, row.enterprise_id)
        found[row.LimitRule.point_id] = watched(row, rules, figures, codes.get(row.enterprise_id, {}).get)
    return found


def alarms_of_points(
    session: Session, points: Sequence[WatchedPoint], span: Span
) -> dict[int, tuple[list[Replayed], int]]:
    """Return the alarms that points' rules make of the stored readings of a span, and how many readings, by object."""
    numbers = {each.id for each in points} | {other for each in points for other, _ in each.others.values()}
    series = series_of_points(session, sorted(numbers), span.begin, span.end)
    orders = orders_between(session, [(each.enterprise_id, each.object_code) for each in points], span.begin, span.end)
    silent = [each.id for each in points if each.ruled.rules.silence]
    outages = wider_outages(session, silent, span.begin, span.end) if silent else {}
    found = {}
    for point in points:
        own = series.get(point.id, Series())
        around = Around(
            _traces(point, series),
            orders.get((point.enterprise_id, point.object_code), ()),
            outages.get(point.id, ()),
        )
        found[id(point)] = replay(point.ruled, own, around, until_ms=span.end_ms), int(own.ts_ms.size)
    return found


def _traces(point: WatchedPoint, series: Mapping[int, Series]) -> dict[str, Trace]:
    return {
        code: series.get(other, Series()).trace(age_ms(period_s)) for code, (other, period_s) in point.others.items()
    }


def _true_alarms(session: Session, point_ids: Sequence[int], span: Span) -> dict[int, list[Any]]:
    """Return the alarms that were raised in truth in a span, by point."""
    rows = session.execute(
        select(Alarm.id, Alarm.point_id, Alarm.kind, Alarm.raised_at, AlarmNow.cleared_at, AlarmNow.verdict)
        .join(AlarmNow, AlarmNow.alarm_id == Alarm.id)
        .where(Alarm.point_id.in_(point_ids), Alarm.raised_at >= span.begin, Alarm.raised_at < span.end)
        .order_by(Alarm.raised_at)
    )
    found: dict[int, list[Any]] = {}
    for row in rows:
        found.setdefault(row.point_id or 0, []).append(row)
    return found


def _in_truth(alarm: Replayed, rows: Sequence[Any]) -> tuple[int | None, int | None]:
    """Return number and judgement of the alarm raised in truth: the same instant, else a true one that overlaps."""
    same = [row for row in rows if row.kind == alarm.kind]
    for row in same:
        if _ms(row.raised_at) == alarm.raised_ms:
            return row.id, row.verdict
    end_ms = alarm.cleared_ms
    near = [
        row
        for row in same
        if (end_ms is None or _ms(row.raised_at) <= end_ms)
        and (row.cleared_at is None or _ms(row.cleared_at) >= alarm.raised_ms)
    ]
    best = next((row for row in near if row.verdict == TRUE_ALARM), near[0] if near else None)
    return (best.id, best.verdict) if best else (None, None)


def _row(change_id: int, point: WatchedPoint, each: Compared, alarm_id: int | None) -> dict[str, Any]:
    alarm = each.alarm
    return {
        "change_id": change_id, "point_id": point.id, "enterprise_id": point.enterprise_id, "adcode": point.adcode,
        "outcome": each.outcome, "kind": alarm.kind, "level": alarm.level, "limit_name": alarm.limit_name,
        "value": alarm.value, "raised_at": _at(alarm.raised_ms),
        "cleared_at": None if alarm.cleared_ms is None else _at(alarm.cleared_ms),
        "historical": alarm.historical, "alarm_id": alarm_id,
    }  # fmt: skip


def _at(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)


def _ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)
