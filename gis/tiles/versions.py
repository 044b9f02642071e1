"""How new a layer's data are: one short number a layer and scope, asked at most every two seconds."""

from __future__ import annotations

import time
from dataclasses import dataclass
from threading import Lock

from sqlalchemy import text
from sqlalchemy.orm import Session

from gis.tiles.layer import Changes
from portal.core.actor import Scope

FRESH_FOR_S = {"live": 2.0, "network": 2.0, "base": 60.0}
# A receipt may be committed after one with a higher number: look back this far each time.
LOOK_BACK = 2000

# Readings arrive all the time and change no drawn object, so their receipts do not count. What changes the network
# without a receipt, such as a correction taken over, leaves its mark in network_change.
_NETWORK = """
select coalesce(max(id) filter (where dataset not in ('RT', 'ALM', 'DAY') and accepted > 0), 0),
  coalesce(max(id), 0), (select coalesce(max(id), 0) from risk_run where whole or changed_n > 0),
  (select count(*) || '-' || coalesce(sum(xid::text::numeric), 0) from network_change) from receipt where id > :seen
"""
_LIVE = """
select (select coalesce(max(id), 0) from alarm_event) || '.' ||
  coalesce((select extract(epoch from max(received_at))::bigint / 10 from latest), 0) || '.' ||
  (select coalesce(max(id), 0) from network_proposal_step)
"""
_BASE = """
select (select coalesce(max(id), 0) from base_building) || '.' || (select coalesce(max(id), 0) from base_road)
"""


@dataclass
class _Known:
    version: str
    asked_at: float
    seen: int = 0
    newest: int = 0


class Versions:
    """Versions of the layers of this process, by what changes them and by scope."""

    def __init__(self) -> None:
        """Start knowing nothing."""
        self._known: dict[tuple[Changes, str], _Known] = {}
        self._lock = Lock()

    def fresh(self, changes: Changes, scope: Scope) -> str | None:
        """Return the version when it was asked a moment ago, else None."""
        known = self._known.get((changes, scope.as_text()))
        if known is None or time.monotonic() - known.asked_at > FRESH_FOR_S[changes]:
            return None
        return known.version

    def ask(self, session: Session, changes: Changes, scope: Scope) -> str:
        """Ask the database for the version, keep it and return it."""
        key = (changes, scope.as_text())
        known = self._known.get(key) or _Known("", 0.0)
        if changes == "network":
            newest, seen, graded, changed = session.execute(
                text(_NETWORK), {"seen": max(0, known.seen - LOOK_BACK)}
            ).one()
            known = _Known("", 0.0, seen=max(known.seen, seen), newest=max(known.newest, newest))
            known.version = f"{known.newest}.{graded}.{changed}"
        else:
            known.version = str(session.scalar(text(_LIVE if changes == "live" else _BASE)))
        known.asked_at = time.monotonic()
        with self._lock:
            self._known[key] = known
        return known.version
