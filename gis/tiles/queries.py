"""Vector tiles out of PostGIS: one statement a tile, thinned, limited to the caller's scope."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from gis.crs import STORAGE_SRID, TILE_SRID
from gis.tiles import layer as layers
from gis.tiles.layer import VectorLayer
from portal.core.actor import Scope

EXTENT = 4096
BUFFER = 64
MORTON_LEVEL = 24
# A tile below the users' zoom is cut into 2^5 by 2^5 cells: about 16 pixels each.
CELL_LEVELS = 5
TILE_TIMEOUT_MS = 4000
_DEGREES_OF_4326 = 4326

_FEATURES = """
select coalesce(ST_AsMVT(tile, :layer, {extent}, 'shape', 'fid'), ''::bytea) from (
  select {id} as fid, {id} as id, {columns},
    ST_AsMVTGeom(ST_Transform(ST_SetSRID({geom}, {degrees}), {mercator}),
      ST_TileEnvelope(:z, :x, :y), {extent}, {buffer}, true) as shape
  from {source}
  where {geom} && ST_MakeEnvelope(:west, :south, :east, :north, {storage}) and ({keep}) and {scope}
  {order} limit {most}
) tile where shape is not null
"""
_CELLS = """
select coalesce(ST_AsMVT(tile, :layer, {extent}, 'shape', 'fid'), ''::bytea) from (
  select cell as fid, cell as id, n, ST_MakePoint({column} * {step} + {half}, {row} * {step} + {half}) as shape
  from (
    select t.m >> :shift as cell, count(*)::integer as n from {source}
    where t.m between :low and :high and ({keep}) and {scope} group by 1
  ) cells
) tile
"""


_COUNTED = """
select coalesce(ST_AsMVT(tile, :layer, {extent}, 'shape', 'fid'), ''::bytea) from (
  select cell as fid, cell as id, n, ST_MakePoint({column} * {step} + {half}, {row} * {step} + {half}) as shape
  from (
    select t.cell, sum(t.n)::integer as n from {source}
    where t.level = :level and t.cell between :low and :high and {scope} group by 1 having sum(t.n) > 0
  ) cells
) tile
"""


def scope_sql(scope: Scope, alias: str = "t") -> tuple[str, dict[str, Any]]:
    """Return the condition on enterprise_id and adcode that a scope means, with its parameters."""
    if scope.whole_city:
        return "true", {}
    return (
        f"({alias}.enterprise_id = any(:scope_enterprises) or {alias}.adcode = any(:scope_adcodes))",
        {"scope_enterprises": sorted(scope.enterprise_ids), "scope_adcodes": sorted(scope.adcodes)},
    )


def tile_exists(z: int, x: int, y: int, *, deepest: int) -> bool:
    """Return whether a tile address lies inside the pyramid."""
    return 0 <= z <= deepest and 0 <= x < 1 << z and 0 <= y < 1 << z


def tile_bounds(z: int, x: int, y: int) -> dict[str, float]:
    """Return the degrees a tile covers, its buffer included."""
    margin = BUFFER / EXTENT

    def lon(column: float) -> float:
        return max(-180.0, min(180.0, column / (1 << z) * 360.0 - 180.0))

    def lat(row: float) -> float:
        return math.degrees(math.atan(math.sinh(math.pi * (1 - 2 * row / (1 << z)))))

    return {
        "west": lon(x - margin), "east": lon(x + 1 + margin),
        "south": lat(y + 1 + margin), "north": lat(y - margin),
    }


def tile_of(lon: float, lat: float, z: int) -> tuple[int, int, int]:
    """Return zoom, column and row of the tile that holds a place."""
    n = 1 << z
    sin = math.sin(math.radians(lat))
    row = (0.5 - math.log((1 + sin) / (1 - sin)) / (4 * math.pi)) * n
    return z, int((lon + 180) / 360 * n), int(row)


def morton(x: int, y: int) -> int:
    """Return the interleaved code of a tile, x in the even bits."""
    code = 0
    for bit in range(max(x.bit_length(), y.bit_length())):
        code |= (x >> bit & 1) << 2 * bit | (y >> bit & 1) << 2 * bit + 1
    return code


def morton_range(z: int, x: int, y: int) -> tuple[int, int]:
    """Return the first and last code at level 24 inside a tile."""
    shift = 2 * (MORTON_LEVEL - z)
    first = morton(x, y) << shift
    return first, first + (1 << shift) - 1


def _bits(offset: int) -> str:
    """Return SQL that picks one coordinate of a cell inside its tile out of the interleaved code."""
    picked = [f"((cell >> {2 * bit + offset}) & 1) << {bit}" for bit in range(CELL_LEVELS)]
    return "(" + " | ".join(f"({each})" for each in picked) + ")"


def tile_bytes(
    session: Session, layer: VectorLayer, scope: Scope, place: tuple[int, int, int], at: datetime | None = None
) -> bytes:
    """Return one Mapbox Vector Tile, empty when nothing is drawn there; `at` is the instant a past layer asks for."""
    z, x, y = place
    if z < layer.min_zoom:
        return b""
    session.execute(text(f"set local statement_timeout = {TILE_TIMEOUT_MS}"))
    limited, facts = scope_sql(scope) if layer.scoped else ("true", {})
    made = _features
    if z < layer.cells_below_zoom:
        made = _counted if layer.counted_cells and at is None else _cells
    statement, values = made(layer, limited, z, x, y)
    answer = session.scalar(text(statement), values | facts | {"layer": layer.name} | ({} if at is None else {"at": at}))
    return bytes(answer or b"")


def _features(layer: VectorLayer, limited: str, z: int, x: int, y: int) -> tuple[str, dict[str, Any]]:
    statement = _FEATURES.format(
        id=layer.id, columns=layer.columns, geom=layer.geom, source=layer.source, scope=limited,
        keep=layer.keep(z), order=f"order by {layer.order}" if layer.order else "", most=layers.MAX_FEATURES,
        extent=EXTENT, buffer=BUFFER, degrees=_DEGREES_OF_4326, mercator=TILE_SRID, storage=STORAGE_SRID,
    )
    return statement, {"z": z, "x": x, "y": y} | tile_bounds(z, x, y)


def _cells(layer: VectorLayer, limited: str, z: int, x: int, y: int) -> tuple[str, dict[str, Any]]:
    step = EXTENT >> CELL_LEVELS
    low, high = morton_range(z, x, y)
    statement = _CELLS.format(
        source=layer.source, keep=layer.keep(z), scope=limited, extent=EXTENT,
        step=step, half=step // 2, column=_bits(0), row=_bits(1),
    )
    return statement, {"low": low, "high": high, "shift": 2 * (MORTON_LEVEL - z - CELL_LEVELS)}


def _counted(layer: VectorLayer, limited: str, z: int, x: int, y: int) -> tuple[str, dict[str, Any]]:
    """Return the statement for cells that are kept counted; it reads at most a row a cell, owner and district."""
    step, shift = EXTENT >> CELL_LEVELS, 2 * CELL_LEVELS
    first = morton(x, y) << shift
    statement = _COUNTED.format(
        source=layer.counted_cells, scope=limited, extent=EXTENT, step=step, half=step // 2, column=_bits(0), row=_bits(1)
    )
    return statement, {"level": z + CELL_LEVELS, "low": first, "high": first + (1 << shift) - 1}
