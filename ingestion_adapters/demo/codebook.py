"""The codes one enterprise gives to all its objects, worked out once a tile."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import shapely
from numpy.typing import NDArray

from ingestion_adapters.demo.city import city_plan
from ingestion_adapters.demo.identity import enterprise_named
from ingestion_adapters.demo.netparts import Network
from ingestion_adapters.demo.network import network_of
from ingestion_adapters.demo.terrain import DISTRICT_PLANS


@dataclass(frozen=True)
class Codebook:
    """Codes in the order of the network's objects."""

    node: tuple[str, ...]
    pipe: tuple[str, ...]
    valve: tuple[str, ...]
    regulator: tuple[str, ...]
    station: tuple[str, ...]
    pipe_at_node: NDArray[np.int32]


def district_numbers(network: Network) -> NDArray[np.int8]:
    """Return the district number of each pipe, by its middle; 1 outside all."""
    middle = np.array([(pipe.line[0] + pipe.line[-1]) / 2 for pipe in network.pipes])
    found = np.ones(len(middle), np.int8)
    for plan, shape in zip(DISTRICT_PLANS, city_plan().terrain.districts, strict=True):
        found[shapely.contains_xy(shape, middle[:, 0], middle[:, 1])] = plan.number
    return found


def _pipe_at_node(network: Network) -> NDArray[np.int32]:
    found = np.full(len(network.xy), -1, np.int32)
    for index, pipe in enumerate(network.pipes):
        for node in (pipe.a, pipe.b):
            if found[node] < 0:
                found[node] = index
    return found


@lru_cache(maxsize=8)
def codebook_of(key: str, tile: int = 0) -> Codebook:
    """Return the codes of one enterprise's objects in one tile."""
    network, naming = network_of(key), enterprise_named(key).naming
    districts = district_numbers(network)
    at = _pipe_at_node(network)
    pipe = tuple(
        naming.pipe(tile, index + 1, int(districts[index]), item.klass) for index, item in enumerate(network.pipes)
    )
    return Codebook(
        node=tuple(naming.node(tile, i + 1, int(kind)) for i, kind in enumerate(network.node_kind)),
        pipe=pipe,
        valve=tuple(naming.device(tile, i + 1, "valve", pipe[at[v.node]]) for i, v in enumerate(network.valves)),
        regulator=tuple(
            naming.device(tile, i + 1, "regulator", pipe[at[r.inlet]]) for i, r in enumerate(network.regulators)
        ),
        station=tuple(naming.station(tile, i + 1, s.kind) for i, s in enumerate(network.stations)),
        pipe_at_node=at,
    )
