"""The demo city's base map into its tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import shapely
from sqlalchemy.orm import Session

from gis.crs import STORAGE_SRID
from ingestion_adapters.demo import city
from ingestion_adapters.store_bulk import copy_into

ROAD_CLASS = {"express": 1, "arterial": 2, "secondary": 3, "local": 4}


def load_basemap(session: Session, scale: int) -> int:
    """Store districts, roads, water, green and buildings; return the number of features."""
    tables = (
        ("base_district", ("adcode", "name_zh", "name_en", "geom", "label"), _districts(scale)),
        ("base_road", ("name", "road_class", "geom"), _roads(scale)),
        ("base_water", ("name", "geom"), _areas(city.waters(scale))),
        ("base_green", ("name", "geom"), _areas(city.greens(scale))),
        ("base_building", ("kind", "height_m", "geom"), _buildings(scale)),
    )
    count = 0
    for table, columns, rows in tables:
        listed = list(rows)
        copy_into(session, table, columns, listed)
        count += len(listed)
    return count


def _hex(shape: Any) -> str:
    return str(shapely.to_wkb(shapely.set_srid(shape, STORAGE_SRID), hex=True, include_srid=True))


def _multi(ring: Any) -> str:
    return _hex(shapely.MultiPolygon([shapely.Polygon(ring)]))


def _districts(scale: int) -> Iterable[Sequence[Any]]:
    for each in city.districts(scale):
        yield each.adcode, each.name_zh, each.name_en, _multi(each.ring), _hex(shapely.Point(each.label))


def _roads(scale: int) -> Iterable[Sequence[Any]]:
    for each in city.roads(scale):
        yield each.name, ROAD_CLASS[each.klass], _hex(shapely.LineString(each.line))


def _areas(areas: Iterable[city.Area]) -> Iterable[Sequence[Any]]:
    for each in areas:
        yield each.name, _multi(each.ring)


def _buildings(scale: int) -> Iterable[Sequence[Any]]:
    for each in city.buildings(scale):
        yield each.kind, round(each.height_m), _hex(shapely.Polygon(each.ring))
