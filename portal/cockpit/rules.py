"""The city's safety index and the shapes of the cockpit's charts; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

PARTS = ("device", "coverage", "accidents", "surroundings", "management")
HIGH, MEDIUM = 80.0, 60.0


@dataclass(frozen=True)
class Index:
    """The safety index, 0 to 100, with its parts; None where nothing was reported."""

    parts: Mapping[str, float | None]
    weights: Mapping[str, float]

    @property
    def score(self) -> float | None:
        """Return the weighted mean of the parts that are known.

        Five parts of device state, monitoring coverage, accidents, surroundings and management weigh
        25, 20, 25, 15 and 15 %: 90, 80, 100, 60, 70 give 83.0.
        """
        known = [(self.weights[key], value) for key, value in self.parts.items() if value is not None]
        weight = sum(each for each, _ in known)
        return sum(each * value for each, value in known) / weight if weight > 0 else None

    @property
    def grade(self) -> str:
        """Return high from 80, medium from 60, low below, empty when unknown."""
        score = self.score
        if score is None:
            return ""
        return "high" if score >= HIGH else "medium" if score >= MEDIUM else "low"


def share(part: float, whole: float) -> float | None:
    """Return a share in %, None of nothing."""
    return 100.0 * part / whole if whole else None


def accident_score(incidents: int, km: float, limit_per_100km: float) -> float | None:
    """Return 100 without incidents, falling straight to 0 at the limit a year; None without pipes.

    Two incidents on 400 km with a limit of 5 per 100 km give 90.
    """
    if km <= 0 or limit_per_100km <= 0:
        return None
    return max(0.0, 100.0 * (1 - incidents / (km / 100) / limit_per_100km))


def mean_known(values: Sequence[float | None]) -> float | None:
    """Return the mean of what is known."""
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def nice_top(most: float) -> float:
    """Return the least of 1, 2, 5 × 10ⁿ (4 at least) that is not below a value: the end of an axis."""
    if most <= 4:
        return 4.0
    step = 10.0 ** (len(str(int(most))) - 1)
    return next(top for top in (step, 2 * step, 5 * step, 10 * step) if top >= most)


def stacked_areas(layers: Sequence[Sequence[float]], top: float) -> list[str]:
    """Return an SVG path for each layer, the first lowest, in a box of 100 × 100 with the origin at the top left."""
    if not layers or len(layers[0]) < 2:
        return []
    step = 100 / (len(layers[0]) - 1)
    base = [0.0] * len(layers[0])
    paths = []
    for layer in layers:
        upper = [low + value for low, value in zip(base, layer, strict=True)]
        there = [f"{at * step:.2f},{_y(value, top)}" for at, value in enumerate(upper)]
        back = [f"{at * step:.2f},{_y(value, top)}" for at, value in enumerate(base)][::-1]
        paths.append("M" + " L".join(there + back) + "Z")
        base = upper
    return paths


def broken_line(values: Sequence[float | None], low: float, high: float) -> str:
    """Return an SVG path through the middles of equal columns in a box of 100 × 100; unknown values break it."""
    width, path, pen = 100 / max(1, len(values)), [], "M"
    for at, value in enumerate(values):
        if value is None:
            pen = "M"
            continue
        path.append(f"{pen}{(at + 0.5) * width:.2f},{_y(value - low, high - low)}")
        pen = "L"
    return " ".join(path)


def _y(value: float, top: float) -> str:
    share_of_top = min(1.0, max(0.0, value / top)) if top else 0.0
    return f"{100 - 100 * share_of_top:.2f}"
