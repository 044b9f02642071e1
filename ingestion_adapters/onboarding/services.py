"""Onboarding: applying, reviewing, issuing keys and going live; each step checked, written and audited."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ingestion_adapters.contract import DATASETS
from ingestion_adapters.onboarding.models import Onboarding, OnboardingDocument, OnboardingStep
from ingestion_adapters.onboarding.queries import (
    in_working_days,
    onboarding_by_id,
    reviewers_of,
    sandbox_report,
    steps_of,
)
from ingestion_adapters.onboarding.rules import DOORS, MOVES, Person, Taker, passes, refusal_of
from portal.accounts.keys import NewKey, make_key
from portal.accounts.models import Enterprise
from portal.accounts.rights import ENTERPRISE_ROLES, Role
from portal.audit.services import record
from portal.config import Settings
from portal.core.actor import Actor
from portal.core.errors import Conflict, Invalid, NotAllowed

PENDING, IN_ORDER = 0, 1
SHORTEST_REASON = 2


@dataclass(frozen=True)
class Application:
    """What an enterprise applies with."""

    adcode: str
    licence_no: str
    licence_expire_on: date
    contact_name: str
    contact_phone: str
    system_name: str
    datasets: list[str]
    doors: list[str]
    planned_on: date
    note: str = ""


@dataclass(frozen=True)
class Paper:
    """A document as it was stored."""

    kind: str
    name: str
    place: str
    sm3: str
    size_bytes: int


def apply(
    session: Session, enterprise_id: int, given: Application, papers: list[Paper], *, now: datetime, actor: Actor
) -> Onboarding:
    """Open an application; raise Invalid for one that is incomplete, Conflict when one is open."""
    check_application(session, enterprise_id, given, now)
    rounds = session.scalar(
        select(func.count()).select_from(Onboarding).where(Onboarding.enterprise_id == enterprise_id)
    )
    row = Onboarding(
        enterprise_id=enterprise_id,
        round=(rounds or 0) + 1,
        applied_by=actor.id,
        applied_at=now,
        updated_at=now,
        due_at=in_working_days(session, now, "onboarding.district_days"),
        **asdict(given),
    )
    session.add(row)
    session.flush()
    for paper in papers:
        session.add(OnboardingDocument(onboarding_id=row.id, enterprise_id=enterprise_id, at=now, **asdict(paper)))
    _note(session, row, _Taken("apply", given.note), now=now, actor=actor)
    return row


def check_application(session: Session, enterprise_id: int, given: Application, now: datetime) -> None:
    """Raise what `apply` would raise; asked before papers are put on the disk."""
    _check(given, now)
    if open_onboarding(session, enterprise_id) is not None:
        raise Conflict("onboarding_open")


def open_onboarding(session: Session, enterprise_id: int) -> Onboarding | None:
    """Return the open application of an enterprise, None when there is none."""
    wanted = select(Onboarding).where(
        Onboarding.enterprise_id == enterprise_id, Onboarding.state.not_in(("refused", "withdrawn", "live"))
    )
    return session.scalar(wanted)


def _check(given: Application, now: datetime) -> None:
    texts = (given.adcode, given.licence_no, given.contact_name, given.contact_phone, given.system_name)
    if not all(text.strip() for text in texts):
        raise Invalid("onboarding_incomplete")
    if not given.datasets or not set(given.datasets) <= set(DATASETS) or not set(given.doors) <= set(DOORS):
        raise Invalid("onboarding_incomplete")
    if not given.doors or given.licence_expire_on < now.date():
        raise Invalid("onboarding_licence" if given.doors else "onboarding_incomplete")


def takers_of(actor: Actor, row: Onboarding) -> frozenset[Taker]:
    """Return as whom a person may take steps; a city regulator who entered an application also speaks for it."""
    if actor.role == Role.CITY_REGULATOR:
        return frozenset({"city", "applicant"}) if row.applied_by == actor.id else frozenset({"city"})
    if actor.role == Role.DISTRICT_REGULATOR:
        return frozenset({"district"})
    if actor.role in ENTERPRISE_ROLES and actor.may("onboarding.apply"):
        return frozenset({"applicant"})
    return frozenset()


def steps_open_to(session: Session, row: Onboarding, actor: Actor) -> set[str]:
    """Return the steps a person may take now."""
    person, before = Person(actor.id, takers_of(actor, row)), reviewers_of(session, row.id)
    return {step for step in MOVES if not refusal_of(step, row.state, person, row.applied_by, before)}


def take_step(
    session: Session, onboarding_id: int, step: str, *, reason: str, now: datetime, actor: Actor
) -> Onboarding:
    """Take one step of an application; raise Conflict in a state that has no such step, NotAllowed for the wrong person.

    Raise Invalid when a reason is missing or the test report does not pass yet.
    """
    row = onboarding_by_id(session, onboarding_id, lock=True)
    person = Person(actor.id, takers_of(actor, row))
    refused = refusal_of(step, row.state, person, row.applied_by, reviewers_of(session, row.id))
    if refused == "onboarding_state":
        raise Conflict(refused, state=row.state)
    if refused:
        raise NotAllowed(refused)
    move = MOVES[step]
    if move.reason and len(reason.strip()) < SHORTEST_REASON:
        raise Invalid("onboarding_reason")
    if step in ("ask_live", "live_pass") and not passes(sandbox_report(session, row).cases):
        raise Invalid("onboarding_report")
    taken = _Taken(step, reason, row.due_at, row.state)
    row.state, row.updated_at = move.ends, now
    row.due_at = in_working_days(session, now, move.limit)
    if step == "live_pass":
        _open_enterprise(session, row, now)
    _note(session, row, taken, now=now, actor=actor)
    return row


def _open_enterprise(session: Session, row: Onboarding, now: datetime) -> None:
    enterprise = session.get_one(Enterprise, row.enterprise_id)
    if enterprise.status == PENDING:
        enterprise.status = IN_ORDER
        enterprise.updated_at = now


def issue_key(session: Session, onboarding_id: int, *, settings: Settings, now: datetime, actor: Actor) -> NewKey:
    """Make the key of the state an application is in: of the sandbox before going live, live once afterwards."""
    row = onboarding_by_id(session, onboarding_id, lock=True)
    live = row.state == "live"
    if live and any(step.step == "live_key" for step in steps_of(session, row.id)):
        raise Conflict("onboarding_key_given")
    take_step(session, onboarding_id, "live_key" if live else "sandbox_key", reason="", now=now, actor=actor)
    return make_key(session, row.enterprise_id, settings=settings, now=now, actor=actor, sandbox=not live)


@dataclass(frozen=True)
class _Taken:
    step: str
    reason: str = ""
    due_at: datetime | None = None
    before: str = ""


def _note(session: Session, row: Onboarding, taken: _Taken, *, now: datetime, actor: Actor) -> None:
    reason = taken.reason.strip()[:1000]
    session.add(
        OnboardingStep(
            onboarding_id=row.id,
            enterprise_id=row.enterprise_id,
            step=taken.step,
            reason=reason,
            actor_id=actor.id,
            actor_name=actor.shown_name,
            due_at=taken.due_at,
            at=now,
        )
    )
    session.flush()
    after: dict[str, Any] = {"state": row.state, "reason": reason}
    record(
        session,
        actor,
        f"onboarding.{taken.step}",
        object_type="onboarding",
        object_id=row.id,
        enterprise_id=row.enterprise_id,
        before={"state": taken.before} if taken.before else None,
        after=after,
    )
