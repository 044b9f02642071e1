"""Steady gas flow: formulas against worked examples, networks against pandapipes, STANET and loops worked by hand."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.hydraulics.gas import (
    EXACT_LOSS,
    Friction,
    Gas,
    ambient_kpa,
    colebrook,
    compressibility,
    friction,
    mean_pressure,
    reynolds,
    velocity_m_per_s,
)
from gis.hydraulics.solver import Pipes, Steady, Task, balance_of, solve
from gis.hydraulics.zones import Feeds, FeedState, FlowNetwork, Outcome, Trouble, ZoneState, solve_network

DATA = Path(__file__).parents[1] / "data"
CASES = json.loads((DATA / "hydraulics" / "stanet.json").read_text("utf-8"))
WITHIN = 1e-3
pytestmark = pytest.mark.clause("7.3.1.5-b")


def one(value: float) -> np.ndarray[Any, Any]:
    return np.array([value])


def pipes_of(rows: list[tuple[float, ...]]) -> Pipes:
    """Return pipes of (start, end, length m, bore mm)."""
    table = np.array(rows, float).reshape(-1, 4)
    many = len(table)
    ends = table[:, :2].astype(np.int64)
    return Pipes(
        ends[:, 0], ends[:, 1], table[:, 2], table[:, 3], np.full(many, 0.01), np.zeros(many, np.int64), np.zeros(many)
    )


def network(pipes: list[tuple[float, ...]], feeds: list[tuple[float, ...]], demand: list[float]) -> FlowNetwork:
    """Return a network with feeds of (inlet or -1, outlet, set kPa)."""
    table = np.array(feeds, float).reshape(-1, 3)
    made = Feeds(table[:, 0].astype(np.int64), table[:, 1].astype(np.int64), table[:, 2], np.ones(len(table)))
    many = len(demand)
    return FlowNetwork(many, pipes_of(pipes), made, np.array(demand, float), np.full(many, np.nan))


def troubles(out: Outcome) -> list[str]:
    return [each.trouble.value for each in out.problems]


def test_the_medium_pressure_example_comes_out() -> None:
    gas = Gas(0.74, 14.3e-6)
    number = reynolds(one(2000.0), one(207.0), gas)
    assert number[0] == pytest.approx(2.39e5, rel=2e-3)
    assert colebrook(number, one(0.1 / 207))[0] == pytest.approx(0.01844, abs=5e-6)
    pipe = pipes_of([(0, 1, 1000, 207)])
    rough = Pipes(pipe.start, pipe.end, pipe.length_m, pipe.bore_mm, one(0.1), pipe.law, pipe.zeta)
    found = solve(Task(rough, np.array([401.325, np.nan]), np.array([0, 2000.0]), np.zeros(2, bool), np.zeros(2)), gas)
    assert found.pressure_kpa[1] == pytest.approx(398.92, abs=0.005)
    mean = mean_pressure(found.pressure_kpa[:1], found.pressure_kpa[1:])
    assert velocity_m_per_s(one(2000.0), one(207.0), mean, gas)[0] == pytest.approx(4.4, abs=0.05)


def test_the_low_pressure_example_comes_out() -> None:
    task = Task(
        pipes_of([(0, 1, 200, 90)]), np.array([103.325, np.nan]), np.array([0, 50.0]), np.ones(2, bool), np.zeros(2)
    )
    found = solve(task, Gas(0.74, 14.3e-6))
    assert (103.325 - found.pressure_kpa[1]) * 1000 == pytest.approx(118.5, abs=0.3)


def test_the_formulas_of_appendix_c_lie_beside_colebrook() -> None:
    steel = friction(one(1e5), one(200.0), one(0.1), np.array([int(Friction.STEEL_OF_APPENDIX_C)]))
    iron = friction(one(1e5), one(200.0), one(0.1), np.array([int(Friction.CAST_IRON_OF_APPENDIX_C)]))
    assert steel[0] == pytest.approx(0.11 * (0.1 / 200 + 68 / 1e5) ** 0.25)
    # λ = 0.102236·(1/d + 5158·d·ν/Q)^0.284 with the flow that has this Reynolds number.
    flow = 1e5 * 14e-6 * np.pi / 4 * 0.2 * 3600
    assert iron[0] == pytest.approx(0.102236 * (1 / 200 + 5158 * 200 * 14e-6 / flow) ** 0.284, rel=1e-6)


def test_friction_never_lets_the_loss_fall_as_flow_grows() -> None:
    number = np.geomspace(1, 1e7, 4000)
    for rough in (0.001, 0.1, 1.0):
        many = len(number)
        found = friction(number, np.full(many, 50.0), np.full(many, rough), np.zeros(many, np.int64)) * number**2
        assert (np.diff(found) > 0).all()


def test_z_is_one_below_12_bar_and_papay_above() -> None:
    found = compressibility(np.array([500.0, 2500.0, 4100.0]), 288.15)
    assert found == pytest.approx([1.0, 0.9420, 0.9098], abs=2e-4)


@pytest.mark.parametrize("name", sorted(CASES))
def test_a_case_of_stanet_comes_out_as_pandapipes_and_stanet_have_it(name: str) -> None:
    case = CASES[name]
    found, ambient = solve_case(case)
    gauge_bar = (found.pressure_kpa - ambient) / 100
    assert found.converged
    assert np.abs(gauge_bar / np.array(case["p_bar"]) - 1).max() < WITHIN
    assert np.nanmax(np.abs(gauge_bar / np.array(case["p_stanet"], float) - 1)) < WITHIN
    # At these small flows the laminar and critical band differ between formulas; Nikuradse's is the same on all sides.
    if case["friction"] == "nikuradse":
        mass = found.flow_m3_per_h[: len(case["start"])] * case["density_n"] / 3600
        assert mass == pytest.approx(case["mdot_kg_per_s"], abs=2e-3 * max(np.abs(case["mdot_kg_per_s"])))


def solve_case(case: dict[str, Any]) -> tuple[Steady, np.ndarray[Any, Any]]:
    """Return the steady state of a reference case and the pressure of the air at its nodes."""
    law = Friction.NIKURADSE if case["friction"] == "nikuradse" else Friction.COLEBROOK
    rows = [
        (a, b, km * 1000, bore * 1000, rough, law, zeta)
        for a, b, km, bore, rough, zeta in zip(
            *(case[key] for key in ("start", "end", "length_km", "bore_m", "roughness_mm", "zeta")), strict=True
        )
    ]
    # An open valve is an edge without length, as inside stations.
    rows += [(a, b, 0.0, bore * 1000 or 100.0, 0.1, law, zeta) for a, b, opened, bore, zeta in case["bypass"] if opened]
    table = np.array(rows, float)
    ends = table[:, :2].astype(np.int64)
    pipes = Pipes(
        ends[:, 0], ends[:, 1], table[:, 2], table[:, 3], table[:, 4], table[:, 5].astype(np.int64), table[:, 6]
    )
    height = np.array(case["height_m"], float)
    fixed = np.array([np.nan if each is None else each for each in case["fixed_bar"]], float) * 100 + ambient_kpa(
        height
    )
    demand = np.array(case["demand_kg_per_s"]) / case["density_n"] * 3600
    warm = case["temperature_k"][0]
    gas = Gas(case["density_n"], case["viscosity"] / case["density_n"], warm, EXACT_LOSS, case["z_per_bar"] / 100)
    return solve(Task(pipes, fixed, demand, np.zeros(len(height), bool), height), gas), ambient_kpa(height)


def test_a_real_town_has_the_pressures_of_pandapipes() -> None:
    case = json.loads((DATA / "hydraulics" / "schutterwald.json").read_text("utf-8"))
    with closing(sqlite3.connect(DATA / "schutterwald" / "schutterwald.gpkg")) as town:
        height = [row[0] for row in town.execute("select height_m from junction order by junction_id")]
        rows = town.execute("select from_junction, to_junction, length_km, inner_diameter_mm / 1000, k_mm from pipe")
        start, end, length, bore, rough = map(list, zip(*rows, strict=True))
        at, bar = town.execute("select junction, p_bar from source").fetchone()
    case |= {"height_m": height, "start": start, "end": end, "length_km": length, "bore_m": bore, "roughness_mm": rough}
    case |= {
        "zeta": [0.0] * len(start),
        "bypass": [],
        "fixed_bar": [bar if node == at else None for node in range(len(height))],
    }
    found, ambient = solve_case(case)
    gauge_bar = (found.pressure_kpa - ambient) / 100
    assert found.converged and np.abs(gauge_bar / np.array(case["p_bar"]) - 1).max() < WITHIN


def hardy_cross(gas: Gas) -> list[float]:
    """Work the two-loop network by Hardy Cross: corrections loop by loop from a guess that balances at every node.

    Pipes: A-B, B-C, A-D, D-E, B-E, E-F, C-F; demands B 40, C 30, D 50, E 60, F 70 m³/h.
    """
    length = np.array([300.0, 400.0, 300.0, 400.0, 300.0, 400.0, 300.0])
    bore = np.array([160.0, 110.0, 90.0, 110.0, 63.0, 110.0, 90.0])
    loops = np.array([[1.0, 0, -1, -1, 1, 0, 0], [0, 1, 0, 0, -1, -1, 1]])
    flow = np.array([120.0, 60.0, 130.0, 80.0, 20.0, 40.0, 30.0])
    rough, law = np.full(7, 0.01), np.zeros(7, np.int64)
    for _ in range(200):
        rubs = friction(reynolds(flow, bore, gas), bore, rough, law)
        loss = gas.loss * gas.density_kg_per_nm3 * gas.warmth * rubs * length / bore**5 * flow * np.abs(flow)
        step = loops @ loss / (np.abs(loops) @ (2 * np.abs(loss) / np.abs(flow)))
        flow = flow - 0.7 * loops.T @ step
    return [float(each) for each in flow]


def test_the_two_loop_network_equals_hardy_cross() -> None:
    gas = Gas()
    lines = [
        (0, 1, 300, 160),
        (1, 2, 400, 110),
        (0, 3, 300, 90),
        (3, 4, 400, 110),
        (1, 4, 300, 63),
        (4, 5, 400, 110),
        (2, 5, 300, 90),
    ]
    out = solve_network(network(lines, [(-1, 0, 200)], [0, 40, 30, 50, 60, 70]), gas)  # fmt: skip
    assert out.flow_m3_per_h == pytest.approx(hardy_cross(gas), abs=0.05)
    assert out.feed_flow_m3_per_h[0] == pytest.approx(250.0, abs=0.01)


def test_a_regulator_holds_its_pressure_and_hands_the_demand_up() -> None:
    out = solve_network(
        network([(0, 1, 500, 150), (2, 3, 100, 100)], [(-1, 0, 300), (1, 2, 2.6)], [0, 10, 5, 15]), Gas()
    )
    assert out.low_zone.tolist() == [False, True]
    assert out.pressure_kpa[2] == pytest.approx(2.6)
    assert out.flow_m3_per_h.tolist() == pytest.approx([30, 15], abs=0.01)
    assert out.problems == []


def test_islands_self_loops_and_edges_without_length_are_taken_as_they_are() -> None:
    pipes = [(0, 1, 500, 150), (1, 2, 0, 150), (1, 1, 10, 100), (3, 4, 100, 100)]
    out = solve_network(network(pipes, [(-1, 0, 300)], [0, 10, 5, 2, 3]), Gas())
    assert out.flow_m3_per_h[:3].tolist() == pytest.approx([15, 5, 0], abs=0.01)
    assert out.pressure_kpa[2] == pytest.approx(out.pressure_kpa[1], abs=1e-4)
    assert np.isnan(out.pressure_kpa[3:]).all() and np.isnan(out.flow_m3_per_h[3])
    assert [(each.trouble, each.nodes.tolist(), each.demand_m3_per_h) for each in out.problems] == [
        (Trouble.NO_SOURCE, [3, 4], 5.0)
    ]


def test_a_network_without_a_source_has_no_numbers_at_all() -> None:
    out = solve_network(network([(0, 1, 100, 100)], [], [1, 1]), Gas())
    assert np.isnan(out.pressure_kpa).all() and troubles(out) == ["no_source"]


def test_a_demand_no_pressure_can_carry_is_said_and_what_lies_behind_it_too() -> None:
    out = solve_network(
        network([(0, 1, 5000, 50), (2, 3, 100, 100)], [(-1, 0, 300), (1, 2, 2.6)], [0, 5000, 1, 1]), Gas()
    )
    assert troubles(out) == ["overdrawn", "behind"]
    assert np.isnan(out.pressure_kpa).all() and np.isnan(out.feed_flow_m3_per_h).all()


def test_a_regulator_opens_wide_when_its_inlet_is_too_low() -> None:
    out = solve_network(
        network([(0, 1, 500, 100), (2, 3, 100, 100)], [(-1, 0, 150), (1, 2, 200)], [0, 10, 0, 30]), Gas()
    )
    assert out.pressure_kpa[2] == pytest.approx(out.pressure_kpa[1], abs=0.02)
    assert out.feed_state[1] == FeedState.OPEN and troubles(out) == ["set_not_held"]


def test_a_regulator_takes_no_gas_back() -> None:
    pipes = [(0, 1, 500, 150), (2, 3, 200, 100), (3, 4, 200, 100)]
    out = solve_network(network(pipes, [(-1, 0, 300), (1, 2, 2.6), (1, 4, 2.5)], [0, 10, 0, 30, 0]), Gas())
    assert out.feed_state.tolist() == [FeedState.HOLDS, FeedState.HOLDS, FeedState.SHUT]
    assert out.feed_flow_m3_per_h.tolist() == pytest.approx([40, 30, 0], abs=0.01)


def test_parallel_regulators_share_and_a_ring_of_regulators_settles() -> None:
    twin = solve_network(
        network([(0, 1, 10, 150), (2, 3, 10, 100)], [(-1, 0, 300), (1, 2, 100), (1, 2, 100)], [0, 0, 0, 30]), Gas()
    )
    assert twin.feed_flow_m3_per_h.tolist() == pytest.approx([30, 15, 15], abs=0.01)
    ring = solve_network(
        network([(0, 1, 10, 100), (2, 3, 10, 100)], [(-1, 0, 40), (1, 2, 20), (3, 0, 30)], [1, 1, 5, 5]), Gas()
    )
    assert ring.settled and ring.feed_flow_m3_per_h.tolist() == pytest.approx([12, 10, 0], abs=0.01)


def test_a_bypassed_regulator_and_more_gas_than_is_taken_are_said() -> None:
    round_it = solve_network(network([(0, 1, 10, 100), (1, 2, 10, 100)], [(-1, 0, 40), (1, 2, 20)], [0, 0, 5]), Gas())
    assert troubles(round_it) == ["bypassed"]
    assert troubles(solve_network(network([(0, 1, 10, 100)], [(-1, 0, 40)], [0, -20]), Gas())) == ["overfed"]


def test_no_solution_is_told_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gis.hydraulics.solver.STEPS_MOST", 1)
    lines = [(0, 1, 300, 160), (1, 2, 400, 50), (0, 2, 300, 40), (2, 3, 100, 40), (1, 3, 900, 40)]
    out = solve_network(network(lines, [(-1, 0, 300)], [0, 40, 30, 20]), Gas())
    assert troubles(out) == ["unsettled"] and np.isnan(out.pressure_kpa).all()


@st.composite
def made_up(draw: st.DrawFn) -> FlowNetwork:
    """Draw a network: some pipes of any kind, feeds anywhere, demands small enough for most of it."""
    many = draw(st.integers(2, 14))
    node = st.integers(0, many - 1)
    length = st.sampled_from([0.0, 1.0, 50.0, 400.0])
    pipes = draw(
        st.lists(st.tuples(node, node, length, st.sampled_from([40.0, 100.0, 300.0])), min_size=1, max_size=25)
    )
    feeds = draw(st.lists(st.tuples(st.integers(-1, many - 1), node, st.sampled_from([2.5, 100.0, 300.0])), max_size=5))
    demand = draw(st.lists(st.floats(0, 40), min_size=many, max_size=many))
    return network([tuple(map(float, each)) for each in pipes], [tuple(map(float, each)) for each in feeds], demand)


@settings(max_examples=60, deadline=None)
@given(made_up())
def test_flow_balances_at_every_node_and_runs_from_high_to_low(net: FlowNetwork) -> None:
    out = solve_network(net, Gas())
    known = out.zone_state[out.zone] == ZoneState.SOLVED
    feeds = net.feeds
    into = np.nan_to_num(out.feed_flow_m3_per_h)
    taken = net.demand_m3_per_h - np.bincount(feeds.outlet, into, minlength=net.n_nodes)
    drawn = feeds.inlet >= 0
    taken += np.bincount(feeds.inlet[drawn], into[drawn], minlength=net.n_nodes)
    balance = balance_of(net.pipes, np.nan_to_num(out.flow_m3_per_h), taken)
    assert np.abs(balance[known]).max(initial=0.0) < 0.1
    assert (out.pressure_kpa[known] > 0).all() and np.isnan(out.pressure_kpa[~known]).all()
    drop = out.pressure_kpa[net.pipes.start] - out.pressure_kpa[net.pipes.end]
    flows = np.abs(np.nan_to_num(out.flow_m3_per_h)) > 0.01
    assert (drop[flows] * np.sign(out.flow_m3_per_h[flows]) > -1e-6).all()
    assert (into >= -0.05).all()
    told = np.concatenate([each.nodes for each in out.problems if each.feed < 0] or [np.empty(0, np.int64)])
    assert sorted(told.tolist()) == np.flatnonzero(~known).tolist()
