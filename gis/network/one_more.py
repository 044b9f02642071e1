"""Where one more valve helps most: the pipe of a section whose parting keeps gas for most users; pure judgement on a grid.

A section is what drains together when any of its pipes is struck. A further valve in one of its pipes parts it in
two when that pipe lies on no loop of the section. Damage strikes a pipe as often as it is long, so a proposal is judged
by the users lost on average along the section: each metre counts what a strike there takes away.

Exact by branch and bound: what a pipe can gain at most is known from sums over the two sides, and candidates are worked
out in that order, by the same isolation as every plan, until none left can gain more than the best found.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse.csgraph import connected_components

from gis.network.graph import Grid, Index, Network, Numbers, Pipes, Valves, csr
from gis.network.isolation import Closure, Unfed, closure_of
from gis.network.tracing import bridges

# Of one section at most so many pipes are worked out; a proposal says whether that was enough to be sure.
TRIED_MOST = 60
BY_HAND = 2


@dataclass(frozen=True)
class Proposal:
    """One more valve in `pipe` of a section: users lost before, and after for a strike on either side of the valve.

    `mean_after` weighs both by the metres of their sides; `sure` says that no other pipe can do better.
    """

    section: int
    pipe: int
    length_m: float
    before: int
    start_side: int
    end_side: int
    mean_after: float
    sure: bool

    @property
    def kept(self) -> float:
        """Return how many users more keep gas, on average along the section."""
        return self.before - self.mean_after


@dataclass(frozen=True)
class _Candidate:
    pipe: int
    most: float
    start_m: float
    end_m: float


def proposals(grid: Grid, sections: Sequence[int], *, tried_most: int = TRIED_MOST) -> list[Proposal]:
    """Return the best further valve of each section, named by a pipe of it, that keeps gas for anyone; best first."""
    judged: dict[int, tuple[Closure, list[_Candidate], float]] = {}
    for section in sections:
        try:
            closure = closure_of(grid, [section], frozenset())
        except Unfed:
            continue
        found, whole_m = _candidates(grid, section, closure)
        if found:
            judged[section] = closure, found, whole_m
    chosen = list(dict.fromkeys(each.pipe for _, found, _ in judged.values() for each in found[:tried_most]))
    if not chosen:
        return []
    parted = _parted(grid.network, chosen)
    valve_of = {pipe: len(grid.network.valves.node) + place for place, pipe in enumerate(chosen)}
    all_stuck = frozenset(valve_of.values())
    made: list[Proposal] = []
    for section, (closure, found, whole_m) in judged.items():
        best: Proposal | None = None
        sure = True
        for place, each in enumerate(found):
            if best is not None and each.most <= best.kept:
                break
            if place == tried_most:
                sure = False
                break
            stuck = all_stuck - {valve_of[each.pipe]}
            tail = len(grid.network.pipes.start) + valve_of[each.pipe] - len(grid.network.valves.node)
            told = _told(parted, section, each, (closure.loss[0], whole_m), (tail, stuck))
            if best is None or told.kept > best.kept:
                best = told
        if best is not None and best.kept > 0:
            made.append(replace(best, sure=sure))
    return sorted(made, key=lambda each: (-each.kept, each.pipe))


def _told(
    parted: Grid, section: int, each: _Candidate, known: tuple[int, float], way: tuple[int, frozenset[int]]
) -> Proposal:
    before, whole_m = known
    tail, stuck = way
    start_side = _lost(parted, each.pipe, stuck)
    end_side = _lost(parted, tail, stuck)
    mean = (each.start_m * start_side + each.end_m * end_side) / whole_m
    return Proposal(section, each.pipe, whole_m, before, start_side, end_side, mean, sure=True)


def _lost(grid: Grid, pipe: int, stuck: frozenset[int]) -> int:
    return closure_of(grid, [pipe], stuck).loss[0]


def _parted(network: Network, chosen: Sequence[int]) -> Grid:
    """Return the grid with a valve in the middle of each chosen pipe: its second half becomes a pipe of its own."""
    pipes, valves = network.pipes, network.valves
    at = np.asarray(chosen, np.int64)
    middle = network.n_nodes + np.arange(len(at))
    end = pipes.end.copy()
    end[at] = middle
    length, volume = pipes.length_m.copy(), pipes.volume_m3.copy()
    length[at] /= 2
    volume[at] /= 2
    rank = int(valves.rank.max(initial=0)) + 1
    return Grid(
        replace(
            network,
            n_nodes=network.n_nodes + len(at),
            pipes=Pipes(
                np.concatenate([pipes.start, middle]), np.concatenate([end, pipes.end[at]]),
                np.concatenate([length, length[at]]), np.concatenate([volume, volume[at]]),
            ),
            valves=Valves(
                np.concatenate([valves.node, middle]), np.concatenate([valves.closed, np.zeros(len(at), bool)]),
                np.concatenate([valves.operable, np.ones(len(at), bool)]),
                np.concatenate([valves.rank, np.full(len(at), rank)]), np.concatenate([valves.effort, np.full(len(at), BY_HAND)]),
            ),
        )
    )  # fmt: skip


def _candidates(grid: Grid, section: int, closure: Closure) -> tuple[list[_Candidate], float]:
    """Return the pipes of a section that part it, those first that can gain most, and the section's metres."""
    local = _Local(grid, section, closure)
    # Metres count as in a trace: a pipe without length as a millimetre, so that sides have a weight.
    metres = np.maximum(grid.network.pipes.length_m[local.pipes], 0.001)
    whole_m, loss = float(metres.sum()), closure.loss[0]
    lone = bridges(local.size, local.start, local.end)
    if not len(lone):
        return [], whole_m
    sums = _sides(local, metres, lone)
    found = []
    for place, (start, end) in zip(lone.tolist(), sums, strict=True):
        half = float(metres[place]) / 2
        start_m, end_m = start.metres + half, end.metres + half
        gain = start_m * max(0, loss - start.users) * end.fed + end_m * max(0, loss - end.users) * start.fed
        if gain > 0:
            found.append(_Candidate(int(local.pipes[place]), gain / whole_m, start_m, end_m))
    return sorted(found, key=lambda each: (-each.most, each.pipe)), whole_m


