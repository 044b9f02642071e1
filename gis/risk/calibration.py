"""Predicted against observed failures: reliability, Brier score, ranking and re-fitted rates; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
Whole = NDArray[np.int64]

CONFIDENCE = 0.90
BINS = 10
# A rate is moved by local records as if the published one had been seen on so many failures.
PRIOR_FAILURES = 4.0
WORST_SHARE = 0.10


@dataclass(frozen=True)
class Bin:
    """One group of segments: how long, how many failures were expected and seen, and the interval of what was seen."""

    name: str
    km_years: float
    expected: float
    observed: int
    low: float
    high: float

    @property
    def fits(self) -> bool:
        """Return whether the expectation lies in the interval of what was seen."""
        return self.low <= self.expected <= self.high


@dataclass(frozen=True)
class Fit:
    """How well a model fits: totals, score, ranking, and the groups."""

    expected: float
    observed: int
    p_value: float
    brier: float
    brier_constant: float
    hit_share: float
    bins: Sequence[Bin]

    @property
    def skill(self) -> float | None:
        """Return the share of the Brier score of one rate for all that the model saves; None where nothing failed."""
        return 1 - self.brier / self.brier_constant if self.brier_constant > 0 else None


def poisson_interval(count: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Return the exact interval of a Poisson mean after so many events (Garwood 1936); 10 events at 90 % give 5.43-16.96."""
    from scipy import special  # noqa: PLC0415  # a second to import, in every process

    tail = (1 - confidence) / 2
    low = float(special.gammaincinv(count, tail)) if count else 0.0
    return low, float(special.gammaincinv(count + 1, 1 - tail))


def poisson_p_value(observed: int, expected: float) -> float:
    """Return the two-sided probability of a count at least so far from its expectation (twice the smaller tail)."""
    if expected <= 0:
        return 1.0 if observed == 0 else 0.0
    from scipy import special  # noqa: PLC0415  # as above

    below = float(special.pdtr(observed, expected))
    above = float(special.pdtrc(observed - 1, expected)) if observed else 1.0
    return min(1.0, 2 * min(below, above))


def refitted_rate(published: float, expected: float, observed: int, prior: float = PRIOR_FAILURES) -> float:
    """Return a rate moved toward local records: the mean of a gamma belief worth `prior` failures after what was seen.

    0.02 with 3 expected and 9 seen gives 0.02 · (9 + 4) / (3 + 4) = 0.0371.
    """
    return published * (observed + prior) / (expected + prior)


def reliability(expected: Numbers, observed: Whole, km_years: Numbers, bins: int = BINS) -> list[Bin]:
    """Return groups of rising predicted rate, each with about the same expectation, with what was seen in them."""
    rate = expected / np.maximum(km_years, 1e-12)
    order = np.argsort(rate, kind="stable")
    share = np.cumsum(expected[order]) / max(float(expected.sum()), 1e-300)
    group = np.minimum((share * bins * (1 - 1e-9)).astype(int), bins - 1)
    return [
        _bin(str(number + 1), order[group == number], expected, observed, km_years)
        for number in range(bins)
        if (group == number).any()
    ]


def grouped(names: Sequence[str], group: Whole, expected: Numbers, observed: Whole, km_years: Numbers) -> list[Bin]:
    """Return one group a name; names no segment belongs to are left out."""
    return [
        _bin(name, np.flatnonzero(group == number), expected, observed, km_years)
        for number, name in enumerate(names)
        if (group == number).any()
    ]


def _bin(name: str, chosen: NDArray[np.integer], expected: Numbers, observed: Whole, km_years: Numbers) -> Bin:
    seen = int(observed[chosen].sum())
    low, high = poisson_interval(seen)
    return Bin(name, float(km_years[chosen].sum()), float(expected[chosen].sum()), seen, low, high)


def fit(expected: Numbers, observed: Whole, km_years: Numbers) -> Fit:
    """Return how well failures expected in the time under watch agree with those seen, segment by segment."""
    failed = observed > 0
    total_km, total = max(float(km_years.sum()), 1e-12), int(observed.sum())
    constant = -np.expm1(-km_years * total / total_km)
    return Fit(
        expected=float(expected.sum()),
        observed=total,
        p_value=poisson_p_value(total, float(expected.sum())),
        brier=float(np.mean((-np.expm1(-expected) - failed) ** 2)) if len(expected) else 0.0,
        brier_constant=float(np.mean((constant - failed) ** 2)) if len(expected) else 0.0,
        hit_share=hit_share(expected, observed, km_years),
        bins=reliability(expected, observed, km_years),
    )


def hit_share(expected: Numbers, observed: Whole, km_years: Numbers, worst: float = WORST_SHARE) -> float:
    """Return the share of failures that lie on the worst tenth of the length by predicted rate; 0 when there are none."""
    total = int(observed.sum())
    if not total:
        return 0.0
    order = np.argsort(-expected / np.maximum(km_years, 1e-12), kind="stable")
    inside = np.cumsum(km_years[order]) <= worst * km_years.sum()
    return float(observed[order][inside].sum() / total)
