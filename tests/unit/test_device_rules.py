"""Steps in the life of a device, hours, versions, certificates, and counters of meters."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from portal.operation.devices.rules import (
    due_state,
    hours_by_status,
    is_behind,
    kept_until,
    may_follow,
    progress_of,
    version_key,
)
from portal.operation.meters.rules import Counted, breach_of, lasts_too_long, used_m3

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.clause("7.2.2.3-d_1")
@pytest.mark.parametrize(("before", "after"), [(0, 1), (1, 2), (2, 3), (3, 2), (2, 5), (5, 2), (2, 7), (2, 2)])
def test_a_possible_step_is_taken(before: int, after: int) -> None:
    assert may_follow(before, after)


@pytest.mark.clause("7.2.2.3-d_1")
@pytest.mark.parametrize(("before", "after"), [(0, 2), (0, 5), (1, 5), (7, 2), (6, 2), (2, 0), (2, 1)])
def test_an_impossible_step_is_not(before: int, after: int) -> None:
    assert not may_follow(before, after)


@pytest.mark.clause("7.2.2.4-a_2")
def test_hours_of_all_states_sum_to_the_time_since_first_use() -> None:
    at = [BEGIN + timedelta(hours=each) for each in (0, 10, 110, 134, 150)]
    steps = list(zip(at, (1, 2, 3, 5, 2), strict=True))
    hours = hours_by_status(steps, BEGIN + timedelta(hours=200))

    assert hours == {"run_h": 150.0, "standby_h": 24.0, "repair_h": 16.0, "stopped_h": 0.0}
    assert sum(hours.values()) == 190
    assert sum(hours_by_status([], BEGIN).values()) == 0


def test_versions_are_ordered_by_their_numbers() -> None:
    assert version_key("V2.10.0") > version_key("2.9.9")
    assert is_behind("2.4.1", "2.5")
    assert is_behind(None, "1.0")
    assert not is_behind("v2.5", "2.5")
    assert not is_behind("2.5.1", "2.5")


@pytest.mark.clause("7.2.2.3-d_2")
def test_progress_follows_what_is_reported() -> None:
    counts = [("2.5", 1, 40), ("2.4.1", None, 8), ("2.4.1", 2, 1), (None, None, 1)]
    assert progress_of(counts, "2.5") == {"all": 50, "arrived": 40, "behind": 10, "failed": 1}


def test_calibration_is_overdue_soon_or_valid() -> None:
    today = date(2026, 6, 1)
    assert [due_state(each, today, 30) for each in (date(2026, 5, 31), date(2026, 6, 30), date(2027, 1, 1), None)] == [
        "overdue", "soon", "valid", "",
    ]  # fmt: skip


@pytest.mark.clause("9.2.2.13_1")
def test_certificates_are_kept_five_years_beyond_the_device() -> None:
    assert kept_until(date(2026, 3, 1), 5) == date(2031, 3, 1)
    assert kept_until(date(2028, 2, 29), 5) == date(2033, 3, 1)
    assert kept_until(None, 5) is None


def test_a_counter_may_begin_anew_but_not_fall() -> None:
    assert used_m3(Counted(99_990, 12, 5, 24)) == 22
    assert used_m3(Counted(500, 400, 5, 24)) is None
    assert breach_of(Counted(500, 400, 5, 24)) == "MTR-1"
    assert breach_of(Counted(500, 600, 5, 24, 4.0)) == "MTR-2"
    assert breach_of(Counted(500, 596, 5, 24, 4.0)) is None


def test_diaphragm_meters_last_ten_years() -> None:
    assert lasts_too_long(4, date(2020, 1, 1), date(2031, 1, 1))
    assert not lasts_too_long(4, date(2020, 1, 1), date(2030, 1, 1))
    assert not lasts_too_long(7, date(2020, 1, 1), date(2040, 1, 1))
