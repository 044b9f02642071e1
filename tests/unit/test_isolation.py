"""Isolation, traces and bridges on small networks: examples, and exhaustive search on 10,000 random ones."""

from __future__ import annotations

import itertools
import random
from dataclasses import dataclass, field

import numpy as np
import pytest

from gis.network import graph
from gis.network.graph import Grid, Network, Pipes, Users, Valves
from gis.network.isolation import Unfed, best_plans, isolate
from gis.network.tracing import Flow, bridges, sources_feeding, unfed_parts

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
                    np.array(self.ranks or [0] * len(self.valves), np.int64),
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
    wanted = exhaustive(small, pipe, broken, sources)
    assert (wanted is None) == bool(plan.sources_to_stop)
    wanted = wanted or exhaustive(small, pipe, broken, sources - set(plan.sources_to_stop))
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


def losses_of_every_breakdown(small: Small, grid: Grid, pipe: int) -> list[tuple[int, int, int]]:
    """Return the loss of every plan that some set of broken valves leads to, least first."""
    found: dict[tuple[frozenset[int], tuple[int, ...]], tuple[int, int, int]] = {}
    for size in range(len(small.valves) + 1):
        for broken in itertools.combinations(range(len(small.valves)), size):
            plan = isolate(grid, [pipe], broken)
            nodes = frozenset(small.valves[each][0] for each in plan.valves)
            found[nodes, plan.sources_to_stop] = (plan.lost_users, len(plan.lost_nodes), len(nodes))
    return sorted(found.values())


def test_the_best_plans_are_those_with_the_least_loss_of_all_breakdowns() -> None:
    pick, compared = random.Random(5), 0
    while compared < 300:
        small = random_network(pick)
        grid, pipe = small.grid(), pick.randrange(len(small.pipes))
        if not grid.fed_pipes[pipe]:
            continue
        compared += 1
        plans = best_plans(grid, [pipe], most=4)
        losses = sorted((plan.lost_users, len(plan.lost_nodes), len(plan.valves)) for plan in plans)
        assert losses == losses_of_every_breakdown(small, grid, pipe)[:4], small
        assert [plan.readiness for plan in plans] == sorted(plan.readiness for plan in plans)


def test_one_search_through_all_and_looking_at_each_cell_find_the_same_losses(monkeypatch: pytest.MonkeyPatch) -> None:
    pick = random.Random(11)
    for _ in range(500):
        small = random_network(pick)
        pipe = pick.randrange(len(small.pipes))
        if not small.grid().fed_pipes[pipe]:
            continue
        looked = isolate(small.grid(), [pipe])
        with monkeypatch.context() as patch:
            patch.setattr(graph, "DOUBTFUL_LEAST", -1)
            patch.setattr(graph, "DOUBTFUL_SHARE", 0)
            searched = isolate(small.grid(), [pipe])
        assert looked.lost_nodes.tolist() == searched.lost_nodes.tolist()
        assert looked.valves == searched.valves


def test_sources_unfed_parts_and_bridges_of_random_networks_agree_with_walking() -> None:
    pick = random.Random(77)
    for _ in range(1500):
        small = random_network(pick)
        grid, shut, sources = small.grid(), small.shut_nodes(), set(small.sources)
        fed = small.supplied(shut, sources)
        node = pick.randrange(small.n_nodes)
        assert sources_feeding(grid, [node]) == sorted(s for s in sources if node in small.supplied(shut, {s}))
        parts = unfed_parts(grid)
        assert sorted(n for part in parts for n in part.nodes.tolist()) == sorted(set(range(small.n_nodes)) - fed)
        dry = [i for i in range(len(small.pipes)) if not small.gas_in(i, shut, sources)]
        assert sorted(p for part in parts for p in part.pipes.tolist()) == dry
        ends = np.array(small.pipes).reshape(-1, 2)
        lone = bridges(small.n_nodes, ends[:, 0], ends[:, 1]).tolist()
        assert lone == [i for i, (a, b) in enumerate(small.pipes) if b not in without_pipe(small, i, a)]


def without_pipe(small: Small, left_out: int, begin: int) -> set[int]:
    rest = [each for i, each in enumerate(small.pipes) if i != left_out]
    return Small(small.n_nodes, rest, []).supplied(set(), {begin})


def test_downstream_is_upstream_seen_from_the_other_end() -> None:
    pick = random.Random(8)
    for _ in range(400):
        small = random_network(pick)
        flow = Flow(small.grid())
        down = {node: set(flow.downstream([node]).nodes.tolist()) for node in range(small.n_nodes)}
        for node in range(small.n_nodes):
            up = set(flow.upstream([node]).nodes.tolist())
            assert up == {other for other, reach in down.items() if node in reach}


