"""The 80,000 gas users of a tile: in which building, on which node and regulator."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from ingestion_adapters.contract import User
from ingestion_adapters.demo import buildings as blocks
from ingestion_adapters.demo.city import city_plan
from ingestion_adapters.demo.codebook import codebook_of, district_numbers
from ingestion_adapters.demo.frame import SEED, Degrees, Metres, lonlat_from_metres, random_for
from ingestion_adapters.demo.identity import enterprise_named
from ingestion_adapters.demo.netparts import LOW, MEDIUM_B
from ingestion_adapters.demo.network import ENTERPRISE_KEYS, network_of
from ingestion_adapters.demo.terrain import DISTRICT_PLANS

USERS_A_TILE = 80_000
HOME, HEATED_HOME, WELFARE, COMMERCE, CATERING, INDUSTRY, FLEXIBLE, BOILER = (
    10,
    11,
    20,
    30,
    31,
    40,
    41,
    50,
)
_REACH_M = {LOW: 210.0, MEDIUM_B: 800.0}
_CHECKS_BEFORE = date(2026, 11, 1)
_SURNAMES = "李王张刘陈杨黄赵周吴徐孙朱马胡郭林何高罗郑梁谢宋唐许邓冯韩曹"
_WORDS = {
    WELFARE: "云川**学校",
    COMMERCE: "云川**商贸",
    CATERING: "**餐饮店",
    INDUSTRY: "云川**制造",
    FLEXIBLE: "云川**玻璃",
    BOILER: "**供热站",
}


@dataclass(frozen=True)
class UserTable:
    """One enterprise's users as columns; `node`, `regulator` number its objects."""

    xy: Metres
    user_class: NDArray[np.int16]
    building: NDArray[np.int32]
    node: NDArray[np.int32]
    regulator: NDArray[np.int32]
    status: NDArray[np.int8]
    detector: NDArray[np.bool_]
    checked_days_ago: NDArray[np.int32]


@dataclass(frozen=True)
class _Places:
    owner: NDArray[np.int8]
    node: NDArray[np.int32]
    near: NDArray[np.bool_]


def _nearest(klass: int, xy: Metres) -> _Places:
    """Return the nearest node of one class for each point, over all enterprises."""
    places, owners, numbers = [], [], []
    for owner, key in enumerate(ENTERPRISE_KEYS):
        network = network_of(key)
        mine = np.nonzero((network.node_class == klass) & (network.node_kind != 6) & (network.node_kind != 5))[0]
        places.append(network.xy[mine])
        owners.append(np.full(len(mine), owner, np.int8))
        numbers.append(mine.astype(np.int32))
    far, at = cKDTree(np.vstack(places)).query(xy)
    return _Places(np.concatenate(owners)[at], np.concatenate(numbers)[at], far <= _REACH_M[klass])


def _homes(weights: NDArray[np.float64], wanted: int) -> NDArray[np.int64]:
    """Return homes per building in proportion to its size, exactly as many as wanted."""
    share = weights / weights.sum() * wanted
    count = np.floor(share).astype(np.int64)
    rest = wanted - int(count.sum())
    count[np.argsort(count - share, kind="stable")[:rest]] += 1
    return count


def _trade(kind: NDArray[np.int8], chance: np.random.Generator) -> tuple[NDArray[np.int64], NDArray[np.int16]]:
    """Return building numbers and classes of all users that are not homes."""
    rows: list[tuple[NDArray[np.int64], int]] = []
    for building_kind, user_class, often in (
        (blocks.COMMERCIAL, COMMERCE, 1.6),
        (blocks.COMMERCIAL, CATERING, 1.7),
        (blocks.OFFICE, COMMERCE, 0.7),
        (blocks.RESIDENTIAL, CATERING, 0.12),
        (blocks.SCHOOL, WELFARE, 1.0),
        (blocks.HOSPITAL, WELFARE, 1.0),
        (blocks.PUBLIC, WELFARE, 0.8),
        (blocks.HOSPITAL, BOILER, 0.3),
        (blocks.PUBLIC, BOILER, 0.06),
        (blocks.INDUSTRIAL, INDUSTRY, 0.34),
        (blocks.INDUSTRIAL, FLEXIBLE, 0.03),
    ):
        at = np.nonzero(kind == building_kind)[0]
        times = np.floor(often + chance.uniform(size=len(at))).astype(int)
        rows.append((np.repeat(at, times), user_class))
    building = np.concatenate([row[0] for row in rows])
    return building, np.concatenate([np.full(len(row[0]), row[1], np.int16) for row in rows])


