"""The stored network as a graph: loading, isolation on a real town against a second way of working, verbs, bad input."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from sqlalchemy import text
from sqlalchemy.orm import Session

from gis.network.graph_queries import StoredGrid, load_grid
from gis.network.isolation import best_plans, isolate
from gis.network.models import Pipe, Regulator, Valve
from gis.network.topology_store import build_topology
from ingestion_adapters.files.commands import network
from ingestion_adapters.files.judge import judge_delivery
from ingestion_adapters.files.store import store_delivery
from portal.accounts.models import Enterprise
from portal.config import Settings
from portal.core.actor import CITY, cli_actor
from portal.core.clock import utc_now
from portal.core.db import transaction
from tests.factories import make_enterprise, make_node, make_pipe, make_station, place

TOWN = Path(__file__).parents[1] / "data" / "schutterwald" / "schutterwald.gpkg"
VALVES_IN_TOWN = 260
ASKED = 150


def valve(db: Session, owner: Enterprise, node_id: int, code: str, **given: Any) -> Valve:
    values = {"dn_mm": 100.0, "kind": 1, "drive": 1, "normal_state": 1, "current_state": 1, "adcode": "990101"}
    made = Valve(enterprise_id=owner.id, src_code=code, node_id=node_id, geom=place(), **values | given)
    db.add(made)
    db.flush()
    return made


def line(db: Session, owner: Enterprise, mark: str, length: int = 5) -> tuple[list[int], list[Pipe]]:
    """Lay a line of pipes from a gate; return its nodes and pipes."""
    nodes = [make_node(db, owner, src_code=f"{mark}N{i}", lon=112.5 + i / 1000).id for i in range(length + 1)]
    pipes = [
        make_pipe(db, owner, src_code=f"{mark}P{i}", from_node_id=nodes[i], to_node_id=nodes[i + 1], wall_mm=14.6)
        for i in range(length)
    ]
    make_station(db, owner, src_code=f"{mark}S", node_id=nodes[0])
    return nodes, pipes


def second_way(stored: StoredGrid, pipe: int, stuck: set[int]) -> tuple[set[int], set[int]]:
    """Work from pipe to pipe, close every valve around, then open again each that keeps nothing alive."""
    net = stored.grid.network
    ends = list(zip(net.pipes.start.tolist(), net.pipes.end.tolist(), strict=True))
    at: dict[int, list[int]] = {}
    for number, both in enumerate(ends):
        for node in both:
            at.setdefault(node, []).append(number)
    valves = {int(node): i for i, node in enumerate(net.valves.node) if i not in stuck and not net.valves.closed[i]}
    shut = {int(node) for node in net.valves.node[net.valves.closed]}
    swept, waiting, around = {pipe}, [pipe], set()
    while waiting:
        for node in ends[waiting.pop()]:
            if node in valves:
                around.add(node)
            elif node not in shut:
                fresh = set(at[node]) - swept
                swept |= fresh
                waiting += fresh

    def fed(closed: set[int]) -> set[int]:
        found = set(net.sources.tolist())
        todo = list(found)
        while todo:
            node = todo.pop()
            if node in closed:
                continue
            fresh = {end for number in at[node] for end in ends[number]} - found
            found |= fresh
            todo += fresh
        return found

    kept, needed = fed(shut | around), set(around)
    for node in sorted(around):
        if fed(shut | needed - {node}) == kept:
            needed.discard(node)
    return {valves[node] for node in needed}, fed(shut) - kept


@pytest.mark.clause("7.2.7.6-i_5", "7.2.5.2-ab_2")
def test_the_town_is_isolated_as_a_second_way_of_working_has_it(db: Session) -> None:
    owner = make_enterprise(db)
    store_delivery(db, owner.id, judge_delivery([TOWN], None), [TOWN], door="cli", actor=cli_actor(), now=utc_now())
    pick = random.Random(31)
    source = db.scalar(text("select id from gas_node where enterprise_id = :e and kind = 8"), {"e": owner.id})
    mains = "select id from gas_node where enterprise_id = :e and id <> :s order by id"
    nodes = list(db.scalars(text(mains), {"e": owner.id, "s": source or 0}))
    for index, node in enumerate(pick.sample(nodes, VALVES_IN_TOWN)):
        valve(db, owner, node, f"V{index}", current_state=0 if index % 40 == 0 else 1, remote=index % 3 == 0)
    stored = load_grid(db, owner.id)
    fed = np.flatnonzero(stored.grid.fed_pipes).tolist()
    compared = 0
    for pipe in pick.sample(fed, ASKED):
        first = isolate(stored.grid, [pipe])
        stuck = set(first.valves[:1])
        for broken, plan in ((set(), first), (stuck, isolate(stored.grid, [pipe], stuck))):
            if plan.sources_to_stop:
                continue
            compared += 1
            assert (set(plan.valves), set(plan.lost_nodes.tolist())) == second_way(stored, pipe, broken)
    assert compared > ASKED


def test_the_town_loses_every_user_when_its_one_source_cannot_be_shut_off(db: Session) -> None:
    owner = make_enterprise(db)
    store_delivery(db, owner.id, judge_delivery([TOWN], None), [TOWN], door="cli", actor=cli_actor(), now=utc_now())
    stored = load_grid(db, owner.id)
    plan = isolate(stored.grid, [0])
    assert plan.valves == () and len(plan.sources_to_stop) == 1
    assert (plan.lost_users, len(plan.segment)) == (1506, 2559)


def test_a_regulator_passes_gas_one_way_and_splits_the_only_node_it_has(db: Session) -> None:
    owner = make_enterprise(db)
    nodes, pipes = line(db, owner, "R")
    for pipe in pipes[3:]:
        pipe.pressure_class = 7
    facts = {"form": 3, "inlet_class": 5, "outlet_class": 7, "adcode": "990101", "geom": place()}
    db.add(Regulator(enterprise_id=owner.id, src_code="RR", node_id=nodes[3], **facts))
    valve(db, owner, nodes[1], "RV1")
    db.flush()
    stored = load_grid(db, owner.id)
    grid = stored.grid
    assert grid.network.n_nodes == 7, "one node is made up behind the regulator"
    assert grid.fed_pipes.all()
    upper = isolate(grid, [stored.position("pipe", pipes[1].id)])
    assert sorted(stored.pipes[upper.segment]) == [pipes[1].id, pipes[2].id], "what lies behind does not flow back"
    assert len(upper.lost_nodes) == 5
    lower = isolate(grid, [stored.position("pipe", pipes[4].id)])
    assert len(lower.segment) == 4, "the pipe before the regulator goes on feeding the leak"


@pytest.mark.parametrize(("kind", "sources"), [(2, 1), (4, 1), (7, 0), (8, 0)])
def test_only_stations_that_bring_gas_in_are_sources(db: Session, kind: int, sources: int) -> None:
    owner = make_enterprise(db)
    nodes, _ = line(db, owner, "K")
    db.execute(text("update gas_station set kind = :kind where enterprise_id = :e"), {"kind": kind, "e": owner.id})
    stored = load_grid(db, owner.id)
    assert len(stored.grid.network.sources) == sources
    topology = build_topology(db, owner.id)
    assert (topology.unfed, topology.sources) == ((0, 1) if sources else (5, 0))
    assert nodes


def test_the_first_gate_behind_a_gas_source_is_no_source_but_a_second_one_is(db: Session) -> None:
    owner = make_enterprise(db)
    nodes, _ = line(db, owner, "G")
    db.execute(text("update gas_station set kind = 1 where enterprise_id = :e"), {"e": owner.id})
    make_station(db, owner, src_code="GATE1", node_id=nodes[2], kind=2)
    make_station(db, owner, src_code="GATE2", node_id=nodes[4], kind=2)
    stored = load_grid(db, owner.id)
    assert sorted(stored.nodes[stored.grid.network.sources].tolist()) == [nodes[0], nodes[4]]


def test_a_valve_that_is_removed_faulty_or_under_repair_is_not_counted_on(db: Session) -> None:
    owner = make_enterprise(db)
    nodes, pipes = line(db, owner, "F")
    valve(db, owner, nodes[1], "FOK")
    valve(db, owner, nodes[2], "FGONE", status=7, current_state=0)
    valve(db, owner, nodes[3], "FREPAIR", status=5)
    valve(db, owner, nodes[4], "FFAULT", current_state=3)
    stored = load_grid(db, owner.id)
    plan = isolate(stored.grid, [stored.position("pipe", pipes[4].id)])
    assert [int(stored.valves[each]) for each in plan.valves] == [
        db.scalar(text("select id from gas_valve where src_code = 'FOK' and enterprise_id = :e"), {"e": owner.id})
    ]


def test_volume_counts_pipes_of_known_bore_and_names_how_many_are_not(db: Session) -> None:
    owner = make_enterprise(db)
    nodes, pipes = line(db, owner, "V")
    valve(db, owner, nodes[2], "VV")
    pipes[4].wall_mm = None
    db.flush()
    stored = load_grid(db, owner.id)
    (plan, *_) = best_plans(stored.grid, [stored.position("pipe", pipes[3].id)], most=1)
    bore_m = (160.0 - 2 * 14.6) / 1000
    assert plan.volume_m3 == pytest.approx(2 * np.pi / 4 * bore_m**2 * 94.5)
    assert plan.unmeasured == 1


@pytest.fixture()
def verb(database: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Any:
    """Give a way to run a network verb on the database under test."""
    for name, value in database.items():
        monkeypatch.setenv(name, value)

    def run(*words: str) -> Result:
        return CliRunner().invoke(network, list(words))

    return run


@pytest.fixture(scope="module")
def laid(settings: Settings) -> Enterprise:
    """Keep a line of five pipes with two valves, a far island and a user, as a command line sees it."""
    with transaction(settings, CITY, worker=True) as session:
        owner = make_enterprise(session)
        nodes, _ = line(session, owner, "CL")
        valve(session, owner, nodes[1], "CLV1")
        valve(session, owner, nodes[3], "CLV3", remote=True)
        make_pipe(session, owner, src_code="CLISLAND")
        make_pipe(session, owner, src_code="CLGONE", from_node_id=nodes[0], to_node_id=nodes[1], status=7)
        make_pipe(session, owner, src_code="CLLOOP", from_node_id=nodes[5], to_node_id=nodes[5], length_m=0.0)
        user = "insert into gas_user (enterprise_id, src_code, status, geom, user_class, households, detector, node_id)"
        values = " values (:e, 'CLU', 1, st_setsrid(st_makepoint(112.5, 32), 4490), 20, 1, true, :n)"
        session.execute(text(user + values), {"e": owner.id, "n": nodes[5]})
    return owner


@pytest.mark.clause("7.2.7.6-i_5")
def test_the_verb_names_the_valves_the_segment_and_who_loses_gas(laid: Enterprise, verb: Any) -> None:
    done = verb("isolate", "--pipe", "CLP4", "--json")
    assert (done.exit_code, done.stderr) == (0, "")
    assert json.loads(done.stdout) == {
        "pipe": "CLP4",
        "valves": ["CLV3"],
        "segment_pipes": ["CLLOOP", "CLP3", "CLP4"],
        "lost": {"users": 1, "by_class": {"20": 1}, "nodes": ["CLN4", "CLN5"]},
    }
    stuck = json.loads(verb("isolate", "--pipe", "CLP4", "--broken-valve", "CLV3", "--json").stdout)
    assert stuck["valves"] == ["CLV1"]
    assert stuck["segment_pipes"] == ["CLLOOP", "CLP1", "CLP2", "CLP3", "CLP4"]
    words = verb("isolate", "--pipe", "CLP4", "--plans", "3").stdout
    assert "close, in this order: CLV3" in words and "plan 2: CLV1; 1 to go to" in words


def test_the_verb_says_when_a_source_itself_must_be_stopped(laid: Enterprise, verb: Any) -> None:
    done = verb("isolate", "--pipe", "CLP0", "--json")
    answer = json.loads(done.stdout)
    assert done.exit_code == 0 and "gas must also be stopped at the source CLN0" in done.stderr
    assert (answer["valves"], answer["sources_to_stop"], answer["lost"]["users"]) == ([], ["CLN0"], 1)


def test_the_verb_traces_both_ways(laid: Enterprise, verb: Any) -> None:
    up = json.loads(verb("trace", "--from", "CLP2", "--upstream", "--json").stdout)
    assert (up["pipes"], up["sources"], up["valves"]) == (["CLP0", "CLP1"], ["CLN0"], ["CLV1"])
    down = json.loads(verb("trace", "--from", "CLV3", "--downstream", "--json").stdout)
    assert (down["pipes"], down["users"], down["by_class"]) == (["CLLOOP", "CLP3", "CLP4"], 1, {"20": 1})
    user = json.loads(verb("trace", "--from", "user:CLU", "--upstream", "--json").stdout)
    assert user["pipes"] == ["CLP0", "CLP1", "CLP2", "CLP3", "CLP4"]


@pytest.mark.parametrize(
    ("words", "code", "reason"),
    [
        (("isolate", "--pipe", "NOWHERE"), 1, "no pipe has the code NOWHERE"),
        (("isolate", "--pipe", "%_'\"<script>"), 1, "no pipe has the code"),
        (("isolate", "--pipe", "99999999999999999999999"), 1, "no pipe has the code"),
        (("isolate", "--pipe", "CLISLAND"), 1, "not connected to any source"),
        (("isolate", "--pipe", "CLGONE"), 1, "not in service"),
        (("isolate", "--pipe", "CLP4", "--broken-valve", "NONE"), 1, "no valve has the code NONE"),
        (("isolate",), 2, "--pipe"),
        (("isolate", "--pipe", "CLP4", "--plans", "many"), 2, "many"),
        (("trace", "--from", "CLP2"), 2, "--upstream or --downstream"),
        (("trace", "--from", "CLP2", "--upstream", "--downstream"), 2, "--upstream or --downstream"),
        (("trace", "--from", "NOWHERE", "--upstream"), 1, "no pipe, node, valve"),
        (("trace", "--from", "CLISLAND", "--downstream"), 1, "no source feeds pipe CLISLAND"),
        (("trace", "--from", "CLGONE", "--downstream"), 1, "not connected to any pipe in service"),
    ],
)
def test_bad_questions_are_refused_in_words(
    laid: Enterprise, verb: Any, words: tuple[str, ...], code: int, reason: str
) -> None:
    done = verb(*words)
    assert (done.exit_code, done.stdout) == (code, "")
    assert reason in done.stderr


def test_a_check_names_what_is_odd_in_a_stored_network(laid: Enterprise, verb: Any) -> None:
    found = json.loads(verb("check", "--enterprise", laid.uscc, "--json").stdout)
    assert (found["pipes"], found["parts"], found["sources"], found["unfed"], found["bridges"]) == (7, 2, 1, 1, 6)
    assert (found["self_loops"], found["zero_length"]) == (["CLLOOP"], ["CLLOOP"])
    assert [part["example"] for part in found["unfed_parts"]] == ["CLISLAND"]
    assert "1 pipes and 0 users not supplied" in verb("check", "--enterprise", laid.uscc).stdout
    assert verb("check").exit_code == 0


def test_a_network_without_a_source_and_an_empty_one_are_told_in_words(settings: Settings, db: Session) -> None:
    owner = make_enterprise(db)
    empty = load_grid(db, owner.id)
    assert (empty.grid.network.n_nodes, len(empty.pipes), empty.grid.fed_pipes.any()) == (0, 0, False)
    make_pipe(db, owner)
    assert build_topology(db, owner.id).unfed == 1
    assert not load_grid(db, owner.id).grid.fed_pipes.any()
