"""The safety index and the shapes of the cockpit's charts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.cockpit.rules import (
    PARTS,
    Index,
    accident_score,
    broken_line,
    mean_known,
    nice_top,
    share,
    stacked_areas,
)

WEIGHTS = dict(zip(PARTS, (25.0, 20.0, 25.0, 15.0, 15.0), strict=True))
SCORES = st.one_of(st.none(), st.floats(0, 100))


def index(*values: float | None) -> Index:
    return Index(dict(zip(PARTS, values, strict=True)), WEIGHTS)


def test_the_index_is_the_weighted_mean_of_its_parts() -> None:
    assert index(90, 80, 100, 60, 70).score == pytest.approx(83.0)
    assert index(90, 80, 100, 60, 70).grade == "high"


def test_a_part_without_data_is_left_out() -> None:
    assert index(90, None, 100, None, 70).score == pytest.approx((25 * 90 + 25 * 100 + 15 * 70) / 65)


def test_nothing_reported_gives_no_index() -> None:
    assert index(None, None, None, None, None).score is None
    assert index(None, None, None, None, None).grade == ""


@given(st.lists(SCORES, min_size=5, max_size=5))
def test_the_index_lies_between_its_least_and_its_greatest_part(values: list[float | None]) -> None:
    known = [value for value in values if value is not None]
    score = index(*values).score
    assert (score is None) == (not known)
    if score is not None:
        assert min(known) - 1e-9 <= score <= max(known) + 1e-9


@pytest.mark.parametrize(("value", "grade"), [(80, "high"), (79.9, "medium"), (60, "medium"), (59.9, "low")])
def test_grades_begin_at_their_limits(value: float, grade: str) -> None:
    assert index(value, value, value, value, value).grade == grade


def test_accidents_cost_points_by_length_until_none_are_left() -> None:
    assert accident_score(2, 400, 5) == pytest.approx(90)
    assert accident_score(0, 400, 5) == 100
    assert accident_score(99, 400, 5) == 0
    assert accident_score(1, 0, 5) is None


def test_a_share_of_nothing_is_unknown() -> None:
    assert share(0, 0) is None
    assert share(1, 4) == 25
    assert mean_known([None, 50, 100]) == 75
    assert mean_known([None]) is None


@pytest.mark.parametrize(("most", "top"), [(0, 4), (4, 4), (5, 5), (7, 10), (12, 20), (100, 100), (101, 200), (6000, 10000)])
def test_an_axis_ends_at_a_round_number(most: float, top: float) -> None:
    assert nice_top(most) == top


@given(st.floats(0, 1e9))
def test_no_value_is_higher_than_its_axis(most: float) -> None:
    assert nice_top(most) >= most


def test_areas_stand_on_each_other() -> None:
    lower, upper = stacked_areas([[1, 1], [1, 3]], 4)
    assert lower == "M0.00,75.00 L100.00,75.00 L100.00,100.00 L0.00,100.00Z"
    assert upper == "M0.00,50.00 L100.00,0.00 L100.00,75.00 L0.00,75.00Z"


def test_an_unknown_value_breaks_the_line() -> None:
    assert broken_line([0, None, 100], 0, 100) == "M16.67,100.00 M83.33,0.00"
