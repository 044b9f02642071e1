"""A plan as a picture: SVG drawn from the data, with roads, pipes around, north and a scale bar; pure."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape

WIDTH, HEIGHT, MARGIN = 1000.0, 640.0, 40.0
LEAST_SPAN_M = 250.0
METRES_A_DEGREE = 111_320.0
BAR_SHARE = 0.25
BAR_STEPS = (20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000)
Box = tuple[float, float, float, float]
_LINES = {
    "lost": ("#d9822b", 3.0), "segment": ("#c62828", 5.0), "traced": ("#1759d1", 3.5),
}  # fmt: skip
_ORDER = ("wash", "lost", "segment", "traced", "user", "shut", "source", "stuck", "valve")


def _points(geometry: dict[str, Any]) -> Iterable[Sequence[float]]:
    waiting = [geometry["coordinates"]]
    while waiting:
        here = waiting.pop()
        if here and isinstance(here[0], int | float):
            yield here
        else:
            waiting.extend(here)


def box_of(features: Iterable[dict[str, Any]]) -> Box | None:
    """Return west, south, east, north of what a plan draws, with room around it; None when it draws nothing."""
    spots = [spot for each in features for spot in _points(each["geometry"])]
    if not spots:
        return None
    lons, lats = [each[0] for each in spots], [each[1] for each in spots]
    lat = (min(lats) + max(lats)) / 2
    across = METRES_A_DEGREE * max(math.cos(math.radians(lat)), 0.01)
    wide = max((max(lons) - min(lons)) * across, LEAST_SPAN_M)
    high = max((max(lats) - min(lats)) * METRES_A_DEGREE, LEAST_SPAN_M * HEIGHT / WIDTH)
    wide = max(wide, high * WIDTH / HEIGHT) * 1.08
    high = wide * HEIGHT / WIDTH
    lon = (min(lons) + max(lons)) / 2
    return (
        lon - wide / 2 / across, lat - high / 2 / METRES_A_DEGREE,
        lon + wide / 2 / across, lat + high / 2 / METRES_A_DEGREE,
    )  # fmt: skip


@dataclass(frozen=True)
class Sheet:
    """The paper: turns places into points of the picture."""

    box: Box

    def at(self, spot: Sequence[float]) -> tuple[float, float]:
        """Return the point of a place."""
        west, south, east, north = self.box
        return ((spot[0] - west) / (east - west) * WIDTH, (north - spot[1]) / (north - south) * HEIGHT)

    def path(self, geometry: dict[str, Any]) -> str:
        """Return lines and rings as the commands of a path."""
        kind, parts = geometry["type"], geometry["coordinates"]
        rings = {"LineString": [parts], "MultiLineString": parts, "Polygon": parts}.get(kind)
        if rings is None:
            rings = [ring for polygon in parts for ring in polygon]
        said = []
        for ring in rings:
            spots = " L".join(f"{x:.1f} {y:.1f}" for x, y in map(self.at, ring))
            said.append(f"M{spots}{'Z' if 'Polygon' in kind else ''}")
        return " ".join(said)


def picture_of(features: Sequence[dict[str, Any]], around: dict[str, list[str]], words: str) -> str:
    """Return the SVG of a plan; `around` holds GeoJSON lines of roads and pipes, `words` say what it shows."""
    box = box_of(features)
    if box is None:
        return ""
    sheet = Sheet(box)
    shapes = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH:g} {HEIGHT:g}" role="img" class="picture">'
        f"<title>{escape(words)}</title>"
        f'<rect width="{WIDTH:g}" height="{HEIGHT:g}" fill="#f6f7f9"/>'
    ]
    for name, colour, width in (("road", "#dfe3e8", 5.0), ("pipe", "#9aa7b5", 1.6)):
        shapes += [_line(sheet.path(json.loads(each)), colour, width) for each in around.get(name, [])]
    for part in _ORDER:
        shapes += [_drawn(sheet, each) for each in features if each["properties"]["part"] == part]
    shapes += [_north(), _bar(box), f'<rect width="{WIDTH:g}" height="{HEIGHT:g}" fill="none" stroke="#5b6a80"/></svg>']
    return "".join(shapes)


def _line(path: str, colour: str, width: float) -> str:
    return f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="{width:g}" stroke-linejoin="round"/>'


def _drawn(sheet: Sheet, feature: dict[str, Any]) -> str:
    facts, geometry = feature["properties"], feature["geometry"]
    part = facts["part"]
    if part == "wash":
        return f'<path d="{sheet.path(geometry)}" fill="#d9822b" fill-opacity="0.16"/>'
    if part in _LINES:
        return _line(sheet.path(geometry), *_LINES[part])
    x, y = sheet.at(geometry["coordinates"])
    if part == "valve":
        return _disc(x, y, "#1759d1", str(facts["order"]), 13)
    if part == "stuck":
        return _disc(x, y, "#5b6a80", "×", 12)
    if part == "shut":
        return _disc(x, y, "#3a4a61", "", 6)
    if part == "source":
        return f'<rect x="{x - 9:.1f}" y="{y - 9:.1f}" width="18" height="18" fill="#0b7a55" stroke="#fff" stroke-width="2"/>'
    return f'<path d="M{x:.1f} {y - 8:.1f}l8 14h-16z" fill="#8e3fd6" stroke="#fff" stroke-width="1.5"/>'


def _disc(x: float, y: float, colour: str, sign: str, radius: int) -> str:
    return (
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" fill="{colour}" stroke="#fff" stroke-width="2"/>'
        f'<text x="{x:.1f}" y="{y + 5:.1f}" font-size="15" font-weight="700" text-anchor="middle" fill="#fff">{sign}</text>'
    )


def _north() -> str:
    x, y = WIDTH - MARGIN, MARGIN + 26
    return (
        f'<path d="M{x} {y - 34}l11 30l-11 -8l-11 8z" fill="#101c2e"/>'
        f'<text x="{x}" y="{y + 14}" font-size="16" font-weight="700" text-anchor="middle" fill="#101c2e">N</text>'
    )


def _bar(box: Box) -> str:
    across = METRES_A_DEGREE * max(math.cos(math.radians((box[1] + box[3]) / 2)), 0.01)
    whole_m = (box[2] - box[0]) * across
    step = max((each for each in BAR_STEPS if each <= whole_m * BAR_SHARE), default=BAR_STEPS[0])
    long, x, y = step / whole_m * WIDTH, MARGIN / 2, HEIGHT - MARGIN / 2
    said = f"{step} m" if step < 1_000 else f"{step // 1_000} km"
    return (
        f'<path d="M{x:.1f} {y - 8:.1f}v8h{long:.1f}v-8" fill="none" stroke="#101c2e" stroke-width="2"/>'
        f'<text x="{x + long / 2:.1f}" y="{y - 8:.1f}" font-size="14" text-anchor="middle" fill="#101c2e">{said}</text>'
    )
