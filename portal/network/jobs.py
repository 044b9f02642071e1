"""The atlas: every section of the network shut off once, its worst places kept; runs once the network has changed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from sqlalchemy import delete, func, insert, select, text
from sqlalchemy.orm import Session

from gis.network.fresh import warmed
from gis.network.graph import Grid
from gis.network.graph_queries import StoredGrid, load_grid
from gis.network.isolation import Plan, isolate
from gis.network.models import Pipe
from gis.network.one_more import proposals
from gis.network.tracing import bridges, unfed_parts
from portal.network.models import AtlasRow, ValveProposal
from portal.network.rules import COMMON_CLASSES

KEPT_EACH = 100
PIECE = 20_000
CHANGES_KEPT = timedelta(days=1)
# One run looks at most so long; sections near a source, on which most users hang, come first.
LONGEST_S = 240.0


@dataclass(frozen=True)
class Section:
    """A section that is shut off as one: a pipe of it, its plan, and how many of the users are named ones."""

    pipe: int
    plan: Plan
    special: int


def compute_atlas(session: Session, now: datetime) -> str:
    """Work the atlas out anew when the network changed since; old marks of changes go."""
    newest = session.scalar(text("select max(at) from network_change"))
    computed = session.scalar(select(AtlasRow.computed_at).order_by(AtlasRow.computed_at.desc()).limit(1))
    if computed is not None and (newest is None or newest <= computed):
        return "unchanged"
    session.execute(text("delete from network_change where at < :limit"), {"limit": now - CHANGES_KEPT})
    stored = load_grid(session)
    if not len(stored.pipes) or not len(stored.grid.network.sources):
        session.execute(delete(AtlasRow))
        session.execute(delete(ValveProposal))
        return "no network with a source"
    warmed(stored.grid)
    worst = list(_worst(session, stored, now))
    rows = [*worst, *_unfed(session, stored, now)]
    session.execute(delete(AtlasRow))
    session.execute(delete(ValveProposal))
    if proposed := list(_one_more(session, stored, [row["pipe_id"] for row in worst], now)):
        session.execute(insert(ValveProposal), proposed)
    for begin in range(0, len(rows), PIECE):
        session.execute(insert(AtlasRow), rows[begin : begin + PIECE])
    return f"{len(rows)} places"


def sections_of(grid: Grid) -> Iterator[int]:
    """Give one pipe of each section that is shut off as one, those nearest a source first.

    Pipes of which both ends lie in one cell, or an end each in the same two cells, have the same plan.
    """
    pipes = grid.network.pipes
    fed = np.flatnonzero(grid.fed_pipes)
    ends = np.sort(np.stack([grid.cell[pipes.start[fed]], grid.cell[pipes.end[fed]]], axis=1), axis=1)
    _, first = np.unique(ends, axis=0, return_index=True)
    kept = fed[first]
    far = np.minimum(grid.distance_m[pipes.start[kept]], grid.distance_m[pipes.end[kept]])
    yield from kept[np.argsort(far, kind="stable")].tolist()


def worst_sections(grid: Grid) -> list[Section]:
    """Return the sections, most users lost first, one for each segment that drains."""
    seen: set[int] = set()
    found: list[Section] = []
    began = time.monotonic()
    for pipe in sections_of(grid):
        if pipe in seen:
            continue
        plan = isolate(grid, [pipe])
        seen.update(plan.segment.tolist())
        special = sum(count for kind, count in plan.users_by_kind.items() if kind not in COMMON_CLASSES)
        found.append(Section(pipe, plan, special))
        if time.monotonic() - began > LONGEST_S:
            break
    return sorted(found, key=lambda each: (-each.plan.lost_users, -len(each.plan.segment)))


def _owned(session: Session, numbers: list[int]) -> dict[int, Any]:
    columns = (Pipe.id, Pipe.enterprise_id, Pipe.adcode, Pipe.src_code, Pipe.road_name, Pipe.pressure_class)
    found: dict[int, Any] = {}
    for begin in range(0, len(numbers), PIECE):
        wanted = select(*columns).where(Pipe.id.in_(numbers[begin : begin + PIECE]))
        found |= {row.id: row for row in session.execute(wanted)}
    return found


def _worst(session: Session, stored: StoredGrid, now: datetime) -> Iterator[dict[str, Any]]:
    grid = stored.grid
    net = grid.network
    ends = (np.concatenate([net.pipes.start, net.inlet]), np.concatenate([net.pipes.end, net.outlet]))
    lone = set(bridges(net.n_nodes, *ends).tolist())
    sections = worst_sections(grid)
    owned = _owned(session, [int(stored.pipes[each.pipe]) for each in sections])
    places: dict[int, int] = {}
    for each in sections:
        row = owned.get(int(stored.pipes[each.pipe]))
        if row is None or places.get(row.enterprise_id, 0) >= KEPT_EACH:
            continue
        places[row.enterprise_id] = places.get(row.enterprise_id, 0) + 1
        plan = each.plan
        yield _row(row, "segment", places[row.enterprise_id], now) | {
            "pipes": len(plan.segment),
            "length_m": float(net.pipes.length_m[plan.segment].sum()),
            "users": plan.lost_users,
            "households": plan.lost_households,
            "special_users": each.special,
            "valves": len(plan.valves),
            "on_site": plan.on_site,
            "source_stopped": bool(plan.sources_to_stop),
            "bridge": each.pipe in lone,
        }


def _one_more(session: Session, stored: StoredGrid, sections: list[int], now: datetime) -> Iterator[dict[str, Any]]:
    """Give the best further valve of each worst section, the most helpful first, counted for each enterprise."""
    places = [at for number in sections if (at := stored.position("pipe", number)) is not None]
    # A joint between enterprises stands in no table: nothing can be put into it.
    found = [each for each in proposals(stored.grid, places) if stored.pipes[each.pipe]]
    owned = _owned(session, [int(stored.pipes[each.pipe]) for each in found])
    middles = _middles(session, list(owned))
    taken: set[int] = set()
    ranked: dict[int, int] = {}
    for each in found:
        row = owned.get(int(stored.pipes[each.pipe]))
        if row is None or row.id in taken:
            continue
        taken.add(row.id)
        ranked[row.enterprise_id] = ranked.get(row.enterprise_id, 0) + 1
        yield {
            "enterprise_id": row.enterprise_id, "adcode": row.adcode, "place": ranked[row.enterprise_id],
            "pipe_id": row.id, "pipe_code": row.src_code, "road_name": row.road_name, "pressure_class": row.pressure_class,
            "section_pipe_id": int(stored.pipes[each.section]), "section_length_m": each.length_m,
            "users_before": each.before, "users_start_side": each.start_side, "users_end_side": each.end_side,
            "users_after": float(each.mean_after), "sure": each.sure, "geom": middles[row.id], "computed_at": now,
        }  # fmt: skip


def _middles(session: Session, numbers: list[int]) -> dict[int, str]:
    middle = func.ST_AsEWKT(func.ST_LineInterpolatePoint(Pipe.geom, 0.5))
    rows = session.execute(select(Pipe.id, middle).where(Pipe.id.in_(numbers)))
    return {row[0]: row[1] for row in rows}


def _unfed(session: Session, stored: StoredGrid, now: datetime) -> Iterator[dict[str, Any]]:
    net = stored.grid.network
    parts = [part for part in unfed_parts(stored.grid) if len(part.pipes)]
    owned = _owned(session, [int(stored.pipes[part.pipes[0]]) for part in parts])
    places: dict[int, int] = {}
    for part in sorted(parts, key=lambda each: (-each.users, -len(each.pipes))):
        row = owned.get(int(stored.pipes[part.pipes[0]]))
        if row is None or places.get(row.enterprise_id, 0) >= KEPT_EACH:
            continue
        places[row.enterprise_id] = places.get(row.enterprise_id, 0) + 1
        yield _row(row, "unfed", places[row.enterprise_id], now) | {
            "pipes": len(part.pipes),
            "length_m": float(net.pipes.length_m[part.pipes].sum()),
            "users": part.users,
            "households": 0,
            "special_users": 0,
            "valves": 0,
            "on_site": 0,
            "source_stopped": False,
            "bridge": False,
        }


def _row(pipe: Any, sort: str, place: int, now: datetime) -> dict[str, Any]:
    return {
        "enterprise_id": pipe.enterprise_id, "adcode": pipe.adcode, "sort": sort, "place": place, "pipe_id": pipe.id,
        "pipe_code": pipe.src_code, "road_name": pipe.road_name, "pressure_class": pipe.pressure_class,
        "computed_at": now,
    }  # fmt: skip
