"""Token buckets and sliding counts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion_adapters.defence.guard import BODIES_IN_FLIGHT_BYTES, Guard
from ingestion_adapters.defence.rules import Bucket, Count, Limits


def test_a_debt_is_paid_at_the_rate_of_the_bucket() -> None:
    bucket = Bucket(rate_per_s=100, burst=1000, level=1000, at_s=0)

    bucket.charge(1500, now_s=0)

    assert bucket.wait_s(0) == 5
    assert bucket.wait_s(3) == 2
    assert bucket.wait_s(5) == 0


@given(st.lists(st.tuples(st.floats(0, 10), st.integers(1, 5000)), max_size=60))
def test_nobody_gets_more_than_burst_and_rate_admit(steps: list[tuple[float, int]]) -> None:
    bucket, now, taken, largest = Bucket(500, 2000, 2000, 0), 0.0, 0, 0
    for pause, rows in steps:
        now += pause
        if bucket.wait_s(now) == 0:
            bucket.charge(rows, now)
            taken, largest = taken + rows, max(largest, rows)
    assert taken <= 2000 + 500 * now + largest + 1e-6


def test_only_what_lies_within_the_window_is_counted() -> None:
    count = Count()
    assert [count.hit(at, 60) for at in (0, 10, 59, 61, 130)] == [1, 2, 3, 3, 1]


def test_bodies_beyond_the_memory_limit_wait(tmp_path: object) -> None:
    guard = Guard(str(tmp_path))
    with guard.holding(BODIES_IN_FLIGHT_BYTES) as first, guard.holding(1) as second:
        assert first is None
        assert second is not None
        assert (second.status, second.reason) == (503, "memory")
    with guard.holding(1) as later:
        assert later is None


def test_a_full_disk_pauses_intake(tmp_path: object) -> None:
    guard = Guard(str(tmp_path))
    guard.charge(1, Limits(disk_free_share=1.1), rows=1)
    with guard.holding(1) as busy:
        assert busy is not None
        assert (busy.status, busy.reason) == (503, "disk")


@pytest.mark.clause("8.8-9")
def test_a_flood_from_a_strange_address_does_not_count_against_the_key(tmp_path: object) -> None:
    guard, limits = Guard(str(tmp_path)), Limits(over_quota=2)
    guard.note_good("app", "10.0.0.1")
    assert [guard.note_over("app", {"address": "10.0.0.9"}, limits) for _ in range(5)] == [0] * 5
    assert [guard.note_over("app", {"address": "10.0.0.1"}, limits) for _ in range(3)] == [0, 2, 3]
