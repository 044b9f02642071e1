"""The 1,500 monitoring points of a tile: what each measures, its limits, and how its value behaves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from ingestion_adapters.contract import Point
from ingestion_adapters.demo.codebook import codebook_of
from ingestion_adapters.demo.demand import peak_m3_per_h
from ingestion_adapters.demo.frame import SEED, lonlat_from_metres, random_for
from ingestion_adapters.demo.identity import enterprise_named
from ingestion_adapters.demo.netparts import (
    END,
    GATE,
    LNG,
    LOW,
    MEDIUM_A,
    MEDIUM_B,
    STORAGE,
    SUB_HIGH_B,
    Network,
)
from ingestion_adapters.demo.network import ENTERPRISE_KEYS, network_of
from ingestion_adapters.demo.users import users_of

POINTS_A_TILE = 1500
PERIOD_S = 300
PRESSURE, FLOW, GAS, TEMPERATURE, LEVEL, POSITION, POTENTIAL, ODORANT, FILTER = 1, 2, 3, 4, 5, 6, 9, 11, 13
FALLS, FOLLOWS, BREATHES, WARMS, SAWS, STEADY, CLOGS = range(7)
_SHARES = {"YCRQ": 730, "JBRQ": 400, "KFQRQ": 370}
_WORDS = {1: "压力", 2: "流量", 3: "甲烷浓度", 4: "温度", 5: "液位", 6: "阀位", 9: "阴保电位", 11: "加臭浓度", 13: "过滤器压差"}
Limits = tuple[float | None, float | None, float | None, float | None]


@dataclass(frozen=True)
class PointPlan:
    """One point: the object it belongs to, limits (LL, L, H, HH), and its behaviour.

    `base`, `swing` and `noise` feed the model: FALLS base - swing·demand², FOLLOWS base + swing·demand,
    BREATHES base + noise, WARMS base + swing·day, SAWS between base and base + swing, STEADY, CLOGS.
    """

    owner: tuple[str, int]
    what: str
    measure: int
    unit: str
    xy: tuple[float, float]
    span: tuple[float, float]
    limits: Limits
    model: int
    base: float
    swing: float
    noise: float
    serial: int = 1


def _of_set(set_point: float, *shares: float) -> Limits:
    low_low, low, high, high_high = (round(set_point * share, 4) for share in shares)
    return low_low, low, high, high_high


def _gate(number: int, station_xy: tuple[float, float], p_out: float, peak_m3_per_h: float) -> list[PointPlan]:
    def plan(what: str, *rest: object) -> PointPlan:
        return PointPlan(("station", number), what, *rest)  # type: ignore[arg-type]

    xy = station_xy
    return [
        plan("进站压力", PRESSURE, "MPa", xy, (0.0, 4.0), _of_set(2.4, 0.8, 0.9, 1.1, 1.2), FALLS, 2.42, 0.05, 0.008, 1),
        plan("出站压力", PRESSURE, "MPa", xy, (0.0, 2.5), _of_set(p_out, 0.85, 0.92, 1.06, 1.09), FALLS, p_out, 0.012 * p_out, 0.003 * p_out, 2),
        plan("瞬时流量", FLOW, "m³/h", xy, (0.0, 2 * peak_m3_per_h), (None, None, round(1.5 * peak_m3_per_h), round(1.8 * peak_m3_per_h)), FOLLOWS, 0.0, peak_m3_per_h, 0.012 * peak_m3_per_h, 1),
        plan("进站温度", TEMPERATURE, "℃", xy, (-20.0, 80.0), (-5.0, 0.0, 50.0, None), WARMS, 13.0, 3.0, 0.25, 1),
        plan("加臭浓度", ODORANT, "mg/m³", xy, (0.0, 60.0), (None, 15.0, 30.0, None), STEADY, 21.5, 0.0, 0.5, 1),
        plan("站区可燃气体", GAS, "%LEL", xy, (0.0, 100.0), (None, None, 20.0, 50.0), BREATHES, 0.6, 0.0, 0.4, 1),
        plan("计量区可燃气体", GAS, "%LEL", xy, (0.0, 100.0), (None, None, 20.0, 50.0), BREATHES, 0.5, 0.0, 0.4, 2),
    ]


def _tank_station(number: int, kind: int, xy: tuple[float, float], send_m3_per_h: float) -> list[PointPlan]:
    owner = ("station", number)
    found = [PointPlan(owner, "外输压力", PRESSURE, "MPa", xy, (0.0, 1.0), _of_set(0.36, 0.8, 0.9, 1.08, 1.15), FALLS, 0.36, 0.006, 0.001, 1)]
    if kind != LNG:
        found.append(PointPlan(owner, "储罐压力", PRESSURE, "MPa", xy, (0.0, 1.6), (0.1, 0.2, 1.35, 1.45), SAWS, 0.45, 0.7, 0.004, 2))
        return found
    for tank in (1, 2):
        found += [
            PointPlan(owner, f"{tank}号储罐液位", LEVEL, "%", xy, (0.0, 100.0), (10.0, 20.0, 85.0, 90.0), SAWS, 31.0, 50.0, 0.15, tank),
            PointPlan(owner, f"{tank}号储罐压力", PRESSURE, "MPa", xy, (0.0, 1.2), (0.2, 0.3, 0.68, 0.75), FALLS, 0.5, 0.05, 0.004, tank + 1),
        ]
    found.append(PointPlan(owner, "外输流量", FLOW, "m³/h", xy, (0.0, 3000.0), (None, None, 2600.0, 2850.0), FOLLOWS, 0.0, send_m3_per_h, 0.02 * send_m3_per_h, 1))
    found.append(PointPlan(owner, "气化区可燃气体", GAS, "%LEL", xy, (0.0, 100.0), (None, None, 20.0, 50.0), BREATHES, 0.6, 0.0, 0.4, 1))
    return found


def _medium_regulator(number: int, xy: tuple[float, float], inlet_mpa: float, outlet_mpa: float, load: float) -> list[PointPlan]:
    owner = ("regulator", number)
    high, high_high = (outlet_mpa + 0.02, outlet_mpa + 0.04) if outlet_mpa < 0.4 else (outlet_mpa * 1.05, outlet_mpa * 1.1)
    return [
        PointPlan(owner, "进口压力", PRESSURE, "MPa", xy, (0.0, 2.5 * inlet_mpa), _of_set(inlet_mpa, 0.7, 0.82, 1.06, 1.1), FALLS, inlet_mpa, 0.06 * inlet_mpa, 0.004 * inlet_mpa, 1),
        PointPlan(owner, "出口压力", PRESSURE, "MPa", xy, (0.0, 2.5 * outlet_mpa), (round(outlet_mpa * 0.8, 4), round(outlet_mpa * 0.9, 4), round(high, 4), round(high_high, 4)), FALLS, outlet_mpa, 0.025 * outlet_mpa, 0.005 * outlet_mpa, 2),
        PointPlan(owner, "瞬时流量", FLOW, "m³/h", xy, (0.0, 12_000.0), (None, None, round(1.6 * load, 1), round(1.9 * load, 1)), FOLLOWS, 0.0, load, 0.02 * load, 1),
    ]


def _class_pressure_mpa(klass: int) -> float:
    return {2: 2.4, 3: 1.5, 4: 0.75, 5: 0.35, 6: 0.16}[klass]


def _station_points(key: str, network: Network, peak: float) -> Iterator[PointPlan]:
    has_lng = any(station.kind == LNG for station in network.stations)
    for number, station in enumerate(network.stations):
        if station.kind == GATE:
            yield from _gate(number, station.xy, station.p_out_mpa or 0.0, peak * (0.94 if has_lng else 1.0))
        if station.kind in (LNG, STORAGE):
            yield from _tank_station(number, station.kind, station.xy, 0.06 * peak)


def _regulator_points(network: Network, loads: NDArray[np.float64], chance: np.random.Generator) -> Iterator[PointPlan]:
    for number, regulator in enumerate(network.regulators):
        x, y = network.xy[regulator.inlet].tolist()
        if regulator.outlet_class < LOW:
            inlet, outlet = _class_pressure_mpa(regulator.inlet_class), _class_pressure_mpa(regulator.outlet_class)
            yield from _medium_regulator(number, (x, y), inlet, outlet, float(loads[number]))
            yield PointPlan(("regulator", number), "过滤器压差", FILTER, "kPa", (x, y), (0.0, 50.0), (None, None, 10.0, 20.0), CLOGS, float(chance.uniform(1.5, 4.0)), 2.4, 0.12, 1)
            continue
        set_kpa = float(chance.uniform(2.45, 2.75))
        yield PointPlan(("regulator", number), "出口压力", PRESSURE, "kPa", (x, y), (0.0, 10.0), (1.0, 1.5, 3.5, 4.0), FALLS, set_kpa, 0.12, 0.005 * set_kpa, 1)
        yield PointPlan(("regulator", number), "进口压力", PRESSURE, "MPa", (x, y), (0.0, 0.4), (0.05, 0.08, 0.19, 0.2), FALLS, 0.156, 0.012, 0.0009, 2)


def _network_points(network: Network, chance: np.random.Generator) -> Iterator[PointPlan]:
    ends = np.nonzero((network.node_kind == END) & (network.node_class == LOW))[0]
    for node in chance.permutation(ends)[: int(0.5 * len(ends))].tolist():
        base = float(chance.uniform(2.35, 2.6))
        yield PointPlan(("node", node), "末端压力", PRESSURE, "kPa", tuple(network.xy[node].tolist()), (0.0, 10.0), (0.8, 1.5, 3.0, 3.5), FALLS, base, float(chance.uniform(0.2, 0.5)), 0.012)
    for klass, every, base in ((MEDIUM_A, 14, 0.34), (MEDIUM_B, 12, 0.155)):
        nodes = np.nonzero((network.node_class == klass) & (network.node_kind != 5))[0]
        for node in nodes[::every].tolist():
            yield PointPlan(("node", node), "管网压力", PRESSURE, "MPa", tuple(network.xy[node].tolist()), (0.0, 0.6), _of_set(base, 0.7, 0.8, 1.12, 1.2), FALLS, base, 0.07 * base, 0.004 * base)
    for number, valve in enumerate(network.valves):
        if valve.remote:
            yield PointPlan(("valve", number), "阀位", POSITION, "%", tuple(network.xy[valve.node].tolist()), (0.0, 100.0), (None, 90.0, None, None), STEADY, 100.0, 0.0, 0.0)
    steel = [i for i, pipe in enumerate(network.pipes) if pipe.klass <= SUB_HIGH_B and network.pipe_length_m[i] > 200]
    for number in steel[::2]:
        middle = network.pipes[number].line.mean(axis=0)
        yield PointPlan(("pipe", number), "阴保电位", POTENTIAL, "V", tuple(middle.tolist()), (-3.0, 0.0), (-1.3, -1.2, -0.85, -0.75), STEADY, float(chance.uniform(-1.12, -0.95)), 0.0, 0.012)


def _manholes(network: Network, count: int, chance: np.random.Generator) -> Iterator[PointPlan]:
    """Yield methane points in valve chambers, then in the street chambers beside mains."""
    valves = [("valve", number) for number in chance.permutation(len(network.valves)).tolist()]
    for kind, number in valves[:count]:
        xy = network.xy[network.valves[number].node]
        yield PointPlan((kind, number), "阀井甲烷", GAS, "%VOL", tuple((xy + 1.5).tolist()), (0.0, 20.0), (None, None, 1.0, 2.5), BREATHES, 0.02, 0.0, 0.012, 9)
    for number in chance.permutation(len(network.pipes)).tolist()[: max(0, count - len(valves))]:
        xy = network.pipes[number].line.mean(axis=0)
        yield PointPlan(("pipe", number), "窨井甲烷", GAS, "%VOL", tuple((xy + 3.0).tolist()), (0.0, 20.0), (None, None, 1.0, 2.5), BREATHES, 0.03, 0.0, 0.015, 8)


@cache
def plans_of(key: str) -> tuple[PointPlan, ...]:
    """Return the points of one enterprise in tile 0, as many as its share of the 1,500."""
    network, chance = network_of(key), random_for(SEED, 300 + ENTERPRISE_KEYS.index(key))
    peak = peak_m3_per_h(key)
    fed = np.bincount(users_of(key).regulator.clip(0), minlength=len(network.regulators)).astype(float)
    loads = regulator_loads(network, fed, peak)
    found = [
        *_station_points(key, network, peak),
        *_regulator_points(network, loads, chance),
        *_network_points(network, chance),
    ]
    room = _SHARES[key] - len(found)
    if room < 0:
        raise ValueError(f"{key} has {-room} points more than its share")
    return (*found, *_manholes(network, room, chance))


def regulator_loads(network: Network, fed: NDArray[np.float64], peak: float) -> NDArray[np.float64]:
    """Return the peak flow of each regulator: boxes by users, those above them by even shares."""
    klass = np.array([regulator.outlet_class for regulator in network.regulators])
    loads = np.full(len(klass), peak)
    for outlet in (MEDIUM_A, MEDIUM_B):
        loads[klass == outlet] = peak / max(1, int((klass == outlet).sum()))
    boxes = klass == LOW
    loads[boxes] = peak * 0.6 * fed[boxes] / max(1.0, float(fed[boxes].sum()))
    return loads


def first_index(key: str, tile: int = 0) -> int:
    """Return the city-wide number of an enterprise's first point in a tile."""
    before = ENTERPRISE_KEYS[: ENTERPRISE_KEYS.index(key)]
    return tile * POINTS_A_TILE + sum(_SHARES[other] for other in before)


