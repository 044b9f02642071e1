"""The three gas networks, laid along the streets from the source to the low-pressure mains."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components, dijkstra

from ingestion_adapters.demo import trunks
from ingestion_adapters.demo.city import Plan, city_plan
from ingestion_adapters.demo.frame import Metres
from ingestion_adapters.demo.netparts import (
    LOW,
    MEDIUM_A,
    MEDIUM_B,
    Board,
    Network,
    Pipe,
    RegulatorAt,
    finished,
)
from ingestion_adapters.demo.streets import ARTERIAL, LOCAL, SECONDARY, Streets, built_up
from ingestion_adapters.demo.terrain import DISTRICT_PLANS

ENTERPRISE_KEYS = ("YCRQ", "JBRQ", "KFQRQ")
# Pipes of different classes lie side by side in a street: metres from its middle line.
_BESIDE_M = {MEDIUM_A: (6.5, -5.5), MEDIUM_B: (-5.5, 5.0), LOW: (4.0, 3.5)}
# How far out each enterprise's mains reach, as a share of the built-up area from its edge inwards.
_SERVED_FROM = {"YCRQ": 0.2, "JBRQ": 0.4, "KFQRQ": 0.24}
_DISTRICT_REGULATOR_EVERY_M = 1500.0
_BOX_EVERY_M = 240.0
_SECTIONAL_EVERY = 4
_LOW_REACH_M = 500.0


@dataclass(frozen=True)
class _Ground:
    """What a network is laid on: the streets of one enterprise, and its own sideways shift."""

    streets: Streets
    own: NDArray[np.bool_]
    shift_m: float
    served_from: float

    def pieces(self, klass: int) -> NDArray[np.int_]:
        """Return the enterprise's street pieces of a class inside the served area."""
        streets = self.streets
        inside = built_up(streets.middle()) > self.served_from
        return np.nonzero(self.own & inside & (streets.klass == klass) & ~streets.bridge)[0]

    def beside(self, crossing: int, klass: int) -> Metres:
        """Return where the pipe of a class passes a crossing."""
        return self.streets.xy[crossing] + np.array(_BESIDE_M[klass]) + self.shift_m

    def road(self, piece: int) -> tuple[int, str]:
        """Return number and name of the street of a piece."""
        line = int(self.streets.line[piece])
        return line, self.streets.line_names[line]


def owner_of(plan: Plan, xy: Metres) -> NDArray[np.int8]:
    """Return the number in `ENTERPRISE_KEYS` of who supplies each point, -1 outside the city."""
    found = np.full(len(xy), -1, np.int8)
    for district, shape in zip(DISTRICT_PLANS, plan.terrain.districts, strict=True):
        found[shapely.contains_xy(shape, xy[:, 0], xy[:, 1])] = ENTERPRISE_KEYS.index(district.enterprise)
    return found


def _graph(streets: Streets, pieces: NDArray[np.int_]) -> coo_array:
    a, b = streets.ends[pieces].T
    size = len(streets.xy)
    return coo_array((streets.piece_m()[pieces], (a, b)), shape=(size, size))


def _components(streets: Streets, pieces: NDArray[np.int_]) -> NDArray[np.int_]:
    """Return the component number of each piece."""
    _, label = connected_components(_graph(streets, pieces), directed=False)
    return label[streets.ends[pieces, 0]]


def _lay_class(board: Board, ground: _Ground, pieces: NDArray[np.int_], klass: int) -> dict[int, int]:
    """Lay mains of one class; return crossing -> node. Each arm of a tee but one has a valve."""
    streets = ground.streets
    crossings, degree = np.unique(streets.ends[pieces], return_counts=True)
    node = {int(c): board.add_node(ground.beside(int(c), klass)) for c in crossings}
    busy = {int(c) for c, n in zip(crossings, degree, strict=True) if n >= 3}
    spared: set[int] = set()
    for piece in pieces:
        a, b = (int(end) for end in streets.ends[piece])
        sectional = piece % _SECTIONAL_EVERY == 0 and b not in busy
        cut_a, cut_b = (a in busy and a in spared), (b in busy and b in spared) or sectional
        spared.update((a, b))
        main = board.straight(node[a], node[b], klass, ground.road(int(piece)))
        board.lay(main, valve_at_a=cut_a, valve_at_b=cut_b)
    return node


def _spaced(xy: Metres, every_m: float) -> list[int]:
    """Return numbers of points at least a distance apart, from the centre outwards."""
    chosen: list[int] = []
    for index in np.argsort(np.hypot(*xy.T), kind="stable"):
        if all(np.hypot(*(xy[index] - xy[other])) >= every_m for other in chosen):
            chosen.append(int(index))
    return chosen


