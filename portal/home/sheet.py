"""A printed sheet of the map: the drawing of what is on screen with scale, north, legend and watermark."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import shapely

from gis.areas import Area
from gis.handouts.drawing import (
    Frame,
    fill,
    marks,
    path_of,
    stroke,
    watermark,
    words_at,
)
from portal.home.sheet_queries import Shapes
from portal.home.themes import Theme

# Millimetres: outer size of the paper upright, margins all round, and what head and foot take.
PAPERS = {"A4": (210.0, 297.0), "A3": (297.0, 420.0)}
MARGIN_MM, HEAD_MM, FOOT_MM = 10.0, 13.0, 12.0
# Width of a pipe by pressure class at a scale where streets are told apart; wider the nearer one looks.
PIPE_MM = {0: 1.0, 1: 1.0, 2: 1.0, 3: 0.9, 4: 0.9, 5: 0.65, 6: 0.45, 7: 0.3}
ROAD_MM = {1: 1.0, 2: 0.7, 3: 0.45, 4: 0.25}
CLOSED, FAULTY = 0, 3
NORTH_MM = 26.0  # the corner of the north arrow


@dataclass(frozen=True)
class Paper:
    """A sheet: its name, width and height as it is turned, and the size of the drawing on it."""

    name: str
    width_mm: float
    height_mm: float

    @staticmethod
    def of(name: str, *, upright: bool) -> Paper:
        """Return a paper; raise KeyError for an unknown name."""
        short, long = PAPERS[name]
        return Paper(name, short, long) if upright else Paper(name, long, short)

    @property
    def drawing_mm(self) -> tuple[float, float]:
        """Return width and height of the drawing."""
        return self.width_mm - 2 * MARGIN_MM, self.height_mm - 2 * MARGIN_MM - HEAD_MM - FOOT_MM


def drawing(
    shapes: Shapes, frame: Frame, theme: Theme, colours: Mapping[str, str], *, mark: str, area: Area | None, english: bool
) -> str:
    """Return the drawing as SVG."""
    parts = [
        f'<rect width="{frame.width_mm}" height="{frame.height_mm}" fill="{colours["--m-district"]}"/>',
        *_base(shapes, frame, colours),
        *_pipes(shapes, frame, theme, colours),
        *_points(shapes, frame, colours),
        *_labels(shapes, frame, colours, english=english),
    ]
    if area is not None:
        outline = path_of([area.polygon], frame)
        parts += [
            fill(outline, colours["--accent"], ' fill-opacity="0.12"'),
            stroke(outline, colours["--accent"], 0.5, ' stroke-dasharray="2 1"'),
        ]
    parts.append(watermark(mark, frame, colours["--fg-0"]))
    size = f'width="{frame.width_mm}mm" height="{frame.height_mm}mm" viewBox="0 0 {frame.width_mm} {frame.height_mm}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size}>{"".join(parts)}</svg>'


def _base(shapes: Shapes, frame: Frame, colours: Mapping[str, str]) -> list[str]:
    parts = []
    for layer, token in (("green", "--m-green"), ("water", "--m-water"), ("building", "--m-building")):
        parts += [fill(path_of(found, frame), colours[token]) for found in shapes.base[layer].values()]
    for code in sorted(shapes.base["road"], reverse=True):
        data, width = path_of(shapes.base["road"][code], frame), ROAD_MM.get(code, 0.25)
        parts.append(stroke(data, colours["--m-road-case"], width + 0.25))
        parts.append(stroke(data, colours[f"--m-road{min(code, 4) - 1}"], width))
    for found in shapes.base["district"].values():
        parts.append(stroke(path_of(found, frame), colours["--m-bound"], 0.35, ' stroke-dasharray="3 1 0.6 1"'))
    return parts


def _pipes(shapes: Shapes, frame: Frame, theme: Theme, colours: Mapping[str, str]) -> list[str]:
    nearness = min(1.6, max(0.7, (frame.zoom - 8) / 5))
    parts = []
    # The higher the pressure the later, so that mains lie on top.
    for (kind, pressure), found in sorted(shapes.pipes.items(), key=lambda item: -item[0][1]):
        data, width = path_of(found, frame), PIPE_MM.get(pressure, 0.3) * nearness
        parts.append(stroke(data, colours["--m-pipe-case"], width + 0.22, ' opacity="0.85"'))
        parts.append(stroke(data, colours[theme.classes[kind].token], width))
    return parts


def _points(shapes: Shapes, frame: Frame, colours: Mapping[str, str]) -> list[str]:
    signs: dict[str, Callable[[int], Callable[[float, float], str]]] = {
        "user": lambda _code: _dot(0.45, colours["--p5"], ""),
        "sensor": lambda _code: _dot(0.8, colours["--c3"], colours["--m-halo"]),
        "valve": lambda code: _valve(colours["--r2"] if code in (CLOSED, FAULTY) else colours["--fg-1"], colours["--m-halo"]),
        "regulator": lambda _code: _square(1.1, colours["--p2"], colours["--m-halo"], turned=True),
        "station": lambda _code: _square(1.9, colours["--p1"], colours["--m-halo"], turned=False),
    }
    parts = []
    for layer, sign in signs.items():
        for code in sorted({each[0] for each in shapes.points.get(layer, [])}):
            found = [shape for other, _, shape in shapes.points[layer] if other == code]
            parts.append(marks(found, frame, sign(code)))
    return parts


def _dot(radius: float, colour: str, ring: str) -> Callable[[float, float], str]:
    edge = f' stroke="{ring}" stroke-width="0.25"' if ring else ""
    return lambda x, y: f'<circle cx="{x:.2f}" cy="{y:.2f}" r="{radius}" fill="{colour}"{edge}/>'


def _square(half: float, colour: str, ring: str, *, turned: bool) -> Callable[[float, float], str]:
    def draw(x: float, y: float) -> str:
        turn = f' transform="rotate(45 {x:.2f} {y:.2f})"' if turned else ""
        return (
            f'<rect x="{x - half:.2f}" y="{y - half:.2f}" width="{2 * half}" height="{2 * half}" rx="0.4"'
            f' fill="{colour}" stroke="{ring}" stroke-width="0.3"{turn}/>'
        )

    return draw


def _valve(colour: str, ring: str) -> Callable[[float, float], str]:
    def draw(x: float, y: float) -> str:
        a, b, top, low = x - 1.1, x + 1.1, y - 0.7, y + 0.7
        return (
            f'<path d="M{a:.2f} {top:.2f}L{b:.2f} {low:.2f}L{b:.2f} {top:.2f}L{a:.2f} {low:.2f}Z" fill="{colour}"'
            f' stroke="{ring}" stroke-width="0.2"/>'
        )

    return draw


def _labels(shapes: Shapes, frame: Frame, colours: Mapping[str, str], *, english: bool) -> list[str]:
    halo, quiet, loud = colours["--m-halo"], colours["--m-label"], colours["--fg-0"]
    room = _Room()
    room.keep_free(frame.width_mm - NORTH_MM, 0, frame.width_mm, NORTH_MM)
    parts = []
    for _, name, shape in shapes.points.get("station", []):
        x, y = frame.place(shapely.get_coordinates(shape))[0]
        if name and _inside(x, y, frame) and room.take(x, y + 4.4, name, 2.6):
            parts.append(words_at(x, y + 4.8, name, 2.6, loud, halo))
    for zh, en, shape in shapes.labels:
        x, y = frame.place(shapely.get_coordinates(shape))[0]
        if _inside(x, y, frame) and room.take(x, y, en if english else zh, 4.0):
            parts.append(words_at(x, y, en if english else zh, 4.0, quiet, halo, ' letter-spacing="1"'))
    named: set[str] = set()
    for name, shape in sorted(shapes.road_names, key=lambda pair: -pair[1].length):
        if name in named or shape.geom_type != "LineString":
            continue
        x, y = frame.place(shapely.get_coordinates(shape.interpolate(0.5, normalized=True)))[0]
        if _inside(x, y, frame) and room.take(x, y, name, 2.3):
            named.add(name)
            parts.append(words_at(x, y, name, 2.3, quiet, halo))
    return parts


def _inside(x: float, y: float, frame: Frame) -> bool:
    return 6 < x < frame.width_mm - 6 and 4 < y < frame.height_mm - 4


class _Room:
    """Where words stand already, so that no two lie on each other."""

    def __init__(self) -> None:
        self._taken: list[tuple[float, float, float, float]] = []

    def keep_free(self, left: float, top: float, right: float, bottom: float) -> None:
        """Let no words stand in a box."""
        self._taken.append((left, top, right, bottom))

    def take(self, x: float, y: float, text: str, size_mm: float) -> bool:
        """Take the place of a text unless it is taken."""
        half = sum(1.0 if ord(sign) > 0x2E7F else 0.55 for sign in text) * size_mm / 2 + 0.8
        box = (x - half, y - size_mm, x + half, y + size_mm * 0.6)
        if any(box[0] < b[2] and b[0] < box[2] and box[1] < b[3] and b[1] < box[3] for b in self._taken):
            return False
        self._taken.append(box)
        return True


def legend_of(shapes: Shapes, theme: Theme, colours: Mapping[str, str], names: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the lines of the legend: the classes of pipes that are on the sheet, then the points."""
    kinds = {kind for kind, _ in shapes.pipes}
    lines = [
        {"sign": "line", "colour": colours[each.token], "label": each.label}
        for at, each in enumerate(theme.classes) if at in kinds
    ]  # fmt: skip
    tokens = {"station": "--p1", "regulator": "--p2", "valve": "--fg-1", "sensor": "--c3", "user": "--p5"}
    return lines + [
        {"sign": layer, "colour": colours[tokens[layer]], "label": names[layer]}
        for layer in tokens if shapes.points.get(layer)
    ]  # fmt: skip
