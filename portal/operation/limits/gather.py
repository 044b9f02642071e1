"""What the checks of a batch need beside its rows: readings before it, other points, work orders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.orm import Session

from portal.core.db import call
from portal.operation.limits.hits import (
    Trace,
    age_ms,
    combined_hits,
    good_values,
    may_hit,
    rate_hits,
    state_hits,
    step_names,
)
from portal.operation.limits.table import RuleTable, WatchedPoint
from portal.operation.telemetry.blocks import ReadingBlock

FOLDER = str(Path(__file__).parent)
FOREVER = 2**62
# Single readings only: live rows are of the last hour, and days are packed after a week.
_WINDOWS = """
select u.point_id, (date_part('epoch', r.ts) * 1000)::bigint, r.value
from unnest(%s::int[], %s::timestamptz[], %s::timestamptz[]) as u(point_id, begins, ends)
cross join lateral (select ts, value from reading
  where reading.point_id = u.point_id and ts >= u.begins and ts < u.ends and quality in (192, 216)
    and value is not null) r
order by 1, 2
"""
Span = tuple[int, int, int]  # point, begin ms, end ms


def checks_of(session: Session, table: RuleTable, block: ReadingBlock) -> dict[int, dict[str, Sequence[Any]]]:
    """Return what steps and combined conditions say of each row of the points that have them, by point."""
    if not table.special.size:
        return {}
    sent = np.intersect1d(table.special, block.point_id)
    if not sent.size:
        return {}
    rows = {each: _rows(block, each) for each in sent.tolist()}
    points = {each: table.points[each] for each in rows}
    traces = _traces(session, block, points, rows)
    return {each: _hits(point, block, rows[each], traces) for each, point in points.items()}


def _rows(block: ReadingBlock, point_id: int) -> slice:
    begin, end = np.searchsorted(block.point_id, [point_id, point_id + 1])
    return slice(int(begin), int(end))


def _hits(
    point: WatchedPoint, block: ReadingBlock, rows: slice, traces: Mapping[int, tuple[Any, Any]]
) -> dict[str, Sequence[Any]]:
    rules, ts_ms, value = point.ruled.rules, block.ts_ms[rows], block.value[rows]
    good = good_values(value, block.quality[rows])
    found: dict[str, Sequence[Any]] = {}
    if rules.rate:
        before_ms, before = traces.get(point.id, (np.empty(0, np.int64), np.empty(0)))
        earlier = before_ms < ts_ms[0]
        whole_ms, whole = np.append(before_ms[earlier], ts_ms), np.append(before[earlier], value)
        marks = np.append(np.ones(int(earlier.sum()), bool), good)
        found["rate"] = step_names(rate_hits(whole_ms, whole, marks, rules.rate)[-ts_ms.size :])
    if rules.combined:
        others = {
            code: _trace(traces.get(other), block, other, period_s).at(ts_ms, np.zeros(ts_ms.size, np.int64))
            for code, (other, period_s) in point.others.items()
        }
        found["combined"] = combined_hits(rules.combined.groups, value, good, others).tolist()
    return found


def _trace(stored: tuple[Any, Any] | None, block: ReadingBlock, other: int, period_s: int) -> Trace:
    """Return what is known of another point: stored readings and those of this very batch."""
    rows = _rows(block, other)
    good = good_values(block.value[rows], block.quality[rows])
    ms, value = stored or (np.empty(0, np.int64), np.empty(0))
    ms, value = np.append(ms, block.ts_ms[rows][good]), np.append(value, block.value[rows][good])
    order = np.argsort(ms, kind="stable")
    return Trace(ms[order], value[order], np.zeros(ms.size, np.int64), age_ms(period_s))


def _traces(
    session: Session, block: ReadingBlock, points: Mapping[int, WatchedPoint], rows: Mapping[int, slice]
) -> dict[int, tuple[NDArray[np.int64], NDArray[np.float64]]]:
    """Return the stored good readings that steps and conditions of this batch look back to, by point."""
    spans: dict[int, tuple[int, int]] = {}
    for point_id, point in points.items():
        ts_ms, rules = block.ts_ms[rows[point_id]], point.ruled.rules
        first, last = int(ts_ms[0]), int(ts_ms[-1])
        if rules.rate:
            _widen(spans, point_id, first - 1000 * rules.rate.over_s, first)
        good = good_values(block.value[rows[point_id]], block.quality[rows[point_id]])
        if rules.combined and may_hit(rules.combined.groups, block.value[rows[point_id]], good):
            for other, period_s in point.others.values():
                _widen(spans, other, first - age_ms(period_s), last + 1)
    return windows(session, [(point_id, *span) for point_id, span in sorted(spans.items())])


def _widen(spans: dict[int, tuple[int, int]], point_id: int, begin: int, end: int) -> None:
    known = spans.get(point_id, (begin, end))
    spans[point_id] = min(known[0], begin), max(known[1], end)


def windows(session: Session, spans: Sequence[Span]) -> dict[int, tuple[NDArray[np.int64], NDArray[np.float64]]]:
    """Return the good single readings of points within spans, as instants (ms) and values by point."""
    if not spans:
        return {}
    ids, begins, ends = zip(*spans, strict=True)
    rows = call(session, _WINDOWS, (list(ids), [_at(each) for each in begins], [_at(each) for each in ends]))
    if not rows:
        return {}
    point, ms, value = (np.array(column) for column in zip(*rows, strict=True))
    cuts = np.flatnonzero(np.diff(point)) + 1
    parts = zip(np.split(point, cuts), np.split(ms, cuts), np.split(value.astype(float), cuts), strict=True)
    return {int(own[0]): (at.astype(np.int64), values) for own, at, values in parts}


def states_of(
    session: Session, points: Mapping[int, WatchedPoint], block: ReadingBlock
) -> dict[int, Sequence[Any]]:
    """Return which rows of points with a normal state show another one that no work order covers, by point."""
    found: dict[int, Sequence[Any]] = {}
    orders = orders_of(session, list(points.values())) if points else {}
    for point_id, point in points.items():
        rows = _rows(block, point_id)
        value = block.value[rows]
        state = point.ruled.rules.state
        if state is not None:
            covered = orders.get((point.enterprise_id, point.object_code), [])
            good = good_values(value, block.quality[rows])
            found[point_id] = state_hits(block.ts_ms[rows], value, good, state, covered).tolist()
    return found


def orders_of(session: Session, points: Sequence[WatchedPoint]) -> dict[tuple[int, str], list[tuple[int, int]]]:
    """Return the spans (begin, end; ms) of the work orders of the objects of points, by enterprise and object."""
    rows = session.execute(
        text(
            "select enterprise_id, object_code, (date_part('epoch', begins_at) * 1000)::bigint,"
            " (date_part('epoch', ends_at) * 1000)::bigint from operation_order"
            " where enterprise_id = any(:enterprises) and object_code = any(:objects) order by begins_at"
        ),
        {
            "enterprises": sorted({each.enterprise_id for each in points}),
            "objects": sorted({each.object_code for each in points}),
        },
    )
    found: dict[tuple[int, str], list[tuple[int, int]]] = {}
    for enterprise_id, object_code, begin, end in rows:
        found.setdefault((enterprise_id, object_code), []).append((begin, end))
    return found


def _at(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)
