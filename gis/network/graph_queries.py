"""The stored network as a graph: loading it in one pass, and numbers and codes of what stands in it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.orm import Session

from gis.borders.queries import joints_in_force
from gis.network.graph import Grid, Index, Network, Numbers, Pipes, Users, Valves
from gis.network.user_queries import StoredUsers, least, load_users

TABLES = {
    "pipe": "gas_pipe",
    "valve": "gas_valve",
    "regulator": "gas_regulator",
    "station": "gas_station",
    "node": "gas_node",
    "user": "gas_user",
}
# Codes of life_status, valve_state, node_kind and user_status as the statements below read them:
# 2 in service and 3 standby hold gas; 0 planned, 1 under construction and 7 removed are not there;
# a valve that is out of service (4), under maintenance (5) or abandoned (6), or in fault (state 3), cannot be closed.
_PIPES = (
    "select id, from_node_id, to_node_id, length_m, coalesce(pi() / 4 * power((od_mm - 2 * wall_mm) / 1000, 2) * length_m, 'nan'), "
    "pressure_class from gas_pipe where status in (2, 3)"
)
_VALVES = (
    "select id, node_id, (current_state = 0)::int, (status in (2, 3) and current_state in (1, 2))::int, "
    "case when remote then 0 when drive in (2, 3) then 1 else 2 end, dn_mm "
    "from gas_valve where status not in (0, 1, 7)"
)
_REGULATORS = "select id, node_id, coalesce(outlet_node_id, 0), inlet_class from gas_regulator where status in (2, 3)"
# Station kinds 1 to 6 can bring gas in; a refuelling (7) or regulating station (8) cannot. A gate (2) is told apart.
_SOURCES = (
    "select coalesce(s.id, 0), n.id, case when n.kind = 8 and s.kind = 2 then 0 else coalesce(s.kind, 0) end from gas_node n "
    "left join gas_station s on s.node_id = n.id and s.status in (2, 3) and s.kind between 1 and 6 "
    "where (s.id is not null or (n.kind = 8 and n.status in (2, 3)))"
)
_MOST_COLUMNS = 6
GAS_SOURCE, GATE = 1, 2


@dataclass(frozen=True)
class StoredGrid:
    """A grid and the numbers in the database of what its positions stand for; a made-up node or joint has none (0)."""

    grid: Grid
    nodes: Index
    pipes: Index
    valves: Index
    regulators: Index
    users: Index
    taking: StoredUsers

    def with_users(self, taking: StoredUsers) -> StoredGrid:
        """Return the same network with other users; what does not depend on them is shared, nothing is loaded."""
        net = self.grid.network
        known = self.nodes[: int(np.count_nonzero(self.nodes))]
        users, ids = _users(taking, known, self.regulators, net.outlet)
        return replace(self, grid=self.grid.with_users(users), users=ids, taking=taking)

    @cached_property
    def _place(self) -> dict[str, tuple[Index, Index]]:
        """Return for each kind its numbers in order and the position of each: a tenth of what a dictionary takes."""
        kinds = {"pipe": self.pipes, "valve": self.valves, "regulator": self.regulators, "node": self.nodes}
        orders = {kind: np.argsort(ids, kind="stable") for kind, ids in kinds.items()}
        return {kind: (ids[orders[kind]], orders[kind]) for kind, ids in kinds.items()}

    def position(self, kind: str, number: int) -> int | None:
        """Return the position of a stored pipe, valve, regulator or node, or None when it carries no gas today."""
        if not number:
            return None
        ids, order = self._place[kind]
        at = int(np.searchsorted(ids, number))
        return int(order[at]) if at < len(ids) and int(ids[at]) == number else None


def load_grid(session: Session, enterprise_id: int | None = None, taking: StoredUsers | None = None) -> StoredGrid:
    """Load the network within the transaction's scope, of one enterprise or of all; users known already are not read."""
    pipes, valves, regulators, sources = (
        _numbers(session, query, enterprise_id) for query in (_PIPES, _VALVES, _REGULATORS, _SOURCES)
    )
    taking = load_users(session, enterprise_id) if taking is None else taking
    if enterprise_id is None:
        pipes = np.concatenate([pipes, _joints(session, pipes.shape[1])])
    regulators = regulators[np.argsort(regulators[:, 0], kind="stable")]
    nodes = np.unique(np.concatenate([pipes[:, 1], pipes[:, 2], regulators[:, 1], regulators[:, 2], sources[:, 1]]))
    nodes = nodes[nodes > 0].astype(np.int64)
    valves = valves[_known(nodes, valves[:, 1])]
    start, end = _places(nodes, pipes[:, 1]), _places(nodes, pipes[:, 2])
    inlet, outlet, size = _outlets(nodes, regulators)
    _hang_on_outlets(_whole(pipes[:, 5]), (start, end), (inlet, outlet, _whole(regulators[:, 3])), len(nodes))
    users, user_ids = _users(taking, nodes, _whole(regulators[:, 0]), outlet)
    network = Network(
        n_nodes=size,
        pipes=Pipes(start, end, pipes[:, 3], pipes[:, 4]),
        sources=_places(nodes, sources[:, 1]),
        valves=Valves(
            _places(nodes, valves[:, 1]), valves[:, 2] > 0, valves[:, 3] > 0, _ranks(valves), _whole(valves[:, 4])
        ),
        inlet=inlet,
        outlet=outlet,
        users=users,
    )
    network = replace(network, sources=origins(network, _whole(sources[:, 2])))
    return StoredGrid(
        Grid(network),
        np.concatenate([nodes, np.zeros(size - len(nodes), np.int64)]),
        _whole(pipes[:, 0]),
        _whole(valves[:, 0]),
        _whole(regulators[:, 0]),
        user_ids,
        taking,
    )


