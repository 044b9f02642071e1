"""Reading the network for matching, keeping and reading what was found, and the joints in force that gas crosses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, false, or_, select, text, true
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from gis.borders.matching import GAP, PARTS, Figures, Found, Index, Metres, Pipes
from gis.borders.models import BorderFinding
from gis.crs import STORAGE_SRID, grid_metres
from portal.core.actor import Scope

FIGURES = "border."
WEIGHT = "weight_"
# What a picture of a finding shows of each side.
AROUND_DEG = 0.0006
PIECE = 2_000
# In service and standby (2, 3) hold gas; see gis/network/graph_queries.py.
_PIPES = text(
    "select id, enterprise_id, from_node_id, to_node_id, pressure_class, material, od_mm, ST_AsBinary(geom) as shape "
    "from gas_pipe where status in (2, 3) order by id"
)
_NODES = text("select id, ST_X(geom) as lon, ST_Y(geom) as lat from gas_node order by id")
# A network ends on purpose at a regulator, at a station, at a source and at a user of its own.
_CLOSED = text(
    "select node_id from gas_regulator where status in (2, 3) union select outlet_node_id from gas_regulator "
    "where status in (2, 3) and outlet_node_id is not null union select node_id from gas_station where status in (2, 3) "
    "and node_id is not null union select node_id from gas_user where status not in (3, 4) and node_id is not null "
    "union select id from gas_node where kind in (6, 8, 9)"
)
_SIDES = text(
    "select p.id, p.src_code, p.adcode, p.pressure_class, p.material, p.od_mm, p.road_name from gas_pipe p where p.id = any(:ids)"
)
_CODES = text("select id, src_code from gas_node where id = any(:ids)")
_GONE = text(
    "update border_finding set gone_at = :now where gone_at is null and last_seen_at < :now and state <> 2 returning id"
)
# Gas crosses a joint as if the two nodes were one.
_JOINTS = text(
    "select f.object_a_id, f.object_b_id, f.distance_m, greatest(a.pressure_class, b.pressure_class) "
    "from border_finding f join gas_pipe a on a.id = f.pipe_a_id join gas_pipe b on b.id = f.pipe_b_id "
    "where f.kind = 'gap' and f.state = 2 order by f.id"
)


@dataclass(frozen=True)
class Read:
    """The network as matching wants it, and the numbers in the database of its positions."""

    pipes: Pipes
    xy: Metres
    closed: Index
    pipe_ids: Index
    node_ids: Index
    degrees: NDArray[np.float64]
    shapes: NDArray[np.object_]


def figures_in_force(session: Session) -> Figures:
    """Return the adjustable figures; what the table lacks keeps its default."""
    rows = session.execute(text("select key, value from parameter where key like 'border.%'"))
    known = {str(key).removeprefix(FIGURES): float(value) for key, value in rows}
    weights = tuple(known.get(f"{WEIGHT}{part}", given) for part, given in zip(PARTS, Figures().weights, strict=True))
    plain = {each.name: known[each.name] for each in fields(Figures) if each.name in known}
    return Figures(**plain, weights=weights)  # type: ignore[arg-type]


def read_network(session: Session) -> Read:
    """Read every pipe that holds gas, over all enterprises of the scope, in metres of one grid."""
    rows = session.execute(_PIPES).all()
    nodes = session.execute(_NODES).all()
    node_ids = np.array([row.id for row in nodes], np.int64)
    degrees = np.array([(row.lon, row.lat) for row in nodes], float).reshape(-1, 2)
    middle = float(degrees[:, 0].mean()) if len(degrees) else 0.0
    xy = _in_metres(degrees, middle)
    shapes = shapely.from_wkb([bytes(row.shape) for row in rows]) if rows else np.empty(0, object)
    lines = shapely.transform(shapes, lambda pairs: _in_metres(pairs, middle)) if rows else shapes

    def column(name: str) -> Any:
        return np.array([getattr(row, name) for row in rows])

    pipes = Pipes(
        column("enterprise_id").astype(np.int64),
        np.searchsorted(node_ids, column("from_node_id").astype(np.int64)).astype(np.int64),
        np.searchsorted(node_ids, column("to_node_id").astype(np.int64)).astype(np.int64),
        column("pressure_class").astype(np.int64),
        column("material").astype(np.int64),
        column("od_mm").astype(float),
        lines,
    )
    ends = np.array(session.scalars(_CLOSED).all(), np.int64)
    closed = np.searchsorted(node_ids, ends[np.isin(ends, node_ids)])
    return Read(pipes, xy, closed.astype(np.int64), column("id").astype(np.int64), node_ids, degrees, shapes)


def _in_metres(pairs: NDArray[np.float64], middle: float) -> Metres:
    return np.stack(grid_metres(pairs[:, 0], pairs[:, 1], middle=middle), axis=1)


def store_found(session: Session, read: Read, found: Sequence[Found], now: datetime) -> tuple[int, int]:
    """Keep what a run found, states and what was said untouched; return how many are new and how many are gone.

    A joint in force stays even where the ends moved apart: only people undo it.
    """
    rows = _rows_of(session, read, found, now)
    new = 0
    for begin in range(0, len(rows), PIECE):
        given = insert(BorderFinding).values(rows[begin : begin + PIECE])
        kept = {
            name: given.excluded[name]
            for name in rows[0]
            if name not in ("kind", "object_a_id", "object_b_id", "first_seen_at")
        }
        stored = session.execute(
            given.on_conflict_do_update(index_elements=["kind", "object_a_id", "object_b_id"], set_=kept).returning(
                BorderFinding.first_seen_at
            )
        )
        new += sum(1 for row in stored if row.first_seen_at == now)
    gone = len(session.execute(_GONE, {"now": now}).all())
    return new, gone


def _rows_of(session: Session, read: Read, found: Sequence[Found], now: datetime) -> list[dict[str, Any]]:
    pipe_ids = {int(read.pipe_ids[each]) for one in found for each in (one.pipe_a, one.pipe_b)}
    node_ids = {int(read.node_ids[each]) for one in found for each in (one.a, one.b) if each >= 0}
    sides = {row.id: row for row in session.execute(_SIDES, {"ids": sorted(pipe_ids)})}
    codes = {row.id: row.src_code for row in session.execute(_CODES, {"ids": sorted(node_ids)})}
    return [_row(read, one, sides, codes, now) for one in found]


def _row(read: Read, one: Found, sides: dict[int, Any], codes: dict[int, str], now: datetime) -> dict[str, Any]:
    pipe_a, pipe_b = int(read.pipe_ids[one.pipe_a]), int(read.pipe_ids[one.pipe_b])
    at_nodes = one.a >= 0
    a, b = (int(read.node_ids[one.a]), int(read.node_ids[one.b])) if at_nodes else (pipe_a, pipe_b)
    place = _place(read, one)
    return {
        "kind": one.kind,
        "enterprise_a_id": int(read.pipes.owner[one.pipe_a]),
        "enterprise_b_id": int(read.pipes.owner[one.pipe_b]),
        "adcode_a": sides[pipe_a].adcode,
        "adcode_b": sides[pipe_b].adcode,
        "object_a_id": a,
        "object_b_id": b,
        "pipe_a_id": pipe_a,
        "pipe_b_id": pipe_b,
        "facts": {
            "a": _side(read, one.pipe_a, sides[pipe_a], codes.get(a) if at_nodes else None, place),
            "b": _side(read, one.pipe_b, sides[pipe_b], codes.get(b) if at_nodes else None, place),
        },
        "distance_m": round(one.distance_m, 3),
        "overlap_m": round(one.overlap_m, 1),
        "score": one.score if one.kind == GAP else 0.0,
        "parts": dict(zip(PARTS, one.parts, strict=False)),
        "first_seen_at": now,
        "last_seen_at": now,
        "gone_at": None,
        "geom": f"SRID={STORAGE_SRID};POINT({place[0]:.7f} {place[1]:.7f})",
    }


def _place(read: Read, one: Found) -> tuple[float, float]:
    if one.a >= 0:
        lon, lat = (read.degrees[one.a] + read.degrees[one.b]) / 2
        return float(lon), float(lat)
    near = shapely.line_interpolate_point(read.shapes[one.pipe_a], 0.5, normalized=True)
    beside = shapely.line_interpolate_point(
        read.shapes[one.pipe_a], shapely.line_locate_point(read.shapes[one.pipe_a], _middle(read, one.pipe_b))
    )
    point = (
        beside
        if shapely.distance(beside, read.shapes[one.pipe_b]) < shapely.distance(near, read.shapes[one.pipe_b])
        else near
    )
    return float(shapely.get_x(point)), float(shapely.get_y(point))


def _middle(read: Read, pipe: int) -> Any:
    return shapely.line_interpolate_point(read.shapes[pipe], 0.5, normalized=True)


def _side(read: Read, pipe: int, row: Any, node_code: str | None, place: tuple[float, float]) -> dict[str, Any]:
    """Return what the other side may know of this one: enough to judge the joint, and the line beside it only."""
    lon, lat = place
    box = shapely.box(lon - AROUND_DEG, lat - AROUND_DEG, lon + AROUND_DEG, lat + AROUND_DEG)
    near = shapely.intersection(read.shapes[pipe], box)
    lines = [shapely.get_coordinates(each).round(7).tolist() for each in shapely.get_parts(near)]
    return {
        "code": node_code or row.src_code, "pipe": row.src_code, "pressure_class": row.pressure_class, "material": row.material,
        "od_mm": row.od_mm, "road": row.road_name, "lines": [line for line in lines if len(line) > 1],
    }  # fmt: skip


def joints_in_force(session: Session) -> NDArray[np.float64]:
    """Return the joints gas crosses: node, node, metres between them, pressure class; shape (n, 4)."""
    rows = [tuple(row) for row in session.execute(_JOINTS)]
    return np.array(rows, float).reshape(-1, 4)


def party_to(scope: Scope) -> ColumnElement[bool]:
    """Return the condition that a finding concerns somebody of the scope: an enterprise or a district on a side."""
    if scope.whole_city:
        return true()
    parts: list[ColumnElement[bool]] = []
    for enterprise, adcode in (
        (BorderFinding.enterprise_a_id, BorderFinding.adcode_a),
        (BorderFinding.enterprise_b_id, BorderFinding.adcode_b),
    ):
        if scope.enterprise_ids:
            parts.append(enterprise.in_(scope.enterprise_ids))
        if scope.adcodes:
            parts.append(adcode.in_(scope.adcodes))
    return or_(*parts) if parts else false()


def findings_of_object(session: Session, scope: Scope, layer: str, object_id: int) -> Sequence[BorderFinding]:
    """Return the findings that name a pipe, still there, best first."""
    if layer != "pipe":
        return []
    named = or_(BorderFinding.pipe_a_id == object_id, BorderFinding.pipe_b_id == object_id)
    asked = select(BorderFinding).where(named, party_to(scope), BorderFinding.gone_at.is_(None))
    return session.scalars(asked.order_by(BorderFinding.score.desc()).limit(5)).all()
