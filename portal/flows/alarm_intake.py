"""Flow: from readings and pushed alarms to alarms and, where the rules ask for one, a case."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np
from sqlalchemy import text
from sqlalchemy.orm import Session

from portal.core.actor import Actor
from portal.flows.case_opening import open_case_if_due
from portal.flows.historical_alarms import raise_historical
from portal.flows.places import place_named
from portal.operation.alarms.limit_queries import (
    NEVER,
    LimitTable,
    WatchedPoint,
    limit_table,
    lock_point_kind,
    lock_watches,
    merged_alarm,
    open_alarms_of,
    remembered_points,
)
from portal.operation.alarms.models import Alarm, AlarmNow, LimitWatch
from portal.operation.alarms.queries import lock_pushed_alarm
from portal.operation.alarms.rules import (
    LIVE_WITHIN_S,
    Change,
    PushedAlarm,
    Watch,
    judge_series,
    kind_of,
    worse,
)
from portal.operation.alarms.services import Happening, NewAlarm, add_event, raise_alarm
from portal.operation.telemetry.blocks import ReadingBlock

BACK_FILLED = 1
Open = tuple[AlarmNow, Alarm]


@dataclass(frozen=True)
class AlarmOutcome:
    """What became of a pushed alarm: raised, updated, merged or unchanged."""

    what: str
    alarm_id: int
    case_id: int | None = None


def take_in_readings(
    session: Session,
    block: ReadingBlock,
    *,
    now: datetime,
    actor: Actor,
    remembered: frozenset[int] | None = None,
) -> int:
    """Judge a block of stored readings against the limits; return the number of transitions.

    Only points off normal, or remembered as such, leave the arrays. Back-filled rows, rows older
    than an hour and rows judged before make historical alarms, which ring nowhere.
    """
    if not block.rows:
        return 0
    table = limit_table(session, block.enterprise_id)
    off = set(table.off_normal(block.point_id, block.value, block.quality).tolist())
    sent = set(np.unique(block.point_id).tolist())
    known = remembered_points(session, block.enterprise_id) if remembered is None else remembered
    concerned = sorted((off | (known & sent)) & table.points.keys())
    if not concerned:
        return 0
    judging = _Judging(session, block, table, now, actor)
    watches = lock_watches(session, concerned)
    opened = open_alarms_of(session, concerned)
    return sum(judging.judge_point(each, watches[each], opened) for each in concerned)


@dataclass(frozen=True)
class _Judging:
    """One block being judged."""

    session: Session
    block: ReadingBlock
    table: LimitTable
    now: datetime
    actor: Actor

    def judge_point(
        self, point_id: int, stored: LimitWatch, opened: dict[tuple[int, int], Open]
    ) -> int:
        """Judge the rows of one point and store what is remembered of it."""
        point = self.table.points[point_id]
        present = opened.get((point_id, kind_of(point.limits.measure)))
        if present and stored.alarm_id != present[0].alarm_id:
            present = None
        watch = _recalled(stored, present)
        live, late = self._rows_of(point_id, watch.judged_to_ms)
        figures = self.table.figures_for(point.limits.measure)
        done = raise_historical(
            self.session, point, figures, late, receipt_id=self.block.receipt_id, actor=self.actor
        )
        changes, watch = judge_series(point.limits, figures, watch, live)
        for change in changes:
            present = self._apply(point, change, present)
        if present and watch.open_limit and watch.peak is not None:
            present[0].peak_value = watch.peak
        self._remember(stored, watch, present, changed=bool(changes), judged=bool(live))
        return done + len(changes)

    def _rows_of(
        self, point_id: int, judged_to_ms: int
    ) -> tuple[list[tuple[int, float, int]], list[tuple[int, float, int]]]:
        block = self.block
        begin, end = np.searchsorted(block.point_id, [point_id, point_id + 1])
        ts, flag = block.ts_ms[begin:end], block.flag[begin:end]
        oldest = int(self.now.timestamp() * 1000) - LIVE_WITHIN_S * 1000
        live = (flag != BACK_FILLED) & (ts > judged_to_ms) & (ts >= oldest)
        columns = (ts.tolist(), block.value[begin:end].tolist(), block.quality[begin:end].tolist())
        rows = list(zip(*columns, strict=True))
        return (
            [row for row, now in zip(rows, live.tolist(), strict=True) if now],
            [row for row, now in zip(rows, live.tolist(), strict=True) if not now],
        )

    def _apply(self, point: WatchedPoint, change: Change, present: Open | None) -> Open | None:
        at = instant(change.at_ms)
        if change.action == "raise":
            return self._raise(point, change)
        if present is None:
            return None
        present[0].peak_value = change.peak
        happening = Happening(change.action, at, value=change.value)
        if change.action == "escalate":
            happening = replace(happening, level=change.level)
        add_event(self.session, present[0], happening, actor=self.actor)
        if change.action == "clear":
            return None
        open_case_if_due(
            self.session, present[1], present[0], now=self.now, actor=self.actor
        )
        return present

    def _raise(self, point: WatchedPoint, change: Change) -> Open:
        kind = kind_of(point.limits.measure)
        lock_point_kind(self.session, point.id, kind)
        known = open_alarms_of(self.session, [point.id]).get((point.id, kind))
        if known:
            graver = change.level < known[0].level
            happening = Happening(
                "escalate" if graver else "note",
                instant(change.at_ms),
                note=f"{change.limit_name} {change.value:g} {point.unit}",
                value=change.value,
                level=change.level if graver else None,
            )
            add_event(self.session, known[0], happening, actor=self.actor)
            fact, present = known[1], known[0]
        else:
            new = NewAlarm(
                enterprise_id=point.enterprise_id,
                adcode=point.adcode,
                source="rule",
                kind=kind,
                level=change.level,
                raised_at=instant(change.at_ms),
                point_id=point.id,
                object_code=point.object_code,
                limit_name=change.limit_name,
                limit_value=point.limits.value_of(change.limit_name),
                value=change.value,
                unit=point.unit,
                receipt_id=self.block.receipt_id,
                lon_lat=point.lon_lat,
            )
            fact, present = raise_alarm(self.session, new, actor=self.actor)
        open_case_if_due(self.session, fact, present, now=self.now, actor=self.actor)
        return present, fact

    def _remember(
        self,
        stored: LimitWatch,
        watch: Watch,
        present: Open | None,
        *,
        changed: bool,
        judged: bool,
    ) -> None:
        """Keep the memory while something is off, and an hour longer so that late rows are known."""
        if watch.idle and not changed:
            if self.now - stored.judged_to > timedelta(seconds=LIVE_WITHIN_S):
                self.session.delete(stored)
            elif stored.limit_name or stored.alarm_id:
                stored.limit_name = stored.since = stored.alarm_id = None
            return
        stored.limit_name = watch.limit_name
        stored.since = instant(watch.since_ms) if watch.since_ms is not None else None
        stored.alarm_id = present[0].alarm_id if present and watch.open_limit else None
        if judged:
            stored.judged_to = instant(watch.judged_to_ms)


def _recalled(stored: LimitWatch, present: Open | None) -> Watch:
    judged_to_ms = _ms(stored.judged_to) if stored.judged_to > NEVER else 0
    since_ms = _ms(stored.since) if stored.since else None
    if present is None:
        name = stored.limit_name if stored.alarm_id is None else None
        return Watch(name, since_ms if name else None, judged_to_ms=judged_to_ms)
    now, fact = present
    side = "low" if (fact.limit_name or "high").startswith("low") else "high"
    open_limit = f"{side}_{side}" if now.level == 1 else side
    return Watch(stored.limit_name, since_ms, open_limit, now.peak_value, judged_to_ms)


def instant(ms: int) -> datetime:
    """Return the instant of milliseconds since the epoch."""
    return datetime.fromtimestamp(ms / 1000, UTC)


def _ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)


def take_in_alarm(
    session: Session, push: PushedAlarm, *, now: datetime, actor: Actor
) -> AlarmOutcome:
    """Store an alarm of an enterprise's own system, or what became of it since, and open its case."""
    _one_at_a_time(session, push)
    known = lock_pushed_alarm(session, push.enterprise_id, push.alarm_no)
    if known:
        return _update(session, push, known, actor=actor)
    lon_lat = (push.lon, push.lat) if push.lon is not None and push.lat is not None else None
    place = place_named(
        session, push.enterprise_id, point=push.point, object_code=push.object_code, lon_lat=lon_lat
    )
    if place.point_id is not None:
        lock_point_kind(session, place.point_id, push.kind)
        merged = _merge(session, push, place.point_id, actor=actor)
        if merged:
            return merged
    late = now - push.raised_at > timedelta(seconds=LIVE_WITHIN_S)
    new = NewAlarm(
        enterprise_id=push.enterprise_id,
        adcode=place.adcode,
        source="enterprise",
        kind=push.kind,
        level=push.level,
        raised_at=push.raised_at,
        alarm_no=push.alarm_no,
        point_id=place.point_id,
        object_code=place.object_code,
        limit_value=push.limit,
        value=push.value,
        unit=place.unit,
        text_said=push.text,
        historical=late and push.cleared_at is not None,
        receipt_id=push.receipt_id,
        lon_lat=place.lon_lat,
    )
    fact, present = raise_alarm(session, new, actor=actor)
    case = open_case_if_due(session, fact, present, now=now, actor=actor)
    _update(session, push, (present, fact), actor=actor)
    return AlarmOutcome("raised", fact.id, case.id if case else None)