@dataclass(frozen=True)
class _Side:
    """One side of a pipe: metres, users that surely lose gas when it is struck, and whether gas may come from elsewhere."""

    metres: float
    users: int
    fed: bool


class _Local:
    """The section as a small graph: its draining nodes, and an end of its own for each pipe that leaves it at a valve."""

    def __init__(self, grid: Grid, section: int, closure: Closure) -> None:
        net = grid.network
        drained = np.zeros(grid.n_cells, bool)
        drained[list(closure.drained)] = True
        lost = np.zeros(grid.n_cells, bool)
        lost[closure.lost] = True
        self.pipes = self._joined(grid, section, drained)
        ends = np.stack([net.pipes.start[self.pipes], net.pipes.end[self.pipes]])
        inside = drained[grid.cell[ends]]
        nodes = np.unique(ends[inside])
        outside = np.flatnonzero(~inside.ravel())
        flat = np.searchsorted(nodes, ends.ravel())
        flat[outside] = len(nodes) + np.arange(len(outside))
        self.start, self.end = flat.reshape(ends.shape).astype(np.int64)
        self.size = len(nodes) + len(outside)
        beyond = np.full(self.size, -1, np.int64)
        beyond[flat[outside]] = grid.cell[ends.ravel()[outside]]
        self.users = np.zeros(self.size, np.int64)
        self.fed = np.zeros(self.size, bool)
        rim = beyond >= 0
        self.fed[rim] = (grid.fed & ~lost)[beyond[rim]] & ~grid.shut[beyond[rim]]
        known = {int(node): at for at, node in enumerate(nodes)}
        self._inner(grid, nodes, known, drained)
        self._hangers(grid, known, beyond, lost & ~drained)

    @staticmethod
    def _joined(grid: Grid, section: int, drained: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Index:
        """Return the pipes joined to the section's pipe through draining nodes, regulators not passed."""
        pipes = grid.network.pipes
        found: set[int] = {section}
        seen: set[int] = set()
        ends = {int(grid.cell[pipes.start[section]]), int(grid.cell[pipes.end[section]])}
        waiting = [cell for cell in ends if drained[cell]]
        while waiting:
            cell = waiting.pop()
            if cell in seen:
                continue
            seen.add(cell)
            touching = grid.pipes_of_cell.members([cell])
            found.update(touching.tolist())
            cells = np.unique(grid.cell[np.concatenate([pipes.start[touching], pipes.end[touching]])])
            waiting.extend(int(each) for each in cells[drained[cells]])
        return np.array(sorted(found), np.int64)

    def _inner(
        self, grid: Grid, nodes: Index, known: dict[int, int], drained: np.ndarray[tuple[int], np.dtype[np.bool_]]
    ) -> None:
        """Count users of the section's own nodes, and mark where sources or regulators bring gas in."""
        net = grid.network
        cells = np.unique(grid.cell[nodes])
        for user in grid.users_of_cell.members(cells.tolist()).tolist():
            at = known.get(int(net.users.node[user]))
            if at is not None:
                self.users[at] += 1
        for source in net.sources.tolist():
            if source in known:
                self.fed[known[source]] = True
        for place in np.flatnonzero(drained[grid.cell[net.outlet]]).tolist():
            at = known.get(int(net.outlet[place]))
            if at is not None and grid.fed[grid.cell[net.inlet[place]]]:
                self.fed[at] = True

    def _hangers(
        self, grid: Grid, known: dict[int, int], beyond: Index, hanging: np.ndarray[tuple[int], np.dtype[np.bool_]]
    ) -> None:
        """Count what hangs on one place of the section only: it surely loses gas with that place."""
        net = grid.network
        cells = np.flatnonzero(hanging)
        if not len(cells):
            return
        number = np.full(grid.n_cells, -1, np.int64)
        number[cells] = np.arange(len(cells))
        tail, head = grid.arcs
        joined = (number[tail] >= 0) & (number[head] >= 0)
        _, group = connected_components(csr(number[tail[joined]], number[head[joined]], len(cells)), directed=False)
        entries: dict[int, set[int]] = {}
        for at in np.flatnonzero(beyond >= 0).tolist():
            # A valve that closes keeps gas itself, but what hangs on it does not.
            for cell in (int(beyond[at]), *grid.fed_cells.at(int(beyond[at]))):
                if number[cell] >= 0:
                    entries.setdefault(int(group[number[cell]]), set()).add(at)
        outlets = number[grid.cell[net.outlet]]
        for place in np.flatnonzero(outlets >= 0).tolist():
            at = known.get(int(net.inlet[place]), -1)
            if number[grid.cell[net.inlet[place]]] < 0:
                entries.setdefault(int(group[outlets[place]]), set()).add(at)
        counts = np.diff(grid.users_of_cell.pointer)[cells]
        for each, places in entries.items():
            if len(places) == 1 and -1 not in places:
                self.users[places.pop()] += int(counts[group == each].sum())


def _sides(local: _Local, metres: Numbers, lone: Index) -> Iterable[tuple[_Side, _Side]]:
    """Return for each parting pipe the side of its start and the side of its end, from sums over a tree of blocks."""
    apart = np.ones(len(local.start), bool)
    apart[lone] = False
    blocks, block = connected_components(csr(local.start[apart], local.end[apart], local.size), directed=False)
    weight = np.bincount(block[local.start[apart]], metres[apart], blocks)
    users = np.bincount(block, local.users, blocks)
    fed = np.bincount(block, local.fed, blocks)
    begin, end = block[local.start[lone]].tolist(), block[local.end[lone]].tolist()
    around: list[list[tuple[int, int]]] = [[] for _ in range(blocks)]
    for place, (one, other) in enumerate(zip(begin, end, strict=True)):
        around[one].append((other, place))
        around[other].append((one, place))
    order, by = [0], {0: -1}
    for here in order:
        for other, place in around[here]:
            if other not in by:
                by[other] = place
                order.append(other)
    total = np.array([weight.sum() + metres[lone].sum(), users.sum(), fed.sum()])
    sums = np.stack([weight, users.astype(float), fed.astype(float)], axis=1)
    for here in reversed(order[1:]):
        place = by[here]
        above = begin[place] if end[place] == here else end[place]
        sums[above] += sums[here]
        sums[above, 0] += metres[lone[place]]
    for place, (one, other) in enumerate(zip(begin, end, strict=True)):
        below = other if by.get(other) == place else one
        inside = sums[below]
        outside = total - inside
        outside[0] -= metres[lone[place]]
        near, far = _Side(inside[0], int(inside[1]), inside[2] > 0), _Side(outside[0], int(outside[1]), outside[2] > 0)
        yield (far, near) if below == other else (near, far)
