"""The 1,500 monitoring points of a tile: what each measures, its limits, how its value behaves.

What stands where is decided here; limits and behaviour of each kind of point are rows of
`data/points.csv`. A row's numbers are multiplied by the value its column `of` names.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ingestion_adapters.contract import Point
from ingestion_adapters.demo.codebook import codebook_of
from ingestion_adapters.demo.demand import peak_m3_per_h
from ingestion_adapters.demo.frame import SEED, lonlat_from_metres, random_for
from ingestion_adapters.demo.identity import enterprise_named
from ingestion_adapters.demo.netparts import (
    CNG,
    END,
    GATE,
    LNG,
    LOW,
    LPG,
    MEDIUM_A,
    MEDIUM_B,
    STORAGE,
    SUB_HIGH_B,
    VALVE,
    Network,
)
from ingestion_adapters.demo.network import ENTERPRISE_KEYS, network_of
from ingestion_adapters.demo.users import users_of

POINTS_A_TILE = 1500
PERIOD_S = 300
PRESSURE, GAS = 1, 3
# base - swing·demand², base + swing·demand, base, base + swing·day, a tank, base, a filter
MODELS = ("falls", "follows", "breathes", "warms", "saws", "steady", "clogs")
FALLS, FOLLOWS, BREATHES, WARMS, SAWS, STEADY, CLOGS = range(7)
LNG_SHARE = 0.06
_SHARES = {"YCRQ": 730, "JBRQ": 400, "KFQRQ": 370}
_TABLE = Path(__file__).with_name("data") / "points.csv"
_PRESSURE_MPA = {2: 2.4, 3: 1.5, 4: 0.75, 5: 0.35, 6: 0.16, 7: 0.0026}
_TO_KIND = {MEDIUM_A: "to_medium_a", MEDIUM_B: "to_medium_b", LOW: "to_low"}
_DECIMALS = 4
Limits = tuple[float | None, float | None, float | None, float | None]


@dataclass(frozen=True)
class PointPlan:
    """One point: the object it belongs to, its limits (LL, L, H, HH), and its behaviour."""

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


@dataclass(frozen=True)
class _Spot:
    """Something that carries points of one kind; `scale`: what the table multiplies by."""

    kind: str
    owner: tuple[str, int]
    xy: tuple[float, float]
    scale: Mapping[str, float] = field(default_factory=dict)


@cache
def _rows() -> Mapping[str, tuple[Mapping[str, str], ...]]:
    found: dict[str, list[Mapping[str, str]]] = {}
    with _TABLE.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            found.setdefault(row["kind"], []).append(row)
    return {kind: tuple(rows) for kind, rows in found.items()}


def _plans_at(spot: _Spot, chance: np.random.Generator) -> Iterator[PointPlan]:
    """Yield the points of one spot."""
    for row in _rows()[spot.kind]:
        by = spot.scale[row["of"]] if row["of"] else 1.0
        given = {name: float(row[name]) * by for name in row if _is_amount(name) and row[name]}
        limits = [given.get(name) for name in ("low_low", "low", "high", "high_high")]
        low_low, low, high, high_high = (v if v is None else round(v, _DECIMALS) for v in limits)
        yield PointPlan(
            owner=spot.owner,
            what=row["what"],
            measure=int(row["measure"]),
            unit=row["unit"],
            xy=spot.xy,
            span=(round(given["range_low"], _DECIMALS), round(given["range_high"], _DECIMALS)),
            limits=(low_low, low, high, high_high),
            model=MODELS.index(row["model"]),
            base=float(chance.uniform(given["base_low"], given["base_high"])),
            swing=float(chance.uniform(given["swing_low"], given["swing_high"])),
            noise=given["noise"],
            serial=int(row["serial"]),
        )


def _is_amount(column: str) -> bool:
    return column not in ("kind", "what", "measure", "unit", "of", "model", "serial")


def _place(xy: NDArray[np.float64]) -> tuple[float, float]:
    return float(xy[0]), float(xy[1])


def _stations(network: Network, peak: float) -> Iterator[_Spot]:
    has_lng = any(station.kind == LNG for station in network.stations)
    gate_peak, send = peak * (1 - LNG_SHARE * has_lng), peak * LNG_SHARE
    for number, station in enumerate(network.stations):
        kind = {GATE: "gate", LNG: "lng", STORAGE: "storage", CNG: "cng", LPG: "lpg"}.get(station.kind)
        if kind:
            scale = {"outlet": station.p_out_mpa or 0.0, "peak": gate_peak, "send": send}
            yield _Spot(kind, ("station", number), station.xy, scale)


def _regulators(network: Network, loads: NDArray[np.float64]) -> Iterator[_Spot]:
    for number, regulator in enumerate(network.regulators):
        kind = _TO_KIND.get(regulator.outlet_class, "to_high")
        inlet = _PRESSURE_MPA[regulator.inlet_class]
        outlet = _PRESSURE_MPA[regulator.outlet_class]
        scale = {"inlet": inlet, "outlet": outlet, "load": float(loads[number])}
        yield _Spot(kind, ("regulator", number), _place(network.xy[regulator.inlet]), scale)


def _mains(network: Network, chance: np.random.Generator) -> Iterator[_Spot]:
    """Yield low-pressure ends, nodes of medium mains, remote valves, protected steel."""
    ends = np.nonzero((network.node_kind == END) & (network.node_class == LOW))[0]
    for node in chance.permutation(ends)[: len(ends) // 2].tolist():
        yield _Spot("low_end", ("node", node), _place(network.xy[node]))
    for kind, klass, every in (("on_medium_a", MEDIUM_A, 14), ("on_medium_b", MEDIUM_B, 12)):
        nodes = np.nonzero((network.node_class == klass) & (network.node_kind != VALVE))[0]
        for node in nodes[::every].tolist():
            yield _Spot(kind, ("node", node), _place(network.xy[node]))
    for number, valve in enumerate(network.valves):
        if valve.remote:
            yield _Spot("remote_valve", ("valve", number), _place(network.xy[valve.node]))
    long = network.pipe_length_m > 200
    steel = [n for n, pipe in enumerate(network.pipes) if pipe.klass <= SUB_HIGH_B and long[n]]
    for number in steel[::2]:
        yield _Spot("protected", ("pipe", number), _place(network.pipes[number].line.mean(axis=0)))


def _chambers(network: Network, count: int, chance: np.random.Generator) -> Iterator[_Spot]:
    """Yield `count` methane sensors, in valve chambers, then in manholes beside mains."""
    valves = chance.permutation(len(network.valves)).tolist()
    for number in valves[:count]:
        place = _place(network.xy[network.valves[number].node] + 1.5)
        yield _Spot("chamber", ("valve", number), place)
    pipes = chance.permutation(len(network.pipes)).tolist()
    for number in pipes[: max(0, count - len(valves))]:
        place = _place(network.pipes[number].line.mean(axis=0) + 3.0)
        yield _Spot("manhole", ("pipe", number), place)


def regulator_loads(network: Network, users_fed: NDArray[np.int_], peak: float) -> NDArray[np.float64]:
    """Return the peak flow of each regulator: boxes by users, those above them by even shares."""
    klass = np.array([regulator.outlet_class for regulator in network.regulators])
    loads = np.full(len(klass), peak)
    for outlet in (MEDIUM_A, MEDIUM_B):
        loads[klass == outlet] = peak / max(1, int((klass == outlet).sum()))
    boxes = klass == LOW
    loads[boxes] = peak * 0.6 * users_fed[boxes] / max(1, int(users_fed[boxes].sum()))
    return loads


@cache
def plans_of(key: str) -> tuple[PointPlan, ...]:
    """Return the points of one enterprise in tile 0, as many as its share of the 1,500."""
    network, chance = network_of(key), random_for(SEED, 300 + ENTERPRISE_KEYS.index(key))
    peak = peak_m3_per_h(key)
    fed = np.bincount(users_of(key).regulator.clip(0), minlength=len(network.regulators))
    spots = [
        *_stations(network, peak),
        *_regulators(network, regulator_loads(network, fed, peak)),
        *_mains(network, chance),
    ]
    found = [plan for spot in spots for plan in _plans_at(spot, chance)]
    room = _SHARES[key] - len(found)
    if room < 0:
        raise ValueError(f"{key} has {-room} points more than its share")
    spots = list(_chambers(network, room, chance))
    return (*found, *(plan for spot in spots for plan in _plans_at(spot, chance)))


def first_index(key: str, tile: int = 0) -> int:
    """Return the city-wide number of an enterprise's first point in a tile."""
    before = ENTERPRISE_KEYS[: ENTERPRISE_KEYS.index(key)]
    return tile * POINTS_A_TILE + sum(_SHARES[other] for other in before)


def _owner_codes(key: str, tile: int) -> list[str]:
    codes = codebook_of(key, tile)
    tables = {
        "station": codes.station,
        "regulator": codes.regulator,
        "node": codes.node,
        "valve": codes.valve,
        "pipe": codes.pipe,
    }
    return [tables[plan.owner[0]][plan.owner[1]] for plan in plans_of(key)]


def point_codes(key: str, tile: int = 0) -> list[str]:
    """Return the point codes of one enterprise in one tile, in the order of their numbers."""
    name = enterprise_named(key).naming.point
    owners = _owner_codes(key, tile)
    return [name(owner, plan.measure, plan.serial) for owner, plan in zip(owners, plans_of(key), strict=True)]


def point_records(key: str, tile: int = 0) -> Iterator[Point]:
    """Yield the monitoring points of one enterprise in one tile."""
    plans = plans_of(key)
    places = lonlat_from_metres(np.array([plan.xy for plan in plans]), tile).tolist()
    columns = zip(point_codes(key, tile), _owner_codes(key, tile), plans, places, strict=True)
    for code, owner, plan, (lon, lat) in columns:
        low_low, low, high, high_high = plan.limits
        yield Point(
            src_code=code,
            name=plan.what,
            object_code=owner,
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
