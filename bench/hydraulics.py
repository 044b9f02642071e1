"""Steady gas flow: the town of Schutterwald and a made-up city of 20,000 nodes, against plain pandapipes in the same run.

Run as `python -m bench.hydraulics [--nodes N] [--pandapipes PYTHON]`. pandapipes cannot stand in the portal's own
environment (docs/decisions/0033), so PYTHON is an interpreter that has it, made by

    python3 -m venv DIR && DIR/bin/pip install pandapipes==0.16.0

Without it no ratio is printed. Both solve the same pipes, demands and source with Colebrook's friction; pressures that
differ by more than 0.1 % end the run with 1. `first_ms` counts from a fresh interpreter's imports to the answer.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

from gis.hydraulics.gas import EXACT_LOSS, Gas, ambient_kpa
from gis.hydraulics.linepack import Draining, drain, volumes_m3
from gis.hydraulics.solver import Pipes, Task, solve
from gis.hydraulics.zones import Feeds, FlowNetwork, solve_network

ROOT = Path(__file__).parents[1]
SEED = 7
ROUNDS = 15
WITHIN = 1e-3
HGAS = {"density": 0.7316810659969047, "viscosity": 1.0697246667293022e-05, "slope_per_bar": 0.0022}
THEIRS = """
import json, sys, time
import numpy as np, pandapipes as pp
case = json.load(sys.stdin)
net = pp.create_empty_network(fluid="hgas")
height = case["height_m"]
pp.create_junctions(net, len(height), pn_bar=1.0, tfluid_k=283.15, height_m=height)
pp.create_pipes_from_parameters(
    net, case["start"], case["end"], np.array(case["length_m"]) / 1000,
    **{case["bore_name"]: np.array(case["bore_mm"]) * (0.001 if case["bore_name"] == "diameter_m" else 1.0)}, k_mm=0.1)
taken = np.flatnonzero(np.array(case["demand"]))
pp.create_sinks(net, taken, np.array(case["demand"])[taken])
pp.create_ext_grid(net, case["source"], p_bar=case["bar"], t_k=283.15, fluid="hgas")
def run():
    pp.pipeflow(net, friction_model="colebrook", mode="hydraulics", max_iter_hyd=100, max_iter_colebrook=100,
                tol_p=1e-7, tol_m=1e-7, use_numba=False)
began = time.perf_counter(); run(); first = time.perf_counter() - began
took = []
for _ in range(case["rounds"]):
    began = time.perf_counter(); run(); took.append(time.perf_counter() - began)
