"""What a printed sheet of the map shows: shapes of the layers in a frame, within the caller's scope, thinned by scale."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import shapely
from sqlalchemy import text
from sqlalchemy.orm import Session

from gis.crs import STORAGE_SRID
from gis.handouts.drawing import Frame
from gis.tiles.layer import pipe_classes, road_classes
from gis.tiles.queries import scope_sql
from portal.core.actor import Scope
from portal.home.themes import Theme

FEATURES_MOST = 40_000
PIPES_MOST = 60_000
LINE_MM = 0.08  # bends smaller than this cannot be seen on paper
# From which zoom points are drawn, as on screen.
POINTS_FROM = {"valve": 13.5, "regulator": 12.5, "sensor": 12.5, "user": 15.0, "station": 0.0}
LABELLED_ROADS = 3

_BASE = """
select {code} as code, {name} as name, ST_AsBinary(ST_ClipByBox2D(ST_Simplify(t.geom, :bend, true), box.g)) as shape
from {table} t, (select ST_MakeEnvelope(:west, :south, :east, :north, {storage}) as g) box
where t.geom && box.g and {keep} order by 1 desc limit {most}
"""
_PIPES = """
select {code} as code, t.pressure_class as class, ST_AsBinary(ST_Simplify(t.geom, :bend, true)) as shape from gas_pipe t
where t.geom && ST_MakeEnvelope(:west, :south, :east, :north, {storage}) and ({keep}) and {scope} limit {most}
"""
_POINTS = """
select {code} as code, {name} as name, ST_AsBinary(t.geom) as shape from {table} t
where t.geom && ST_MakeEnvelope(:west, :south, :east, :north, {storage}) and t.status <> 7 and {scope} limit {most}
"""
_LABELS = """
select t.name_zh as zh, t.name_en as en, ST_AsBinary(t.label) as shape from base_district t
where t.label && ST_MakeEnvelope(:west, :south, :east, :north, {storage})
"""
_TABLES = {
    "station": ("gas_station", "t.kind", "t.name"),
    "valve": ("gas_valve", "t.current_state", "null"),
    "regulator": ("gas_regulator", "t.form", "null"),
    "sensor": ("point", "t.measure", "null"),
    "user": ("gas_user", "t.user_class", "null"),
}


@dataclass
class Shapes:
    """Shapes by what they are; `pipes` by class of the theme and pressure class, `points` with code and name."""

    base: dict[str, dict[Any, list[Any]]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(list)))
    pipes: dict[tuple[int, int], list[Any]] = field(default_factory=lambda: defaultdict(list))
    points: dict[str, list[tuple[int, str, Any]]] = field(default_factory=dict)
    labels: list[tuple[str, str, Any]] = field(default_factory=list)
    road_names: list[tuple[str, Any]] = field(default_factory=list)


def shapes_in(session: Session, scope: Scope, frame: Frame, theme: Theme, layers: Sequence[str]) -> Shapes:
    """Return what is drawn in a frame."""
    found = Shapes()
    west, south, east, north = frame.box
    values: dict[str, Any] = {"west": west, "south": south, "east": east, "north": north}
    values["bend"] = LINE_MM * (east - west) / frame.width_mm
    _base(session, found, frame, layers, values)
    limited, facts = scope_sql(scope)
    if "pipe" in layers:
        statement = _PIPES.format(
            code=theme.column.sql, keep=pipe_classes(int(frame.zoom) + 1), scope=limited,
            storage=STORAGE_SRID, most=PIPES_MOST,
        )  # fmt: skip
        for row in session.execute(text(statement), values | facts):
            kind = theme.classes.index(theme.class_of(row.code))
            found.pipes[kind, row[1]].append(shapely.from_wkb(bytes(row.shape)))
    for layer, (table, code, name) in _TABLES.items():
        if layer in layers and frame.zoom >= POINTS_FROM[layer] - 0.5:
            statement = _POINTS.format(
                code=code, name=name, table=table, scope=limited, storage=STORAGE_SRID, most=FEATURES_MOST
            )
            rows = session.execute(text(statement), values | facts)
            found.points[layer] = [(row.code, row.name or "", shapely.from_wkb(bytes(row.shape))) for row in rows]
    return found


def _base(
    session: Session, found: Shapes, frame: Frame, layers: Sequence[str], values: dict[str, Any]
) -> None:
    roads = road_classes(int(frame.zoom) + 1)
    tables = {
        "water": ("base_water", "0", "t.name", "true"),
        "green": ("base_green", "0", "t.name", "true"),
        "building": ("base_building", "0", "null", "true" if frame.zoom >= 14 else "false"),
        "road": ("base_road", "t.road_class", "t.name", roads),
        "district": ("base_district", "0", "t.name_zh", "true"),
    }
    for layer, (table, code, name, keep) in tables.items():
        if layer not in layers:
            continue
        statement = _BASE.format(code=code, name=name, table=table, keep=keep, storage=STORAGE_SRID, most=FEATURES_MOST)
        for row in session.execute(text(statement), values):
            if row.shape is None:
                continue
            shape = shapely.from_wkb(bytes(row.shape))
            found.base[layer][row.code].append(shape)
            if layer == "road" and row.name and row.code < LABELLED_ROADS:
                found.road_names.append((row.name, shape))
    if "district" in layers:
        rows = session.execute(text(_LABELS.format(storage=STORAGE_SRID)), values)
        found.labels = [(row.zh, row.en, shapely.from_wkb(bytes(row.shape))) for row in rows]