LINE = [(0, 1), (1, 2), (2, 3), (3, 4)]


def test_a_trace_runs_away_from_the_source_and_not_through_a_closed_valve() -> None:
    flow = Flow(Small(6, [*LINE, (4, 5)], [0], [(4, True, True)]).grid())
    assert flow.downstream(flow.ends_of(1, down=True)).pipes.tolist() == [2, 3]
    assert flow.upstream(flow.ends_of(2, down=False)).pipes.tolist() == [0, 1]
    assert flow.ends_of(4, down=True) == [], "no gas runs behind the closed valve"


def test_a_pipe_between_two_equally_near_ends_is_fed_from_both_and_leads_nowhere() -> None:
    flow = Flow(Small(4, [(0, 1), (0, 2), (1, 3), (2, 3), (1, 2)], [0]).grid())
    assert flow.ends_of(4, down=True) == []
    assert sorted(flow.ends_of(4, down=False)) == [1, 2]
    assert flow.downstream([1]).pipes.tolist() == [2, 4]


def test_valves_close_remote_ones_first_and_then_from_the_source_on() -> None:
    far_remote = Small(5, LINE, [0, 4], [(1, False, True), (3, False, True)], ranks=[1, 0])
    assert isolate(far_remote.grid(), [1]).valves == (1, 0)
    alike = Small(7, [*LINE, (4, 5), (5, 6)], [0, 6], [(4, False, True), (1, False, True)], ranks=[1, 1])
    assert isolate(alike.grid(), [2]).valves == (1, 0), "100 m from a source goes before 200 m"


def test_a_dead_end_without_a_source_needs_no_valve_and_loses_its_gas() -> None:
    plan = isolate(Small(5, LINE, [0], [(1, False, True), (3, False, True)], users=[4]).grid(), [1])
    assert plan.valves == (0,)
    assert plan.segment.tolist() == [1, 2]
    assert (plan.lost_nodes.tolist(), plan.lost_users, plan.lost_households) == ([2, 3, 4], 1, 3)
    assert plan.volume_m3 == pytest.approx(2.0)


def test_of_two_valves_at_one_node_the_readier_is_closed_and_the_other_when_it_is_stuck() -> None:
    grid = Small(5, LINE, [0], [(1, False, True), (1, False, True)], ranks=[2, 0]).grid()
    assert isolate(grid, [2]).valves == (1,)
    assert isolate(grid, [2], [1]).valves == (0,)
    assert isolate(grid, [2], [0, 1]).sources_to_stop == (0,)


def test_a_closed_valve_needs_no_closing_even_when_it_is_stuck() -> None:
    grid = Small(5, LINE, [0, 4], [(1, False, True), (3, True, False)]).grid()
    assert isolate(grid, [1], [1]).valves == (0,)


def test_two_pipes_hit_at_once_are_isolated_together() -> None:
    small = Small(5, LINE, [0], [(1, False, True), (3, False, True)])
    assert isolate(small.grid(), [3, 1]).valves == (0,)
    assert isolate(small.grid(), [3]).valves == (1,)


@pytest.mark.parametrize(
    ("small", "pipe"),
    [
        (Small(5, LINE, []), 0),
        (Small(5, [*LINE[:2], (3, 4)], [0]), 2),
        (Small(5, LINE, [0], [(1, True, True)]), 2),
        (Small(2, [(0, 1)], [0], [(0, True, True), (1, True, True)]), 0),
    ],
    ids=["no source", "not connected", "behind a closed valve", "between closed valves"],
)
def test_where_no_gas_arrives_there_is_nothing_to_close(small: Small, pipe: int) -> None:
    with pytest.raises(Unfed):
        isolate(small.grid(), [pipe])
    with pytest.raises(Unfed):
        best_plans(small.grid(), [pipe])


def test_self_loops_parallel_pipes_and_pipes_without_length_are_carried_along() -> None:
    small = Small(3, [(0, 1), (1, 1), (1, 2), (1, 2)], [0], [(1, False, True)])
    grid = small.grid()
    assert isolate(grid, [2]).segment.tolist() == [2, 3]
    assert isolate(grid, [1]).valves == (0,)
    assert bridges(3, grid.network.pipes.start, grid.network.pipes.end).tolist() == [0]
    flat = Grid(
        Network(
            3,
            Pipes(np.array([0, 1]), np.array([1, 2]), np.zeros(2), np.zeros(2)),
            np.array([0]),
        )
    )
    assert Flow(flat).downstream([0]).pipes.tolist() == [0, 1]
