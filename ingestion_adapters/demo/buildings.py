"""Buildings: rows along the lanes of each block, kinds and heights by the part of the city."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from ingestion_adapters.demo.frame import Metres, random_for
from ingestion_adapters.demo.streets import TOWNS, Streets, built_up, warped
from ingestion_adapters.demo.terrain import Terrain

KINDS = ("residential", "commercial", "office", "industrial", "school", "hospital", "public")
RESIDENTIAL, COMMERCIAL, OFFICE, INDUSTRIAL, SCHOOL, HOSPITAL, PUBLIC = range(7)
_SIZES_M = np.array([[58, 15], [62, 38], [46, 34], [78, 44], [70, 30], [66, 36], [52, 36]], float)
_FLOOR_M = np.array([3.0, 4.2, 3.8, 9.0, 3.8, 4.0, 4.0])
_TOWN_BLOCK_M = 150.0


@dataclass(frozen=True)
class Buildings:
    """All buildings: rings of five points in metres, the middle, kind and floors."""

    rings: Metres
    middle: Metres
    kind: NDArray[np.int8]
    floors: NDArray[np.int16]

    def height_m(self) -> NDArray[np.float64]:
        """Return heights in metres."""
        return np.round(self.floors * _FLOOR_M[self.kind] + 1.2, 1)


def industrial(xy: Metres) -> NDArray[np.bool_]:
    """Return whether points lie in the works quarters: the port, the old works in the west."""
    x, y = xy[..., 0], xy[..., 1]
    east = (x > 4700) & (y < 3400) & (y > -3200)
    west = (x < -3500) & (y < -3300)
    return east | west


def _kinds(xy: Metres, chance: np.random.Generator) -> NDArray[np.int8]:
    core = np.exp(-((np.hypot(xy[:, 0] - 200, xy[:, 1] + 900) / 1700) ** 2))
    works = industrial(xy)
    shares = np.empty((len(xy), len(KINDS)))
    shares[:, RESIDENTIAL] = np.where(works, 0.38, 0.8 - 0.34 * core)
    shares[:, COMMERCIAL] = np.where(works, 0.06, 0.08 + 0.2 * core)
    shares[:, OFFICE] = np.where(works, 0.04, 0.03 + 0.14 * core)
    shares[:, INDUSTRIAL] = np.where(works, 0.46, 0.012)
    shares[:, SCHOOL], shares[:, HOSPITAL], shares[:, PUBLIC] = 0.03, 0.007, 0.02
    edges = np.cumsum(shares / shares.sum(axis=1, keepdims=True), axis=1)
    return (chance.uniform(size=(len(xy), 1)) > edges).sum(axis=1).clip(0, 6).astype(np.int8)


def _floors(kind: NDArray[np.int8], xy: Metres, chance: np.random.Generator) -> NDArray[np.int16]:
    centre = np.clip(built_up(xy), 0, 1)
    low = chance.integers(3, 8, len(kind))
    tall = chance.integers(11, 34, len(kind))
    towers = chance.uniform(size=len(kind)) < 0.08 + 0.34 * centre
    homes = np.where(towers, tall, np.maximum(low, np.where(centre > 0.3, 6, 4)))
    shops = chance.integers(2, 7, len(kind))
    offices = np.where(towers, chance.integers(14, 42, len(kind)), chance.integers(5, 14, len(kind)))
    choices = [
        homes,
        shops,
        offices,
        np.full(len(kind), 1),
        np.full(len(kind), 5),
        np.minimum(tall, 18),
        low,
    ]
    return np.choose(kind, choices).astype(np.int16)


def _slots(streets: Streets, chance: np.random.Generator) -> NDArray[np.float64]:
    """Return u, v of the slots: two or three along each side of a block's lane."""
    cells = streets.cells
    found = []
    for half in (0.27, 0.73):
        for place in (0.2, 0.5, 0.8):
            u = cells[:, 0] + (cells[:, 2] - cells[:, 0]) * (place + chance.uniform(-0.02, 0.02, len(cells)))
            v = cells[:, 1] + (cells[:, 3] - cells[:, 1]) * (half + chance.uniform(-0.03, 0.03, len(cells)))
            found.append(np.column_stack([u, v]))
    return np.vstack(found)


def _shaped(kind: NDArray[np.int8], floors: NDArray[np.int16], chance: np.random.Generator) -> Metres:
    size = _SIZES_M[kind] * chance.uniform(0.78, 1.06, (len(kind), 2))
    towers = (floors > 11) & (kind == RESIDENTIAL)
    size[towers] = chance.uniform(21, 29, (int(towers.sum()), 2))
    return size / 2


def _ring_offsets(half: Metres) -> Metres:
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1], [-1, -1]], float)
    return corners[None] * half[:, None, :]


def _grid_buildings(streets: Streets) -> tuple[Metres, NDArray[np.int8], NDArray[np.int16]]:
    chance = random_for(3, 1)
    uv = _slots(streets, chance)
    xy = warped(uv[:, 0], uv[:, 1])
    keep = chance.uniform(size=len(uv)) < np.clip(0.4 + 0.62 * built_up(xy), 0.25, 0.9)
    uv, xy = uv[keep], xy[keep]
    kind = _kinds(xy, chance)
    floors = _floors(kind, xy, chance)
    ring = uv[:, None, :] + _ring_offsets(_shaped(kind, floors, chance))
    return warped(ring[..., 0], ring[..., 1]), kind, floors


def _town_buildings(
    town: tuple[int, str, float, float, float],
) -> tuple[Metres, NDArray[np.int8], NDArray[np.int16]]:
    number, _, x, y, turn = town
    chance = random_for(3, 10 + number)
    i, j = np.meshgrid(np.arange(-5, 6) + 0.5, np.arange(-4, 5) + 0.5, indexing="ij")
    near = np.hypot(i / 6.0, j / 5.0) < 1
    uv = np.column_stack([i[near], j[near]]) * 170.0
    uv = np.vstack([uv + [-36, -30], uv + [36, -30], uv + [-36, 30], uv + [36, 30]])
    uv = uv[chance.uniform(size=len(uv)) < 0.72]
    kind = _kinds(np.full_like(uv, -20_000.0), chance)
    floors = np.minimum(_floors(kind, np.full_like(uv, 20_000.0), chance), 7)
    ring = uv[:, None, :] + _ring_offsets(_shaped(kind, floors, chance) * 0.72)
    cos, sin = np.cos(turn), np.sin(turn)
    turned = np.stack([ring[..., 0] * cos - ring[..., 1] * sin, ring[..., 0] * sin + ring[..., 1] * cos], axis=-1)
    return turned + [x, y], kind, floors


def build_buildings(terrain: Terrain, streets: Streets) -> Buildings:
    """Return all buildings that stand clear of water, parks and the ring expressway."""
    parts = [_grid_buildings(streets), *(_town_buildings(town) for town in TOWNS)]
    rings = np.vstack([part[0] for part in parts])
    kind = np.concatenate([part[1] for part in parts])
    floors = np.concatenate([part[2] for part in parts])
    shapes = shapely.polygons(rings)
    ways = [shapely.LineString(line) for _, line in streets.express]
    taken = shapely.union_all([terrain.wet(), terrain.green(), *(way.buffer(32) for way in ways)])
    shapely.prepare(taken)
    free = ~shapely.intersects(taken, shapes)
    rings, kind, floors = rings[free], kind[free], floors[free]
    return Buildings(rings=rings, middle=rings[:, :4].mean(axis=1), kind=kind, floors=floors)
