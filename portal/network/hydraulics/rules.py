"""Judgement of a steady state: limits of pressure and velocity, what flow readings mean, what differs; pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from gis.hydraulics.gas import Numbers
from gis.hydraulics.scenario import Measured, Solved
from gis.hydraulics.solver import Flags, Index
from gis.hydraulics.zones import ZoneState

GAS_SOURCE, GATE = 1, 2
LOW_CLASS, MEDIUM_B, MEDIUM_A, SUB_HIGH = 7, 6, 5, (3, 4)
DIFFERS_SHARE, DIFFERS_KPA = 0.01, 0.01


@dataclass(frozen=True)
class Limits:
    """Where a pressure is too low, kPa gauge by class, and a velocity too high, m/s."""

    velocity: float
    velocity_low: float
    floor_low: float
    floor_medium_b: float
    floor_medium_a: float
    floor_sub_high: float
    floor_high: float

    def floor_of(self, pressure_class: Index) -> Numbers:
        """Return the least pressure of pressure classes, kPa."""
        chosen = [pressure_class == LOW_CLASS, pressure_class == MEDIUM_B, pressure_class == MEDIUM_A]
        chosen.append(np.isin(pressure_class, SUB_HIGH))
        floors = [self.floor_low, self.floor_medium_b, self.floor_medium_a, self.floor_sub_high]
        return np.select(chosen, floors, self.floor_high)

    def velocity_of(self, pressure_class: Index) -> Numbers:
        """Return the highest velocity of pressure classes, m/s."""
        return np.where(pressure_class == LOW_CLASS, self.velocity_low, self.velocity)


@dataclass(frozen=True)
class FlowReading:
    """What the flow points of a station show together: m³/h, and how many of them have no fresh, good value."""

    station: int
    enterprise_id: int
    kind: int
    flow_m3_per_h: float | None
    missing: int


def measured_of(readings: Iterable[FlowReading]) -> Measured:
    """Return the supply of each enterprise and what other stations send in.

    Gates count where an enterprise measures any, otherwise its sources; when one of these has a flow point without a
    fresh value, the supply is unknown and nothing is scaled by it.
    """
    at: dict[int, dict[bool, list[FlowReading]]] = {}
    sent: dict[int, float] = {}
    extra: dict[int, float] = {}
    for each in readings:
        if each.kind in (GAS_SOURCE, GATE):
            at.setdefault(each.enterprise_id, {}).setdefault(each.kind == GATE, []).append(each)
        elif each.flow_m3_per_h is not None:
            sent[each.station] = each.flow_m3_per_h
            extra[each.enterprise_id] = extra.get(each.enterprise_id, 0.0) + each.flow_m3_per_h
    supply = {}
    for owner, kinds in at.items():
        counted = kinds.get(True) or kinds[False]
        if all(each.flow_m3_per_h is not None and not each.missing for each in counted):
            supply[owner] = sum(each.flow_m3_per_h or 0.0 for each in counted) + extra.get(owner, 0.0)
    return Measured(supply, sent)


@dataclass(frozen=True)
class Verdict:
    """Which pipes are too fast, which nodes too low, which users' nodes have no or too little pressure."""

    fast: Flags
    low: Flags
    node_class: Index
    floor_kpa: Numbers


def judge(solved: Solved, limits: Limits) -> Verdict:
    """Return where limits are broken; NaN, where there is no steady state, breaks none: it is told by its problem."""
    stored, out = solved.stored, solved.outcome
    n_nodes, ends = len(stored.owner), stored.grid.grid.network.pipes
    # A node has the lowest of the classes that meet there: that is what its users are connected to.
    node_class = np.zeros(n_nodes, np.int64)
    np.maximum.at(node_class, ends.start, stored.pressure_class)
    np.maximum.at(node_class, ends.end, stored.pressure_class)
    # A regulator's outlet without pipes hands low pressure to the users behind it.
    low_zone = out.low_zone[out.zone[:n_nodes]] if len(out.low_zone) else np.zeros(n_nodes, bool)
    node_class = np.where(low_zone, LOW_CLASS, node_class)
    floor = limits.floor_of(node_class)
    with np.errstate(invalid="ignore"):
        fast = np.abs(out.velocity_m_per_s) > limits.velocity_of(stored.pressure_class)
        low = out.pressure_kpa[:n_nodes] < floor
    return Verdict(fast, low, node_class, floor)


def users_at(solved: Solved, nodes: Flags) -> tuple[Index, int, int]:
    """Return positions of the users at some nodes, their number and their households."""
    users = solved.stored.grid.grid.network.users
    here = np.flatnonzero(nodes[users.node])
    return here, len(here), int(users.households[here].sum())


def without_pressure(solved: Solved) -> Flags:
    """Return the nodes for which no steady state is known."""
    out, n_nodes = solved.outcome, len(solved.stored.owner)
    return np.asarray(out.zone_state[out.zone[:n_nodes]] != ZoneState.SOLVED)


def differs(before: Numbers, after: Numbers) -> Flags:
    """Return where two pressures or flows differ by more than a hundredth, or only one of them is known."""
    one = np.isnan(before) != np.isnan(after)
    with np.errstate(invalid="ignore"):
        gap = np.abs(after - before)
        far = gap > np.maximum(DIFFERS_SHARE * np.maximum(np.abs(before), np.abs(after)), DIFFERS_KPA)
    return np.asarray(one | far)
