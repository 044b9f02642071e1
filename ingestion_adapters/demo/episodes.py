"""What goes wrong in the demo city, planned by day: leaks, excursions, gaps, late data."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ingestion_adapters.demo.demand import DAY_MS, LOCAL_OFFSET_MS
from ingestion_adapters.demo.frame import SEED
from ingestion_adapters.demo.network import ENTERPRISE_KEYS
from ingestion_adapters.demo.points import (
    FALLS,
    GAS,
    POINTS_A_TILE,
    PRESSURE,
    PointPlan,
    first_index,
    plans_of,
)

LEAK, HIGH, LOW_SIDE, OUTAGE, LATE, GATEWAY_LATE, FROZEN, BAD = (
    "leak",
    "high",
    "low",
    "outage",
    "late",
    "gateway_late",
    "frozen",
    "bad",
)
_STREAM = 500
_MINUTE_MS = 60_000
LIVE_SLOT_MS = 10 * _MINUTE_MS


@dataclass(frozen=True)
class Episode:
    """One planted trouble of one point; `size` is peak value, delay in s, or quality."""

    point_index: int
    begin_ms: int
    end_ms: int
    kind: str
    size: float = 0.0


@lru_cache(maxsize=1)
def city_points() -> tuple[PointPlan, ...]:
    """Return the points of tile 0 in the order of their numbers."""
    return tuple(plan for key in ENTERPRISE_KEYS for plan in plans_of(key))


@lru_cache(maxsize=1)
def _candidates() -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """Return the numbers of methane points, kPa pressures, and all else that varies."""
    methane, outlets, lively = [], [], []
    for index, plan in enumerate(city_points()):
        if plan.measure == GAS and plan.unit == "%VOL":
            methane.append(index)
        elif plan.measure == PRESSURE and plan.unit == "kPa":
            outlets.append(index)
        elif plan.model == FALLS:
            lively.append(index)
    return tuple(methane), tuple(outlets), tuple(lively)


class _Day:
    """The chance and the clock of one local day in one tile."""

    def __init__(self, day: int, tile: int) -> None:
        self.chance = np.random.Generator(np.random.PCG64(np.random.SeedSequence([SEED, _STREAM, day, tile])))
        self.start_ms = day * DAY_MS - LOCAL_OFFSET_MS
        self.first = tile * POINTS_A_TILE
        self.used: set[int] = set()

    def pick(self, numbers: tuple[int, ...]) -> int:
        """Return a point of the tile that has no other trouble this day."""
        while True:
            number = int(self.chance.choice(numbers))
            if number not in self.used:
                self.used.add(number)
                return number

    def span(self, shortest_min: float, longest_min: float) -> tuple[int, int]:
        """Return begin and end inside the day, on whole minutes."""
        length = int(self.chance.uniform(shortest_min, longest_min))
        begin = int(self.chance.integers(10, 1430 - length))
        return self.start_ms + begin * _MINUTE_MS, self.start_ms + (begin + length) * _MINUTE_MS

    def one(self, numbers: tuple[int, ...], minutes: tuple[float, float], kind: str, size: float = 0.0) -> Episode:
        """Return an episode of a fresh point."""
        number = self.pick(numbers)
        return Episode(self.first + number, *self.span(*minutes), kind, size)


def _excursion(day: _Day, high: bool) -> Episode:
    number = day.pick(_candidates()[1])
    _, low, high_limit, _ = city_points()[number].limits
    size = (high_limit or 0) * day.chance.uniform(1.02, 1.1) if high else (low or 0) * day.chance.uniform(0.8, 0.95)
    return Episode(day.first + number, *day.span(20, 95), HIGH if high else LOW_SIDE, round(float(size), 3))


def _late_group(day: _Day) -> list[Episode]:
    start = int(day.chance.integers(0, POINTS_A_TILE - 24))
    begin, end = day.span(60, 190)
    delay_s = float(day.chance.integers(3600, 36_000))
    return [Episode(day.first + start + k, begin, end, LATE, delay_s) for k in range(20)]


def _gateway_late(day: _Day, number: int) -> list[Episode]:
    key = ENTERPRISE_KEYS[number % 3]
    begin, end = day.span(35, 50)
    first = first_index(key)
    points = range(first, first + len(plans_of(key)))
    return [Episode(day.first + point, begin, end, GATEWAY_LATE, float((end - begin) // 1000)) for point in points]


@lru_cache(maxsize=512)
def episodes_of_day(day: int, tile: int = 0) -> tuple[Episode, ...]:
    """Return what goes wrong in one local day (days since the epoch) in one tile."""
    plan = _Day(day, tile)
    methane, outlets, lively = _candidates()
    found = [_excursion(plan, high=k % 2 == 0) for k in range(4)]
    if (day + tile) % 4 == 1:
        found.append(plan.one(methane, (190, 380), LEAK, round(float(plan.chance.uniform(1.4, 3.6)), 2)))
    found += [plan.one(methane + outlets, (60, 480), OUTAGE) for _ in range(2)]
    if (day + tile) % 2 == 0:
        found.append(plan.one(outlets + lively, (360, 1200), FROZEN))
        found += _late_group(plan)
    found += [plan.one(outlets + lively, (30, 170), BAD, float(quality)) for quality in (24, 16)]
    if (day + tile) % 9 == 4:
        found += _gateway_late(plan, day // 9)
    return tuple(found)


def episodes_between(begin_ms: int, end_ms: int, tile: int = 0) -> list[Episode]:
    """Return the planted episodes of one tile that touch a span of time."""
    first, last = ((ms + LOCAL_OFFSET_MS) // DAY_MS for ms in (begin_ms, end_ms - 1))
    return [
        episode
        for day in range(int(first), int(last) + 1)
        for episode in episodes_of_day(day, tile)
        if episode.begin_ms < end_ms and episode.end_ms > begin_ms
    ]


@lru_cache(maxsize=64)
def live_excursion(slot: int) -> Episode:
    """Return the limit excursion of one ten-minute slot of live running, in tile 0."""
    chance = np.random.Generator(np.random.PCG64(np.random.SeedSequence([SEED, _STREAM + 1, slot])))
    methane, outlets, _ = _candidates()
    begin = slot * LIVE_SLOT_MS + int(chance.integers(20, 120)) * 1000
    end = begin + int(chance.integers(150, 420)) * 1000
    if chance.uniform() < 0.3:
        return Episode(int(chance.choice(methane)), begin, end, LEAK, round(float(chance.uniform(1.1, 2.2)), 2))
    number = int(chance.choice(outlets))
    _, low, high, _ = city_points()[number].limits
    if chance.uniform() < 0.55:
        return Episode(number, begin, end, HIGH, round(float((high or 0) * chance.uniform(1.02, 1.09)), 3))
    return Episode(number, begin, end, LOW_SIDE, round(float((low or 0) * chance.uniform(0.82, 0.96)), 3))
