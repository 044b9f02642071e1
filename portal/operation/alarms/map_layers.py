"""The layer of open alarms."""

from __future__ import annotations

from gis.tiles.layer import VectorLayer

ALARM = VectorLayer(
    "alarm",
    "alarm t join alarm_now s on s.alarm_id = t.id",
    "s.level as l, s.state as s, t.kind as k, t.object_code as n",
    "live",
    keep=lambda _zoom: "(s.cleared_at is null or s.acknowledged_at is null) and not s.historical",
    order="s.level",
)
MAP_LAYERS = [ALARM]
