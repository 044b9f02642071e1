"""One message taken in: whose it is, that it is signed, and what is answered."""

from __future__ import annotations

import time
from datetime import datetime
from functools import cache

from sqlalchemy import select
from sqlalchemy.orm import Session

from ingestion_adapters.defence.guard import Busy, Guard
from ingestion_adapters.defence.sentences import busy_sentence
from ingestion_adapters.defence.services import Evidence, cut_key
from ingestion_adapters.doors import (
    BATCH_ID,
    Door,
    Outcome,
    Payload,
    door_actor,
    refusal,
    refused_whole,
    speaking,
    take,
)
from ingestion_adapters.http.auth import ProgramKey, key_of, note_use, stamp
from ingestion_adapters.http.bodies import Refused, inflated, payload_of
from ingestion_adapters.mqtt.envelope import Message, in_queue_window
from ingestion_adapters.onboarding.notices import ToldProgram, receipt_notice
from ingestion_adapters.receipts import Batch
from ingestion_adapters.signing import SM2_SM3, matches, matches_sm2, well_formed
from ingestion_adapters.store_readings import RawReadings
from portal.accounts.models import Enterprise
from portal.config import Settings
from portal.core.actor import CITY, NOTHING, Actor
from portal.core.clock import utc_now
from portal.core.db import transaction

OWNERS_KEPT_S = 60.0
_owners: dict[int, tuple[float, str]] = {}


class Unsigned(Exception):
    """The message is not signed by a valid key of the topic's enterprise; `code` says no more than that."""

    def __init__(self, code: str) -> None:
        """Keep the code."""
        super().__init__(code)
        self.code = code


def take_message(settings: Settings, message: Message) -> Outcome:
    """Take a message in and return what is answered; raise Upstream while the database is away."""
    now = utc_now()
    try:
        key = signer_of(settings, message, now)
    except Unsigned as wrong:
        _note_bad(settings, message, now)
        nobody = Door(settings, Actor("nobody", None, "", scope=NOTHING), now, message.language)
        return refusal(nobody, Refused(401, wrong.code, wrong.code), batch_id=message.batch_id[:64])
    outcome = _taken(settings, message, key, now)
    told = receipt_notice(settings, ToldProgram(message.app_id, key.enterprise_id), english=message.language == "en")
    return Outcome(outcome.status, outcome.body | told)


def _taken(settings: Settings, message: Message, key: ProgramKey, now: datetime) -> Outcome:
    """Take in a message whose signature is right."""
    actor = door_actor("program", key.enterprise_id, message.app_id, key.id)
    door = Door(settings, actor, now, message.language)
    busy = guard_of(settings).wait_of(key.enterprise_id)
    if busy is not None:
        return _later(door, message, busy)
    guard_of(settings).charge(key.enterprise_id, key.limits, requests=1)
    batch = Batch(
        key.enterprise_id,
        message.dataset,
        message.batch_id,
        "mqtt",
        message.body_sm3,
        len(message.body),
        message.app_id,
    )
    if not BATCH_ID.fullmatch(message.batch_id):
        return refused_whole(
            door, Batch(**{**batch.__dict__, "batch_id": ""}), Refused(400, "E_SCHEMA", "bad_batch_id")
        )

    def noted(session: Session) -> None:
        note_use(session, actor, now)

    # No nonce is used up: the batch number is signed, so a copy of a message only gets the first receipt again.
    return take(door, batch, lambda: _charged(settings, key, _payload(message)), first=noted)


@cache
def guard_of(settings: Settings) -> Guard:
    """Return this process's guard."""
    return Guard(str(settings.data_dir))


def _charged(settings: Settings, key: ProgramKey, payload: Payload) -> Payload:
    rows = payload.rows if isinstance(payload, RawReadings) else len(payload.rows)
    guard_of(settings).charge(key.enterprise_id, key.limits, rows=rows)
    return payload


def _later(door: Door, message: Message, busy: Busy) -> Outcome:
    """Send a batch back unread: its sender has used up its quota and waits."""
    with speaking(door.language):
        words = busy_sentence(busy.reason, busy.retry_after_s)
    body = {"type": "about:blank", "status": busy.status, "code": "E_QUOTA", "detail": words}
    body |= {"batch_id": message.batch_id, "retry_after_s": busy.retry_after_s, "server_time": stamp(door.now)}
    return Outcome(busy.status, body)


def _note_bad(settings: Settings, message: Message, now: datetime) -> None:
    """Count a wrong signature of a known key; too many cut it off, as at the adapter API."""
    key = key_of(settings, message.app_id, now) if 0 < len(message.app_id) <= 64 else None
    # Only the broker's own word on who may write to a topic counts: nobody cuts off another enterprise.
    if key is None or owner_code(settings, key.enterprise_id) != message.uscc:
        return
    guard = guard_of(settings)
    sample = {"at": stamp(now), "address": "mqtt", "path": message.topic, "bytes": len(message.body)}
    hits = guard.note_bad(message.app_id, sample | {"body_sm3": message.body_sm3}, key.limits)
    if hits:
        evidence = Evidence("signature", hits, key.limits.window_s, guard.samples_of(message.app_id))
        with transaction(settings, CITY, worker=True) as session:
            cut_key(session, key.id, evidence, now)
        guard.forget(message.app_id)


def signer_of(settings: Settings, message: Message, now: datetime) -> ProgramKey:
    """Return the key that signed a message; raise Unsigned when there is none or it is another enterprise's."""
    shaped = well_formed(message.timestamp, message.nonce, message.signature, message.algorithm)
    found = key_of(settings, message.app_id, now) if shaped and 0 < len(message.app_id) <= 64 else None
    if found is None or found.sandbox or found.algorithm != message.algorithm:
        raise Unsigned("E_SIGN")
    right = matches_sm2 if found.algorithm == SM2_SM3 else matches
    if not right(found.key, (message.signed_text,), message.signature):
        raise Unsigned("E_SIGN")
    if owner_code(settings, found.enterprise_id) != message.uscc:
        raise Unsigned("E_SIGN")
    if not in_queue_window(int(message.timestamp), round(now.timestamp() * 1000)):
        raise Unsigned("E_WINDOW")
    return found


def owner_code(settings: Settings, enterprise_id: int) -> str:
    """Return the social credit code of an enterprise, remembered for a minute."""
    known = _owners.get(enterprise_id)
    if known is not None and time.monotonic() - known[0] < OWNERS_KEPT_S:
        return known[1]
    with transaction(settings, CITY, worker=True) as session:
        code = session.scalar(select(Enterprise.uscc).where(Enterprise.id == enterprise_id)) or ""
    _owners[enterprise_id] = (time.monotonic(), code)
    return code


def _payload(message: Message) -> Payload:
    return payload_of(message.dataset, message.content_type, inflated(message.body, message.encoding))
