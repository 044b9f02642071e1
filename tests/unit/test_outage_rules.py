"""Where silence is located, when it counts, and what a wrong clock looks like."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from portal.operation.outages.rules import (
    BATTERY,
    CLOCK,
    DEVICE,
    GATEWAY,
    LINK,
    POINT,
    Figures,
    Heard,
    clock_of,
    limit_of,
    locate,
    parents_of,
)

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
USUAL = Figures()


def heard(point: int, ago_s: float = 60, device: int | None = None, gateway: int | None = None, **more: object) -> Heard:
    """Return a point heard some seconds ago."""
    at = NOW - timedelta(seconds=ago_s)
    return Heard(point, at, at, 300, device_id=device, gateway_id=gateway, **more)  # type: ignore[arg-type]


def faults(points: list[Heard]) -> list[tuple[int, int]]:
    """Return level and subject of the faults."""
    return [each.key for each in locate(points, NOW, USUAL)]


@pytest.mark.clause("7.2.2.3-c_1")
def test_each_point_is_judged_by_what_it_declares() -> None:
    assert limit_of(replace(heard(1), period_s=300), USUAL) == 900
    assert limit_of(replace(heard(1), period_s=5), USUAL) == 300
    assert limit_of(replace(heard(1), power=BATTERY, heartbeat_s=86_400), USUAL) == 172_800


def test_nothing_is_wrong_while_everything_reports() -> None:
    assert faults([heard(1), heard(2, 899)]) == []


def test_one_silent_point_is_one_point() -> None:
    assert faults([heard(1), heard(2, 901), heard(3)]) == [(POINT, 2)]


def test_all_points_of_a_device_are_the_device() -> None:
    assert faults([heard(1, 901, device=7), heard(2, 1000, device=7), heard(3)]) == [(DEVICE, 7)]


@pytest.mark.clause("7.2.2.3-e")
def test_all_devices_of_a_gateway_are_the_gateway() -> None:
    group = [heard(n, 901, device=10 + n, gateway=5) for n in range(4)]
    assert faults([*group, heard(9)]) == [(GATEWAY, 5)]


def test_a_gateway_with_one_device_alive_is_not_blamed() -> None:
    group = [heard(1, 901, device=11, gateway=5), heard(2, 901, device=12, gateway=5), heard(3, 10, device=13, gateway=5)]
    assert faults(group) == [(DEVICE, 11), (DEVICE, 12)]


@pytest.mark.clause("7.2.3.1-t_1")
def test_a_silent_enterprise_is_one_link_after_ten_minutes() -> None:
    points = [heard(n, 601, device=n, gateway=n % 3) for n in range(50)]
    found = locate(points, NOW, USUAL)
    assert [(each.key, len(each.point_ids)) for each in found] == [((LINK, 0), 50)]
    assert found[0].alarm_due(found[0].began_at, NOW)


def test_a_slow_enterprise_is_given_two_of_its_periods() -> None:
    slow = [replace(heard(n, 4000), period_s=3600) for n in range(3)]
    assert faults(slow) == []


def test_a_point_alarms_one_period_after_it_fell_silent() -> None:
    [fault] = locate([heard(1, 1000), heard(2)], NOW, USUAL)
    assert not fault.alarm_due(fault.began_at, NOW)
    assert fault.alarm_due(fault.began_at, NOW + timedelta(seconds=201))


def test_silence_from_before_the_portal_ran_does_not_count() -> None:
    points = [heard(1, 90_000), heard(2, 90_000)]
    assert locate(points, NOW, USUAL, NOW - timedelta(seconds=500)) == []
    assert [each.level for each in locate(points, NOW, USUAL, NOW - timedelta(seconds=901))] == [LINK]


@pytest.mark.parametrize("skew_s", [-3600.0, 120.0])
def test_a_constant_difference_of_times_is_the_clock(skew_s: float) -> None:
    points = [replace(heard(n, 30 + n), last_at=NOW - timedelta(seconds=30 + n - skew_s)) for n in range(5)]
    found = clock_of(points, NOW, USUAL)
    assert found is not None
    assert found[0] == skew_s


def test_back_filled_or_scattered_times_are_no_clock() -> None:
    late = [replace(heard(n, 30), last_at=NOW - timedelta(seconds=3600), flag=1) for n in range(5)]
    scattered = [replace(heard(n, 30), last_at=NOW - timedelta(seconds=3600 + 500 * n)) for n in range(5)]
    assert clock_of(late, NOW, USUAL) is None
    assert clock_of(scattered, NOW, USUAL) is None


def test_what_lies_above_a_place_is_told_widest_first() -> None:
    assert parents_of(POINT, 7, 5) == [(LINK, 0), (GATEWAY, 5), (DEVICE, 7)]
    assert parents_of(GATEWAY, None, 5) == [(LINK, 0)]
    assert parents_of(LINK, None, None) == []
    assert CLOCK not in {level for level, _ in parents_of(POINT, 7, 5)}


def test_a_gate_station_makes_the_alarm_graver() -> None:
    [fault] = locate([heard(1, 1000, at_gate=True), heard(2)], NOW, USUAL)
    assert fault.alarm_level == 3
