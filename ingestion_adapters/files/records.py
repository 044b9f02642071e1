"""From a judged draft to a record of the contract."""

from __future__ import annotations

from typing import Any

import msgspec

from ingestion_adapters.contract import NetworkObject, Node, Pipe, Regulator, Station, User, Valve
from ingestion_adapters.files.drafts import Draft, Judging

_TAGS = {"node": "NOD", "pipe": "PIP", "valve": "VLV", "regulator": "REG", "station": "STA"}
_NOT_SENT = frozenset({"x", "y", "line", "measured_m", "fitting", "again"})
_DIGITS = 9


def record_from(values: dict[str, Any]) -> Node | Pipe | Valve | Regulator | Station:
    """Return the network record of plain values; raise msgspec.ValidationError when they break the contract."""
    for name in ("lon", "lat"):
        if name in values:
            values[name] = round(values[name], _DIGITS)
    return msgspec.convert(values, type=NetworkObject)  # type: ignore[no-any-return]


def record_of(draft: Draft, judging: Judging) -> Node | Pipe | Valve | Regulator | Station | User | None:
    """Return the record of an accepted draft, or None when the contract refuses it, which is noted."""
    kind = draft.table.kind
    values = {name: value for name, value in draft.values.items() if name not in _NOT_SENT}
    if kind == "pipe":
        points = draft.values["line"].round(_DIGITS).tolist() if "line" in draft.values else []
        values["geom"] = {"type": "LineString", "coordinates": points}
    else:
        values |= {name: round(values[name], _DIGITS) for name in ("lon", "lat") if name in values}
    try:
        if kind == "user":
            values["households"] = int(values.get("households", 1))
            return msgspec.convert(values, type=User)
        return record_from({"type": _TAGS[kind], **values})
    except msgspec.ValidationError as error:
        judging.note(draft, "record_bad", facts={"reason": str(error)[:160]})
        return None
