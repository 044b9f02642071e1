"""A delivery as a small picture: its lines and points in their own frame."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import cos, radians
from typing import Any

WIDTH, HEIGHT, MARGIN = 720.0, 360.0, 12.0


@dataclass(frozen=True)
class Picture:
    """Polylines and dots in the picture's units, for an SVG of WIDTH by HEIGHT."""

    lines: list[str]
    dots: list[tuple[float, float]]
    width: float = WIDTH
    height: float = HEIGHT


def preview_svg(geojson: dict[str, Any]) -> Picture | None:
    """Return the picture of a preview's features; None when it holds no place."""
    lines = [line for feature in geojson.get("features", []) for line in _lines(feature.get("geometry") or {})]
    dots = [
        tuple(f["geometry"]["coordinates"][:2])
        for f in geojson.get("features", [])
        if (f.get("geometry") or {}).get("type") == "Point"
    ]
    places = [place for line in lines for place in line] + dots
    if not places:
        return None
    west, east = min(p[0] for p in places), max(p[0] for p in places)
    south, north = min(p[1] for p in places), max(p[1] for p in places)
    squeeze = cos(radians((south + north) / 2))
    scale = min(
        (WIDTH - 2 * MARGIN) / max((east - west) * squeeze, 1e-9), (HEIGHT - 2 * MARGIN) / max(north - south, 1e-9)
    )

    def put(place: tuple[float, ...]) -> tuple[float, float]:
        return round(MARGIN + (place[0] - west) * squeeze * scale, 1), round(
            HEIGHT - MARGIN - (place[1] - south) * scale, 1
        )

    return Picture([" ".join(f"{x},{y}" for x, y in map(put, line)) for line in lines], [put(dot) for dot in dots])


def _lines(geometry: dict[str, Any]) -> Iterator[list[tuple[float, ...]]]:
    if geometry.get("type") == "LineString":
        yield [tuple(place[:2]) for place in geometry["coordinates"]]
    elif geometry.get("type") == "MultiLineString":
        for part in geometry["coordinates"]:
            yield [tuple(place[:2]) for place in part]
