"""What the limit check reads beside the rules: adjustable figures, memories and open alarms."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from portal.operation.alarms.models import Alarm, AlarmEvent, AlarmNow, LimitWatch
from portal.operation.alarms.rules import DEFAULT_FIGURES, MERGE_WITHIN_S, AlarmFigures
from portal.operation.telemetry.models import Point

WORD_OF_MEASURE = {1: "pressure", 2: "flow", 3: "gas", 4: "temperature", 5: "level"}
NEVER = datetime(1970, 1, 1, tzinfo=UTC)


def figures_in_force(session: Session) -> dict[int, AlarmFigures]:
    """Return delays and deadband by measure: parameters `alarm.<word>.<figure>`, else defaults."""
    rows = session.execute(text("select key, value from parameter where key like 'alarm.%'"))
    given: dict[str, float] = {row.key: row.value for row in rows}
    return {
        measure: AlarmFigures(
            given.get(f"alarm.{WORD_OF_MEASURE[measure]}.on_delay_s", default.on_delay_s),
            given.get(f"alarm.{WORD_OF_MEASURE[measure]}.off_delay_s", default.off_delay_s),
            given.get(f"alarm.{WORD_OF_MEASURE[measure]}.deadband_share", default.deadband_share),
        )
        for measure, default in DEFAULT_FIGURES.items()
    }


def remembered_points(session: Session, enterprise_id: int) -> set[int]:
    """Return the points of an enterprise that the limit check remembers as off normal."""
    found = session.scalars(
        select(LimitWatch.point_id)
        .join(Point, Point.id == LimitWatch.point_id)
        .where(Point.enterprise_id == enterprise_id)
    )
    return set(found)


def lock_watches(session: Session, point_ids: Sequence[int]) -> dict[int, LimitWatch]:
    """Return the memory of each point, made where missing, locked until the transaction ends."""
    if not point_ids:
        return {}
    session.execute(
        insert(LimitWatch).on_conflict_do_nothing(),
        [{"point_id": each, "judged_to": NEVER} for each in sorted(point_ids)],
    )
    locked = session.scalars(
        select(LimitWatch)
        .where(LimitWatch.point_id.in_(point_ids))
        .order_by(LimitWatch.point_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return {each.point_id: each for each in locked}


def open_alarms_of(
    session: Session, point_ids: Sequence[int]
) -> dict[tuple[int, int], tuple[AlarmNow, Alarm]]:
    """Return the open alarms of points by (point, kind), with the fact behind each."""
    if not point_ids:
        return {}
    rows = session.execute(
        select(AlarmNow, Alarm)
        .join(Alarm, Alarm.id == AlarmNow.alarm_id)
        .where(
            AlarmNow.point_id.in_(point_ids),
            AlarmNow.cleared_at.is_(None),
            AlarmNow.historical.is_(False),
        )
    )
    return {(now.point_id or 0, now.kind): (now, fact) for now, fact in rows}


def alarm_around(
    session: Session, point_id: int, kind: int, *, begin: datetime, end: datetime
) -> AlarmNow | None:
    """Return an alarm of a point and kind that overlaps a span or lies within 30 minutes of it."""
    gap = timedelta(seconds=MERGE_WITHIN_S)
    return session.scalar(
        select(AlarmNow)
        .where(
            AlarmNow.point_id == point_id,
            AlarmNow.kind == kind,
            AlarmNow.raised_at <= end + gap,
            (AlarmNow.cleared_at.is_(None)) | (AlarmNow.cleared_at >= begin - gap),
        )
        .order_by(AlarmNow.raised_at.desc())
        .limit(1)
    )


def lock_point_kind(session: Session, point_id: int, kind: int) -> None:
    """Let one transaction at a time decide about alarms of a point and kind."""
    session.execute(
        text("select pg_advisory_xact_lock(:point, :kind)"), {"point": point_id, "kind": kind}
    )


def merged_alarm(session: Session, point_id: int, kind: int, *, mark: str) -> AlarmNow | None:
    """Return the alarm on which an event beginning with `mark` was noted before, or None."""
    return session.scalar(
        select(AlarmNow)
        .join(AlarmEvent, AlarmEvent.alarm_id == AlarmNow.alarm_id)
        .where(
            AlarmNow.point_id == point_id,
            AlarmNow.kind == kind,
            AlarmEvent.action.in_(["note", "escalate"]),
            AlarmEvent.note.startswith(mark, autoescape=True),
        )
        .order_by(AlarmNow.alarm_id.desc())
        .limit(1)
    )
