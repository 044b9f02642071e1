"""A labelled set for the rules on series: demo-like days with seeded faults, and what each rule made of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ingestion_adapters.quality.judges import (
    judge_balance,
    judge_clock,
    judge_copied,
    judge_digits,
    judge_flat,
    judge_meter,
    judge_neighbour,
    judge_order,
    judge_outlier,
)
from ingestion_adapters.quality.ruleset import shipped

SEED = 20261125
DAYS, STEPS = 29, 288
POINTS = 400
FAULTY = 0.1
Floats = NDArray[np.float64]
Case = tuple[dict[str, Any], bool]


@dataclass(frozen=True)
class Measured:
    """What a rule found of what was seeded."""

    rule: str
    faults: int
    clean: int
    hits: int
    false: int

    @property
    def precision(self) -> float:
        """Return hits over all that was found."""
        return self.hits / max(self.hits + self.false, 1)

    @property
    def recall(self) -> float:
        """Return hits over what was seeded."""
        return self.hits / max(self.faults, 1)

    def line(self) -> str:
        """Return the row of the paper."""
        return (
            f"| {self.rule} | {self.clean} | {self.faults} | {self.hits} | {self.false} "
            f"| {self.precision:.3f} | {self.recall:.3f} |"
        )


def demand(hours: Floats) -> Floats:
    """Return a load between 0 and 1 with two peaks a day, lower at the weekend."""
    day, week = hours % 24, (hours // 24) % 7
    shape = 0.35 + 0.3 * np.exp(-((day - 12) ** 2) / 8) + 0.4 * np.exp(-((day - 18.5) ** 2) / 8)
    return shape * np.where(week >= 5, 0.85, 1.0)


def pressure(chance: np.random.Generator, days: int = DAYS) -> Floats:
    """Return readings of one gauge each five minutes, (days, 288), kPa or MPa to four decimals."""
    base = chance.choice([2.5, 0.35, 0.16, 1.0])
    swing, noise = base * chance.uniform(0.02, 0.1), base * chance.uniform(0.003, 0.008)
    hours = np.arange(days * STEPS) / 12
    drift = np.cumsum(chance.normal(0, 1, hours.size))
    drift *= 0.3 * noise / max(float(np.abs(drift).max()), 1.0) * 4
    value = base - swing * demand(hours) ** 2 + drift + chance.normal(0, noise, hours.size)
    return np.round(value, 4).reshape(days, STEPS)


def hourly(readings: Floats) -> tuple[Floats, Floats, Floats]:
    """Return lowest, highest and mean of each hour of days."""
    by_hour = readings.reshape(-1, 12)
    return by_hour.min(axis=1), by_hour.max(axis=1), by_hour.mean(axis=1)


def chances() -> Iterator[tuple[np.random.Generator, bool]]:
    """Yield a generator for each point and whether a fault is seeded there."""
    for number in range(POINTS):
        yield np.random.Generator(np.random.PCG64([SEED, number])), number < POINTS * FAULTY


def flat_cases() -> Iterator[Case]:
    """Yield gauges of two days, some stuck over 24 to 40 hours with the last digit flickering below the fifth."""
    for chance, fault in chances():
        readings = pressure(chance, 2).ravel()
        if fault:
            length = int(chance.integers(25, 40)) * 12
            begin = int(chance.integers(0, readings.size - length + 1)) // 12 * 12
            readings[begin : begin + length] = readings[begin]
        elif chance.uniform() < 0.1:  # a freeze of hours, which the rule must leave alone
            begin = int(chance.integers(0, readings.size - 18 * 12))
            readings[begin : begin + int(chance.integers(2, 18)) * 12] = readings[begin]
        low, high, _ = hourly(readings[12:])
        yield {"low": low, "high": high, "upstream_moved": 0.06}, fault


def copied_cases() -> Iterator[Case]:
    """Yield days, some of them one of the 28 days before once more."""
    first = date(2026, 11, 1)
    for chance, fault in chances():
        readings = pressure(chance)
        if fault:
            readings[-1] = readings[int(chance.integers(0, DAYS - 1))]
        prints = [hash(tuple(np.concatenate(hourly(day)).round(6))) for day in readings]
        same = [first + timedelta(days=n) for n, each in enumerate(prints[:-1]) if each == prints[-1]]
        distinct = len(set(hourly(readings[-1])[2].round(6)))
        yield {"distinct": distinct, "same_days": same}, fault


def digit_cases() -> Iterator[Case]:
    """Yield days, some typed in: rounded to halves of the third decimal, or with favourite digits."""
    for number, (chance, fault) in enumerate(chances()):
        whole = np.round(pressure(chance, 1).ravel() * 10_000).astype(np.int64)
        if fault and number % 2:
            half = chance.uniform(size=whole.size) < 0.7
            whole[half] = whole[half] // 5 * 5
        elif fault:
            liked = chance.choice([2, 3, 7, 8], size=whole.size)
            often = chance.uniform(size=whole.size) < 0.7
            whole[often] = whole[often] // 10 * 10 + liked[often]
        moved = whole[np.append(True, np.diff(whole) != 0)]
        places = np.bincount(np.abs(moved) % 10, minlength=10)
        yield {"digits": places.tolist(), "distinct": np.unique(whole).size}, fault


def outlier_cases() -> Iterator[Case]:
    """Yield days with the four weeks before, some with two to five hours off: spikes, steps, or a foreign day's shape."""
    for number, (chance, fault) in enumerate(chances()):
        _, _, means = hourly(pressure(chance))
        now = means[-24:].copy()
        if fault:
            begin, length = int(chance.integers(0, 18)), int(chance.integers(2, 6))
            size = float(np.median(means)) * chance.uniform(0.03, 0.25)
            now[begin : begin + length] += size if number % 2 else -size
        hours = np.arange(means.size)
        yield {"past": means[:-24], "past_hour": hours[:-24], "now": now, "now_hour": hours[-24:]}, fault


