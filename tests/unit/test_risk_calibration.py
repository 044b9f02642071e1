"""Predicted against observed failures: on cities of known truth, and on figures the US regulator publishes."""

from __future__ import annotations

import numpy as np
import pytest

from gis.risk.calibration import fit, grouped, hit_share, poisson_interval, poisson_p_value, refitted_rate, reliability

# PHMSA (US DOT), gas distribution: flagged incidents, and miles of mains with estimated services, by year.
PHMSA = {
    2010: (120, 2_102_483), 2011: (116, 2_121_355), 2012: (88, 2_138_000), 2013: (104, 2_149_819),
    2014: (106, 2_169_375), 2015: (101, 2_190_257), 2016: (115, 2_211_522), 2017: (103, 2_226_053),
}  # fmt: skip
KM_A_MILE = 1.609344


def generated_city(seed: int, segments: int = 20_000, truth: float = 1.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return expectation, failures and km·years of a city whose true rates are the expected ones times `truth`."""
    pick = np.random.default_rng(seed)
    km_years = pick.uniform(0.01, 0.5, segments)
    rate = pick.choice([0.003, 0.02, 0.05, 0.15, 0.5], segments) * np.exp(pick.normal(0, 0.5, segments))
    expected = rate * km_years
    return expected, pick.poisson(expected * truth), km_years


def test_the_exact_interval_meets_published_values() -> None:
    assert poisson_interval(0) == pytest.approx((0.0, 2.9957), abs=1e-3)
    assert poisson_interval(10) == pytest.approx((5.425, 16.962), abs=1e-3)


def test_a_count_as_expected_is_no_surprise_and_a_far_one_is() -> None:
    assert poisson_p_value(10, 10.0) > 0.9
    assert poisson_p_value(30, 10.0) < 1e-5
    assert poisson_p_value(0, 0.0) == 1.0
    assert poisson_p_value(1, 0.0) == 0.0


def test_intervals_of_generated_cities_hold_their_truth_as_often_as_they_say() -> None:
    held = [each.fits for seed in range(60) for each in reliability(*_as_arguments(generated_city(seed)))]
    assert 0.87 <= float(np.mean(held)) <= 0.96


def test_a_true_model_is_calibrated_within_five_hundredths_and_beats_one_rate_for_all() -> None:
    expected, observed, km_years = generated_city(5, segments=60_000)
    found = fit(expected, observed, km_years)
    assert abs(found.expected - found.observed) / found.expected <= 0.05
    assert found.p_value > 0.01
    assert found.skill is not None
    assert found.skill > 0
    assert found.hit_share > 0.3


def test_a_model_that_expects_half_is_found_out() -> None:
    found = fit(*_as_arguments(generated_city(6, truth=2.0)))
    assert found.p_value < 1e-6
    assert sum(each.fits for each in found.bins) <= 3


def test_the_groups_keep_every_failure_and_every_kilometre() -> None:
    expected, observed, km_years = generated_city(7)
    bins = reliability(expected, observed, km_years)
    assert sum(each.observed for each in bins) == observed.sum()
    assert sum(each.km_years for each in bins) == pytest.approx(km_years.sum())
    named = grouped(("a", "b", "c"), np.arange(len(expected)) % 2, expected, observed, km_years)
    assert [each.name for each in named] == ["a", "b"]


def test_refitted_rates_approach_the_truth() -> None:
    expected, observed, km_years = generated_city(8, truth=2.0)
    assert refitted_rate(0.02, float(expected.sum()), int(observed.sum())) == pytest.approx(0.04, rel=0.1)
    assert refitted_rate(0.02, 3, 9) == pytest.approx(0.0371, abs=1e-4)
    assert refitted_rate(0.02, 0, 0) == 0.02


def test_a_rate_fitted_to_four_years_of_us_records_predicts_the_four_that_follow() -> None:
    past, later = [PHMSA[year] for year in range(2010, 2014)], [PHMSA[year] for year in range(2014, 2018)]
    rate = sum(n for n, _ in past) / sum(miles * KM_A_MILE for _, miles in past)
    km_years = np.array([miles * KM_A_MILE for _, miles in later])
    observed = np.array([n for n, _ in later])
    bins = grouped(("2014", "2015", "2016", "2017"), np.arange(4), rate * km_years, observed, km_years)
    assert 2.5e-5 < rate < 4e-5
    assert all(each.fits for each in bins)
    assert poisson_p_value(int(observed.sum()), float(rate * km_years.sum())) > 0.1


def test_a_rate_from_elsewhere_is_found_out_on_us_records() -> None:
    km_years = np.array([miles * KM_A_MILE for _, miles in PHMSA.values()])
    observed = np.array([n for n, _ in PHMSA.values()])
    assert poisson_p_value(int(observed.sum()), float(0.02 * km_years.sum())) < 1e-6


def test_without_a_failure_nothing_is_hit_and_there_is_no_skill() -> None:
    expected, km_years = np.full(10, 0.001), np.full(10, 0.1)
    found = fit(expected, np.zeros(10, int), km_years)
    assert hit_share(expected, np.zeros(10, int), km_years) == 0
    assert found.skill is None


def _as_arguments(city: tuple[np.ndarray, np.ndarray, np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return city
