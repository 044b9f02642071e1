"""The stored network made ready for hydraulics: bores, roughness, set pressures, users by class, in the graph's order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from sqlalchemy import text
from sqlalchemy.orm import Session

from gis.hydraulics.demand import ClassDemand
from gis.hydraulics.gas import Friction, Gas, Numbers
from gis.hydraulics.solver import Flags, Index
from gis.network.graph_queries import StoredGrid

GAS_SOURCE, GATE = 1, 2
CAST_IRON = (30, 31)
PLASTIC = (20, 21, 22, 23)
_PIPES = "select id, od_mm, wall_mm, material, pressure_class from gas_pipe where status in (2, 3)"
_REGULATORS = "select id, p2_set_kpa, design_m3_per_h from gas_regulator where status in (2, 3)"
_STATIONS = (
    "select id, node_id, kind, p_out_mpa, enterprise_id from gas_station "
    "where status in (2, 3) and kind between 1 and 6 and node_id is not null order by id"
)
_NODES = "select id, enterprise_id, elevation_m from gas_node"


@dataclass(frozen=True)
class Figures:
    """Adjustable figures of the calculation; each has its source in the table `parameter`."""

    gas: Gas = field(default_factory=Gas)
    roughness_steel_mm: float = 0.1
    roughness_plastic_mm: float = 0.01
    local_loss_share: float = 0.1
    wall_share: float = 1 / 11
    classes: Mapping[int, ClassDemand] = field(default_factory=dict)


@dataclass(frozen=True)
class Station:
    """A station that brings gas in; `main` ones (sources, and gates no source feeds) hold their pressure by themselves."""

    number: int
    node: int
    kind: int
    set_kpa: float
    enterprise_id: int
    main: bool


@dataclass(frozen=True)
class StoredFlow:
    """What the calculation needs beside the graph; arrays follow the graph's nodes, pipes and regulators."""

    grid: StoredGrid
    od_mm: Numbers
    wall_mm: Numbers
    material: Index
    pressure_class: Index
    set_kpa: Numbers
    design_m3_per_h: Numbers
    stations: tuple[Station, ...]
    bare_sources: Index
    owner: Index
    height_m: Numbers
    units: Mapping[int, Numbers]

    def bores(self, figures: Figures) -> tuple[Numbers, Flags]:
        """Return the bores, mm, and for which of them a share of the outside diameter stands in for the wall."""
        unknown = ~np.isnan(self.od_mm) & (np.isnan(self.wall_mm) | (self.wall_mm * 2 >= self.od_mm))
        wall = np.where(unknown, self.od_mm * figures.wall_share, self.wall_mm)
        return self.od_mm - 2 * wall, unknown

    def friction(self, figures: Figures) -> tuple[Numbers, Index]:
        """Return roughness, mm, and the law of friction by material."""
        plastic = np.isin(self.material, PLASTIC)
        law = np.where(np.isin(self.material, CAST_IRON), Friction.CAST_IRON_OF_APPENDIX_C, Friction.COLEBROOK)
        return np.where(plastic, figures.roughness_plastic_mm, figures.roughness_steel_mm), law.astype(np.int64)


def load_flow(session: Session, grid: StoredGrid, households: frozenset[int]) -> StoredFlow:
    """Load what the graph does not hold; `households` names the classes counted by households."""
    pipes = _in_order(session, _PIPES, grid.pipes, 4)
    regulators = _in_order(session, _REGULATORS, grid.regulators, 2)
    nodes = _in_order(session, _NODES, grid.nodes, 2)
    owner = np.where(np.isnan(nodes[:, 0]), 0, nodes[:, 0]).astype(np.int64)
    stations, bare = _stations(session, grid)
    return StoredFlow(
        grid=grid, od_mm=pipes[:, 0], wall_mm=pipes[:, 1], material=_whole(pipes[:, 2]),
        pressure_class=_whole(pipes[:, 3]), set_kpa=regulators[:, 0], design_m3_per_h=regulators[:, 1],
        stations=stations, bare_sources=bare, owner=owner, height_m=_heights(grid, nodes[:, 1]),
        units=_units(grid, households),
    )  # fmt: skip


def _whole(numbers: Numbers) -> Index:
    return np.nan_to_num(numbers).astype(np.int64)


def _in_order(session: Session, query: str, numbers: Index, columns: int) -> Numbers:
    """Return the columns of rows by their numbers; NaN where a row is gone or the number stands for none (0)."""
    rows = session.execute(text(query)).all()
    found = np.full((len(numbers), columns), np.nan)
    if not rows:
        return found
    table = np.array([[np.nan if each is None else float(each) for each in row] for row in rows])
    table = table[np.argsort(table[:, 0], kind="stable")]
    at = np.minimum(np.searchsorted(table[:, 0], numbers), len(table) - 1)
    same = table[at, 0] == numbers
    found[same] = table[at[same], 1:]
    return found


def _heights(grid: StoredGrid, heights: Numbers) -> Numbers:
    """Return heights; a node made up behind a regulator stands where its inlet stands."""
    net = grid.grid.network
    found = heights.copy()
    made_up = grid.nodes[net.outlet] == 0
    found[net.outlet[made_up]] = heights[net.inlet[made_up]]
    return found


def _stations(session: Session, grid: StoredGrid) -> tuple[tuple[Station, ...], Index]:
    """Return the stations in the graph, and the nodes that count as sources but have no station."""
    sources = set(grid.grid.network.sources.tolist())
    found, told = [], set()
    for number, node_id, kind, p_out_mpa, enterprise_id in session.execute(text(_STATIONS)):
        node = grid.position("node", int(node_id))
        if node is None or (kind == GATE and node not in sources):
            continue
        told.add(node)
        set_kpa = float("nan") if p_out_mpa is None else float(p_out_mpa) * 1000
        found.append(Station(int(number), node, int(kind), set_kpa, int(enterprise_id), kind in (GAS_SOURCE, GATE)))
    return tuple(found), np.array(sorted(sources - told), np.int64)


def _units(grid: StoredGrid, households: frozenset[int]) -> dict[int, Numbers]:
    users, n_nodes = grid.grid.network.users, grid.grid.network.n_nodes
    units = {}
    for kind in np.unique(users.kind).tolist():
        here = users.kind == kind
        weight = users.households[here].astype(float) if kind in households else None
        units[int(kind)] = np.bincount(users.node[here], weight, minlength=n_nodes).astype(float)
    return units
