"""The network as a graph in plain arrays: cells between valves, one-way regulators, supply from sources.

A valve sits at a node and, when closed, parts every pipe there. Nodes that no valve parts form one
cell; every node with a valve is a cell of its own. Questions of supply are answered on cells, of which
there are far fewer than pipes and whose number does not depend on how badly a network is valved.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import breadth_first_order, connected_components, dijkstra

Index = NDArray[np.int64]
Flags = NDArray[np.bool_]
Numbers = NDArray[np.float64]

# With more than this share of the cells in doubt (and this many), one search through all is faster than looking at each.
DOUBTFUL_SHARE = 1 / 150
DOUBTFUL_LEAST = 200
# A pipe or regulator without length counts as a millimetre, so that direction stays known across it.
SHORTEST_M = 0.001


def _none() -> Index:
    return np.empty(0, np.int64)


@dataclass(frozen=True)
class Pipes:
    """Pipes: i runs from node `start[i]` to `end[i]`; a volume is NaN where the bore is unknown."""

    start: Index
    end: Index
    length_m: Numbers
    volume_m3: Numbers


@dataclass(frozen=True)
class Valves:
    """Valves: i sits at `node[i]`; `effort` is 0 by remote control, 1 by its own drive, 2 by hand.

    `rank` counts from 0, the readiest to close, and never goes against the effort.
    """

    node: Index
    closed: Flags
    operable: Flags
    rank: Index
    effort: Index

    @classmethod
    def none(cls) -> Valves:
        """Return no valves."""
        return cls(_none(), np.empty(0, bool), np.empty(0, bool), _none(), _none())


@dataclass(frozen=True)
class Users:
    """Users: i takes gas at `node[i]`, for so many households; of ten million the narrowest whole numbers are kept."""

    node: NDArray[np.integer]
    kind: NDArray[np.integer]
    households: NDArray[np.integer]


@dataclass(frozen=True)
class Network:
    """Everything the graph is built from; regulators pass gas from `inlet` to `outlet` only."""

    n_nodes: int
    pipes: Pipes
    sources: Index
    valves: Valves = field(default_factory=Valves.none)
    inlet: Index = field(default_factory=_none)
    outlet: Index = field(default_factory=_none)
    users: Users = field(default_factory=lambda: Users(_none(), _none(), _none()))


def csr(tail: NDArray[np.integer], head: NDArray[np.integer], size: int) -> csr_array:
    """Return arcs as a sparse matrix with repeated ones kept, which a search does not mind."""
    order = np.argsort(tail, kind="stable")
    pointer = np.zeros(size + 1, np.int32)
    np.cumsum(np.bincount(tail, minlength=size), out=pointer[1:])
    return csr_array((np.ones(len(order)), head[order].astype(np.int32), pointer), shape=(size, size))


def reached(graph: csr_array, begin: int) -> Index:
    """Return every place an arc path leads to from one place, itself included."""
    return np.asarray(breadth_first_order(graph, begin, directed=True, return_predecessors=False), np.int64)


@dataclass(frozen=True)
class Groups:
    """Members of each group, one group after the other."""

    pointer: Index
    member: NDArray[np.integer]

    @classmethod
    def of(cls, group: Index, member: NDArray[np.integer], size: int) -> Groups:
        """Sort members into their groups."""
        pointer = np.concatenate([[0], np.cumsum(np.bincount(group, minlength=size))]).astype(np.int64)
        return cls(pointer, member[np.argsort(group, kind="stable")])

    def count(self, groups: Index) -> int:
        """Return how many members some groups have."""
        return int((self.pointer[groups + 1] - self.pointer[groups]).sum())

    def members(self, groups: list[int]) -> Index:
        """Return the members of some groups, each once and in order."""
        parts = [self.member[self.pointer[each] : self.pointer[each + 1]] for each in groups]
        return np.unique(np.concatenate(parts)) if parts else _none()


@dataclass(frozen=True)
class Arcs:
    """Arcs for a search place by place; reading plain memory is faster than reading arrays."""

    pointer: memoryview
    head: memoryview

    @classmethod
    def of(cls, graph: csr_array) -> Arcs:
        """Look at a graph's memory."""
        return cls(memoryview(graph.indptr), memoryview(graph.indices))

    def at(self, place: int) -> memoryview:
        """Return where arcs from a place lead."""
        return self.head[self.pointer[place] : self.pointer[place + 1]]