def _joints(session: Session, columns: int) -> Numbers:
    """Return the joints between enterprises as pipes without a number and without a bore of their own."""
    joints = joints_in_force(session)
    rows = np.zeros((len(joints), columns))
    rows[:, 1:4], rows[:, 5] = joints[:, :3], joints[:, 3]
    return rows


def origins(network: Network, kind: Index) -> Index:
    """Return the sources without the gates that a gas source feeds: these stand along the way.

    They are the first gates met on the ways from a gas source, regulators not passed. Any other gate counts
    as a source, since a plan that overlooks one would leave a leak fed. Valves are left out of account: a gate
    does not begin to bring gas in because a valve before it was closed.
    """
    gates = network.sources[kind == GATE]
    ends = np.ones(len(gates), bool)
    order = np.zeros(len(gates), np.int64)
    walk = Grid(
        Network(
            network.n_nodes,
            network.pipes,
            network.sources[kind == GAS_SOURCE],
            Valves(gates, ends, ~ends, order, order),
        )
    )
    origin: Index = network.sources[(kind != GATE) | ~walk.fed[walk.cell[network.sources]]]
    return origin


def _whole(numbers: NDArray[np.floating]) -> Index:
    return np.asarray(numbers, np.int64)


def _ranks(valves: Numbers) -> Index:
    """Rank valves by readiness: remote control, own drive, by hand; of equal ones the smaller takes fewer turns."""
    _, rank = np.unique(valves[:, 4:6], axis=0, return_inverse=True)
    return np.asarray(rank, np.int64).reshape(-1)


def _numbers(session: Session, query: str, enterprise_id: int | None) -> Numbers:
    """Return the rows of a constant statement as numbers; COPY is several times faster than fetching rows."""
    if enterprise_id is not None:
        owner = "n.enterprise_id" if query is _SOURCES else "enterprise_id"
        query = f"{query} and {owner} = {int(enterprise_id)}"
    held = BytesIO()
    driver = session.connection().connection.driver_connection
    with driver.cursor() as cursor:  # type: ignore[union-attr]
        cursor.copy_expert(f"copy ({query}) to stdout (format csv)", held)
    if not held.tell():
        return np.empty((0, _MOST_COLUMNS))
    held.seek(0)
    return np.loadtxt(held, delimiter=",", ndmin=2)


