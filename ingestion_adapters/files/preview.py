"""A small picture of a delivery as GeoJSON: what is accepted, what waits, in CGCS2000 degrees."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ingestion_adapters.files.drafts import Draft

_MAX_FEATURES = 5000
_MAX_VERTICES = 200
_DIGITS = 6


def preview_geojson(drafts: Sequence[Draft]) -> dict[str, Any]:
    """Return a FeatureCollection of at most 5,000 features; rows in quarantine come first."""
    placed = [draft for draft in drafts if "line" in draft.values or "lon" in draft.values]
    order = sorted(placed, key=lambda draft: (not draft.waits, draft.table.kind != "pipe"))
    features = [_feature(draft) for draft in order[:_MAX_FEATURES]]
    return {"type": "FeatureCollection", "total": len(placed), "features": features}


def _feature(draft: Draft) -> dict[str, Any]:
    properties = {
        "code": draft.code,
        "kind": draft.table.kind,
        "file": draft.table.file,
        "row": draft.row,
        "state": "quarantined" if draft.waits else "accepted",
        "pressure_class": draft.values.get("pressure_class"),
    }
    return {"type": "Feature", "properties": properties, "geometry": _geometry(draft)}


def _geometry(draft: Draft) -> dict[str, Any]:
    line = draft.values.get("line")
    if line is None:
        point = [round(draft.values["lon"], _DIGITS), round(draft.values["lat"], _DIGITS)]
        return {"type": "Point", "coordinates": point}
    step = max(1, -(-len(line) // _MAX_VERTICES))
    points = line[::step].round(_DIGITS).tolist()
    if (len(line) - 1) % step:
        points.append(line[-1].round(_DIGITS).tolist())
    return {"type": "LineString", "coordinates": points}
