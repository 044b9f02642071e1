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
from portal.core.clock import local
from portal.core.errors import Conflict, Invalid, NotFound
from portal.core.live import announce
from portal.jobs.queries import parameter_value
from portal.operation.alarms.models import Alarm, AlarmEvent, AlarmHold, AlarmNow
from portal.operation.alarms.queries import (
    alarms_under,
    holds_over,
    lock_alarm,
    lock_hold,
    words_of_alarm,
)
from portal.operation.alarms.rules import (
    DRILL,
    FALSE_ALARM,
    TEST,
    TRUE_ALARM,
    UNACKNOWLEDGED,
)
from portal.operation.alarms.states import (
    BEGIN_OF_HOLD,
    END_OF_HOLD,
    ENDS_HOLD,
    GAS,
    HOLD_OF_ACTION,
    Condition,
    comes_through,
    latches,
    state_in,
)

DEFAULT_LATCH_LEVEL = 1
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
    quality: int | None = None
    ref_id: int | None = None
    until_at: datetime | None = None


def raise_alarm(session: Session, new: NewAlarm, *, actor: Actor) -> tuple[Alarm, AlarmNow]:
    """Store an alarm with its first event and present state; audited and announced.

    An alarm of a point under shelving, maintenance or lock is stored like any other and held back.
    """
    place = new.lon_lat
    fact = Alarm(
        **{key: value for key, value in vars(new).items() if key != "lon_lat"},
        geom=WKTElement(f"POINT({place[0]} {place[1]})", srid=STORAGE_SRID) if place else None,
    )
    session.add(fact)
    session.flush()
    present = first_state(fact)
    present.said = words_of_alarm(session, fact)
    session.add(present)
    session.flush()
    happening = Happening("raise", fact.raised_at, value=fact.value, level=fact.level)
    add_event(session, present, happening, actor=actor)
    if not fact.historical:
        _hold_back(session, present, actor=actor)
    return fact, present


def first_state(fact: Alarm) -> AlarmNow:
    """Return the present state of an alarm to which nothing has happened yet."""
    return AlarmNow(
        alarm_id=fact.id,
        enterprise_id=fact.enterprise_id,
        adcode=fact.adcode,
        point_id=fact.point_id,
        object_code=fact.object_code,
        kind=fact.kind,
        level=fact.level,
        historical=fact.historical,
        state=UNACKNOWLEDGED,
        verdict=0,
        raised_at=fact.raised_at,
        peak_value=fact.value,
        said=" ".join(filter(None, (fact.object_code, fact.alarm_no, fact.text_said))),
        latched=False,
    )