def _one_at_a_time(session: Session, push: PushedAlarm) -> None:
    session.execute(
        text("select pg_advisory_xact_lock(:enterprise, hashtext(:number))"),
        {"enterprise": -push.enterprise_id, "number": push.alarm_no},
    )


def _update(session: Session, push: PushedAlarm, known: Open, *, actor: Actor) -> AlarmOutcome:
    """Add what a later message says: a graver level, what was done, that it is over."""
    present, _ = known
    happenings = []
    if push.level < present.level:
        happenings.append(Happening("escalate", push.raised_at, value=push.value, level=push.level))
    if push.disposal and push.disposal != last_said(session, present.alarm_id, "disposal"):
        at = push.cleared_at or push.raised_at
        happenings.append(Happening("disposal", at, note=push.disposal))
    if push.cleared_at and present.cleared_at is None:
        happenings.append(Happening("clear", push.cleared_at))
    for each in happenings:
        add_event(session, present, each, actor=actor)
    what = "updated" if happenings else "unchanged"
    return AlarmOutcome(what, present.alarm_id, present.case_id)


def _merge(
    session: Session, push: PushedAlarm, point_id: int, *, actor: Actor
) -> AlarmOutcome | None:
    """Note a pushed alarm on the alarm that tells of the same thing; None when there is none."""
    mark = f"[{push.alarm_no}]"
    present = merged_alarm(session, point_id, push.kind, mark=mark)
    if present is not None:
        if push.disposal and push.disposal != last_said(session, present.alarm_id, "disposal"):
            at = push.cleared_at or push.raised_at
            add_event(
                session, present, Happening("disposal", at, note=push.disposal), actor=actor
            )
            return AlarmOutcome("updated", present.alarm_id, present.case_id)
        return AlarmOutcome("unchanged", present.alarm_id, present.case_id)
    known = open_alarms_of(session, [point_id]).get((point_id, push.kind))
    if known is None:
        return None
    present, said = known[0], f"{mark} {push.text or ''}"
    graver = push.level < present.level
    happening = Happening(
        "escalate" if graver else "note",
        push.raised_at,
        note=said.strip(),
        value=push.value,
        level=push.level if graver else None,
    )
    if push.value is not None and known[1].limit_name:
        present.peak_value = worse(known[1].limit_name, present.peak_value, push.value)
    add_event(session, present, happening, actor=actor)
    case = open_case_if_due(session, known[1], present, now=push.raised_at, actor=actor)
    return AlarmOutcome("merged", present.alarm_id, case.id if case else present.case_id)


def last_said(session: Session, alarm_id: int, action: str) -> str | None:
    """Return what was last said by an event of a kind."""
    found: str | None = session.scalar(
        text(
            "select note from alarm_event where alarm_id = :alarm and action = :action "
            "order by id desc limit 1"
        ),
        {"alarm": alarm_id, "action": action},
    )
    return found
