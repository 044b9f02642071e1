"""A version of the risk model: its rows, what a row may hold, and how rows are read and checked; pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

WEIGHT_MOST = 3.0
FIGURE_MOST = 1e6
# Likelihood factors in the order of `risk_segment.parts`; the first is the base rate.
LIKELIHOOD = ("base", "age", "diameter", "corrosion", "protection", "works", "leak", "settlement", "joint", "patrol")
GRADING = ("likelihood_bands", "people_bands", "supply_bands", "plus", "reach", "colours")
KEYS = LIKELIHOOD + GRADING
# Figures that are limits and must rise in this order.
RISING = {
    "likelihood_bands": ("to_1", "to_2", "to_3", "to_4"),
    "people_bands": ("to_1", "to_2", "to_3", "to_4"),
    "supply_bands": ("to_1", "to_2", "to_3", "to_4"),
    "colours": ("yellow_from", "orange_from", "red_from"),
}
# Figures that are no multipliers and may be nought.
MAY_BE_ZERO = frozenset(
    {("age", "slope"), ("age", "from_years"), ("plus", "space"), ("plus", "sensitive"), ("people_bands", "to_1")}
)


class BadModel(ValueError):
    """A version that cannot be used; `key` and `name` say which figure."""

    def __init__(self, key: str, name: str) -> None:
        """Keep which figure is wrong."""
        super().__init__(f"{key}.{name}")
        self.key, self.name = key, name


@dataclass(frozen=True)
class Factor:
    """One row: its weight (exponent of the multiplier), its figures by name, and their source."""

    key: str
    weight: float
    bands: Mapping[str, float]
    source: str

    def __getitem__(self, name: str) -> float:
        """Return a figure by name."""
        return self.bands[name]


@dataclass(frozen=True)
class Model:
    """A version of the model by the keys of its rows."""

    number: int
    factors: Mapping[str, Factor]

    def __getitem__(self, key: str) -> Factor:
        """Return a row by key."""
        return self.factors[key]


def model_of(number: int, rows: Iterable[Any]) -> Model:
    """Return a version from its stored rows (key, weight, bands, source); raise BadModel when one is missing or wrong."""
    found = {row.key: Factor(row.key, float(row.weight), dict(row.bands), row.source) for row in rows}
    missing = [key for key in KEYS if key not in found]
    if missing:
        raise BadModel(missing[0], "")
    made = Model(number, {key: found[key] for key in KEYS})
    check(made)
    return made


def changed(model: Model, number: int, weights: Mapping[str, float], figures: Mapping[tuple[str, str], float]) -> Model:
    """Return a version with other weights and figures; raise BadModel for one that cannot be used."""
    factors = {}
    for key, factor in model.factors.items():
        bands = {name: figures.get((key, name), value) for name, value in factor.bands.items()}
        factors[key] = replace(factor, weight=weights.get(key, factor.weight), bands=bands)
    made = Model(number, factors)
    check(made)
    return made


def check(model: Model) -> None:
    """Raise BadModel unless every weight and figure can be used."""
    for key, factor in model.factors.items():
        if not (math.isfinite(factor.weight) and 0 <= factor.weight <= WEIGHT_MOST):
            raise BadModel(key, "weight")
        if key not in LIKELIHOOD[1:] and factor.weight != 1:
            raise BadModel(key, "weight")
        for name, value in factor.bands.items():
            least = 0.0 if (key, name) in MAY_BE_ZERO else 1e-9
            if not (math.isfinite(value) and least <= value <= FIGURE_MOST):
                raise BadModel(key, name)
    for key, names in RISING.items():
        values = [model[key][name] for name in names]
        if values != sorted(set(values)):
            raise BadModel(key, names[0])
    if model["age"]["least"] > model["age"]["most"]:
        raise BadModel("age", "least")


def differences(old: Model, new: Model) -> list[tuple[str, str, float, float]]:
    """Return key, name, former and new figure of everything that differs; the name of a weight is `weight`."""
    found = []
    for key in KEYS:
        if old[key].weight != new[key].weight:
            found.append((key, "weight", old[key].weight, new[key].weight))
        names = sorted(old[key].bands.keys() | new[key].bands.keys())
        for name in names:
            was, now = old[key].bands.get(name, math.nan), new[key].bands.get(name, math.nan)
            if was != now:
                found.append((key, name, was, now))
    return found
