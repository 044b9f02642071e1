"""A window of past time on the map: its steps, and values packed small for the browser; pure arithmetic."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from portal.core.errors import Invalid

HOUR_S = 3600
# Seconds of the window, of one step of the bar, and of one value of a curve: hours are the finest figures rolled up.
CHOICES = {"24h": (24 * HOUR_S, 900, HOUR_S), "7d": (168 * HOUR_S, HOUR_S, HOUR_S), "30d": (720 * HOUR_S, 6 * HOUR_S, 6 * HOUR_S)}
# A value is a whole number from 0 to 65534 between the lowest and the highest of its point; 65535 is none.
LEVELS, NONE = 65534, 65535
UNKNOWN, WITHIN, LOW, LOW_LOW, HIGH, HIGH_HIGH = range(6)


@dataclass(frozen=True)
class Window:
    """A span of time in steps, `value_s` seconds a value; both divide it."""

    begin: datetime
    seconds: int
    step_s: int
    value_s: int

    @property
    def end(self) -> datetime:
        """Return where it ends, exclusive."""
        return self.begin + timedelta(seconds=self.seconds)

    @property
    def values(self) -> int:
        """Return how many values a curve has."""
        return self.seconds // self.value_s

    @property
    def steps(self) -> int:
        """Return how many steps the bar has."""
        return self.seconds // self.step_s

    def offset_s(self, instant: datetime | None, default: int) -> int:
        """Return an instant as seconds from the begin, held inside the window; `default` where there is none."""
        if instant is None:
            return default
        return max(0, min(self.seconds, round((instant - self.begin).total_seconds())))


def window_of(choice: str, now: datetime) -> Window:
    """Return the window of a choice that ends with the step that holds `now`; raise Invalid for another choice."""
    if choice not in CHOICES:
        raise Invalid("times_window", value=choice[:20])
    seconds, step_s, value_s = CHOICES[choice]
    # Values begin on their own grid, so that a rolled-up hour is never cut in two.
    last = int(now.timestamp()) // value_s * value_s + value_s
    return Window(datetime.fromtimestamp(last - seconds, now.tzinfo), seconds, step_s, value_s)


def state_of(lowest: float | None, highest: float | None, limits: tuple[float | None, ...]) -> int:
    """Return the worst state between the lowest and highest value, limits as LL, L, H, HH; an outer limit comes first."""
    if lowest is None or highest is None:
        return UNKNOWN
    low_low, low, high, high_high = limits
    if low_low is not None and lowest < low_low:
        return LOW_LOW
    if high_high is not None and highest > high_high:
        return HIGH_HIGH
    if low is not None and lowest < low:
        return LOW
    if high is not None and highest > high:
        return HIGH
    return WITHIN


@dataclass(frozen=True)
class Packed:
    """The values of one point: code × scale + base, and a state for each."""

    base: float
    scale: float
    codes: np.ndarray[tuple[int], np.dtype[np.uint16]]
    states: np.ndarray[tuple[int], np.dtype[np.uint8]]


def pack(found: Iterable[tuple[int, float, int]], count: int) -> Packed:
    """Return `count` places filled from (place, value, state); an error of a value is below 1/131,000 of its range."""
    codes, states = np.full(count, NONE, np.uint16), np.zeros(count, np.uint8)
    rows = [row for row in found if 0 <= row[0] < count]
    if not rows:
        return Packed(0.0, 1.0, codes, states)
    places = np.array([row[0] for row in rows])
    values = np.array([row[1] for row in rows], np.float64)
    base = float(values.min())
    scale = (float(values.max()) - base) / LEVELS or 1.0
    codes[places] = np.rint((values - base) / scale).astype(np.uint16)
    states[places] = [row[2] for row in rows]
    return Packed(base, scale, codes, states)


def joined(parts: Iterable[np.ndarray[tuple[int], np.dtype[np.generic]]], kind: str) -> str:
    """Return arrays one after the other as base64 of little-endian numbers of a kind such as <u2."""
    return base64.b64encode(b"".join(part.astype(kind).tobytes() for part in parts)).decode()


def counted(begins: Iterable[tuple[int, int]], window: Window) -> list[list[int]]:
    """Return for each step the number of alarms of levels 1 to 4 that began in it, from (offset in s, level)."""
    bins = [[0, 0, 0, 0] for _ in range(window.steps)]
    for offset, level in begins:
        if 0 <= offset < window.seconds and 1 <= level <= len(bins[0]):
            bins[offset // window.step_s][level - 1] += 1
    return bins
