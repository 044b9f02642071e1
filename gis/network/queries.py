"""Reads of the network: one object, lists, counts, lengths, former states, always within a scope."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise
from typing import Any

from sqlalchemy import ColumnElement, case, func, literal, select, text
from sqlalchemy.orm import Session

from gis.network.models import (
    GasUser,
    Node,
    Pipe,
    Regulator,
    Station,
    Valve,
)
from portal.core.actor import Scope
from portal.core.errors import NotFound
from portal.core.scoping import in_scope

OBJECTS: dict[str, type[Any]] = {
    "pipe": Pipe,
    "station": Station,
    "valve": Valve,
    "regulator": Regulator,
    "user": GasUser,
    "node": Node,
}
REMOVED = 7
BIGGEST_ID = 2**63 - 1
HISTORY_ROWS = 50
# A box smaller than this (some 200 m) is one object, not an area.
SMALLEST_BOX_DEG = 0.002
# Buckets of the year of installation as the map colours them.
YEARS = ((1995, "1995"), (2010, "2010"), (2020, "2020"))


def scope_filter(model: Any, scope: Scope) -> ColumnElement[bool]:
    """Return the condition that keeps rows of a model with enterprise_id and adcode within a scope."""
    return in_scope(scope, model.enterprise_id, model.adcode)


def model_of(layer: str) -> type[Any]:
    """Return the model of a layer; raise NotFound for a name that is none."""
    if layer not in OBJECTS:
        raise NotFound("map_layer", layer=layer)
    return OBJECTS[layer]


def find_object(session: Session, scope: Scope, layer: str, object_id: int) -> Any:
    """Return one object; missing and outside the scope look the same."""
    model = model_of(layer)
    if not 0 < object_id <= BIGGEST_ID:
        raise NotFound("map_object", layer=layer)
    found = session.scalar(
        select(model).where(model.id == object_id, scope_filter(model, scope))
    )
    if found is None:
        raise NotFound("map_object", layer=layer)
    return found


def find_by_code(session: Session, scope: Scope, enterprise_id: int, code: str) -> tuple[str, int] | None:
    """Return layer and number of the object an enterprise names by its own code, or None."""
    for layer, model in OBJECTS.items():
        if layer == "user":
            continue
        found = session.scalar(
            select(model.id).where(
                model.enterprise_id == enterprise_id,
                model.src_code == code,
                scope_filter(model, scope),
            )
        )
        if found is not None:
            return layer, int(found)
    return None


def place_of(session: Session, scope: Scope, layer: str, object_id: int) -> dict[str, Any]:
    """Return the middle of an object as lon and lat, and its box, for centring a map."""
    model = model_of(layer)
    geom = model.geom
    middle = func.ST_LineInterpolatePoint(geom, 0.5) if layer == "pipe" else geom
    row = session.execute(
        select(
            func.ST_X(middle), func.ST_Y(middle), func.ST_XMin(geom), func.ST_YMin(geom),
            func.ST_XMax(geom), func.ST_YMax(geom),
        ).where(model.id == object_id, scope_filter(model, scope))
    ).one_or_none()
    if row is None:
        raise NotFound("map_object", layer=layer)
    return {"lon": row[0], "lat": row[1], "box": [row[2], row[3], row[4], row[5]]}


def served_box(session: Session, scope: Scope) -> tuple[float, float, float, float] | None:
    """Return west, south, east, north of where gas is handed over to users, or None without a network."""
    for model in (Regulator, Station, Node):
        box = func.ST_Extent(model.geom)
        corners = [read(box) for read in (func.ST_XMin, func.ST_YMin, func.ST_XMax, func.ST_YMax)]
        row = session.execute(select(*corners).where(scope_filter(model, scope))).one()
        if row[0] is not None and row[2] - row[0] > SMALLEST_BOX_DEG:
            return (row[0], row[1], row[2], row[3])
    return None


def count_objects(session: Session, scope: Scope) -> dict[str, int]:
    """Return how many objects of each layer exist within the scope."""
    parts = [
        select(literal(layer), func.count()).select_from(model).where(
            model.status != REMOVED, scope_filter(model, scope)
        )
        for layer, model in OBJECTS.items()
        if layer != "node"
    ]
    return {layer: int(n) for layer, n in session.execute(parts[0].union_all(*parts[1:]))}


def pipe_km(session: Session, scope: Scope) -> dict[str, dict[str, float]]:
    """Return kilometres of pipe by pressure class, by years of installation and by state."""
    year = case(
        (Pipe.install_year.is_(None), "unknown"),
        *[(Pipe.install_year <= until, name) for until, name in YEARS],
        else_="now",
    ).label("year")
    rows = session.execute(
        select(Pipe.pressure_class, year, Pipe.status, func.sum(Pipe.length_m) / 1000)
        .where(Pipe.status != REMOVED, scope_filter(Pipe, scope))
        .group_by(Pipe.pressure_class, year, Pipe.status)
    )
    found: dict[str, dict[str, float]] = {"pressure": {}, "year": {}, "status": {}}
    for pressure_class, years, status, km in rows:
        for kind, key in (("pressure", pressure_class), ("year", years), ("status", status)):
            found[kind][str(key)] = found[kind].get(str(key), 0.0) + float(km)
    return {kind: {key: round(km, 3) for key, km in sums.items()} for kind, sums in found.items()}


def states_of(session: Session, layer: str, object_id: int) -> list[dict[str, Any]]:
    """Return the present and former states of an object, newest first; the row policy keeps them in scope."""
    table = model_of(layer).__table__
    columns = ", ".join(column.name for column in table.columns)
    rows = session.execute(
        text(
            f"select {columns} from {table.name} where id = :id union all "
            f"select {columns} from {table.name}_history where id = :id "
            f"order by valid_to desc nulls first limit {HISTORY_ROWS}"
        ),
        {"id": object_id},
    )
    return [dict(row) for row in rows.mappings()]


def changes_between(states: list[dict[str, Any]]) -> list[tuple[datetime, dict[str, tuple[Any, Any]]]]:
    """Return for each change its time and the columns that differ, newest first; states newest first."""
    silent = {"valid_from", "valid_to", "receipt_id", "component", "fed", "m"}
    found = []
    for newer, older in pairwise(states):
        differing = {
            name: (older.get(name), newer.get(name))
            for name in newer
            if name not in silent and older.get(name) != newer.get(name)
        }
        if differing:
            found.append((newer["valid_from"], differing))
    return found
