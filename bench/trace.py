"""Isolation and traces on a made-up city grid, against walking pipe by pipe in the same run.

Run as `python -m bench.trace [--edges N]`; with `--stored` it asks the network of the database instead, through the
whole application without a socket, as a city dispatcher would be answered. The grid has mains in a lattice with valves on three of four
streets, a source for each 50,000 pipes, and services behind regulators. Every answer of the naive way is
compared with ours; a difference ends the run with 1. Times are of the processor: no question waits for
anything, and so the figures do not depend on what else the machine does.
"""

from __future__ import annotations

import argparse
import random
import resource
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from flask import Flask, g
from sqlalchemy import text

from gis.network.fresh import known_grid
from gis.network.graph import Grid, Index, Network, Pipes, Users, Valves
from gis.network.isolation import best_plans, isolate
from gis.network.tracing import Flow, bridges, sources_feeding
from portal.accounts.rights import Role, permissions_of
from portal.app import create_app
from portal.config import Settings
from portal.core.actor import CITY, Actor
from portal.core.db import transaction

SEED = 7
MAINS_SHARE = 0.45
VALVED_SHARE = 0.75
SERVICES_A_REGULATOR = 8
PIPES_A_SOURCE = 50_000
MOST_EDGES = 1_000_000
NAIVE_ASKED = 5


