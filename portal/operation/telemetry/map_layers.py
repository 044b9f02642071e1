"""The layer of monitoring points, with the worst open alarm and whether they are silent."""

from __future__ import annotations

from gis.asof import past_source
from gis.tiles.layer import Past, VectorLayer, in_place

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
    # Of a past day only the point as it was filed: whether it was silent then, its curve tells.
    past=Past(
        past_source("point t") + " left join lateral (select min(a.level) as level from alarm_now a where a.point_id = t.id "
        "and a.raised_at < :at and (a.cleared_at is null or a.cleared_at >= :at) and not a.historical) alarmed on true",
        "t.measure as m, coalesce(alarmed.level, 0) as a, false as s, t.name as n",
        keep=in_place,
    ),
)
MAP_LAYERS = [SENSOR]
