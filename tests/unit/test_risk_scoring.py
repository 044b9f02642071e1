"""From inputs to colour: sums that match, bands as published, and versions that cannot be used."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest

from gis.risk.defaults import VERSION_1
from gis.risk.model import KEYS, LIKELIHOOD, BadModel, changed, differences, model_of
from gis.risk.scoring import INPUT_NAMES, MILLIONTHS, Inputs, multipliers, rate_of, score
from portal.safety.risk.rules import area_colour

USUAL = {
    "length_m": 100.0, "pressure_class": 6, "material": 21, "od_mm": 160.0, "cp_kind": 0, "laying": 1, "joint": 3, "age_years": 15,
    "works_n": 0, "leaks_n": 0, "corrosion_n": 0, "settlement_n": 0, "spaces_n": 0, "patrol_state": 1, "people_most": 0,
    "sensitive_n": 0, "supply_households": 0,
}  # fmt: skip


def inputs(*rows: dict[str, float]) -> Inputs:
    """Return inputs of segments that differ from the usual one in what is given."""
    return Inputs(**{name: np.array([(USUAL | row)[name] for row in rows]) for name in INPUT_NAMES})


def rate(**given: float) -> float:
    """Return the rate of one segment."""
    return float(rate_of(score(VERSION_1, inputs(given)).log_rate)[0])


def many(count: int, seed: int = 11) -> Inputs:
    """Return random inputs, what is not filed among them."""
    pick = np.random.default_rng(seed)
    return Inputs(
        length_m=pick.uniform(0.5, 900, count), pressure_class=pick.integers(1, 8, count),
        material=pick.choice([10, 11, 12, 20, 21, 22, 23, 30, 31, 40, 99], count), od_mm=pick.uniform(20, 720, count),
        cp_kind=pick.integers(-1, 4, count), laying=pick.integers(-1, 8, count), joint=pick.integers(-1, 7, count),
        age_years=pick.integers(-1, 70, count), works_n=pick.integers(0, 2, count), leaks_n=pick.integers(0, 3, count),
        corrosion_n=pick.integers(0, 2, count), settlement_n=pick.integers(0, 2, count), spaces_n=pick.integers(0, 2, count),
        patrol_state=pick.integers(0, 3, count), people_most=pick.integers(0, 400, count), sensitive_n=pick.integers(0, 2, count),
        supply_households=pick.integers(-1, 20_000, count),
    )  # fmt: skip


def test_the_parts_of_every_segment_sum_to_its_rate_exactly() -> None:
    made = score(VERSION_1, many(20_000))
    assert made.parts.shape == (20_000, len(LIKELIHOOD))
    assert (made.parts.sum(axis=1) == made.log_rate).all()


def test_the_rate_is_the_product_of_base_and_multipliers() -> None:
    given = many(2_000)
    found = multipliers(VERSION_1, given)
    product = np.prod([values for values, _ in found.values()], axis=0)
    assert rate_of(score(VERSION_1, given).log_rate) == pytest.approx(product, rel=1e-4)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"material": 21}, 0.02), ({"material": 11, "cp_kind": 1}, 0.05), ({"material": 11, "cp_kind": 0}, 0.15),
        ({"material": 31}, 0.15), ({"material": 30}, 0.50), ({"material": 10, "pressure_class": 3, "cp_kind": 2}, 0.003),
    ],
)  # fmt: skip
def test_base_rates_are_those_of_the_table(given: dict[str, float], expected: float) -> None:
    assert rate(**given) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    ("given", "times"),
    [
        ({"age_years": 25}, math.exp(0.3)), ({"age_years": 0}, math.exp(-0.45)), ({"age_years": 60}, 3.0), ({"od_mm": 90}, 1.3),
        ({"od_mm": 325}, 0.7), ({"corrosion_n": 2}, 1.5), ({"works_n": 1}, 5.0), ({"leaks_n": 3}, 2.0), ({"settlement_n": 1}, 2.0),
        ({"laying": 4}, 1.3), ({"joint": 2}, 1.3), ({"patrol_state": 2}, 1.2),
    ],
)  # fmt: skip
def test_modifiers_are_those_of_the_table(given: dict[str, float], times: float) -> None:
    assert rate(**given) == pytest.approx(0.02 * times, rel=1e-5)


def test_bare_high_pressure_steel_is_twice_as_bad_and_bare_medium_pressure_steel_is_not_counted_twice() -> None:
    assert rate(material=10, pressure_class=3, cp_kind=0) == pytest.approx(0.006, rel=1e-5)
    assert rate(material=10, pressure_class=5, cp_kind=0) == pytest.approx(0.15, rel=1e-5)


@pytest.mark.parametrize(
    ("expected", "level"),
    [(9.9e-4, 1), (1.1e-3, 2), (9.9e-3, 2), (1.1e-2, 3), (0.049, 3), (0.051, 4), (0.19, 4), (0.21, 5)],
)
def test_likelihood_bands(expected: float, level: int) -> None:
    made = score(VERSION_1, inputs({"length_m": 1000 * expected / 0.02}))
    assert int(made.likelihood[0]) == level


@pytest.mark.parametrize(("people", "level"), [(0, 1), (1, 2), (9, 2), (10, 3), (49, 3), (50, 4), (199, 4), (200, 5)])
def test_people_bands(people: int, level: int) -> None:
    assert int(score(VERSION_1, inputs({"people_most": people})).c_people[0]) == level


@pytest.mark.parametrize(
    ("households", "level"), [(-1, 0), (99, 1), (100, 2), (999, 2), (1000, 3), (5000, 4), (9999, 4), (10_000, 5)]
)
def test_supply_bands(households: int, level: int) -> None:
    assert int(score(VERSION_1, inputs({"supply_households": households})).c_supply[0]) == level


def test_the_greater_consequence_counts_and_never_exceeds_five() -> None:
    made = score(
        VERSION_1,
        inputs(
            {"people_most": 300, "sensitive_n": 2},
            {"people_most": 0, "spaces_n": 1},
            {"people_most": 0, "supply_households": 6000},
        ),
    )
    assert made.consequence.tolist() == [5, 2, 4]


def test_colours_follow_the_matrix_and_the_shortcut() -> None:
    lengths = {1: 20.0, 2: 200.0, 3: 1000.0, 4: 5000.0, 5: 50_000.0}
    people = {1: 0, 2: 5, 3: 20, 4: 100, 5: 500}
    for likelihood, length_m in lengths.items():
        for consequence, most in people.items():
            made = score(VERSION_1, inputs({"length_m": length_m, "people_most": most}))
            product = likelihood * consequence
            red = product >= 20 or (consequence == 5 and likelihood >= 4)
            wanted = 1 if red else 2 if product >= 12 else 3 if product >= 5 else 4
            assert (int(made.score[0]), int(made.colour[0])) == (product, wanted)


def test_what_is_not_filed_widens_the_interval_and_is_counted() -> None:
    given = inputs({}, {"age_years": -1, "patrol_state": 0})
    made = score(VERSION_1, given)
    assert made.unknown_n.tolist() == [0, 2]
    assert made.log_rate_low[0] == made.log_rate[0] == made.log_rate_high[0]
    assert rate_of(made.log_rate_low)[1] == pytest.approx(0.02 * 0.6, rel=1e-5)
    assert rate_of(made.log_rate_high)[1] == pytest.approx(0.02 * 3.0 * 1.2, rel=1e-5)


def test_the_interval_always_holds_the_rate() -> None:
    made = score(VERSION_1, many(20_000))
    assert (made.log_rate_low <= made.log_rate).all()
    assert (made.log_rate <= made.log_rate_high).all()
    assert (made.colour_high <= made.colour).all()
    assert (made.colour <= made.colour_low).all()


def test_a_weight_is_the_exponent_of_its_multiplier_and_nought_leaves_the_factor_out() -> None:
    given = inputs({"works_n": 1})
    for weight, times in ((0.0, 1.0), (0.5, 5**0.5), (2.0, 25.0)):
        made = score(changed(VERSION_1, 2, {"works": weight}, {}), given)
        assert float(rate_of(made.log_rate)[0]) == pytest.approx(0.02 * times, rel=1e-5)
        assert made.parts.sum() == made.log_rate.sum()


@pytest.mark.parametrize(
    ("weights", "figures"),
    [
        ({"age": -1.0}, {}), ({"age": 3.5}, {}), ({"age": math.nan}, {}), ({"base": 0.5}, {}), ({"colours": 2.0}, {}),
        ({}, {("base", "pe"): 0.0}), ({}, {("base", "pe"): math.inf}), ({}, {("colours", "red_from"): 12.0}),
        ({}, {("likelihood_bands", "to_2"): 0.06}), ({}, {("age", "least"): 4.0}), ({}, {("works", "open"): -5.0}),
    ],
)  # fmt: skip
def test_versions_that_cannot_be_used_are_refused(
    weights: dict[str, float], figures: dict[tuple[str, str], float]
) -> None:
    with pytest.raises(BadModel):
        changed(VERSION_1, 2, weights, figures)


def test_a_version_without_a_row_is_refused() -> None:
    rows = [
        SimpleNamespace(key=each.key, weight=each.weight, bands=each.bands, source=each.source)
        for each in VERSION_1.factors.values()
    ]
    assert model_of(1, rows) == VERSION_1
    for key in KEYS:
        with pytest.raises(BadModel):
            model_of(1, [row for row in rows if row.key != key])


def test_differences_name_what_changed() -> None:
    other = changed(VERSION_1, 2, {"age": 0.5}, {("base", "grey"): 0.4})
    assert differences(VERSION_1, other) == [("base", "grey", 0.5, 0.4), ("age", "weight", 1.0, 0.5)]


@pytest.mark.parametrize(
    ("counts", "km2", "colour"),
    [
        ({1: 1}, 100.0, 1),
        ({2: 3}, 1.0, 1),
        ({2: 2, 3: 9}, 1.0, 2),
        ({3: 1}, 1.0, 3),
        ({4: 5}, 1.0, 4),
        ({}, 1.0, 4),
        ({2: 9}, 0.0, 2),
    ],
)
def test_the_colour_of_an_area(counts: dict[int, int], km2: float, colour: int) -> None:
    assert area_colour(counts, km2, 3.0) == colour


def test_a_million_is_the_unit_of_parts() -> None:
    made = score(VERSION_1, inputs({"works_n": 1}))
    assert made.parts[0].tolist()[LIKELIHOOD.index("works")] == round(MILLIONTHS * math.log10(5))
