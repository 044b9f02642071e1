"""Reads for pictures of trends: points, curves, limits as they were, alarms; always within a scope."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from gis.network.queries import scope_filter
from gis.search.queries import numbers_by_layer, stems_of
from portal.core.actor import Scope
from portal.core.scoping import in_scope
from portal.core.sql import load_sql
from portal.jobs.queries import parameter_value
from portal.operation.alarms.models import Alarm, AlarmNow
from portal.operation.telemetry.models import Point
from portal.operation.telemetry.rollup import gas_day_starts_at_h
from portal.operation.telemetry.rules import DAY_S, Resolution, begin_of_day, day_of, window_of
from portal.operation.telemetry.series import figures_of
from portal.operation.trends.rules import LATE_SHARE, Columns, columns_of_figures, columns_of_readings

FOLDER = str(Path(__file__).parent)
FOUND_MOST, ALARMS_MOST, WEATHER_MOST = 40, 400, 1
REMOVED, OUTDOOR_AIR = 7, 14
GOOD_SHARE = 0.9
SUGGESTED_MOST = 8


@dataclass(frozen=True)
class Curve:
    """One point over the span that was asked for."""

    point_id: int
    resolution: Resolution
    columns: Columns | None


def points_within(session: Session, scope: Scope, ids: Sequence[int]) -> dict[int, Point]:
    """Return the points of these numbers that lie within the scope, by number."""
    found = session.scalars(select(Point).where(Point.id.in_(ids), scope_filter(Point, scope)))
    return {point.id: point for point in found}


def points_named(session: Session, ids: Sequence[int]) -> Sequence[Any]:
    """Return name, unit, object and enterprise of points in the order given; the row policies keep to the scope."""
    return session.execute(load_sql(FOLDER, "points_named"), {"points": list(ids)}).all()


def points_found(session: Session, words: str, measure: int | None) -> list[int]:
    """Return the numbers of points whose own words or whose station's or regulator's fit, best first."""
    layers = ("sensor", "station", "regulator")
    found = numbers_by_layer(session, layers, words, stems_of(session, words), FOUND_MOST)
    facts = {
        "own": found.get("sensor", []), "stations": found.get("station", [])[:8],
        "regulators": found.get("regulator", [])[:8], "measure": measure, "most": FOUND_MOST,
    }  # fmt: skip
    return list(session.scalars(load_sql(FOLDER, "points_found"), facts))


def weather_points(session: Session, scope: Scope, near: Sequence[int]) -> list[int]:
    """Return the numbers of points of the outdoor air's temperature, the nearest to the first given point first."""
    wanted = select(Point.id).where(
        Point.measure == OUTDOOR_AIR, Point.status != REMOVED, in_scope(scope, Point.enterprise_id, Point.adcode)
    )
    if near:
        place = select(Point.geom).where(Point.id == near[0]).scalar_subquery()
        wanted = wanted.order_by(func.ST_Distance(Point.geom, place), Point.id)
    return list(session.scalars(wanted.order_by(Point.id).limit(WEATHER_MOST)))


def suggested_groups(session: Session, scope: Scope) -> list[tuple[str, list[int]]]:
    """Return stations with the points that people look at together, gates first."""
    rows = session.execute(
        text(
            "select s.name, s.src_code, array_agg(p.id order by p.measure, p.id) as ids from gas_station s"
            " join point p on p.object_type = 'station' and p.object_id = s.id and p.status <> 7 and p.measure in (1, 2, 5)"
            " where (:all or s.enterprise_id = any(:own) or s.adcode = any(:districts))"
            " group by s.id order by s.kind, s.id limit :most"
        ),
        {
            "all": scope.whole_city, "own": list(scope.enterprise_ids), "districts": list(scope.adcodes),
            "most": SUGGESTED_MOST,
        },
    )  # fmt: skip
    return [(row.name or row.src_code, list(row.ids)[:8]) for row in rows]


def curves_of(
    session: Session, points: Sequence[Point], begin: datetime, end: datetime, *, width: int
) -> list[Curve]:
    """Return the curves of points that the caller has looked up within his scope, in about `width` buckets."""
    share = parameter_value(session, "trends.good_share", GOOD_SHARE)
    found = [_curve(session, point, (begin, end), width, share) for point in points]
    return _with_late(session, found, (begin, end))


