"""Steady flow in pipes between nodes of known and of unknown pressure: Newton's method on flows and heads; pure.

The head of a node is P² (kPa², absolute) and, where pressures are low, 2·P0·P: with it both formulas of GB 50028
chapter 6.2 read H1 - H2 = r·λ(Q)·Q·|Q|. Each step solves mass balances and linearised losses together (Todini and
Pilati 1988), so flows balance at every node after every step and only losses remain to be met.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array
from scipy.sparse.linalg import splu

from gis.hydraulics.gas import (
    GRAVITY,
    NORMAL_KPA,
    Gas,
    Numbers,
    friction,
    mean_pressure,
    reynolds,
)

Index = NDArray[np.int64]
Flags = NDArray[np.bool_]

STEPS_MOST = 60
# GB 50028 wants a node's balance within 0.1 m³/h; flows go on until a hundred times better than that.
BALANCED_M3_PER_H = 1e-3
# A loss that grows with the flow itself is added to each pipe, kPa² per m³/h, by the head: it keeps the equations
# regular where nothing flows or a pipe has no length, stays above what a head can be told apart by in 64 bits, and
# changes a pressure by less than 0.1 Pa.
REGULAR_SHARE = 5e-12
REGULAR_LEAST = 1e-8
START_SPEED_M_PER_S = 3.0
LEAST_KPA = 1.0
PROBE = 1e-4


@dataclass(frozen=True)
class Pipes:
    """Pipes from node `start` to node `end`; `law` is a Friction, `zeta` the sum of the coefficients of local losses."""

    start: Index
    end: Index
    length_m: Numbers
    bore_mm: Numbers
    roughness_mm: Numbers
    law: Index
    zeta: Numbers

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.start)

    def picked(self, kept: Flags | Index) -> Pipes:
        """Return some of them."""
        return Pipes(
            self.start[kept], self.end[kept], self.length_m[kept], self.bore_mm[kept], self.roughness_mm[kept],
            self.law[kept], self.zeta[kept],
        )  # fmt: skip


@dataclass(frozen=True)
class Task:
    """What to solve: `fixed_kpa` is the absolute pressure where it is known and NaN elsewhere.

    `demand_m3_per_h` leaves the network at each node; `low` says at which nodes the low-pressure formula holds (both
    ends of a pipe agree); `height_m` is above sea level.
    """

    pipes: Pipes
    fixed_kpa: Numbers
    demand_m3_per_h: Numbers
    low: Flags
    height_m: Numbers


@dataclass(frozen=True)
class Steady:
    """Absolute pressure of each node, flow of each pipe from start to end, what is left of each node's balance.

    `head` may be negative: then no steady state carries that demand, and the pressures there mean nothing.
    """

    pressure_kpa: Numbers
    head: Numbers
    flow_m3_per_h: Numbers
    residual_m3_per_h: Numbers
    steps: int
    converged: bool


class Pattern:
    """The matrix of the unknown heads: its places stay the same from step to step, only values change."""

    def __init__(self, start: Index, end: Index, free: Flags) -> None:
        """Number the unknown nodes and find where each pipe adds to the matrix."""
        self.size = int(free.sum())
        number = np.cumsum(free) - 1
        a, b = free[start], free[end]
        both = a & b
        rows = np.concatenate([number[start[a]], number[end[b]], number[start[both]], number[end[both]]])
        columns = np.concatenate([number[start[a]], number[end[b]], number[end[both]], number[start[both]]])
        self._pick = np.concatenate([np.flatnonzero(a), np.flatnonzero(b), np.flatnonzero(both), np.flatnonzero(both)])
        self._sign = np.ones(len(rows))
        self._sign[int(a.sum()) + int(b.sum()) :] = -1.0
        # The diagonal is always there, for the storage of a step in time.
        own = np.arange(self.size)
        key = np.concatenate([columns, own]) * np.int64(self.size) + np.concatenate([rows, own])
        places, self._place = np.unique(key, return_inverse=True)
        self._rows = (places % max(self.size, 1)).astype(np.int32)
        self._pointer = np.searchsorted(places // max(self.size, 1), np.arange(self.size + 1)).astype(np.int32)
        self._many = len(places)

    def solved(self, weight: Numbers, right: Numbers, stored: Numbers | None = None) -> Numbers:
        """Return the heads for pipes of some conductance (and some storage of the nodes)."""
        diagonal = np.zeros(self.size) if stored is None else stored
        values = np.concatenate([weight[self._pick] * self._sign, diagonal])
        data = np.bincount(self._place, values, minlength=self._many)
        matrix = csc_array((data, self._rows, self._pointer), shape=(self.size, self.size))
        # Symmetric and positive: no pivoting is needed, and the order of least fill is found on the pattern.
        found = splu(matrix, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True})
        return np.asarray(found.solve(right))


class Losses:
    """The loss of head along each pipe of a task as its flow goes."""

    def __init__(self, task: Task, gas: Gas) -> None:
        """Work out what does not change with the flow."""
        self.task, self.gas = task, gas
        pipes = task.pipes
        highest = np.nanmax(heads_of(task.fixed_kpa, task.low), initial=0.0)
        self._regular = max(REGULAR_LEAST, REGULAR_SHARE * float(highest))
        self.low = task.low[pipes.start] & task.low[pipes.end]
        self._resistance = gas.loss * gas.density_kg_per_nm3 * gas.warmth / pipes.bore_mm**5
        self._local_m = pipes.zeta * pipes.bore_mm / 1000
        rise = task.height_m[pipes.end] - task.height_m[pipes.start]
        self._lift = 2 * gas.density_kg_per_nm3 * GRAVITY * np.nan_to_num(rise) / (NORMAL_KPA * 1000 * gas.warmth)

    def set_pressures(self, pressure_kpa: Numbers) -> None:
        """Take the pressures of the last step for Z and for the weight of the gas."""
        pipes = self.task.pipes
        mean = mean_pressure(pressure_kpa[pipes.start], pressure_kpa[pipes.end])
        z = np.where(self.low, 1.0, self.gas.compressibility(mean))
        self._now = self._resistance * z
        self.lift = self._lift * mean * np.where(self.low, NORMAL_KPA, mean) / z

    def at(self, flow: Numbers) -> tuple[Numbers, Numbers]:
        """Return the loss of head of each pipe and how fast it grows with the flow."""
        size = np.maximum(np.abs(flow), 1e-9)
        more = size * (1 + PROBE)
        loss = self._now * self._friction_m(size) * size**2
        grown = self._now * self._friction_m(more) * more**2
        growth = np.maximum((grown - loss) / (size * PROBE), 0.0)
        return np.sign(flow) * loss + self._regular * flow, growth + self._regular

    def _friction_m(self, flow: Numbers) -> Numbers:
        """Return λ times the length, and ζ times the bore, m."""
        pipes = self.task.pipes
        rubs = friction(reynolds(flow, pipes.bore_mm, self.gas), pipes.bore_mm, pipes.roughness_mm, pipes.law)
        return np.asarray(rubs * pipes.length_m + self._local_m)


def heads_of(pressure_kpa: Numbers, low: Flags) -> Numbers:
    """Return P² or, where pressures are low, 2·P0·P."""
    return np.asarray(np.where(low, 2 * NORMAL_KPA * pressure_kpa, pressure_kpa**2))


def pressures_of(head: Numbers, low: Flags) -> Numbers:
    """Return the absolute pressures of heads; of a negative head 0."""
    safe = np.maximum(head, 0.0)
    return np.asarray(np.where(low, safe / (2 * NORMAL_KPA), np.sqrt(safe)))


def solve(task: Task, gas: Gas) -> Steady:
    """Return the steady state; every node must be joined to one of known pressure.

    Converged is whether what is left of the balance of every node lies below BALANCED_M3_PER_H.
    """
    pipes, free = task.pipes, np.isnan(task.fixed_kpa)
    low = task.low
    given = np.where(free, np.nanmean(task.fixed_kpa) if not free.all() else NORMAL_KPA, task.fixed_kpa)
    head = heads_of(given, low)
    pattern, losses = Pattern(pipes.start, pipes.end, free), Losses(task, gas)
    flow = START_SPEED_M_PER_S * 3600 * np.pi / 4 * (pipes.bore_mm / 1000) ** 2
    moving = pipes.start != pipes.end
    flow = np.where(moving, flow, 0.0)
    pressure, residual, step = given, np.full(len(given), np.inf), 0
    losses.set_pressures(np.maximum(pressure, LEAST_KPA))
    loss, growth = losses.at(flow)
    for step in range(1, STEPS_MOST + 1):
        weight = moving / growth
        # Q = Q0 + (H1 - H2 - loss - lift)/growth; unknown are the heads of the free nodes.
        constant = np.where(moving, flow - (loss + losses.lift) * weight, 0.0)
        if pattern.size:
            head[free] = pattern.solved(weight, right_side(task, head, free, weight, constant))
        drop = head[pipes.start] - head[pipes.end]
        flow = np.where(moving, constant + weight * drop, 0.0)
        if not np.isfinite(flow).all():
            break
        pressure = pressures_of(head, low)
        losses.set_pressures(np.maximum(pressure, LEAST_KPA))
        loss, growth = losses.at(flow)
        # What is left of each node's balance when each pipe carries just what its ends' heads drive.
        driven = np.where(moving, flow + (drop - loss - losses.lift) / growth, 0.0)
        residual = balance_of(pipes, driven, task.demand_m3_per_h)
        if np.abs(residual[free]).max(initial=0.0) < BALANCED_M3_PER_H and step > 1:
            break
    settled = bool(np.isfinite(flow).all() and np.abs(residual[free]).max(initial=0.0) < BALANCED_M3_PER_H)
    return Steady(pressure, head, flow, residual, step, settled)


def right_side(task: Task, head: Numbers, free: Flags, weight: Numbers, constant: Numbers) -> Numbers:
    """Return the right side: demands, constant parts of the flows, and what known heads bring."""
    pipes, many = task.pipes, len(head)
    known = np.where(free, 0.0, head)
    out = constant - weight * known[pipes.end]
    into = constant + weight * known[pipes.start]
    balance = np.bincount(pipes.end, into, minlength=many) - np.bincount(pipes.start, out, minlength=many)
    return np.asarray((balance - task.demand_m3_per_h)[free])


def balance_of(pipes: Pipes, flow: Numbers, demand: Numbers) -> Numbers:
    """Return what arrives at each node less what leaves it, m³/h."""
    many = len(demand)
    arrives = np.bincount(pipes.end, flow, minlength=many) - np.bincount(pipes.start, flow, minlength=many)
    return np.asarray(arrives - demand)
