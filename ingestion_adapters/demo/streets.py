"""The street plan: a warped grid of three classes, three county towns, a ring."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import LineString

from ingestion_adapters.demo import names
from ingestion_adapters.demo.frame import Metres, random_for
from ingestion_adapters.demo.terrain import Terrain

ARTERIAL, SECONDARY, LOCAL = 1, 2, 3
STEP_M = 230.0
_HALF_I, _HALF_J = 36, 34
_TOWN_STEP_M = 170.0


@dataclass(frozen=True)
class Streets:
    """Crossings and the street pieces between them; metres of the frame."""

    xy: Metres
    ends: NDArray[np.int32]
    klass: NDArray[np.int8]
    line: NDArray[np.int32]
    line_names: tuple[str, ...]
    bridge: NDArray[np.bool_]
    town: NDArray[np.int8]
    cells: Metres
    lanes: tuple[tuple[str, Metres], ...]
    express: tuple[tuple[str, Metres], ...]
    ring: Metres

    def middle(self) -> Metres:
        """Return the middle of each piece; (m, 2)."""
        return (self.xy[self.ends[:, 0]] + self.xy[self.ends[:, 1]]) / 2

    def piece_m(self) -> NDArray[np.float64]:
        """Return the length of each piece in metres."""
        return np.hypot(*(self.xy[self.ends[:, 0]] - self.xy[self.ends[:, 1]]).T)


def warped(u: Metres, v: Metres) -> Metres:
    """Return metres of the frame for grid metres: the plan's tilt and gentle bends; (..., 2)."""
    x = 0.979 * u - 0.035 * v + 150 * np.sin(v / 2600 + 0.5) + 50 * np.sin(u / 1900)
    y = 0.205 * u + 0.999 * v + 190 * np.sin(u / 3100) + 70 * np.sin(v / 2300 + u / 4000)
    return np.stack([x, y], axis=-1)


def built_up(xy: Metres) -> NDArray[np.float64]:
    """Return how far inside the built-up area points lie: 1 centre, 0 edge, below outside."""
    x, y = xy[..., 0], xy[..., 1]
    angle = np.arctan2(y, x)
    reach = 1 + 0.09 * np.sin(3 * angle + 0.8) + 0.06 * np.sin(5 * angle) + 0.03 * np.sin(11 * angle)
    return 1 - np.hypot(x / 7200, y / 6300) / reach


def class_of_line(index: NDArray[np.int_]) -> NDArray[np.int8]:
    """Return the class of a grid line by its place: each sixth arterial, each third secondary."""
    return np.where(index % 6 == 0, ARTERIAL, np.where(index % 3 == 0, SECONDARY, LOCAL)).astype(np.int8)


class _Plan:
    """The growing street plan."""

    def __init__(self) -> None:
        self.xy: list[Metres] = []
        self.count = 0
        self.pieces: list[NDArray[np.int64]] = []
        self.line_names: list[str] = []

    def add_points(self, xy: Metres) -> int:
        first = self.count
        self.xy.append(xy)
        self.count += len(xy)
        return first

    def add_line(self, name: str) -> int:
        self.line_names.append(name)
        return len(self.line_names) - 1

    def add_pieces(self, a: NDArray[np.int_], b: NDArray[np.int_], *rest: object) -> None:
        columns = np.broadcast_arrays(a, b, *(np.asarray(value) for value in rest))
        self.pieces.append(np.column_stack(columns).astype(np.int64))


