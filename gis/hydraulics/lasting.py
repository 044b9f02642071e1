"""How long zones last that a scenario leaves without enough gas: from the pressures before it until floors are crossed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gis.hydraulics.gas import Gas, Numbers, ambient_kpa
from gis.hydraulics.linepack import Drained, Draining, drain, volumes_m3
from gis.hydraulics.scenario import Solved
from gis.hydraulics.solver import Flags, Index, Pipes
from gis.hydraulics.zones import FeedState, ZoneState

ZONES_MOST = 12
LOST = (int(ZoneState.NO_SOURCE), int(ZoneState.OVERDRAWN))


@dataclass(frozen=True)
class Lasting:
    """A zone on its own: its nodes (as in the graph), what it holds, hours by node, and which nodes are watched for what."""

    nodes: Index
    drained: Drained
    floor_nodes: Flags
    regulator_nodes: Flags
    demand_m3_per_h: float


def lasting_of(before: Solved, after: Solved, floor_kpa: Numbers, gas: Gas, horizon_h: float) -> list[Lasting]:
    """Return the zones that had a steady state before and have none after, those that hold most first.

    A zone fed by regulators from another such zone is not told by itself: it lives as long as these regulators' inlets
    stay above their set pressures, which is watched there. `floor_kpa` is gauge, by node of the graph.
    """
    out = after.outcome
    lost = np.flatnonzero(np.isin(out.zone_state, LOST))
    fed_by_lost = {
        int(out.zone[after.network.feeds.outlet[place]])
        for place in range(len(after.feeds))
        if after.network.feeds.inlet[place] >= 0 and out.zone[after.network.feeds.inlet[place]] in lost
    }
    found = []
    for zone in lost.tolist():
        if zone in fed_by_lost:
            continue
        made = _drained(before, after, zone, floor_kpa, gas, horizon_h)
        if made is not None:
            found.append(made)
    found.sort(key=lambda each: -each.drained.held_nm3)
    return found[:ZONES_MOST]


def _drained(
    before: Solved, after: Solved, zone: int, floor_kpa: Numbers, gas: Gas, horizon_h: float
) -> Lasting | None:
    nodes = np.flatnonzero(after.outcome.zone == zone)
    origin = after.origin[nodes]
    height = np.nan_to_num(after.network.height_m[nodes])
    air = ambient_kpa(height)
    begin = before.outcome.pressure_kpa[origin] + air
    picked = np.flatnonzero(after.outcome.zone[after.network.pipes.start] == zone)
    if np.isnan(begin).any() or not len(picked):
        return None
    number = np.full(after.network.n_nodes, -1, np.int64)
    number[nodes] = np.arange(len(nodes))
    part = after.network.pipes.picked(picked)
    pipes = Pipes(
        number[part.start], number[part.end], part.length_m, part.bore_mm, part.roughness_mm, part.law, part.zeta
    )
    length = after.stored.grid.grid.network.pipes.length_m[picked]
    drawn, needs = _drawn(before, after, number)
    own = after.network.demand_m3_per_h[nodes].clip(0)
    users = np.where(own > 0, floor_kpa[origin] + air, np.nan)
    watch = np.fmax(users, needs[: len(nodes)] + air)
    low = np.full(len(nodes), bool(before.outcome.low_zone[before.outcome.zone[origin[0]]]))
    zone_of = Draining(
        pipes, volumes_m3(length, pipes.bore_mm), begin, own + drawn[: len(nodes)], low, height, watch,
        _held_kpa(after, number, air),
    )  # fmt: skip
    if zone_of.demand_m3_per_h.sum() <= 0:
        return None
    return Lasting(
        origin, drain(zone_of, gas, horizon_h), ~np.isnan(users), ~np.isnan(needs[: len(nodes)]),
        float(zone_of.demand_m3_per_h.sum()),
    )  # fmt: skip


def _drawn(before: Solved, after: Solved, number: Index) -> tuple[Numbers, Numbers]:
    """Return what regulators drew before at nodes of the zone, and the gauge pressure the highest of them needs there."""
    many = int(number.max()) + 1
    drawn, needs = np.zeros(many), np.full(many, np.nan)
    flows = dict(zip(before.feeds, before.outcome.feed_flow_m3_per_h.tolist(), strict=True))
    for place, ref in enumerate(after.feeds):
        inlet = int(after.network.feeds.inlet[place])
        at = int(number[inlet]) if inlet >= 0 else -1
        if at < 0 or number[after.network.feeds.outlet[place]] >= 0:
            continue
        flow = flows.get(ref, float("nan"))
        if flow > 0:
            drawn[at] += flow
            needs[at] = np.fmax(needs[at], after.network.feeds.set_kpa[place])
    return drawn, needs


def _held_kpa(after: Solved, number: Index, air: Numbers) -> Numbers:
    """Return the absolute pressure where a feed of the zone still holds it."""
    fixed = np.full(len(air), np.nan)
    for place in range(len(after.feeds)):
        at = int(number[after.network.feeds.outlet[place]])
        if at >= 0 and after.outcome.feed_state[place] <= FeedState.OPEN:
            fixed[at] = np.fmax(fixed[at], after.network.feeds.set_kpa[place] + air[at])
    return fixed
