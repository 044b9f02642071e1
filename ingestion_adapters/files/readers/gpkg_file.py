"""GeoPackages: every layer, with the coordinate system it states."""

from __future__ import annotations

from pathlib import Path

import pyogrio

from ingestion_adapters.files.raw import Refused, Reply
from ingestion_adapters.files.readers.vector import grid_of

_MAX_LAYERS = 40


def read(path: Path) -> Reply:
    """Return one grid a layer; raise Refused when the file is no GeoPackage or holds too many layers."""
    with path.open("rb") as stream:
        if not stream.read(16).startswith(b"SQLite format 3"):
            raise Refused("file_damaged", reason="SQLite")
    try:
        layers = [str(name) for name, _ in pyogrio.list_layers(path)]
    except (pyogrio.errors.DataSourceError, ValueError) as error:
        raise Refused("file_damaged", reason=type(error).__name__) from error
    if not layers:
        raise Refused("file_empty")
    if len(layers) > _MAX_LAYERS:
        raise Refused("zip_members", count=len(layers), limit=_MAX_LAYERS)
    return Reply([grid_of(path, layer, None) for layer in layers], [])
