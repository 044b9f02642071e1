"""A delivery as a picture that can be enlarged: its lines and points in their own frame, what waits told apart."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import cos, radians
from typing import Any

WIDTH, HEIGHT, MARGIN = 1200.0, 720.0, 16.0
METRES_A_DEGREE = 111_320.0
MOST_DOTS = 5000
Place = tuple[float, ...]


@dataclass(frozen=True)
class Shape:
    """One line or point as the data of an SVG path, its code and row, and whether it waits in quarantine."""

    path: str
    title: str
    waits: bool


@dataclass(frozen=True)
class Picture:
    """Lines and points in the picture's units, for an SVG of WIDTH by HEIGHT; `width_m` is how wide its frame is."""

    lines: list[Shape]
    dots: list[Shape]
    width_m: float
    width: float = WIDTH
    height: float = HEIGHT
    waiting: int = field(default=0)


@dataclass(frozen=True)
class _Frame:
    west: float
    south: float
    squeeze: float
    scale: float

    def put(self, place: Place) -> str:
        x = MARGIN + (place[0] - self.west) * self.squeeze * self.scale
        y = HEIGHT - MARGIN - (place[1] - self.south) * self.scale
        return f"{x:.2f} {y:.2f}"


def preview_svg(geojson: dict[str, Any]) -> Picture | None:
    """Return the picture of a preview's features; None when it holds no place."""
    features = geojson.get("features", [])
    lines = [(line, each) for each in features for line in _lines(each.get("geometry") or {})]
    points = [(each["geometry"]["coordinates"], each) for each in features if _kind(each) == "Point"][:MOST_DOTS]
    places = [place for line, _ in lines for place in line] + [point for point, _ in points]
    if not places:
        return None
    frame = _frame(places)
    drawn = [Shape("M" + "L".join(map(frame.put, line)), _title(each), _waits(each)) for line, each in lines]
    # A line of no length with round ends stays as large as it is while the picture is enlarged.
    dots = [Shape(f"M{frame.put(point)}h0", _title(each), _waits(each)) for point, each in points]
    width_m = (WIDTH - 2 * MARGIN) / frame.scale * METRES_A_DEGREE
    return Picture(drawn, dots, width_m, waiting=sum(each.waits for each in (*drawn, *dots)))


def _frame(places: list[Place]) -> _Frame:
    west, east = min(p[0] for p in places), max(p[0] for p in places)
    south, north = min(p[1] for p in places), max(p[1] for p in places)
    squeeze = cos(radians((south + north) / 2))
    scale = min(
        (WIDTH - 2 * MARGIN) / max((east - west) * squeeze, 1e-6), (HEIGHT - 2 * MARGIN) / max(north - south, 1e-6)
    )
    return _Frame(west, south, squeeze, scale)


def _kind(feature: dict[str, Any]) -> str:
    return str((feature.get("geometry") or {}).get("type", ""))


def _title(feature: dict[str, Any]) -> str:
    facts = feature.get("properties") or {}
    return f"{facts.get('code') or '–'} · {facts.get('file') or ''} {facts.get('row') or ''}".strip()


def _waits(feature: dict[str, Any]) -> bool:
    return bool((feature.get("properties") or {}).get("state") == "quarantined")


def _lines(geometry: dict[str, Any]) -> Iterator[list[Place]]:
    if geometry.get("type") == "LineString":
        yield [tuple(place[:2]) for place in geometry["coordinates"]]
    elif geometry.get("type") == "MultiLineString":
        for part in geometry["coordinates"]:
            yield [tuple(place[:2]) for place in part]
