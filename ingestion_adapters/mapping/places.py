"""Coordinates in an enterprise's system turned into CGCS2000 degrees, many rows at once; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gis.crs import CoordinateSystem, storage_from

DIGITS = 9
LINES = ("geom", "track")
FARTHEST = 1e9


def pair_of(row: Mapping[str, Any]) -> tuple[float, float] | None:
    """Return east and north (or longitude and latitude) of a row, None when it has none that are numbers."""
    values = []
    for name in ("lon", "lat"):
        value = row.get(name)
        try:
            number = float(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else None
        except (ValueError, OverflowError):
            return None
        if number is None or not abs(number) < FARTHEST:
            return None
        values.append(number)
    return values[0], values[1]


def pairs_placed(pairs: Sequence[Sequence[float]], system: CoordinateSystem) -> list[tuple[float, float]]:
    """Return longitude and latitude of each pair, NaN where it cannot be placed."""
    if not pairs:
        return []
    array = np.array(pairs, float)
    lon, lat = storage_from(array[:, 0], array[:, 1], system)
    return [(round(x, DIGITS), round(y, DIGITS)) for x, y in zip(lon.tolist(), lat.tolist(), strict=True)]


def line_placed(row: dict[str, Any], name: str, system: CoordinateSystem) -> bool:
    """Put the line of a row into CGCS2000; return False when it cannot be there."""
    line = row.get(name)
    if not isinstance(line, dict):
        return True
    try:
        pairs = [(float(pair[0]), float(pair[1])) for pair in line.get("coordinates") or ()]
    except (TypeError, ValueError, IndexError, KeyError, OverflowError):
        return True  # no line at all: the contract says so
    placed = pairs_placed(pairs, system)
    row[name] = line | {"coordinates": [list(pair) for pair in placed]}
    return all(x == x and y == y for x, y in placed)
