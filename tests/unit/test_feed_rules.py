"""When a feed counts as silent, and how an hour of it looks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion_adapters.quality.feed_rules import Cadence, Hour, rows_an_hour, so_far, state_of, whole_hours
from ingestion_adapters.quality.labels import short

NOW = datetime(2026, 11, 25, 4, 30, tzinfo=UTC)
CADENCE = Cadence(every_s={"DAY": 86_400, "ALM": 0, "NET": 2_678_400})
JOB_EVERY_S = 15


@pytest.mark.clause("7.2.3.1-r")
@given(st.integers(60, 86_400))
def test_silence_is_noticed_within_two_declared_intervals(interval_s: int) -> None:
    last_at = NOW - timedelta(seconds=2 * interval_s - JOB_EVERY_S)
    assert state_of(last_at, interval_s, NOW, CADENCE.silent_after) == "silent"
    assert state_of(NOW - timedelta(seconds=interval_s), interval_s, NOW, CADENCE.silent_after) == "running"


def test_the_interval_of_readings_is_the_shortest_period_of_the_points_but_a_minute() -> None:
    assert CADENCE.interval_s("RT", 300, 1) == 300
    assert CADENCE.interval_s("RT", 5, 1) == 60
    assert CADENCE.interval_s("RT", None, 1) is None


def test_what_comes_on_events_is_never_silent() -> None:
    assert CADENCE.interval_s("ALM", None, 1) is None
    assert state_of(NOW - timedelta(days=400), None, NOW, 1.5) == "events"


def test_a_bottled_gas_firm_owes_no_network() -> None:
    assert CADENCE.interval_s("NET", None, 2) is None
    assert CADENCE.interval_s("NET", None, 1) == 2_678_400
    assert CADENCE.interval_s("DAY", None, 2) == 86_400


def test_a_feed_that_should_come_and_never_did_is_missing() -> None:
    assert state_of(None, 300, NOW, 1.5) == "never"


@pytest.mark.parametrize(
    ("hour", "look"),
    [
        (Hour(NOW, 100.0, rows=100, accepted=100), "full"),
        (Hour(NOW, 100.0, rows=90, accepted=90), "part"),
        (Hour(NOW, 100.0, rows=50, accepted=50), "poor"),
        (Hour(NOW, 100.0), "none"),
        (Hour(NOW, 100.0, rows=100, accepted=90, rejected=10), "refused"),
        (Hour(NOW, None, rows=3, accepted=3), "came"),
        (Hour(NOW, None, refused=1), "refused"),
        (Hour(NOW), "empty"),
    ],
)
def test_a_cell_looks_as_its_hour_was(hour: Hour, look: str) -> None:
    assert hour.look == look


def test_rows_known_before_count_as_come() -> None:
    assert Hour(NOW, 10.0, rows=12, accepted=4, duplicate=8).share == 1.0


def test_the_running_hour_expects_only_what_is_due_by_now() -> None:
    assert so_far(120.0, NOW.replace(minute=0), NOW) == 60.0
    assert so_far(120.0, NOW - timedelta(hours=5), NOW) == 120.0


def test_the_hours_end_with_the_running_one() -> None:
    hours = whole_hours(NOW, 3)
    assert hours[-1] == NOW.replace(minute=0) and hours[0] == hours[-1] - timedelta(hours=2)


def test_the_points_periods_add_up_to_rows_an_hour() -> None:
    assert rows_an_hour([(300, 2), (60, 1), (0, 5)]) == 84.0


@pytest.mark.parametrize(("number", "words"), [(0, "0"), (999, "999"), (1234, "1.2k"), (18_400, "18k"), (3_400_000, "3.4M")])
def test_counts_fit_a_cell(number: int, words: str) -> None:
    assert short(number) == words
