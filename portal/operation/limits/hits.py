"""Which readings meet a check: steps, combined conditions and runs of one value, over whole arrays; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from portal.operation.limits.conditions import Condition, Groups
from portal.operation.limits.ruleset import Rate, State

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Marks = NDArray[np.bool_]
GOOD = (192, 216)
AGE_PERIODS, AGE_AT_LEAST_S = 3, 300
STEPS = ("", "rate_rise", "rate_fall")


def good_values(value: Floats, quality: NDArray[np.int16]) -> Marks:
    """Return which readings are good: valid quality and a finite value."""
    marks: Marks = ((quality == GOOD[0]) | (quality == GOOD[1])) & np.isfinite(value)
    return marks


def rate_hits(ts_ms: Ints, value: Floats, good: Marks, rate: Rate) -> NDArray[np.int8]:
    """Return 1 where a reading rose too fast, 2 where it fell too fast, else 0; readings in order of time.

    A reading is compared with the lowest and the highest good one of the `over_s` seconds before it.
    """
    found = np.zeros(ts_ms.size, np.int8)
    places = np.flatnonzero(good)
    if places.size < 2:
        return found
    at, own = ts_ms[places], value[places]
    lowest, highest = _window(at, own, rate.over_s * 1000)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        rise, fall = own - lowest, highest - own
        if rate.percent:
            rise = np.where(np.abs(lowest) > 0, 100 * rise / np.abs(lowest), 0.0)
            fall = np.where(np.abs(highest) > 0, 100 * fall / np.abs(highest), 0.0)
        falling = np.zeros(own.size, bool) if rate.fall is None else fall > rate.fall
        rising = np.zeros(own.size, bool) if rate.rise is None else rise > rate.rise
    found[places] = np.where(rising, 1, np.where(falling, 2, 0))
    return found


def _window(at: Ints, value: Floats, span_ms: int) -> tuple[Floats, Floats]:
    """Return the lowest and the highest value of the span before each reading; its own value when none is in it."""
    lowest, highest = value.copy(), value.copy()
    first = np.searchsorted(at, at - span_ms, "left")
    most = int((np.arange(at.size) - first).max(initial=0))
    for back in range(1, most + 1):
        near = at[back:] - at[:-back] <= span_ms
        if not near.any():
            break
        before = value[:-back]
        lowest[back:] = np.where(near, np.minimum(lowest[back:], before), lowest[back:])
        highest[back:] = np.where(near, np.maximum(highest[back:], before), highest[back:])
    return lowest, highest


def step_names(found: NDArray[np.int8]) -> list[str]:
    """Return the hits of a rate as the engine takes them: the direction, empty for none."""
    return [STEPS[each] for each in found.tolist()]


@dataclass(frozen=True)
class Trace:
    """Good readings of one point in order of time, with the receipt each came in and how old one may be."""

    ts_ms: Ints
    value: Floats
    receipt: Ints
    oldest_ms: int

    def at(self, ts_ms: Ints, receipt: Ints) -> Floats:
        """Return the newest value at or before each instant that had come in by then; NaN for none or too old."""
        if not self.ts_ms.size:
            return np.full(ts_ms.size, np.nan)
        place = np.searchsorted(self.ts_ms, ts_ms, "right") - 1
        while True:  # a reading that came in later was not known then
            later = (place >= 0) & (self.receipt[np.maximum(place, 0)] > receipt)
            if not later.any():
                break
            place[later] -= 1
        seen = np.maximum(place, 0)
        known = (place >= 0) & (ts_ms - self.ts_ms[seen] <= self.oldest_ms)
        return np.where(known, self.value[seen], np.nan)


def age_ms(period_s: int) -> int:
    """Return how old another point's reading may be, ms: three periods, five minutes at least."""
    return 1000 * max(AGE_AT_LEAST_S, AGE_PERIODS * period_s)


def combined_hits(
    groups: Groups, own: Floats, good: Marks, others: Mapping[str, Floats]
) -> Marks:
    """Return which readings meet a group as a whole; a point without a value meets nothing."""
    found = np.zeros(own.size, bool)
    for group in groups:
        marks = good.copy()
        for each in group:
            marks &= _compared(each, own if not each.point else others.get(each.point, np.full(own.size, np.nan)))
        found |= marks
    return found


def may_hit(groups: Groups, own: Floats, good: Marks) -> bool:
    """Return whether the conditions on the point itself leave any reading that might meet a group."""
    for group in groups:
        marks = good.copy()
        for each in group:
            if not each.point:
                marks &= _compared(each, own)
        if marks.any():
            return True
    return False


def _compared(condition: Condition, value: Floats) -> Marks:
    with np.errstate(invalid="ignore"):
        compared = {
            ">": np.greater, "<": np.less, ">=": np.greater_equal, "<=": np.less_equal,
            "=": np.equal, "!=": np.not_equal,
        }[condition.operator](value, condition.value)  # fmt: skip
    marks: Marks = compared & ~np.isnan(value)
    return marks


def state_hits(ts_ms: Ints, value: Floats, good: Marks, state: State, orders: Sequence[tuple[int, int]]) -> Marks:
    """Return which readings show another state than the normal ones while no work order runs (begin, end; ms)."""
    found: Marks = good & ~np.isin(np.round(value), state.normal)
    for begin, end in orders:
        found &= ~((ts_ms >= begin) & (ts_ms <= end))
    return found


def four_digits(value: Floats) -> Floats:
    """Return values rounded to four significant digits; 0 and what is not finite stay."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        size = np.where((value != 0) & np.isfinite(value), np.floor(np.log10(np.abs(value))), 0.0)
        scale = 10.0 ** (3 - size)
        return np.where(np.isfinite(value), np.round(value * scale) / scale, value)


def flat_runs(ts_ms: Ints, value: Floats, good: Marks, for_ms: int) -> list[tuple[int, int | None, float]]:
    """Return the runs of one value that last long enough: when each is known, its end (None: goes on), its value.

    A run is known at its first good reading that lies the time after the first; it ends with another value.
    """
    at, own = ts_ms[good], value[good]
    if not at.size:
        return []
    rounded = four_digits(own)
    begins = np.flatnonzero(np.append(True, rounded[1:] != rounded[:-1]))
    ends = np.append(begins[1:], at.size)
    found: list[tuple[int, int | None, float]] = []
    long = np.flatnonzero(at[ends - 1] - at[begins] >= for_ms)
    for run in long.tolist():
        begin, end = int(begins[run]), int(ends[run])
        known = begin + int(np.searchsorted(at[begin:end], at[begin] + for_ms, "left"))
        found.append((int(at[known]), int(at[end]) if end < at.size else None, float(own[begin])))
    return found


def silences(ts_ms: Ints, after_ms: int, until_ms: int) -> list[tuple[int, int | None, int]]:
    """Return the times without a reading: when each is known, its end (None: goes on), the reading before."""
    if not ts_ms.size:
        return []
    gaps = np.flatnonzero(np.diff(ts_ms) > after_ms)
    found: list[tuple[int, int | None, int]] = [
        (int(ts_ms[each]) + after_ms, int(ts_ms[each + 1]), int(each)) for each in gaps.tolist()
    ]
    last = int(ts_ms[-1])
    if until_ms - last > after_ms:
        found.append((last + after_ms, None, ts_ms.size - 1))
    return found
