"""The layer of open alarms."""

from __future__ import annotations

from gis.tiles.layer import Past, VectorLayer

_FORMER = (
    "(select e.{0} from alarm_event e where e.alarm_id = t.id and e.happened_at < :at and e.{0} is not null "
    "order by e.id desc limit 1)"
)
ALARM = VectorLayer(
    "alarm",
    "alarm t join alarm_now s on s.alarm_id = t.id",
    "s.level as l, s.state as s, t.kind as k, t.object_code as n",
    "live",
    keep=lambda _zoom: "(s.cleared_at is null or s.acknowledged_at is null) and not s.historical",
    order="s.level",
    past=Past(
        "alarm t join alarm_now s on s.alarm_id = t.id",
        f"coalesce({_FORMER.format('level')}, t.level) as l, coalesce({_FORMER.format('state')}, s.state) as s, "
        "t.kind as k, t.object_code as n",
        # Raised before, and not both over and seen before. What came late as history was not known then.
        keep=lambda _zoom: "t.raised_at < :at and not s.historical and (s.cleared_at is null or s.cleared_at >= :at "
        "or s.acknowledged_at is null or s.acknowledged_at >= :at)",
        order="t.level",
    ),
)
MAP_LAYERS = [ALARM]