print("RESULT" + json.dumps({
    "ms": sorted(took)[len(took) // 2] * 1000, "first_ms": first * 1000, "p_bar": net.res_junction.p_bar.tolist()}))
"""


def town() -> dict[str, Any]:
    """Return Schutterwald as its planners have it."""
    known = json.loads((ROOT / "tests" / "data" / "hydraulics" / "schutterwald.json").read_text("utf-8"))
    with closing(sqlite3.connect(ROOT / "tests" / "data" / "schutterwald" / "schutterwald.gpkg")) as file:
        height = [row[0] for row in file.execute("select height_m from junction order by junction_id")]
        rows = file.execute(
            "select from_junction, to_junction, length_km * 1000, inner_diameter_mm from pipe"
        ).fetchall()
        source, bar = file.execute("select junction, p_bar from source").fetchone()
    start, end, length, bore = map(list, zip(*rows, strict=True))
    return {
        "height_m": height, "start": start, "end": end, "length_m": length, "bore_mm": bore,
        "demand": known["demand_kg_per_s"], "source": source, "bar": bar,
    }  # fmt: skip


def city(nodes: int) -> dict[str, Any]:
    """Return a repeatable city: mains in a lattice with a loop in each block, house connections hanging on them."""
    pick = np.random.default_rng(SEED)
    side = max(3, int((nodes / 4) ** 0.5))
    at = np.arange(side * side).reshape(side, side)
    start = np.concatenate([at[:, :-1].ravel(), at[:-1].ravel()])
    end = np.concatenate([at[:, 1:].ravel(), at[1:].ravel()])
    bore = pick.choice([147.2, 204.6, 290.6], len(start))
    leaves = np.arange(side * side, nodes)
    start, end = np.concatenate([start, pick.integers(0, side * side, len(leaves))]), np.concatenate([end, leaves])
    bore = np.concatenate([bore, np.full(len(leaves), 51.4)])
    demand = np.zeros(nodes)
    demand[leaves] = pick.uniform(2e-5, 2e-4, len(leaves))
    return {
        "height_m": np.zeros(nodes).tolist(), "start": start.tolist(), "end": end.tolist(),
        "length_m": pick.uniform(15, 90, len(start)).tolist(), "bore_mm": bore.tolist(), "demand": demand.tolist(),
        "source": int(at[side // 2, side // 2]), "bar": 3.5,
    }  # fmt: skip


def network_of(case: dict[str, Any]) -> tuple[FlowNetwork, Gas]:
    """Return a case for our solver, with the gas as pandapipes has it."""
    many, count = len(case["height_m"]), len(case["start"])
    pipes = Pipes(
        np.array(case["start"]), np.array(case["end"]), np.array(case["length_m"]), np.array(case["bore_mm"]),
        np.full(count, 0.1), np.zeros(count, np.int64), np.zeros(count),
    )  # fmt: skip
    gas = Gas(
        HGAS["density"], HGAS["viscosity"] / HGAS["density"], 283.15, EXACT_LOSS,
        HGAS["slope_per_bar"] / 100,
    )  # fmt: skip
    feeds = Feeds(np.array([-1]), np.array([case["source"]]), np.array([case["bar"] * 100]), np.ones(1))
    demand = np.array(case["demand"]) / gas.density_kg_per_nm3 * 3600
    assert len(demand) == many
    return FlowNetwork(many, pipes, feeds, demand, np.array(case["height_m"], float)), gas


def median_ms(work: Callable[[], Any], rounds: int) -> float:
    """Return the median time of some work, ms."""
    took = []
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        took.append((time.perf_counter() - began) * 1000)
    return statistics.median(took)


def say(name: str, value: float) -> None:
    """Print a figure at once."""
    sys.stdout.write(f"{name}={value:.3f}\n" if isinstance(value, float) else f"{name}={value}\n")
    sys.stdout.flush()


def theirs(python: str, case: dict[str, Any], rounds: int) -> dict[str, Any]:
    """Return what pandapipes takes and finds for a case, in an interpreter of its own."""
    for bore_name in ("inner_diameter_mm", "diameter_m"):
        given = json.dumps(case | {"rounds": rounds, "bore_name": bore_name})
        done = subprocess.run([python, "-c", THEIRS], input=given, capture_output=True, text=True, check=False)
        for line in done.stdout.splitlines():
            if line.startswith("RESULT"):
                found: dict[str, Any] = json.loads(line.removeprefix("RESULT"))
                return found
    raise SystemExit(done.stderr[-1500:])


def first_call_ms() -> float:
    """Return the time from the first import of the solver in a fresh interpreter to the town's answer, ms."""
    code = (
        "import time; began = time.perf_counter()\n"
        "from bench.hydraulics import network_of, solve_network, town\n"
        "solve_network(*network_of(town())); print((time.perf_counter() - began) * 1000)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return float(done.stdout)


def compare(name: str, case: dict[str, Any], python: str | None, rounds: int) -> bool:
    """Print the figures of a case; return whether ours agrees with pandapipes."""
    network, gas = network_of(case)
    out = solve_network(network, gas)
    assert not out.problems, out.problems
    ours = median_ms(lambda: solve_network(network, gas), rounds)
    say(f"{name}_nodes", network.n_nodes)
    say(f"{name}_ms", ours)
    say(f"{name}_steps", out.steps)
    say(f"{name}_rest_m3_per_h", float(np.nanmax(np.abs(out.residual_m3_per_h))))
    if python is None:
        return True
    other = theirs(python, case, max(3, rounds // 3))
    gap = float(np.abs(out.pressure_kpa / 100 / np.array(other["p_bar"]) - 1).max())
    say(f"{name}_pandapipes_ms", float(other["ms"]))
    say(f"{name}_pandapipes_first_ms", float(other["first_ms"]))
    say(f"{name}_pandapipes_over_ours", float(other["ms"]) / ours)
    say(f"{name}_greatest_gap_percent", gap * 100)
    return gap < WITHIN


def hours(case: dict[str, Any]) -> bool:
    """Print how long the town lasts without its source, usual against fine steps; return whether within 5 %."""
    network, gas = network_of(case)
    many, air = network.n_nodes, ambient_kpa(network.height_m)
    fixed = np.full(many, np.nan)
    fixed[case["source"]] = case["bar"] * 100 + air[case["source"]]
    low = np.zeros(many, bool)
    task = Task(network.pipes, fixed, network.demand_m3_per_h, low, network.height_m)
    begin = solve(task, gas).pressure_kpa
    volume = volumes_m3(network.pipes.length_m, network.pipes.bore_mm)
    zone = Draining(
        network.pipes, volume, begin, network.demand_m3_per_h, low, network.height_m, air + 20.0, np.full(many, np.nan)
    )
    began = time.perf_counter()
    usual = float(drain(zone, gas, 72.0).hours.min())
    say("drain_ms", (time.perf_counter() - began) * 1000)
    fine = float(drain(zone, gas, 72.0, fine=True).hours.min())
    say("town_lasts_h", usual)
    say("town_lasts_fine_h", fine)
    say("drain_gap_percent", abs(usual / fine - 1) * 100)
    return abs(usual / fine - 1) < 0.05


def main() -> int:
    """Measure and print one figure a line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nodes", type=int, default=20_000, help="of the made-up city, from 100")
    parser.add_argument("--pandapipes", help="an interpreter that has pandapipes")
    given = parser.parse_args()
    if given.nodes < 100:
        parser.error("--nodes from 100")
    say("schutterwald_first_ms", first_call_ms())
    case = town()
    agree = compare("schutterwald", case, given.pandapipes, ROUNDS)
    agree = compare("city", city(given.nodes), given.pandapipes, 5) and agree
    return 0 if hours(case) and agree else 1


if __name__ == "__main__":
    raise SystemExit(main())