def meter_cases() -> Iterator[Case]:
    """Yield a day of a cumulative meter, some falling; others roll over, which is no fault."""
    for number, (chance, fault) in enumerate(chances()):
        read = chance.uniform(1_000, 90_000) + np.cumsum(chance.uniform(0.5, 60, 25))
        if fault:
            place = int(chance.integers(1, 25))
            read[place:] -= chance.uniform(80, 900)
        elif number % 7 == 0:
            read = (100_000 - 200 + np.cumsum(chance.uniform(5, 30, 25))) % 100_000
        yield {"last": np.round(read, 3)}, fault


def order_cases() -> Iterator[Case]:
    """Yield gauges with what feeds them, some standing above it by 8 to 40 percent."""
    for chance, fault in chances():
        upstream = float(chance.choice([2.6, 160.0, 350.0]))
        own = upstream * (chance.uniform(1.08, 1.4) + (0.15 / upstream) if fault else chance.uniform(0.85, 1.0))
        yield {"upstream_kpa": upstream, "own_kpa": own + chance.normal(0, 0.004 * upstream)}, fault


def neighbour_cases() -> Iterator[Case]:
    """Yield pairs of gauges, some drifted by 15 to 50 percent against their usual ratio."""
    for number, (chance, fault) in enumerate(chances()):
        other = float(chance.choice([2.6, 160.0, 350.0])) * chance.uniform(0.9, 1.0)
        usual = chance.uniform(0.9, 1.1)
        drift = 1 + chance.uniform(0.15, 0.5) * (1 if number % 2 else -1) if fault else chance.normal(1, 0.02)
        yield {"own_kpa": other * usual * drift, "other_kpa": other, "other": "B", "usual_ratio": usual}, fault


def balance_cases() -> Iterator[Case]:
    """Yield gas days, some reported 5 to 30 percent off what the stations measured."""
    for number, (chance, fault) in enumerate(chances()):
        measured = chance.uniform(20_000, 90_000)
        off = chance.uniform(0.05, 0.3) * (1 if number % 2 else -1) if fault else chance.normal(0, 0.006)
        yield {"measured_m3": measured, "reported_m3": measured * (1 + off), "coverage": 1.0}, fault


def clock_cases() -> Iterator[Case]:
    """Yield senders, some with a clock 8 to 300 s ahead, or 150 s to an hour behind."""
    for number, (chance, fault) in enumerate(chances()):
        skew = -chance.uniform(8, 300) if number % 2 else chance.uniform(150, 3600)
        yield {"quickest_s": round(skew if fault else chance.uniform(0, 60)), "from_future": 0}, fault


CASES: dict[str, tuple[Callable[..., Any], Callable[[], Iterator[Case]]]] = {
    "METER-RISES": (judge_meter, meter_cases),
    "FLAT-LINE": (judge_flat, flat_cases),
    "COPIED-DAY": (judge_copied, copied_cases),
    "LAST-DIGIT": (judge_digits, digit_cases),
    "OUTLIER-MAD": (judge_outlier, outlier_cases),
    "OUTLIER-IQR": (judge_outlier, outlier_cases),
    "OUTLIER-SEASON": (judge_outlier, outlier_cases),
    "PRESSURE-ORDER": (judge_order, order_cases),
    "NEIGHBOURS": (judge_neighbour, neighbour_cases),
    "BALANCE": (judge_balance, balance_cases),
    "CLOCK": (judge_clock, clock_cases),
}


def measured(rule: str) -> Measured:
    """Run a rule as shipped over its labelled set."""
    judge, cases = CASES[rule]
    parameters = shipped()[rule]["parameters"]
    counts = {(fault, found): 0 for fault in (True, False) for found in (True, False)}
    for values, fault in cases():
        verdict = judge(values, parameters)
        counts[fault, verdict is not None and verdict.wrong] += 1
    return Measured(
        rule,
        faults=counts[True, True] + counts[True, False],
        clean=counts[False, True] + counts[False, False],
        hits=counts[True, True],
        false=counts[False, True],
    )