def _known(nodes: Index, wanted: NDArray[Any]) -> NDArray[np.bool_]:
    place = np.searchsorted(nodes, wanted)
    return (place < len(nodes)) & (nodes[np.minimum(place, len(nodes) - 1)] == wanted) if len(nodes) else wanted < 0


def _places(nodes: Index, wanted: NDArray[np.floating]) -> Index:
    return np.searchsorted(nodes, wanted).astype(np.int64)


def _outlets(nodes: Index, regulators: Numbers) -> tuple[Index, Index, int]:
    """Return inlet and outlet of every regulator and the number of nodes.

    Where no outlet node is known, the regulators of a node share one node made up behind them.
    """
    inlet = _places(nodes, regulators[:, 1])
    outlet = np.where(regulators[:, 2] > 0, _places(nodes, regulators[:, 2]), -1)
    bare = np.unique(inlet[outlet < 0])
    outlet[outlet < 0] = len(nodes) + np.searchsorted(bare, inlet[outlet < 0])
    return inlet, outlet.astype(np.int64), len(nodes) + len(bare)


def _hang_on_outlets(
    pressure_class: Index, ends: tuple[Index, Index], regulators: tuple[Index, Index, Index], known: int
) -> None:
    """Move the ends of pipes below the inlet class from a regulator's only node to the node behind it.

    Such a regulator stands where pipes of two classes meet; without the move gas would pass both ways.
    """
    inlet, outlet, inlet_class = regulators
    behind = np.full(known, -1, np.int64)
    lowest = np.zeros(known, np.int64)
    made_up = outlet >= known
    behind[inlet[made_up]] = outlet[made_up]
    np.maximum.at(lowest, inlet[made_up], inlet_class[made_up])
    for end in ends:
        moved = (behind[end] >= 0) & (pressure_class > lowest[end])
        end[moved] = behind[end[moved]]


def _users(taking: StoredUsers, nodes: Index, regulators: Index, outlet: Index) -> tuple[Users, Index]:
    """Return users at their own node, or else behind the regulator that supplies them, and their numbers."""
    at_node = _known(nodes, taking.node)
    place = np.searchsorted(regulators, taking.regulator)
    named = (place < len(regulators)) & (taking.regulator > 0)
    named[named] = regulators[place[named]] == taking.regulator[named]
    node = np.where(at_node, np.searchsorted(nodes, taking.node), -1)
    behind = named & ~at_node
    node[behind] = outlet[place[behind]]
    if (node >= 0).all():
        return Users(least(node), taking.kind, taking.households), taking.ids
    kept = node >= 0
    return Users(least(node[kept]), taking.kind[kept], taking.households[kept]), taking.ids[kept]


def codes_of(session: Session, kind: str, numbers: Index) -> dict[int, str]:
    """Return the enterprises' own codes of stored objects by their numbers."""
    query = text(f"select id, src_code from {TABLES[kind]} where id = any(:ids)")
    rows = session.execute(query, {"ids": numbers.tolist()})
    return {int(number): str(code) for number, code in rows}


def owners_of_pipes(session: Session) -> list[int]:
    """Return the numbers of the enterprises that have pipes."""
    return [int(each) for each in session.scalars(text("select distinct enterprise_id from gas_pipe order by 1"))]


def codes_named(session: Session, kind: str, name: str, enterprise_id: int | None = None) -> list[tuple[int, str]]:
    """Return number and code of the objects with this code; without any, of the one with this number."""
    own = "" if enterprise_id is None else " and enterprise_id = :owner"
    asked = {"name": name, "owner": enterprise_id}
    query = f"select id, src_code from {TABLES[kind]} where src_code = :name{own} order by id limit 3"
    found = session.execute(text(query), asked).all()
    if not found and name.isascii() and name.isdecimal() and 0 < int(name) < 2**63:
        query = f"select id, src_code from {TABLES[kind]} where id = :number{own}"
        found = session.execute(text(query), {"number": int(name), "owner": enterprise_id}).all()
    return [(int(number), str(code)) for number, code in found]