def _grid_lines(plan: _Plan, ids: NDArray[np.int_], axis: int, terrain: Terrain) -> None:
    chance = random_for(2, 20 + axis)
    lengthwise = ids if axis == 0 else ids.T
    half = (_HALF_I, _HALF_J)[axis]
    xy = np.vstack(plan.xy)
    river, wet = terrain.river, terrain.wet().buffer(25)
    for row in range(lengthwise.shape[0]):
        index = row - half
        klass = int(class_of_line(np.array(index)))
        a, b = lengthwise[row, :-1], lengthwise[row, 1:]
        there = (a >= 0) & (b >= 0)
        a, b = a[there], b[there]
        pieces = shapely.linestrings(np.stack([xy[a], xy[b]], axis=1))
        crosses = shapely.intersects(pieces, river)
        bridges = klass == ARTERIAL and axis == 0 and index % 12 in (0, 6) and abs(index) <= 24
        keep = ~shapely.intersects(pieces, wet) | (crosses & bridges)
        if klass == LOCAL:
            inside = built_up((xy[a] + xy[b]) / 2)
            keep &= chance.uniform(size=len(a)) < np.clip(0.62 + 0.5 * inside, 0.3, 0.93)
        name = names.grid_line(axis, index, klass)
        a, b, crosses = a[keep], b[keep], crosses[keep]
        if klass != LOCAL:
            plan.add_pieces(a, b, klass, plan.add_line(name), crosses, 0)
            continue
        for block in np.unique((np.arange(len(a))) // 6):
            part = slice(block * 6, block * 6 + 6)
            line = plan.add_line(names.lane(2 * abs(index) + axis, int(block)))
            plan.add_pieces(a[part], b[part], klass, line, crosses[part], 0)


def _add_grid(plan: _Plan, terrain: Terrain) -> Metres:
    i = np.arange(-_HALF_I, _HALF_I + 1)
    j = np.arange(-_HALF_J, _HALF_J + 1)
    u = STEP_M * i + 26 * np.sin(i * 1.9)
    v = STEP_M * j + 24 * np.sin(j * 1.3 + 1)
    xy = warped(*np.meshgrid(u, v, indexing="ij"))
    inside = built_up(xy) > 0
    wet = shapely.contains_xy(terrain.wet().buffer(20), xy[..., 0], xy[..., 1])
    bridge_line = (np.abs(i) <= 24) & (i % 6 == 0)
    in_river = shapely.contains_xy(terrain.river.buffer(25), xy[..., 0], xy[..., 1])
    there = inside & (~wet | (in_river & bridge_line[:, None]))
    ids = np.full(there.shape, -1)
    ids[there] = np.arange(there.sum())
    plan.add_points(xy[there])
    _grid_lines(plan, ids, 0, terrain)
    _grid_lines(plan, ids, 1, terrain)
    whole = there[:-1, :-1] & there[1:, :-1] & there[:-1, 1:] & there[1:, 1:]
    cell_i, cell_j = np.nonzero(whole)
    return np.column_stack([u[cell_i], v[cell_j], u[cell_i + 1], v[cell_j + 1]])


TOWNS = (
    (8, "云岭", -9600.0, 6900.0, 0.18),
    (9, "青田", -8900.0, -10100.0, -0.3),
    (10, "东渡", 8300.0, -9300.0, 0.42),
)


def _add_town(plan: _Plan, town: tuple[int, str, float, float, float]) -> int:
    number, name, x, y, turn = town
    i, j = np.meshgrid(np.arange(-6, 7), np.arange(-5, 6), indexing="ij")
    u, v = _TOWN_STEP_M * i + 14 * np.sin(j * 0.8), _TOWN_STEP_M * j + 18 * np.sin(i * 0.6)
    cos, sin = np.cos(turn), np.sin(turn)
    xy = np.stack([x + u * cos - v * sin, y + u * sin + v * cos], axis=-1)
    there = np.hypot(i / 6.4, j / 5.4) < 1.0
    first = plan.count
    ids = np.full(there.shape, -1)
    ids[there] = first + np.arange(there.sum())
    plan.add_points(xy[there])
    chance = random_for(2, 40 + number)
    for axis in (0, 1):
        rows, half = (ids, 6) if axis == 0 else (ids.T, 5)
        for row in range(rows.shape[0]):
            index = row - half
            klass = ARTERIAL if index == 0 else SECONDARY if index % 3 == 0 else LOCAL
            a, b = rows[row, :-1], rows[row, 1:]
            keep = (a >= 0) & (b >= 0) & ((klass != LOCAL) | (chance.uniform(size=len(a)) < 0.82))
            line = plan.add_line(names.town_line(name, axis, index, klass))
            plan.add_pieces(a[keep], b[keep], klass, line, False, number)
    return int(ids[6, 5])


def _link_town(plan: _Plan, centre: int, town: tuple[int, str, float, float, float], terrain: Terrain) -> None:
    xy = np.vstack(plan.xy)
    pieces = np.vstack(plan.pieces)
    main = pieces[(pieces[:, 2] == ARTERIAL) & (pieces[:, 5] == 0)]
    district = terrain.districts[town[0] - 1]
    candidates = np.unique(main[:, :2])
    own = np.unique(pieces[(pieces[:, 2] == ARTERIAL) & (pieces[:, 5] == town[0])][:, :2])
    clear = ~shapely.contains_xy(terrain.river.buffer(200), *xy[candidates].T)
    same = [
        shapely.contains_xy(shape, *xy[candidates].T)
        for shape in (district, *_neighbours_of_same_supplier(town[0], terrain))
    ]
    candidates = candidates[clear & np.logical_or.reduce(same)]
    far = np.hypot(*(xy[own][:, None] - xy[candidates][None]).transpose(2, 0, 1))
    near_own, near_main = np.unravel_index(np.argmin(far), far.shape)
    start, end = int(own[near_own]), int(candidates[near_main])
    steps = max(2, int(far.min() / 320))
    share = np.linspace(0, 1, steps + 1)[1:-1, None]
    side = np.array([[0, -1], [1, 0]]) @ (xy[end] - xy[start])
    way = xy[start] + share * (xy[end] - xy[start]) + np.sin(np.pi * share) * 0.06 * side
    first = plan.add_points(way)
    chain = np.array([start, *range(first, first + len(way)), end])
    line = plan.add_line(f"{town[1]}大道")
    plan.add_pieces(chain[:-1], chain[1:], ARTERIAL, line, False, town[0])


def _neighbours_of_same_supplier(number: int, terrain: Terrain) -> list[shapely.Polygon]:
    groups = ((2, 3, 8), (1, 5, 6, 9), (4, 7, 10))
    group = next(group for group in groups if number in group)
    return [terrain.districts[other - 1] for other in group if other != number]


def _lanes(cells: Metres, terrain: Terrain) -> tuple[tuple[str, Metres], ...]:
    chance = random_for(2, 60)
    middle = warped((cells[:, 0] + cells[:, 2]) / 2, (cells[:, 1] + cells[:, 3]) / 2)
    keep = chance.uniform(size=len(cells)) < np.clip(0.8 + 0.5 * built_up(middle), 0, 1)
    keep &= ~shapely.contains_xy(terrain.green().buffer(90), *middle.T)
    found = []
    for index in np.nonzero(keep)[0]:
        u0, v0, u1, v1 = cells[index]
        mid_v = (v0 + v1) / 2
        whole = chance.uniform() < 0.62
        end = u1 if whole else u0 + 0.6 * (u1 - u0)
        line = warped(np.linspace(u0, end, 4), np.full(4, mid_v))
        found.append((names.alley(int(index)), line))
    return tuple(found)


def ring_line() -> Metres:
    """Return the ring expressway as a closed line; (n, 2)."""
    angle = np.linspace(0, 2 * np.pi, 181)
    cos, sin = np.cos(angle), np.sin(angle)
    x = 4900 * np.sign(cos) * np.abs(cos) ** 0.86
    y = 4150 * np.sign(sin) * np.abs(sin) ** 0.86
    return np.column_stack([200 + x - 0.04 * y, 0.16 * x + y - 150 + 90 * np.sin(3 * angle)])


def _chunks(line: Metres, per_chunk: int) -> list[Metres]:
    starts = range(0, len(line) - 1, per_chunk)
    return [line[start : start + per_chunk + 1] for start in starts]


def _express(ring: Metres) -> tuple[tuple[str, Metres], ...]:
    found = [("环城快速路", part) for part in _chunks(ring, 9)]
    rays = (
        ("云东快速路", 18, 16800.0, -0.12),
        ("云北高速", 62, 15600.0, 0.1),
        ("机场高速", 96, 15900.0, 0.14),
        ("云西快速路", 118, 16400.0, -0.1),
        ("南环联络线", 140, 15200.0, 0.08),
        ("云港高速", 4, 16500.0, 0.16),
    )
    for name, at, reach, bend in rays:
        start = ring[at]
        out = start / np.hypot(*start)
        along = np.linspace(0, reach - np.hypot(*start), 40)
        side = np.array([-out[1], out[0]])
        sway = bend * along * (0.6 + 0.4 * np.sin(along / 3500))
        line = start + along[:, None] * out + sway[:, None] * side
        found += [(name, part) for part in _chunks(line, 10)]
    return tuple(found)


def build_streets(terrain: Terrain) -> Streets:
    """Return the street plan on a terrain."""
    plan = _Plan()
    cells = _add_grid(plan, terrain)
    for town in TOWNS:
        _link_town(plan, _add_town(plan, town), town, terrain)
    pieces = np.vstack(plan.pieces)
    ring = ring_line()
    return Streets(
        xy=np.vstack(plan.xy),
        ends=pieces[:, :2].astype(np.int32),
        klass=pieces[:, 2].astype(np.int8),
        line=pieces[:, 3].astype(np.int32),
        line_names=tuple(plan.line_names),
        bridge=pieces[:, 4].astype(bool),
        town=pieces[:, 5].astype(np.int8),
        cells=cells,
        lanes=_lanes(cells, terrain),
        express=_express(ring),
        ring=ring,
    )


def line_of(streets: Streets, pieces: NDArray[np.int_]) -> LineString:
    """Return the pieces, which must follow each other, as one line."""
    ends = streets.ends[pieces]
    return LineString(streets.xy[[*ends[:, 0], ends[-1, 1]]])
