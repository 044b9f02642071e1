"""Keeping the roster, hand-overs, contacts and steps; telling people about alarms and keeping the receipts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from portal.audit.services import record
from portal.core.actor import Actor
from portal.core.clock import local
from portal.core.codes import word_of
from portal.core.errors import Conflict, Invalid, NotFound
from portal.core.live import announce
from portal.operation.alarms.queries import open_counts
from portal.operation.escalation.models import DutyContact, DutyNote, DutyShift, EscalationStep, Notice
from portal.operation.escalation.queries import (
    OnDuty,
    alarms_waiting,
    attempts_most,
    contacts_of,
    lock_note,
    lock_notice,
    lock_shift,
    notice_due,
    on_duty,
    overlapping_shift,
    steps_in_force,
    unseen_on_screen,
)
from portal.operation.escalation.rules import (
    CHANNELS,
    EMAIL,
    SCREEN,
    WEBHOOK,
    Step,
    pause_after,
    plain_mail_address,
    plain_web_address,
    state_after,
    steps_due,
)

NOTE_CHARS = 2000
SHIFT_MOST = timedelta(hours=24)
AFTER_MOST_MIN = 24 * 60
CLAIM = timedelta(seconds=90)
ERROR_CHARS = 300


@dataclass(frozen=True)
class Shift:
    """A shift as somebody puts it in."""

    user_id: int
    post: int
    begins_at: datetime
    ends_at: datetime
    adcode: str | None = None


def add_shift(session: Session, asked: Shift, *, known: set[int], now: datetime, actor: Actor) -> DutyShift:
    """Put a shift into the roster; raise Invalid for a wrong span or person, Conflict when he is on duty then."""
    if asked.user_id not in known:
        raise Invalid("duty_person")
    if not timedelta(0) < asked.ends_at - asked.begins_at <= SHIFT_MOST:
        raise Invalid("duty_span", most=24)
    if overlapping_shift(session, asked.user_id, asked.begins_at, asked.ends_at) is not None:
        raise Conflict("duty_overlap")
    made = DutyShift(**vars(asked), made_by=actor.shown_name, made_at=now)
    session.add(made)
    session.flush()
    told = {"user": asked.user_id, "post": asked.post, "from": asked.begins_at.isoformat(), "to": asked.ends_at.isoformat()}
    record(session, actor, "duty.add", object_type="duty_shift", object_id=made.id, after=told)
    return made


def cancel_shift(session: Session, shift_id: int, *, now: datetime, actor: Actor) -> None:
    """Take a shift out of the roster; one that is over stays."""
    found = lock_shift(session, shift_id)
    if found.ends_at <= now:
        raise Conflict("duty_over")
    found.cancelled_at = now
    record(session, actor, "duty.cancel", object_type="duty_shift", object_id=shift_id)


def hand_over(session: Session, note: str, *, now: datetime, actor: Actor) -> DutyNote:
    """Write a hand-over note; the open and held alarms at this moment are counted by the portal, not typed."""
    words = note.strip()
    if not words:
        raise Invalid("note_required")
    if len(words) > NOTE_CHARS:
        raise Invalid("note_too_long", most=NOTE_CHARS)
    counts = open_counts(session, scope=actor.scope)
    mine = next((each.shift_id for each in on_duty(session, now) if each.user_id == actor.id), None)
    made = DutyNote(
        shift_id=mine, note=words, open_alarms=counts.total, held_alarms=counts.held, by_id=actor.id,
        by_name=actor.shown_name, at=now,
    )  # fmt: skip
    session.add(made)
    session.flush()
    record(session, actor, "duty.hand_over", object_type="duty_note", object_id=made.id, after={"open": counts.total})
    return made


def take_over(session: Session, note_id: int, *, now: datetime, actor: Actor) -> None:
    """Sign a hand-over note as read; raise Conflict when somebody did, or when it is one's own."""
    found = lock_note(session, note_id)
    if found.taken_at is not None:
        raise Conflict("duty_taken", by=found.taken_by)
    if found.by_id == actor.id:
        raise Conflict("duty_own_note")
    found.taken_by, found.taken_at = actor.shown_name, now
    record(session, actor, "duty.take_over", object_type="duty_note", object_id=note_id)


