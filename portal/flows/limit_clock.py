"""Flow: what begins or ends by the clock: silence of a point, flat lines, delays that run out without a new value."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from portal.core.actor import job_actor
from portal.flows.limit_judging import Judging, recalled
from portal.operation.alarms.limit_queries import lock_watches, open_alarms_of
from portal.operation.alarms.models import LimitWatch
from portal.operation.alarms.rules import GRACE_S
from portal.operation.limits.engine import run_clock, start_check
from portal.operation.limits.gather import windows
from portal.operation.limits.history import wider_outages
from portal.operation.limits.hits import flat_runs
from portal.operation.limits.queries import REMOVED
from portal.operation.limits.table import WatchedPoint, rule_table

MOST = 5_000
# Points with a rule of silence whose newest reading is older than it allows; a removed point owes no readings.
_SILENT = text(
    "select r.enterprise_id, r.point_id, (date_part('epoch', l.ts) * 1000)::bigint as last_ms, l.value"
    " from limit_rule r join latest l on l.point_id = r.point_id join point p on p.id = r.point_id"
    " where r.state = 2 and r.content ? 'silence' and p.status <> :removed"
    " and l.ts < cast(:now as timestamptz) - make_interval(secs => (r.content->'silence'->>'after_s')::float8)"
    " order by r.enterprise_id, r.point_id limit :most"
)
# Points with a rule against flat lines that report, and whose closed hours within its time do not move.
_STILL = text(
    "select r.enterprise_id, r.point_id, (date_part('epoch', l.ts) * 1000)::bigint as last_ms, l.value"
    " from limit_rule r join latest l on l.point_id = r.point_id join point p on p.id = r.point_id"
    " where r.state = 2 and r.content ? 'flat' and p.status <> :removed and l.quality in (192, 216)"
    " and not exists (select from reading_hour h where h.point_id = r.point_id and h.low is distinct from h.high"
    "   and h.hour >= l.ts - make_interval(secs => (r.content->'flat'->>'for_s')::float8)"
    "   and h.hour <= l.ts - interval '1 hour' and abs(h.high - h.low) > 1e-3 * greatest(abs(h.high), abs(h.low)))"
    " order by r.enterprise_id, r.point_id limit :most"
)


def watch_limits(session: Session, now: datetime) -> str:
    """Raise alarms of silent points, and let delays run out that no new value ended."""
    ended = _run_delays(session, now)
    silent = _raise_silence(session, now)
    return f"{ended} delays ran out, {silent} points silent"


def watch_flat_lines(session: Session, now: datetime) -> str:
    """Raise alarms of points that give one value for longer than their rule allows."""
    rows = session.execute(_STILL, {"removed": REMOVED, "most": MOST}).all()
    return f"{_start(session, now, 'flat', rows, _flat_since(session, rows))} flat lines"


def _run_delays(session: Session, now: datetime) -> int:
    due = now - timedelta(seconds=GRACE_S)
    wanted = select(LimitWatch.point_id).where(LimitWatch.since < due).order_by(LimitWatch.point_id).limit(MOST)
    done, now_ms = 0, _ms(now)
    for points in _by_enterprise(session, session.scalars(wanted).all()):
        watches, opened = lock_watches(session, sorted(points)), open_alarms_of(session, sorted(points))
        judging = Judging(session, now, job_actor("watch_limits"))
        for point_id, point in points.items():
            before = recalled(watches[point_id], point, opened)
            changes, memory = run_clock(point.ruled, before.memory, now_ms)
            if changes:
                judging.apply(point, before, changes)
                judging.remember(watches[point_id], point, before, memory)
                done += len(changes)
    return done


def _raise_silence(session: Session, now: datetime) -> int:
    rows = session.execute(_SILENT, {"removed": REMOVED, "now": now, "most": MOST}).all()
    covered = wider_outages(session, [row.point_id for row in rows], now - timedelta(days=60), now) if rows else {}
    now_ms = _ms(now)
    alone = [
        row for row in rows if not any(begin <= now_ms < end for begin, end in covered.get(row.point_id, ()))
    ]
    return _start(session, now, "silence", alone, {})


def _flat_since(session: Session, rows: Sequence[Any]) -> dict[int, tuple[int, float]]:
    """Return since when the value of each point is known to be flat, and the value; without those that moved."""
    points = {each: point for some in _by_enterprise(session, [row.point_id for row in rows]) for each, point in some.items()}
    spans = [
        (row.point_id, row.last_ms - 1000 * (flat.for_s + 3 * points[row.point_id].ruled.limits.period_s), row.last_ms + 1)
        for row in rows
        if row.point_id in points and (flat := points[row.point_id].ruled.rules.flat)
    ]
    found = {}
    for point_id, (ms, value) in windows(session, spans).items():
        flat = points[point_id].ruled.rules.flat
        runs = flat_runs(ms, value, np.ones(ms.size, bool), 1000 * flat.for_s) if flat else []
        if runs and runs[-1][1] is None:
            found[point_id] = (runs[-1][0], runs[-1][2])
    return found


def _start(
    session: Session, now: datetime, name: str, rows: Sequence[Any], known: dict[int, tuple[int, float]]
) -> int:
    """Raise a check that begins by the clock at each point where it is not active; return how many."""
    if name == "flat":
        rows = [row for row in rows if row.point_id in known]
    last = {row.point_id: row for row in rows}
    done = 0
    for points in _by_enterprise(session, list(last)):
        fresh = {each: point for each, point in points.items() if getattr(point.ruled.rules, name) is not None}
        held = _holding(session, list(fresh), name)
        fresh = {each: point for each, point in fresh.items() if each not in held}
        watches, opened = lock_watches(session, sorted(fresh)), open_alarms_of(session, sorted(fresh))
        judging = Judging(session, now, job_actor("watch_limits"))
        for point_id, point in fresh.items():
            before = recalled(watches[point_id], point, opened)
            at_ms, value = known.get(point_id) or (_silent_at(point, last[point_id].last_ms), last[point_id].value)
            changes, memory = start_check(point.ruled, before.memory, name, at_ms, float("nan") if value is None else value)
            judging.apply(point, before, changes)
            judging.remember(watches[point_id], point, before, memory)
            done += len(changes)
    return done


def _silent_at(point: WatchedPoint, last_ms: int) -> int:
    silence = point.ruled.rules.silence
    return last_ms + 1000 * (silence.after_s if silence else 0)


def _holding(session: Session, point_ids: Sequence[int], name: str) -> set[int]:
    """Return the points at which a check holds an alarm that is still open."""
    if not point_ids:
        return set()
    rows = session.execute(
        text(
            "select w.point_id from limit_watch w where w.point_id = any(:points) and w.memory->'checks'->:name->>1 = 'true'"
            " and exists (select from alarm_now n where n.point_id = w.point_id and n.cleared_at is null"
            " and n.alarm_id in (select (jsonb_each_text(w.memory->'alarms')).value::bigint))"
        ),
        {"points": list(point_ids), "name": name},
    )
    return {row.point_id for row in rows}


def _by_enterprise(session: Session, point_ids: Iterable[int]) -> list[dict[int, WatchedPoint]]:
    """Return the points with their rules, one part an enterprise in the order of its number."""
    wanted = sorted(set(point_ids))
    if not wanted:
        return []
    rows = session.execute(
        text("select distinct enterprise_id from point where id = any(:points) order by 1"), {"points": wanted}
    )
    tables = [rule_table(session, row.enterprise_id).points for row in rows]
    return [{each: points[each] for each in wanted if each in points} for points in tables]


def _ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)
