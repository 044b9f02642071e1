"""What each pipe is made of: material, size, year, cover, protection, by class and age."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from ingestion_adapters.demo.frame import SEED, random_for
from ingestion_adapters.demo.netparts import (
    DRILLED,
    HIGH_B,
    LOW,
    MEDIUM_A,
    MEDIUM_B,
    SUB_HIGH_A,
    SUB_HIGH_B,
    Network,
)
from ingestion_adapters.demo.network import ENTERPRISE_KEYS, network_of

SEAMLESS, WELDED, PE80, PE100, GREY_IRON, DUCTILE_IRON = 10, 11, 20, 21, 30, 31
DESIGN_P_MPA = {
    HIGH_B: 2.5,
    SUB_HIGH_A: 1.6,
    SUB_HIGH_B: 0.8,
    MEDIUM_A: 0.4,
    MEDIUM_B: 0.2,
    LOW: 0.005,
}
MOP_MPA = {
    HIGH_B: 2.4,
    SUB_HIGH_A: 1.5,
    SUB_HIGH_B: 0.75,
    MEDIUM_A: 0.36,
    MEDIUM_B: 0.18,
    LOW: 0.003,
}
_STEEL_SHARE, _IRON_SHARE = 0.22, 0.03
_COVER_M = {HIGH_B: 1.8, SUB_HIGH_A: 1.6, SUB_HIGH_B: 1.5, MEDIUM_A: 1.2, MEDIUM_B: 1.1, LOW: 1.0}
_IRON_GONE, _PE_BEGAN = 1996, 1997
# Outside diameter and wall in mm; PE walls are SDR 11 for medium A and SDR 17.6 below.
_STEEL_MM = {
    HIGH_B: ((406.4, 9.5),),
    SUB_HIGH_A: ((406.4, 8.8), (323.9, 8.0)),
    SUB_HIGH_B: ((323.9, 7.1),),
    MEDIUM_A: ((325.0, 7.1), (273.0, 6.3)),
    MEDIUM_B: ((219.0, 6.0), (159.0, 5.0)),
    LOW: ((159.0, 5.0),),
}
_PE_MM = {
    MEDIUM_A: ((315.0, 28.6), (250.0, 22.7)),
    MEDIUM_B: ((200.0, 11.4), (160.0, 9.1)),
    LOW: ((160.0, 9.1), (110.0, 6.3), (90.0, 5.2)),
}
_IRON_MM = {LOW: ((168.3, 9.0), (219.0, 9.0)), MEDIUM_B: ((219.0, 6.0),)}


@dataclass(frozen=True)
class Specs:
    """Columns beside the pipes of one network."""

    material: NDArray[np.int16]
    od_mm: NDArray[np.float64]
    wall_mm: NDArray[np.float64]
    year: NDArray[np.int16]
    month: NDArray[np.int8]
    cover_start_m: NDArray[np.float64]
    cover_end_m: NDArray[np.float64]
    coating: NDArray[np.int8]
    cp_kind: NDArray[np.int8]
    joint: NDArray[np.int8]


def _age_order(network: Network, number: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the street group of each pipe and its place between oldest (0) and youngest (1)."""
    roads = np.array([pipe.road for pipe in network.pipes])
    klass = np.array([pipe.klass for pipe in network.pipes])
    middle = np.array([(pipe.line[0] + pipe.line[-1]) / 2 for pipe in network.pipes])
    block = np.floor(middle / 1400).astype(int)
    key = ((roads * 8 + klass) * 64 + block[:, 0] + 32) * 64 + block[:, 1] + 32
    _, group = np.unique(key, return_inverse=True)
    chance = random_for(SEED, 100 + number)
    luck = chance.uniform(size=group.max() + 1)[group]
    far = np.clip(np.hypot(middle[:, 0], middle[:, 1] + 600) / 7000, 0, 1)
    score = 0.62 * far + 0.38 * luck
    score = np.bincount(group, score)[group] / np.bincount(group)[group]
    return group, np.argsort(np.argsort(score, kind="stable"), kind="stable") / len(score)


def _pick_oldest(
    order: NDArray[np.float64],
    length_m: NDArray[np.float64],
    may: NDArray[np.bool_],
    wanted_m: float,
) -> NDArray[np.bool_]:
    ranked = np.nonzero(may)[0][np.argsort(order[may], kind="stable")]
    picked = np.zeros(len(order), bool)
    picked[ranked[np.cumsum(length_m[ranked]) <= wanted_m]] = True
    return picked


