"""Late deliveries decided: asked for by enterprises, approved or refused by the city; every step is audited."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from ingestion_adapters.backfill.models import BackfillRequest
from ingestion_adapters.backfill.queries import asked_ahead_number, lock_request, same_asked
from ingestion_adapters.store_readings import YEAR_MS, intake_figures
from portal.audit.services import record
from portal.core.actor import Actor
from portal.core.errors import Conflict, Invalid, NotAllowed

SHORTEST_REASON, LONGEST_REASON = 2, 1000
OPEN = ("noted", "asked")
ASKED_MOST = 100


@dataclass(frozen=True)
class Span:
    """Source time from its first to its last instant."""

    begin_at: datetime
    end_at: datetime


def ask(session: Session, span: Span, reason: str, *, now: datetime, actor: Actor) -> BackfillRequest:
    """Ask ahead that readings of a span be taken; raise NotAllowed for others than enterprises, Invalid otherwise.

    A span that begins before anything is taken at all is Invalid, since no approval lets such readings in; beyond
    a hundred undecided requests of one enterprise a further one is a Conflict.
    """
    if actor.enterprise_id is None:
        raise NotAllowed("backfill_enterprise")
    if not span.begin_at < span.end_at <= now:
        raise Invalid("backfill_span")
    years = intake_figures(session).oldest_years
    if span.begin_at < now - timedelta(milliseconds=YEAR_MS * years):
        raise Invalid("backfill_too_old", years=years)
    if asked_ahead_number(session, actor.enterprise_id) >= ASKED_MOST:
        raise Conflict("backfill_many", most=ASKED_MOST)
    row = BackfillRequest(
        enterprise_id=actor.enterprise_id,
        begin_at=span.begin_at,
        end_at=span.end_at,
        state="asked",
        opened_how="program" if actor.kind == "program" else "person",
        opened_by=actor.shown_name,
        opened_at=now,
        reason=_reason(reason),
    )
    session.add(row)
    session.flush()
    _audit(session, actor, "backfill.ask", row)
    return row


def ask_once(
    session: Session, span: Span, reason: str, *, now: datetime, actor: Actor
) -> tuple[BackfillRequest, bool]:
    """Ask as `ask`; a span that was asked for and waits already is returned as it stands, with False.

    A program that lost the answer asks again: that must not become a second request.
    """
    lock = {"key": f"backfill {actor.enterprise_id}"}
    session.execute(text("select pg_advisory_xact_lock(hashtextextended(:key, 0))"), lock)
    known = same_asked(session, actor.enterprise_id or 0, span.begin_at, span.end_at)
    if known is not None:
        return known, False
    return ask(session, span, reason, now=now, actor=actor), True


def explain(session: Session, request_id: int, reason: str, *, actor: Actor) -> BackfillRequest:
    """Say why readings came late, while nothing is decided; only the enterprise itself may."""
    row = _own(session, request_id, actor)
    row.reason = _reason(reason)
    session.flush()
    _audit(session, actor, "backfill.explain", row)
    return row


def withdraw(session: Session, request_id: int, *, now: datetime, actor: Actor) -> BackfillRequest:
    """Take back what was asked ahead; what came late on its own stays for the city to decide."""
    row = _own(session, request_id, actor)
    if row.opened_how == "delivery":
        raise Conflict("backfill_delivered")
    row.state, row.decided_by, row.decided_at = "withdrawn", actor.shown_name, now
    session.flush()
    _audit(session, actor, "backfill.withdraw", row)
    return row


def decide(
    session: Session, request_id: int, seen: Span, reason: str, *, approve: bool, now: datetime, actor: Actor
) -> BackfillRequest:
    """Approve or refuse a span; raise Conflict when it was decided or has grown since it was looked at.

    What waits is kept either way: approved rows are stored within a minute, refused ones wait for another decision.
    """
    row = lock_request(session, request_id)
    if row.state not in OPEN:
        raise Conflict("backfill_decided")
    if (row.begin_at, row.end_at) != (seen.begin_at, seen.end_at):
        raise Conflict("backfill_changed")
    row.state, row.decision = "approved" if approve else "refused", _reason(reason)
    row.decided_by, row.decided_at = actor.shown_name, now
    session.flush()
    _audit(session, actor, "backfill.approve" if approve else "backfill.refuse", row)
    return row


def _own(session: Session, request_id: int, actor: Actor) -> BackfillRequest:
    row = lock_request(session, request_id)
    if actor.enterprise_id != row.enterprise_id:
        raise NotAllowed("backfill_enterprise")
    if row.state not in OPEN:
        raise Conflict("backfill_decided")
    return row


def _reason(words: str) -> str:
    plain = words.replace("\x00", "").strip()[:LONGEST_REASON]
    if len(plain) < SHORTEST_REASON:
        raise Invalid("backfill_reason")
    return plain


def _audit(session: Session, actor: Actor, action: str, row: BackfillRequest) -> None:
    after: dict[str, Any] = {
        "state": row.state,
        "begin_at": row.begin_at.isoformat(),
        "end_at": row.end_at.isoformat(),
        "reason": row.reason,
        "decision": row.decision,
    }
    record(
        session,
        actor,
        action,
        object_type="backfill_request",
        object_id=row.id,
        enterprise_id=row.enterprise_id,
        after=after,
    )
