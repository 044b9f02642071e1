"""The layer of monitoring points, with the worst open alarm and whether they are silent."""

from __future__ import annotations

from gis.tiles.layer import VectorLayer, in_place

# Silent: nothing newer than three upload periods, at least five minutes.
SENSOR = VectorLayer(
    "sensor",
    "point t left join latest on latest.point_id = t.id left join lateral (select min(a.level) as level "
    "from alarm_now a where a.point_id = t.id and a.cleared_at is null and not a.historical) alarmed on true",
    "t.measure as m, coalesce(alarmed.level, 0) as a, (latest.ts is null or latest.ts < now() - "
    "greatest(3 * t.period_s, 300) * interval '1 second') as s, t.name as n",
    "live",
    min_zoom=12,
    keep=in_place,
)
MAP_LAYERS = [SENSOR]
