"""Supervision cases: terms, allowed steps, working time, clock and urging."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.events.rules import (
    ENDED,
    STEPS,
    State,
    WorkCalendar,
    add_working_minutes,
    case_terms,
    clock_colour,
    due_at,
    escalation,
    may,
    state_after,
    terms_of,
)

ZONE = ZoneInfo("Asia/Shanghai")
CALENDAR = WorkCalendar({date(2026, 10, 1): False, date(2026, 10, 10): True})


def at(text: str) -> datetime:
    """Return an instant of city time."""
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


def test_levels_one_and_two_open_a_case_and_the_others_do_not() -> None:
    urgent, quick = case_terms(1), case_terms(2)
    assert urgent and quick
    assert (urgent.case_class, urgent.limit_minutes) == (1, 120)
    assert (quick.case_class, quick.limit_minutes) == (2, 1440)
    assert case_terms(3) is None
    assert case_terms(4) is None


def test_an_adjusted_limit_is_used() -> None:
    assert terms_of(1, {1: 90}).limit_minutes == 90


@pytest.mark.parametrize(
    ("start", "minutes", "end"),
    [
        ("2026-11-25 09:00", 60, "2026-11-25 10:00"),
        ("2026-11-25 11:30", 60, "2026-11-25 14:30"),
        ("2026-11-25 13:00", 30, "2026-11-25 14:30"),
        ("2026-11-25 17:00", 60, "2026-11-26 09:00"),
        ("2026-11-27 17:30", 30, "2026-11-30 09:00"),
        ("2026-09-30 17:00", 60, "2026-10-02 09:00"),
        ("2026-10-09 17:30", 420, "2026-10-10 17:30"),
        ("2026-11-25 08:30", 420, "2026-11-25 17:30"),
    ],
)
def test_working_minutes_skip_noon_nights_weekends_and_holidays(
    start: str, minutes: int, end: str
) -> None:
    assert add_working_minutes(at(start), minutes, CALENDAR) == at(end)


def test_urgent_cases_count_every_hour_and_general_ones_working_days() -> None:
    friday = at("2026-11-27 20:00")
    assert due_at(friday, terms_of(1), CALENDAR) == at("2026-11-27 22:00")
    assert due_at(friday, terms_of(3), CALENDAR) == at("2026-12-02 17:30")


@given(st.integers(0, 10**6), st.integers(0, 3000), st.integers(0, 3000))
def test_working_minutes_add_up(offset: int, first: int, second: int) -> None:
    start = at("2026-01-01 00:00") + timedelta(minutes=offset % 500_000)
    once = add_working_minutes(start, first + second, CALENDAR)
    twice = add_working_minutes(add_working_minutes(start, first, CALENDAR), second, CALENDAR)
    assert once == twice or (second == 0 and once <= twice)


def test_the_straight_way_runs_from_opening_to_closing() -> None:
    state: int = State.AWAITING_ACCEPTANCE
    for action in ("accept", "dispatch", "reply", "verify", "close"):
        assert may(action, state)
        state = state_after(action, state)
    assert state == State.CLOSED


def test_nothing_can_be_done_to_an_ended_case() -> None:
    assert not [(action, state) for action in STEPS for state in ENDED if may(action, state)]


def test_a_failed_verification_goes_back_to_handling() -> None:
    assert state_after("return", State.REPLIED) == State.HANDLING
    assert may("reply", State.HANDLING)


def test_no_case_closes_without_reply_and_verification() -> None:
    assert [state for state in State if may("close", state)] == [State.VERIFYING]
    assert [state for state in State if may("verify", state)] == [State.REPLIED]


def test_clock_colours_and_rungs_of_urging() -> None:
    begin, due = at("2026-11-25 08:00"), at("2026-11-25 18:00")
    hours = [1, 5.5, 8.5, 11, 15]
    moments = [begin + timedelta(hours=each) for each in hours]
    colours = [clock_colour(begin, due, moment) for moment in moments]
    assert colours == ["green", "yellow", "orange", "red", "red"]
    assert [escalation(begin, due, moment) for moment in moments] == [None, None, 0, 1, 2]