def _materials() -> dict[str, tuple[NDArray[np.int16], NDArray[np.float64]]]:
    """Return material and age order of every network; the shares hold for the city as a whole."""
    networks = [network_of(key) for key in ENTERPRISE_KEYS]
    orders = [_age_order(network, number)[1] for number, network in enumerate(networks)]
    order = np.concatenate(orders)
    length_m = np.concatenate([network.pipe_length_m for network in networks])
    klass = np.array([pipe.klass for network in networks for pipe in network.pipes])
    total_m = length_m.sum()
    steel = klass <= SUB_HIGH_B
    iron = _pick_oldest(order, length_m, klass >= MEDIUM_B, _IRON_SHARE * total_m)
    rest_m = _STEEL_SHARE * total_m - length_m[steel].sum()
    steel |= _pick_oldest(order, length_m, ((klass == MEDIUM_A) | (klass == MEDIUM_B)) & ~iron, rest_m)
    material = np.where(klass == LOW, PE80, PE100).astype(np.int16)
    material[steel] = np.where(klass[steel] <= SUB_HIGH_B, SEAMLESS, WELDED)
    material[iron] = np.where(klass[iron] == LOW, GREY_IRON, DUCTILE_IRON)
    cuts = np.cumsum([len(network.pipes) for network in networks])[:-1]
    return dict(zip(ENTERPRISE_KEYS, zip(np.split(material, cuts), orders, strict=True), strict=True))


def _sizes(network: Network, material: NDArray[np.int16], luck: NDArray[np.float64]) -> NDArray[np.float64]:
    size = np.empty((len(material), 2))
    for index, pipe in enumerate(network.pipes):
        table = _PE_MM if material[index] in (PE80, PE100) else _STEEL_MM if material[index] < PE80 else _IRON_MM
        choice = table[pipe.klass]
        size[index] = choice[int(luck[index] * len(choice))]
    return size


@cache
def _city_materials() -> dict[str, tuple[NDArray[np.int16], NDArray[np.float64]]]:
    return _materials()


@cache
def specs_of(key: str) -> Specs:
    """Return the columns of one enterprise's pipes."""
    network, number = network_of(key), ENTERPRISE_KEYS.index(key)
    material, order = _city_materials()[key]
    group, _ = _age_order(network, number)
    chance = random_for(SEED, 120 + number)
    luck = chance.uniform(size=group.max() + 1)[group]
    klass = np.array([pipe.klass for pipe in network.pipes])
    iron, plastic = material >= GREY_IRON, (material == PE80) | (material == PE100)
    year = np.clip(1986 + 39.4 * order, 1985, 2025).astype(int)
    year = np.where(iron, np.minimum(year, _IRON_GONE - 1 - (luck * 8).astype(int)), year)
    year = np.where(plastic & (year < _PE_BEGAN), _PE_BEGAN + (luck * 9).astype(int), year)
    size = _sizes(network, material, luck)
    drilled = np.array([pipe.laying == DRILLED for pipe in network.pipes])
    cover = np.array([_COVER_M[int(k)] for k in klass]) + np.where(drilled, 3.4, 0.0)
    steel = ~iron & ~plastic
    coating = np.select([plastic, iron | (year < 1995), year < 2004, klass <= SUB_HIGH_B], [7, 3, 4, 2], 1)
    cp_kind = np.select([~steel, klass <= SUB_HIGH_B, year >= 1998], [0, 3, 1], 0)
    joint = np.select([steel, iron, size[:, 0] <= 90], [1, 6, 2], 3)
    return Specs(
        material=material,
        od_mm=size[:, 0],
        wall_mm=size[:, 1],
        year=year.astype(np.int16),
        month=(1 + (luck * 12)).astype(np.int8),
        cover_start_m=np.round(cover + chance.uniform(-0.15, 0.25, len(cover)), 2),
        cover_end_m=np.round(cover + chance.uniform(-0.15, 0.25, len(cover)), 2),
        coating=coating.astype(np.int8),
        cp_kind=cp_kind.astype(np.int8),
        joint=joint.astype(np.int8),
    )


def joined_kinds(network: Network, specs: Specs) -> NDArray[np.int8]:
    """Return node kinds with reducers and PE-steel transitions found at the joints of two pipes."""
    count = len(network.xy)
    first = np.full(count, -1)
    second = np.full(count, -1)
    for index, pipe in enumerate(network.pipes):
        for node in (pipe.a, pipe.b):
            (first if first[node] < 0 else second)[node] = index
    joint = (network.node_kind == 0) & (first >= 0) & (second >= 0)
    plastic = specs.coating == 7
    kind = network.node_kind.copy()
    kind[joint & (specs.od_mm[first] != specs.od_mm[second])] = 4
    kind[joint & (plastic[first] != plastic[second])] = 10
    return kind
