"""Drawing a part of the map as SVG in millimetres of paper, in the look of the screen; pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
import shapely

EARTH_RADIUS_M = 6_378_137.0
TILE_PX, PX_PER_MM = 512, 96 / 25.4
SPREAD_MM, MARK_MM = 54.0, 3.4
FONT = "Noto Sans CJK SC, Source Han Sans SC, Microsoft YaHei, PingFang SC, sans-serif"


@dataclass(frozen=True)
class Frame:
    """Where a part of the world lies on paper: Web Mercator as on screen, fitted into width and height."""

    west: float
    south: float
    east: float
    north: float
    width_mm: float
    height_mm: float

    @staticmethod
    def around(box: Sequence[float], width_mm: float, height_mm: float) -> Frame:
        """Return the frame that shows all of a box and fills the paper."""
        x0, x1 = (math.radians(lon) for lon in (box[0], box[2]))
        y0, y1 = (_mercator(lat) for lat in (box[1], box[3]))
        unit = max((x1 - x0) / width_mm, (y1 - y0) / height_mm)
        dx, dy = (unit * width_mm - (x1 - x0)) / 2, (unit * height_mm - (y1 - y0)) / 2
        return Frame(
            math.degrees(x0 - dx), _latitude(y0 - dy), math.degrees(x1 + dx), _latitude(y1 + dy), width_mm, height_mm
        )

    @property
    def box(self) -> tuple[float, float, float, float]:
        """Return west, south, east, north."""
        return self.west, self.south, self.east, self.north

    @property
    def metres_per_mm(self) -> float:
        """Return how much ground a millimetre in the middle of the sheet covers."""
        middle = math.radians((self.south + self.north) / 2)
        return math.radians(self.east - self.west) / self.width_mm * EARTH_RADIUS_M * math.cos(middle)

    @property
    def zoom(self) -> float:
        """Return the zoom at which the screen shows as much on as many millimetres."""
        whole_px = 360 / (self.east - self.west) * self.width_mm * PX_PER_MM
        return math.log2(whole_px / TILE_PX)

    def place(self, points: Any) -> Any:
        """Return millimetres from the upper left corner for degrees; arrays of shape (n, 2)."""
        top, bottom = _mercator(self.north), _mercator(self.south)
        x = (points[:, 0] - self.west) / (self.east - self.west) * self.width_mm
        y = (top - np.log(np.tan(np.pi / 4 + np.radians(points[:, 1]) / 2))) / (top - bottom) * self.height_mm
        return np.column_stack((x, y))


def _mercator(lat: float) -> float:
    return math.log(math.tan(math.pi / 4 + math.radians(max(-85.0, min(85.0, lat))) / 2))


def _latitude(y: float) -> float:
    return math.degrees(2 * math.atan(math.exp(y)) - math.pi / 2)


def path_of(shapes: Iterable[Any], frame: Frame) -> str:
    """Return the path data of lines and areas in one text."""
    parts: list[str] = []
    for shape in shapes:
        for line in _lines(shape):
            points = frame.place(shapely.get_coordinates(line))
            closed = "Z" if line.is_closed else ""
            parts.append("M" + "L".join(f"{x:.2f} {y:.2f}" for x, y in points) + closed)
    return "".join(parts)


def _lines(shape: Any) -> list[Any]:
    if shape.is_empty:
        return []
    if shape.geom_type == "LineString":
        return [shape]
    if shape.geom_type == "Polygon":
        return [shape.exterior, *shape.interiors]
    return [line for part in getattr(shape, "geoms", ()) for line in _lines(part)]


def stroke(data: str, colour: str, width_mm: float, more: str = "") -> str:
    """Return a path drawn as a line; nothing without data."""
    if not data:
        return ""
    return (
        f'<path d="{data}" fill="none" stroke="{colour}" stroke-width="{width_mm:.2f}"'
        f' stroke-linecap="round" stroke-linejoin="round"{more}/>'
    )


def fill(data: str, colour: str, more: str = "") -> str:
    """Return a path drawn as an area; nothing without data."""
    return f'<path d="{data}" fill="{colour}" fill-rule="evenodd"{more}/>' if data else ""


def words_at(x: float, y: float, text: str, size_mm: float, colour: str, halo: str, more: str = "") -> str:
    """Return a text over a halo of its own."""
    common = f'x="{x:.2f}" y="{y:.2f}" font-family="{FONT}" font-size="{size_mm}" text-anchor="middle"{more}'
    word = escape(text)
    return (
        f'<text {common} fill="{halo}" stroke="{halo}" stroke-width="0.7" stroke-linejoin="round">{word}</text>'
        f'<text {common} fill="{colour}">{word}</text>'
    )


def marks(shapes: Iterable[Any], frame: Frame, draw: Callable[[float, float], str]) -> str:
    """Return a sign at every point inside the frame."""
    points = [(shape.x, shape.y) for shape in shapes]
    if not points:
        return ""
    placed = frame.place(np.array(points))
    return "".join(draw(x, y) for x, y in placed if 0 <= x <= frame.width_mm and 0 <= y <= frame.height_mm)


def scale_bar(frame: Frame, most_mm: float = 50.0) -> tuple[float, str]:
    """Return length on paper and words of a round distance that fits: 1, 2 or 5 of a power of ten."""
    most_m = frame.metres_per_mm * most_mm
    power = 10 ** math.floor(math.log10(most_m))
    metres = next(step * power for step in (5, 2, 1) if step * power <= most_m)
    return metres / frame.metres_per_mm, f"{metres / 1000:g} km" if metres >= 1000 else f"{metres:g} m"


def watermark(text: str, frame: Frame, colour: str) -> str:
    """Return the text again and again across the sheet."""
    word, parts = escape(text), []
    step = SPREAD_MM / 2 + sum(1.0 if ord(sign) > 0x2E7F else 0.56 for sign in text) * MARK_MM
    rows, columns = int(frame.height_mm // SPREAD_MM) + 2, int(frame.width_mm // step) + 2
    for row in range(rows):
        for column in range(columns):
            x, y = (column + (row % 2) / 2) * step, row * SPREAD_MM + SPREAD_MM / 3
            parts.append(f'<text x="{x:.1f}" y="{y:.1f}" transform="rotate(-24 {x:.1f} {y:.1f})">{word}</text>')
    return f'<g font-family="{FONT}" font-size="{MARK_MM}" fill="{colour}" opacity="0.16" text-anchor="middle">{"".join(parts)}</g>'
