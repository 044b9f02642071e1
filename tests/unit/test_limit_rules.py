"""Rules of points: contradictions, their text, and who may release what."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.core.actor import CITY, Actor
from portal.core.errors import Invalid
from portal.operation.limits.conditions import Condition, groups_of, met, text_of
from portal.operation.limits.forms import parse_rules
from portal.operation.limits.rules import changed_parts, grade_of, release_problem
from portal.operation.limits.ruleset import (
    Band,
    Combined,
    Flat,
    Hours,
    Rate,
    RuleSet,
    Season,
    Silence,
    as_content,
    from_content,
)
from portal.operation.limits.soundness import PointFacts, problems_of

FACTS = PointFacts(0.0, 10.0, 60)
BAND = Band(1.0, 1.5, 3.0, 3.5)
YEAR = tuple(range(1, 8))


def codes(rules: RuleSet) -> list[str]:
    """Return what is wrong with rules."""
    return [each.code for each in problems_of(rules, FACTS)]


@pytest.mark.parametrize(
    ("rules", "wanted"),
    [
        (RuleSet(BAND), []),
        (RuleSet(Band(1.0, 1.5, 1.2)), ["limits_contradict"]),
        (RuleSet(Band(high=3.5, high_high=3.0)), ["limits_contradict"]),
        (RuleSet(Band(high=1e308)), ["not_a_figure", "limit_outside_range"]),
        (RuleSet(Band(high=11.0)), ["limit_outside_range"]),
        (RuleSet(BAND, deadband_high=1.6), ["deadband_wider_than_band"]),
        (RuleSet(BAND, on_delay_s=-1), ["delay_out_of_bounds"]),
        (RuleSet(BAND, deadband_low=-0.1), ["deadband_negative"]),
        (RuleSet(BAND, seasons=(Season("11-15", "03-15", BAND), Season("03-15", "04-01", BAND))), ["seasons_overlap"]),
        (RuleSet(BAND, seasons=(Season("13-15", "03-15", BAND),)), ["day_unknown"]),
        (RuleSet(BAND, hours=(Hours((), 0, 60),)), ["days_missing"]),
        (RuleSet(BAND, hours=(Hours(YEAR, 0, 9999),)), ["minute_unknown"]),
        (RuleSet(rate=Rate(300, None, None, False, 3)), ["rate_without_figure"]),
        (RuleSet(rate=Rate(30, 1.0, None, False, 3)), ["span_shorter_than_period"]),
        (RuleSet(rate=Rate(300, -1.0, None, False, 9)), ["level_unknown", "rate_not_positive"]),
        (RuleSet(silence=Silence(10, 4), flat=Flat(60, 4)), ["span_shorter_than_period"] * 2),
    ],
)
def test_rules_that_contradict_each_other_are_named(rules: RuleSet, wanted: list[str]) -> None:
    assert codes(rules) == wanted


def test_rules_come_back_from_their_content_as_they_were() -> None:
    rules = RuleSet(
        BAND, (Season("11-15", "03-15", Band(high=2.5)),), (Hours((1, 2), 480, 1080),), 30, 0, 0.1, 0.0, True,
        Rate(300, 1.0, None, True, 3), Silence(600, 4), Flat(86_400, 4), None,
        Combined(groups_of("this > 1 and B < 2"), 2, 30),
    )  # fmt: skip
    assert from_content(as_content(rules)) == rules


@given(st.recursive(
    st.builds(Condition, st.sampled_from(["", "B", "and", "a b", "阀-1"]), st.sampled_from([">", "<", ">=", "<=", "=", "!="]),
              st.floats(-1e6, 1e6)).map(lambda each: ((each,),)),
    lambda inner: st.tuples(inner, inner).map(lambda two: two[0] + two[1]), max_leaves=6))  # fmt: skip
def test_conditions_come_back_from_their_text(groups: Any) -> None:
    assert groups_of(text_of(groups)) == tuple(
        tuple(Condition(each.point, each.operator, float(f"{each.value:.15g}")) for each in group) for group in groups
    )


@pytest.mark.parametrize("words", ["", "this", "this >", "this > x", "(this > 1", "this > 1)", "this > nan", "> 1", "x" * 500,
                                   " or ".join(["this > 1"] * 9)])  # fmt: skip
def test_conditions_that_cannot_be_read_are_refused(words: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        groups_of(words)


def test_a_point_without_a_value_meets_no_condition() -> None:
    groups = groups_of("本点 > 1 且 B < 2 或 C = 3")
    assert met(groups, {"": 2.0, "B": 1.0})
    assert not met(groups, {"": 2.0, "B": None})
    assert met(groups, {"C": 3.0})


def person(number: int, *permissions: str) -> Actor:
    """Return a person with permissions."""
    return Actor(kind="user", id=number, name=f"p{number}", scope=CITY, permissions=frozenset(permissions))


@pytest.mark.clause("7.2.7.3-2_3")
def test_the_gravest_level_touched_decides_who_may_release() -> None:
    before = RuleSet(BAND)
    assert grade_of(before, RuleSet(Band(1.0, 1.5, 3.0, 3.6))) == 1
    assert grade_of(before, RuleSet(Band(1.0, 1.6, 3.0, 3.5))) == 2
    assert grade_of(before, RuleSet(BAND, silence=Silence(600, 4))) == 4
    assert grade_of(before, RuleSet(BAND, off_delay_s=30)) == 1
    assert grade_of(RuleSet(BAND), RuleSet()) == 1
    assert changed_parts(before, before) == []
    both = ("limit.level1", "limit.level2", "limit.level3")
    assert release_problem(2, 1, person(1, *both)) is None
    assert release_problem(1, 1, person(1, *both)) == "limit_second_person"
    assert release_problem(1, 1, person(2, *both)) is None
    assert release_problem(1, 1, person(2, "limit.level2")) == "limit_level_not_yours"
    assert release_problem(4, 1, person(1, "limit.level3")) is None


def test_a_form_becomes_rules_and_names_the_field_it_cannot_read() -> None:
    given = {
        "high": "3,0", "high_high": " 3.5 ", "latch": "on", "season-0-begin": "11-15", "season-0-end": "03-15",
        "season-0-high": "2.5", "hours-0-begin": "22:00", "hours-0-end": "06:00", "rate-level": "3", "rate-over_s": "300",
        "rate-rise": "10", "rate-percent": "on", "state-level": "2", "state-normal": "0，2", "combined-level": "2",
        "combined-when": "this > 1", "flat-level": "",
    }  # fmt: skip
    rules = parse_rules(given, {0: ["1", "5", "9", "x"]}, "P1")
    assert (rules.band, rules.latch, rules.flat) == (Band(high=30.0, high_high=3.5), True, None)
    assert rules.hours == (Hours((1, 5), 1320, 360),)
    assert rules.state is not None
    assert rules.state.normal == (0, 2)
    for wrong in ({"high": "x"}, {"season-0-begin": "1"}, {"hours-0-begin": "9"}, {"state-normal": "a"}, {"combined-when": "b"},
                  {"rate-over_s": "1.5"}):  # fmt: skip
        with pytest.raises(Invalid) as refused:
            parse_rules(given | wrong, {}, "P1")
        assert refused.value.code == "limit_unsound"
