"""Objects of the network as they were known at a past instant, and the versions of one object with who brought them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from types import SimpleNamespace
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from gis.asof import states_at
from gis.network.queries import BIGGEST_ID, OBJECTS, changes_between, model_of, states_of
from gis.tiles.queries import scope_sql
from portal.core.actor import Scope
from portal.core.errors import NotFound

_OBJECT = """
select t.*, ST_X({middle}) as lon, ST_Y({middle}) as lat, ST_XMin(t.geom) as west, ST_YMin(t.geom) as south,
  ST_XMax(t.geom) as east, ST_YMax(t.geom) as north
from {states} where t.id = :id and {scope}
"""
_RECEIPTS = text("select id, batch_id, door, app_id, received_at from receipt where id = any(:ids)")


@dataclass(frozen=True)
class Version:
    """One state of an object: since when and until when it was known, what differs from the one before, who brought it."""

    since: datetime
    until: datetime | None
    state: dict[str, Any]
    changes: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    receipt: Any = None
    first: bool = False


def find_past_object(session: Session, scope: Scope, layer: str, object_id: int, at: datetime) -> SimpleNamespace:
    """Return an object as it was known at an instant, with lon, lat and its box; raise NotFound when it was not."""
    model = model_of(layer)
    limited, facts = scope_sql(scope)
    middle = "ST_LineInterpolatePoint(t.geom, 0.5)" if layer == "pipe" else "t.geom"
    statement = text(_OBJECT.format(middle=middle, states=states_at(model), scope=limited))
    row = session.execute(statement, facts | {"id": min(object_id, BIGGEST_ID), "at": at}).mappings().one_or_none()
    if row is None:
        raise NotFound("map_object", layer=layer)
    return SimpleNamespace(**row)


def count_objects_at(session: Session, scope: Scope, at: datetime) -> dict[str, int]:
    """Return how many objects of each layer were known at an instant within the scope."""
    limited, facts = scope_sql(scope)
    parts = [
        f"select '{layer}' as layer, count(*) as n from {states_at(model)} where t.status <> 7 and {limited}"
        for layer, model in OBJECTS.items()
        if layer != "node"
    ]
    rows = session.execute(text(" union all ".join(parts)), facts | {"at": at})
    return {layer: int(n) for layer, n in rows}


def versions_of(session: Session, layer: str, object_id: int) -> list[Version]:
    """Return the versions of an object, newest first, with the batch that brought each; the row policy keeps the scope."""
    states = states_of(session, layer, object_id)
    changed = dict(changes_between(states))
    numbers = sorted({state["receipt_id"] for state in states if state["receipt_id"]})
    receipts = {row.id: row for row in session.execute(_RECEIPTS, {"ids": numbers})} if numbers else {}
    found = []
    for place, state in enumerate(states):
        older = states[place + 1] if place + 1 < len(states) else None
        # A change without a batch of its own was no delivery: somebody took a correction over.
        brought = older is None or state["receipt_id"] != older["receipt_id"]
        found.append(
            Version(
                since=state["valid_from"],
                until=state["valid_to"],
                state=state,
                changes=changed.get(state["valid_from"], {}) if older else {},
                receipt=receipts.get(state["receipt_id"]) if brought else None,
                first=older is None,
            )
        )
    return found
