"""The high side: sources, gates, sub-high ring and trunks, regulating, LNG and storage stations."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely

from ingestion_adapters.demo.city import Plan
from ingestion_adapters.demo.frame import Metres
from ingestion_adapters.demo.netparts import (
    CNG,
    DRILLED,
    GAS_SOURCE,
    GATE,
    HIGH_B,
    LNG,
    LPG,
    MEDIUM_A,
    SOURCE,
    STORAGE,
    SUB_HIGH_A,
    SUB_HIGH_B,
    Board,
    Pipe,
    RegulatorAt,
    StationAt,
)

Road = tuple[int, str]
_TRUNK_ROAD = 1_000_000


@dataclass(frozen=True)
class TrunkPlan:
    """Where one enterprise takes its gas and where it lowers the pressure to medium A."""

    source_name: str
    source: tuple[float, float]
    gate_name: str
    gate: tuple[float, float]
    klass: int
    design_m3_per_h: float
    regulating: tuple[tuple[str, float, float], ...]
    peak_shaving: tuple[tuple[int, str, float, float, float], ...]
    beside: tuple[tuple[int, str, float, float, float], ...] = ()


TRUNK_PLANS = {
    "YCRQ": TrunkPlan(
        "省网云川西分输站",
        (-7300, -9600),
        "西山门站",
        (-5100, -7300),
        SUB_HIGH_A,
        12_000,
        (
            ("西山调压站", -3300, -3900),
            ("城南调压站", -1500, -4500),
            ("南城调压站", 300, -4300),
            ("城东调压站", 2500, -3900),
        ),
        ((LNG, "南城LNG气化站", 1700, -5600, 300), (STORAGE, "西山储配站", -2400, -5600, 4000)),
    ),
    "JBRQ": TrunkPlan(
        "省网云川北分输站",
        (-3400, 9300),
        "江北门站",
        (-2300, 6900),
        SUB_HIGH_B,
        7_000,
        (("江北北调压站", -2000, 5200), ("江北中调压站", -1700, 3300), ("云岭调压站", -4200, 2900)),
        (),
        ((LPG, "江北LPG储配站", -3900, 5600, 400),),
    ),
    "KFQRQ": TrunkPlan(
        "省网云川东分输站",
        (11300, -3900),
        "开发区门站",
        (8900, -2300),
        SUB_HIGH_B,
        6_000,
        (("高新东调压站", 6300, -1000), ("高新调压站", 4300, -700)),
        ((LNG, "港区LNG气化站", 6500, 1500, 200),),
        ((CNG, "开发区CNG加气站", 5600, -1900, 24),),
    ),
}
_P_OUT_MPA = {SUB_HIGH_A: 1.5, SUB_HIGH_B: 0.75}


def _lay_chain(board: Board, line: Metres, klass: int, road: Road, ends: tuple[int | None, int | None]) -> list[int]:
    """Lay pipes along a line's points, a remote valve every fourth; return the nodes."""
    nodes = [board.add_node(point) for point in line[1:-1]]
    first = board.add_node(line[0]) if ends[0] is None else ends[0]
    last = board.add_node(line[-1]) if ends[1] is None else ends[1]
    chain = [first, *nodes, last]
    for index, (a, b) in enumerate(zip(chain[:-1], chain[1:], strict=True)):
        board.lay(board.straight(a, b, klass, road), valve_at_a=index % 4 == 0, remote=True)
    return chain


def _curve(start: Metres, end: Metres, step_m: float, sway: float) -> Metres:
    count = max(3, int(np.hypot(*(end - start)) / step_m) + 1)
    share = np.linspace(0, 1, count)[:, None]
    side = np.array([[0.0, -1.0], [1.0, 0.0]]) @ (end - start)
    return start + share * (end - start) + np.sin(np.pi * share) * sway * side


def _lay_ring(board: Board, plan: Plan) -> list[int]:
    """Lay the sub-high ring beside the ring expressway; return its nodes."""
    ring = plan.streets.ring[:-1] * 1.006
    corners = list(range(0, len(ring), 3))
    nodes = [board.add_node(ring[corner]) for corner in corners]
    road = (_TRUNK_ROAD + 1, "环城快速路")
    for index, corner in enumerate(corners):
        b = (index + 1) % len(nodes)
        line = np.vstack([ring[corner : corner + 3], board.at(nodes[b])])
        wet = shapely.intersects(plan.terrain.river, shapely.linestrings(line))
        laying = DRILLED if wet else 1
        pipe = Pipe(nodes[index], nodes[b], SUB_HIGH_A, line, *road, laying)
        board.lay(pipe, valve_at_a=index % 4 == 0, remote=True)
    return nodes


