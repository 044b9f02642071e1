"""What-if: the stored network with further closed valves, lost sources and another demand, and its steady state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from gis.hydraulics.demand import demand_of, unknown_classes
from gis.hydraulics.gas import Numbers
from gis.hydraulics.solver import Flags, Index, Pipes
from gis.hydraulics.stored import Figures, Station, StoredFlow
from gis.hydraulics.zones import Feeds, FlowNetwork, Outcome, solve_network
from gis.network.graph import Grid

LEAST_BORE_MM = 5.0


@dataclass(frozen=True)
class Scenario:
    """Numbers of valves closed and of stations lost or put to work, the demand's factor, and the hour of the day."""

    hour: int
    closed: tuple[int, ...] = ()
    lost: tuple[int, ...] = ()
    serving: tuple[int, ...] = ()
    factor: float = 1.0


@dataclass(frozen=True)
class Measured:
    """What flow points show: the supply of each enterprise, and what stations other than sources and gates send in."""

    supply_m3_per_h: Mapping[int, float] = field(default_factory=dict)
    sent_m3_per_h: Mapping[int, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Basis:
    """What the calculation rests on, to be told with its result."""

    users_m3_per_h: float
    scale: Mapping[int, float]
    assumed_walls: int
    unknown_classes: tuple[int, ...]
    without_set: tuple[tuple[str, int], ...]
    level_zones: bool


@dataclass(frozen=True)
class Solved:
    """A scenario solved: the network as calculated, its outcome, and which stored feed each feed is.

    Nodes up to the graph's number are the graph's; the others are ends of pipes at closed valves.
    """

    scenario: Scenario
    stored: StoredFlow
    network: FlowNetwork
    origin: Index
    outcome: Outcome
    feeds: tuple[tuple[str, int], ...]
    assumed: Flags
    basis: Basis


def solve_scenario(stored: StoredFlow, figures: Figures, scenario: Scenario, measured: Measured) -> Solved:
    """Return the steady state of a scenario."""
    grid = stored.grid.grid
    pipes, assumed = _pipes(stored, figures)
    demand, scale = _demand(stored, figures, scenario, measured)
    users = float(demand.sum())
    feeds, refs, without, injected = _feeds(stored, scenario, measured)
    shut = _shut(stored, scenario)
    pipes, origin = _parted(grid, pipes, shut, feeds)
    height = stored.height_m[origin]
    taken = np.zeros(len(origin))
    taken[: len(demand)] = demand - injected
    network = FlowNetwork(len(origin), pipes, feeds, taken, height)
    basis = Basis(
        users, scale, int(assumed.sum()), tuple(unknown_classes(stored.units, figures.classes)), tuple(without),
        bool(np.isnan(stored.height_m).any()),
    )  # fmt: skip
    return Solved(scenario, stored, network, origin, solve_network(network, figures.gas), tuple(refs), assumed, basis)


def _pipes(stored: StoredFlow, figures: Figures) -> tuple[Pipes, Flags]:
    ends = stored.grid.grid.network.pipes
    bore, assumed = stored.bores(figures)
    rough, law = stored.friction(figures)
    length = np.maximum(ends.length_m, 0.0) * (1 + figures.local_loss_share)
    bore = np.maximum(_bridged(stored, bore), LEAST_BORE_MM)
    return Pipes(ends.start, ends.end, length, bore, rough, law, np.zeros(len(bore))), assumed


def _bridged(stored: StoredFlow, bore: Numbers) -> Numbers:
    """Return bores; a joint between enterprises is no stored pipe and has the bore of the widest pipe it meets."""
    bare = np.isnan(bore)
    if not bare.any():
        return bore
    ends, widest = stored.grid.grid.network.pipes, np.zeros(len(stored.owner))
    for mine in (ends.start, ends.end):
        np.maximum.at(widest, mine[~bare], bore[~bare])
    return np.asarray(np.where(bare, np.maximum(widest[ends.start], widest[ends.end]), bore))


def _demand(
    stored: StoredFlow, figures: Figures, scenario: Scenario, measured: Measured
) -> tuple[Numbers, dict[int, float]]:
    """Return what users take at each node, and by what each enterprise's estimate was scaled to meet its supply."""
    demand = demand_of(stored.units, figures.classes, scenario.hour, len(stored.owner))
    owners, place = np.unique(stored.owner, return_inverse=True)
    estimated = np.bincount(place, demand, minlength=len(owners))
    scale = {
        int(owner): measured.supply_m3_per_h[int(owner)] / float(total)
        for owner, total in zip(owners, estimated, strict=True)
        if total > 0 and measured.supply_m3_per_h.get(int(owner), -1.0) >= 0
    }
    each = np.array([scale.get(int(owner), 1.0) for owner in owners])
    return demand * each[place] * scenario.factor, scale


def _feeds(
    stored: StoredFlow, scenario: Scenario, measured: Measured
) -> tuple[Feeds, list[tuple[str, int]], list[tuple[str, int]], Numbers]:
    """Return the feeds, what each is, those without a set pressure, and what other stations send in at each node."""
    net = stored.grid.grid.network
    rows: list[tuple[int, int, float, float]] = []
    refs: list[tuple[str, int]] = []
    without: list[tuple[str, int]] = []
    injected = np.zeros(net.n_nodes)
    for station in stored.stations:
        if station.number in scenario.lost:
            continue
        if _holds(stored, station, scenario):
            if np.isnan(station.set_kpa):
                without.append(("station", station.number))
                continue
            rows.append((-1, station.node, station.set_kpa, 1.0))
            refs.append(("station", station.number))
        else:
            injected[station.node] += max(measured.sent_m3_per_h.get(station.number, 0.0), 0.0)
    without += [("node", int(stored.grid.nodes[node])) for node in stored.bare_sources]
    for place, (inlet, outlet) in enumerate(zip(net.inlet.tolist(), net.outlet.tolist(), strict=True)):
        number = int(stored.grid.regulators[place])
        if np.isnan(stored.set_kpa[place]) or stored.set_kpa[place] <= 0:
            without.append(("regulator", number))
            continue
        design = stored.design_m3_per_h[place]
        rows.append((inlet, outlet, float(stored.set_kpa[place]), float(design) if design > 0 else 1.0))
        refs.append(("regulator", number))
    table = np.array(rows, float).reshape(-1, 4)
    feeds = Feeds(table[:, 0].astype(np.int64), table[:, 1].astype(np.int64), table[:, 2], table[:, 3])
    return feeds, refs, without, injected


def _holds(stored: StoredFlow, station: Station, scenario: Scenario) -> bool:
    """Return whether a station holds its pressure: sources and gates do, a store or LNG station when nothing else feeds."""
    if station.main or station.number in scenario.serving:
        return True
    return not any(each.main for each in stored.stations)


def _shut(stored: StoredFlow, scenario: Scenario) -> Index:
    valves = stored.grid.grid.network.valves
    closed = valves.closed.copy()
    for number in scenario.closed:
        place = stored.grid.position("valve", number)
        if place is not None:
            closed[place] = True
    return np.unique(valves.node[closed])


def _parted(grid: Grid, pipes: Pipes, shut: Index, feeds: Feeds) -> tuple[Pipes, Index]:
    """Give each pipe an end of its own at every closed valve; return the pipes, and which node each node was.

    Who takes gas at such a node stays with a pipe that gas reaches today. A feed there stays alone.
    """
    many = grid.network.n_nodes
    start, end = pipes.start.copy(), pipes.end.copy()
    if not len(shut):
        return pipes, np.arange(many)
    closed = np.zeros(many, bool)
    closed[shut] = True
    kept = np.full(many, -1)
    kept[feeds.outlet] = kept[feeds.inlet[feeds.inlet >= 0]] = len(pipes)
    origin = [np.arange(many)]
    reached = grid.fed[grid.cell] & ~grid.shut_node
    for mine, other in ((start, pipes.end), (end, pipes.start)):
        here = np.flatnonzero(closed[mine])
        first = here[np.argsort(~reached[other[here]], kind="stable")]
        for pipe in first.tolist():
            node = int(mine[pipe])
            if kept[node] < 0 and reached[other[pipe]]:
                kept[node] = pipe
        moved = here[kept[mine[here]] != here]
        count = sum(len(each) for each in origin)
        origin.append(mine[moved].copy())
        mine[moved] = count + np.arange(len(moved))
    return Pipes(start, end, pipes.length_m, pipes.bore_mm, pipes.roughness_mm, pipes.law, pipes.zeta), np.concatenate(
        origin
    )
