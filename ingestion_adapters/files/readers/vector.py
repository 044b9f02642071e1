"""Layers read through GDAL (shapefile, GeoPackage): attributes as cells, geometries as WKB."""

from __future__ import annotations

import math
from datetime import date
from pathlib import Path

import numpy as np
import pyogrio
from pyogrio.raw import read as read_raw

from ingestion_adapters.files.raw import MAX_ROWS, Cell, Grid, Refused


def grid_of(path: Path, layer: str | None, encoding: str | None) -> Grid:
    """Return one layer; raise Refused when it cannot be read or has too many features."""
    try:
        info = pyogrio.read_info(path, layer=layer, encoding=encoding)
        if info["features"] > MAX_ROWS:
            raise Refused("file_rows", limit=MAX_ROWS)
        meta, _, wkb, columns = read_raw(path, layer=layer, encoding=encoding, datetime_as_string=True)
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, ValueError, UnicodeDecodeError) as error:
        raise Refused("file_damaged", reason=str(error).split(":")[-1].strip()[:80] or type(error).__name__) from error
    names = [str(name) for name in meta["fields"]]
    plain = [[_plain(cell) for cell in column.tolist()] for column in columns]
    n = len(plain[0]) if plain else 0 if wkb is None else len(wkb)
    rows: list[list[Cell]] = [list(row) for row in zip(*plain, strict=True)] if plain else [[] for _ in range(n)]
    geometry = None if wkb is None else [None if shape is None else bytes(shape) for shape in wkb]
    kind = str(meta.get("geometry_type") or "")
    return Grid(
        layer or "",
        rows,
        list(range(1, n + 1)),
        columns=names,
        wkb=geometry,
        crs=str(meta.get("crs") or ""),
        has_z=" Z" in kind or "25D" in kind,
    )


def _plain(cell: object) -> Cell:
    if cell is None or (isinstance(cell, float) and math.isnan(cell)):
        return None
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15:
        return int(cell)
    if isinstance(cell, date | np.datetime64):
        return str(cell)
    return cell if isinstance(cell, str | int | float | bool) else str(cell)
