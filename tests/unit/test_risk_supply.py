"""Households lost with a section, against shutting each section off and walking from the sources."""

from __future__ import annotations

import random

import numpy as np
import pytest

from gis.network.graph import Grid, Network, Pipes, Users, Valves
from gis.risk.supply import dominators, households_lost


def reached(heads: dict[int, list[int]], root: int, without: int | None = None) -> set[int]:
    """Return what is reached from the root when one place is closed."""
    if root == without:
        return set()
    found, waiting = {root}, [root]
    while waiting:
        for head in heads.get(waiting.pop(), []):
            if head not in found and head != without:
                found.add(head)
                waiting.append(head)
    return found


@pytest.mark.parametrize("seed", range(60))
def test_dominators_equal_closing_each_place_and_walking(seed: int) -> None:
    luck = random.Random(seed)
    size = luck.randint(2, 14)
    arcs: dict[int, list[int]] = {
        place: [luck.randrange(size) for _ in range(luck.randint(0, 3))] for place in range(size)
    }
    pointer, heads = [0], []
    for place in range(size):
        heads += arcs[place]
        pointer.append(len(heads))
    nearest = dominators(pointer, heads, 0)
    alive = reached(arcs, 0)
    assert set(nearest) == alive
    for place in alive:
        above, at = set(), place
        while at != 0:
            at = nearest[at]
            above.add(at)
        assert above == {each for each in alive if each != place and place not in reached(arcs, 0, each)}


def line_city() -> Grid:
    """Return source 0 – valve 1 – node 2 – valve 3 – node 4, with 5 users at 2 and 7 at 4."""
    valves = np.array([1, 3])
    yes = np.ones(2, bool)
    return Grid(
        Network(
            n_nodes=5,
            pipes=Pipes(np.array([0, 1, 2, 3]), np.array([1, 2, 3, 4]), np.full(4, 10.0), np.full(4, 0.1)),
            sources=np.array([0]),
            valves=Valves(valves, ~yes, yes, np.zeros(2, np.int64), np.zeros(2, np.int64)),
            inlet=np.empty(0, np.int64),
            outlet=np.empty(0, np.int64),
            users=Users(np.array([2, 4]), np.array([10, 10]), np.array([5, 7])),
        )
    )


def test_a_section_takes_everything_behind_it() -> None:
    assert households_lost(line_city()).tolist() == [12, 12, 12, 7]
