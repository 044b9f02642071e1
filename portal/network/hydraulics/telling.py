"""A steady state as it is told: figures of the whole, what is wrong with which part, within the scope of who asks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from gis.hydraulics.gas import Numbers
from gis.hydraulics.solver import Flags
from gis.hydraulics.zones import FeedState, Problem, Trouble, ZoneState
from portal.core.actor import Scope
from portal.network.hydraulics.queries import named, visible_ids
from portal.network.hydraulics.rules import users_at, without_pressure
from portal.network.hydraulics.solving import Answer

TOLD_MOST = 50
EXAMPLES_MOST = 3


@dataclass(frozen=True)
class Seen:
    """Which pipes, nodes and users of an answer the caller may see, by position; all of them for the city."""

    pipes: Flags
    nodes: Flags
    users: Flags
    whole: bool


def seen_of(session: Session, scope: Scope, answer: Answer) -> Seen:
    """Return what lies within the scope."""
    grid = answer.solved.stored.grid
    users = len(grid.users)
    if scope.whole_city:
        return Seen(np.ones(len(grid.pipes), bool), grid.nodes > 0, np.ones(users, bool), True)
    pipes, nodes, takers = (
        np.isin(numbers, visible_ids(session, scope, kind, numbers)) & (numbers > 0)
        for kind, numbers in (("pipe", grid.pipes), ("node", grid.nodes), ("user", grid.users))
    )
    return Seen(pipes, nodes, takers, False)


def told_answer(session: Session, scope: Scope, answer: Answer, seen: Seen) -> dict[str, Any]:
    """Return figures and problems in plain values; NaN never stands for a number."""
    solved, out = answer.solved, answer.solved.outcome
    n_nodes = len(solved.stored.owner)
    pressure = np.where(seen.nodes, out.pressure_kpa[:n_nodes], np.nan)
    none, low = without_pressure(solved), answer.verdict.low
    lost, below = (users_at(solved, part)[0] for part in (none, low))
    residual = np.abs(np.where(seen.nodes, out.residual_m3_per_h[:n_nodes], np.nan))
    homes = solved.stored.grid.grid.network.users.households
    return {
        "hour": solved.scenario.hour,
        "by_readings": answer.by_readings,
        "factor": solved.scenario.factor,
        "at": answer.at.isoformat(),
        "nodes": int(seen.nodes.sum()),
        "pipes": int(seen.pipes.sum()),
        "solved_nodes": int((~np.isnan(pressure)).sum()),
        "demand_m3_per_h": round(float(solved.network.demand_m3_per_h[:n_nodes][seen.nodes].clip(0).sum()), 1),
        "users_without": int(seen.users[lost].sum()),
        "households_without": int(homes[lost][seen.users[lost]].sum()),
        "users_below": int(seen.users[below].sum()),
        "households_below": int(homes[below][seen.users[below]].sum()),
        "fast_pipes": int((answer.verdict.fast & seen.pipes).sum()),
        "greatest_residual_m3_per_h": _most(residual),
        "fastest_m_per_s": _most(np.abs(np.where(seen.pipes, out.velocity_m_per_s, np.nan))),
        "classes": _by_class(answer, seen, pressure),
        "feeds": _feeds(session, scope, answer),
        "problems": _problems(session, scope, answer, seen),
        "basis": _basis(session, scope, answer),
        "steps": out.steps,
    }


def _most(values: Numbers) -> float | None:
    return None if np.isnan(values).all() else round(float(np.nanmax(values)), 4)


def _by_class(answer: Answer, seen: Seen, pressure: Numbers) -> list[dict[str, Any]]:
    """Return the lowest and highest pressure of each class, and how many of its nodes lie below the limit."""
    told = []
    verdict = answer.verdict
    for code in np.unique(verdict.node_class[seen.nodes]).tolist():
        here = seen.nodes & (verdict.node_class == code)
        known = here & ~np.isnan(pressure)
        if not code or not here.any():
            continue
        told.append({
            "pressure_class": int(code), "nodes": int(here.sum()),
            "lowest_kpa": round(float(pressure[known].min()), 3) if known.any() else None,
            "highest_kpa": round(float(pressure[known].max()), 3) if known.any() else None,
            "floor_kpa": float(verdict.floor_kpa[here][0]), "below": int((verdict.low & here).sum()),
        })  # fmt: skip
    return told


def _feeds(session: Session, scope: Scope, answer: Answer) -> dict[str, Any]:
    """Return what stations give, and how many regulators hold, give way, are shut or have no gas before them."""
    solved, out = answer.solved, answer.solved.outcome
    numbers = [number for kind, number in solved.feeds if kind == "station"]
    rows = named(session, scope, "station", numbers)
    stations = []
    for place, (kind, number) in enumerate(solved.feeds):
        if kind == "station" and number in rows:
            flow = out.feed_flow_m3_per_h[place]
            stations.append({
                "id": number, "code": rows[number].src_code, "name": rows[number].name,
                "set_kpa": float(solved.network.feeds.set_kpa[place]),
                "flow_m3_per_h": None if np.isnan(flow) else round(float(flow), 1),
                "state": FeedState(int(out.feed_state[place])).name.lower(),
            })  # fmt: skip
    regulators = [place for place, (kind, _) in enumerate(solved.feeds) if kind == "regulator"]
    seen = named(session, scope, "regulator", [solved.feeds[place][1] for place in regulators])
    states = [FeedState(int(out.feed_state[place])) for place in regulators if solved.feeds[place][1] in seen]
    return {"stations": stations, "regulators": {each.name.lower(): states.count(each) for each in FeedState}}


def _problems(session: Session, scope: Scope, answer: Answer, seen: Seen) -> list[dict[str, Any]]:
    """Return parts without a steady state and what is odd, most users first, those within the scope only."""
    solved = answer.solved
    n_nodes = len(solved.stored.owner)
    told = []
    for problem in solved.outcome.problems:
        nodes = problem.nodes[problem.nodes < n_nodes]
        nodes = nodes[seen.nodes[nodes] | (solved.stored.grid.nodes[nodes] == 0)]
        part = np.zeros(n_nodes, bool)
        part[nodes] = True
        users = users_at(solved, part)[0]
        count = int(seen.users[users].sum())
        own = nodes[seen.nodes[nodes]]
        if not len(own) and not count:
            continue
        if problem.trouble is Trouble.NO_SOURCE and not count and not _has_pipe(answer, part):
            continue
        told.append((problem, own, count))
    told.sort(key=lambda each: (-each[2], -len(each[1])))
    examples = named(session, scope, "node", _examples(answer, told))
    return [_told_problem(session, scope, answer, each, examples) for each in told[:TOLD_MOST]]


def _has_pipe(answer: Answer, part: Flags) -> bool:
    ends = answer.solved.stored.grid.grid.network.pipes
    return bool((part[ends.start] | part[ends.end]).any())


def _examples(answer: Answer, told: list[tuple[Problem, Any, int]]) -> list[int]:
    numbers = answer.solved.stored.grid.nodes
    return [int(each) for _, nodes, _ in told[:TOLD_MOST] for each in numbers[nodes[:EXAMPLES_MOST]]]


def _told_problem(
    session: Session, scope: Scope, answer: Answer, found: tuple[Problem, Any, int], examples: dict[int, Any]
) -> dict[str, Any]:
    problem, nodes, users = found
    solved = answer.solved
    numbers = solved.stored.grid.nodes[nodes[:EXAMPLES_MOST]]
    feed = None
    if problem.feed >= 0:
        kind, number = solved.feeds[problem.feed]
        row = named(session, scope, kind, [number]).get(number)
        reached = solved.outcome.pressure_kpa[solved.network.feeds.outlet[problem.feed]]
        feed = {
            "kind": kind, "id": number, "code": row.src_code if row else None,
            "set_kpa": float(solved.network.feeds.set_kpa[problem.feed]),
            "reached_kpa": None if np.isnan(reached) else round(float(reached), 3),
        }  # fmt: skip
    return {
        "trouble": problem.trouble.value, "nodes": len(nodes), "users": users,
        "demand_m3_per_h": round(max(problem.demand_m3_per_h, 0.0), 1), "feed": feed,
        "examples": [{"id": int(each), "code": examples[int(each)].src_code} for each in numbers if int(each) in examples],
    }  # fmt: skip


def _basis(session: Session, scope: Scope, answer: Answer) -> dict[str, Any]:
    """Return what was assumed, so that nobody takes an estimate for a measurement."""
    basis = answer.solved.basis
    without: dict[str, list[int]] = {}
    for kind, number in basis.without_set:
        without.setdefault(kind, []).append(number)
    codes = {kind: [row.src_code for row in named(session, scope, kind, ids).values()] for kind, ids in without.items()}
    mine = {owner: value for owner, value in basis.scale.items() if scope.whole_city or owner in scope.enterprise_ids}
    return {
        "scale": {str(owner): round(value, 4) for owner, value in sorted(mine.items())},
        "scaled": bool(basis.scale),
        "assumed_walls": basis.assumed_walls,
        "classes_without_figures": list(basis.unknown_classes),
        "without_set_pressure": {kind: found[:TOLD_MOST] for kind, found in codes.items() if found},
        "heights_unknown": basis.level_zones,
    }


def zone_counts(answer: Answer) -> dict[str, int]:
    """Return how many zones are in which state."""
    states = answer.solved.outcome.zone_state
    return {each.name.lower(): int((states == each).sum()) for each in ZoneState}
