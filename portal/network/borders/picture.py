"""A finding as a small picture: the pipes of both sides beside the place, with a scale bar; pure."""

from __future__ import annotations

import math
from typing import Any
from xml.sax.saxutils import escape

WIDTH, HEIGHT, MARGIN = 220.0, 120.0, 14.0
METRES_A_DEGREE = 111_320.0
LEAST_SPAN_M = 16.0
BAR_STEPS_M = (2, 5, 10, 20, 50)
Spot = tuple[float, float]


def picture_of(facts: dict[str, Any], kind: str, place: Spot, distance_m: float, words: str) -> str:
    """Return SVG of both sides around a place; classes carry the colours, the title says what it shows."""
    half_m = max(LEAST_SPAN_M, distance_m * 3) / 2 if kind != "double" else 60.0
    scale = (HEIGHT - 2 * MARGIN) / (2 * half_m)

    def at(spot: list[float]) -> Spot:
        east = (spot[0] - place[0]) * METRES_A_DEGREE * math.cos(math.radians(place[1]))
        return WIDTH / 2 + east * scale, HEIGHT / 2 - (spot[1] - place[1]) * METRES_A_DEGREE * scale

    shapes = [
        f'<svg class="bd-pic" viewBox="0 0 {WIDTH:g} {HEIGHT:g}" role="img"><title>{escape(words)}</title>'
        f'<rect class="bd-ground" width="{WIDTH:g}" height="{HEIGHT:g}" rx="6"/>'
    ]
    for side in ("a", "b"):
        for line in facts[side]["lines"]:
            spots = " ".join(f"{x:.1f},{y:.1f}" for x, y in map(at, line))
            shapes.append(f'<polyline class="bd-line bd-{side}" points="{spots}"/>')
    if kind != "double":
        radius = max(distance_m / 2 * scale, 4.0) + 5
        shapes.append(f'<circle class="bd-mark bd-{kind}" cx="{WIDTH / 2:g}" cy="{HEIGHT / 2:g}" r="{radius:.1f}"/>')
    bar = max(step for step in BAR_STEPS_M if step * scale <= WIDTH / 3 or step == BAR_STEPS_M[0])
    y = HEIGHT - 8
    shapes.append(f'<path class="bd-bar" d="M10 {y - 4:g}V{y:g}H{10 + bar * scale:.1f}V{y - 4:g}"/>')
    shapes.append(f'<text class="bd-text" x="{16 + bar * scale:.1f}" y="{y:g}">{bar} m</text></svg>')
    return "".join(shapes)
