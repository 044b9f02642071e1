"""Duty, steps and notices as pages and jobs read them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import func, or_, select, text
from sqlalchemy.orm import Session

from portal.accounts.models import Enterprise, User
from portal.core.actor import Scope
from portal.core.errors import NotFound
from portal.core.paging import Cursor, Page, newest_first
from portal.core.scoping import in_scope
from portal.core.sql import load_sql
from portal.operation.escalation.models import DutyContact, DutyNote, DutyShift, EscalationStep, Notice
from portal.operation.escalation.rules import Step

HERE = str(Path(__file__).parent)
BIGGEST_ID = 2**63 - 1
BIGGEST_INT = 2**31 - 1
NOTES_SHOWN = 10


@dataclass(frozen=True)
class OnDuty:
    """Somebody on duty: shift, post, district, who, until when."""

    shift_id: int
    post: int
    adcode: str | None
    user_id: int
    name: str
    ends_at: datetime


def on_duty(session: Session, at: datetime, post: int | None = None) -> list[OnDuty]:
    """Return who is on duty at an instant, by post, earliest shift first."""
    asked = (
        select(DutyShift.id, DutyShift.post, DutyShift.adcode, User.id, User.display_name, DutyShift.ends_at)
        .join(User, User.id == DutyShift.user_id)
        .where(
            DutyShift.cancelled_at.is_(None),
            DutyShift.begins_at <= at,
            DutyShift.ends_at > at,
            User.disabled_at.is_(None),
        )
    )
    if post is not None:
        asked = asked.where(DutyShift.post == post)
    return [OnDuty(*row) for row in session.execute(asked.order_by(DutyShift.post, DutyShift.begins_at, DutyShift.id))]


def shifts_between(session: Session, begin: datetime, end: datetime) -> Sequence[Any]:
    """Return the shifts that touch a span, by begin."""
    return session.execute(
        select(*DutyShift.__table__.columns, User.display_name.label("name"))
        .join(User, User.id == DutyShift.user_id)
        .where(DutyShift.cancelled_at.is_(None), DutyShift.begins_at < end, DutyShift.ends_at > begin)
        .order_by(DutyShift.begins_at, DutyShift.post, DutyShift.id)
    ).all()


def people_for_duty(session: Session, roles: Sequence[int]) -> Sequence[Any]:
    """Return number, name and districts of the people of some roles who have a login."""
    asked = select(User.id, User.display_name.label("name"), User.adcodes).where(
        User.role.in_(roles), User.disabled_at.is_(None)
    )
    return session.execute(asked.order_by(User.display_name, User.id)).all()


def overlapping_shift(session: Session, user_id: int, begin: datetime, end: datetime) -> int | None:
    """Return a shift of a person that overlaps a span, None when there is none."""
    return session.scalar(
        select(DutyShift.id).where(
            DutyShift.user_id == user_id,
            DutyShift.cancelled_at.is_(None),
            DutyShift.begins_at < end,
            DutyShift.ends_at > begin,
        )
    )


def lock_shift(session: Session, shift_id: int) -> DutyShift:
    """Return a shift, locked; raise NotFound."""
    found = session.get(DutyShift, shift_id, with_for_update=True) if 0 < shift_id <= BIGGEST_INT else None
    if found is None or found.cancelled_at is not None:
        raise NotFound("duty_shift", shift_id=shift_id)
    return found


def lock_note(session: Session, note_id: int) -> DutyNote:
    """Return a hand-over note, locked; raise NotFound."""
    found = session.get(DutyNote, note_id, with_for_update=True) if 0 < note_id <= BIGGEST_INT else None
    if found is None:
        raise NotFound("duty_note", note_id=note_id)
    return found


def newest_notes(session: Session) -> Sequence[DutyNote]:
    """Return the newest hand-over notes."""
    return session.scalars(select(DutyNote).order_by(DutyNote.at.desc(), DutyNote.id.desc()).limit(NOTES_SHOWN)).all()


def steps_in_force(session: Session) -> list[Step]:
    """Return the steps of the escalation by level and order."""
    rows = session.scalars(select(EscalationStep).order_by(EscalationStep.level, EscalationStep.step))
    return [Step(row.level, row.step, row.after_min, row.post, tuple(row.channels)) for row in rows]


def step_rows(session: Session) -> Sequence[EscalationStep]:
    """Return the steps of the escalation as stored."""
    return session.scalars(select(EscalationStep).order_by(EscalationStep.level, EscalationStep.step)).all()


def contacts_of(session: Session, user_ids: Sequence[int]) -> dict[tuple[int, str], DutyContact]:
    """Return the contacts of people by (person, channel)."""
    rows = session.scalars(select(DutyContact).where(DutyContact.user_id.in_(user_ids)))
    return {(row.user_id, row.channel): row for row in rows}


def alarms_waiting(session: Session, now: datetime) -> Sequence[Any]:
    """Return open alarms nobody has acknowledged that have a step due, with the steps done so far."""
    return session.execute(load_sql(HERE, "waiting"), {"now": now}).all()


def notices_page(session: Session, *, state: str | None, cursor: Cursor | None, scope: Scope) -> Page:
    """Return one page of notices, newest first, of one state when it is given."""
    asked: Any = (
        select(*Notice.__table__.columns, Enterprise.short_name.label("enterprise"))
        .join(Enterprise, Enterprise.id == Notice.enterprise_id)
        .where(in_scope(scope, Notice.enterprise_id, Notice.adcode))
    )
    if state:
        asked = asked.where(Notice.state == state)
    return newest_first(session, asked, (Notice.created_at, Notice.id), cursor)


def notice_counts(session: Session, *, since: datetime, scope: Scope) -> dict[str, int]:
    """Return how many notices there are by state since an instant."""
    asked = select(Notice.state, func.count()).where(
        Notice.created_at >= since, in_scope(scope, Notice.enterprise_id, Notice.adcode)
    )
    return {state: int(count) for state, count in session.execute(asked.group_by(Notice.state))}


def lock_notice(session: Session, notice_id: int, *, scope: Scope) -> Notice:
    """Return a notice, locked; raise NotFound outside the scope."""
    found = None
    if 0 < notice_id <= BIGGEST_ID:
        found = session.scalar(
            select(Notice)
            .where(Notice.id == notice_id, in_scope(scope, Notice.enterprise_id, Notice.adcode))
            .with_for_update()
        )
    if found is None:
        raise NotFound("notice", notice_id=notice_id)
    return found


def unseen_on_screen(session: Session, user_id: int, *, scope: Scope) -> Sequence[Notice]:
    """Return the notices for a person's screen that he has not opened, newest first, locked."""
    return session.scalars(
        select(Notice)
        .where(
            Notice.user_id == user_id,
            Notice.channel == "screen",
            Notice.seen_at.is_(None),
            Notice.state.in_(("waiting", "sent")),
            in_scope(scope, Notice.enterprise_id, Notice.adcode),
        )
        .order_by(Notice.created_at.desc(), Notice.id.desc())
        .limit(20)
        .with_for_update(skip_locked=True)
    ).all()


def notice_due(session: Session, now: datetime) -> Notice | None:
    """Return the longest waiting notice for a channel that leaves the portal, locked; others are passed over."""
    return session.scalar(
        select(Notice)
        .where(
            Notice.state == "waiting",
            Notice.next_at <= now,
            or_(Notice.channel == "email", Notice.channel == "webhook"),
        )
        .order_by(Notice.next_at, Notice.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )


def attempts_most(session: Session) -> int:
    """Return how often a notice is tried before a person must look."""
    found = session.scalar(text("select value from parameter where key = 'notice.attempts_most'"))
    return int(found) if found is not None else 8
