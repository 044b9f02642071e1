"""What people do at the desk: shelving, maintenance, locks, resets, handling records, closing, kept filters."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.audit.services import record
from portal.core.actor import Actor
from portal.core.crypto import PROVIDER
from portal.core.errors import Conflict, Invalid, NotFound
from portal.operation.alarms.models import AlarmHold, AlarmNow
from portal.operation.alarms.queries import is_standing, lock_alarm, lock_hold
from portal.operation.alarms.services import (
    Answered,
    Happening,
    add_event,
    condition_of,
    end_hold,
    put_under,
    said_in,
)
from portal.operation.alarms.states import BY_LOCK, BY_MAINTENANCE, BY_SHELVING, comes_through, refusal
from portal.operation.desk.models import AlarmAttachment, AlarmRecord, AlarmView
from portal.operation.desk.queries import figures_in_force, find_hold, has_record
from portal.operation.desk.rules import Figures

RECORD_LEAST_CHARS = 2
TEXT_MOST_CHARS = 2000
ATTACHMENT_BYTES = 10 * 1024 * 1024
VIEWS_MOST = 20
SIGNS = ((b"%PDF-", "application/pdf"), (b"\xff\xd8\xff", "image/jpeg"), (b"\x89PNG\r\n\x1a\n", "image/png"))


@dataclass(frozen=True)
class Holding:
    """What somebody asks for when alarms are held back: kind of hold, hours, reason, permit, only this kind of alarm."""

    kind: int
    hours: float
    reason: str
    permit_no: str | None = None
    only_kind: bool = True


def longest_hold_h(kind: int, figures: Figures) -> float:
    """Return how long a hold of a kind may last, h."""
    hours = {BY_SHELVING: figures.shelve_most_h, BY_MAINTENANCE: figures.maintenance_most_h, BY_LOCK: figures.lock_most_h}
    return hours[kind]


def hold_alarm(session: Session, alarm_id: int, asked: Holding, *, now: datetime, actor: Actor) -> AlarmHold:
    """Hold back an alarm and what else its point or object raises of that kind; everything is stored all the same.

    Raise NotFound outside the scope, Invalid for a time or reason that is not allowed, Conflict when it is held
    already or has ended.
    """
    reason, most = said_in(asked.reason), longest_hold_h(asked.kind, figures_in_force(session))
    if not 0 < asked.hours <= most:
        raise Invalid("hold_hours", most=f"{most:g}")
    if asked.kind == BY_MAINTENANCE and not (asked.permit_no or "").strip():
        raise Invalid("hold_permit_needed")
    present = lock_alarm(session, alarm_id, scope=actor.scope)
    _must(session, "hold", present)
    hold = AlarmHold(
        enterprise_id=present.enterprise_id,
        adcode=present.adcode,
        kind=asked.kind,
        point_id=present.point_id,
        object_code=None if present.point_id is not None else present.object_code,
        alarm_kind=present.kind if asked.only_kind else None,
        alarm_id=present.alarm_id,
        level=present.level,
        reason=reason,
        permit_no=(asked.permit_no or "").strip()[:80] or None,
        begun_at=now,
        expires_at=now + timedelta(hours=asked.hours),
        begun_by=actor.shown_name,
        begun_by_id=actor.id,
    )
    session.add(hold)
    session.flush()
    for each in _covered(session, hold):
        if each.hold is None and not comes_through(hold.kind, hold.level, each.level):
            put_under(session, each, hold, now=now, actor=actor)
    told = {"kind": hold.kind, "reason": reason, "until": hold.expires_at.isoformat(), "permit_no": hold.permit_no}
    record(
        session, actor, "alarm.hold", object_type="alarm_hold", object_id=hold.id,
        enterprise_id=hold.enterprise_id, after=told,
    )  # fmt: skip
    return hold


def _covered(session: Session, hold: AlarmHold) -> list[AlarmNow]:
    """Return the standing alarms a hold covers, locked, in order; the one it began with is always among them."""
    same = AlarmNow.point_id == hold.point_id if hold.point_id is not None else AlarmNow.object_code == hold.object_code
    asked = select(AlarmNow).where(AlarmNow.enterprise_id == hold.enterprise_id, same, is_standing())
    if hold.alarm_kind is not None:
        asked = asked.where(AlarmNow.kind == hold.alarm_kind)
    found = list(
        session.scalars(
            asked.order_by(AlarmNow.alarm_id).with_for_update().execution_options(populate_existing=True)
        )
    )
    own = session.get_one(AlarmNow, hold.alarm_id)
    return found if own in found else [own, *found]


def release_hold(session: Session, hold_id: int, *, said: str, now: datetime, actor: Actor) -> int:
    """End a hold by hand; return how many alarms came back. Raise NotFound outside the scope, Conflict when it ended."""
    words = said_in(said)
    find_hold(session, hold_id, scope=actor.scope)
    hold = lock_hold(session, hold_id)
    if hold is None:
        raise Conflict("hold_ended", hold_id=hold_id)
    back = end_hold(session, hold, outcome="released", said=words, now=now, actor=actor)
    record(
        session, actor, "alarm.release", object_type="alarm_hold", object_id=hold.id,
        enterprise_id=hold.enterprise_id, after={"alarms": back, "reason": words},
    )  # fmt: skip
    return back


def reset_alarm(session: Session, alarm_id: int, *, note: str, now: datetime, actor: Actor) -> AlarmNow:
    """Take the latch off an alarm that is over and seen; raise Conflict otherwise."""
    said = said_in(note)
    present = lock_alarm(session, alarm_id, scope=actor.scope)
    _must(session, "reset", present)
    add_event(session, present, Happening("reset", now, note=said), actor=actor)
    return present


@dataclass(frozen=True)
class Handling:
    """A handling record as somebody writes it."""

    receiver: str
    cause: str
    measures: str
    result: str


def write_record(session: Session, alarm_id: int, said: Handling, *, now: datetime, actor: Actor) -> AlarmRecord:
    """Write a handling record; raise Invalid when a part is blank or too long, Conflict when the alarm is closed."""
    parts = {name: value.strip() for name, value in vars(said).items()}
    for name, value in parts.items():
        if len(value) < RECORD_LEAST_CHARS:
            raise Invalid("record_part_missing", part=name)
        if len(value) > TEXT_MOST_CHARS:
            raise Invalid("record_too_long", most=TEXT_MOST_CHARS)
    present = lock_alarm(session, alarm_id, scope=actor.scope)
    _must(session, "record", present)
    made = AlarmRecord(
        alarm_id=alarm_id, enterprise_id=present.enterprise_id, adcode=present.adcode,
        by_id=actor.id, by_name=actor.shown_name, **parts,
    )  # fmt: skip
    session.add(made)
    session.flush()
    happening = Happening("record", now, note=f"{parts['measures']} → {parts['result']}", ref_id=made.id)
    add_event(session, present, happening, actor=actor)
    return made


def attach(session: Session, alarm_id: int, name: str, content: bytes, *, actor: Actor) -> AlarmAttachment:
    """Keep a photo or paper with an alarm; raise Invalid for another kind of file or one that is too large."""
    media = next((media for sign, media in SIGNS if content.startswith(sign)), None)
    if media is None:
        raise Invalid("attachment_kind")
    if len(content) > ATTACHMENT_BYTES:
        raise Invalid("attachment_size", most=ATTACHMENT_BYTES // 1024 // 1024)
    present = lock_alarm(session, alarm_id, scope=actor.scope)
    _must(session, "record", present)
    made = AlarmAttachment(
        alarm_id=alarm_id, enterprise_id=present.enterprise_id, adcode=present.adcode,
        name=name.replace("\x00", "")[-120:] or "attachment", media_type=media, sm3=PROVIDER.sm3(content).hex(),
        content=content, by_name=actor.shown_name,
    )  # fmt: skip
    session.add(made)
    session.flush()
    record(
        session, actor, "alarm.attach", object_type="alarm", object_id=alarm_id, enterprise_id=present.enterprise_id,
        after={"name": made.name, "sm3": made.sm3},
    )  # fmt: skip
    return made


def close_alarm(session: Session, alarm_id: int, *, now: datetime, actor: Actor) -> AlarmNow:
    """Close an alarm that is over, seen, judged and recorded; raise Conflict naming what is missing."""
    present = lock_alarm(session, alarm_id, scope=actor.scope)
    _must(session, "close", present)
    add_event(session, present, Happening("close", now), actor=actor)
    return present


def shelve_alarms(
    session: Session, alarm_ids: list[int], asked: Holding, *, now: datetime, actor: Actor
) -> list[Answered]:
    """Shelve several alarms; return for each whether it was, and why not."""
    answers = []
    for alarm_id in sorted(alarm_ids):
        try:
            hold_alarm(session, alarm_id, asked, now=now, actor=actor)
        except (Conflict, NotFound) as refused:
            answers.append(Answered(alarm_id, refused.code))
        else:
            answers.append(Answered(alarm_id, "done"))
    return answers


def _must(session: Session, action: str, present: AlarmNow) -> None:
    """Raise Conflict when an action does not fit what is true of the alarm."""
    found = condition_of(present)
    if action == "close":
        found = type(found)(**vars(found) | {"recorded": has_record(session, present.alarm_id)})
    why = refusal(action, found)
    if why is not None:
        raise Conflict(why, alarm_id=present.alarm_id)


def keep_view(session: Session, name: str, query: str, *, actor: Actor) -> AlarmView:
    """Keep the filter of an address under a name of one's own; raise Invalid without a name or with too many."""
    words = name.strip()[:40]
    if not words:
        raise Invalid("view_name_missing")
    mine = session.scalars(select(AlarmView).where(AlarmView.user_id == actor.id)).all()
    found = next((each for each in mine if each.name == words), None)
    if found is None:
        if len(mine) >= VIEWS_MOST:
            raise Invalid("view_too_many", most=VIEWS_MOST)
        found = AlarmView(user_id=actor.id, name=words, query="")
        session.add(found)
    found.query = query
    session.flush()
    record(session, actor, "alarm_view.keep", object_type="alarm_view", object_id=found.id, after={"name": words})
    return found


def drop_view(session: Session, view_id: int, *, actor: Actor) -> None:
    """Forget one of one's own views; raise NotFound for anybody else's."""
    found = session.scalar(select(AlarmView).where(AlarmView.id == view_id, AlarmView.user_id == actor.id))
    if found is None:
        raise NotFound("alarm_view", view_id=view_id)
    session.delete(found)
    record(session, actor, "alarm_view.drop", object_type="alarm_view", object_id=view_id)
