"""What nature and law gave the city: river, lakes, outline, ten districts, parks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from shapely.geometry import LineString, MultiPoint, Polygon
from shapely.geometry.base import BaseGeometry
from shapely.ops import unary_union

from ingestion_adapters.demo.frame import Metres, random_for

RIVER_NAME = "云川江"
_RIVER_ANGLE = np.radians(33.0)
_RIVER_START = np.array([0.0, 550.0])


@dataclass(frozen=True)
class DistrictPlan:
    """Where a district lies and who supplies it; `number` is the last part of its adcode."""

    number: int
    name_zh: str
    name_en: str
    x_m: float
    y_m: float
    north_bank: bool
    enterprise: str


DISTRICT_PLANS = (
    DistrictPlan(1, "城中区", "Chengzhong District", -300, -1900, False, "YCRQ"),
    DistrictPlan(2, "江北区", "Jiangbei District", -1400, 4600, True, "JBRQ"),
    DistrictPlan(3, "临湖区", "Linhu District", 5600, 9800, True, "JBRQ"),
    DistrictPlan(4, "高新区", "Gaoxin District", 5200, -1900, False, "KFQRQ"),
    DistrictPlan(5, "南城区", "Nancheng District", 900, -6900, False, "YCRQ"),
    DistrictPlan(6, "西山区", "Xishan District", -5600, -5600, False, "YCRQ"),
    DistrictPlan(7, "港区", "Port District", 10600, 2200, False, "KFQRQ"),
    DistrictPlan(8, "云岭县", "Yunling County", -9000, 7400, True, "JBRQ"),
    DistrictPlan(9, "青田县", "Qingtian County", -9300, -10400, False, "YCRQ"),
    DistrictPlan(10, "东渡县", "Dongdu County", 7600, -10200, False, "KFQRQ"),
)


@dataclass(frozen=True)
class Terrain:
    """River, lakes, outline, parks, districts as in `DISTRICT_PLANS`; metres."""

    river: Polygon
    river_line: LineString
    lakes: tuple[tuple[str, Polygon], ...]
    outline: Polygon
    districts: tuple[Polygon, ...]
    parks: tuple[tuple[str, Polygon], ...]
    banks: tuple[Polygon, ...]

    def wet(self) -> BaseGeometry:
        """Return all water as one shape."""
        return unary_union([self.river, *(lake for _, lake in self.lakes)])

    def green(self) -> BaseGeometry:
        """Return all parks and green banks as one shape."""
        return unary_union([*(park for _, park in self.parks), *self.banks])


def _river() -> tuple[LineString, Polygon]:
    along = np.linspace(-26_000, 26_000, 420)
    forward = np.array([np.cos(_RIVER_ANGLE), np.sin(_RIVER_ANGLE)])
    left = np.array([-forward[1], forward[0]])
    bend = 780 * np.sin(along / 4300 + 0.7) + 260 * np.sin(along / 1750) - 420
    line = _RIVER_START + along[:, None] * forward + bend[:, None] * left
    half = 205 + 55 * np.sin(along / 2900 + 1.1) + 22 * np.sin(along / 900)
    slope = np.gradient(line, axis=0)
    slope /= np.hypot(*slope.T)[:, None]
    across = np.column_stack([-slope[:, 1], slope[:, 0]]) * half[:, None]
    return LineString(line), Polygon(np.vstack([line + across, (line - across)[::-1]])).buffer(0)


def blob(x_m: float, y_m: float, radius_m: float, chance: np.random.Generator) -> Polygon:
    """Return a smooth irregular shape around a point."""
    angle = np.linspace(0, 2 * np.pi, 30, endpoint=False)
    phase, size = chance.uniform(0, 2 * np.pi, 3), chance.uniform(0.05, 0.2, 3)
    radius = radius_m * (1 + sum(size[k] * np.sin((k + 2) * angle + phase[k]) for k in range(3)))
    stretch = chance.uniform(0.75, 1.3)
    ring = np.column_stack([x_m + radius * np.cos(angle) * stretch, y_m + radius * np.sin(angle) / stretch])
    return Polygon(ring)


def _outline() -> Polygon:
    angle = np.linspace(0, 2 * np.pi, 240, endpoint=False)
    radius = 15_600 + 900 * np.sin(3 * angle + 0.4) + 520 * np.sin(7 * angle) + 210 * np.sin(17 * angle + 1)
    return Polygon(np.column_stack([radius * np.cos(angle), 0.97 * radius * np.sin(angle)]))


def _warp(ring: Metres) -> Metres:
    x, y = ring[:, 0], ring[:, 1]
    dx = 520 * np.sin(y / 1500 + 0.3) + 190 * np.sin(y / 430 + x / 700)
    dy = 480 * np.sin(x / 1700 + 1.1) + 170 * np.sin(x / 390 - y / 800)
    return np.column_stack([x + dx * 0.6, y + dy * 0.6])


def _side_of_river(line: LineString, north: bool) -> Polygon:
    far = 60_000.0 if north else -60_000.0
    ends = np.array(line.coords)
    return Polygon(np.vstack([ends, [[ends[-1, 0], far], [ends[0, 0], far]]])).buffer(0)


def _districts(outline: Polygon, river_line: LineString) -> tuple[Polygon, ...]:
    found: dict[int, Polygon] = {}
    for north in (True, False):
        plans = [plan for plan in DISTRICT_PLANS if plan.north_bank == north]
        seeds = MultiPoint([(plan.x_m, plan.y_m) for plan in plans])
        side = _side_of_river(river_line, north).intersection(outline)
        for cell in shapely.voronoi_polygons(seeds, extend_to=outline.buffer(9000).envelope).geoms:
            ring = np.array(cell.segmentize(220).exterior.coords)
            plan = next(plan for plan in plans if cell.contains(shapely.Point(plan.x_m, plan.y_m)))
            part = Polygon(_warp(ring)).buffer(0).intersection(side)
            found[plan.number] = max(getattr(part, "geoms", [part]), key=lambda shape: shape.area)
    return tuple(found[plan.number].simplify(12) for plan in DISTRICT_PLANS)


_PARK_NAMES = [
    "人民公园",
    "滨江公园",
    "云湖公园",
    "中山公园",
    "儿童公园",
    "翠屏公园",
    "望江公园",
    "青枫公园",
    "植物园",
    "体育公园",
    "梅园",
    "桂花园",
    "西山森林公园",
    "北塔公园",
    "南湖公园",
    "星光公园",
    "和平公园",
    "玉带公园",
    "荷塘公园",
    "文化公园",
    "松涛公园",
    "科学公园",
    "枫林公园",
    "玉兰公园",
    "竹海公园",
    "金沙公园",
    "龙泉公园",
    "凤鸣公园",
    "白鹭公园",
    "月牙公园",
    "百花公园",
    "长亭公园",
    "古渡公园",
    "牡丹园",
    "石榴园",
    "杏林公园",
    "银杏公园",
    "劳动公园",
    "青年公园",
    "湿地公园",
    "樱花园",
    "柳浪公园",
    "听雨公园",
    "观澜公园",
    "东郊公园",
    "栖霞公园",
    "稻香公园",
    "港口公园",
]


def _parks(taken: BaseGeometry) -> tuple[tuple[str, Polygon], ...]:
    chance, found = random_for(1, 11), []
    while len(found) < len(_PARK_NAMES):
        far, angle = 7600 * np.sqrt(chance.uniform()), chance.uniform(0, 2 * np.pi)
        size = chance.uniform(130, 330) + (170 if chance.uniform() < 0.15 else 0)
        park = blob(far * np.cos(angle), 0.85 * far * np.sin(angle), size, chance)
        if park.buffer(260).intersects(taken):
            continue
        found.append((_PARK_NAMES[len(found)], park))
        taken = taken.union(park)
    return tuple(found)


def build_terrain() -> Terrain:
    """Return the terrain; the same every time, for it is the city's identity."""
    line, river = _river()
    chance = random_for(1, 12)
    lakes = (
        ("临湖", blob(5200, 7900, 900, chance).difference(river.buffer(300))),
        ("南湖", blob(1500, -7300, 420, chance)),
        ("云岭水库", blob(-12300, 6300, 560, chance)),
        ("青田湖", blob(-11000, -8600, 330, chance)),
    )
    outline = _outline()
    wet = unary_union([river, *(lake for _, lake in lakes)])
    belt = river.buffer(150).difference(river).intersection(outline.buffer(-2500))
    banks = tuple(shape.simplify(8) for shape in getattr(belt, "geoms", [belt]))
    return Terrain(
        river=river.intersection(outline.buffer(2500)).simplify(4),
        river_line=line,
        lakes=lakes,
        outline=outline,
        districts=_districts(outline, line),
        parks=_parks(wet),
        banks=banks,
    )
