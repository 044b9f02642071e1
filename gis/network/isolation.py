"""Which valves to close around a pipe, what then loses gas, and the next best plans: pure judgement on a grid.

The drained segment is everything that can feed the pipe without passing a valve that can be closed.
Closing the valves around it keeps gas for as much of the network as any plan can; of these valves the
plan names only those at which gas still arrives, because the others have no source behind them.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from gis.network.graph import Grid, Index

Loss = tuple[int, int, int]


class Unfed(ValueError):
    """No gas arrives at the pipe, so there is nothing to close."""


@dataclass(frozen=True)
class Closure:
    """The bare bones of a plan: cells to close, cells that drain, sources that no valve parts from the pipe."""

    cells: tuple[int, ...]
    drained: tuple[int, ...]
    stopped: tuple[int, ...]
    lost: Index
    loss: Loss


@dataclass(frozen=True)
class Plan:
    """One way to isolate a pipe. Positions are those of the network's arrays.

    `volume_m3` counts the segment's pipes whose bore is known; `unmeasured` is the number of the others.
    """

    valves: tuple[int, ...]
    segment: Index
    lost_nodes: Index
    lost_users: int
    lost_households: int
    users_by_kind: dict[int, int]
    volume_m3: float
    unmeasured: int
    sources_to_stop: tuple[int, ...]
    on_site: int

    @property
    def readiness(self) -> tuple[int, ...]:
        """Return what plans are ranked by, the readiest first: sources to stop, valves somebody must go to, valves, losses."""
        return (len(self.sources_to_stop), self.on_site, len(self.valves), self.lost_users, len(self.lost_nodes))


def isolate(grid: Grid, pipes: Sequence[int], broken: Iterable[int] = ()) -> Plan:
    """Return the plan that keeps gas for most; raise Unfed where none arrives at any of the pipes."""
    stuck = frozenset(broken)
    return _plan(grid, pipes, stuck, closure_of(grid, pipes, stuck))


def best_plans(grid: Grid, pipes: Sequence[int], broken: Iterable[int] = (), *, most: int = 5) -> list[Plan]:
    """Return the plans with the least loss when ever more valves cannot be closed, the readiest plan first.

    With more broken valves the loss never shrinks, and it is at least what the wider segment drains: so plans
    come off the heap in the order of their loss, and most of them need not be worked out.
    """
    first = frozenset(broken)
    root = closure_of(grid, pipes, first)
    entries: list[tuple[frozenset[int], Closure | None]] = [(first, root)]
    waiting = [(root.loss, 0)]
    seen: set[tuple[tuple[int, ...], tuple[int, ...]]] = set()
    tried = {first}
    found: list[Plan] = []

    def wait(loss: Loss, stuck: frozenset[int], closure: Closure | None) -> None:
        heapq.heappush(waiting, (loss, len(entries)))
        entries.append((stuck, closure))

    while waiting and len(found) < most:
        stuck, closure = entries[heapq.heappop(waiting)[1]]
        if closure is None:
            closure = closure_of(grid, pipes, stuck)
            wait(closure.loss, stuck, closure)
            continue
        if (closure.cells, closure.stopped) in seen:
            continue
        seen.add((closure.cells, closure.stopped))
        found.append(_plan(grid, pipes, stuck, closure))
        for cell in closure.cells:
            further = stuck | frozenset(grid.valves_of_cell[cell])
            if further not in tried:
                tried.add(further)
                wait(_least_loss(grid, pipes, further, closure), further, None)
    return sorted(found, key=lambda plan: plan.readiness)


def _least_loss(grid: Grid, pipes: Sequence[int], stuck: frozenset[int], narrower: Closure) -> Loss:
    """Return what is lost at least when further valves are stuck: as much as before, and what drains now."""
    drained, _ = _sweep(grid, pipes, stuck)
    cells = np.asarray(drained, np.int64)
    lost = np.union1d(narrower.lost, cells[grid.fed[cells]])
    return grid.users_of_cell.count(lost), grid.nodes_of_cell.count(lost), 0


def closure_of(grid: Grid, pipes: Sequence[int], stuck: frozenset[int]) -> Closure:
    """Return what closes, drains and is lost for pipes struck while some valves are stuck; may raise Unfed."""
    if not grid.fed_pipes[list(pipes)].any():
        raise Unfed
    drained, around = _sweep(grid, pipes, stuck)
    stopped = sorted(set(grid.source_cells.tolist()).intersection(drained))
    lost = grid.lost_cells(around, drained, stopped)
    without = set(lost.tolist())
    cells = tuple(sorted(cell for cell in around if grid.fed[cell] and cell not in without))
    loss = (grid.users_of_cell.count(lost), grid.nodes_of_cell.count(lost), len(cells))
    return Closure(cells, tuple(sorted(drained)), tuple(stopped), lost, loss)


def _sweep(grid: Grid, pipes: Sequence[int], stuck: frozenset[int]) -> tuple[list[int], list[int]]:
    """Return the cells that feed the pipes unhindered, and the cells around them that can be closed."""
    valves = grid.valves_of_cell
    ends = {int(grid.cell[each]) for one in pipes for each in _ends(grid, one)}
    waiting = [cell for cell in sorted(ends) if not grid.shut[cell]]
    known, drained, around = set(waiting), [], []
    while waiting:
        cell = waiting.pop()
        if cell in valves and not stuck.issuperset(valves[cell]):
            around.append(cell)
            continue
        drained.append(cell)
        for feeder in grid.feeders.at(cell):
            if feeder not in known:
                known.add(feeder)
                waiting.append(feeder)
    return drained, around


def _ends(grid: Grid, pipe: int) -> tuple[int, int]:
    return int(grid.network.pipes.start[pipe]), int(grid.network.pipes.end[pipe])


def _plan(grid: Grid, pipes: Sequence[int], stuck: frozenset[int], closure: Closure) -> Plan:
    net = grid.network
    segment = np.union1d(grid.pipes_of_cell.members(list(closure.drained)), np.asarray(pipes, np.int64))
    chosen = [next(each for each in grid.valves_of_cell[cell] if each not in stuck) for cell in closure.cells]
    if len(chosen) > 1:
        far = grid.distance_m
        chosen.sort(key=lambda each: (int(net.valves.effort[each]), float(far[net.valves.node[each]]), each))
    users = grid.users_of_cell.members(closure.lost.tolist())
    kinds, counts = np.unique(net.users.kind[users], return_counts=True)
    volume = net.pipes.volume_m3[segment]
    stopped = net.sources[np.isin(grid.cell[net.sources], closure.stopped)]
    return Plan(
        valves=tuple(chosen),
        segment=segment,
        lost_nodes=grid.nodes_of_cell.members(closure.lost.tolist()),
        lost_users=len(users),
        lost_households=int(net.users.households[users].sum()),
        users_by_kind=dict(zip(kinds.tolist(), counts.tolist(), strict=True)),
        volume_m3=float(np.nansum(volume)),
        unmeasured=int(np.isnan(volume).sum()),
        sources_to_stop=tuple(sorted(set(stopped.tolist()))),
        on_site=int((net.valves.effort[chosen] > 0).sum()),
    )
