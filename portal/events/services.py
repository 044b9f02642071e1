"""Supervision cases: opening and every step to the closing; each writes step, audit and news."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy.orm import Session

from gis.network.queries import find_by_code, find_object
from portal.audit.services import record
from portal.core.actor import Actor, Scope, job_actor
from portal.core.clock import local
from portal.core.errors import Conflict, Invalid, NotAllowed, NotFound
from portal.core.live import announce
from portal.events.forms import Opening
from portal.events.models import CaseStep, SupervisionCase
from portal.events.queries import (
    enterprise_choices,
    late_cases,
    limits_in_force,
    lock_case,
    steps_taken,
    working_calendar,
)
from portal.events.rules import (
    DEFAULT_TERMS,
    EXTENSIONS_MOST,
    State,
    Terms,
    due_at,
    escalation,
    extension_most,
    may,
    state_after,
    terms_of,
)

NOTE_MOST_CHARS = 2000
TITLE_MOST_CHARS = 200
CASE_LEVELS = (1, 2, 3, 4)


@dataclass(frozen=True)
class Subject:
    """What a case is about, and whom it concerns."""

    enterprise_id: int
    adcode: str | None
    level: int
    title: str
    alarm_id: int | None = None
    said: str | None = None
    correlation_id: Any = None


def open_case(
    session: Session, subject: Subject, *, terms: Terms, now: datetime, actor: Actor
) -> SupervisionCase:
    """Open a case with its deadline; it waits for an officer to accept it."""
    title = _said(subject.title, TITLE_MOST_CHARS)
    case = SupervisionCase(
        case_no=uuid4().hex,
        enterprise_id=subject.enterprise_id,
        adcode=subject.adcode,
        alarm_id=subject.alarm_id,
        correlation_id=subject.correlation_id or uuid4(),
        case_class=terms.case_class,
        level=subject.level,
        title=title,
        state=int(State.AWAITING_ACCEPTANCE),
        opened_at=now,
        due_at=due_at(now, terms, working_calendar(session)),
        rework_n=0,
        urged_n=0,
    )
    session.add(case)
    session.flush()
    # The row number runs over all scopes, which a count by the writer's own scope would not.
    case.case_no = f"DD{local(now):%Y%m%d}{case.id:04d}"
    _write(session, _Step(case, "open", None, now, actor), note=subject.said or title)
    return case


def open_case_by_hand(session: Session, opening: Opening, *, now: datetime, actor: Actor) -> SupervisionCase:
    """Open a case that no alarm asks for; raise Invalid for what does not fit, NotFound outside the scope."""
    if opening.case_class is None or opening.case_class not in DEFAULT_TERMS:
        raise Invalid("case_class_unknown")
    if opening.level is None or opening.level not in CASE_LEVELS:
        raise Invalid("case_level_unknown")
    title = _said(opening.title, TITLE_MOST_CHARS)
    enterprise_id, adcode = _concerned(session, opening, scope=actor.scope)
    subject = Subject(
        enterprise_id=enterprise_id,
        adcode=adcode,
        level=opening.level,
        title=f"{title} {opening.object_code}".strip()[:TITLE_MOST_CHARS],
        said=_said(opening.said) if opening.said.strip() else None,
    )
    terms = terms_of(opening.case_class, limits_in_force(session))
    return open_case(session, subject, terms=terms, now=now, actor=actor)


def _concerned(session: Session, opening: Opening, *, scope: Scope) -> tuple[int, str | None]:
    """Return enterprise and district of a case; those of its object when it names one."""
    if opening.enterprise_id is None or opening.enterprise_id not in {each.id for each in enterprise_choices(session)}:
        raise NotFound("enterprise")
    adcode = opening.adcode
    if opening.object_code:
        found = find_by_code(session, scope, opening.enterprise_id, opening.object_code)
        if found is None:
            raise Invalid("case_object_unknown", named=opening.object_code)
        adcode = find_object(session, scope, *found).adcode
    if not scope.whole_city and opening.enterprise_id not in scope.enterprise_ids and adcode not in scope.adcodes:
        raise Invalid("case_district_needed")
    return opening.enterprise_id, adcode


def accept_case(
    session: Session, case_id: int, *, note: str, now: datetime, actor: Actor
) -> SupervisionCase:
    """Accept and file a case; the officer becomes its handler."""
    step = _begin(session, case_id, "accept", now=now, actor=actor)
    if actor.kind == "user":
        step.case.handler_id = actor.id
    return _end(session, step, note=note.strip() or None)


def refuse_case(
    session: Session, case_id: int, *, note: str, now: datetime, actor: Actor
) -> SupervisionCase:
    """Decline a case that is no matter for supervision, with the reason."""
    said = _said(note)
    step = _begin(session, case_id, "refuse", now=now, actor=actor)
    step.case.closed_at = now
    return _end(session, step, note=said)


def dispatch_case(
    session: Session, case_id: int, *, note: str, now: datetime, actor: Actor
) -> SupervisionCase:
    """Send a case to the enterprise with an instruction."""
    said = _said(note)
    step = _begin(session, case_id, "dispatch", now=now, actor=actor)
    step.case.dispatched_at = now
    return _end(session, step, note=said)


def reply_to_case(
    session: Session, case_id: int, *, text: str, now: datetime, actor: Actor
) -> SupervisionCase:
    """Store the enterprise's reply; only the enterprise itself may reply, NotFound to any other."""
    said = _said(text)
    step = _begin(session, case_id, "reply", now=now, actor=actor)
    if actor.enterprise_id != step.case.enterprise_id:
        raise NotAllowed("case_reply_not_yours")
    step.case.replied_at = now
    return _end(session, step, note=said)