def set_contact(
    session: Session, user_id: int, channel: str, address: str, *, secret: str, actor: Actor
) -> None:
    """Keep or, without an address, forget where a person is told; `secret` is the sealed key of a webhook.

    Whether a webhook's host is allowed is asked again at every call.
    """
    if channel not in (EMAIL, WEBHOOK):
        raise Invalid("contact_channel")
    known = contacts_of(session, [user_id]).get((user_id, channel))
    words = address.strip()
    if not words:
        if known is not None:
            session.delete(known)
            record(session, actor, "duty.contact_drop", object_type="duty_contact", object_id=user_id)
        return
    if channel == EMAIL and plain_mail_address(words) is None:
        raise Invalid("contact_mail")
    if channel == WEBHOOK and not (plain_web_address(words) and (secret or (known and known.secret))):
        raise Invalid("contact_webhook")
    if known is None:
        known = DutyContact(user_id=user_id, channel=channel)
        session.add(known)
    known.address = words
    if secret:
        known.secret = secret
    session.flush()
    record(session, actor, "duty.contact", object_type="duty_contact", object_id=user_id, after={"channel": channel})


def set_step(
    session: Session, step_id: int, *, after_min: int | None, channels: list[str], post: int | None, actor: Actor
) -> None:
    """Change a step of the escalation; raise NotFound, or Invalid for a time, post or channel that is none."""
    found = session.get(EscalationStep, step_id, with_for_update=True) if 0 < step_id < 2**31 else None
    if found is None:
        raise NotFound("escalation_step", step_id=step_id)
    chosen = [each for each in CHANNELS if each in channels]
    if after_min is None or not 0 <= after_min <= AFTER_MOST_MIN or not chosen or post not in (1, 2, 3):
        raise Invalid("step_values", most=AFTER_MOST_MIN)
    before = {"after_min": found.after_min, "channels": list(found.channels), "post": found.post}
    found.after_min, found.channels, found.post, found.source = after_min, chosen, post, actor.shown_name
    after = {"after_min": after_min, "channels": chosen, "post": post}
    record(session, actor, "duty.step", object_type="escalation_step", object_id=step_id, before=before, after=after)


def notify_waiting(session: Session, now: datetime) -> int:
    """Make the notices of every step that is due; return how many. A step is taken once, whoever looks."""
    steps, made = steps_in_force(session), 0
    for alarm in alarms_waiting(session, now):
        due = steps_due(
            steps, level=alarm.level, waited=now - alarm.since, done=set(alarm.done), acknowledged=False
        )
        for step in due:
            made += _tell(session, alarm, step, now)
    return made


def _tell(session: Session, alarm: Any, step: Step, now: datetime) -> int:
    """Make the notices of one step: to those at the post who see the alarm, else a row that says nobody was there."""
    people = [each for each in on_duty(session, now, step.post) if each.adcode is None or each.adcode == alarm.adcode]
    if not people:
        return _note(session, alarm, step, SCREEN, None, "", "nobody", now)
    contacts = contacts_of(session, [each.user_id for each in people])
    made = 0
    for person in people:
        for channel in step.channels:
            contact = contacts.get((person.user_id, channel))
            state = "waiting" if channel == SCREEN or contact else "off"
            made += _note(session, alarm, step, channel, person, contact.address if contact else "", state, now)
    return made


def _note(
    session: Session, alarm: Any, step: Step, channel: str, person: OnDuty | None, address: str, state: str, now: datetime
) -> int:
    subject, body = words_of_notice(alarm)
    done = session.execute(
        insert(Notice)
        .values(
            alarm_id=alarm.alarm_id, enterprise_id=alarm.enterprise_id, adcode=alarm.adcode, step=step.step,
            channel=channel, user_id=person.user_id if person else None, to_name=person.name if person else "",
            address=address, subject=subject, body=body, state=state, next_at=now, created_at=now,
        )
        .on_conflict_do_nothing()
        .returning(Notice.id)
    ).scalar()  # fmt: skip
    if done is None:
        return 0
    announce(session, "task", done, enterprise_id=alarm.enterprise_id, adcode=alarm.adcode)
    return 1


