"""From an object of the map to its place in the graph, checked against the scope of who asks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from gis.network.fresh import KnownGrid, known_grid, newest_grid
from gis.network.plan_queries import users_by_class
from gis.network.queries import find_object
from portal.config import Settings
from portal.core.actor import Scope
from portal.core.errors import Invalid
from portal.network.forms import At
from portal.network.rules import RESIDENTIAL_CLASSES, masked_code


@dataclass(frozen=True)
class Asked:
    """Who asks what graph: a session of the caller's scope, that scope, and the graph of all enterprises."""

    session: Session
    scope: Scope
    known: KnownGrid


@dataclass(frozen=True)
class Spot:
    """An object found: where it stands in the map, and the node or pipe it is in the graph."""

    at: At
    code: str
    enterprise_id: int
    adcode: str | None
    pipe: int | None
    node: int | None

    def told(self) -> dict[str, Any]:
        """Return it for an answer."""
        return {"layer": self.at.layer, "id": self.at.number, "code": self.code}


def asked_of(session: Session, scope: Scope, settings: Settings, places: Sequence[At] = ()) -> Asked:
    """Return the graph ready for questions on some places; raise Invalid while no network or no source is stored."""
    known = known_grid(settings)
    # Graphs are some seconds old; a pipe that is on the map already must not be said to be unconnected.
    if not all(known.holds(each.layer, each.number) for each in places):
        known = newest_grid(settings)
    if not len(known.stored.pipes):
        raise Invalid("network_empty")
    if not len(known.stored.grid.network.sources):
        raise Invalid("network_no_source")
    return Asked(session, scope, known)


def spot_of(asked: Asked, at: At) -> Spot:
    """Return an object within the scope and its place in the graph; raise NotFound, or Invalid without such a place."""
    thing = find_object(asked.session, asked.scope, at.layer, at.number)
    code = str(thing.src_code)
    if at.layer == "user":
        code = masked_code(code, residential=thing.user_class in RESIDENTIAL_CLASSES)
    pipe = asked.known.stored.position("pipe", at.number) if at.layer == "pipe" else None
    node = None if at.layer == "pipe" else _node_of(asked, at, thing)
    if pipe is None and node is None:
        raise Invalid("network_not_connected", named=code)
    return Spot(at, code, int(thing.enterprise_id), thing.adcode, pipe, node)


def _node_of(asked: Asked, at: At, thing: Any) -> int | None:
    stored = asked.known.stored
    net = stored.grid.network
    if at.layer == "valve":
        place = stored.position("valve", at.number)
        return None if place is None else int(net.valves.node[place])
    if at.layer == "regulator":
        place = stored.position("regulator", at.number)
        return None if place is None else int(net.inlet[place])
    if at.layer == "node":
        return stored.position("node", at.number)
    node = stored.position("node", thing.node_id or 0)
    if node is None and at.layer == "user":
        place = stored.position("regulator", thing.regulator_id or 0)
        return None if place is None else int(net.outlet[place])
    return node


def pipes_at(asked: Asked, spot: Spot) -> list[int]:
    """Return the pipes to shut off for an object: itself, or those that end at its node; raise Invalid without any."""
    if spot.pipe is not None:
        return [spot.pipe]
    grid = asked.known.stored.grid
    ends = grid.network.pipes
    near = grid.pipes_of_cell.members([int(grid.cell[spot.node or 0])])
    here = near[(ends.start[near] == spot.node) | (ends.end[near] == spot.node)]
    if not len(here):
        raise Invalid("network_not_connected", named=spot.code)
    return [int(each) for each in here]


def begins_at(asked: Asked, spot: Spot, *, down: bool) -> list[int]:
    """Return the nodes from which a trace sets out."""
    if spot.pipe is not None:
        return asked.known.flow.ends_of(spot.pipe, down=down)
    node = spot.node or 0
    if spot.at.layer == "regulator" and down:
        place = asked.known.stored.position("regulator", spot.at.number)
        return [int(asked.known.stored.grid.network.outlet[place])] if place is not None else [node]
    return [node]


def is_fed(asked: Asked, spot: Spot) -> bool:
    """Return whether gas arrives at an object today."""
    grid = asked.known.stored.grid
    if spot.pipe is not None:
        return bool(grid.fed_pipes[spot.pipe])
    return bool(grid.fed[grid.cell[spot.node or 0]])


def node_of(asked: Asked, spot: Spot) -> int:
    """Return one node of an object: of a pipe an end that no closed valve shuts, where it has one."""
    if spot.pipe is None:
        return spot.node or 0
    grid = asked.known.stored.grid
    ends = (int(grid.network.pipes.start[spot.pipe]), int(grid.network.pipes.end[spot.pipe]))
    return next((each for each in ends if not grid.shut_node[each]), ends[0])


def numbers(ids: np.ndarray[Any, Any], positions: Any) -> np.ndarray[Any, Any]:
    """Return the stored numbers at some positions; made-up ones have none."""
    found = ids[np.asarray(positions, np.int64)]
    return found[found > 0]


def counted_users(asked: Asked, positions: Any) -> list[tuple[int, int, int]]:
    """Return class, users and households of the users at some positions, those within the scope only."""
    stored = asked.known.stored
    if not asked.scope.whole_city:
        ids = numbers(stored.users, positions)
        return users_by_class(asked.session, asked.scope, ids) if len(ids) else []
    users = stored.grid.network.users
    kinds, place = np.unique(users.kind[positions], return_inverse=True)
    count = np.bincount(place, minlength=len(kinds))
    homes = np.bincount(place, users.households[positions], minlength=len(kinds))
    return [(int(kind), int(n), int(h)) for kind, n, h in zip(kinds, count, homes, strict=True)]
