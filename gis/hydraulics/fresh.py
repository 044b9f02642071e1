"""The stored network ready for hydraulics, held in memory with the graph it belongs to, one a process."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import cache

from gis.hydraulics.stored import StoredFlow, load_flow
from gis.network.fresh import Version, known_grid
from portal.config import Settings
from portal.core.actor import CITY
from portal.core.db import transaction


@dataclass(frozen=True)
class KnownFlow:
    """What was loaded, of which version of the network, counting which classes of users by households."""

    stored: StoredFlow
    version: Version
    households: frozenset[int]


class _Keeper:
    def __init__(self) -> None:
        self._known: KnownFlow | None = None
        self._loading = threading.Lock()

    def flow(self, settings: Settings, households: frozenset[int]) -> KnownFlow:
        grid = known_grid(settings)
        with self._loading:
            known = self._known
            if known is not None and known.version == grid.version and known.households == households:
                return known
            with transaction(settings, CITY) as session:
                stored = load_flow(session, grid.stored, households)
            self._known = KnownFlow(stored, grid.version, households)
            return self._known


@cache
def _keeper_of(url: str) -> _Keeper:
    return _Keeper()


def known_flow(settings: Settings, households: frozenset[int]) -> KnownFlow:
    """Return the network of all enterprises for the calculation; as young as the graph.

    It knows more than a caller may see: what is told of it has to be read again within the caller's scope.
    """
    return _keeper_of(settings.app_database_url).flow(settings, households)
