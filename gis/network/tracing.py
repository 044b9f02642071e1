"""Where gas comes from and goes to, parts without supply, and pipes without a second way: pure judgement on a grid.

Gas runs away from its source: along a pipe from the end nearer to a source by way of the network to the
farther one. A pipe between two ends equally far is fed from both and leads no further.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from gis.network.graph import Flags, Grid, Groups, Index, csr, reached


@dataclass(frozen=True)
class Reach:
    """What a trace found, as positions in the network's arrays."""

    nodes: Index
    pipes: Index


@dataclass(frozen=True)
class Part:
    """A connected part that no source feeds."""

    nodes: Index
    pipes: Index
    users: int


class Flow:
    """The direction of gas in every pipe of a grid, by distance from the sources."""

    def __init__(self, grid: Grid) -> None:
        """Turn every pipe and regulator the way gas runs."""
        self.grid = grid
        pipes, net = grid.network.pipes, grid.network
        self.forward = self._runs(pipes.start, pipes.end)
        self.backward = self._runs(pipes.end, pipes.start)
        through = self._runs(net.inlet, net.outlet)
        self._tail = np.concatenate([pipes.start[self.forward], pipes.end[self.backward], net.inlet[through]])
        self._head = np.concatenate([pipes.end[self.forward], pipes.start[self.backward], net.outlet[through]])

    def _runs(self, tail: Index, head: Index) -> Flags:
        far, shut = self.grid.distance_m, self.grid.shut_node
        away = (far[tail] < far[head]) | shut[head]
        runs: Flags = np.isfinite(far[tail]) & ~shut[tail] & away & (tail != head)
        return runs

    @cached_property
    def _down(self) -> csr_array:
        return csr(self._tail, self._head, self.grid.network.n_nodes + 1)

    @cached_property
    def _up(self) -> csr_array:
        return csr(self._head, self._tail, self.grid.network.n_nodes + 1)

    def ends_of(self, pipe: int, *, down: bool) -> list[int]:
        """Return the nodes from which a trace of a pipe sets out: where gas leaves it, or where it enters."""
        pipes = self.grid.network.pipes
        start, end = int(pipes.start[pipe]), int(pipes.end[pipe])
        leaves = ([end] if self.forward[pipe] else []) + ([start] if self.backward[pipe] else [])
        enters = ([start] if self.forward[pipe] else []) + ([end] if self.backward[pipe] else [])
        open_ends = [each for each in (start, end) if not self.grid.shut_node[each]]
        return leaves if down else (enters or open_ends)

    def downstream(self, begin: Sequence[int]) -> Reach:
        """Return everything that gas running through some nodes can go on to."""
        nodes = self._walk(self._down, begin)
        pipes = self.grid.network.pipes
        on = self._marked(nodes)
        meets = self.grid.fed_pipes & ~self.forward & ~self.backward & (on[pipes.start] | on[pipes.end])
        taken = (self.forward & on[pipes.start]) | (self.backward & on[pipes.end]) | meets
        return Reach(nodes, np.flatnonzero(taken))

    def upstream(self, begin: Sequence[int]) -> Reach:
        """Return everything that gas comes by on its way to some nodes."""
        nodes = self._walk(self._up, begin)
        pipes = self.grid.network.pipes
        on = self._marked(nodes)
        return Reach(nodes, np.flatnonzero((self.forward & on[pipes.end]) | (self.backward & on[pipes.start])))

    def _marked(self, nodes: Index) -> Flags:
        on = np.zeros(self.grid.network.n_nodes, bool)
        on[nodes] = True
        return on

    def _walk(self, graph: csr_array, begin: Sequence[int]) -> Index:
        found = [reached(graph, each) for each in dict.fromkeys(begin)]
        return np.unique(np.concatenate(found)) if found else np.empty(0, np.int64)


def sources_feeding(grid: Grid, begin: Sequence[int]) -> list[int]:
    """Return the nodes of all sources from which gas can come to some nodes through open valves."""
    on = np.zeros(grid.n_cells, bool)
    for cell in dict.fromkeys(grid.cell[list(begin)].tolist()):
        on[reached(grid.back, cell)] = True
    sources = np.unique(grid.network.sources)
    return [int(each) for each in sources[on[grid.cell[sources]]]]


def unfed_parts(grid: Grid) -> list[Part]:
    """Return the connected parts that no source feeds, most pipes first; a closed valve parts, a regulator joins."""
    net, pipes = grid.network, grid.network.pipes
    dry = ~grid.fed[grid.cell]
    shut = grid.shut_node
    idle = np.flatnonzero(~grid.fed_pipes)
    tail = np.concatenate([pipes.start[idle], net.inlet])
    head = np.concatenate([pipes.end[idle], net.outlet])
    joins = dry[tail] & dry[head] & ~shut[tail] & ~shut[head]
    size = net.n_nodes + len(idle)
    count, label = connected_components(csr(tail[joins], head[joins], size), directed=False)
    # A pipe between two closed valves belongs to no open node: it is a part of its own.
    begin, end = pipes.start[idle], pipes.end[idle]
    home = np.where(~shut[begin], begin, np.where(~shut[end], end, net.n_nodes + np.arange(len(idle))))
    own = Groups.of(label[home].astype(np.int64), idle, count)
    nodes = Groups.of(label[: net.n_nodes][dry].astype(np.int64), np.flatnonzero(dry), count)
    users = np.bincount(label[net.users.node[dry[net.users.node]]], minlength=count)
    found = np.flatnonzero((np.diff(own.pointer) > 0) | (np.diff(nodes.pointer) > 0))
    parts = [Part(nodes.members([each]), own.members([each]), int(users[each])) for each in found.tolist()]
    return sorted(parts, key=lambda part: (-len(part.pipes), -len(part.nodes)))


def bridges(n_nodes: int, start: Index, end: Index) -> Index:
    """Return the pipes whose loss parts the network: those that lie on no loop. Parallel pipes are a loop."""
    begin, far, owner = _around(n_nodes, start, end)
    order = [-1] * n_nodes
    low = [0] * n_nodes
    found: list[int] = []
    count = 0
    for root in range(n_nodes):
        if order[root] >= 0:
            continue
        order[root] = low[root] = count
        count += 1
        stack: list[tuple[int, int, Iterator[int]]] = [(root, -1, iter(range(begin[root], begin[root + 1])))]
        while stack:
            node, by, arcs = stack[-1]
            for arc in arcs:
                if owner[arc] == by:
                    continue
                other = far[arc]
                if order[other] < 0:
                    order[other] = low[other] = count
                    count += 1
                    stack.append((other, owner[arc], iter(range(begin[other], begin[other + 1]))))
                    break
                low[node] = min(low[node], order[other])
            else:
                stack.pop()
                if stack:
                    parent = stack[-1][0]
                    low[parent] = min(low[parent], low[node])
                    if low[node] > order[parent]:
                        found.append(by)
    return np.array(sorted(found), np.int64)


def _around(n_nodes: int, start: Index, end: Index) -> tuple[list[int], list[int], list[int]]:
    tail, head = np.concatenate([start, end]), np.concatenate([end, start])
    by = np.argsort(tail, kind="stable")
    pointer = np.concatenate([[0], np.cumsum(np.bincount(tail, minlength=n_nodes))])
    return pointer.tolist(), head[by].tolist(), np.tile(np.arange(len(start)), 2)[by].tolist()