def add_event(session: Session, present: AlarmNow, happening: Happening, *, actor: Actor) -> None:
    """Apply a transition to the present state and write event, audit row and news of it.

    What follows from it by rule is written as transitions of its own: a gas alarm latches, a shelved
    alarm that gets worse comes back.
    """
    before, from_state = snapshot(present), None if happening.action == "raise" else present.state
    apply_event(present, happening, who=actor.shown_name)
    session.add(
        AlarmEvent(
            alarm_id=present.alarm_id,
            enterprise_id=present.enterprise_id,
            adcode=present.adcode,
            actor_kind=actor.kind,
            actor_id=actor.id,
            actor_name=actor.shown_name,
            from_state=from_state,
            state=present.state,
            happened_at=happening.at,
            **{name: value for name, value in vars(happening).items() if name != "at"},
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
    if happening.action in ("raise", "escalate") and not present.historical:
        _follow(session, present, happening, actor=actor)


def _follow(session: Session, present: AlarmNow, happening: Happening, *, actor: Actor) -> None:
    """Write what follows from a raise or a graver level."""
    if present.kind == GAS and not present.latched:
        gas_level = int(parameter_value(session, "alarm.latch.gas_level", DEFAULT_LATCH_LEVEL))
        if latches(present.kind, present.level, gas_level):
            add_event(session, present, Happening("latch", happening.at), actor=actor)
    if present.hold is None or not comes_through(present.hold, present.held_level or present.level, present.level):
        return
    hold = lock_hold(session, present.hold_id) if present.hold_id else None
    if hold is not None:
        end_hold(session, hold, outcome="worse", said=None, now=happening.at, actor=actor)


def _hold_back(session: Session, present: AlarmNow, *, actor: Actor) -> None:
    """Hold a new alarm back under the hold of its point; one graver than what was shelved ends the shelving instead."""
    for hold in holds_over(session, present):
        if comes_through(hold.kind, hold.level, present.level):
            whole = lock_hold(session, hold.id)
            if whole is not None:
                end_hold(session, whole, outcome="worse", said=None, now=present.raised_at, actor=actor)
        elif present.hold is None:
            put_under(session, present, hold, now=present.raised_at, actor=actor)


def put_under(session: Session, present: AlarmNow, hold: AlarmHold, *, now: datetime, actor: Actor) -> None:
    """Write that an alarm is held back by a hold."""
    happening = Happening(
        BEGIN_OF_HOLD[hold.kind], now, note=hold.reason, ref_id=hold.id, until_at=hold.expires_at
    )
    add_event(session, present, happening, actor=actor)


def end_hold(
    session: Session, hold: AlarmHold, *, outcome: str, said: str | None, now: datetime, actor: Actor
) -> int:
    """End a locked hold and bring back every alarm under it, each with its own event; return how many."""
    hold.ended_at, hold.ended_by, hold.outcome, hold.end_reason = max(now, hold.begun_at), actor.shown_name, outcome, said
    session.flush()
    back = alarms_under(session, hold.id)
    for present in back:
        happening = Happening(END_OF_HOLD[hold.kind], now, note=said or outcome, ref_id=hold.id)
        add_event(session, present, happening, actor=actor)
    return len(back)


def apply_event(present: AlarmNow, happening: Happening, *, who: str) -> None:
    """Move the present state by one event; rebuilding plays the same events again."""
    action = happening.action
    if action == "escalate" and happening.level is not None:
        present.level = min(present.level, happening.level)
    if action == "acknowledge" and present.acknowledged_at is None:
        present.acknowledged_at, present.acknowledged_by = happening.at, who
    if action == "clear":
        cleared = present.cleared_at
        present.cleared_at = max(cleared, happening.at) if cleared else happening.at
    if action == "judge" and happening.verdict is not None:
        present.verdict = happening.verdict
    if action == "case" and happening.note and happening.note.isdigit():
        present.case_id = int(happening.note)
    if action in ("latch", "reset"):
        present.latched = action == "latch"
    if action in ("group", "ungroup"):
        present.root_id = happening.ref_id if action == "group" else None
    if action == "close":
        present.closed_at = happening.at
    if action in HOLD_OF_ACTION:
        present.hold, present.hold_id = HOLD_OF_ACTION[action], happening.ref_id
        present.held_until, present.held_level = happening.until_at, present.level
    if action in ENDS_HOLD:
        present.hold = present.hold_id = present.held_until = present.held_level = None
    present.state = state_in(condition_of(present))


def condition_of(present: AlarmNow) -> Condition:
    """Return what is true of an alarm; whether it has a handling record is asked elsewhere."""
    return Condition(
        acknowledged=present.acknowledged_at is not None,
        cleared=present.cleared_at is not None,
        latched=bool(present.latched),
        hold=present.hold,
        closed=present.closed_at is not None,
        judged=present.verdict != 0,
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
        "latched": bool(present.latched),
        "hold": present.hold,
        "root_id": present.root_id,
        "closed_at": present.closed_at.isoformat() if present.closed_at else None,
    }


def acknowledge_alarm(
    session: Session, alarm_id: int, *, note: str, now: datetime, actor: Actor
) -> AlarmNow:
    """Mark an alarm as seen; raise NotFound outside the scope, Conflict naming who already did."""
    said = said_in(note)
    present = lock_alarm(session, alarm_id, scope=actor.scope)
    if present.acknowledged_at is not None:
        raise Conflict(
            "alarm_already_acknowledged",
            alarm_id=alarm_id,
            by=present.acknowledged_by,
            at=f"{local(present.acknowledged_at):%H:%M:%S}",
        )
    add_event(session, present, Happening("acknowledge", now, note=said), actor=actor)
    return present


@dataclass(frozen=True)
class Answered:
    """What became of one alarm of several: done, or the code of why not, with who was first."""

    alarm_id: int
    outcome: str
    by: str | None = None
    at: datetime | None = None


def acknowledge_alarms(
    session: Session, alarm_ids: Sequence[int], *, note: str, now: datetime, actor: Actor
) -> list[Answered]:
    """Mark several alarms as seen; return for each whether it was, and why not."""
    said, answers = said_in(note), []
    for alarm_id in sorted(alarm_ids):
        try:
            present = lock_alarm(session, alarm_id, scope=actor.scope)
        except NotFound:
            answers.append(Answered(alarm_id, "alarm"))
            continue
        if present.acknowledged_at is not None:
            answers.append(
                Answered(alarm_id, "alarm_already_acknowledged", present.acknowledged_by, present.acknowledged_at)
            )
            continue
        add_event(session, present, Happening("acknowledge", now, note=said), actor=actor)
        answers.append(Answered(alarm_id, "done"))
    return answers


def judge_alarm(
    session: Session, alarm_id: int, verdict: int, *, note: str, now: datetime, actor: Actor
) -> AlarmNow:
    """Record whether an alarm is true, false, a drill or a test; the last judgement holds."""
    said = said_in(note)
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


def said_in(note: str) -> str:
    """Return a note without blanks around it; raise Invalid when nothing is left or it is too long."""
    said = note.strip()
    if not said:
        raise Invalid("note_required")
    if len(said) > NOTE_MOST_CHARS:
        raise Invalid("note_too_long", most=NOTE_MOST_CHARS)
    return said
