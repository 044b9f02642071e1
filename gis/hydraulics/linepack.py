"""Gas held in pipes, and how long it lasts when a zone loses its source; pure.

Flow in each pipe follows the pressures of the moment, each node stores what half of its pipes hold, and time goes in
implicit steps: the same equations as the steady state with storage at the nodes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from gis.hydraulics.gas import NORMAL_KPA, Gas, Numbers, mean_pressure
from gis.hydraulics.solver import (
    LEAST_KPA,
    Losses,
    Pattern,
    Pipes,
    Task,
    heads_of,
    pressures_of,
    right_side,
)

STEPS_A_RUN = 60
FINER = 10
NEWTON_MOST = 12
STILL_KPA = 1e-3


def volumes_m3(length_m: Numbers, bore_mm: Numbers) -> Numbers:
    """Return what pipes hold, m³; 20 km of 492 mm hold 3,802."""
    return np.asarray(length_m * math.pi / 4 * (bore_mm / 1000) ** 2)


def line_pack_nm3(
    volume_m3: Numbers, first_kpa: Numbers, second_kpa: Numbers, gas: Gas, z: Numbers | None = None
) -> Numbers:
    """Return the gas in pipes between absolute pressures, Nm³: V·Pm/101.325·273.15/T/Z.

    3,802 m³ at 4.0 and 3.6 MPa gauge, Z 0.92 and 288.15 K hold 150,980.
    """
    mean = mean_pressure(first_kpa, second_kpa)
    factor = gas.compressibility(mean) if z is None else z
    return np.asarray(volume_m3 * mean / NORMAL_KPA / gas.warmth / factor)


@dataclass(frozen=True)
class Draining:
    """A zone that lost its sources: absolute pressures at the start, and below which each node counts as lost (or NaN)."""

    pipes: Pipes
    volume_m3: Numbers
    begin_kpa: Numbers
    demand_m3_per_h: Numbers
    low: np.ndarray[tuple[int], np.dtype[np.bool_]]
    height_m: Numbers
    floor_kpa: Numbers
    fixed_kpa: Numbers


@dataclass(frozen=True)
class Drained:
    """Hours until each node falls below its floor (infinite when it does not in time), and the gas held and usable."""

    hours: Numbers
    held_nm3: float
    usable_nm3: float
    steps: int


def drain(zone: Draining, gas: Gas, horizon_h: float, *, fine: bool = False) -> Drained:
    """Return how long a zone lasts; `fine` takes ten times smaller steps, as a check of the usual run."""
    held = float(_held(zone, gas, zone.begin_kpa).sum())
    usable = held - float(_held(zone, gas, np.fmax(np.nan_to_num(zone.floor_kpa, nan=NORMAL_KPA), NORMAL_KPA)).sum())
    taken = float(zone.demand_m3_per_h.sum())
    guess = min(horizon_h, max(usable, 0.05 * held) / taken) if taken > 0 else horizon_h
    step = guess / STEPS_A_RUN / (FINER if fine else 1)
    hours = np.where(zone.begin_kpa < zone.floor_kpa, 0.0, np.inf)
    watched = ~np.isnan(zone.floor_kpa)
    run, now, pressure, count = _Run(zone, gas), 0.0, zone.begin_kpa.copy(), 0
    while now < horizon_h and np.isinf(hours[watched]).any() and count < 6 * STEPS_A_RUN * (FINER if fine else 1):
        later = run.after(pressure, step)
        if later is None:
            # The next moment has no pressure that carries the demand: what is not yet below its floor falls now.
            hours = np.where(watched & np.isinf(hours), now + step / 2, hours)
            break
        crossed = watched & np.isinf(hours) & (later < zone.floor_kpa)
        share = (pressure - zone.floor_kpa) / np.maximum(pressure - later, 1e-12)
        hours = np.where(crossed, now + step * np.clip(share, 0.0, 1.0), hours)
        pressure, now, count = later, now + step, count + 1
    return Drained(hours, held, max(usable, 0.0), count)


def _held(zone: Draining, gas: Gas, pressure: Numbers) -> Numbers:
    return line_pack_nm3(zone.volume_m3, pressure[zone.pipes.start], pressure[zone.pipes.end], gas)


class _Run:
    """The zone from moment to moment; the flow of the last moment is the guess of the next."""

    def __init__(self, zone: Draining, gas: Gas) -> None:
        many, pipes = len(zone.begin_kpa), zone.pipes
        self.zone, self.gas = zone, gas
        self.free = np.isnan(zone.fixed_kpa)
        self.task = Task(
            pipes, np.where(self.free, np.nan, zone.fixed_kpa), zone.demand_m3_per_h, zone.low, zone.height_m
        )
        self.pattern = Pattern(pipes.start, pipes.end, self.free)
        highest = replaced(zone.begin_kpa, zone.fixed_kpa)
        self.losses = Losses(Task(pipes, highest, zone.demand_m3_per_h, zone.low, zone.height_m), gas)
        half = zone.volume_m3 / 2
        self.room_m3 = np.bincount(pipes.start, half, minlength=many) + np.bincount(pipes.end, half, minlength=many)
        self.moving: np.ndarray[tuple[int], np.dtype[np.bool_]] = pipes.start != pipes.end
        self.flow = np.where(self.moving, 1.0, 0.0)

    def after(self, before: Numbers, step_h: float) -> Numbers | None:
        """Return the pressures a step later, or None when there are none."""
        pipes, free, low = self.zone.pipes, self.free, self.zone.low
        pressure = before.copy()
        for _ in range(NEWTON_MOST):
            safe = np.maximum(pressure, LEAST_KPA)
            head = heads_of(safe, low)
            self.losses.set_pressures(safe)
            loss, growth = self.losses.at(self.flow)
            weight = self.moving / growth
            constant = np.where(self.moving, self.flow - (loss + self.losses.lift) * weight, 0.0)
            steep = np.where(low, 2 * NORMAL_KPA, 2 * safe)
            # Nm³ a kPa and hour that a node gives as its pressure falls.
            gives = self.room_m3 / NORMAL_KPA / self.gas.warmth / self.gas.compressibility(safe) / step_h
            right = right_side(self.task, head, free, weight, constant)
            right = right + (gives * (before - safe + head / steep))[free]
            found = self.pattern.solved(weight, right, (gives / steep)[free])
            head[free] = found
            self.flow = np.where(self.moving, constant + weight * (head[pipes.start] - head[pipes.end]), 0.0)
            moved = pressures_of(head, low)
            if not np.isfinite(moved).all() or (head <= 0).any():
                return None
            still = np.abs(moved - pressure).max() < STILL_KPA
            pressure = moved
            if still:
                break
        return pressure


def replaced(values: Numbers, others: Numbers) -> Numbers:
    """Return values, and others where these are known."""
    return np.asarray(np.where(np.isnan(others), values, others))


def lumped_hours(held_nm3: float, held_at_floor_nm3: float, demand_m3_per_h: float) -> float:
    """Return how long gas lasts when all of a zone had one pressure; 150,980 less 86,660 Nm³ at 6,432 m³/h last 10 h."""
    return (held_nm3 - held_at_floor_nm3) / demand_m3_per_h if demand_m3_per_h > 0 else math.inf
