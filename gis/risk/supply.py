"""Households that lose gas when the section around a pipe is shut off, for every pipe at once; pure.

A cell (what no valve parts) is lost when every way from the sources to it leads through the cell shut off:
the dominator tree of the graph of cells answers that for all cells together.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gis.network.graph import Grid

Index = NDArray[np.int64]
NO_GAS = -1


def _post_order(pointer: list[int], heads: list[int], root: int) -> list[int]:
    """Return the places reached from the root, each after all that hang on it in one depth-first search."""
    seen, order = {root}, []
    waiting = [(root, pointer[root])]
    while waiting:
        place, at = waiting.pop()
        end = pointer[place + 1]
        while at < end and heads[at] in seen:
            at += 1
        if at == end:
            order.append(place)
            continue
        fresh = heads[at]
        seen.add(fresh)
        waiting += [(place, at + 1), (fresh, pointer[fresh])]
    return order


def dominators(pointer: list[int], heads: list[int], root: int) -> dict[int, int]:
    """Return the nearest place every way from the root to each reached place leads through; the root is its own.

    Cooper, Harvey, Kennedy: A Simple, Fast Dominance Algorithm (2001).
    """
    order = _post_order(pointer, heads, root)
    rank = {place: number for number, place in enumerate(order)}
    before: dict[int, list[int]] = {place: [] for place in order}
    for place in order:
        for head in heads[pointer[place] : pointer[place + 1]]:
            before[head].append(place)
    found = {root: root}
    moved = True
    while moved:
        moved = False
        for place in reversed(order[:-1]):
            nearest = -1
            for one in before[place]:
                if one in found:
                    nearest = one if nearest < 0 else _meeting(found, rank, one, nearest)
            if found.get(place) != nearest:
                found[place] = nearest
                moved = True
    return found


def _meeting(found: dict[int, int], rank: dict[int, int], one: int, other: int) -> int:
    while one != other:
        while rank[one] < rank[other]:
            one = found[one]
        while rank[other] < rank[one]:
            other = found[other]
    return one


def lost_by_cell(grid: Grid) -> tuple[NDArray[np.float64], dict[int, int]]:
    """Return the households each cell takes with it, and the dominators; cells without gas take none."""
    net, root = grid.network, grid.n_cells
    own = np.bincount(grid.cell[net.users.node], weights=net.users.households, minlength=root + 1).astype(float)
    pointer, heads = grid.onward.indptr.tolist(), grid.onward.indices.tolist()
    nearest = dominators(pointer, heads, root)
    lost = np.zeros(root + 1)
    lost[list(nearest)] = own[list(nearest)]
    for place in _post_order(pointer, heads, root):
        if place != root:
            lost[nearest[place]] += lost[place]
    return lost, nearest


def households_lost(grid: Grid) -> Index:
    """Return for each pipe the households that lose gas when the section around it is shut; -1 where no gas is."""
    net = grid.network
    lost, nearest = lost_by_cell(grid)
    valved = np.zeros(grid.n_cells, bool)
    valved[grid.cell[net.valves.node]] = True
    begin, end = grid.cell[net.pipes.start], grid.cell[net.pipes.end]
    section = np.where(valved[begin], end, begin)
    answer = lost[section]
    # Between two valves the pipe is a section of its own: what hangs on its far valve hangs on it.
    for at in np.flatnonzero(valved[begin] & valved[end] & (begin != end)).tolist():
        a, b = int(begin[at]), int(end[at])
        answer[at] = lost[b] if nearest.get(b) == a else lost[a] if nearest.get(a) == b else 0.0
    return np.where(grid.fed_pipes, answer, NO_GAS).astype(np.int64)
