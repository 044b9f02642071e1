"""Consequence formulas against worked examples of their sources."""

from __future__ import annotations

import math

import pytest

from gis.risk.formulas import (
    alpha_of,
    failure_probability,
    heat_radius_m,
    hole_flow_kg_per_s,
    impact_radius_m,
    jet_fire_radius_m,
    major_hazard,
    stored_gas_t,
    stored_liquid_t,
)


@pytest.mark.parametrize(
    ("od_mm", "pressure_kpa", "metres"),
    [(219.1, 400, 13.8), (323.9, 1600, 40.8), (323.9, 4000, 64.5), (508, 4000, 101.2), (711, 2500, 112.0)],
)
def test_impact_radius_meets_the_worked_examples(od_mm: float, pressure_kpa: float, metres: float) -> None:
    assert float(impact_radius_m(od_mm, pressure_kpa)) == pytest.approx(metres, abs=0.05)


def test_impact_radius_agrees_with_the_imperial_form_and_with_gb_32167() -> None:
    od_mm, pressure_kpa = 508.0, 4000.0
    imperial_m = 0.69 * math.sqrt(pressure_kpa / 6.894757 * (od_mm / 25.4) ** 2) * 0.3048
    gb_m = 0.099 * math.sqrt(od_mm**2 * pressure_kpa / 1000)
    metres = float(impact_radius_m(od_mm, pressure_kpa))
    assert metres == pytest.approx(imperial_m, rel=0.01)
    assert metres == pytest.approx(gb_m, rel=0.01)


@pytest.mark.parametrize(
    ("hole_mm", "pressure_kpa", "kg_per_s"),
    [(20, 400, 0.272), (20, 200, 0.163), (20, 3, 0.0200), (5, 3, 0.00125), (100, 400, 6.80)],
)
def test_gas_from_a_hole_meets_the_worked_examples(hole_mm: float, pressure_kpa: float, kg_per_s: float) -> None:
    assert float(hole_flow_kg_per_s(hole_mm, pressure_kpa)) == pytest.approx(kg_per_s, rel=0.005)


def test_no_gas_leaves_where_there_is_no_pressure() -> None:
    assert float(hole_flow_kg_per_s(20, 0)) == 0


@pytest.mark.parametrize(("flux", "metres"), [(37.5, 12.0), (25, 14.7), (12.5, 20.8), (4.0, 36.8), (1.6, 58.1)])
def test_jet_fire_meets_the_worked_examples(flux: float, metres: float) -> None:
    assert float(jet_fire_radius_m(6.80, flux)) == pytest.approx(metres, abs=0.06)


def test_below_four_hundred_kilopascal_the_jet_fire_of_a_hole_counts() -> None:
    high, low, narrow = heat_radius_m([323.9, 160, 10], [1600, 200, 200], hole_mm=20, flux_kw_per_m2=12.5)
    assert high == pytest.approx(40.8, abs=0.05)
    assert low == pytest.approx(float(jet_fire_radius_m(hole_flow_kg_per_s(20, 200), 12.5)))
    assert narrow == pytest.approx(float(jet_fire_radius_m(hole_flow_kg_per_s(10, 200), 12.5)))


def test_a_probability_of_failure_stays_below_one() -> None:
    assert float(failure_probability(0.02)) == pytest.approx(0.0198, abs=1e-4)
    assert 0.99 < float(failure_probability(50.0)) <= 1


def test_lng_tanks_of_the_worked_example_are_a_major_hazard_of_level_four() -> None:
    stock_t = stored_liquid_t(2 * 150, 0.9, 0.43)
    s, r, level = major_hazard(stock_t, 50, alpha=1.5, beta=1.5)
    assert stock_t == pytest.approx(116.1)
    assert (round(s, 2), round(r, 2), level) == (2.32, 5.22, 4)


@pytest.mark.parametrize(
    ("people", "alpha"), [(0, 0.5), (1, 1.0), (29, 1.0), (30, 1.2), (50, 1.5), (99, 1.5), (100, 2.0)]
)
def test_people_outside_set_the_correction(people: int, alpha: float) -> None:
    assert alpha_of(people) == alpha


def test_a_stock_below_the_critical_quantity_is_no_major_hazard() -> None:
    assert major_hazard(49.9, 50, alpha=2.0, beta=1.5)[2] == 0


@pytest.mark.parametrize(("stock_t", "level"), [(50, 4), (400, 3), (1700, 2), (4000, 1)])
def test_the_level_follows_r(stock_t: float, level: int) -> None:
    assert major_hazard(stock_t, 50, alpha=1.0, beta=1.5)[2] == level


def test_gas_under_pressure_is_counted_by_volume_and_pressure() -> None:
    assert stored_gas_t(1000, 0.4) == pytest.approx(3.55, abs=0.01)
