"""The sandbox of the adapter API: a push is judged by the same code, answered alike, and nothing of it stays."""

from __future__ import annotations

import time
from dataclasses import replace

from sqlalchemy.orm import Session

from ingestion_adapters.deliveries import Rows
from ingestion_adapters.http.auth import ProgramKey, note_use, use_nonce
from ingestion_adapters.http.bodies import Refused
from ingestion_adapters.http.push import Push, batch_of, charged_payload, once_more
from ingestion_adapters.intake import Answer
from ingestion_adapters.mapping.queries import spoken_by
from ingestion_adapters.onboarding.trial import Tried, Try, note_try, try_out
from ingestion_adapters.receipts import Batch, Replayed
from ingestion_adapters.store_readings import RawReadings
from portal.core.actor import Scope
from portal.core.clock import utc_now
from portal.core.db import transaction
from portal.core.errors import Conflict
from portal.core.web import settings

UNSIGNED_EVERY_S = 30.0
_noted: dict[str, float] = {}


def try_push(push: Push) -> Answer:
    """Return what a push would be answered; raise Refused or Replayed as a live one would."""
    if not once_more(lambda session: use_nonce(session, push.sender, push.now)):
        _note_refused(push, 401, "E_REPLAY")
        raise Replayed("E_REPLAY")
    batch = batch_of(push)
    try:
        payload = charged_payload(push)
        tried = once_more(lambda session: _try(session, push, batch, payload))
    except Conflict as known:
        no = Refused(409, known.code, "batch_conflict", **known.facts)
    except Refused as refused:
        no = refused
    else:
        return replace(tried.answer, receipt_id=0)
    _note_refused(push, no.status, no.code)
    raise no


def _try(session: Session, push: Push, batch: Batch, payload: Rows | RawReadings) -> Tried:
    note_use(session, push.actor, push.now)
    tried = try_out(session, batch, payload, now=push.now, actor=push.actor)
    mapped = spoken_by(session, push.sender.enterprise_id, push.dataset) is not None
    note_try(session, _line(push, 422 if tried.answer.all_refused else 200, mapped=mapped), tried)
    return tried


def _line(push: Push, status: int, code: str | None = None, *, mapped: bool = False) -> Try:
    who = push.sender
    return Try(who.enterprise_id, push.dataset, who.app_id, status, code, push.encoding, mapped, push.now)


def _note_refused(push: Push, status: int, code: str) -> None:
    line = _line(push, status, code)
    once_more(lambda session: note_try(session, line))


def note_unsigned(key: ProgramKey, app_id: str, code: str) -> None:
    """Note a request with a wrong signature, at most one in half a minute: anybody can send them."""
    last = _noted.get(app_id)
    if last is not None and time.monotonic() - last < UNSIGNED_EVERY_S:
        return
    _noted[app_id] = time.monotonic()
    line = Try(key.enterprise_id, "", app_id, 401, code, "", False, utc_now())
    with transaction(settings(), Scope(enterprise_ids=frozenset({key.enterprise_id})), worker=True) as session:
        note_try(session, line)
