"""Reads of points and their readings, always within a scope."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import BigInteger, cast, func, select
from sqlalchemy.orm import Session

from gis.network.queries import scope_filter
from portal.accounts.models import Enterprise
from portal.core.actor import Scope
from portal.core.clock import utc_now
from portal.core.errors import NotFound
from portal.operation.telemetry.models import Latest, Point
from portal.operation.telemetry.rules import BUCKETS, is_silent, with_gaps
from portal.operation.telemetry.series import figures_of

REMOVED = 7
BIGGEST_POINT_ID = 2**31 - 1
# Which limit draws at which alarm level.
LIMITS = (("low_low", "low", 1), ("low", "low", 2), ("high", "high", 2), ("high_high", "high", 1))


@dataclass(frozen=True)
class PointNow:
    """A point with its newest reading."""

    point: Point
    latest: Latest | None
    silent: bool


@dataclass(frozen=True)
class LatestValues:
    """The newest readings of many points as arrays of one length, by point; no value is NaN."""

    point_id: NDArray[np.int32]
    ts_ms: NDArray[np.int64]
    value: NDArray[np.float64]
    quality: NDArray[np.int16]
    flag: NDArray[np.int16]


def find_point(session: Session, scope: Scope, point_id: int) -> PointNow:
    """Return one point with its newest reading; missing and outside the scope look the same."""
    found = None
    if 0 < point_id <= BIGGEST_POINT_ID:
        found = session.execute(
            select(Point, Latest)
            .outerjoin(Latest, Latest.point_id == Point.id)
            .where(Point.id == point_id, scope_filter(Point, scope))
        ).one_or_none()
    if found is None:
        raise NotFound("point", id=point_id)
    return _now(found[0], found[1])


def points_of(session: Session, scope: Scope, object_type: str, object_id: int) -> list[PointNow]:
    """Return the points that belong to an object, with their newest readings."""
    rows = session.execute(
        select(Point, Latest)
        .outerjoin(Latest, Latest.point_id == Point.id)
        .where(
            Point.object_type == object_type, Point.object_id == object_id,
            Point.status != REMOVED, scope_filter(Point, scope),
        )
        .order_by(Point.measure, Point.id)
    )
    return [_now(point, latest) for point, latest in rows]


def count_points(session: Session, scope: Scope) -> int:
    """Return how many points exist within the scope."""
    found = session.scalar(
        select(func.count()).select_from(Point).where(Point.status != REMOVED, scope_filter(Point, scope))
    )
    return int(found or 0)


def series_of(
    session: Session, scope: Scope, point_id: int, begin: datetime, end: datetime, *, width: int = BUCKETS
) -> dict[str, Any]:
    """Return the figures of each bucket of a span, gaps kept, with the limits and how finely they were read."""
    point = find_point(session, scope, point_id).point
    series = figures_of(session, point, begin, end, width=width)
    buckets = with_gaps([(each.at_s, each.mean, each.low, each.high) for each in series.rows], series.step_s)
    limits = [
        {"value": getattr(point, name), "kind": kind, "level": level, "name": name}
        for name, kind, level in LIMITS
        if getattr(point, name) is not None
    ]
    return {
        "t": [row[0] for row in buckets],
        "v": [row[1] for row in buckets],
        "lo": [row[2] for row in buckets],
        "hi": [row[3] for row in buckets],
        "limits": limits,
        "resolution": series.resolution,
        "step_s": series.step_s,
        "unit": point.unit,
        "label": point.name or point.src_code,
    }


def place_of_point(session: Session, scope: Scope, point_id: int) -> dict[str, Any]:
    """Return lon and lat of a point."""
    row = session.execute(
        select(func.ST_X(Point.geom), func.ST_Y(Point.geom)).where(
            Point.id == min(point_id, BIGGEST_POINT_ID), scope_filter(Point, scope)
        )
    ).one_or_none()
    if row is None:
        raise NotFound("point", id=point_id)
    return {"lon": row[0], "lat": row[1], "box": [row[0], row[1], row[0], row[1]]}


def enterprise_names(session: Session) -> dict[int, str]:
    """Return number -> name of the enterprises."""
    return {row[0]: row[1] for row in session.execute(select(Enterprise.id, Enterprise.name))}


def latest_of(session: Session, scope: Scope) -> LatestValues:
    """Return the newest reading of every point within the scope, as arrays: rows would cost more than the query."""
    found = (
        select(Latest.point_id, Latest.ts, Latest.value, Latest.quality, Latest.flag)
        .join(Point, Point.id == Latest.point_id)
        .where(Point.status != REMOVED, scope_filter(Point, scope))
        .order_by(Latest.point_id)
        .subquery()
    )
    ts_ms = cast(func.date_part("epoch", found.c.ts) * 1000, BigInteger)
    columns = (found.c.point_id, ts_ms, found.c.value, found.c.quality, found.c.flag)
    row = session.execute(select(*(func.array_agg(each) for each in columns))).one()
    kinds = (np.int32, np.int64, np.float64, np.int16, np.int16)
    return LatestValues(*(np.array(each or [], kind) for each, kind in zip(row, kinds, strict=True)))


def _now(point: Point, latest: Latest | None) -> PointNow:
    last_at = latest.ts if latest else None
    return PointNow(point, latest, is_silent(last_at, point.period_s, utc_now()))
