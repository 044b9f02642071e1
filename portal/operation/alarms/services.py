"""Alarms: raising, escalating, clearing, acknowledging, judging, and rebuilding their present state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from geoalchemy2 import WKTElement
from sqlalchemy.orm import Session

from gis.crs import STORAGE_SRID
from portal.audit.services import record
from portal.core.actor import Actor
from portal.core.errors import Conflict, Invalid
from portal.core.live import announce
from portal.operation.alarms.models import Alarm, AlarmEvent, AlarmNow
from portal.operation.alarms.queries import lock_alarm
from portal.operation.alarms.rules import (
    DRILL,
    FALSE_ALARM,
    TEST,
    TRUE_ALARM,
    UNACKNOWLEDGED,
    state_of,
)

NOTE_MOST_CHARS = 500


@dataclass(frozen=True)
class NewAlarm:
    """What is known of an alarm when it is raised."""

    enterprise_id: int
    adcode: str | None
    source: str
    kind: int
    level: int
    raised_at: datetime
    alarm_no: str | None = None
    point_id: int | None = None
    object_code: str | None = None
    limit_name: str | None = None
    limit_value: float | None = None
    value: float | None = None
    unit: str | None = None
    text_said: str | None = None
    historical: bool = False
    receipt_id: int | None = None
    lon_lat: tuple[float, float] | None = None


@dataclass(frozen=True)
class Happening:
    """One transition of an alarm: what, when, and what is said about it."""

    action: str
    at: datetime
    note: str | None = None
    value: float | None = None
    level: int | None = None
    verdict: int | None = None


def raise_alarm(session: Session, new: NewAlarm, *, actor: Actor) -> tuple[Alarm, AlarmNow]:
    """Store an alarm with its first event and present state; audited and announced."""
    place = new.lon_lat
    fact = Alarm(
        **{key: value for key, value in vars(new).items() if key != "lon_lat"},
        geom=WKTElement(f"POINT({place[0]} {place[1]})", srid=STORAGE_SRID) if place else None,
    )
    session.add(fact)
    session.flush()
    present = AlarmNow(
        alarm_id=fact.id,
        enterprise_id=fact.enterprise_id,
        adcode=fact.adcode,
        point_id=fact.point_id,
        kind=fact.kind,
        level=fact.level,
        historical=fact.historical,
        state=UNACKNOWLEDGED,
        verdict=0,
        raised_at=fact.raised_at,
        peak_value=fact.value,
    )
    session.add(present)
    session.flush()
    happening = Happening("raise", fact.raised_at, value=fact.value, level=fact.level)
    add_event(session, present, happening, actor=actor)
    return fact, present


def add_event(session: Session, present: AlarmNow, happening: Happening, *, actor: Actor) -> None:
    """Apply a transition to the present state and write event, audit row and news of it."""
    before = snapshot(present)
    apply_event(present, happening, who=actor.shown_name)
    session.add(
        AlarmEvent(
            alarm_id=present.alarm_id,
            enterprise_id=present.enterprise_id,
            adcode=present.adcode,
            action=happening.action,
            state=present.state,
            level=happening.level,
            verdict=happening.verdict,
            value=happening.value,
            note=happening.note,
            actor_kind=actor.kind,
            actor_id=actor.id,
            actor_name=actor.shown_name,
            happened_at=happening.at,
        )
    )
    session.flush()
    record(
        session,
        actor,
        f"alarm.{happening.action}",
        object_type="alarm",
        object_id=present.alarm_id,
        enterprise_id=present.enterprise_id,
        before=before,
        after=snapshot(present),
    )
    announce(
        session,
        "alarm",
        present.alarm_id,
        enterprise_id=present.enterprise_id,
        adcode=present.adcode,
    )


def apply_event(present: AlarmNow, happening: Happening, *, who: str) -> None:
    """Move the present state by one event; rebuilding plays the same events again."""
    if happening.action == "escalate" and happening.level is not None:
        present.level = min(present.level, happening.level)
    if happening.action == "acknowledge" and present.acknowledged_at is None:
        present.acknowledged_at, present.acknowledged_by = happening.at, who
    if happening.action == "clear":
        cleared = present.cleared_at
        present.cleared_at = max(cleared, happening.at) if cleared else happening.at
    if happening.action == "judge" and happening.verdict is not None:
        present.verdict = happening.verdict
    if happening.action == "case" and happening.note and happening.note.isdigit():
        present.case_id = int(happening.note)
    present.state = state_of(
        acknowledged=present.acknowledged_at is not None, cleared=present.cleared_at is not None
    )


def snapshot(present: AlarmNow) -> dict[str, object]:
    """Return the state of an alarm as the audit keeps it."""
    return {
        "state": present.state,
        "level": present.level,
        "verdict": present.verdict,
        "case_id": present.case_id,
        "cleared_at": present.cleared_at.isoformat() if present.cleared_at else None,
        "acknowledged_by": present.acknowledged_by,
    }


def acknowledge_alarm(
    session: Session, alarm_id: int, *, note: str, now: datetime, actor: Actor
) -> AlarmNow:
    """Mark an alarm as seen; raise NotFound outside the scope, Conflict when it already was."""
    said = _said(note)
    present = lock_alarm(session, alarm_id, scope=actor.scope)
    if present.acknowledged_at is not None:
        raise Conflict("alarm_already_acknowledged", alarm_id=alarm_id)
    add_event(session, present, Happening("acknowledge", now, note=said), actor=actor)
    return present


def acknowledge_alarms(
    session: Session, alarm_ids: Sequence[int], *, note: str, now: datetime, actor: Actor
) -> int:
    """Mark several alarms as seen, passing over those already seen; return how many were new."""
    said, done = _said(note), 0
    for alarm_id in sorted(alarm_ids):
        present = lock_alarm(session, alarm_id, scope=actor.scope)
        if present.acknowledged_at is None:
            add_event(session, present, Happening("acknowledge", now, note=said), actor=actor)
            done += 1
    return done


def judge_alarm(
    session: Session, alarm_id: int, verdict: int, *, note: str, now: datetime, actor: Actor
) -> AlarmNow:
    """Record whether an alarm is true, false, a drill or a test; the last judgement holds."""
    said = _said(note)
    if verdict not in (TRUE_ALARM, FALSE_ALARM, DRILL, TEST):
        raise Invalid("alarm_verdict_unknown")
    present = lock_alarm(session, alarm_id, scope=actor.scope)
    happening = Happening("judge", now, note=said, verdict=verdict)
    add_event(session, present, happening, actor=actor)
    return present


def link_case(
    session: Session, present: AlarmNow, case_id: int, *, now: datetime, actor: Actor
) -> None:
    """Note the supervision case that an alarm led to."""
    add_event(session, present, Happening("case", now, note=str(case_id)), actor=actor)


def _said(note: str) -> str:
    said = note.strip()
    if not said:
        raise Invalid("note_required")
    if len(said) > NOTE_MOST_CHARS:
        raise Invalid("note_too_long", most=NOTE_MOST_CHARS)
    return said