@cache
def _city_users() -> dict[str, UserTable]:
    plan, chance = city_plan().buildings, random_for(SEED, 200)
    low, medium = _nearest(LOW, plan.middle), _nearest(MEDIUM_B, plan.middle)
    building, user_class = _trade(plan.kind, chance)
    on_medium = user_class >= INDUSTRY
    reached = np.where(on_medium, medium.near[building], low.near[building])
    building, user_class = building[reached], user_class[reached]
    living = np.nonzero((plan.kind == blocks.RESIDENTIAL) & low.near)[0]
    weights = np.minimum(plan.floors[living], 33) * chance.uniform(2.0, 6.0, len(living))
    homes = np.repeat(living, _homes(weights, USERS_A_TILE - len(building)))
    heated = np.where(chance.uniform(size=len(homes)) < 0.13, HEATED_HOME, HOME).astype(np.int16)
    building, user_class = np.concatenate([homes, building]), np.concatenate([heated, user_class])
    on_medium = user_class >= INDUSTRY
    owner = np.where(on_medium, medium.owner[building], low.owner[building])
    node = np.where(on_medium, medium.node[building], low.node[building])
    count = len(building)
    along = (plan.rings[:, 1] - plan.rings[:, 0])[building] * (chance.integers(-1, 2, count) * 0.3)[:, None]
    status = chance.choice([1, 2, 3, 5], count, p=[0.94, 0.025, 0.01, 0.025]).astype(np.int8)
    detector = chance.uniform(size=count) < np.where(user_class <= HEATED_HOME, 0.41, 0.97)
    checked = np.where(user_class <= HEATED_HOME, chance.integers(5, 760, count), chance.integers(5, 380, count))
    tables = {}
    for number, key in enumerate(ENTERPRISE_KEYS):
        mine = np.nonzero(owner == number)[0]
        mine = mine[np.argsort(building[mine], kind="stable")]
        tables[key] = UserTable(
            xy=plan.middle[building[mine]] + along[mine],
            user_class=user_class[mine],
            building=building[mine].astype(np.int32),
            node=node[mine],
            regulator=network_of(key).node_zone[node[mine]],
            status=status[mine],
            detector=detector[mine],
            checked_days_ago=checked[mine].astype(np.int32),
        )
    return tables


def users_of(key: str) -> UserTable:
    """Return the users of one enterprise in tile 0 as columns."""
    return _city_users()[key]


def user_numbers(key: str, tile: int = 0) -> list[str]:
    """Return the user numbers of one enterprise in one tile, in the order of the table."""
    number = enterprise_named(key).naming.user
    return [number(tile, index + 1) for index in range(len(users_of(key).building))]


def user_lonlat(key: str, tile: int = 0) -> Degrees:
    """Return where the users are, CGCS2000 degrees; (n, 2)."""
    return lonlat_from_metres(users_of(key).xy, tile)


def _addresses(key: str, table: UserTable) -> list[str]:
    network, codes = network_of(key), codebook_of(key)
    districts = {plan.number: plan.name_zh for plan in DISTRICT_PLANS}
    pipe = codes.pipe_at_node[table.node]
    district = district_numbers(network)[pipe]
    return [
        f"云川市{districts[int(d)]}{network.pipes[p].road_name}{b % 280 + 1}号{b % 19 + 1}栋"
        for d, p, b in zip(district.tolist(), pipe.tolist(), table.building.tolist(), strict=True)
    ]


def user_records(key: str, tile: int = 0) -> Iterator[User]:
    """Yield the users of one enterprise in one tile."""
    table, codes = users_of(key), codebook_of(key, tile)
    columns = zip(
        user_numbers(key, tile),
        table.user_class.tolist(),
        user_lonlat(key, tile).tolist(),
        _addresses(key, table),
        table.regulator.tolist(),
        table.node.tolist(),
        table.status.tolist(),
        table.detector.tolist(),
        table.checked_days_ago.tolist(),
        strict=True,
    )
    for index, (
        number,
        user_class,
        (lon, lat),
        address,
        regulator,
        node,
        status,
        detector,
        ago,
    ) in enumerate(columns):
        yield User(
            user_no=number,
            user_class=user_class,
            lon=lon,
            lat=lat,
            name_masked=_WORDS.get(user_class) or _SURNAMES[(index * 7) % len(_SURNAMES)] + "*",
            address=address,
            regulator=codes.regulator[regulator] if regulator >= 0 else None,
            node=codes.node[node],
            detector=detector,
            last_check=_CHECKS_BEFORE - timedelta(days=ago),
            status=status,
        )
