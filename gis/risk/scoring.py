"""From inputs of segments to rate, consequence and colour, for thousands at once; pure.

The rate is a product, so its logarithm is a sum: each factor's part is a whole number of millionths of
log10, and the sum of the parts is the stored total exactly.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from gis.risk.model import LIKELIHOOD, Factor, Model

Whole = NDArray[np.int64]
Numbers = NDArray[np.float64]
Flags = NDArray[np.bool_]

MILLIONTHS = 1_000_000
NOT_FILED = -1
STEEL, PE, GREY, DUCTILE, STAINLESS = (10, 11, 12), (20, 21, 22, 23), 30, 31, 40
HIGH_UP_TO_CLASS = 4
OPEN_TO_AIR = (2, 7)
DRILLED, ELECTROFUSION = 4, 2
PATROL_UNKNOWN, PATROL_OVERDUE = 0, 2
RED_SHORTCUT_C, RED_SHORTCUT_L = 5, 4
PIPE_KINDS = ("pe", "steel_protected", "steel_bare", "ductile", "grey", "steel_high", "stainless", "other")


@dataclass(frozen=True)
class Inputs:
    """What the risk of segments follows from, one array a column; -1 stands for what is not filed."""

    length_m: Numbers
    pressure_class: Whole
    material: Whole
    od_mm: Numbers
    cp_kind: Whole
    laying: Whole
    joint: Whole
    age_years: Whole
    works_n: Whole
    leaks_n: Whole
    corrosion_n: Whole
    settlement_n: Whole
    spaces_n: Whole
    patrol_state: Whole
    people_most: Whole
    sensitive_n: Whole
    supply_households: Whole

    def without(self, name: str) -> Inputs:
        """Return the same with a count set to nought."""
        return replace(self, **{name: np.zeros_like(getattr(self, name))})

    def __len__(self) -> int:
        """Return how many segments."""
        return len(self.length_m)


INPUT_NAMES = tuple(each.name for each in fields(Inputs))


@dataclass(frozen=True)
class Scores:
    """What follows, one row a segment; `parts` is (n, factors) in millionths of log10."""

    parts: Whole
    log_rate: Whole
    log_rate_low: Whole
    log_rate_high: Whole
    unknown_n: Whole
    expected: Numbers
    likelihood: Whole
    c_people: Whole
    c_plus: Whole
    c_supply: Whole
    consequence: Whole
    score: Whole
    colour: Whole
    colour_low: Whole
    colour_high: Whole


def score(model: Model, given: Inputs) -> Scores:
    """Return rate, likelihood L, consequence C, score L·C and colour of every segment, with what they are made of."""
    parts, low, high, unknown = _likelihood_parts(model, given)
    totals = [np.asarray(each.sum(axis=1), np.int64) for each in (parts, low, high)]
    expected = [rate_of(each) * given.length_m / 1000 for each in totals]
    grades = [_band(model["likelihood_bands"], each) for each in expected]
    c_people = _band(model["people_bands"], given.people_most)
    c_supply = np.where(given.supply_households < 0, 0, _band(model["supply_bands"], given.supply_households))
    c_plus = _plus(model["plus"], given)
    consequence = np.maximum(np.minimum(c_people + c_plus, 5), c_supply)
    colours = [_colour(model["colours"], each, consequence) for each in grades]
    return Scores(
        parts=parts, log_rate=totals[0], log_rate_low=totals[1], log_rate_high=totals[2], unknown_n=unknown,
        expected=expected[0], likelihood=grades[0], c_people=c_people, c_plus=c_plus, c_supply=c_supply,
        consequence=consequence, score=grades[0] * consequence, colour=colours[0], colour_low=colours[1],
        colour_high=colours[2],
    )  # fmt: skip


def rate_of(log_rate: NDArray[np.integer]) -> Numbers:
    """Return failures a km and year of a logarithm in millionths."""
    return np.asarray(np.power(10.0, np.asarray(log_rate, float) / MILLIONTHS))


def pipe_kind(given: Inputs) -> Whole:
    """Return the place in PIPE_KINDS of each segment's base rate."""
    steel = np.isin(given.material, STEEL)
    high = steel & (given.pressure_class <= HIGH_UP_TO_CLASS)
    known = [
        np.isin(given.material, PE), high, steel & (given.cp_kind > 0), steel, given.material == DUCTILE,
        given.material == GREY, given.material == STAINLESS,
    ]  # fmt: skip
    return np.select(known, [0, 5, 1, 2, 3, 4, 6], 7)


def _micro(weight: float, multiplier: Numbers) -> Whole:
    return np.asarray(np.rint(weight * MILLIONTHS * np.log10(multiplier)), np.int64)


def _likelihood_parts(model: Model, given: Inputs) -> tuple[Whole, Whole, Whole, Whole]:
    """Return parts, parts at best, parts at worst, and how many factors lack their input."""
    kinds = pipe_kind(given)
    rates = np.array([model["base"][name] for name in PIPE_KINDS])
    bare_steel_unknown = (kinds == 2) & (given.cp_kind < 0)
    base = _micro(1.0, rates[kinds])
    best = _micro(1.0, np.where(bare_steel_unknown, min(rates[1], rates[2]), rates[kinds]))
    worst = _micro(1.0, np.where(bare_steel_unknown, max(rates[1], rates[2]), rates[kinds]))
    columns, lows, highs, unknown = [base], [best], [worst], np.asarray(bare_steel_unknown, np.int64)
    for key in LIKELIHOOD[1:]:
        factor = model[key]
        multiplier, missing, spread = _MULTIPLIERS[key](factor, given)
        part = _micro(factor.weight, multiplier)
        ends = _micro(factor.weight, np.array([min(spread), max(spread)]))
        columns.append(part)
        lows.append(np.where(missing, np.minimum(part, ends[0]), part))
        highs.append(np.where(missing, np.maximum(part, ends[1]), part))
        unknown = unknown + missing
    made = [np.column_stack(each) for each in (columns, lows, highs)]
    return made[0], made[1], made[2], unknown


