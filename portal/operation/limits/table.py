"""The rules in force of an enterprise's points as arrays, kept by version: what intake judges a batch by."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from portal.operation.alarms.limit_queries import figures_in_force
from portal.operation.alarms.models import LimitWatch
from portal.operation.alarms.rules import AlarmFigures, Limits
from portal.operation.limits.models import RELEASED, RETIRED, LimitRule
from portal.operation.limits.ruleset import Band, Ruled, RuleSet, from_content, other_points, ruled
from portal.operation.limits.screening import is_special, screen
from portal.operation.telemetry.models import Point

CACHED_S = 5.0
# Changes of points, rules and figures move one of these; a sum, since a late commit may carry an early time.
_VERSION = text(
    "select (select count(*) || ' ' || coalesce(sum(extract(epoch from valid_from)), 0) from point where enterprise_id = :e)"
    " || ' ' || (select count(*) || ' ' || coalesce(sum(state * id), 0) from limit_rule where enterprise_id = :e)"
    " || ' ' || (select coalesce(sum(value), 0) || ' ' || coalesce(max(updated_at)::text, '') from parameter where key like 'alarm.%')"
)


@dataclass(frozen=True)
class WatchedPoint:
    """A point as the engine sees it; `others` are the points its combined conditions name, with their periods."""

    id: int
    enterprise_id: int
    adcode: str | None
    object_code: str
    unit: str
    status: int
    lon_lat: tuple[float, float]
    ruled: Ruled
    filed: Band
    others: dict[str, tuple[int, int]] = field(default_factory=dict)


@dataclass(frozen=True)
class RuleTable:
    """Rules of an enterprise as arrays sorted by point; `special` marks points with steps or combined conditions."""

    made_at: float
    version: str
    point_id: NDArray[np.int32]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    special: NDArray[np.int32]
    points: dict[int, WatchedPoint]

    def off_normal(
        self, point_id: NDArray[np.int32], value: NDArray[np.float64], quality: NDArray[np.int16]
    ) -> NDArray[np.int32]:
        """Return the points with a good reading at or beyond an innermost limit, each once."""
        if not self.point_id.size:
            return np.empty(0, np.int32)
        place = np.minimum(np.searchsorted(self.point_id, point_id), self.point_id.size - 1)
        known = self.point_id[place] == point_id
        good = (quality == 192) | (quality == 216)
        off = known & good & ((value <= self.low[place]) | (value >= self.high[place]))
        return np.unique(point_id[off])


_tables: dict[int, RuleTable] = {}


def forget_limits() -> None:
    """Drop the rules kept of every enterprise."""
    _tables.clear()


def rule_table(session: Session, enterprise_id: int) -> RuleTable:
    """Return the rules of an enterprise's points, at most five seconds old; made again only when they changed."""
    kept = _tables.get(enterprise_id)
    if kept and time.monotonic() - kept.made_at < CACHED_S:
        return kept
    version = str(session.scalar(_VERSION, {"e": enterprise_id}))
    if kept and kept.version == version:
        table = replace(kept, made_at=time.monotonic())
    else:
        table = _made(watched_points(session, enterprise_id), version)
    _tables[enterprise_id] = table
    return table


def _made(points: dict[int, WatchedPoint], version: str) -> RuleTable:
    ids = np.array(sorted(points), np.int32)
    innermost = [screen(points[each].ruled.rules) for each in ids.tolist()]
    special = [each for each in ids.tolist() if is_special(points[each].ruled.rules)]
    return RuleTable(
        made_at=time.monotonic(),
        version=version,
        point_id=ids,
        low=np.array([low for low, _ in innermost], np.float64),
        high=np.array([high for _, high in innermost], np.float64),
        special=np.array(special, np.int32),
        points=points,
    )


POINT_COLUMNS = (
    Point.id, Point.enterprise_id, Point.adcode, Point.object_code, Point.unit, Point.status, Point.measure, Point.period_s,
    Point.low_low, Point.low, Point.high, Point.high_high, Point.range_low, Point.range_high, Point.src_code,
    func.ST_X(Point.geom).label("lon"), func.ST_Y(Point.geom).label("lat"),
)  # fmt: skip


def watched_points(session: Session, enterprise_id: int) -> dict[int, WatchedPoint]:
    """Return the points of an enterprise with limits, rules, or an alarm that is still remembered, by number."""
    rows = session.execute(select(*POINT_COLUMNS).where(Point.enterprise_id == enterprise_id)).all()
    contents = contents_in_force(session, [LimitRule.enterprise_id == enterprise_id])
    remembered = set(
        session.scalars(
            select(LimitWatch.point_id).join(Point, Point.id == LimitWatch.point_id)
            .where(Point.enterprise_id == enterprise_id)
        )
    )  # fmt: skip
    ruled_before = set(
        session.scalars(
            select(LimitRule.point_id).where(LimitRule.enterprise_id == enterprise_id, LimitRule.state == RETIRED)
        )
    )
    figures = figures_in_force(session)
    codes = {row.src_code: (row.id, row.period_s) for row in rows}
    found = {}
    for row in rows:
        limited = any(each is not None for each in (row.low_low, row.low, row.high, row.high_high))
        if limited or row.id in contents or row.id in remembered or row.id in ruled_before:
            rules = from_content(contents[row.id]) if row.id in contents else None
            found[row.id] = watched(row, rules, figures, codes.get)
    return found


def contents_in_force(session: Session, narrowed: Sequence[Any]) -> dict[int, Any]:
    """Return the released content of points by number."""
    rows = session.execute(select(LimitRule.point_id, LimitRule.content).where(LimitRule.state == RELEASED, *narrowed))
    return {row.point_id: row.content for row in rows}


def watched(
    row: Any,
    rules: RuleSet | None,
    figures: dict[int, AlarmFigures],
    find: Callable[[str], tuple[int, int] | None],
) -> WatchedPoint:
    """Return a point's row with its rules; without released ones the limits it was filed with are its rules."""
    filed = Band(row.low_low, row.low, row.high, row.high_high)
    rules = RuleSet(filed) if rules is None else rules
    bare = Limits(
        range_low=row.range_low, range_high=row.range_high, period_s=row.period_s, measure=row.measure
    )
    others = {code: known for code in other_points(rules) if (known := find(code)) is not None}
    return WatchedPoint(
        row.id, row.enterprise_id, row.adcode, row.object_code, row.unit, row.status, (row.lon, row.lat),
        ruled(rules, bare, figures.get(row.measure) or AlarmFigures()), filed, others,
    )  # fmt: skip
