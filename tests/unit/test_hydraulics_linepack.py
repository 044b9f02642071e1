"""Gas held in pipes and how long it lasts: the worked example, a closed form, and a run in ten times finer steps."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gis.hydraulics.gas import NORMAL_KPA, Gas
from gis.hydraulics.linepack import Draining, drain, line_pack_nm3, lumped_hours, volumes_m3
from gis.hydraulics.solver import Pipes, Task, solve

GAS = Gas()
pytestmark = pytest.mark.clause("7.2.7.6-i_2")


def pipes_of(rows: list[tuple[float, ...]]) -> Pipes:
    table = np.array(rows, float)
    many, ends = len(table), table[:, :2].astype(np.int64)
    return Pipes(
        ends[:, 0], ends[:, 1], table[:, 2], table[:, 3], np.full(many, 0.1), np.zeros(many, np.int64), np.zeros(many)
    )


def draining(rows: list[tuple[float, ...]], demand: list[float], source_kpa: float, floor_kpa: float) -> Draining:
    """Return a zone as it stands in steady flow from node 0 when that source ends."""
    pipes, many = pipes_of(rows), len(demand)
    fixed = np.full(many, np.nan)
    fixed[0] = source_kpa
    low, level = np.zeros(many, bool), np.zeros(many)
    begin = solve(Task(pipes, fixed, np.array(demand), low, level), GAS).pressure_kpa
    volume = volumes_m3(pipes.length_m, pipes.bore_mm)
    given: dict[str, Any] = {"floor_kpa": np.full(many, floor_kpa), "fixed_kpa": np.full(many, np.nan)}
    return Draining(pipes, volume, begin, np.array(demand), low, level, **given)


def test_the_worked_example_of_line_pack_comes_out() -> None:
    volume = volumes_m3(np.array([20_000.0]), np.array([492.0]))
    assert volume[0] == pytest.approx(3802, abs=1)

    def held(first_mpa: float, second_mpa: float, z: float) -> float:
        ends = np.array([first_mpa * 1000 + NORMAL_KPA]), np.array([second_mpa * 1000 + NORMAL_KPA])
        return float(line_pack_nm3(volume, *ends, GAS, np.array([z]))[0])

    full, rest = held(4.0, 3.6, 0.92), held(2.5, 1.9, 0.95)
    assert full == pytest.approx(150_980, rel=1e-3) and rest == pytest.approx(86_660, rel=1e-3)
    assert lumped_hours(full, rest, 6432.0) == pytest.approx(10.0, rel=1e-2)


def test_a_wide_pipe_lasts_as_long_as_the_closed_form_says() -> None:
    zone = draining([(0, 1, 4000, 500)], [0.0, 500.0], 500.0, 300.0)
    found = drain(zone, GAS, 100.0)
    held = float(line_pack_nm3(zone.volume_m3, zone.begin_kpa[:1], zone.begin_kpa[1:], GAS)[0])
    rest = float(line_pack_nm3(zone.volume_m3, np.array([300.0]), np.array([300.0]), GAS)[0])
    assert found.hours.min() == pytest.approx(lumped_hours(held, rest, 500.0), rel=0.01)


def test_a_network_with_losses_lasts_within_five_in_a_hundred_of_a_fine_run() -> None:
    rows = [(0, 1, 3000, 200), (1, 2, 2000, 150), (1, 3, 2500, 150), (3, 4, 800, 100), (2, 4, 900, 80)]
    zone = draining(rows, [0, 100, 700, 300, 900], 401.0, 201.0)
    usual, fine = drain(zone, GAS, 72.0), drain(zone, GAS, 72.0, fine=True)
    assert np.isfinite(fine.hours).any()
    first = fine.hours.min()
    assert usual.hours.min() == pytest.approx(first, rel=0.05)
    # The far end, behind the losses, is the first to fall.
    assert fine.hours.argmin() == 4


def test_a_zone_that_keeps_a_source_lasts_and_one_below_its_floor_is_lost_at_once() -> None:
    zone = draining([(0, 1, 1000, 200), (1, 2, 1000, 200)], [0, 50.0, 50.0], 401.0, 301.0)
    keeps = Draining(**{**vars(zone), "fixed_kpa": np.array([401.0, np.nan, np.nan])})
    assert np.isinf(drain(keeps, GAS, 5.0).hours).all()
    lost = Draining(**{**vars(zone), "floor_kpa": np.array([np.nan, np.nan, 450.0])})
    assert drain(lost, GAS, 5.0).hours[2] == 0.0
