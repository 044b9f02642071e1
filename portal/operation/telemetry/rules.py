"""Judgements on series and silence; pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from portal.core.clock import CITY_ZONE, local

SILENT_AT_LEAST_S = 300
SILENT_PERIODS = 3
READINGS_UP_TO = timedelta(days=8)
READINGS_AT_MOST = 100_000
# What is asked for at a stated fineness: so many buckets, from so many readings.
ASKED_BUCKETS, ASKED_READINGS = 50_000, 3_000_000
LONGEST = timedelta(days=3660)
BUCKETS = 720
GAP_STEPS = 3
GOOD = (192, 216)
MINUTE_S, HOUR_S, DAY_S = 60, 3600, 86_400

Bucket = tuple[Any, ...]
Resolution = Literal["reading", "minute", "hour", "day"]


@dataclass(frozen=True)
class Window:
    """The time asked for, from which figures it is read, and the width of a bucket."""

    begin: datetime
    end: datetime
    resolution: Resolution
    step_s: int


class Figures(NamedTuple):
    """Smallest, largest, mean and last valid value of one bucket, how many readings and how many of them valid."""

    at_s: float
    low: float | None
    high: float | None
    mean: float | None
    last: float | None
    readings: int
    valid: int

    @property
    def good_ratio(self) -> float:
        """Return the share of valid readings."""
        return self.valid / self.readings if self.readings else 0.0


def silent_after_s(period_s: int) -> int:
    """Return after how many seconds without a reading a point counts as silent."""
    return max(SILENT_AT_LEAST_S, SILENT_PERIODS * period_s)


def is_silent(last_at: datetime | None, period_s: int, now: datetime) -> bool:
    """Return whether a point has been silent too long."""
    return last_at is None or (now - last_at).total_seconds() > silent_after_s(period_s)


def window_of(begin: datetime, end: datetime, period_s: int, width: int = BUCKETS) -> Window:
    """Return how to read a span of time in about `width` buckets; a backward or endless span is cut.

    Single readings serve short spans, in whole minutes where they come closer than that; then hours,
    and days where a bucket would hold more than half a day.
    """
    if end <= begin:
        begin = end - timedelta(days=1)
    begin = max(begin, end - LONGEST)
    span_s = (end - begin).total_seconds()
    wanted_s = span_s / width
    if wanted_s > DAY_S / 2:
        return Window(begin, end, "day", _up_to_whole(wanted_s, DAY_S))
    if end - begin > READINGS_UP_TO or span_s / max(period_s, 1) > READINGS_AT_MOST:
        return Window(begin, end, "hour", _up_to_whole(wanted_s, HOUR_S))
    step_s = max(period_s, int(wanted_s), 1)
    if period_s < MINUTE_S <= step_s:
        return Window(begin, end, "minute", _up_to_whole(wanted_s, MINUTE_S))
    return Window(begin, end, "reading", step_s)


def window_asked(begin: datetime, end: datetime, period_s: int, resolution: Resolution) -> Window:
    """Return a span at a stated fineness: minutes, hours, days, or readings (buckets of one period).

    Raise ValueError for a span that is backward or would give more buckets, or take more readings, than one answer
    holds (50,000 and 3,000,000: 34 days of minutes, of a point that reports each second).
    """
    step_s = {"minute": MINUTE_S, "hour": HOUR_S, "day": DAY_S}.get(resolution, max(period_s, 1))
    span_s = (end - begin).total_seconds()
    fine = resolution in ("reading", "minute")
    if span_s <= 0 or span_s / step_s > ASKED_BUCKETS or (fine and span_s / max(period_s, 1) > ASKED_READINGS):
        raise ValueError("span does not suit the resolution")
    if resolution == "minute":
        begin = begin.replace(second=0, microsecond=0)
    return Window(begin, end, resolution, step_s)


def _up_to_whole(wanted_s: float, unit_s: int) -> int:
    return max(1, math.ceil(wanted_s / unit_s)) * unit_s


def day_of(instant: datetime, starts_at_h: int) -> date:
    """Return the day of an instant when days begin at an hour of city time; 0 gives calendar days."""
    return (local(instant) - timedelta(hours=starts_at_h)).date()


def begin_of_day(day: date, starts_at_h: int) -> datetime:
    """Return the instant at which such a day begins, in UTC."""
    return datetime.combine(day, time(starts_at_h), CITY_ZONE).astimezone(UTC)


def buckets_of(
    ms: NDArray[np.int64], value: NDArray[np.float64], quality: NDArray[np.int16], step_s: int
) -> list[Figures]:
    """Return the figures of each bucket that has readings, from readings in the order of time; no value is NaN."""
    bucket = ms // (1000 * step_s)
    starts = np.flatnonzero(np.diff(bucket, prepend=bucket[0] - 1))
    readings = np.diff(starts, append=ms.size)
    good = np.isin(quality, GOOD) & ~np.isnan(value)
    known, of = value[good], np.repeat(np.arange(starts.size), readings)[good]
    valid = np.bincount(of, minlength=starts.size)
    columns = [np.full(starts.size, None, object) for _ in range(4)]
    if known.size:
        first = np.flatnonzero(np.diff(of, prepend=-1))
        last = np.append(first[1:], known.size) - 1
        counts = valid[of[first]]
        figures = (
            np.minimum.reduceat(known, first), np.maximum.reduceat(known, first),
            np.add.reduceat(known, first) / counts, known[last],
        )
        for column, each in zip(columns, figures, strict=True):
            column[of[first]] = each.tolist()
    at_s = (bucket[starts].astype(float) * step_s).tolist()
    rows = zip(at_s, *(column.tolist() for column in columns), readings.tolist(), valid.tolist(), strict=True)
    return [Figures._make(row) for row in rows]


def with_gaps(rows: list[Bucket], step_s: int) -> list[Bucket]:
    """Return the buckets with an empty one wherever more than three steps are missing."""
    found: list[Bucket] = []
    for row in rows:
        if found and row[0] - found[-1][0] > GAP_STEPS * step_s:
            found.append((found[-1][0] + step_s, *[None] * (len(row) - 1)))
        found.append(row)
    return found
