"""Flow: from readings and pushed alarms to alarms and, where the rules ask for one, a case."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from sqlalchemy import text
from sqlalchemy.orm import Session

from portal.core.actor import Actor
from portal.flows.case_opening import open_case_if_due
from portal.flows.historical_alarms import raise_historical
from portal.flows.limit_judging import Judging, Open, recalled
from portal.flows.places import place_named
from portal.operation.alarms.limit_queries import (
    lock_point_kind,
    lock_watches,
    merged_alarm,
    open_alarms_of,
    remembered_points,
)
from portal.operation.alarms.queries import lock_pushed_alarm
from portal.operation.alarms.rules import LIVE_WITHIN_S, PushedAlarm, worse
from portal.operation.alarms.services import Happening, NewAlarm, add_event, raise_alarm
from portal.operation.limits.engine import Batch, Hits, judge_batch
from portal.operation.limits.gather import checks_of, states_of
from portal.operation.limits.table import rule_table
from portal.operation.telemetry.blocks import ReadingBlock


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
    """Judge a block of stored readings by the rules of their points; return the number of transitions.

    Only points off normal, remembered as such, or with steps and combined conditions leave the arrays.
    Back-filled rows, rows older than an hour and rows judged before make historical alarms, which ring nowhere.
    """
    if not block.rows:
        return 0
    table = rule_table(session, block.enterprise_id)
    checks = checks_of(session, table, block)
    off = set(table.off_normal(block.point_id, block.value, block.quality).tolist())
    off.update(point_id for point_id, hits in checks.items() if any(map(any, hits.values())))
    sent = set(np.unique(block.point_id).tolist())
    known = remembered_points(session, block.enterprise_id) if remembered is None else remembered
    concerned = sorted((off | (known & sent)) & table.points.keys())
    if not concerned:
        return 0
    judging = Judging(session, now, actor, block.receipt_id)
    points = {each: table.points[each] for each in concerned}
    states = states_of(session, {each: point for each, point in points.items() if point.ruled.rules.state}, block)
    watches, opened, done = lock_watches(session, concerned), open_alarms_of(session, concerned), 0
    for point_id, point in points.items():
        stored = watches[point_id]
        before = recalled(stored, point, opened)
        hits = checks.get(point_id, {}) | ({"state": states[point_id]} if point_id in states else {})
        batch = _batch(block, point_id, hits)
        judged = judge_batch(point.ruled, before.memory if before.known else None, batch, round(now.timestamp() * 1000))
        done += raise_historical(session, point, judged.late, receipt_id=block.receipt_id, actor=actor)
        judging.apply(point, before, judged.changes)
        judging.remember(stored, point, before, judged.memory)
        done += len(judged.changes)
    return done


def _batch(block: ReadingBlock, point_id: int, hits: Hits) -> Batch:
    begin, end = np.searchsorted(block.point_id, [point_id, point_id + 1])
    columns = (block.ts_ms[begin:end], block.value[begin:end], block.quality[begin:end])
    rows = list(zip(*(each.tolist() for each in columns), strict=True))
    return Batch(rows, block.flag[begin:end].tolist(), hits)


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
