"""What a shut-off plan does to the network: pipes, users and regulators that lose gas; pure judgement on a grid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse.csgraph import connected_components

from gis.network.graph import Grid, Index, csr
from gis.network.isolation import Plan


@dataclass(frozen=True)
class Impact:
    """Who loses the gas they have today, as positions in the network's arrays; regulators nearest a source first."""

    pipes: Index
    users: Index
    regulators: Index


def impact_of(grid: Grid, plan: Plan) -> Impact:
    """Return what a plan leaves without gas; the pipes of the drained segment are not counted again."""
    net = grid.network
    lost = np.unique(grid.cell[plan.lost_nodes]).tolist()
    closed = sorted({int(grid.cell[net.valves.node[each]]) for each in plan.valves})
    dead = set(lost) | set(closed)
    touched = grid.pipes_of_cell.members([*lost, *closed])
    touched = touched[grid.fed_pipes[touched]]
    kept = _passes(grid, net.pipes.start[touched], dead) | _passes(grid, net.pipes.end[touched], dead)
    pipes = np.setdiff1d(touched[~kept], plan.segment)
    on = np.zeros(net.n_nodes, bool)
    on[plan.lost_nodes] = True
    regulators = np.flatnonzero(on[net.inlet] | on[net.outlet])
    order = np.argsort(grid.distance_m[net.inlet[regulators]], kind="stable")
    return Impact(pipes, grid.users_of_cell.members(lost), regulators[order])


def _passes(grid: Grid, nodes: Index, dead: set[int]) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Return at which nodes gas still arrives and goes on."""
    cells = grid.cell[nodes]
    gone = np.isin(cells, np.fromiter(dead, np.int64, len(dead)))
    return np.asarray(grid.fed[cells] & ~grid.shut[cells] & ~gone)


@dataclass(frozen=True)
class Zone:
    """A pressure zone: what is joined through open valves without passing a regulator.

    Of the regulators, `inlets` feed the zone and `outlets` are fed by it.
    """

    nodes: Index
    pipes: Index
    closed_valves: Index
    inlets: Index
    outlets: Index


def zones_of(grid: Grid) -> Index:
    """Return for each node the number of its pressure zone; a node with a closed valve is one of its own."""
    net, shut = grid.network, grid.shut_node
    joins = ~shut[net.pipes.start] & ~shut[net.pipes.end]
    arcs = csr(net.pipes.start[joins], net.pipes.end[joins], net.n_nodes)
    return np.asarray(connected_components(arcs, directed=False)[1], np.int64)


def zone_of(grid: Grid, zones: Index, begin: int) -> Zone:
    """Return the zone of a node."""
    net = grid.network
    inside = zones == zones[begin]
    pipes = np.flatnonzero(inside[net.pipes.start] | inside[net.pipes.end])
    rim = inside.copy()
    rim[net.pipes.start[pipes]] = True
    rim[net.pipes.end[pipes]] = True
    return Zone(
        nodes=np.flatnonzero(inside),
        pipes=pipes,
        closed_valves=np.flatnonzero(net.valves.closed & rim[net.valves.node]),
        inlets=np.flatnonzero(inside[net.outlet]),
        outlets=np.flatnonzero(inside[net.inlet]),
    )