def made_up_city(edges: int) -> Network:
    """Return a repeatable grid of about so many pipes."""
    pick = np.random.default_rng(SEED)
    side = max(3, int((edges * MAINS_SHARE / (2 + 2 * VALVED_SHARE)) ** 0.5))
    at = np.arange(side * side).reshape(side, side)
    start = np.concatenate([at[:, :-1].ravel(), at[:-1].ravel()])
    end = np.concatenate([at[:, 1:].ravel(), at[1:].ravel()])
    valved = pick.random(len(start)) < VALVED_SHARE
    valve_nodes = side * side + np.arange(int(valved.sum()))
    begin = np.concatenate([start[~valved], start[valved], valve_nodes])
    finish = np.concatenate([end[~valved], valve_nodes, end[valved]])
    services = edges - len(begin)
    boxes = max(1, services // SERVICES_A_REGULATOR)
    first = side * side + len(valve_nodes)
    outlet, leaf = first + np.arange(boxes), first + boxes + np.arange(services)
    begin = np.concatenate([begin, outlet[np.arange(services) % boxes]])
    finish = np.concatenate([finish, leaf])
    length = pick.uniform(5.0, 120.0, len(begin))
    many, taken = len(valve_nodes), np.repeat(leaf, 2)
    effort = pick.choice(3, many, p=[0.1, 0.1, 0.8])
    return Network(
        n_nodes=int(first + boxes + services),
        pipes=Pipes(begin, finish, length, length * 0.0137),
        sources=pick.choice(side * side, max(1, edges // PIPES_A_SOURCE), replace=False),
        valves=Valves(valve_nodes, pick.random(many) < 0.02, pick.random(many) < 0.97, effort, effort),
        inlet=pick.integers(0, side * side, boxes),
        outlet=outlet,
        users=Users(taken, pick.choice([10, 20, 30, 40], len(taken)), np.ones(len(taken), np.int64)),
    )


class Naive:
    """The same questions answered by walking from pipe to pipe over lists, from the start each time."""

    def __init__(self, network: Network) -> None:
        """List who stands beside whom."""
        self.net = network
        self.beside: list[list[int]] = [[] for _ in range(network.n_nodes)]
        self.feeds: list[list[int]] = [[] for _ in range(network.n_nodes)]
        for a, b in zip(network.pipes.start.tolist(), network.pipes.end.tolist(), strict=True):
            self._link(a, b)
            self._link(b, a)
        for a, b in zip(network.inlet.tolist(), network.outlet.tolist(), strict=True):
            self._link(a, b)
        valves = network.valves
        self.shut = set(valves.node[valves.closed].tolist())
        self.open = set(valves.node[valves.operable & ~valves.closed].tolist())

    def _link(self, a: int, b: int) -> None:
        self.beside[a].append(b)
        self.feeds[b].append(a)

    def supplied(self, shut: set[int], sources: set[int]) -> set[int]:
        """Walk from every source."""
        found, waiting = set(sources), list(sources)
        while waiting:
            here = waiting.pop()
            if here not in shut:
                fresh = [each for each in self.beside[here] if each not in found]
                found.update(fresh)
                waiting.extend(fresh)
        return found

    def isolate(self, pipe: int) -> tuple[set[int], set[int]]:
        """Return the nodes of the valves to close and the nodes that lose gas."""
        ends = [int(self.net.pipes.start[pipe]), int(self.net.pipes.end[pipe])]
        found, waiting, around = set(ends), ends, set()
        while waiting:
            here = waiting.pop()
            if here in self.open:
                around.add(here)
            elif here not in self.shut:
                fresh = [each for each in self.feeds[here] if each not in found]
                found.update(fresh)
                waiting.extend(fresh)
        sources = set(self.net.sources.tolist())
        before = self.supplied(self.shut, sources)
        after = self.supplied(self.shut | around, sources - (found - around))
        return {each for each in around if each in after}, before - after


def milliseconds(work: Callable[[int], Any], asked: list[int]) -> Iterator[float]:
    """Give the time of each question."""
    for each in asked:
        began = time.process_time()
        work(each)
        yield (time.process_time() - began) * 1000


def p95(work: Callable[[int], Any], asked: list[int]) -> float:
    """Return the 95th percentile of the time of some questions, ms."""
    return statistics.quantiles(milliseconds(work, asked), n=20)[-1]


def warm(grid: Grid) -> Flow:
    """Work out once what questions share."""
    for name in (
        "fed_pipes",
        "feeders",
        "valves_of_cell",
        "pipes_of_cell",
        "nodes_of_cell",
        "users_of_cell",
        "distance_m",
    ):
        getattr(grid, name)
    isolate(grid, [int(np.argmax(grid.fed_pipes))])
    flow = Flow(grid)
    flow.downstream([0])
    flow.upstream([0])
    return flow


def naive_way(grid: Grid, naive: Naive, asked: list[int]) -> tuple[float, int]:
    """Return the median time of the naive way, ms, and how many questions both ways answer differently."""
    times, wrong = [], 0
    for pipe in asked:
        began = time.process_time()
        theirs = naive.isolate(pipe)
        times.append((time.process_time() - began) * 1000)
        plan = isolate(grid, [pipe])
        valves = set(grid.network.valves.node[list(plan.valves)].tolist())
        wrong += (valves, set(plan.lost_nodes.tolist())) != theirs
    return statistics.median(times), wrong


def say(name: str, value: float) -> None:
    """Print a figure at once."""
    sys.stdout.write(f"{name}={value:.2f}\n" if isinstance(value, float) else f"{name}={value}\n")
    sys.stdout.flush()


def bridges_ms(network: Network) -> float:
    """Return the time to find every pipe on no loop, ms."""
    pipes = network.pipes
    begin: Index = np.concatenate([pipes.start, network.inlet])
    return next(
        milliseconds(lambda _: bridges(network.n_nodes, begin, np.concatenate([pipes.end, network.outlet])), [0])
    )


def asked_over_http(app: Flask, addresses: list[str]) -> tuple[float, float, float]:
    """Return median and 95th percentile of the time to answer some addresses, and the median of the processor's, ms."""
    whole, own = [], []
    client = app.test_client()
    for address in addresses:
        began, spent = time.perf_counter(), time.process_time()
        answer = client.get(address)
        whole.append((time.perf_counter() - began) * 1000)
        own.append((time.process_time() - spent) * 1000)
        assert answer.status_code == 200, (address, answer.status_code)
    return statistics.median(whole), statistics.quantiles(whole, n=20)[-1], statistics.median(own)


def stored_network(questions: int) -> int:
    """Ask the network of the database over HTTP and print what it takes; 1 without a network that holds gas."""
    settings = Settings.from_env()
    app = create_app(settings)
    dispatcher = Actor(
        kind="cli", id=None, name="bench", role=Role.CITY_DISPATCHER, scope=CITY,
        permissions=permissions_of(Role.CITY_DISPATCHER),
    )  # fmt: skip
    app.before_request(lambda: setattr(g, "actor", dispatcher))
    began = time.perf_counter()
    known = known_grid(settings)
    say("load_s", time.perf_counter() - began)
    fed = known.stored.pipes[known.stored.grid.fed_pipes].tolist()
    say("pipes", len(known.stored.pipes))
    if not fed:
        return 1
    asked = random.Random(SEED).sample(fed, min(questions, len(fed)))
    with transaction(settings, CITY) as session:
        say("users", int(session.execute(text("select count(*) from gas_user")).scalar_one()))
    for name, address in (
        ("isolation_json", "/network/isolation.json?at=pipe:{}"),
        ("isolation_panel", "/network/isolation/panel?at=pipe:{}"),
        ("downstream_json", "/network/trace.json?way=down&at=pipe:{}"),
        ("zone_json", "/network/zone.json?at=pipe:{}"),
    ):
        p50, late, own = asked_over_http(app, [address.format(pipe) for pipe in asked])
        say(f"{name}_p50_ms", p50)
        say(f"{name}_p95_ms", late)
        say(f"{name}_own_cpu_p50_ms", own)
    say("memory_mb", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    return 0


def main() -> int:
    """Measure and print one figure a line; the ratio last."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--edges", type=int, default=100_000, help=f"pipes, 1,000 to {MOST_EDGES}")
    parser.add_argument("--asked", type=int, default=200, help="questions of each kind")
    parser.add_argument("--stored", action="store_true", help="the network of the database, over HTTP")
    given = parser.parse_args()
    if given.stored:
        return stored_network(given.asked)
    if not 1_000 <= given.edges <= MOST_EDGES or given.asked < 2:
        parser.error(f"--edges from 1000 to {MOST_EDGES}, --asked from 2")
    network = made_up_city(given.edges)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.process_time()
    grid = Grid(network)
    flow = warm(grid)
    built_ms = (time.process_time() - began) * 1000
    grew_mb = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    pick = random.Random(SEED)
    asked = pick.sample(np.flatnonzero(grid.fed_pipes).tolist(), given.asked)
    few = asked[: max(2, given.asked // 4)]
    say("pipes", len(network.pipes.start))
    say("nodes", network.n_nodes)
    say("valves", len(network.valves.node))
    say("cells", grid.n_cells)
    say("build_ms", built_ms)
    say("build_mb", grew_mb)
    say("isolate_p95_ms", p95(lambda pipe: isolate(grid, [pipe]), asked))
    say("five_plans_p95_ms", p95(lambda pipe: best_plans(grid, [pipe]), few))
    say("downstream_p95_ms", p95(lambda pipe: flow.downstream(flow.ends_of(pipe, down=True)), asked))
    say("upstream_p95_ms", p95(lambda pipe: flow.upstream(flow.ends_of(pipe, down=False)), asked))
    say("sources_p95_ms", p95(lambda pipe: sources_feeding(grid, flow.ends_of(pipe, down=False)), asked))
    say("bridges_ms", bridges_ms(network))
    naive, few = Naive(network), asked[:NAIVE_ASKED]
    ours = statistics.median(milliseconds(lambda pipe: isolate(grid, [pipe]), few))
    theirs, wrong = naive_way(grid, naive, few)
    say("naive_p50_ms", theirs)
    say("differences", wrong)
    say("naive_over_ours", theirs / ours)
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