def _lay_medium_b(board: Board, ground: _Ground, medium_a: dict[int, int]) -> dict[int, int]:
    """Lay the medium-pressure B mains with their district regulators; return crossing -> node."""
    streets = ground.streets
    pieces = ground.pieces(SECONDARY)
    labels = _components(streets, pieces)
    chosen: list[int] = []
    keep = np.zeros(len(pieces), bool)
    for label in np.unique(labels):
        here = pieces[labels == label]
        shared = np.array(sorted(set(streets.ends[here].ravel().tolist()) & set(medium_a)))
        if len(shared):
            keep |= labels == label
            chosen += [int(shared[i]) for i in _spaced(streets.xy[shared], _DISTRICT_REGULATOR_EVERY_M)]
    nodes = _lay_class(board, ground, pieces[keep], MEDIUM_B)
    spec = RegulatorAt(0, 0, 2, MEDIUM_A, MEDIUM_B)
    for crossing in chosen:
        piece = int(pieces[np.nonzero((streets.ends[pieces] == crossing).any(axis=1))[0][0]])
        spot = streets.xy[crossing] + [16.0, 13.0] + ground.shift_m
        board.put_regulator(medium_a[crossing], nodes[crossing], spec, spot, ground.road(piece))
    _zone_by_nearest(board, nodes, MEDIUM_B)
    return nodes


def _zone_by_nearest(board: Board, nodes: dict[int, int], outlet_class: int) -> None:
    fed = [i for i, reg in enumerate(board.regulators) if reg.outlet_class == outlet_class]
    outlets = np.array([board.xy[board.regulators[i].outlet] for i in fed])
    for node in nodes.values():
        board.zone[node] = fed[int(np.argmin(np.hypot(*(outlets - board.at(node)).T)))]


def _lay_low(board: Board, ground: _Ground, medium_b: dict[int, int]) -> None:
    """Lay the low-pressure street mains: each box feeds the streets nearest to it."""
    streets = ground.streets
    pieces = ground.pieces(LOCAL)
    on_local = np.unique(streets.ends[pieces])
    sources = np.array([c for c in on_local if int(c) in medium_b])
    sources = sources[_spaced(streets.xy[sources], _BOX_EVERY_M)]
    reach, _, source = dijkstra(
        _graph(streets, pieces),
        directed=False,
        indices=sources,
        limit=_LOW_REACH_M,
        min_only=True,
        return_predecessors=True,
    )
    a, b = streets.ends[pieces].T
    fed = pieces[np.isfinite(reach[a]) & np.isfinite(reach[b]) & (source[a] == source[b])]
    nodes: dict[int, int] = {}
    for crossing in np.unique(streets.ends[fed]):
        nodes[int(crossing)] = board.add_node(ground.beside(int(crossing), LOW))
    first_piece = {int(end): int(piece) for piece in fed[::-1] for end in streets.ends[piece]}
    for piece in fed:
        a_node, b_node = (nodes[int(end)] for end in streets.ends[piece])
        board.lay(board.straight(a_node, b_node, LOW, ground.road(int(piece))))
    regulator: dict[int, int] = {}
    for crossing in (int(c) for c in sources if int(c) in nodes):
        spot = streets.xy[crossing] + [-9.0, 11.0] + ground.shift_m
        form = 3 if crossing % 4 else 2
        spec = RegulatorAt(0, 0, form, MEDIUM_B, LOW)
        road = ground.road(first_piece[crossing])
        regulator[crossing] = board.put_regulator(medium_b[crossing], nodes[crossing], spec, spot, road)
    for crossing, node in nodes.items():
        board.zone[node] = regulator[int(source[crossing])]


def _largest(streets: Streets, pieces: NDArray[np.int_]) -> NDArray[np.int_]:
    labels = _components(streets, pieces)
    return pieces[labels == np.bincount(labels).argmax()]


@cache
def network_of(key: str) -> Network:
    """Return the network of one enterprise in tile 0; built once a process."""
    plan, number = city_plan(), ENTERPRISE_KEYS.index(key)
    streets = plan.streets
    ground = _Ground(streets, owner_of(plan, streets.middle()) == number, 1.3 * number, _SERVED_FROM[key])
    board = Board()
    arterial = _largest(streets, ground.pieces(ARTERIAL))
    medium_a = _lay_class(board, ground, arterial, MEDIUM_A)
    road_of = {int(end): ground.road(int(piece)) for piece in arterial[::-1] for end in streets.ends[piece]}
    trunks.lay_trunks(board, key, plan, medium_a, road_of)
    _zone_by_nearest(board, medium_a, MEDIUM_A)
    _lay_low(board, ground, _lay_medium_b(board, ground, medium_a))
    return finished(key, board)


def total_length_m(pipes: tuple[Pipe, ...], lengths_m: NDArray[np.float64], klass: int | None = None) -> float:
    """Return the metres of mains, of one class or of all."""
    picked = [klass is None or pipe.klass == klass for pipe in pipes]
    return float(lengths_m[picked].sum())
