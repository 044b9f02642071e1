"""Onboarding's rules: who may take which step, and what a test report asks for."""

from __future__ import annotations

import pytest

from ingestion_adapters.contract import DATASETS
from ingestion_adapters.onboarding.rules import ENDED, MOVES, PATH, Person, Run, Taker, cases_of, passes, refusal_of


def who(number: int, *taker: Taker) -> Person:
    return Person(number, frozenset(taker))


def test_every_state_but_the_last_ones_has_a_step_that_leaves_it() -> None:
    left = {state for move in MOVES.values() for state in move.begins if move.ends != state}
    assert set(PATH) - set(ENDED) == left


@pytest.mark.parametrize("step", sorted(MOVES))
def test_a_step_fits_only_its_own_states(step: str) -> None:
    move = MOVES[step]
    for state in ({*PATH} | {*ENDED}) - {*move.begins}:
        assert refusal_of(step, state, who(1, "city", "district", "applicant"), 9, []) == "onboarding_state"


def test_who_applied_may_not_review_and_who_reviewed_first_may_not_review_second() -> None:
    assert refusal_of("district_pass", "applied", who(1, "district"), 1, []) == "onboarding_four_eyes"
    assert refusal_of("district_pass", "applied", who(2, "district"), 1, []) == ""
    assert refusal_of("city_pass", "district_passed", who(2, "city"), 1, [2]) == "onboarding_four_eyes"
    assert refusal_of("city_pass", "district_passed", who(3, "city"), 1, [2]) == ""


def test_the_district_does_not_decide_for_the_city() -> None:
    assert refusal_of("city_pass", "district_passed", who(2, "district"), 1, []) == "onboarding_not_yours"
    assert refusal_of("live_pass", "live_asked", who(2, "applicant"), 1, []) == "onboarding_not_yours"


def run(dataset: str = "DAY", status: int = 200, **more: object) -> Run:
    facts = {"code": None, "encoding": "", "rows": 1, "accepted": 1, "rejected": 0, "late": 0, "codes": {}}
    return Run(dataset, status, **(facts | more))  # type: ignore[arg-type]


def test_a_report_passes_when_every_case_was_tried_and_not_before() -> None:
    runs = [
        run("", 401, code="E_SIGN"),
        run("DAY", 401, code="E_REPLAY"),
        run("DAY", encoding="gzip"),
        run("DAY", rejected=1, codes={"E_RANGE": 1}),
    ]
    assert passes(cases_of(["DAY"], runs))
    for place in range(len(runs)):
        assert not passes(cases_of(["DAY"], runs[:place] + runs[place + 1 :])), place


def test_a_batch_with_a_refused_row_is_no_batch_in_order() -> None:
    cases = {case.name: case.passed for case in cases_of(["DAY"], [run(rejected=1, codes={"E_DICT": 1})])}
    assert not cases["good"]
    assert cases["bad_row"]


@pytest.mark.parametrize("dataset", list(DATASETS))
def test_every_dataset_has_its_cases(dataset: str) -> None:
    assert {case.name for case in cases_of([dataset], []) if case.dataset} >= {"good", "bad_row"}


def test_nothing_declared_passes_nothing() -> None:
    assert not passes(cases_of([], []))
