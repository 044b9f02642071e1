"""Facts of readings: what the rules on points look at, gathered by the set."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import text
from sqlalchemy.orm import Session

from ingestion_adapters.quality.verdicts import Fact, Parameters
from portal.core.clock import day_bounds
from portal.core.sql import load_sql

FOLDER = str(Path(__file__).parent)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
# A roll-up settles within seconds; an hour that ended just now waits for it.
SETTLED = timedelta(minutes=2)
POINTS_A_TIME = 500
KEPT_MOST = 5_000
WEEK_BEGINS_H = 96 - 8  # 1970-01-05 00:00 city time, in hours since 1970 UTC


@dataclass
class View:
    """The day that is judged, and what was gathered for it so far."""

    session: Session
    day: date
    now: datetime
    kept: dict[str, Any] = field(default_factory=dict)

    @property
    def begin(self) -> datetime:
        """Return the begin of the city day."""
        return day_bounds(self.day)[0]

    @property
    def end(self) -> datetime:
        """Return its end."""
        return day_bounds(self.day)[1]

    @property
    def closed(self) -> bool:
        """Return whether the day is over and its last hour settled."""
        return self.end + SETTLED <= self.now

    @property
    def upto(self) -> datetime:
        """Return the end of what can be judged: the last whole settled hour."""
        return min(self.end, (self.now - SETTLED).replace(minute=0, second=0, microsecond=0))

    def rows(self, name: str, facts: Mapping[str, Any]) -> list[Any]:
        """Return the rows of a statement, read once a day judged."""
        key = f"{name}|{sorted(facts.items(), key=lambda each: each[0])}"
        if key not in self.kept:
            self.kept[key] = self.session.execute(load_sql(FOLDER, name), dict(facts)).all()
        return list(self.kept[key])

    def utc_days(self) -> dict[str, date]:
        """Return the UTC days that the city day touches."""
        return {
            "first_day": self.begin.astimezone(UTC).date(),
            "last_day": (self.end - HOUR).astimezone(UTC).date(),
        }


def points_of_day(view: View) -> list[Any]:
    """Return the points with the figures of the day."""
    return view.rows("point_day", {"begin": view.begin, "upto": view.upto})


def _due(row: Any, view: View) -> float:
    """Return how many readings a point owes: from its first hour's end on, or from its registration on."""
    since = row.first_at + HOUR if row.first_at else row.valid_from
    span_s = (view.upto - max(view.begin, since)).total_seconds()
    return max(0.0, span_s) // row.period_s if row.period_s else 0.0


def _of_point(row: Any, view: View, values: Mapping[str, Any]) -> Fact:
    return Fact(row.enterprise_id, "point", row.id, row.src_code, values, "RT", view.begin, view.upto)


def readings_expected(view: View, parameters: Parameters) -> Iterator[Fact]:
    """Yield received of expected readings by point."""
    for row in points_of_day(view):
        yield _of_point(row, view, {"due": _due(row, view), "good": row.readings})


def readings_valid(view: View, parameters: Parameters) -> Iterator[Fact]:
    """Yield valid of received readings by point."""
    for row in points_of_day(view):
        yield _of_point(row, view, {"due": row.readings, "good": row.valid})


def readings_in_time(view: View, parameters: Parameters) -> Iterator[Fact]:
    """Yield readings in time of received ones by point."""
    for row in points_of_day(view):
        yield _of_point(row, view, {"due": row.readings, "good": row.in_time})


def second_values(view: View, parameters: Parameters) -> Iterator[Fact]:
    """Yield how many readings of a point came twice with another value."""
    counted = text(
        "select point_id, count(*) from reading_conflict where ts >= :begin and ts < :end and kind = 'refused' group by 1"
    )
    twice = dict(map(tuple, view.session.execute(counted, {"begin": view.begin, "end": view.end}).all()))
    for row in points_of_day(view):
        yield _of_point(row, view, {"checked": row.readings, "found": twice.get(row.id, 0)})


def flat_lines(view: View, parameters: Parameters) -> Iterator[Fact]:
    """Yield the hours of points with how much their upstream, or the enterprise's like gauges, moved."""
    begin = view.end - HOUR * (2 * int(parameters["hours"]) - 1)
    window = view.rows("flat_window", {"begin": begin, "end": view.end, "measures": list(parameters["measures"])})
    by_point = {row.point_id: row for row in window}
    known = [row for row in points_of_day(view) if row.id in by_point]
    mates: dict[tuple[Any, ...], list[Any]] = {}
    peers: dict[tuple[Any, ...], list[float]] = {}
    for row in known:
        mates.setdefault((row.object_type, row.object_id, row.measure), []).append(row)
        if by_point[row.id].moved is not None:
            peers.setdefault((row.enterprise_id, row.measure, row.unit), []).append(by_point[row.id].moved)
    usual = {key: float(np.median(moved)) for key, moved in peers.items()}
    for row in known:
        same_object = [
            by_point[other.id].moved or 0.0
            for other in mates[(row.object_type, row.object_id, row.measure)]
            if other.id != row.id and row.object_id is not None
        ]
        moved = max(same_object) if same_object else usual.get((row.enterprise_id, row.measure, row.unit), 0.0)
        values = {"low": by_point[row.id].low, "high": by_point[row.id].high, "upstream_moved": moved}
        yield Fact(row.enterprise_id, "point", row.id, row.src_code, values, "RT", begin, view.end)


