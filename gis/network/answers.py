"""Answers about the stored network in the enterprises' own codes: isolation plans, traces and what a check shows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import text
from sqlalchemy.orm import Session

from gis.network.graph import Index
from gis.network.graph_queries import StoredGrid, codes_of
from gis.network.isolation import Plan, best_plans, isolate
from gis.network.tracing import Flow, bridges, sources_feeding, unfed_parts


@dataclass(frozen=True)
class Place:
    """An object a trace sets out from: its kind, its number and its code."""

    kind: str
    number: int
    code: str


class Codes:
    """Codes of the objects at positions of a stored grid, asked for once a kind."""

    def __init__(self, session: Session, stored: StoredGrid) -> None:
        """Keep the session for the questions to come."""
        self._session, self._stored = session, stored

    def at(self, kind: str, positions: Iterable[int] | Index) -> list[str]:
        """Return the codes in the order of the positions; a made-up node behind a regulator has none."""
        numbers = {"pipe": self._stored.pipes, "valve": self._stored.valves, "node": self._stored.nodes}[kind]
        wanted = numbers[np.asarray(list(positions), np.int64)]
        known = codes_of(self._session, kind, wanted)
        return [known[int(each)] for each in wanted if int(each) in known]


def isolation_answer(
    session: Session, stored: StoredGrid, pipe: Place, broken: Iterable[int], *, plans: int = 0
) -> dict[str, Any]:
    """Return the plan for a pipe as the command line gives it, and so many further plans when asked; may raise Unfed.

    `broken` holds numbers of valves; `sources_to_stop` stands there only where no valve parts a source from the pipe.
    """
    at = stored.position("pipe", pipe.number)
    if at is None:
        raise ValueError("the pipe is not in service")
    stuck = [place for each in broken if (place := stored.position("valve", each)) is not None]
    codes = Codes(session, stored)
    answer = {"pipe": pipe.code, **_plan_in_codes(codes, isolate(stored.grid, [at], stuck))}
    if plans:
        best = best_plans(stored.grid, [at], stuck, most=plans)
        answer["plans"] = [_plan_in_codes(codes, each) | _figures(each) for each in best]
    return answer


def _plan_in_codes(codes: Codes, plan: Plan) -> dict[str, Any]:
    told: dict[str, Any] = {
        "valves": codes.at("valve", plan.valves),
        "segment_pipes": sorted(codes.at("pipe", plan.segment)),
        "lost": {
            "users": plan.lost_users,
            "by_class": {str(kind): count for kind, count in plan.users_by_kind.items()},
            "nodes": sorted(codes.at("node", plan.lost_nodes)),
        },
    }
    if plan.sources_to_stop:
        told["sources_to_stop"] = codes.at("node", plan.sources_to_stop)
    return told


def _figures(plan: Plan) -> dict[str, Any]:
    return {
        "on_site": plan.on_site,
        "households": plan.lost_households,
        "volume_m3": round(plan.volume_m3, 3),
        "pipes_without_bore": plan.unmeasured,
    }


def trace_answer(session: Session, stored: StoredGrid, begin: Place, *, down: bool) -> dict[str, Any] | None:
    """Return what lies up- or downstream of an object and which sources can feed it; None where it is in no network."""
    flow = Flow(stored.grid)
    nodes = _beginning(session, stored, flow, begin, down=down)
    if nodes is None:
        return None
    net, codes = stored.grid.network, Codes(session, stored)
    reach = flow.downstream(nodes) if down else flow.upstream(nodes)
    on = np.zeros(net.n_nodes, bool)
    on[reach.nodes] = True
    kinds, counts = np.unique(net.users.kind[on[net.users.node]], return_counts=True)
    here = nodes or _entries(stored, flow, begin)
    return {
        "from": begin.code,
        "direction": "downstream" if down else "upstream",
        "pipes": sorted(codes.at("pipe", reach.pipes)),
        "nodes": sorted(codes.at("node", reach.nodes)),
        "valves": sorted(codes.at("valve", np.flatnonzero(on[net.valves.node]))),
        "sources": sorted(codes.at("node", sources_feeding(stored.grid, here))),
        "length_m": round(float(net.pipes.length_m[reach.pipes].sum()), 3),
        "users": int(counts.sum()),
        "by_class": {str(kind): int(count) for kind, count in zip(kinds, counts, strict=True)},
    }


def _entries(stored: StoredGrid, flow: Flow, begin: Place) -> list[int]:
    at = stored.position("pipe", begin.number)
    return [] if at is None else flow.ends_of(at, down=False)


def _beginning(session: Session, stored: StoredGrid, flow: Flow, begin: Place, *, down: bool) -> list[int] | None:
    """Return the nodes a trace sets out from, or None for an object that is in no network today."""
    net = stored.grid.network
    at = stored.position(begin.kind, begin.number) if begin.kind in ("pipe", "valve", "regulator", "node") else None
    if at is not None:
        if begin.kind == "pipe":
            return flow.ends_of(at, down=down)
        if begin.kind == "valve":
            return [int(net.valves.node[at])]
        if begin.kind == "regulator":
            return [int((net.outlet if down else net.inlet)[at])]
        return [at]
    if begin.kind not in ("station", "user"):
        return None
    columns = "node_id, null" if begin.kind == "station" else "node_id, regulator_id"
    row = session.execute(text(f"select {columns} from gas_{begin.kind} where id = :id"), {"id": begin.number}).one()
    node = stored.position("node", row[0])
    if node is not None:
        return [node]
    regulator = stored.position("regulator", row[1])
    return None if regulator is None else [int(net.outlet[regulator])]


def check_answer(session: Session, stored: StoredGrid) -> dict[str, Any]:
    """Return what the graph shows: supply, parts without it, pipes on no loop, and what is odd but stored."""
    net, grid = stored.grid.network, stored.grid
    pipes, count = net.pipes, len(net.pipes.start)
    codes = Codes(session, stored)
    parts = unfed_parts(grid)
    lone = bridges(net.n_nodes, np.concatenate([pipes.start, net.inlet]), np.concatenate([pipes.end, net.outlet]))
    valve_nodes, at_node = np.unique(net.valves.node, return_counts=True)
    twice = np.isin(net.valves.node, valve_nodes[at_node > 1])
    return {
        "pipes": count,
        "sources": len(np.unique(net.sources)),
        "unfed": int((~grid.fed_pipes).sum()),
        "unfed_users": int((~grid.fed[grid.cell[net.users.node]]).sum()),
        "unfed_parts": [
            {
                "pipes": len(each.pipes),
                "nodes": len(each.nodes),
                "users": each.users,
                "example": next(iter(codes.at("pipe", each.pipes[:1]) + codes.at("node", each.nodes[:1])), None),
            }
            for each in parts
        ],
        "bridges": int((lone < count).sum()),
        "self_loops": codes.at("pipe", np.flatnonzero(pipes.start == pipes.end)),
        "zero_length": codes.at("pipe", np.flatnonzero(pipes.length_m <= 0)),
        "valves": len(net.valves.node),
        "closed_valves": int(net.valves.closed.sum()),
        "stuck_valves": int((~net.valves.operable).sum()),
        "valves_sharing_a_node": codes.at("valve", np.flatnonzero(twice)),
        "regulators": len(net.inlet),
    }