def _nearest(board: Board, nodes: list[int], xy: Metres) -> int:
    places = np.array([board.xy[node] for node in nodes])
    return nodes[int(np.argmin(np.hypot(*(places - xy).T)))]


def _gate(board: Board, plan: TrunkPlan) -> int:
    """Lay source, high-pressure line and gate station; return the node where the trunk begins."""
    source_xy, gate_xy = np.array(plan.source), np.array(plan.gate)
    source = board.add_node(source_xy, SOURCE)
    design = plan.design_m3_per_h
    board.stations.append(StationAt(GAS_SOURCE, plan.source_name, source, plan.source, design * 1.5, 4.0, 2.4))
    line = _curve(source_xy, gate_xy - [6.0, 6.0], 420, 0.06)
    chain = _lay_chain(board, line, HIGH_B, (_TRUNK_ROAD, "高压进线"), (source, None))
    start = board.add_node(gate_xy + [12.0, 9.0])
    board.stations.append(StationAt(GATE, plan.gate_name, chain[-1], plan.gate, design, 2.4, _P_OUT_MPA[plan.klass]))
    spec = RegulatorAt(0, 0, 1, HIGH_B, plan.klass, len(board.stations) - 1)
    board.put_regulator(chain[-1], start, spec, gate_xy, (_TRUNK_ROAD, "高压进线"))
    return start


def _trunk(board: Board, plan: TrunkPlan, start: int, step_m: float) -> list[int]:
    """Lay the trunk from the gate past the regulating stations, nearest first; return its nodes."""
    at, nodes = start, [start]
    for _, x, y in plan.regulating:
        line = _curve(board.at(at), np.array([x, y]) + [55.0, 40.0], step_m, 0.05)
        chain = _lay_chain(board, line, plan.klass, (_TRUNK_ROAD + 2, "次高压干线"), (at, None))
        nodes += chain[1:]
        at = chain[-1]
    return nodes


def _regulating(
    board: Board,
    plan: TrunkPlan,
    trunk: list[int],
    medium_a: dict[int, int],
    road_of: dict[int, Road],
) -> None:
    """Put the regulating stations between trunk and medium-pressure A."""
    crossing_of = {node: crossing for crossing, node in medium_a.items()}
    for name, x, y in plan.regulating:
        low_side = _nearest(board, list(medium_a.values()), np.array([x, y]))
        spot = board.at(low_side) + [26.0, -22.0]
        high_side = _nearest(board, trunk, spot)
        design = plan.design_m3_per_h * 0.6
        station = StationAt(
            8,
            name,
            high_side,
            (float(spot[0]), float(spot[1])),
            design,
            _P_OUT_MPA[plan.klass],
            0.36,
        )
        board.stations.append(station)
        spec = RegulatorAt(0, 0, 1, plan.klass, MEDIUM_A, len(board.stations) - 1)
        board.put_regulator(high_side, low_side, spec, spot, road_of[crossing_of[low_side]])


def _peak_shaving(board: Board, plan: TrunkPlan, medium_a: dict[int, int], road_of: dict[int, Road]) -> None:
    """Join LNG and storage stations to medium-pressure A through a valve."""
    crossing_of = {node: crossing for crossing, node in medium_a.items()}
    for kind, name, x, y, storage_m3 in plan.peak_shaving:
        main = _nearest(board, list(medium_a.values()), np.array([x, y]))
        xy = board.at(main) + [95.0, 60.0]
        node = board.add_node(xy, SOURCE)
        board.lay(
            board.straight(node, main, MEDIUM_A, road_of[crossing_of[main]]),
            valve_at_a=True,
            remote=True,
        )
        place = (float(xy[0]), float(xy[1]))
        board.stations.append(StationAt(kind, name, node, place, 3000.0, None, 0.36, storage_m3))


def lay_trunks(board: Board, key: str, plan: Plan, medium_a: dict[int, int], road_of: dict[int, Road]) -> None:
    """Lay the high side of one enterprise and join it to its medium-pressure A mains."""
    trunk_plan = TRUNK_PLANS[key]
    start = _gate(board, trunk_plan)
    if key == "YCRQ":
        trunk = _lay_ring(board, plan)
        join = _nearest(board, trunk, board.at(start))
        line = _curve(board.at(start), board.at(join), 480, 0.05)
        _lay_chain(board, line, trunk_plan.klass, (_TRUNK_ROAD + 2, "次高压干线"), (start, join))
    else:
        trunk = _trunk(board, trunk_plan, start, 420)
    _regulating(board, trunk_plan, trunk, medium_a, road_of)
    _peak_shaving(board, trunk_plan, medium_a, road_of)
    for kind, name, x, y, storage_m3 in trunk_plan.beside:
        board.stations.append(StationAt(kind, name, -1, (x, y), 1500.0, None, None, storage_m3))
