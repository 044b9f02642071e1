"""The parts a gas network is made of, and the drawing board on which one is laid out."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ingestion_adapters.demo.frame import Metres, length_m

HIGH_B, SUB_HIGH_A, SUB_HIGH_B, MEDIUM_A, MEDIUM_B, LOW = 2, 3, 4, 5, 6, 7
BURIED, DRILLED = 1, 4
TEE, CROSS, REDUCER, VALVE, REGULATOR, END, SOURCE, TRANSITION = 1, 2, 4, 5, 6, 7, 8, 10
GATE, STORAGE, LNG, CNG, LPG, GAS_SOURCE = 2, 3, 4, 5, 6, 1
_VALVE_FROM_END_M = 7.0


@dataclass(frozen=True)
class Pipe:
    """A pipe between two nodes, by their numbers; `road` numbers the street it follows."""

    a: int
    b: int
    klass: int
    line: Metres
    road: int
    road_name: str
    laying: int = BURIED


@dataclass(frozen=True)
class ValveAt:
    """A valve at a node."""

    node: int
    klass: int
    remote: bool


@dataclass(frozen=True)
class RegulatorAt:
    """A regulator between two nodes."""

    inlet: int
    outlet: int
    form: int
    inlet_class: int
    outlet_class: int
    station: int = -1


@dataclass(frozen=True)
class StationAt:
    """A station and the node by which it meets the network; node -1 for one that stands beside it."""

    kind: int
    name: str
    node: int
    xy: tuple[float, float]
    design_m3_per_h: float
    p_in_mpa: float | None
    p_out_mpa: float | None
    storage_m3: float | None = None


@dataclass
class Board:
    """A network being laid out; nodes are numbered in the order they are put down."""

    xy: list[tuple[float, float]] = field(default_factory=list)
    fixed_kind: dict[int, int] = field(default_factory=dict)
    zone: dict[int, int] = field(default_factory=dict)
    pipes: list[Pipe] = field(default_factory=list)
    valves: list[ValveAt] = field(default_factory=list)
    regulators: list[RegulatorAt] = field(default_factory=list)
    stations: list[StationAt] = field(default_factory=list)

    def add_node(self, xy: Metres, kind: int | None = None) -> int:
        """Put a node down and return its number."""
        self.xy.append((float(xy[0]), float(xy[1])))
        if kind is not None:
            self.fixed_kind[len(self.xy) - 1] = kind
        return len(self.xy) - 1

    def at(self, node: int) -> Metres:
        """Return the place of a node."""
        return np.array(self.xy[node])

    def lay(
        self,
        pipe: Pipe,
        *,
        valve_at_a: bool = False,
        valve_at_b: bool = False,
        remote: bool = False,
    ) -> None:
        """Lay a pipe, cut by a valve a few metres from the ends that ask for one."""
        if valve_at_a:
            pipe = self._cut(pipe, from_a=True, remote=remote)
        if valve_at_b:
            pipe = self._cut(pipe, from_a=False, remote=remote)
        self.pipes.append(pipe)

    def _cut(self, pipe: Pipe, *, from_a: bool, remote: bool) -> Pipe:
        line = pipe.line if from_a else pipe.line[::-1]
        step = line[1] - line[0]
        first_m = float(np.hypot(*step))
        spot = line[0] + step * min(_VALVE_FROM_END_M / first_m, 0.4)
        node = self.add_node(spot, VALVE)
        self.valves.append(ValveAt(node, pipe.klass, remote))
        short, rest = np.array([line[0], spot]), np.vstack([spot, line[1:]])
        a, b = (pipe.a, pipe.b) if from_a else (pipe.b, pipe.a)
        stub = Pipe(a, node, pipe.klass, short, pipe.road, pipe.road_name, pipe.laying)
        self.pipes.append(stub)
        if from_a:
            return Pipe(node, b, pipe.klass, rest, pipe.road, pipe.road_name, pipe.laying)
        return Pipe(b, node, pipe.klass, rest[::-1], pipe.road, pipe.road_name, pipe.laying)

    def straight(self, a: int, b: int, klass: int, road: tuple[int, str]) -> Pipe:
        """Return a straight pipe between two nodes."""
        return Pipe(a, b, klass, np.array([self.xy[a], self.xy[b]]), *road)

    def put_regulator(
        self, upstream: int, downstream: int, spec: RegulatorAt, spot: Metres, road: tuple[int, str]
    ) -> int:
        """Put a regulator with its two valves between two nodes; return its number."""
        inlet = self.add_node(spot, REGULATOR)
        outlet = self.add_node(spot + [2.5, 1.5], REGULATOR)
        self.lay(
            self.straight(upstream, inlet, spec.inlet_class, road),
            valve_at_a=True,
            remote=spec.form == 1,
        )
        self.lay(self.straight(outlet, downstream, spec.outlet_class, road), valve_at_b=True)
        self.regulators.append(RegulatorAt(inlet, outlet, spec.form, spec.inlet_class, spec.outlet_class, spec.station))
        self.zone[outlet] = len(self.regulators) - 1
        return len(self.regulators) - 1


@dataclass(frozen=True)
class Network:
    """One enterprise's finished network in metres of the frame."""

    key: str
    xy: Metres
    node_kind: NDArray[np.int8]
    node_class: NDArray[np.int8]
    node_zone: NDArray[np.int32]
    pipes: tuple[Pipe, ...]
    pipe_length_m: NDArray[np.float64]
    valves: tuple[ValveAt, ...]
    regulators: tuple[RegulatorAt, ...]
    stations: tuple[StationAt, ...]


def finished(key: str, board: Board) -> Network:
    """Return the board as a network: each node's kind, class and regulator."""
    count = len(board.xy)
    degree = np.zeros(count, int)
    node_class = np.zeros(count, np.int8)
    for pipe in board.pipes:
        degree[[pipe.a, pipe.b]] += 1
        node_class[[pipe.a, pipe.b]] = pipe.klass
    kind = np.select([degree == 1, degree == 3, degree >= 4], [END, TEE, CROSS], 0).astype(np.int8)
    for node, fixed in board.fixed_kind.items():
        kind[node] = fixed
    zone = np.full(count, -1, np.int32)
    for node, regulator in board.zone.items():
        zone[node] = regulator
    return Network(
        key=key,
        xy=np.array(board.xy),
        node_kind=kind,
        node_class=node_class,
        node_zone=zone,
        pipes=tuple(board.pipes),
        pipe_length_m=np.array([length_m(pipe.line) for pipe in board.pipes]),
        valves=tuple(board.valves),
        regulators=tuple(board.regulators),
        stations=tuple(board.stations),
    )
