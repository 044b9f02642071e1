"""The layer of segments by their risk."""

from __future__ import annotations

from gis.tiles.layer import VectorLayer, pipe_classes

RISK = VectorLayer(
    "risk",
    "gas_pipe t join risk_segment r on r.pipe_id = t.id",
    "r.colour as rc, r.score as rs, t.pressure_class as pc, r.hca as h",
    "network",
    keep=pipe_classes,
    order="r.score desc",
)
MAP_LAYERS = [RISK]