def point_codes(key: str, tile: int = 0) -> list[str]:
    """Return the point codes of one enterprise in one tile, in the order of their numbers."""
    codes, naming = codebook_of(key, tile), enterprise_named(key).naming
    tables = {"station": codes.station, "regulator": codes.regulator, "node": codes.node, "valve": codes.valve, "pipe": codes.pipe}
    return [naming.point(tables[p.owner[0]][p.owner[1]], p.measure, p.serial, 0) for p in plans_of(key)]


def point_records(key: str, tile: int = 0) -> Iterator[Point]:
    """Yield the monitoring points of one enterprise in one tile."""
    codes = codebook_of(key, tile)
    tables = {"station": codes.station, "regulator": codes.regulator, "node": codes.node, "valve": codes.valve, "pipe": codes.pipe}
    plans = plans_of(key)
    places = lonlat_from_metres(np.array([plan.xy for plan in plans]), tile).tolist()
    for code, plan, (lon, lat) in zip(point_codes(key, tile), plans, places, strict=True):
        low_low, low, high, high_high = plan.limits
        yield Point(
            src_code=code,
            name=plan.what,
            object_code=tables[plan.owner[0]][plan.owner[1]],
            measure=plan.measure,
            unit=plan.unit,
            lon=lon,
            lat=lat,
            period_s=PERIOD_S,
            range_low=plan.span[0],
            range_high=plan.span[1],
            low_low=low_low,
            low=low,
            high=high,
            high_high=high_high,
        )
