"""Reads of points and their readings, always within a scope."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import BigInteger, cast, column, func, literal_column, select, table
from sqlalchemy.orm import Session

from gis.network.queries import scope_filter
from portal.accounts.models import Enterprise
from portal.core.actor import Scope
from portal.core.clock import utc_now
from portal.core.errors import NotFound
from portal.core.scoping import in_scope
from portal.operation.telemetry.models import Latest, Point
from portal.operation.telemetry.rules import BUCKETS, Resolution, is_silent, with_gaps
from portal.operation.telemetry.series import figures_of

REMOVED = 7
BIGGEST_POINT_ID = 2**31 - 1
# Which limit draws at which alarm level.
LIMITS = (("low_low", "low", 1), ("low", "low", 2), ("high", "high", 2), ("high_high", "high", 1))
# Under the scope that was handed over, as the tables are; a policy on each of two tables costs twice.
_LATEST_SEEN = table("latest_seen", *map(column, ("point_id", "ts", "value", "quality", "flag", "enterprise_id", "adcode", "status")))


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
    session: Session,
    scope: Scope,
    point_id: int,
    begin: datetime,
    end: datetime,
    *,
    width: int = BUCKETS,
    resolution: Resolution | None = None,
) -> dict[str, Any]:
    """Return the figures of each bucket of a span, gaps kept, with the limits and how finely they were read.

    `v` is the mean, `lo` and `hi` smallest and largest, `last` the last valid value, `n` how many readings, `good`
    the share of valid ones; with a `resolution` minutes, hours or days as asked, else what suits the span.
    """
    point = find_point(session, scope, point_id).point
    series = figures_of(session, point, begin, end, width=width, resolution=resolution)
    buckets = with_gaps(
        [(row.at_s, row.mean, row.low, row.high, row.last, row.readings, row.good_ratio) for row in series.rows],
        series.step_s,
    )
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
        "last": [row[4] for row in buckets],
        "n": [row[5] or 0 for row in buckets],
        "good": [row[6] for row in buckets],
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
    newest = _LATEST_SEEN.c
    found = (
        select(newest.point_id, newest.ts, newest.value, newest.quality, newest.flag)
        .where(newest.status != REMOVED, in_scope(scope, newest.enterprise_id, newest.adcode))
        .order_by(newest.point_id)
        .subquery()
    )
    ts_ms = cast(func.date_part("epoch", found.c.ts) * 1000, BigInteger)
    sent = (
        func.int4send(found.c.point_id),
        func.int8send(ts_ms),
        func.float8send(func.coalesce(found.c.value, math.nan)),
        func.int2send(found.c.quality),
        func.int2send(found.c.flag),
    )
    # As strings of big-endian numbers: arrays of text would cost the driver more than the query takes.
    row = session.execute(select(*(func.string_agg(each, literal_column("''::bytea")) for each in sent))).one()
    kinds = ((">i4", np.int32), (">i8", np.int64), (">f8", np.float64), (">i2", np.int16), (">i2", np.int16))
    return LatestValues(
        *(np.frombuffer(each or b"", theirs).astype(ours) for each, (theirs, ours) in zip(row, kinds, strict=True))
    )


def _now(point: Point, latest: Latest | None) -> PointNow:
    last_at = latest.ts if latest else None
    return PointNow(point, latest, is_silent(last_at, point.period_s, utc_now()))
