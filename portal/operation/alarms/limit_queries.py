"""What the limit check reads: limits as arrays, adjustable figures, memories and open alarms."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from portal.operation.alarms.models import Alarm, AlarmEvent, AlarmNow, LimitWatch
from portal.operation.alarms.rules import (
    DEFAULT_FIGURES,
    MERGE_WITHIN_S,
    AlarmFigures,
    Limits,
)
from portal.operation.telemetry.models import Point

CACHED_S = 5.0
WORD_OF_MEASURE = {1: "pressure", 2: "flow", 3: "gas", 4: "temperature", 5: "level"}
NEVER = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class WatchedPoint:
    """A point as the limit check sees it."""

    id: int
    enterprise_id: int
    adcode: str | None
    object_code: str
    unit: str
    lon_lat: tuple[float, float]
    limits: Limits


@dataclass(frozen=True)
class LimitTable:
    """Innermost limits of an enterprise's points as arrays sorted by point, with figures."""

    made_at: float
    point_id: NDArray[np.int32]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    points: dict[int, WatchedPoint]
    figures: dict[int, AlarmFigures]

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

    def figures_for(self, measure: int) -> AlarmFigures:
        """Return delays and deadband of a measure."""
        return self.figures.get(measure) or AlarmFigures()


_tables: dict[int, LimitTable] = {}


def forget_limits() -> None:
    """Drop the cached limits of every enterprise."""
    _tables.clear()


def limit_table(session: Session, enterprise_id: int) -> LimitTable:
    """Return the limits of an enterprise's points, at most five seconds old."""
    cached = _tables.get(enterprise_id)
    if cached and time.monotonic() - cached.made_at < CACHED_S:
        return cached
    points = watched_points(session, enterprise_id)
    ids = np.array(sorted(points), np.int32)
    innermost = [_innermost(points[int(each)].limits) for each in ids]
    table = LimitTable(
        made_at=time.monotonic(),
        point_id=ids,
        low=np.array([low for low, _ in innermost], np.float64),
        high=np.array([high for _, high in innermost], np.float64),
        points=points,
        figures=figures_in_force(session),
    )
    _tables[enterprise_id] = table
    return table


def _innermost(limits: Limits) -> tuple[float, float]:
    low = max(-np.inf if each is None else each for each in (limits.low_low, limits.low))
    high = min(np.inf if each is None else each for each in (limits.high, limits.high_high))
    return low, high


def watched_points(session: Session, enterprise_id: int) -> dict[int, WatchedPoint]:
    """Return the points of an enterprise that have at least one limit, by number."""
    rows = session.execute(
        select(
            Point.id, Point.adcode, Point.object_code, Point.unit, Point.measure, Point.period_s,
            Point.low_low, Point.low, Point.high, Point.high_high, Point.range_low, Point.range_high,
            func.ST_X(Point.geom).label("lon"), func.ST_Y(Point.geom).label("lat"),
        ).where(Point.enterprise_id == enterprise_id)
    )  # fmt: skip
    found = {}
    for row in rows:
        limits = Limits(
            row.low_low, row.low, row.high, row.high_high, row.range_low, row.range_high,
            row.period_s, row.measure,
        )  # fmt: skip
        if any(each is not None for each in (row.low_low, row.low, row.high, row.high_high)):
            found[row.id] = WatchedPoint(
                row.id, enterprise_id, row.adcode, row.object_code, row.unit,
                (row.lon, row.lat), limits,
            )  # fmt: skip
    return found


def figures_in_force(session: Session) -> dict[int, AlarmFigures]:
    """Return delays and deadband by measure: parameters `alarm.<word>.<figure>`, else defaults."""
    rows = session.execute(text("select key, value from parameter where key like 'alarm.%'"))
    given: dict[str, float] = {row.key: row.value for row in rows}
    return {
        measure: AlarmFigures(
            given.get(f"alarm.{WORD_OF_MEASURE[measure]}.on_delay_s", default.on_delay_s),
            given.get(f"alarm.{WORD_OF_MEASURE[measure]}.off_delay_s", default.off_delay_s),
            given.get(f"alarm.{WORD_OF_MEASURE[measure]}.deadband_share", default.deadband_share),
        )
        for measure, default in DEFAULT_FIGURES.items()
    }


def remembered_points(session: Session, enterprise_id: int) -> set[int]:
    """Return the points of an enterprise that the limit check remembers as off normal."""
    found = session.scalars(
        select(LimitWatch.point_id)
        .join(Point, Point.id == LimitWatch.point_id)
        .where(Point.enterprise_id == enterprise_id)
    )
    return set(found)


def lock_watches(session: Session, point_ids: Sequence[int]) -> dict[int, LimitWatch]:
    """Return the memory of each point, made where missing, locked until the transaction ends."""
    if not point_ids:
        return {}
    session.execute(
        insert(LimitWatch).on_conflict_do_nothing(),
        [{"point_id": each, "judged_to": NEVER} for each in sorted(point_ids)],
    )
    locked = session.scalars(
        select(LimitWatch)
        .where(LimitWatch.point_id.in_(point_ids))
        .order_by(LimitWatch.point_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return {each.point_id: each for each in locked}


def open_alarms_of(
    session: Session, point_ids: Sequence[int]
) -> dict[tuple[int, int], tuple[AlarmNow, Alarm]]:
    """Return the open alarms of points by (point, kind), with the fact behind each."""
    if not point_ids:
        return {}
    rows = session.execute(
        select(AlarmNow, Alarm)
        .join(Alarm, Alarm.id == AlarmNow.alarm_id)
        .where(
            AlarmNow.point_id.in_(point_ids),
            AlarmNow.cleared_at.is_(None),
            AlarmNow.historical.is_(False),
        )
    )
    return {(now.point_id or 0, now.kind): (now, fact) for now, fact in rows}


def alarm_around(
    session: Session, point_id: int, kind: int, *, begin: datetime, end: datetime
) -> AlarmNow | None:
    """Return an alarm of a point and kind that overlaps a span or lies within 30 minutes of it."""
    gap = timedelta(seconds=MERGE_WITHIN_S)
    return session.scalar(
        select(AlarmNow)
        .where(
            AlarmNow.point_id == point_id,
            AlarmNow.kind == kind,
            AlarmNow.raised_at <= end + gap,
            (AlarmNow.cleared_at.is_(None)) | (AlarmNow.cleared_at >= begin - gap),
        )
        .order_by(AlarmNow.raised_at.desc())
        .limit(1)
    )


def lock_point_kind(session: Session, point_id: int, kind: int) -> None:
    """Let one transaction at a time decide about alarms of a point and kind."""
    session.execute(
        text("select pg_advisory_xact_lock(:point, :kind)"), {"point": point_id, "kind": kind}
    )


def merged_alarm(session: Session, point_id: int, kind: int, *, mark: str) -> AlarmNow | None:
    """Return the alarm on which an event beginning with `mark` was noted before, or None."""
    return session.scalar(
        select(AlarmNow)
        .join(AlarmEvent, AlarmEvent.alarm_id == AlarmNow.alarm_id)
        .where(
            AlarmNow.point_id == point_id,
            AlarmNow.kind == kind,
            AlarmEvent.action.in_(["note", "escalate"]),
            AlarmEvent.note.startswith(mark, autoescape=True),
        )
        .order_by(AlarmNow.alarm_id.desc())
        .limit(1)
    )
