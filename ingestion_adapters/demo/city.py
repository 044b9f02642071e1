"""The base map of the demo city as typed frozen collections in CGCS2000, longitude first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np

from ingestion_adapters.demo.buildings import KINDS, Buildings, build_buildings
from ingestion_adapters.demo.frame import Degrees, checked_scale, lonlat_from_metres
from ingestion_adapters.demo.streets import ARTERIAL, SECONDARY, Streets, build_streets
from ingestion_adapters.demo.terrain import DISTRICT_PLANS, RIVER_NAME, Terrain, build_terrain

CITY_NAME_ZH, CITY_NAME_EN = "云川市", "Yunchuan"
CITY_ADCODE = "990100"
_PIECES_A_ROAD = 2
_ROAD_WORDS = {1: "arterial", 2: "secondary", 3: "local"}


@dataclass(frozen=True)
class District:
    """One district: outer ring, label point, and the enterprise that supplies it."""

    adcode: str
    name_zh: str
    name_en: str
    ring: Degrees
    label: tuple[float, float]
    supplier: str


@dataclass(frozen=True)
class Road:
    """One road; `klass` is express, arterial, secondary or local."""

    name: str
    klass: str
    line: Degrees


@dataclass(frozen=True)
class Area:
    """A water or a park; `kind` is river, lake, park or bank."""

    name: str
    kind: str
    ring: Degrees


@dataclass(frozen=True)
class Building:
    """One building."""

    kind: str
    height_m: float
    ring: Degrees


@dataclass(frozen=True)
class Plan:
    """The city in metres of its frame, from which everything else is derived."""

    terrain: Terrain
    streets: Streets
    buildings: Buildings


@cache
def city_plan() -> Plan:
    """Return the city of tile 0 in metres; built once a process."""
    terrain = build_terrain()
    streets = build_streets(terrain)
    return Plan(terrain, streets, build_buildings(terrain, streets))


def adcode_of(number: int, tile: int = 0) -> str:
    """Return the six-digit code of a district; invented, used by no real place."""
    return f"99{(tile + 1) % 100:02d}{number:02d}"


def _ring(shape: object, tile: int) -> Degrees:
    return lonlat_from_metres(np.array(shape.exterior.coords), tile)  # type: ignore[attr-defined]


def districts(scale: int = 1) -> Iterator[District]:
    """Yield the districts, ten a tile."""
    terrain = city_plan().terrain
    for tile in range(checked_scale(scale)):
        mark = f"{tile + 1}" if tile else ""
        for plan, shape in zip(DISTRICT_PLANS, terrain.districts, strict=True):
            at = shape.representative_point() if plan.number != 1 else shape.centroid
            lon, lat = lonlat_from_metres(np.array([at.x, at.y]), tile)
            yield District(
                adcode=adcode_of(plan.number, tile),
                name_zh=plan.name_zh + mark,
                name_en=f"{plan.name_en} {mark}".strip(),
                ring=_ring(shape, tile),
                label=(float(lon), float(lat)),
                supplier=plan.enterprise,
            )


def _street_roads(streets: Streets) -> Iterator[tuple[str, str, np.ndarray]]:
    start = 0
    count = len(streets.ends)
    while start < count:
        stop = start + 1
        limit = _PIECES_A_ROAD if streets.klass[start] in (ARTERIAL, SECONDARY) else 1
        while (
            stop < count
            and stop - start < limit
            and streets.line[stop] == streets.line[start]
            and streets.ends[stop, 0] == streets.ends[stop - 1, 1]
            and streets.bridge[stop] == streets.bridge[start]
        ):
            stop += 1
        chain = [*streets.ends[start:stop, 0], streets.ends[stop - 1, 1]]
        yield (
            streets.line_names[streets.line[start]],
            _ROAD_WORDS[int(streets.klass[start])],
            streets.xy[chain],
        )
        start = stop


def roads(scale: int = 1) -> Iterator[Road]:
    """Yield the roads, about 6,000 a tile; main roads in stretches of two blocks."""
    streets = city_plan().streets
    for tile in range(checked_scale(scale)):
        for name, line in streets.express:
            yield Road(name, "express", lonlat_from_metres(line, tile))
        for name, klass, line in _street_roads(streets):
            yield Road(name, klass, lonlat_from_metres(line, tile))
        for name, line in streets.lanes:
            yield Road(name, "local", lonlat_from_metres(line, tile))


def waters(scale: int = 1) -> Iterator[Area]:
    """Yield river and lakes."""
    terrain = city_plan().terrain
    for tile in range(checked_scale(scale)):
        yield Area(RIVER_NAME, "river", _ring(terrain.river, tile))
        for name, lake in terrain.lakes:
            yield Area(name, "lake", _ring(lake, tile))


def greens(scale: int = 1) -> Iterator[Area]:
    """Yield parks and the green banks of the river."""
    terrain = city_plan().terrain
    for tile in range(checked_scale(scale)):
        for name, park in terrain.parks:
            yield Area(name, "park", _ring(park, tile))
        for bank in terrain.banks:
            yield Area("滨江绿带", "bank", _ring(bank, tile))


def buildings(scale: int = 1) -> Iterator[Building]:
    """Yield the buildings, more than 8,000 a tile."""
    plan = city_plan().buildings
    heights = plan.height_m()
    for tile in range(checked_scale(scale)):
        rings = lonlat_from_metres(plan.rings, tile)
        for kind, height_m, ring in zip(plan.kind, heights, rings, strict=True):
            yield Building(KINDS[kind], float(height_m), ring)
