"""What a picture of trends shows, as its address says it, and the columns of a curve; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from portal.operation.telemetry.rules import GOOD, Figures, buckets_of

POINTS_MOST, PANES_MOST = 16, 6
BIGGEST_POINT_ID = 2**31 - 1
SPANS = {
    "1h": timedelta(hours=1), "6h": timedelta(hours=6), "24h": timedelta(hours=24), "7d": timedelta(days=7),
    "30d": timedelta(days=30), "1y": timedelta(days=365), "5y": timedelta(days=1826),
}  # fmt: skip
USUAL_SPAN = "24h"
BACK_FILLED, ESTIMATED = 1, 3
# Share of readings that came late from which a bucket of hours or days counts as back-filled.
LATE_SHARE = 0.5

Floats = NDArray[np.float64]
Spans = list[list[int]]


@dataclass(frozen=True)
class Columns:
    """A curve on an even grid of time: one value a bucket, NaN where nothing was read.

    `mean`, `low` and `high` are in the point's unit; `doubtful` marks buckets with too few good readings,
    `late` those with back-filled ones; `readings` and `valid` count.
    """

    begin_s: int
    step_s: int
    mean: Floats
    low: Floats
    high: Floats
    readings: NDArray[np.int64]
    valid: NDArray[np.int64]
    doubtful: NDArray[np.bool_]
    late: NDArray[np.bool_]


def panes_of(said: str) -> list[list[int]]:
    """Return the points of each pane of `12,15;18`; what is no number is left out, a point stands once."""
    seen: set[int] = set()
    panes: list[list[int]] = []
    for part in said.split(";")[:PANES_MOST]:
        numbers = [int(each) for each in part.split(",") if each.isascii() and each.isdigit() and len(each) <= 10]
        own = [each for each in dict.fromkeys(numbers) if 0 < each <= BIGGEST_POINT_ID and each not in seen]
        seen.update(own)
        if own:
            panes.append(own)
    return panes


def year_before(instant: datetime) -> datetime:
    """Return the same date and time a year before; 28 February for 29 February."""
    try:
        return instant.replace(year=instant.year - 1)
    except ValueError:
        return instant.replace(year=instant.year - 1, day=28)


def columns_of_readings(
    ms: NDArray[np.int64],
    value: Floats,
    quality: NDArray[np.int16],
    flag: NDArray[np.int16],
    step_s: int,
    good_share: float,
) -> Columns | None:
    """Return the curve of readings in the order of time; values of bad quality show, where nothing better is known.

    Smallest and largest are of good readings only; an estimate counts as read but is doubtful.
    """
    if not ms.size:
        return None
    figures = buckets_of(ms, value, quality, step_s)
    made = columns_of_figures(figures, step_s, good_share)
    bucket = ms // (1000 * step_s) - made.begin_s // step_s
    unsure = (~np.isin(quality, GOOD) | (flag == ESTIMATED)) & ~np.isnan(value)
    size = made.mean.size
    counted = np.bincount(bucket[unsure], minlength=size)
    total = np.bincount(bucket[unsure], weights=value[unsure], minlength=size)
    only = (made.valid == 0) & (counted > 0)
    mean = made.mean.copy()
    mean[only] = total[only] / counted[only]
    estimated = np.bincount(bucket[flag == ESTIMATED], minlength=size) > 0
    late = np.bincount(bucket[flag == BACK_FILLED], minlength=size) > 0
    return Columns(
        made.begin_s, step_s, mean, made.low, made.high, made.readings, made.valid, made.doubtful | estimated, late
    )


def columns_of_figures(figures: Sequence[Figures], step_s: int, good_share: float) -> Columns:
    """Return the curve of buckets on its even grid; there must be one bucket at least."""
    begin_s = int(figures[0].at_s)
    place = np.array([round((each.at_s - begin_s) / step_s) for each in figures], np.int64)
    size = int(place[-1]) + 1
    mean, low, high = (np.full(size, np.nan) for _ in range(3))
    readings, valid = np.zeros(size, np.int64), np.zeros(size, np.int64)
    for column, name in ((mean, "mean"), (low, "low"), (high, "high")):
        column[place] = np.array([getattr(each, name) for each in figures], np.float64)
    readings[place] = [each.readings for each in figures]
    valid[place] = [each.valid for each in figures]
    doubtful = (readings > 0) & (valid < good_share * readings)
    return Columns(begin_s, step_s, mean, low, high, readings, valid, doubtful, np.zeros(size, bool))


def spans_of(marked: NDArray[np.bool_]) -> Spans:
    """Return first and last place of each run of marks."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], marked, [False])).astype(np.int8)))
    return [[int(begin), int(end) - 1] for begin, end in zip(edges[::2], edges[1::2], strict=True)]


def as_answer(columns: Columns | None) -> dict[str, Any]:
    """Return a curve as JSON takes it: plain columns, the band only where it differs from the mean."""
    if columns is None:
        return {"t0": 0, "step": 1, "v": [], "q": [], "b": []}
    rounded = np.array([float(f"{each:.7g}") for each in columns.mean.tolist()])
    found: dict[str, Any] = {
        "t0": columns.begin_s, "step": columns.step_s, "v": rounded,
        "q": spans_of(columns.doubtful), "b": spans_of(columns.late),
    }  # fmt: skip
    known = ~np.isnan(columns.low)
    if (columns.low[known] != columns.high[known]).any():
        found |= {"lo": columns.low, "hi": columns.high}
    if known.any():
        weight = columns.valid * known
        found["sum"] = {
            "min": float(np.nanmin(columns.low)), "max": float(np.nanmax(columns.high)),
            "mean": float(np.nansum(columns.mean * weight) / max(1, int(weight.sum()))),
            "min_at": columns.begin_s + columns.step_s * int(np.nanargmin(columns.low)),
            "max_at": columns.begin_s + columns.step_s * int(np.nanargmax(columns.high)),
            "readings": int(columns.readings.sum()), "valid": int(columns.valid.sum()),
        }  # fmt: skip
    return found