def verify_case(
    session: Session, case_id: int, *, passed: bool, note: str, now: datetime, actor: Actor
) -> SupervisionCase:
    """Check the reply: passed leads to closing, failed sends the case back for rework."""
    said = _said(note)
    action = "verify" if passed else "return"
    step = _begin(session, case_id, action, now=now, actor=actor)
    if not passed:
        step.case.rework_n += 1
    return _end(session, step, note=said)


def close_case(
    session: Session, case_id: int, *, finding: str, now: datetime, actor: Actor
) -> SupervisionCase:
    """Close a verified case with a finding; raise Invalid without one, Conflict without a reply."""
    said = _said(finding)
    step = _begin(session, case_id, "close", now=now, actor=actor)
    if step.case.replied_at is None:
        raise Conflict("case_without_reply", case_id=case_id)
    step.case.closed_at = now
    return _end(session, step, note=said)


def extend_case(
    session: Session, case_id: int, *, hours: float, note: str, now: datetime, actor: Actor
) -> SupervisionCase:
    """Move the deadline once, by at most half of the limit, with the reason."""
    said = _said(note)
    step = _begin(session, case_id, "extend", now=now, actor=actor)
    most = extension_most(step.case.opened_at, step.case.due_at)
    if steps_taken(session, case_id, "extend") >= EXTENSIONS_MOST:
        raise Conflict("case_extended_already", case_id=case_id)
    if not 0 < hours <= most / timedelta(hours=1):
        raise Invalid("case_extension_too_long", most=round(most / timedelta(hours=1), 1))
    step.case.due_at += timedelta(hours=hours)
    return _end(session, step, note=said)


def urge_case(
    session: Session, case_id: int, *, note: str, now: datetime, actor: Actor
) -> SupervisionCase:
    """Urge whoever has the case, with a sentence."""
    said = _said(note)
    step = _begin(session, case_id, "urge", now=now, actor=actor)
    step.case.urged_n += 1
    return _end(session, step, note=said)


def void_case(
    session: Session, case_id: int, *, note: str, now: datetime, actor: Actor
) -> SupervisionCase:
    """Declare a case void, with the reason."""
    said = _said(note)
    step = _begin(session, case_id, "void", now=now, actor=actor)
    step.case.closed_at = now
    return _end(session, step, note=said)


def urge_overdue(session: Session, now: datetime) -> str:
    """Urge cases at 80 % of their limit, when due, and when long overdue; once a rung."""
    actor, urged = job_actor("urge_overdue"), 0
    for row in late_cases(session, now=now):
        rung = escalation(row.opened_at, row.due_at, now)
        if rung is None or (row.urged_to or "") >= f"L{rung}":
            continue
        urge_case(session, row.id, note=f"L{rung}", now=now, actor=actor)
        urged += 1
    return f"urged {urged}"


@dataclass(frozen=True)
class _Step:
    """A step under way: the locked case, its state before, and who does it when."""

    case: SupervisionCase
    action: str
    before: dict[str, Any] | None
    now: datetime
    actor: Actor


def _begin(
    session: Session, case_id: int, action: str, *, now: datetime, actor: Actor
) -> _Step:
    """Lock the case of a step; raise Conflict when the step is not due."""
    case = lock_case(session, case_id, scope=actor.scope)
    if not may(action, case.state):
        raise Conflict("case_state", case_id=case_id, action=action)
    return _Step(case, action, snapshot(case), now, actor)


def _end(session: Session, step: _Step, *, note: str | None) -> SupervisionCase:
    step.case.state = state_after(step.action, step.case.state)
    _write(session, step, note=note)
    return step.case


def _write(session: Session, step: _Step, *, note: str | None) -> None:
    """Write a step with its audit row and the news of it."""
    case, actor = step.case, step.actor
    session.add(
        CaseStep(
            case_id=case.id,
            enterprise_id=case.enterprise_id,
            adcode=case.adcode,
            action=step.action,
            state=case.state,
            note=note,
            actor_kind=actor.kind,
            actor_id=actor.id,
            actor_name=actor.shown_name,
            at=step.now,
        )
    )
    session.flush()
    record(
        session,
        actor,
        f"case.{step.action}",
        object_type="case",
        object_id=case.id,
        enterprise_id=case.enterprise_id,
        before=step.before,
        after=snapshot(case),
    )
    announce(session, "case", case.id, enterprise_id=case.enterprise_id, adcode=case.adcode)


def snapshot(case: SupervisionCase) -> dict[str, Any]:
    """Return the state of a case as the audit keeps it."""
    return {
        "state": case.state,
        "due_at": case.due_at.isoformat(),
        "rework_n": case.rework_n,
        "urged_n": case.urged_n,
        "closed_at": case.closed_at.isoformat() if case.closed_at else None,
    }


def _said(text: str, most: int = NOTE_MOST_CHARS) -> str:
    said = text.strip()
    if not said:
        raise Invalid("note_required")
    if len(said) > most:
        raise Invalid("note_too_long", most=most)
    return said