def _curve(session: Session, point: Point, span: tuple[datetime, datetime], width: int, share: float) -> Curve:
    window = window_of(*span, point.period_s, width)
    if window.resolution in ("reading", "minute"):
        return Curve(point.id, window.resolution, _of_readings(session, point, span, window.step_s, share))
    series = figures_of(session, point, *span, width=width)
    columns = columns_of_figures(series.rows, series.step_s, share) if series.rows else None
    return Curve(point.id, series.resolution, columns)


def _of_readings(
    session: Session, point: Point, span: tuple[datetime, datetime], step_s: int, share: float
) -> Columns | None:
    facts = {
        "point": point.id, "begin": span[0], "end": span[1],
        "first_day": span[0].astimezone(UTC).date(), "last_day": span[1].astimezone(UTC).date(),
    }  # fmt: skip
    row = session.execute(load_sql(FOLDER, "trend_reading"), facts).one()
    if not row[0]:
        return None
    ms, value, quality, flag = (np.frombuffer(part, kind) for part, kind in zip(row, (">i8", ">f8", ">i2", ">i2"), strict=True))
    return columns_of_readings(
        ms.astype(np.int64), value.astype(np.float64), quality.astype(np.int16), flag.astype(np.int16), step_s, share
    )


def _with_late(session: Session, curves: list[Curve], span: tuple[datetime, datetime]) -> list[Curve]:
    """Mark in curves of hours and days the buckets whose readings came late."""
    for resolution in ("hour", "day"):
        some = {each.point_id: each.columns for each in curves if each.resolution == resolution and each.columns}
        for step_s in {each.step_s for each in some.values()}:
            own = {number: each for number, each in some.items() if each.step_s == step_s}
            rows = _late_days(session, own, span) if resolution == "day" else _late_hours(session, own, span)
            for number, at_s in rows:
                place = round((at_s - own[number].begin_s) / step_s)
                if 0 <= place < own[number].late.size:
                    own[number].late[place] = True
    return curves


def _late_hours(session: Session, own: dict[int, Columns], span: tuple[datetime, datetime]) -> list[tuple[int, float]]:
    step_s = next(iter(own.values())).step_s
    facts = {"points": list(own), "begin": span[0], "end": span[1], "step": step_s, "share": LATE_SHARE}
    return [(row.point_id, row.bucket) for row in session.execute(load_sql(FOLDER, "late_hours"), facts)]


def _late_days(session: Session, own: dict[int, Columns], span: tuple[datetime, datetime]) -> list[tuple[int, float]]:
    step_days, starts = next(iter(own.values())).step_s // DAY_S, gas_day_starts_at_h(session)
    facts = {
        "points": list(own), "starts_at_h": starts, "first": day_of(span[0], starts), "last": day_of(span[1], starts),
        "step_days": step_days, "share": LATE_SHARE,
    }  # fmt: skip
    rows = session.execute(load_sql(FOLDER, "late_days"), facts)
    return [(row.point_id, _begin_s(row.bucket, starts)) for row in rows]


def _begin_s(day: date, starts_at_h: int) -> float:
    return begin_of_day(day, starts_at_h).timestamp()


def limits_then(session: Session, ids: Sequence[int], begin: datetime, end: datetime) -> Sequence[Any]:
    """Return the limits of points with the spans in which they held; the row policies keep to the scope."""
    facts = {"points": list(ids), "begin": begin, "end": end + timedelta(seconds=1)}
    return session.execute(load_sql(FOLDER, "limits_then"), facts).all()


def alarms_between(
    session: Session, scope: Scope, ids: Sequence[int], begin: datetime, end: datetime
) -> tuple[Sequence[Any], bool]:
    """Return the alarms of points that were up in a span, newest first, and whether there were more."""
    columns = (
        AlarmNow.alarm_id, AlarmNow.point_id, AlarmNow.kind, AlarmNow.level, AlarmNow.historical, AlarmNow.raised_at,
        AlarmNow.cleared_at, AlarmNow.peak_value, Alarm.value,
    )  # fmt: skip
    wanted = (
        select(*columns)
        .join(Alarm, Alarm.id == AlarmNow.alarm_id)
        .where(
            Alarm.point_id.in_(ids), Alarm.raised_at < end, func.coalesce(AlarmNow.cleared_at, end) > begin,
            in_scope(scope, AlarmNow.enterprise_id, AlarmNow.adcode),
        )
        .order_by(AlarmNow.raised_at.desc(), AlarmNow.alarm_id.desc())
        .limit(ALARMS_MOST + 1)
    )  # fmt: skip
    rows = session.execute(wanted).all()
    return rows[:ALARMS_MOST], len(rows) > ALARMS_MOST
