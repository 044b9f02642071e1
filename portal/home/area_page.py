"""What the drawer shows of an area of the map: its size, and what lies in it by kind and by enterprise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from gis.areas import Area, BadArea, boxes_meet, parse_area
from gis.basemap.queries import city_box
from gis.network.queries import served_box
from gis.tiles.themes import Sum
from portal.core.actor import Actor
from portal.core.errors import Invalid
from portal.home.area_queries import POINT_LAYERS, Counted, points_in, within_time
from portal.home.facts import Speech, layer_words
from portal.home.themes import Theme, pipes_of

BEYOND_DEG = 0.5  # an area may reach beyond the city, but not lie elsewhere


def area_asked(session: Session, actor: Actor, text: str) -> Area:
    """Return the area of an address or a form; raise Invalid with the reason when it cannot be used."""
    try:
        found = parse_area(text)
    except BadArea as bad:
        raise Invalid(bad.reason, **bad.facts) from bad
    boxes = [box for box in (city_box(session), served_box(session, actor.scope)) if box]
    wests, souths, easts, norths = zip(*boxes, strict=True)
    city = (min(wests) - BEYOND_DEG, min(souths) - BEYOND_DEG, max(easts) + BEYOND_DEG, max(norths) + BEYOND_DEG)
    if not boxes_meet(found.bounds, city):
        raise Invalid("area_elsewhere")
    return found


def area_contents(
    session: Session, actor: Actor, area: Area, themes: Sequence[Theme], speech: Speech
) -> dict[str, Any]:
    """Return the sections of the drawer: pipes by every theme, points by kind, everything by enterprise."""
    with within_time(session):
        pipes = pipes_of(session, actor, themes, area.polygon.wkt)
        points = {layer: points_in(session, actor.scope, area, layer) for layer in POINT_LAYERS}
    whole = sum(pipes[themes[0].column.key], Sum())
    return {
        "area": area,
        "text": area.text(),
        "pipes": whole,
        "pipe_tables": [_pipe_table(theme, pipes[theme.column.key]) for theme in themes],
        "points": [_points(layer, counted, speech) for layer, counted in points.items()],
        "enterprises": _by_enterprise(points, speech),
        "empty": not whole.count and not any(counted.total for counted in points.values()),
        "layers": {"pipe": whole.count} | {layer: counted.total for layer, counted in points.items()},
        "names": layer_words(),
    }


def _pipe_table(theme: Theme, sums: Sequence[Sum]) -> dict[str, Any]:
    rows = [(each.token, each.label, found) for each, found in zip(theme.classes, sums, strict=True) if found.count]
    return {"title": theme.label, "rows": rows}


def _points(layer: str, counted: Counted, speech: Speech) -> dict[str, Any]:
    kinds = sorted(counted.by_kind.items(), key=lambda pair: -pair[1])
    rows = [(speech.code(POINT_LAYERS[layer].dictionary, code), count) for code, count in kinds]
    note = _("%(n)s households", n=f"{counted.more:,}") if layer == "user" and counted.total else ""
    return {"layer": layer, "total": counted.total, "rows": rows, "note": note}


def _by_enterprise(points: dict[str, Counted], speech: Speech) -> list[tuple[str, dict[str, int]]]:
    numbers = sorted({number for counted in points.values() for number in counted.by_enterprise})
    return [
        (
            speech.enterprises.get(number, str(number)),
            {layer: counted.by_enterprise.get(number, 0) for layer, counted in points.items()},
        )
        for number in numbers
    ]
