"""The network's graph held in memory, one a process, and loaded again when the network has changed since."""

from __future__ import annotations

import threading
import time
from copy import copy
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
from sqlalchemy import text
from sqlalchemy.orm import Session

from gis.network.graph import Grid, Index
from gis.network.graph_queries import StoredGrid, load_grid
from gis.network.impact import zones_of
from gis.network.isolation import isolate
from gis.network.tracing import Flow
from gis.network.user_queries import users_written_since
from portal.config import Settings
from portal.core.actor import CITY
from portal.core.db import transaction

# A change shows within five seconds: asked for each second at most, and answers from the former graph
# end three seconds after the change was seen.
ASKED_EACH_S = 1.0
FORMER_MOST_S = 3.0
_SHARED = ("fed_pipes", "feeders", "valves_of_cell", "pipes_of_cell", "nodes_of_cell", "users_of_cell", "distance_m")
_VERSION = "select count(*), coalesce(sum(xid::text::numeric), 0) from network_change"

_CHANGES = "select xid::text::bigint as xid, begun, part from network_change"
KINDS_HELD = ("pipe", "valve", "regulator", "node")
STRUCTURE, WRITTEN_USERS, REMOVED_USERS = 1, 2, 4

Version = tuple[int, int]


@dataclass(frozen=True)
class KnownGrid:
    """A loaded network, the direction of gas in it, and the version and changes of the stored one it was loaded from."""

    stored: StoredGrid
    flow: Flow
    version: Version
    seen: frozenset[int] = frozenset()

    def holds(self, kind: str, number: int) -> bool:
        """Return whether a pipe, valve, regulator or node is in this graph; other kinds are reached through a node."""
        return kind not in KINDS_HELD or self.stored.position(kind, number) is not None

    @cached_property
    def zones(self) -> Index:
        """Return for each node the number of its pressure zone."""
        return zones_of(self.stored.grid)


def version_of(session: Session) -> Version:
    """Return what changes with every committed change of the network.

    Count and sum, since of two transactions the one begun first may be seen last.
    """
    count, total = session.execute(text(_VERSION)).one()
    return int(count), int(total)


def warmed(grid: Grid) -> Flow:
    """Work out what questions share, so that none of them waits for it, and return the directions of gas."""
    for name in _SHARED:
        getattr(grid, name)
    if grid.fed_pipes.any():
        isolate(grid, [int(np.argmax(grid.fed_pipes))])
    flow = Flow(grid)
    if grid.network.n_nodes:
        flow.downstream([0])
        flow.upstream([0])
    return flow


class Keeper:
    """Holds the newest graph of one database."""

    def __init__(self) -> None:
        """Hold none yet."""
        self._known: KnownGrid | None = None
        self._asked_at = self._old_since = 0.0
        self._loading = threading.Lock()

    def grid(self, settings: Settings) -> KnownGrid:
        """Return the graph as it stood at most some seconds ago."""
        known, now = self._known, time.monotonic()
        if known is not None and not self._old_since and now - self._asked_at < ASKED_EACH_S:
            return known
        if known is not None and not self._changed(settings, known, now):
            return known
        return self._renewed(settings, now)

    def newest(self, settings: Settings) -> KnownGrid:
        """Return the graph with every change committed until now, loaded while the caller waits where it is older."""
        with transaction(settings, CITY) as session:
            wanted = version_of(session)
        with self._loading:
            asked_at, known = time.monotonic(), self._known
            if known is None or known.version != wanted:
                known = self._known = _loaded(settings, known)
            self._asked_at, self._old_since = asked_at, 0.0
            return known

    def _changed(self, settings: Settings, known: KnownGrid, now: float) -> bool:
        if self._old_since:
            return True
        with transaction(settings, CITY) as session:
            found = version_of(session)
        self._asked_at = now
        if found == known.version:
            return False
        self._old_since = now
        return True

    def _renewed(self, settings: Settings, asked_at: float) -> KnownGrid:
        """Load the graph, or return the former one while another thread loads and it is young enough."""
        former = self._known
        patient = former is None or asked_at - self._old_since > FORMER_MOST_S
        if not self._loading.acquire(blocking=patient):
            assert former is not None
            return former
        try:
            if self._known is not None and self._known is not former:
                return self._known
            self._known = _loaded(settings, self._known)
            self._asked_at, self._old_since = asked_at, 0.0
            return self._known
        finally:
            self._loading.release()


def _loaded(settings: Settings, former: KnownGrid | None) -> KnownGrid:
    """Load what changed since the former graph: users alone, or the network with the users known; without one, all."""
    with transaction(settings, CITY) as session:
        version = version_of(session)
        changes = {row.xid: row for row in session.execute(text(_CHANGES))}
        fresh = [row for xid, row in changes.items() if former is None or xid not in former.seen]
        parts = 0
        for row in fresh:
            parts |= row.part
        taking = None
        if former is not None and not parts & REMOVED_USERS:
            taking = former.stored.taking
            if parts & WRITTEN_USERS:
                since = min(row.begun for row in fresh if row.part & WRITTEN_USERS)
                taking = taking.renewed(users_written_since(session, since))
        if former is not None and taking is not None and not parts & STRUCTURE:
            stored, flow = former.stored.with_users(taking), copy(former.flow)
            flow.grid = stored.grid
        else:
            stored = load_grid(session, taking=taking)
            flow = warmed(stored.grid)
    _ = stored.grid.users_of_cell
    stored.position("pipe", 1)
    return KnownGrid(stored, flow, version, frozenset(changes))


@cache
def _keeper_of(url: str) -> Keeper:
    return Keeper()


def known_grid(settings: Settings) -> KnownGrid:
    """Return the graph of all enterprises, since gas crosses their borders; at most five seconds old.

    It knows more than a caller may see: what is told of it has to be read again within the caller's scope.
    """
    return _keeper_of(settings.app_database_url).grid(settings)


def newest_grid(settings: Settings) -> KnownGrid:
    """Return the graph as stored now: for what was laid so lately that the one in memory does not hold it."""
    return _keeper_of(settings.app_database_url).newest(settings)
