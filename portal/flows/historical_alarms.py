"""Flow: alarms found in back-filled or late readings; they are stored and shown, but ring nowhere."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy.orm import Session

from portal.core.actor import Actor
from portal.operation.alarms.limit_queries import alarm_around, lock_point_kind
from portal.operation.alarms.rules import LIMITS_CHECK
from portal.operation.alarms.services import Happening, NewAlarm, add_event, raise_alarm
from portal.operation.limits.engine import Episode, Row, late_episodes
from portal.operation.limits.table import WatchedPoint


def raise_historical(
    session: Session,
    point: WatchedPoint,
    rows: Sequence[Row],
    *,
    receipt_id: int,
    actor: Actor,
) -> int:
    """Store the alarms of late rows that no alarm covers yet; return how many. Late rows are judged by limits alone."""
    kind, stored = point.ruled.kinds[LIMITS_CHECK], 0
    for episode in late_episodes(point.ruled, rows):
        lock_point_kind(session, point.id, kind)
        begin, end = _instant(episode.begin.at_ms), _instant(episode.end_ms)
        known = alarm_around(session, point.id, kind, begin=begin, end=end)
        if known is None:
            _store(session, point, episode, receipt_id=receipt_id, actor=actor)
            stored += 1
        elif known.historical and known.cleared_at and end > known.cleared_at:
            happening = Happening("clear", end, value=episode.end_value)
            add_event(session, known, happening, actor=actor)
            stored += 1
    return stored


def _store(
    session: Session, point: WatchedPoint, episode: Episode, *, receipt_id: int, actor: Actor
) -> None:
    begin = episode.begin
    new = NewAlarm(
        enterprise_id=point.enterprise_id,
        adcode=point.adcode,
        source="rule",
        kind=point.ruled.kinds[LIMITS_CHECK],
        level=episode.level,
        raised_at=_instant(begin.at_ms),
        point_id=point.id,
        object_code=point.object_code,
        limit_name=begin.limit_name,
        limit_value=point.ruled.limit_value(begin.limit_name, begin.at_ms),
        value=begin.value,
        unit=point.unit,
        historical=True,
        receipt_id=receipt_id,
        lon_lat=point.lon_lat,
    )
    _, present = raise_alarm(session, new, actor=actor)
    present.peak_value = episode.peak
    happening = Happening("clear", _instant(episode.end_ms), value=episode.end_value)
    add_event(session, present, happening, actor=actor)


def _instant(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)
