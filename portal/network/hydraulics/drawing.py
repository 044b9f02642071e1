"""A steady state as a picture: GeoJSON for the map, a schematic and the profile of a path as SVG; pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape

from portal.network.picture import HEIGHT, WIDTH, Sheet, box_of

BANDS = 4
ARROWS_MOST = 260
LEAST_FLOW = 0.01
# The frame of a profile.
LEFT, RIGHT, TOP, BOTTOM = 70.0, WIDTH - 20, 20.0, 330.0


@dataclass(frozen=True)
class Drawn:
    """A pipe as drawn: its values are None where there is no steady state."""

    number: int
    code: str
    pressure_class: int
    geometry: dict[str, Any]
    kpa: float | None
    flow: float | None
    velocity: float | None
    floor_kpa: float
    top_kpa: float
    broken: bool


def band_of(kpa: float | None, floor_kpa: float, top_kpa: float) -> str:
    """Return the band of a pressure: none, below the limit, or 1 (near it) to 4 (near the highest of its class)."""
    if kpa is None:
        return "none"
    if kpa < floor_kpa:
        return "below"
    share = (kpa - floor_kpa) / max(top_kpa - floor_kpa, 1e-9)
    return str(min(int(share * BANDS) + 1, BANDS))


def features_of(pipes: Iterable[Drawn]) -> list[dict[str, Any]]:
    """Return pipes as GeoJSON, each line in the direction of its gas."""
    return [
        {
            "type": "Feature",
            "properties": {
                "part": "flow", "id": each.number, "code": each.code, "pressure_class": each.pressure_class,
                "band": band_of(each.kpa, each.floor_kpa, each.top_kpa), "kpa": each.kpa,
                "flow": None if each.flow is None else abs(each.flow), "velocity": each.velocity, "broken": each.broken,
                "still": each.flow is None or abs(each.flow) < LEAST_FLOW,
            },
            "geometry": _directed(each),
        }
        for each in pipes
    ]  # fmt: skip


def _directed(pipe: Drawn) -> dict[str, Any]:
    if pipe.flow is not None and pipe.flow < 0:
        return {"type": "LineString", "coordinates": pipe.geometry["coordinates"][::-1]}
    return pipe.geometry


def schematic(features: Sequence[dict[str, Any]], words: str) -> str:
    """Return the SVG of all pipes: colour by pressure, width by class, arrows where most gas runs."""
    box = box_of(features)
    if box is None:
        return ""
    sheet = Sheet(box)
    shapes = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH:g} {HEIGHT:g}" role="img" class="hy-picture">'
        f"<title>{escape(words)}</title>"
    ]
    order = sorted(
        features,
        key=lambda each: (each["properties"]["band"] in ("below", "none"), -each["properties"]["pressure_class"]),
    )
    for each in order:
        facts = each["properties"]
        thick = {7: 1.2, 6: 2.0, 5: 2.6}.get(facts["pressure_class"], 3.4)
        shapes.append(
            f'<path class="hy-line hy-{facts["band"]}" stroke-width="{thick:g}" d="{sheet.path(each["geometry"])}"/>'
        )
    moving = [each for each in features if not each["properties"]["still"]]
    moving.sort(key=lambda each: -each["properties"]["flow"])
    shapes += [_arrow(sheet, each) for each in moving[:ARROWS_MOST]]
    return "".join([*shapes, "</svg>"])


def _arrow(sheet: Sheet, feature: dict[str, Any]) -> str:
    spots = [sheet.at(each) for each in feature["geometry"]["coordinates"]]
    (x1, y1), (x2, y2) = max(
        zip(spots[:-1], spots[1:], strict=True),
        key=lambda each: (each[1][0] - each[0][0]) ** 2 + (each[1][1] - each[0][1]) ** 2,
    )
    long = ((x2 - x1) ** 2 + (y2 - y1) ** 2) ** 0.5
    if long < 6:
        return ""
    x, y, ux, uy = (x1 + x2) / 2, (y1 + y2) / 2, (x2 - x1) / long, (y2 - y1) / long
    back = (x - 5 * ux, y - 5 * uy)
    return (
        f'<path class="hy-arrow" d="M{x + 4 * ux:.1f} {y + 4 * uy:.1f}L{back[0] - 3 * uy:.1f} {back[1] + 3 * ux:.1f}'
        f'L{back[0] + 3 * uy:.1f} {back[1] - 3 * ux:.1f}Z"/>'
    )


@dataclass(frozen=True)
class Stop:
    """A node on a path: metres from its beginning, pressure there, and whether a regulator lies before it."""

    code: str
    at_m: float
    kpa: float | None
    regulator: bool
    floor_kpa: float


def profile(stops: Sequence[Stop], words: tuple[str, str, str]) -> str:
    """Return the SVG of pressures along a path; `words` are title, axis of metres, axis of kPa."""
    known = [each.kpa for each in stops if each.kpa is not None]
    if len(stops) < 2 or not known:
        return ""
    far, most = max(stops[-1].at_m, 1.0), max(known) * 1.05

    def x(metres: float) -> float:
        return LEFT + metres / far * (RIGHT - LEFT)

    def y(kpa: float) -> float:
        return BOTTOM - kpa / most * (BOTTOM - TOP)

    shapes = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH:g} 380" role="img" class="hy-picture hy-profile">'
        f"<title>{escape(words[0])}</title>"
    ]
    for step in range(5):
        kpa, metres = most / 4 * step, far / 4 * step
        shapes.append(
            f'<path class="hy-grid" d="M{LEFT:g} {y(kpa):.1f}H{RIGHT:g}"/>'
            f'<text class="hy-tick" x="{LEFT - 8:g}" y="{y(kpa) + 4:.1f}" text-anchor="end">{kpa:.4g}</text>'
            f'<text class="hy-tick" x="{x(metres):.1f}" y="{BOTTOM + 18:g}" text-anchor="middle">{metres:.0f}</text>'
        )
    line, floor, pen = [], [], "M"
    for each in stops:
        floor.append(f"{x(each.at_m):.1f} {y(min(each.floor_kpa, most)):.1f}")
        if each.kpa is None:
            pen = "M"
            continue
        line.append(f"{pen}{x(each.at_m):.1f} {y(each.kpa):.1f}")
        pen = "L"
    shapes.append(f'<path class="hy-floor" d="M{"L".join(floor)}"/><path class="hy-curve" d="{"".join(line)}"/>')
    shapes += [
        f'<circle class="hy-stop{" hy-regulator" if each.regulator else ""}" cx="{x(each.at_m):.1f}" cy="{y(each.kpa):.1f}" '
        f'r="{5 if each.regulator else 2.5}"><title>{escape(each.code)} {each.kpa:.4g} kPa</title></circle>'
        for each in stops
        if each.kpa is not None
    ]
    shapes.append(
        f'<text class="hy-tick" x="{RIGHT:g}" y="{BOTTOM + 40:g}" text-anchor="end">{escape(words[1])}</text>'
        f'<text class="hy-tick" x="{LEFT:g}" y="14">{escape(words[2])}</text></svg>'
    )
    return "".join(shapes)


def geometry_of(text: str) -> dict[str, Any]:
    """Return GeoJSON that the database gave as text."""
    found: dict[str, Any] = json.loads(text)
    return found
