"""The quality rules: each says of its own examples what it should; meters, flat lines, scores and reconciliation hold."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion_adapters.quality.findings import FLOOD_LEAST, Judged, gathered
from ingestion_adapters.quality.judges import judge_meter, judge_sold, longest_flat_h, same_to_digits
from ingestion_adapters.quality.kinds import KINDS
from ingestion_adapters.quality.labels import tenths
from ingestion_adapters.quality.queries import BoardLine
from ingestion_adapters.quality.reconciliation import Claim, Line
from ingestion_adapters.quality.ruleset import shipped, trials
from ingestion_adapters.quality.verdicts import OVERALL, Fact, Tally, Verdict, judge_share, score_of, scores_of

METER = {"slack_m3": 0.001, "rollover_share": 0.1}
STEPS = st.lists(st.floats(0, 900), min_size=2, max_size=40)


@pytest.mark.clause("7.2.3.3_1")
@pytest.mark.parametrize("code", list(shipped()))
def test_a_rule_says_of_its_own_examples_what_it_should(code: str) -> None:
    rule = shipped()[code]
    run = trials(code, rule["kind"], rule["parameters"])
    assert {True, False} <= {each.passes for each in run}
    assert all(each.right and each.zh and each.en for each in run), [each.en for each in run if not each.right]


def test_all_six_qualities_have_rules_and_every_evaluation_is_used() -> None:
    assert {rule["quality"] for rule in shipped().values()} == {1, 2, 3, 4, 5, 6}
    assert {rule["kind"] for rule in shipped().values()} == set(KINDS)


@given(st.floats(0, 1e6), STEPS)
def test_a_meter_that_only_rises_never_fails(start: float, steps: list[float]) -> None:
    read = (start + np.cumsum(steps)).tolist()
    verdict = judge_meter({"last": read}, METER)
    assert verdict is not None and not verdict.wrong and verdict.failed == 0


@given(st.floats(2_000, 80_000), STEPS, st.integers(0, 38), st.floats(10, 1_000))
def test_a_meter_that_falls_fails_wherever_it_falls(start: float, steps: list[float], place: int, fall: float) -> None:
    read = start + np.cumsum(steps)
    at = 1 + place % (len(steps) - 1)
    read[at:] -= steps[at] + fall
    verdict = judge_meter({"last": read.tolist()}, METER)
    assert verdict is not None and verdict.wrong and verdict.failed >= 1


def test_hours_without_a_value_end_a_flat_line() -> None:
    nan = float("nan")
    assert longest_flat_h(np.array([2.0, 2.0, nan, 2.0]), np.array([2.0, 2.0, nan, 2.0]), 4) == 2
    assert longest_flat_h(np.array([2.0, 2.1]), np.array([2.0, 2.1]), 4) == 1


@given(st.floats(0.001, 1e5))
def test_the_fifth_digit_does_not_count(value: float) -> None:
    kept = same_to_digits(np.array([value]), 4)[0]
    assert same_to_digits(np.array([kept * (1 + 1e-6)]), 4)[0] == pytest.approx(kept, rel=2e-4)


def test_unaccounted_gas_is_reckoned_as_the_standard_example() -> None:
    values = {"purchased_m3": 10_250.0, "sold_m3": 9_840.0, "own_use_m3": 0.0, "linepack_change_m3": -30.0}
    verdict = judge_sold(values, {"low": 0.0, "high": 0.08})
    assert verdict is not None and verdict.figures["ufg_pct"] == 4.29 and not verdict.wrong


def test_nothing_due_is_no_verdict() -> None:
    assert judge_share({"due": 0, "good": 0}, {"least": 0.9}) is None


@given(st.floats(1, 1e6), st.floats(0, 1e6), st.floats(0, 1))
def test_a_share_never_leaves_its_bounds(due: float, good: float, least: float) -> None:
    verdict = judge_share({"due": due, "good": good}, {"least": least})
    assert verdict is not None and 0 <= verdict.failed <= verdict.checked == due


@pytest.mark.clause("7.2.6.1-e_1")
def test_a_score_is_the_weighted_mean_of_passed_shares() -> None:
    assert score_of([Tally(1, 3, 100, 10), Tally(1, 1, 10, 0)]) == pytest.approx(92.5)
    assert score_of([Tally(1, 3, 0, 0)]) is None
    scores = scores_of([Tally(1, 1, 10, 0), Tally(2, 1, 10, 5)], {1: 20, 2: 20, 3: 20})
    assert scores == {1: 100, 2: 50, OVERALL: 75}


@given(st.lists(st.tuples(st.integers(1, 6), st.floats(0.1, 5), st.floats(1, 1e4), st.floats(0, 1)), min_size=1))
def test_scores_stay_between_0_and_100(rows: list[tuple[int, float, float, float]]) -> None:
    tallies = [Tally(quality, weight, checked, checked * share) for quality, weight, checked, share in rows]
    scores = scores_of(tallies, dict.fromkeys(range(1, 7), 1.0))
    assert all(-1e-9 <= score <= 100 + 1e-9 for score in scores.values())


def judged(count: int, wrong: int) -> list[Judged]:
    """Return points of a feed of which the first ones failed."""
    facts = [Fact(1, "point", number, f"P{number}", {}) for number in range(count)]
    return [Judged(fact, Verdict(1, int(n < wrong), n < wrong)) for n, fact in enumerate(facts)]


def test_many_failing_points_become_one_finding_of_the_feed() -> None:
    told = gathered(judged(100, 60))
    wrong = [each.fact for each in told if each.verdict.wrong]
    assert [(fact.kind, fact.key) for fact in wrong] == [("feed", "feed:RT")]


def test_a_few_failing_points_speak_for_themselves() -> None:
    told = gathered(judged(100, FLOOD_LEAST))
    assert sum(each.verdict.wrong for each in told) == FLOOD_LEAST
    assert not next(each for each in told if each.fact.kind == "feed").verdict.wrong


def line(sent: Claim | None, missing: list[str] | None = None) -> Line:
    received = {"batches": 2, "rows": 20, "sm3": "a" * 64}
    return Line(1, "RT", received, sent, missing or [])


@pytest.mark.clause("7.2.3.1-v")
def test_sent_equals_received_by_count_rows_and_sum() -> None:
    same = Claim("RT", 2, 20, "a" * 64)
    assert line(same).state == "equal"
    assert line(Claim("RT", 2, 20, "b" * 64)).state == "differs"
    assert line(Claim("RT", 3, 20, "a" * 64)).state == "differs"
    assert line(same, ["lost"]).state == "differs"
    assert line(None).state == "undeclared"


def test_a_score_is_never_rounded_up_to_100() -> None:
    assert (tenths(99.97), tenths(100.0), tenths(87.0)) == ("99.9", "100.0", "87.0")


def test_a_trend_is_drawn_within_its_box() -> None:
    days = [(date(2026, 11, day), 100.0 - day) for day in range(1, 9)]
    points = [tuple(map(float, each.split(","))) for each in BoardLine(1, "E", "*", trend=days).line().split()]
    assert len(points) == 8 and all(0 <= x <= 100 and 0 <= y <= 30 for x, y in points)
