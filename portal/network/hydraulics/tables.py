"""Tables of a steady state: pipes, nodes and users below the limit, in order and page by page, within the scope."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from gis.hydraulics.gas import Numbers
from gis.hydraulics.solver import Index
from portal.core.actor import Scope
from portal.network.hydraulics.forms import Listing
from portal.network.hydraulics.queries import nodes_told, pipes_told
from portal.network.hydraulics.rules import without_pressure
from portal.network.hydraulics.solving import Answer
from portal.network.hydraulics.telling import Seen

PAGE_ROWS = 50
EXPORT_MOST = 100_000


@dataclass(frozen=True)
class Table:
    """Rows of one page, how many there are in all, and which page it is."""

    listing: Listing
    rows: list[dict[str, Any]]
    total: int

    @property
    def pages(self) -> int:
        """Return the number of pages."""
        return max(1, -(-self.total // PAGE_ROWS))


def table_of(
    session: Session, scope: Scope, answer: Answer, seen: Seen, listing: Listing, *, whole: bool = False
) -> Table:
    """Return a page of a table, or all of it for a file."""
    order = _pipes(answer, seen, listing) if listing.kind == "pipes" else _nodes(answer, seen, listing)
    pages = max(1, -(-len(order) // PAGE_ROWS))
    listing = replace(listing, page=min(listing.page, pages))
    begin = 0 if whole else (listing.page - 1) * PAGE_ROWS
    part = order[begin : begin + (EXPORT_MOST if whole else PAGE_ROWS)]
    made = _pipe_rows if listing.kind == "pipes" else _node_rows
    return Table(listing, made(session, scope, answer, seen, part), len(order))


def _last_unknown(values: Numbers, *, falling: bool) -> Numbers:
    return np.where(np.isnan(values), np.inf, -values if falling else values)


def _pipes(answer: Answer, seen: Seen, listing: Listing) -> Index:
    solved, out = answer.solved, answer.solved.outcome
    ends = solved.stored.grid.grid.network.pipes
    shown = seen.pipes & answer.verdict.fast if listing.only_broken else seen.pipes
    lower = np.fmin(out.pressure_kpa[ends.start], out.pressure_kpa[ends.end])
    key = {
        "velocity": _last_unknown(np.abs(out.velocity_m_per_s), falling=True),
        "flow": _last_unknown(np.abs(out.flow_m3_per_h), falling=True),
        "pressure": _last_unknown(lower, falling=False),
        "code": solved.stored.grid.pipes.astype(float),
    }[listing.sort]
    places = np.flatnonzero(shown)
    return places[np.argsort(key[places], kind="stable")]


def _nodes(answer: Answer, seen: Seen, listing: Listing) -> Index:
    solved, out = answer.solved, answer.solved.outcome
    many = len(solved.stored.owner)
    shown = seen.nodes.copy()
    none = without_pressure(solved)
    if listing.kind == "users":
        shown = np.zeros(many, bool)
        shown[solved.stored.grid.grid.network.users.node[seen.users]] = True
        shown &= none | answer.verdict.low
    elif listing.only_broken:
        shown &= none | answer.verdict.low
    pressure = out.pressure_kpa[:many]
    margin = pressure / np.maximum(answer.verdict.floor_kpa, 1e-9)
    key = {
        "pressure": np.where(np.isnan(margin), -1.0 if listing.kind == "users" else np.inf, margin),
        "residual": _last_unknown(np.abs(out.residual_m3_per_h[:many]), falling=True),
        "code": solved.stored.grid.nodes.astype(float),
    }[listing.sort]
    places = np.flatnonzero(shown)
    return places[np.argsort(key[places], kind="stable")]


def plain(value: float, digits: int = 3) -> float | None:
    """Return a rounded number, or None where none is known."""
    return None if np.isnan(value) else round(float(value), digits)


def _pipe_rows(session: Session, scope: Scope, answer: Answer, seen: Seen, places: Index) -> list[dict[str, Any]]:
    solved, out = answer.solved, answer.solved.outcome
    ends, numbers = solved.stored.grid.grid.network.pipes, solved.stored.grid.pipes
    told = {row.id: row for row in pipes_told(session, scope, numbers[places])}
    rows = []
    for place in places.tolist():
        row = told.get(int(numbers[place]))
        if row is None:
            continue
        first, last = (plain(out.pressure_kpa[int(each[place])]) for each in (ends.start, ends.end))
        rows.append({
            "id": row.id, "code": row.src_code, "enterprise_id": row.enterprise_id, "road": row.road_name,
            "pressure_class": row.pressure_class, "od_mm": row.od_mm, "length_m": round(row.length_m, 1),
            "start_kpa": first, "end_kpa": last, "flow": plain(out.flow_m3_per_h[place], 2),
            "velocity": plain(abs(out.velocity_m_per_s[place]), 2), "broken": bool(answer.verdict.fast[place]),
            "assumed": bool(solved.assumed[place]),
        })  # fmt: skip
    return rows


def _node_rows(session: Session, scope: Scope, answer: Answer, seen: Seen, places: Index) -> list[dict[str, Any]]:
    solved, out = answer.solved, answer.solved.outcome
    numbers, net = solved.stored.grid.nodes, solved.stored.grid.grid.network
    told = {row.id: row for row in nodes_told(session, scope, numbers[places])}
    users = np.bincount(net.users.node[seen.users], minlength=net.n_nodes)
    homes = np.bincount(net.users.node[seen.users], net.users.households[seen.users], minlength=net.n_nodes)
    rows = []
    for place in places.tolist():
        row = told.get(int(numbers[place]))
        if row is None and not users[place]:
            continue
        rows.append({
            "id": int(numbers[place]) or None, "code": row.src_code if row else None,
            "enterprise_id": row.enterprise_id if row else None,
            "pressure_class": int(answer.verdict.node_class[place]) or None, "kpa": plain(out.pressure_kpa[place]),
            "floor_kpa": float(answer.verdict.floor_kpa[place]), "below": bool(answer.verdict.low[place]),
            "demand": plain(solved.network.demand_m3_per_h[place], 2),
            "residual": plain(out.residual_m3_per_h[place], 5), "users": int(users[place]), "households": int(homes[place]),
            "lon": round(row.lon, 6) if row else None, "lat": round(row.lat, 6) if row else None,
        })  # fmt: skip
    return rows
