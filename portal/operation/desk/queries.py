"""Holds, handling records, groups and floods as the desk reads them; every read takes the scope of who asks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import exists, func, select, text
from sqlalchemy.orm import Session

from portal.accounts.models import Enterprise
from portal.core.actor import Actor, Scope
from portal.core.errors import NotFound
from portal.core.paging import Cursor, Page, newest_first
from portal.core.scoping import in_scope
from portal.core.sql import load_sql
from portal.operation.alarms.models import Alarm, AlarmHold, AlarmNow
from portal.operation.alarms.queries import is_standing
from portal.operation.desk.models import AlarmAttachment, AlarmProcedure, AlarmRecord, AlarmView
from portal.operation.desk.rules import Figures, Standing
from portal.operation.telemetry.models import Point

HERE = str(Path(__file__).parent)
BIGGEST_ID = 2**63 - 1
MEMBERS_SHOWN = 100


def figures_in_force(session: Session) -> Figures:
    """Return the figures of the desk: parameters `alarm.*`, else the defaults."""
    names = {f"alarm.{name.replace('_', '.', 1)}": name for name in (each.name for each in fields(Figures))}
    names |= {f"alarm.{name}": name for name in (each.name for each in fields(Figures))}
    rows = session.execute(text("select key, value from parameter where key like 'alarm.%'"))
    return Figures(**{names[row.key]: row.value for row in rows if row.key in names})


def find_hold(session: Session, hold_id: int, *, scope: Scope) -> AlarmHold:
    """Return a hold; raise NotFound outside the scope."""
    found = None
    if 0 < hold_id <= BIGGEST_ID:
        asked = select(AlarmHold).where(AlarmHold.id == hold_id)
        found = session.scalar(asked.where(in_scope(scope, AlarmHold.enterprise_id, AlarmHold.adcode)))
    if found is None:
        raise NotFound("alarm_hold", hold_id=hold_id)
    return found


def holds_page(session: Session, *, running: bool, cursor: Cursor | None, scope: Scope) -> Page:
    """Return one page of holds, newest first: running ones, or all that ever were."""
    asked: Any = (
        select(
            *AlarmHold.__table__.columns, Enterprise.short_name.label("enterprise"),
            Point.src_code.label("point_code"), Point.name.label("point_name"),
            select(func.count()).where(AlarmNow.hold_id == AlarmHold.id, AlarmNow.hold.is_not(None))
            .correlate(AlarmHold).scalar_subquery().label("alarms"),
        )
        .join(Enterprise, Enterprise.id == AlarmHold.enterprise_id)
        .outerjoin(Point, Point.id == AlarmHold.point_id)
        .where(in_scope(scope, AlarmHold.enterprise_id, AlarmHold.adcode))
    )  # fmt: skip
    if running:
        asked = asked.where(AlarmHold.ended_at.is_(None))
    return newest_first(session, asked, (AlarmHold.begun_at, AlarmHold.id), cursor)


def has_record(session: Session, alarm_id: int) -> bool:
    """Return whether an alarm has a handling record."""
    return bool(session.scalar(select(exists().where(AlarmRecord.alarm_id == alarm_id))))


def records_of(session: Session, alarm_id: int, *, scope: Scope) -> Sequence[AlarmRecord]:
    """Return the handling records of an alarm, oldest first."""
    asked = select(AlarmRecord).where(
        AlarmRecord.alarm_id == alarm_id, in_scope(scope, AlarmRecord.enterprise_id, AlarmRecord.adcode)
    )
    return session.scalars(asked.order_by(AlarmRecord.id)).all()


def attachments_of(session: Session, alarm_id: int, *, scope: Scope) -> Sequence[Any]:
    """Return number, name, SM3 and size of the attachments of an alarm, oldest first."""
    it = AlarmAttachment
    asked = select(it.id, it.name, it.sm3, it.by_name, it.at, func.length(it.content).label("bytes"))
    return session.execute(
        asked.where(it.alarm_id == alarm_id, in_scope(scope, it.enterprise_id, it.adcode)).order_by(it.id)
    ).all()


def find_attachment(session: Session, attachment_id: int, *, scope: Scope) -> AlarmAttachment:
    """Return an attachment with its bytes; raise NotFound outside the scope."""
    found, it = None, AlarmAttachment
    if 0 < attachment_id <= BIGGEST_ID:
        found = session.scalar(select(it).where(it.id == attachment_id, in_scope(scope, it.enterprise_id, it.adcode)))
    if found is None:
        raise NotFound("alarm_attachment", attachment_id=attachment_id)
    return found


def procedure_of(session: Session, kind: int) -> AlarmProcedure | None:
    """Return what the duty officer does first about a kind of alarm."""
    return session.get(AlarmProcedure, kind)


def views_of(session: Session, actor: Actor) -> Sequence[AlarmView]:
    """Return the filters a person keeps, by name."""
    return session.scalars(select(AlarmView).where(AlarmView.user_id == actor.id).order_by(AlarmView.name)).all()


def alarms_since(session: Session, since: datetime, *, scope: Scope) -> int:
    """Return how many live alarms were raised since an instant."""
    asked = select(func.count()).where(
        in_scope(scope, AlarmNow.enterprise_id, AlarmNow.adcode), AlarmNow.raised_at > since, ~AlarmNow.historical
    )
    return int(session.scalar(asked) or 0)


def members_of(session: Session, root_id: int, *, scope: Scope) -> Sequence[Any]:
    """Return the alarms that an alarm stands for, oldest first."""
    asked = (
        select(
            AlarmNow.alarm_id, AlarmNow.level, AlarmNow.kind, AlarmNow.state, AlarmNow.object_code, AlarmNow.raised_at,
            AlarmNow.acknowledged_at, Point.name.label("point_name"),
        )
        .outerjoin(Point, Point.id == AlarmNow.point_id)
        .where(AlarmNow.root_id == root_id, in_scope(scope, AlarmNow.enterprise_id, AlarmNow.adcode))
    )  # fmt: skip
    return session.execute(asked.order_by(AlarmNow.raised_at, AlarmNow.alarm_id).limit(MEMBERS_SHOWN)).all()


def standing_alarms(session: Session, enterprise_id: int) -> list[Standing]:
    """Return the standing alarms of an enterprise as grouping sees them, with the alarm of the outage around each."""
    rows = session.execute(load_sql(HERE, "standing"), {"enterprise": enterprise_id})
    return [
        Standing(
            row.alarm_id, enterprise_id, row.kind, row.level, row.raised_at, row.object_code,
            (row.lon, row.lat) if row.lon is not None else None, row.root_id, row.silent_root_id,
        )
        for row in rows
    ]  # fmt: skip


def enterprises_to_group(session: Session, since: datetime) -> Sequence[int]:
    """Return the enterprises of which an alarm came in since an instant and still stands."""
    asked = (
        select(AlarmNow.enterprise_id)
        .join(Alarm, Alarm.id == AlarmNow.alarm_id)
        .where(is_standing(), AlarmNow.hold.is_(None), AlarmNow.root_id.is_(None), AlarmNow.raised_at > since)
        .distinct()
    )
    return session.scalars(asked.order_by(AlarmNow.enterprise_id)).all()


def holds_run_out(session: Session, now: datetime, limit: int = 200) -> Sequence[AlarmHold]:
    """Return running holds whose time is over, locked; those somebody else is ending are left to him."""
    return session.scalars(
        select(AlarmHold)
        .where(AlarmHold.ended_at.is_(None), AlarmHold.expires_at <= now)
        .order_by(AlarmHold.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    ).all()


def suppressed_without_root(session: Session, limit: int = 500) -> Sequence[AlarmNow]:
    """Return alarms suppressed under a root that is itself at its end, locked."""
    root = AlarmNow.__table__.alias("root")
    ended = exists().where(
        root.c.alarm_id == AlarmNow.root_id, root.c.cleared_at.is_not(None), root.c.acknowledged_at.is_not(None)
    )
    return session.scalars(
        select(AlarmNow)
        .where(AlarmNow.hold == 2, AlarmNow.root_id.is_not(None), ended)
        .order_by(AlarmNow.alarm_id)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    ).all()


def flood_since(now: datetime, figures: Figures) -> datetime:
    """Return where the window begins in which a flood is judged."""
    return now - timedelta(minutes=figures.flood_window_min)