def copied_days(view: View, parameters: Parameters) -> Iterator[Fact]:
    """Yield the earlier days whose hourly figures equal this day's, by point."""
    span = {"begin": view.begin, "end": view.end}
    view.session.execute(load_sql(FOLDER, "day_prints"), span | {"day": view.day})
    first = view.day - timedelta(days=int(parameters["days_back"]))
    facts = span | {"day": view.day, "first": first, "measures": list(parameters["measures"])}
    for row in view.rows("copied_days", facts):
        yield _of_point(row, view, {"distinct": row.distinct, "same_days": row.same_days or []})


def last_digits(view: View, parameters: Parameters) -> Iterator[Fact]:
    """Yield how often each last digit stands in readings of a point that moved."""
    facts = {"begin": view.begin, "end": view.end, "measures": list(parameters["measures"]), **view.utc_days()}
    for row in view.rows("last_digits", facts):
        counts = dict(zip(row.digits, row.counts, strict=True))
        digits = [counts.get(digit, 0) for digit in range(10)]
        yield _of_point(row, view, {"digits": digits, "distinct": row.distinct})


def meter_hours(view: View, parameters: Parameters) -> Iterator[Fact]:
    """Yield the hourly last values of cumulative meters, with the hour before the day."""
    meters = [row for row in points_of_day(view) if row.measure == int(parameters["measure"])]
    found = text(
        "select point_id, array_agg(last order by hour) as last from reading_hour"
        " where point_id = any(cast(:points as int[])) and hour >= :begin and hour < :end group by 1"
    )
    facts = {"points": [row.id for row in meters], "begin": view.begin - HOUR, "end": view.upto}
    by_point = {row.point_id: row.last for row in view.session.execute(found, facts)} if meters else {}
    for row in meters:
        if row.id in by_point:
            yield _of_point(row, view, {"last": by_point[row.id]})


def outliers(view: View, parameters: Parameters) -> Iterator[Fact]:
    """Yield the hourly means of a day with those of the weeks before, by point; a small city's are read once for all methods."""
    span = f"outliers {parameters['days_back']} {parameters['measures']}"
    if len(points_of_day(view)) > KEPT_MOST:
        yield from _hours_by_point(view, parameters)
        return
    if span not in view.kept:
        view.kept[span] = list(_hours_by_point(view, parameters))
    yield from view.kept[span]


def _hours_by_point(view: View, parameters: Parameters) -> Iterator[Fact]:
    wanted = [row for row in points_of_day(view) if row.measure in parameters["measures"] and row.hours]
    alarmed = set(
        view.session.scalars(
            text("select point_id from alarm where raised_at >= :begin and raised_at < :end and point_id is not null"),
            {"begin": view.begin - DAY, "end": view.end},
        )
    )
    starts_at = int(view.begin.timestamp()) // 3600
    span = {"begin": view.begin - DAY * int(parameters["days_back"]), "end": view.upto}
    for place in range(0, len(wanted), POINTS_A_TIME):
        part = {row.id: row for row in wanted[place : place + POINTS_A_TIME]}
        found = view.session.execute(load_sql(FOLDER, "hours_of_points"), span | {"points": list(part)})
        for each in found:
            hours, means = np.array(each.hours, np.int32), np.array(each.means, np.float64)
            past = hours < starts_at
            values = {
                "past": means[past],
                "past_hour": hours[past] - WEEK_BEGINS_H,
                "now": means[~past],
                "now_hour": hours[~past] - WEEK_BEGINS_H,
                "alarmed": each.point_id in alarmed,
            }
            yield _of_point(part[each.point_id], view, values)


def clocks(view: View, parameters: Parameters) -> Iterator[Fact]:
    """Yield the quickest delay of each enterprise and its rows from the future."""
    found = view.rows("quick_delays", {"begin": view.begin, "end": view.end, **view.utc_days()})
    quickest = {row.enterprise_id: row.quickest_s for row in found}
    future = {row.enterprise_id: row.future for row in batches_of_day(view) if row.dataset == "RT"}
    for enterprise_id in sorted({*quickest, *future}):
        values = {"quickest_s": quickest.get(enterprise_id), "from_future": int(future.get(enterprise_id, 0))}
        yield Fact(enterprise_id, "feed", None, "RT", values, "RT", view.begin, view.upto)


CONTRACT_CODES = ("E_SCHEMA", "E_DICT", "E_CRS", "E_GEOMETRY", "E_TIME")


def batches_of_day(view: View) -> list[Any]:
    """Return what came of each enterprise's dataset on the day of receipt."""
    return view.rows("batches_of_day", {"begin": view.begin, "end": view.end, "contract": list(CONTRACT_CODES)})
