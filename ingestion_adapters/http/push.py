"""A push from its signed request to its answer: read, taken in once, and receipted even when refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy.orm import Session

from ingestion_adapters.deliveries import Rows
from ingestion_adapters.doors import BATCH_ID, twice
from ingestion_adapters.http.auth import Sender, guard, note_use, use_nonce
from ingestion_adapters.http.bodies import BODY_BYTES, Refused, inflated, payload_of
from ingestion_adapters.intake import Answer, accept_message
from ingestion_adapters.receipts import Batch, Replayed, refuse
from ingestion_adapters.store_readings import RawReadings
from portal.config import Settings
from portal.core.actor import Actor
from portal.core.db import transaction
from portal.core.errors import Conflict
from portal.core.web import opened, settings

Result = TypeVar("Result")


@dataclass(frozen=True)
class Push:
    """One push as the route received it."""

    sender: Sender
    actor: Actor
    dataset: str
    batch_id: str
    content_type: str
    encoding: str
    now: datetime


def take_push(push: Push, payload: Rows | RawReadings | None = None, found: Settings | None = None) -> Answer:
    """Take a push in; raise Refused (its receipt is written) or Replayed.

    A payload that is given was charged before; settings stand in for those of the running application.
    """
    own = found or settings()

    def once(work: Callable[[Session], Result]) -> Result:
        return twice(lambda: transaction(own, push.actor.scope, worker=True), work)

    batch = batch_of(push)
    try:
        rows = payload or charged_payload(push)
        return once(lambda session: _accept(session, push, batch, rows))
    except Conflict as known:
        no = Refused(409, known.code, "batch_conflict", **known.facts)
    except Refused as refused:
        no = refused
    no.facts["receipt_id"] = once(lambda session: _refuse(session, push, batch, no.code))
    raise no


def batch_of(push: Push) -> Batch:
    """Return the batch a push carries; without a number when the number cannot be one."""
    batch_id = push.batch_id if BATCH_ID.fullmatch(push.batch_id) else ""
    who = push.sender
    return Batch(who.enterprise_id, push.dataset, batch_id, "http", who.body_sm3, who.body_bytes, who.app_id)


def charged_payload(push: Push) -> Rows | RawReadings:
    """Return the rows of a push, charged to its sender's quota; raise Refused when they cannot be read."""
    payload = _payload(push)
    rows = payload.rows if isinstance(payload, RawReadings) else len(payload.rows)
    guard().charge(push.sender.enterprise_id, push.sender.limits, rows=rows)
    return payload


def _payload(push: Push) -> Rows | RawReadings:
    if not BATCH_ID.fullmatch(push.batch_id):
        raise Refused(400, "E_SCHEMA", "bad_batch_id")
    if push.sender.body is None:
        raise Refused(413, "E_QUOTA", "too_large", limit_mb=BODY_BYTES >> 20)
    return payload_of(push.dataset, push.content_type, inflated(push.sender.body, push.encoding))


def _accept(session: Session, push: Push, batch: Batch, payload: Any) -> Answer:
    note_use(session, push.actor, push.now)
    return accept_message(session, batch, payload, now=push.now, actor=push.actor, nonce=push.sender.nonce)


def _refuse(session: Session, push: Push, batch: Batch, code: str) -> int:
    if not use_nonce(session, push.sender, push.now):
        raise Replayed("E_REPLAY")
    return refuse(session, batch, code, push.now)


def once_more(work: Callable[[Session], Result]) -> Result:
    """Run work in its own transaction; a lost connection or a deadlock is tried a second time."""
    return twice(lambda: opened(worker=True), work)
