"""The indicators: scores, weights, grades and formulas against figures worked out by hand."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from reports.indicators import (
    DEFINITIONS,
    GROUP_WEIGHTS,
    Measured,
    grade_of,
    judge,
    lost_share,
    score_of,
    total_of,
    with_agreed,
    with_shares,
)
from reports.measures import licence, linepack_change, lost_gas


@pytest.mark.parametrize(
    ("value", "floor", "target", "score"),
    [(85, 85, 98, 0), (98, 85, 98, 100), (91.5, 85, 98, 50), (60, 85, 98, 0), (99, 85, 98, 100),
     (8, 8, 3, 0), (3, 8, 3, 100), (5.5, 8, 3, 50), (1, 8, 3, 100), (30, 30, 5, 0), (17.5, 30, 5, 50)],
)
def test_score_is_linear_from_floor_to_target_and_clipped(
    value: float, floor: float, target: float, score: float
) -> None:
    assert score_of(value, floor=floor, target=target) == pytest.approx(score)


@pytest.mark.parametrize(
    ("score", "grade"), [(100, "A"), (90, "A"), (89.99, "B"), (80, "B"), (70, "C"), (60, "D"), (59.99, "E"), (0, "E")]
)
def test_grades_begin_at_90_80_70_60(score: float, grade: str) -> None:
    assert grade_of(score) == grade


def test_unaccounted_for_gas_matches_the_worked_example() -> None:
    assert lost_share(10250, 9840, 0, -30) == pytest.approx(4.29, abs=0.005)


def test_every_group_but_emergency_has_indicators_whose_weights_fill_it() -> None:
    for group, weight in GROUP_WEIGHTS.items():
        inside = sum(each.weight for each in DEFINITIONS if each.group == group)
        assert inside == (0 if group == "emergency" else weight)
    assert sum(GROUP_WEIGHTS.values()) == 100


def outcomes(values: dict[str, float]) -> Any:
    """Return the outcomes when only these indicators carry data."""
    judged = [judge(each, Measured(1, 1, values.get(each.id), "no_data")) for each in DEFINITIONS]
    return with_shares(judged)


def test_missing_data_give_no_number_and_their_weight_goes_to_the_others() -> None:
    found = outcomes({"D1": 98.0, "D3": 85.0, "O1": 99.5})
    by_id = {each.definition.id: each for each in found}
    assert by_id["A1"].score is None
    assert by_id["A1"].share == 0
    # data 20 and operation 20 remain: 50 % each; inside data D1 and D3 weigh 5 each.
    assert by_id["D1"].share == pytest.approx(25)
    assert by_id["O1"].share == pytest.approx(50)
    total = total_of(found)
    assert total.score == pytest.approx(0.25 * 100 + 0.25 * 0 + 0.5 * 100)
    assert total.grade == "C"
    # 10 of 20 points of data and 12 of 20 of operation.
    assert total.coverage == pytest.approx(22)


def test_total_equals_the_sum_of_score_times_share() -> None:
    found = outcomes({"D1": 95.0, "D2": 91.0, "A3": 12.0, "S5": 88.0, "O5": 4.4, "P1": 100.0})
    by_shares = sum(each.score * each.share / 100 for each in found if each.score is not None)
    assert total_of(found).score == pytest.approx(by_shares)


def test_nothing_measured_is_not_graded() -> None:
    total = total_of(outcomes({}))
    assert (total.score, total.grade, total.coverage) == (None, "", 0.0)


def test_agreed_figures_replace_defaults_and_name_their_source() -> None:
    agreed = with_agreed(DEFINITIONS, {"D1.target": (95.0, "agreement 2026-03")})
    assert agreed[0].target == 95.0
    assert agreed[0].source == "agreement 2026-03"
    assert agreed[1] == DEFINITIONS[1]


def test_linepack_counts_only_when_known_at_both_ends() -> None:
    supply = {"days": 31, "purchased_m3": 10250, "sold_m3": 9840, "own_use_m3": 0,
              "linepack_before_m3": 130, "linepack_end_m3": 100}
    assert linepack_change(supply) == -30
    assert lost_gas(supply).value == pytest.approx(4.2927, abs=1e-4)
    assert linepack_change(supply | {"linepack_before_m3": None}) == 0
    assert lost_gas(supply | {"days": 0}).reason == "no_daily_supply"


def test_licence_must_be_valid_on_the_last_day() -> None:
    last = date(2026, 10, 31)
    assert licence(date(2026, 10, 31), last).value == 100
    assert licence(date(2026, 10, 30), last).value == 0
    assert licence(None, last).reason == "no_licence_known"
