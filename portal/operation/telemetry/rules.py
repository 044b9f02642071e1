"""Judgements on series and silence; pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

SILENT_AT_LEAST_S = 300
SILENT_PERIODS = 3
RAW_UP_TO = timedelta(days=8)
LONGEST = timedelta(days=400)
BUCKETS = 720
GAP_STEPS = 3
HOUR_S = 3600

Bucket = tuple[float, float | None, float | None, float | None]


@dataclass(frozen=True)
class Window:
    """The time asked for, whether single readings are read for it, and the width of a bucket."""

    begin: datetime
    end: datetime
    raw: bool
    step_s: int


def silent_after_s(period_s: int) -> int:
    """Return after how many seconds without a reading a point counts as silent."""
    return max(SILENT_AT_LEAST_S, SILENT_PERIODS * period_s)


def is_silent(last_at: datetime | None, period_s: int, now: datetime) -> bool:
    """Return whether a point has been silent too long."""
    return last_at is None or (now - last_at).total_seconds() > silent_after_s(period_s)


def window_of(begin: datetime, end: datetime, period_s: int) -> Window:
    """Return how to read a span of time; a backward or endless span is cut to something readable."""
    if end <= begin:
        begin = end - timedelta(days=1)
    begin = max(begin, end - LONGEST)
    span_s = (end - begin).total_seconds()
    if end - begin <= RAW_UP_TO:
        return Window(begin, end, True, max(period_s, int(span_s / BUCKETS), 1))
    return Window(begin, end, False, max(HOUR_S, int(span_s / BUCKETS)))


def with_gaps(rows: list[Bucket], step_s: int) -> list[Bucket]:
    """Return the buckets with an empty one wherever more than three steps are missing."""
    found: list[Bucket] = []
    for row in rows:
        if found and row[0] - found[-1][0] > GAP_STEPS * step_s:
            found.append((found[-1][0] + step_s, None, None, None))
        found.append(row)
    return found
