"""Isolation, traces and bridges on small networks: examples, and exhaustive search on 10,000 random ones."""

from __future__ import annotations

import itertools
import random
from dataclasses import dataclass, field

import numpy as np
import pytest

from gis.network.graph import Grid, Network, Pipes, Users, Valves
from gis.network.isolation import Unfed, isolate

RANDOM_NETWORKS = 10_000


@dataclass
class Small:
    """A network as lists; a valve is (node, closed, operable)."""

    n_nodes: int
    pipes: list[tuple[int, int]]
    sources: list[int]
    valves: list[tuple[int, bool, bool]] = field(default_factory=list)
    regulators: list[tuple[int, int]] = field(default_factory=list)
    users: list[int] = field(default_factory=list)
    ranks: list[int] = field(default_factory=list)

    def grid(self) -> Grid:
        ends = np.array(self.pipes, np.int64).reshape(-1, 2)
        links = np.array(self.regulators, np.int64).reshape(-1, 2)
        valves = list(zip(*self.valves, strict=True)) or [(), (), ()]
        length = np.array([float(a != b) * 100.0 for a, b in self.pipes])
        return Grid(
            Network(
                self.n_nodes,
                Pipes(ends[:, 0], ends[:, 1], length, length * 0.01),
                np.array(self.sources, np.int64),
                Valves(
                    np.array(valves[0], np.int64),
                    np.array(valves[1], bool),
                    np.array(valves[2], bool),
                    np.array(self.ranks or [0] * len(self.valves), np.int64),
                    np.array(self.ranks or [0] * len(self.valves)) == 0,
                ),
                links[:, 0],
                links[:, 1],
                Users(np.array(self.users, np.int64), np.full(len(self.users), 10), np.full(len(self.users), 3)),
            )
        )

    def shut_nodes(self, further: frozenset[int] = frozenset()) -> set[int]:
        return {node for index, (node, closed, _) in enumerate(self.valves) if closed or index in further}

    def supplied(self, shut: set[int], sources: set[int]) -> set[int]:
        """Return where gas arrives, step by step; it does not pass a closed valve."""
        ways = [*self.pipes, *((b, a) for a, b in self.pipes), *self.regulators]
        found, waiting = set(sources), list(sources)
        while waiting:
            here = waiting.pop()
            if here in shut:
                continue
            fresh = {b for a, b in ways if a == here} - found
            found |= fresh
            waiting += fresh
        return found

    def gas_in(self, pipe: int, shut: set[int], sources: set[int]) -> bool:
        return any(end not in shut for end in set(self.pipes[pipe]) & self.supplied(shut, sources))


def exhaustive(small: Small, pipe: int, broken: set[int], sources: set[int]) -> tuple[set[int], set[int]] | None:
    """Try every set of valves; return supplied nodes and valve nodes of the best one, or None without any."""
    usable = [i for i, (_, closed, operable) in enumerate(small.valves) if operable and not closed and i not in broken]
    best: list[tuple[set[int], set[int]]] = []
    for size in range(len(usable) + 1):
        for chosen in itertools.combinations(usable, size):
            shut = small.shut_nodes(frozenset(chosen))
            if not small.gas_in(pipe, shut, sources):
                best.append((small.supplied(shut, sources), {small.valves[i][0] for i in chosen}))
    if not best:
        return None
    most = max(best, key=lambda each: len(each[0]))[0]
    assert all(each[0] <= most for each in best), "one plan keeps all that any plan keeps"
    return most, min((each[1] for each in best if each[0] == most), key=len)


def random_network(pick: random.Random) -> Small:
    """Return a network of up to seven nodes: loops, parallel pipes, self-loops, islands, one-way links."""
    n = pick.randint(2, 7)
    nodes = range(n)
    pipes = [(pick.choice(nodes), pick.choice(nodes)) for _ in range(pick.randint(1, 9))]
    links = [(pick.choice(nodes), pick.choice(nodes)) for _ in range(pick.choice((0, 0, 1, 2)))]
    valves = [(pick.choice(nodes), pick.random() < 0.2, pick.random() < 0.8) for _ in range(pick.randint(0, 5))]
    sources = [pick.choice(nodes) for _ in range(pick.choice((1, 1, 2)))]
    return Small(n, pipes, sources, valves, links, [pick.choice(nodes) for _ in range(3)])


def check_against_search(small: Small, pick: random.Random) -> bool:
    """Compare one random question with exhaustive search; return whether gas was there to be stopped."""
    pipe = pick.randrange(len(small.pipes))
    broken = {i for i in range(len(small.valves)) if pick.random() < 0.2}
    grid, shut, sources = small.grid(), small.shut_nodes(), set(small.sources)
    before = small.supplied(shut, sources)
    if not small.gas_in(pipe, shut, sources):
        with pytest.raises(Unfed):
            isolate(grid, [pipe], broken)
        return False
    plan = isolate(grid, [pipe], broken)
    if exhaustive(small, pipe, broken, sources) is None:
        assert plan.sources_to_stop
    else:
        assert not plan.sources_to_stop
    sources -= set(plan.sources_to_stop)
    wanted = exhaustive(small, pipe, broken, sources)
    assert wanted is not None
    kept, nodes = wanted
    assert {small.valves[i][0] for i in plan.valves} == nodes, small
    assert len(plan.valves) == len(nodes) and not broken & set(plan.valves)
    assert set(plan.lost_nodes.tolist()) == before - kept, small
    assert plan.lost_users == sum(user in before - kept for user in small.users)
    return True


@pytest.mark.clause("7.2.7.6-i_5")
def test_ten_thousand_random_networks_agree_with_exhaustive_search() -> None:
    pick = random.Random(20260)
    asked = sum(check_against_search(random_network(pick), pick) for _ in range(RANDOM_NETWORKS))
    assert asked > RANDOM_NETWORKS // 3
