"""Results by the numbers of stored objects: of an answer just worked out or of a kept scenario, and two of them compared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from gis.hydraulics.gas import Numbers
from gis.hydraulics.solver import Index
from portal.network.hydraulics.models import HydraulicScenario
from portal.network.hydraulics.rules import differs
from portal.network.hydraulics.solving import Answer


@dataclass(frozen=True)
class Result:
    """Gauge pressure and residual by node, flow and velocity by pipe, both by ascending number; NaN where there is none."""

    node_ids: Index
    pressure_kpa: Numbers
    residual_m3_per_h: Numbers
    pipe_ids: Index
    flow_m3_per_h: Numbers
    velocity_m_per_s: Numbers


def result_of(answer: Answer) -> Result:
    """Return an answer by the numbers of stored nodes and pipes; what stands for none (0) is left out."""
    grid, out = answer.solved.stored.grid, answer.solved.outcome
    nodes = np.argsort(grid.nodes, kind="stable")
    nodes = nodes[grid.nodes[nodes] > 0]
    pipes = np.argsort(grid.pipes, kind="stable")
    pipes = pipes[grid.pipes[pipes] > 0]
    return Result(
        grid.nodes[nodes], out.pressure_kpa[nodes], out.residual_m3_per_h[nodes], grid.pipes[pipes],
        out.flow_m3_per_h[pipes], out.velocity_m_per_s[pipes],
    )  # fmt: skip


def result_kept(kept: HydraulicScenario) -> Result:
    """Return the results of a kept scenario."""
    return Result(
        np.asarray(kept.node_ids, np.int64), np.asarray(kept.pressure_kpa, float),
        np.asarray(kept.residual_m3_per_h, float), np.asarray(kept.pipe_ids, np.int64),
        np.asarray(kept.flow_m3_per_h, float), np.asarray(kept.velocity_m_per_s, float),
    )  # fmt: skip


def columns_of(result: Result) -> dict[str, Any]:
    """Return a result as the columns of a row."""
    return {name: np.asarray(values).tolist() for name, values in vars(result).items()}


@dataclass(frozen=True)
class Difference:
    """Objects whose values differ, the greatest change first: number, value before, value after (NaN for none)."""

    kind: str
    ids: Index
    before: Numbers
    after: Numbers
    compared: int


def compared(before: Result, after: Result, kind: str) -> Difference:
    """Return which nodes' pressures (`nodes`) or pipes' flows (`pipes`) differ; objects only one side knows differ too."""
    first, second = (
        (each.node_ids, each.pressure_kpa) if kind == "nodes" else (each.pipe_ids, each.flow_m3_per_h)
        for each in (before, after)
    )
    ids = np.union1d(first[0], second[0])
    one, two = _at(ids, *first), _at(ids, *second)
    hit = differs(one, two)
    change = np.abs(np.nan_to_num(two[hit]) - np.nan_to_num(one[hit]))
    # Who loses all pressure or gains it stands before any change of a number.
    order = np.lexsort((ids[hit], -change, np.isnan(one[hit]) == np.isnan(two[hit])))
    return Difference(kind, ids[hit][order], one[hit][order], two[hit][order], len(ids))


def _at(ids: Index, known: Index, values: Numbers) -> Numbers:
    found = np.full(len(ids), np.nan)
    found[np.searchsorted(ids, known)] = values
    return found
