"""Where networks of several enterprises meet: ends that fit, changes of pressure class, pipes side by side; pure.

Everything is in metres of a metric grid. A score is the weighted mean of five parts between 0 and 1, so that a
page can show why two ends were proposed as a joint.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import shapely
from numpy.typing import NDArray

Metres = NDArray[np.float64]
Index = NDArray[np.int64]

Kind = Literal["gap", "double", "jump"]
GAP: Kind = "gap"
DOUBLE: Kind = "double"
JUMP: Kind = "jump"
PARTS = ("distance", "direction", "diameter", "material", "pressure_class")
# Codes of the dictionary material: 10 to 12 steel, 20 to 23 polyethylene, 30 and 31 cast iron.
FAMILY_OF = 10
# A lone end that runs on in the line of the other within 60 degrees of it: 0.75 of (1 - cos) / 2.
RUNS_ON = 0.75


@dataclass(frozen=True)
class Figures:
    """What counts as near, parallel and alike; adjustable, with their sources in the table parameter."""

    reach_m: float = 5.0
    double_m: float = 3.0
    overlap_m: float = 30.0
    least_score: float = 0.6
    kin: float = 0.8
    other: float = 0.3
    weights: tuple[float, float, float, float, float] = (0.3, 0.25, 0.15, 0.1, 0.2)


@dataclass(frozen=True)
class Pipes:
    """Pipes that hold gas; `line` are shapely lines in metres from the node `start` to the node `end`."""

    owner: Index
    start: Index
    end: Index
    pressure_class: Index
    material: Index
    od_mm: Metres
    line: NDArray[np.object_]


@dataclass(frozen=True)
class Found:
    """One finding between two owners; `a` belongs to the smaller owner number.

    Of a gap and a jump `a` and `b` are nodes, of a double pipe both are -1. `score` is 0 where nothing is proposed.
    """

    kind: Kind
    pipe_a: int
    pipe_b: int
    a: int = -1
    b: int = -1
    distance_m: float = 0.0
    overlap_m: float = 0.0
    score: float = 0.0
    parts: tuple[float, ...] = ()


@dataclass(frozen=True)
class _Arms:
    """The ends of pipes, one after the other at each node: which pipe, and the way from the node into it."""

    node: Index
    pipe: Index
    way: Metres
    pointer: Index = field(repr=False)

    def at(self, node: int) -> range:
        return range(int(self.pointer[node]), int(self.pointer[node + 1]))


def material_part(one: int, other: int, figures: Figures) -> float:
    """Return how well two materials go together: the same, of one family, or through a transition joint."""
    if one == other:
        return 1.0
    return figures.kin if one // FAMILY_OF == other // FAMILY_OF else figures.other


def score_of(parts: Sequence[float], figures: Figures) -> float:
    """Return the weighted mean of the five parts, between 0 and 1."""
    weights = figures.weights
    return round(sum(w * part for w, part in zip(weights, parts, strict=True)) / sum(weights), 6)


def arms_of(pipes: Pipes, nodes: int) -> _Arms:
    """Return the ends of all pipes by their node; the way is a unit vector, nothing for a pipe without length."""
    first, second = shapely.get_point(pipes.line, 0), shapely.get_point(pipes.line, 1)
    last, former = shapely.get_point(pipes.line, -1), shapely.get_point(pipes.line, -2)
    node = np.concatenate([pipes.start, pipes.end])
    order = np.argsort(node, kind="stable")
    way = np.concatenate([_way(first, second), _way(last, former)])[order]
    pipe = np.tile(np.arange(len(pipes.start)), 2)[order]
    pointer = np.concatenate([[0], np.cumsum(np.bincount(node, minlength=nodes))]).astype(np.int64)
    return _Arms(node[order].astype(np.int64), pipe.astype(np.int64), way, pointer)


def _way(begin: NDArray[np.object_], towards: NDArray[np.object_]) -> Metres:
    step = shapely.get_coordinates(towards) - shapely.get_coordinates(begin)
    length = np.hypot(step[:, 0], step[:, 1])[:, None]
    return np.asarray(np.divide(step, length, out=np.zeros_like(step), where=length > 0), float)


def near_nodes(xy: Metres, owner: Index, reach_m: float) -> Index:
    """Return pairs of nodes of different owners no further apart than the reach, the smaller owner first; (n, 2)."""
    points = shapely.points(xy)
    tree = shapely.STRtree(points)
    one, other = tree.query(points, predicate="dwithin", distance=reach_m)
    kept = owner[one] < owner[other]
    return np.stack([one[kept], other[kept]], axis=1).astype(np.int64)


def meeting(
    pipes: Pipes, xy: Metres, figures: Figures, *, closed: Index | None = None, pairs: Index | None = None
) -> list[Found]:
    """Return gaps with their score and class jumps between owners, the best score first.

    `closed` are nodes at which a network ends on purpose (a regulator, a source, a user). Two nodes are looked at
    when at least one is a lone end that is not closed, or both are of one class and the score is good. Each node
    is proposed for one joint at most: the best, of equal ones the nearer, then the smaller numbers.
    """
    arms = arms_of(pipes, len(xy))
    owner = np.full(len(xy), -1, np.int64)
    owner[pipes.start], owner[pipes.end] = pipes.owner, pipes.owner
    lone = np.diff(arms.pointer) == 1
    if closed is not None:
        lone[closed] = False
    used = np.flatnonzero(owner >= 0)
    if pairs is None:
        pairs = used[near_nodes(xy[used], owner[used], figures.reach_m)]
    found = []
    for a, b in pairs.tolist():
        best = _best(pipes, arms, xy, (a, b), figures)
        if best is None:
            continue
        loose = bool(lone[a]) + bool(lone[b])
        if best.kind == JUMP and (not loose or best.parts[1] < RUNS_ON):
            continue
        if best.kind == GAP and best.score < figures.least_score:
            continue
        found.append(best)
    return one_each(found)


def one_each(found: Sequence[Found]) -> list[Found]:
    """Return of several findings at a node the best one only: joints before jumps, then score, then distance."""
    taken: set[int] = set()
    kept = []
    for each in sorted(found, key=lambda e: (e.kind != GAP, -e.score, e.distance_m, e.a, e.b)):
        if each.a in taken or each.b in taken:
            continue
        taken.update((each.a, each.b))
        kept.append(each)
    return kept


def _best(pipes: Pipes, arms: _Arms, xy: Metres, pair: tuple[int, int], figures: Figures) -> Found | None:
    """Return the best fit of two nodes over all pairs of their pipes; of one class where there is such a pair."""
    a, b = pair
    distance = float(np.hypot(*(xy[a] - xy[b])))
    best: Found | None = None
    for i in arms.at(a):
        for j in arms.at(b):
            one, other = int(arms.pipe[i]), int(arms.pipe[j])
            same = int(pipes.pressure_class[one]) == int(pipes.pressure_class[other])
            parts = (
                round(1 - distance / figures.reach_m, 6),
                round((1 - float(arms.way[i] @ arms.way[j])) / 2, 6),
                round(float(min(pipes.od_mm[one], pipes.od_mm[other]) / max(pipes.od_mm[one], pipes.od_mm[other])), 6),
                material_part(int(pipes.material[one]), int(pipes.material[other]), figures),
                1.0 if same else 0.0,
            )
            fit = Found(GAP if same else JUMP, one, other, a, b, distance, 0.0, score_of(parts, figures), parts)
            if best is None or _rank(fit) < _rank(best):
                best = fit
    return best


def _rank(fit: Found) -> tuple[bool, float, int, int]:
    return fit.kind != GAP, -fit.score, fit.pipe_a, fit.pipe_b


def double_pipes(pipes: Pipes, figures: Figures) -> list[Found]:
    """Return pipes of different owners that run side by side, the longest overlap first.

    The overlap is the shorter of the two lengths that lie within `double_m` of the other pipe; where pipes cross,
    it is short and left out.
    """
    tree = shapely.STRtree(pipes.line)
    one, other = tree.query(pipes.line, predicate="dwithin", distance=figures.double_m)
    kept = pipes.owner[one] < pipes.owner[other]
    one, other = one[kept], other[kept]
    overlap = np.minimum(
        beside_m(pipes.line[one], pipes.line[other], figures.double_m),
        beside_m(pipes.line[other], pipes.line[one], figures.double_m),
    )
    apart = shapely.distance(pipes.line[one], pipes.line[other])
    rows = [
        Found(DOUBLE, int(a), int(b), distance_m=float(d), overlap_m=float(m))
        for a, b, d, m in zip(one, other, apart, overlap, strict=True)
        if m >= figures.overlap_m
    ]
    return sorted(rows, key=lambda each: (-each.overlap_m, each.pipe_a, each.pipe_b))


def beside_m(line: NDArray[np.object_], other: NDArray[np.object_], within_m: float) -> Metres:
    """Return how many metres of each line lie no further than `within_m` from the line beside it."""
    return np.asarray(shapely.length(shapely.intersection(line, shapely.buffer(other, within_m))), float)


def stages(
    pipes: Pipes, xy: Metres, figures: Figures, closed: Index | None = None
) -> Iterator[tuple[str, list[Found]]]:
    """Give what is found stage by stage, so that a run can tell how far it is: `ends`, then `double`."""
    yield "ends", meeting(pipes, xy, figures, closed=closed)
    yield "double", double_pipes(pipes, figures)