def words_of_notice(alarm: Any) -> tuple[str, str]:
    """Return subject and words of a notice, in Chinese: it goes to people and systems whose language is not known."""
    level, kind = word_of("alarm_level", alarm.level, "zh_CN"), word_of("alarm_kind", alarm.kind, "zh_CN")
    value = f"{alarm.value:g} {alarm.unit or ''}".strip() if alarm.value is not None else ""
    subject = f"【{level}】{kind} {alarm.object_code or ''}".strip()
    parts = [
        f"企业：{alarm.enterprise}", f"对象：{alarm.object_code or '—'}", f"数值：{value}" if value else "",
        f"说明：{alarm.text_said}" if alarm.text_said else "", f"发生：{local(alarm.raised_at):%Y-%m-%d %H:%M:%S}",
        f"编号：{alarm.alarm_id}",
    ]  # fmt: skip
    return subject[:200], "\n".join(filter(None, parts))


def deliver_to_screen(session: Session, *, now: datetime, actor: Actor) -> list[Notice]:
    """Return what waits for one's own screen; that it reached the browser is its receipt."""
    if actor.id is None:
        return []
    found = unseen_on_screen(session, actor.id, scope=actor.scope)
    for each in found:
        if each.state == "waiting":
            each.state, each.sent_at, each.attempts = "sent", now, each.attempts + 1
            each.receipt = f"{actor.session_ref} {actor.address}".strip()
    return list(found)


def mark_seen(session: Session, notice_id: int, *, now: datetime, actor: Actor) -> Notice:
    """Note that one opened a notice of one's own; raise NotFound for anybody else's."""
    found = lock_notice(session, notice_id, scope=actor.scope)
    if found.user_id != actor.id:
        raise NotFound("notice", notice_id=notice_id)
    if found.seen_at is None:
        found.seen_at = now
    return found


def retry_notice(session: Session, notice_id: int, *, now: datetime, actor: Actor) -> None:
    """Try a notice again at once; raise Conflict for one that was sent or has nowhere to go."""
    found = lock_notice(session, notice_id, scope=actor.scope)
    if found.state not in ("failed", "waiting") or found.channel == SCREEN:
        raise Conflict("notice_not_failed")
    found.state, found.next_at, found.attempts = "waiting", now, 0
    record(
        session, actor, "notice.retry", object_type="notice", object_id=notice_id, enterprise_id=found.enterprise_id
    )


@dataclass(frozen=True)
class Outgoing:
    """A notice on its way out: where, what, and the sealed key of a webhook."""

    id: int
    channel: str
    address: str
    subject: str
    body: str
    alarm_id: int
    step: int
    user_id: int
    secret: str


def claim_notice(session: Session, now: datetime) -> Outgoing | None:
    """Take the notice that waits longest; a sender that dies gives it back after the claim."""
    found = notice_due(session, now)
    if found is None:
        return None
    found.next_at = now + CLAIM
    contact = contacts_of(session, [found.user_id or 0]).get((found.user_id or 0, found.channel))
    secret = contact.secret if contact else ""
    return Outgoing(
        found.id, found.channel, found.address, found.subject, found.body, found.alarm_id, found.step,
        found.user_id or 0, secret,
    )  # fmt: skip


def note_outcome(session: Session, notice_id: int, *, sent: bool, words: str, now: datetime) -> None:
    """Keep what became of a try, and when the next one is."""
    found = session.get_one(Notice, notice_id, with_for_update=True)
    if found.state != "waiting":
        return
    found.attempts += 1
    found.state = state_after(sent=sent, attempts=found.attempts, most=attempts_most(session))
    if sent:
        found.sent_at, found.receipt, found.last_error = now, words[:ERROR_CHARS], ""
    else:
        found.last_error, found.next_at = words[:ERROR_CHARS], now + pause_after(found.attempts)
    announce(session, "task", found.id, enterprise_id=found.enterprise_id, adcode=found.adcode)