class Grid:
    """A network with its cells; what is costly is worked out when first asked for. Never changed once built."""

    def __init__(self, network: Network) -> None:
        """Part the network into cells and lay the arcs gas can take between them."""
        self.network = network
        self.shut_node = np.zeros(network.n_nodes, bool)
        self.shut_node[network.valves.node[network.valves.closed]] = True
        valved = np.zeros(network.n_nodes, bool)
        valved[network.valves.node] = True
        pipes = network.pipes
        inside = ~(valved[pipes.start] | valved[pipes.end])
        self.n_cells, cell = connected_components(
            csr(pipes.start[inside], pipes.end[inside], network.n_nodes), directed=False
        )
        self.cell = np.asarray(cell, np.int64)
        self.shut = np.zeros(self.n_cells, bool)
        self.shut[self.cell[self.shut_node]] = True
        begin, end = self.cell[pipes.start[~inside]], self.cell[pipes.end[~inside]]
        tail = np.concatenate([begin, end, self.cell[network.inlet]])
        head = np.concatenate([end, begin, self.cell[network.outlet]])
        flows = ~self.shut[tail] & (tail != head)
        self._tail, self._head = tail[flows], head[flows]
        self.source_cells = np.unique(self.cell[network.sources])

    def with_users(self, users: Users) -> Grid:
        """Return the same grid with other users; everything worked out that does not count them is shared."""
        other = copy(self)
        other.network = replace(self.network, users=users)
        other.__dict__.pop("users_of_cell", None)
        return other

    @property
    def arcs(self) -> tuple[Index, Index]:
        """Return the cells gas can pass between, from and to."""
        return self._tail, self._head

    @cached_property
    def onward(self) -> csr_array:
        """Return the arcs gas takes between cells; one place more, the last, stands for all sources."""
        size = self.n_cells
        tail = np.concatenate([self._tail, np.full(len(self.source_cells), size)])
        return csr(tail, np.concatenate([self._head, self.source_cells]), size + 1)

    @cached_property
    def back(self) -> csr_array:
        """Return the same arcs turned round, without sources."""
        return csr(self._head, self._tail, self.n_cells)

    @cached_property
    def feeders(self) -> Arcs:
        """Return the arcs of `back` for a search cell by cell."""
        return Arcs.of(self.back)

    @cached_property
    def fed_cells(self) -> Arcs:
        """Return the arcs of `onward` for a search cell by cell."""
        return Arcs.of(self.onward)

    @cached_property
    def _branches(self) -> Arcs:
        """Return the same tree from its root to its leaves."""
        cells = np.flatnonzero(self._before >= 0)
        return Arcs.of(csr(self._before[cells], cells, self.n_cells + 1))

    def lost_cells(self, closed: list[int], drained: list[int], stopped: list[int]) -> Index:
        """Return which cells lose the gas they have today when cells are closed, drained and sources stopped.

        Only what hangs on the changed cells in one tree of ways from the sources is in doubt; of that, a cell
        keeps gas when another way leads to it.
        """
        doubtful = self._hanging_on([*closed, *drained])
        if doubtful is None:
            return np.flatnonzero(self.fed & ~self.supply(closed, stopped))
        ends, ignored = set(closed), set(drained)
        sources, fed = self._source_set, self.fed
        waiting = [
            cell
            for cell in doubtful - ignored
            if cell in sources or any(fed[each] and each not in doubtful for each in self.feeders.at(cell))
        ]
        kept = set(waiting)
        while waiting:
            cell = waiting.pop()
            if cell not in ends:
                fresh = [each for each in self.fed_cells.at(cell) if each in doubtful and each not in kept]
                fresh = [each for each in fresh if each not in ignored]
                kept.update(fresh)
                waiting.extend(fresh)
        return np.array(sorted(doubtful - kept), np.int64)

    @cached_property
    def _source_set(self) -> frozenset[int]:
        return frozenset(self.source_cells.tolist())

    def _hanging_on(self, cells: list[int]) -> set[int] | None:
        """Return some cells that have gas and all beyond them in the tree, or None when these are too many."""
        waiting = [cell for cell in cells if self.fed[cell]]
        found, most = set(waiting), max(DOUBTFUL_LEAST, int(self.n_cells * DOUBTFUL_SHARE))
        while waiting:
            fresh = [each for each in self._branches.at(waiting.pop()) if each not in found]
            found.update(fresh)
            waiting.extend(fresh)
            if len(found) > most:
                return None
        return found

    @cached_property
    def valves_of_cell(self) -> dict[int, list[int]]:
        """Return for each cell its open valves that can be closed, readiest first."""
        valves = self.network.valves
        usable = np.flatnonzero(valves.operable & ~valves.closed & ~self.shut_node[valves.node])
        found: dict[int, list[int]] = {}
        for each in usable[np.argsort(valves.rank[usable], kind="stable")].tolist():
            found.setdefault(int(self.cell[valves.node[each]]), []).append(each)
        return found

    def supply(self, closed: list[int], stopped: list[int]) -> Flags:
        """Return which cells gas reaches when further cells are closed and sources stopped.

        Gas stands at a closed valve from its fed side: such a cell is reached but leads nowhere.
        """
        graph, size = self.onward, self.n_cells
        arcs = graph.indices.copy()
        for cell in closed:
            arcs[graph.indptr[cell] : graph.indptr[cell + 1]] = cell
        first = int(graph.indptr[size])
        arcs[first + np.searchsorted(self.source_cells, np.asarray(stopped, np.int64))] = size
        found = reached(csr_array((graph.data, arcs, graph.indptr), shape=graph.shape, copy=False), size)
        fed = np.zeros(size + 1, bool)
        fed[found] = True
        return fed[:size]

    @cached_property
    def fed(self) -> Flags:
        """Return which cells gas reaches today."""
        return np.asarray(self._before[: self.n_cells] >= 0)

    @cached_property
    def _before(self) -> Index:
        """Return the cell before each in a tree of ways from the sources; negative where no gas arrives."""
        return np.asarray(breadth_first_order(self.onward, self.n_cells, directed=True)[1], np.int64)

    @cached_property
    def fed_pipes(self) -> Flags:
        """Return which pipes hold gas from a source: one end is reached and open."""
        passes = (self.fed & ~self.shut)[self.cell]
        return passes[self.network.pipes.start] | passes[self.network.pipes.end]

    @cached_property
    def pipes_of_cell(self) -> Groups:
        """Return the pipes that touch each cell."""
        pipes, count = self.network.pipes, len(self.network.pipes.start)
        touched = self.cell[np.concatenate([pipes.start, pipes.end])]
        return Groups.of(touched, np.tile(np.arange(count), 2), self.n_cells)

    @cached_property
    def nodes_of_cell(self) -> Groups:
        """Return the nodes of each cell."""
        return Groups.of(self.cell, np.arange(self.network.n_nodes), self.n_cells)

    @cached_property
    def users_of_cell(self) -> Groups:
        """Return the users of each cell."""
        users = self.network.users.node
        return Groups.of(self.cell[users], np.arange(len(users), dtype=np.int32), self.n_cells)

    @cached_property
    def distance_m(self) -> Numbers:
        """Return how far gas travels from the nearest source to each node; infinite where none arrives."""
        net = self.network
        if not len(net.sources):
            return np.full(net.n_nodes, np.inf)
        pipes = net.pipes
        tail = np.concatenate([pipes.start, pipes.end, net.inlet])
        head = np.concatenate([pipes.end, pipes.start, net.outlet])
        length = np.maximum(np.concatenate([pipes.length_m, pipes.length_m, np.zeros(len(net.inlet))]), SHORTEST_M)
        flows = ~self.shut_node[tail] & (tail != head)
        tail, head, length = tail[flows], head[flows], length[flows]
        # The shorter of two pipes between the same nodes counts; the sparse matrix would add them up.
        order = np.lexsort((length, head, tail))
        tail, head, length = tail[order], head[order], length[order]
        first = np.ones(len(tail), bool)
        first[1:] = (tail[1:] != tail[:-1]) | (head[1:] != head[:-1])
        graph = csr_array((length[first], (tail[first], head[first])), shape=(net.n_nodes, net.n_nodes))
        return np.asarray(dijkstra(graph, directed=True, indices=np.unique(net.sources), min_only=True))