Multiplier = tuple[Numbers, Flags, tuple[float, ...]]
Rule = Callable[[Factor, Inputs], Multiplier]


def _age(factor: Factor, given: Inputs) -> Multiplier:
    missing = given.age_years < 0
    grown = np.exp(factor["slope"] * (given.age_years - factor["from_years"]))
    held = np.clip(grown, factor["least"], factor["most"])
    return np.where(missing, factor["unknown"], held), missing, (factor["least"], factor["most"])


def _diameter(factor: Factor, given: Inputs) -> Multiplier:
    small, large = given.od_mm < factor["small_below_mm"], given.od_mm >= factor["large_from_mm"]
    multiplier = np.select([small, large], [factor["small"], factor["large"]], factor["other"])
    return multiplier, np.zeros(len(given), bool), (1.0,)


def multipliers(model: Model, given: Inputs) -> dict[str, tuple[Numbers, Flags]]:
    """Return for each likelihood factor its multiplier (of the first: the base rate) and where its input is not filed."""
    kinds = pipe_kind(given)
    rates = np.array([model["base"][name] for name in PIPE_KINDS])
    found = {"base": (rates[kinds], (kinds == 2) & (given.cp_kind < 0))}
    for key in LIKELIHOOD[1:]:
        values, missing, _ = _MULTIPLIERS[key](model[key], given)
        found[key] = (values, missing)
    return found


def _found(name: str, yes: str) -> Rule:
    def multiplier(factor: Factor, given: Inputs) -> Multiplier:
        there = getattr(given, name) > 0
        return np.where(there, factor[yes], factor["none"]), np.zeros(len(given), bool), (1.0,)

    return multiplier


def _protection(factor: Factor, given: Inputs) -> Multiplier:
    """Buried high and sub-high steel only: below that the base rate tells protected from bare already."""
    concerned = (
        np.isin(given.material, STEEL)
        & (given.pressure_class <= HIGH_UP_TO_CLASS)
        & ~np.isin(given.laying, OPEN_TO_AIR)
    )
    missing = concerned & (given.cp_kind < 0)
    known = np.where(concerned & (given.cp_kind == 0), factor["missing"], factor["other"])
    return np.where(missing, factor["unknown"], known), missing, (factor["missing"], factor["other"])


def _joint(factor: Factor, given: Inputs) -> Multiplier:
    plastic = np.isin(given.material, PE)
    drilled = given.laying == DRILLED
    fused = plastic & (given.joint == ELECTROFUSION)
    missing = ~drilled & ((plastic & (given.joint < 0)) | (given.laying < 0))
    known = np.select([drilled, fused], [factor["drilled"], factor["electrofusion"]], factor["other"])
    spread = (factor["other"], factor["drilled"], factor["electrofusion"])
    return np.where(missing & ~fused, factor["unknown"], known), missing & ~fused, spread


def _patrol(factor: Factor, given: Inputs) -> Multiplier:
    missing = given.patrol_state == PATROL_UNKNOWN
    known = np.where(given.patrol_state == PATROL_OVERDUE, factor["overdue"], factor["in_time"])
    return np.where(missing, factor["unknown"], known), missing, (factor["overdue"], factor["in_time"])


_MULTIPLIERS: dict[str, Rule] = {
    "age": _age,
    "diameter": _diameter,
    "corrosion": _found("corrosion_n", "found"),
    "protection": _protection,
    "works": _found("works_n", "open"),
    "leak": _found("leaks_n", "found"),
    "settlement": _found("settlement_n", "found"),
    "joint": _joint,
    "patrol": _patrol,
}


def _band(factor: Factor, values: NDArray[np.generic]) -> Whole:
    """Return 1 to 5: how many of the four limits a value reaches, and one."""
    limits = np.array([factor[f"to_{step}"] for step in (1, 2, 3, 4)])
    return np.asarray(np.searchsorted(limits, np.asarray(values, float), side="right") + 1, np.int64)


def _plus(factor: Factor, given: Inputs) -> Whole:
    space, sensitive = given.spaces_n > 0, given.sensitive_n > 0
    return np.where((space & (factor["space"] > 0)) | (sensitive & (factor["sensitive"] > 0)), 1, 0)


def _colour(factor: Factor, likelihood: Whole, consequence: Whole) -> Whole:
    """Return 1 red to 4 blue of L·C; the gravest consequence is red from L 4 on."""
    product = likelihood * consequence
    shortcut = (consequence >= RED_SHORTCUT_C) & (likelihood >= RED_SHORTCUT_L)
    red = (product >= factor["red_from"]) | shortcut
    return np.select([red, product >= factor["orange_from"], product >= factor["yellow_from"]], [1, 2, 3], 4)
