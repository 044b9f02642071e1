"""Flow: alarms found in back-filled or late readings; they are stored and shown, but ring nowhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import takewhile

from sqlalchemy.orm import Session

from portal.core.actor import Actor
from portal.operation.alarms.limit_queries import WatchedPoint, alarm_around, lock_point_kind
from portal.operation.alarms.rules import (
    AlarmFigures,
    Change,
    Watch,
    broken_limit,
    judge_series,
    kind_of,
)
from portal.operation.alarms.services import Happening, NewAlarm, add_event, raise_alarm

Row = tuple[int, float, int]


@dataclass(frozen=True)
class Episode:
    """One stretch of time off normal: what raised it, its gravest level, its end and worst value."""

    begin: Change
    level: int
    end_ms: int
    end_value: float
    peak: float


def raise_historical(
    session: Session,
    point: WatchedPoint,
    figures: AlarmFigures,
    rows: Sequence[Row],
    *,
    receipt_id: int,
    actor: Actor,
) -> int:
    """Store the alarms of late rows that no alarm covers yet; return how many."""
    if not any(broken_limit(point.limits, value) for _, value, _ in rows):
        return 0
    changes, _ = judge_series(point.limits, figures, Watch(), rows)
    kind, stored = kind_of(point.limits.measure), 0
    for episode in episodes(changes, rows[-1]):
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


def episodes(changes: Sequence[Change], last: Row) -> list[Episode]:
    """Return the stretches off normal; one without an end lasts to the last row known."""
    found = []
    for place, begin in enumerate(changes):
        if begin.action != "raise":
            continue
        inner = list(takewhile(lambda each: each.action == "escalate", changes[place + 1 :]))
        rest = changes[place + 1 + len(inner) :]
        grave = inner[-1] if inner else begin
        end = rest[0] if rest else None
        found.append(
            Episode(
                begin=begin,
                level=grave.level,
                end_ms=end.at_ms if end else last[0],
                end_value=end.value if end else last[1],
                peak=end.peak if end else grave.peak,
            )
        )
    return found


def _store(
    session: Session, point: WatchedPoint, episode: Episode, *, receipt_id: int, actor: Actor
) -> None:
    begin = episode.begin
    new = NewAlarm(
        enterprise_id=point.enterprise_id,
        adcode=point.adcode,
        source="rule",
        kind=kind_of(point.limits.measure),
        level=episode.level,
        raised_at=_instant(begin.at_ms),
        point_id=point.id,
        object_code=point.object_code,
        limit_name=begin.limit_name,
        limit_value=point.limits.value_of(begin.limit_name),
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
