"""Where one more valve helps most equals trying every pipe of the section on random networks, and stands in examples."""

from __future__ import annotations

import random

import pytest

from gis.network.isolation import Unfed, isolate
from gis.network.one_more import Proposal, proposals
from tests.unit.test_isolation import Small, random_network

LENGTH_M = 100.0
SHORTEST_M = 0.001


def metres(small: Small, pipe: int) -> float:
    a, b = small.pipes[pipe]
    return LENGTH_M if a != b else SHORTEST_M


def section_of(small: Small, pipe: int) -> list[int]:
    """Return the pipes joined to a pipe through nodes at which no valve can be closed and none is closed."""
    stops = {node for node, closed, operable in small.valves if closed or operable}
    found, waiting = {pipe}, [pipe]
    while waiting:
        open_ends = set(small.pipes[waiting.pop()]) - stops
        fresh = {n for n, ends in enumerate(small.pipes) if n not in found and open_ends & set(ends)}
        found |= fresh
        waiting += fresh
    return sorted(found)


def lost_along(small: Small, section: list[int], parted: int | None) -> float:
    """Return the users lost on average along a section, with a valve in the middle of one pipe or none."""
    pipes, valves, lengths = list(small.pipes), list(small.valves), {each: metres(small, each) for each in section}
    if parted is not None:
        start, end = pipes[parted]
        pipes[parted] = (start, small.n_nodes)
        lengths[parted] /= 2
        lengths[len(pipes)] = lengths[parted]
        pipes.append((small.n_nodes, end))
        valves.append((small.n_nodes, False, True))
    grid = Small(small.n_nodes + (parted is not None), pipes, small.sources, valves, small.regulators, small.users).grid()
    lost = 0.0
    for pipe, length in lengths.items():
        try:
            lost += length * isolate(grid, [pipe]).lost_users
        except Unfed:
            continue
    return lost / sum(lengths.values())


def best_by_trying(small: Small, pipe: int) -> float:
    section = section_of(small, pipe)
    before = lost_along(small, section, None)
    return max((before - lost_along(small, section, each) for each in section), default=0.0)


def proposed(small: Small, pipe: int) -> Proposal | None:
    return next(iter(proposals(small.grid(), [pipe])), None)


def test_the_best_place_equals_trying_every_pipe_of_the_section() -> None:
    pick, helped, asked = random.Random(77), 0, 0
    while asked < 60:
        small = random_network(pick)
        pipe = pick.randrange(len(small.pipes))
        if not small.grid().fed_pipes[pipe]:
            continue
        asked += 1
        found, wanted = proposed(small, pipe), best_by_trying(small, pipe)
        assert (found.kept if found else 0.0) == pytest.approx(max(0.0, wanted), abs=1e-9), small
        assert found is None or found.sure
        helped += found is not None
    assert helped > 5


def test_a_line_without_valves_is_parted_where_most_keep_gas() -> None:
    # 0 feeds 1 to 4 in a line; six users at 1, one at 2 and one at 4.
    line = Small(5, [(0, 1), (1, 2), (2, 3), (3, 4)], [0], users=[1] * 6 + [2, 4])
    found = proposed(line, 0)
    assert found is not None and (found.pipe, found.before) == (1, 8)
    assert (found.start_side, found.end_side) == (8, 2)
    assert found.mean_after == pytest.approx((150 * 8 + 250 * 2) / 400)


def test_a_loop_gains_nothing_from_a_single_valve() -> None:
    assert proposed(Small(3, [(0, 1), (1, 2), (2, 0)], [0], users=[1, 2]), 0) is None


def test_sections_are_ranked_by_users_kept_and_the_unfed_left_out() -> None:
    # Two lines behind valves at 1 and 4, and one without a source.
    small = Small(
        9, [(0, 1), (1, 2), (2, 3), (0, 4), (4, 5), (5, 6), (7, 8)], [0],
        valves=[(1, False, True), (4, False, True)], users=[2] + [5] * 9,
    )  # fmt: skip
    found = proposals(small.grid(), [1, 4, 6])
    assert [each.section for each in found] == [4, 1] and found[0].kept > found[1].kept
