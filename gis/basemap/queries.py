"""Reads of the base map: districts and the extent of the city."""

from __future__ import annotations

from functools import partial
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from gis.basemap.models import District

# Shown when neither a base map nor a network is loaded yet.
NOWHERE = (104.0, 35.0, 104.5, 35.4)


def district_names(session: Session, language: str) -> dict[str, str]:
    """Return adcode -> name of the district in a language."""
    name = District.name_en if language.startswith("en") else District.name_zh
    return {row.adcode: row[1] for row in session.execute(select(District.adcode, name).order_by(District.adcode))}


def city_box(session: Session) -> tuple[float, float, float, float]:
    """Return west, south, east, north of the districts, of the network when there are none."""
    box = func.ST_Extent
    row = session.execute(
        select(*[f(box(District.geom)) for f in (func.ST_XMin, func.ST_YMin, func.ST_XMax, func.ST_YMax)])
    ).one()
    if row[0] is None:
        row = session.execute(
            text(
                "select ST_XMin(e), ST_YMin(e), ST_XMax(e), ST_YMax(e) from (select ST_Extent(geom) as e from gas_node) b"
            )
        ).one()
    return (row[0], row[1], row[2], row[3]) if row[0] is not None else NOWHERE


def city_area(session: Session) -> tuple[float, float, float, float] | None:
    """Return west, south, east, north of the city's districts in degrees; None when no boundary is loaded."""
    edges = (func.ST_XMin, func.ST_YMin, func.ST_XMax, func.ST_YMax)
    row = session.execute(select(*[edge(func.ST_Extent(District.geom)) for edge in edges])).one()
    return None if row[0] is None else (row[0], row[1], row[2], row[3])


def district_outlines(session: Session, tolerance_deg: float = 0.0005) -> list[tuple[str, str]]:
    """Return name and simplified outline (GeoJSON) of every district."""
    simple = partial(func.ST_SimplifyPreserveTopology, District.geom, tolerance_deg)
    rows: Any = session.execute(
        select(District.name_zh, func.ST_AsGeoJSON(simple(), 5)).order_by(District.adcode)
    )
    return [(name, outline) for name, outline in rows]
