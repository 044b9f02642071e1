"""A whole network in steady state: zones between regulators from low to high pressure, each told in words that fail.

A zone is what pipes join. Regulators and stations are feeds: each holds its set pressure at its outlet while its inlet
allows and gives way otherwise; none takes gas back. Zones are solved from the lowest up, since what a zone takes is
what its regulators draw from the zone above; then feeds change their state until all of them agree.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum, StrEnum

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from gis.hydraulics.gas import Gas, Numbers, ambient_kpa, mean_pressure, velocity_m_per_s
from gis.hydraulics.solver import Flags, Index, Pipes, Steady, Task, balance_of, solve

# GB 50028 table 6.1.6: low pressure lies below 0.01 MPa gauge.
LOW_BELOW_KPA = 10.0
ROUNDS_MOST = 40
SWEEPS_MOST = 30
TURNS_MOST = 6
SAME_KPA = 0.01
SAME_M3_PER_H = 0.01
EQUAL_SET_KPA = 0.01


class FeedState(IntEnum):
    """How a regulator or station stands."""

    HOLDS = 0
    OPEN = 1
    SHUT = 2
    DEAD = 3
    BYPASSED = 4


class ZoneState(IntEnum):
    """What is known of a zone."""

    SOLVED = 0
    NO_SOURCE = 1
    OVERDRAWN = 2
    BEHIND = 3
    UNSETTLED = 4
    OVERFED = 5


class Trouble(StrEnum):
    """Why a part of the network has no numbers, or what is odd though it has."""

    NO_SOURCE = "no_source"
    OVERDRAWN = "overdrawn"
    BEHIND = "behind"
    UNSETTLED = "unsettled"
    OVERFED = "overfed"
    SET_NOT_HELD = "set_not_held"
    BYPASSED = "bypassed"


@dataclass(frozen=True)
class Feeds:
    """Regulators and stations: gas enters at `outlet` at `set_kpa` gauge; a station has no `inlet` (-1)."""

    inlet: Index
    outlet: Index
    set_kpa: Numbers
    share: Numbers


@dataclass(frozen=True)
class FlowNetwork:
    """Nodes, pipes, feeds, and what is taken at each node, m³/h; `height_m` is NaN where it is unknown."""

    n_nodes: int
    pipes: Pipes
    feeds: Feeds
    demand_m3_per_h: Numbers
    height_m: Numbers


@dataclass(frozen=True)
class Problem:
    """Something to be told: what, and at which nodes or feeds; `demand` is what is taken there, m³/h."""

    trouble: Trouble
    nodes: Index
    feed: int = -1
    demand_m3_per_h: float = 0.0


@dataclass
class Outcome:
    """Gauge pressures, flows and velocities; NaN wherever no steady state is known."""

    zone: Index
    zone_state: Index
    pressure_kpa: Numbers
    flow_m3_per_h: Numbers
    velocity_m_per_s: Numbers
    residual_m3_per_h: Numbers
    feed_flow_m3_per_h: Numbers
    feed_state: Index
    low_zone: Flags
    steps: int
    settled: bool
    problems: list[Problem] = field(default_factory=list)


def zones_of(net: FlowNetwork) -> Index:
    """Return for each node the number of its zone."""
    pipes = net.pipes
    joins = coo_array((np.ones(len(pipes)), (pipes.start, pipes.end)), shape=(net.n_nodes, net.n_nodes))
    return np.asarray(connected_components(joins, directed=False)[1], np.int64)


def solve_network(net: FlowNetwork, gas: Gas) -> Outcome:
    """Return the steady state of a network, and problems for what has none; it raises for nothing a network can be."""
    work = _Work(net, gas)
    settled = False
    for _ in range(ROUNDS_MOST):
        work.sweep()
        if not work.adjust():
            settled = True
            break
    return work.outcome(settled)


class _Work:
    """One solution on its way."""

    def __init__(self, net: FlowNetwork, gas: Gas) -> None:
        """Part the network into zones and find which of them a source reaches."""
        self.net, self.gas = net, gas
        self.zone = zones_of(net)
        self.n_zones = int(self.zone.max(initial=-1)) + 1
        self.height = _level_where_unknown(net, self.zone, self.n_zones)
        self.ambient = ambient_kpa(self.height)
        feeds = net.feeds
        self.many = len(feeds.outlet)
        self.from_zone = np.where(feeds.inlet >= 0, self.zone[feeds.inlet], -1) if self.many else feeds.inlet
        self.to_zone = self.zone[feeds.outlet] if self.many else feeds.outlet
        self.state = np.full(self.many, int(FeedState.HOLDS))
        self.state[self.from_zone == self.to_zone] = FeedState.BYPASSED
        self.fed = self._reached()
        regulator = (self.state == FeedState.HOLDS) & (feeds.inlet >= 0)
        self.state[regulator & ~self.fed[self.from_zone]] = FeedState.DEAD
        self.out_kpa = feeds.set_kpa.astype(float).copy()
        self.low_zone = self._low_zones()
        self.turns = np.zeros(self.many, np.int64)
        self.flow_of_feed = np.zeros(self.many)
        self.pressure = np.full(net.n_nodes, np.nan)
        self.flow = np.full(len(net.pipes), np.nan)
        self.residual = np.full(net.n_nodes, np.nan)
        self.zone_state = np.where(self.fed, int(ZoneState.SOLVED), int(ZoneState.NO_SOURCE))
        self.pipe_zone = self.zone[net.pipes.start]
        self.groups = self._groups()
        self.steps = 0
        self._fixed_before = np.full(net.n_nodes, -1.0)
        self._demand_before = np.full(net.n_nodes, np.nan)

    def _reached(self) -> Flags:
        """Return the zones gas can come to at all."""
        fed = np.zeros(self.n_zones, bool)
        usable = self.state == FeedState.HOLDS
        station = usable & (self.net.feeds.inlet < 0)
        fed[self.to_zone[station]] = True
        passes = np.flatnonzero(usable & ~station)
        while True:
            fresh = passes[fed[self.from_zone[passes]] & ~fed[self.to_zone[passes]]]
            if not len(fresh):
                return fed
            fed[self.to_zone[fresh]] = True

    def _low_zones(self) -> Flags:
        """Return the zones in which all feeds hold low pressure."""
        highest = np.full(self.n_zones, -np.inf)
        alive = self.state == FeedState.HOLDS
        np.maximum.at(highest, self.to_zone[alive], self.net.feeds.set_kpa[alive])
        return (highest > -np.inf) & (highest < LOW_BELOW_KPA)

    def _groups(self) -> list[tuple[Index, bool]]:
        """Return fed zones in groups, lowest first; of the last group zones may feed each other in a ring."""
        links = np.flatnonzero((self.state == FeedState.HOLDS) & (self.net.feeds.inlet >= 0))
        above, below = self.from_zone[links], self.to_zone[links]
        waiting = np.bincount(above, minlength=self.n_zones)
        done = ~self.fed
        groups: list[tuple[Index, bool]] = []
        while True:
            ready = np.flatnonzero(~done & (waiting == 0))
            if not len(ready):
                break
            groups.append((ready, False))
            done[ready] = True
            gone = np.isin(below, ready)
            waiting -= np.bincount(above[gone], minlength=self.n_zones)
            keep = ~gone
            above, below = above[keep], below[keep]
        rest = np.flatnonzero(~done)
        if len(rest):
            groups.append((rest, True))
        return groups

    def sweep(self) -> None:
        """Solve every zone whose pressures or demands changed, from the lowest up."""
        for zones, ring in self.groups:
            for _ in range(SWEEPS_MOST if ring else 1):
                before = self.flow_of_feed.copy()
                self._solve(zones)
                if np.abs(self.flow_of_feed - before).max(initial=0.0) < SAME_M3_PER_H:
                    break

    def demand(self) -> Numbers:
        """Return what users take, and what regulators draw from the zone above."""
        feeds = self.net.feeds
        draws = (feeds.inlet >= 0) & (self.state <= FeedState.OPEN)
        drawn = np.bincount(feeds.inlet[draws], self.flow_of_feed[draws], minlength=self.net.n_nodes)
        return np.asarray(self.net.demand_m3_per_h + drawn)

    def _fixed(self) -> Numbers:
        """Return the absolute pressure where a feed holds it; of several at a node the highest holds."""
        fixed = np.full(self.net.n_nodes, -np.inf)
        active = np.flatnonzero(self.state <= FeedState.OPEN)
        outlet = self.net.feeds.outlet[active]
        np.maximum.at(fixed, outlet, self.out_kpa[active] + self.ambient[outlet])
        fixed[~np.isfinite(fixed)] = np.nan
        return fixed

    def _solve(self, zones: Index) -> None:
        fixed, demand = self._fixed(), self.demand()
        differs = ~((fixed == self._fixed_before) | (np.isnan(fixed) & np.isnan(self._fixed_before)))
        differs |= demand != self._demand_before
        wanted = np.zeros(self.n_zones, bool)
        wanted[zones] = True
        wanted &= np.bincount(self.zone, differs, minlength=self.n_zones) > 0
        if not wanted.any():
            return
        nodes, pipes = np.flatnonzero(wanted[self.zone]), np.flatnonzero(wanted[self.pipe_zone])
        self._fixed_before[nodes], self._demand_before[nodes] = fixed[nodes], demand[nodes]
        number = np.full(self.net.n_nodes, -1, np.int64)
        number[nodes] = np.arange(len(nodes))
        part = self.net.pipes.picked(pipes)
        part = Pipes(
            number[part.start], number[part.end], part.length_m, part.bore_mm, part.roughness_mm, part.law, part.zeta
        )
        low = self.low_zone[self.zone[nodes]]
        task = Task(part, fixed[nodes], demand[nodes], low, self.height[nodes])
        self._take(nodes, pipes, task, solve(task, self.gas))

    def _take(self, nodes: Index, pipes: Index, task: Task, found: Steady) -> None:
        self.steps += found.steps
        self.pressure[nodes] = found.pressure_kpa
        self.flow[pipes] = found.flow_m3_per_h
        held = ~np.isnan(task.fixed_kpa)
        self.residual[nodes] = np.where(held, 0.0, found.residual_m3_per_h)
        self._judge(nodes, task, found)
        gives = -balance_of(task.pipes, found.flow_m3_per_h, task.demand_m3_per_h)
        self._share(nodes[held], gives[held])

    def _judge(self, nodes: Index, task: Task, found: Steady) -> None:
        """Mark zones in which pressure would fall below that of the air, or no solution was found."""
        zone = self.zone[nodes]
        touched = np.unique(zone)
        self.zone_state[touched] = ZoneState.SOLVED
        if not found.converged:
            bad = np.abs(np.where(np.isnan(task.fixed_kpa), found.residual_m3_per_h, 0.0)) > SAME_M3_PER_H
            bad |= ~np.isfinite(found.head)
            self.zone_state[np.unique(zone[bad])] = ZoneState.UNSETTLED
        starved = (found.head <= 0) | (found.pressure_kpa <= self.ambient[nodes])
        self.zone_state[np.unique(zone[starved & ~np.isnan(found.head)])] = ZoneState.OVERDRAWN

    def _share(self, nodes: Index, gives: Numbers) -> None:
        """Part what enters at a node among the feeds that hold it there, by their shares."""
        feeds = self.net.feeds
        amount = np.full(self.net.n_nodes, np.nan)
        amount[nodes] = gives
        here = np.flatnonzero((self.state <= FeedState.OPEN) & ~np.isnan(amount[feeds.outlet]))
        outlet = feeds.outlet[here]
        best = np.full(self.net.n_nodes, -np.inf)
        np.maximum.at(best, outlet, self.out_kpa[here])
        leads = self.out_kpa[here] >= best[outlet] - EQUAL_SET_KPA
        weight = np.where(leads, feeds.share[here], 0.0)
        total = np.bincount(outlet, weight, minlength=self.net.n_nodes)
        self.flow_of_feed[here] = amount[outlet] * weight / np.maximum(total[outlet], 1e-12)

    def adjust(self) -> bool:
        """Let feeds give way, shut or take over again; return whether one of them did."""
        feeds = self.net.feeds
        if not self.many:
            return False
        gauge = self.pressure - self.ambient
        before = np.where(feeds.inlet >= 0, gauge[feeds.inlet], np.inf)
        behind = gauge[feeds.outlet]
        sound = np.isin(self.zone_state[self.to_zone], (ZoneState.SOLVED, ZoneState.OVERDRAWN))
        known = sound & ((feeds.inlet < 0) | (self.zone_state[self.from_zone] == ZoneState.SOLVED))
        moves = known & (self.turns < TURNS_MOST)
        holds, opened, shut = (self.state == each for each in (FeedState.HOLDS, FeedState.OPEN, FeedState.SHUT))
        back = moves & (holds | opened) & (self.flow_of_feed < -SAME_M3_PER_H) & self._others_hold()
        short = moves & holds & ~back & (before < feeds.set_kpa - SAME_KPA)
        again = moves & opened & ~back & (before >= feeds.set_kpa)
        follow = known & opened & ~back & ~again & (np.abs(before - self.out_kpa) > SAME_KPA)
        join = moves & shut & (behind < feeds.set_kpa - SAME_KPA) & (before > behind + SAME_KPA)
        self.state[back] = FeedState.SHUT
        self.flow_of_feed[back] = 0.0
        self.state[short] = FeedState.OPEN
        self.out_kpa[short | follow] = before[short | follow]
        self.state[again | join] = FeedState.HOLDS
        self.out_kpa[again | join] = feeds.set_kpa[again | join]
        turned = back | short | again | join
        self.turns[turned] += 1
        return bool((turned | follow).any())

    def _others_hold(self) -> Flags:
        """Return the feeds beside which another still holds the zone: the highest of a zone never shuts."""
        active = self.state <= FeedState.OPEN
        best = np.full(self.n_zones, -np.inf)
        np.maximum.at(best, self.to_zone[active], self.out_kpa[active])
        first = np.full(self.n_zones, self.many)
        top = active & (self.out_kpa >= best[self.to_zone])
        np.minimum.at(first, self.to_zone[top], np.flatnonzero(top))
        return np.asarray(first[self.to_zone] != np.arange(self.many))

    def outcome(self, settled: bool) -> Outcome:
        """Return what was found; parts without a steady state get no number."""
        net, state = self.net, self.zone_state
        self._unsettled(settled)
        self._behind()
        known = state[self.zone] == ZoneState.SOLVED
        gauge = np.where(known, self.pressure - self.ambient, np.nan)
        pipe_known = state[self.pipe_zone] == ZoneState.SOLVED
        flow = np.where(pipe_known, self.flow, np.nan)
        mean = mean_pressure(self.pressure[net.pipes.start], self.pressure[net.pipes.end])
        with np.errstate(invalid="ignore"):
            fast = velocity_m_per_s(flow, net.pipes.bore_mm, mean, self.gas)
        given = self.flow_of_feed.copy()
        given[self.state > FeedState.OPEN] = 0.0
        given[(state[self.to_zone] != ZoneState.SOLVED) if self.many else []] = np.nan
        made = Outcome(
            zone=self.zone, zone_state=state, pressure_kpa=gauge, flow_m3_per_h=flow, velocity_m_per_s=fast,
            residual_m3_per_h=np.where(known, self.residual, np.nan), feed_flow_m3_per_h=given, feed_state=self.state,
            low_zone=self.low_zone, steps=self.steps, settled=settled,
        )  # fmt: skip
        made.problems = [*self._zone_problems(), *self._feed_problems()]
        return made

    def _unsettled(self, settled: bool) -> None:
        if settled or not self.many:
            return
        stirred = self.turns >= TURNS_MOST
        self.zone_state[np.unique(self.to_zone[stirred])] = ZoneState.UNSETTLED

    def _behind(self) -> None:
        """Zones fed only through zones without a steady state have none either; an overfed zone is told as such."""
        state = self.zone_state
        active = self.state <= FeedState.OPEN
        for each in np.flatnonzero(active & (self.flow_of_feed < -1.0)).tolist():
            if state[self.to_zone[each]] == ZoneState.SOLVED:
                state[self.to_zone[each]] = ZoneState.OVERFED
        links = np.flatnonzero(active & (self.net.feeds.inlet >= 0))
        while True:
            lost = (state[self.from_zone[links]] != ZoneState.SOLVED) & (state[self.to_zone[links]] == ZoneState.SOLVED)
            if not lost.any():
                return
            state[np.unique(self.to_zone[links[lost]])] = ZoneState.BEHIND

    def _zone_problems(self) -> list[Problem]:
        words = {
            ZoneState.NO_SOURCE: Trouble.NO_SOURCE, ZoneState.OVERDRAWN: Trouble.OVERDRAWN,
            ZoneState.BEHIND: Trouble.BEHIND, ZoneState.UNSETTLED: Trouble.UNSETTLED,
            ZoneState.OVERFED: Trouble.OVERFED,
        }  # fmt: skip
        taken = np.bincount(self.zone, self.net.demand_m3_per_h, minlength=self.n_zones)
        order = np.argsort(self.zone, kind="stable")
        edge = np.searchsorted(self.zone[order], np.arange(self.n_zones + 1))
        return [
            Problem(
                words[ZoneState(int(self.zone_state[each]))], order[edge[each] : edge[each + 1]], -1, float(taken[each])
            )
            for each in np.flatnonzero(self.zone_state != ZoneState.SOLVED).tolist()
        ]

    def _feed_problems(self) -> list[Problem]:
        sound = self.zone_state[self.to_zone] == ZoneState.SOLVED if self.many else np.zeros(0, bool)
        told: list[Problem] = []
        feeds = self.net.feeds
        reached = (self.pressure - self.ambient)[feeds.outlet] if self.many else feeds.set_kpa
        misses = (self.state == FeedState.OPEN) & (reached < feeds.set_kpa - SAME_KPA)
        for hit, trouble in ((misses, Trouble.SET_NOT_HELD), (self.state == FeedState.BYPASSED, Trouble.BYPASSED)):
            told += [
                Problem(trouble, feeds.outlet[each : each + 1], each, float(self.flow_of_feed[each]))
                for each in np.flatnonzero(sound & hit).tolist()
            ]
        return told


def _level_where_unknown(net: FlowNetwork, zone: Index, n_zones: int) -> Numbers:
    """Return heights; a zone in which one is unknown counts as level, at the mean of those known."""
    missing = np.isnan(net.height_m)
    lacks = np.bincount(zone, missing, minlength=n_zones) > 0
    known = np.bincount(zone, ~missing, minlength=n_zones)
    mean = np.bincount(zone, np.nan_to_num(net.height_m), minlength=n_zones) / np.maximum(known, 1)
    return np.asarray(np.where(lacks[zone], mean[zone], net.height_m))
