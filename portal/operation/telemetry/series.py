"""The figures of one point over a span of time, from readings, hours or days, whichever suits its length."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import text
from sqlalchemy.orm import Session

from portal.core.clock import utc_now
from portal.core.errors import Invalid
from portal.core.sql import load_sql
from portal.operation.telemetry.models import Point
from portal.operation.telemetry.rollup import gas_day_starts_at_h
from portal.operation.telemetry.rules import (
    BUCKETS,
    DAY_S,
    HOUR_S,
    READINGS_AT_MOST,
    Figures,
    Resolution,
    Window,
    begin_of_day,
    buckets_of,
    day_of,
    window_asked,
    window_of,
)

FOLDER = str(Path(__file__).parent)
# Of a long list of hours that wait for their roll-up the newest are read from the readings instead.
DUE_HOURS, DUE_DAYS = 48, 10
HOUR = timedelta(hours=1)
MS_OF_2000 = 946_684_800_000


@dataclass(frozen=True)
class Series:
    """The figures of a span: how finely they were read, the width of a bucket, and the buckets with readings."""

    resolution: Resolution
    step_s: int
    rows: list[Figures]


def figures_of(
    session: Session,
    point: Point,
    begin: datetime,
    end: datetime,
    *,
    width: int = BUCKETS,
    resolution: Resolution | None = None,
) -> Series:
    """Return the figures of a point in about `width` buckets; the caller has looked up the point within his scope.

    With a `resolution` the buckets are just that wide. Minutes come from the readings, single or packed, so they
    are there for as long as readings are kept. Raises Invalid for a span that is too long for the resolution.
    """
    window = window_of(begin, end, point.period_s, width) if resolution is None else _asked(point, begin, end, resolution)
    if window.resolution == "day":
        rows = _by_day(session, point, (window.begin, window.end), window.step_s)
    elif window.resolution == "hour":
        rows = _by_hour(session, point, (window.begin, window.end), window.step_s)
    else:
        parts = list(_parts(window.begin, window.end, point.period_s))
        rows = [each for part in parts for each in _by_reading(session, point, part, window.step_s)]
        rows = _joined(rows, []) if len(parts) > 1 else rows
    return Series(window.resolution, window.step_s, rows)


def _asked(point: Point, begin: datetime, end: datetime, resolution: Resolution) -> Window:
    try:
        return window_asked(begin, end, point.period_s, resolution)
    except ValueError as too_long:
        raise Invalid("series_span") from too_long


def _parts(begin: datetime, end: datetime, period_s: int) -> Iterator[tuple[datetime, datetime]]:
    """Return a span in pieces of at most a hundred thousand readings, so that memory does not grow with the span."""
    most = timedelta(seconds=READINGS_AT_MOST * max(period_s, 1))
    while begin < end:
        yield begin, min(begin + most, end)
        begin += most


def _by_reading(session: Session, point: Point, span: tuple[datetime, datetime], step_s: int) -> list[Figures]:
    facts = {
        "point": point.id, "begin": span[0], "end": span[1],
        "first_day": _utc_day(span[0]), "last_day": _utc_day(span[1]),
    }
    since_2000_us, value, quality = session.execute(load_sql(FOLDER, "series_reading"), facts).one()
    if not since_2000_us:
        return []
    columns = np.frombuffer(since_2000_us, ">i8"), np.frombuffer(value, ">f8"), np.frombuffer(quality, ">i2")
    ms = columns[0].astype(np.int64) // 1000 + MS_OF_2000
    return buckets_of(ms, columns[1].astype(np.float64), columns[2].astype(np.int16), step_s)


def _by_hour(session: Session, point: Point, span: tuple[datetime, datetime], step_s: int) -> list[Figures]:
    begin, end = _floor_hour(span[0]), span[1]
    due = _hours_due(session, begin, end)
    low, high = (due[0], due[-1] + HOUR) if due else (begin, begin)
    facts = {
        "point": point.id, "begin": begin, "end": end, "due": due, "due_begin": low, "due_end": high,
        "first_day": _utc_day(low), "last_day": _utc_day(high), "step": step_s,
        "range_low": -math.inf if point.range_low is None else point.range_low,
        "range_high": math.inf if point.range_high is None else point.range_high,
    }
    return _figures(session, "series_hour", facts)


def _by_day(session: Session, point: Point, span: tuple[datetime, datetime], step_s: int) -> list[Figures]:
    """Return buckets of days; days that are open or wait for their roll-up come from their hours."""
    starts = gas_day_starts_at_h(session)
    first, last = day_of(span[0], starts), day_of(span[1], starts)
    days_wide = step_s // DAY_S
    open_days = _open_days(session, (first, last), starts)
    facts = {
        "point": point.id, "starts_at_h": starts, "first": first, "last": last,
        "open": open_days, "step_days": days_wide,
    }
    rows = session.execute(load_sql(FOLDER, "series_day"), facts)
    found = [Figures(begin_of_day(row[0], starts).timestamp(), *row[1:]) for row in rows]
    fresh: list[Figures] = []
    for day in open_days:
        bounds = begin_of_day(day, starts), begin_of_day(day + timedelta(days=1), starts)
        fresh += _merged(begin_of_day(_bucket(day, days_wide), starts), _by_hour(session, point, bounds, HOUR_S))
    return _joined(found, fresh)


def _joined(found: list[Figures], fresh: list[Figures]) -> list[Figures]:
    """Return the buckets in order of time; two parts of one bucket become one."""
    by_time: dict[float, list[Figures]] = {}
    for each in [*found, *fresh]:
        by_time.setdefault(each.at_s, []).append(each)
    return [_sum(at, parts) for at, parts in sorted(by_time.items())]


def _merged(begin: datetime, parts: Sequence[Figures]) -> list[Figures]:
    return [_sum(begin.timestamp(), parts)] if parts else []


def _sum(at_s: float, parts: Sequence[Figures]) -> Figures:
    if len(parts) == 1 and parts[0].at_s == at_s:
        return parts[0]
    valid = sum(part.valid for part in parts)
    known = [part for part in parts if part.valid and part.mean is not None]
    return Figures(
        at_s,
        min((part.low for part in known if part.low is not None), default=None),
        max((part.high for part in known if part.high is not None), default=None),
        sum(part.valid * (part.mean or 0.0) for part in known) / valid if known else None,
        known[-1].last if known else None,
        sum(part.readings for part in parts),
        valid,
    )


def _open_days(session: Session, days: tuple[date, date], starts_at_h: int) -> list[date]:
    due = session.scalars(
        text(
            "select day from rollup_day_due where starts_at_h = :h and day between :first and :last order by day desc limit :most"
        ),
        {"h": starts_at_h, "first": days[0], "last": days[1], "most": DUE_DAYS},
    )
    hours = _hours_due(session, begin_of_day(days[0], starts_at_h), begin_of_day(days[1] + timedelta(days=1), starts_at_h))
    found = {*due, *(day_of(hour, starts_at_h) for hour in hours), day_of(utc_now(), starts_at_h)}
    return sorted(day for day in found if days[0] <= day <= days[1])


def _hours_due(session: Session, begin: datetime, end: datetime) -> list[datetime]:
    found = session.scalars(
        text("select hour from rollup_due where hour >= :begin and hour < :end order by hour desc limit :most"),
        {"begin": begin, "end": end, "most": DUE_HOURS},
    )
    return sorted(found)


def _figures(session: Session, name: str, facts: dict[str, Any]) -> list[Figures]:
    """Return the rows of a statement; their columns stand in the order of the figures."""
    return [Figures._make(row) for row in session.execute(load_sql(FOLDER, name), facts)]


def _bucket(day: date, days_wide: int) -> date:
    """Return the first day of a day's bucket, counted from 2000-01-01 as in series_day.sql."""
    origin = date(2000, 1, 1)
    return origin + timedelta(days=(day - origin).days // days_wide * days_wide)


def _floor_hour(instant: datetime) -> datetime:
    return instant.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def _utc_day(instant: datetime) -> date:
    return instant.astimezone(UTC).date()
