"""What every door without a browser does alike: a batch is taken in once, or refused with a receipt, and answered in JSON."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import psycopg2
from flask import Flask
from flask_babel import Babel, force_locale
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

import portal
from ingestion_adapters.deliveries import Rows
from ingestion_adapters.http.auth import stamp
from ingestion_adapters.http.bodies import Refused
from ingestion_adapters.intake import Answer, accept_message
from ingestion_adapters.receipts import Batch, refuse
from ingestion_adapters.sentences import REASONS, SENTENCES, reason
from ingestion_adapters.store_readings import RawReadings
from portal.config import Settings
from portal.core.actor import Actor, Scope
from portal.core.db import transaction
from portal.core.errors import Conflict, Upstream
from portal.core.web import title_of

BATCH_ID = re.compile(r"[\x21-\x7e]{1,64}")
TRIES = 2
AGAIN_AFTER_S = 0.5
# What a door waits for and tries again; any other fault of the database is one of ours.
AWAY = (Upstream, OperationalError, InterfaceError, PoolTimeout)
Payload = Rows | RawReadings
Result = TypeVar("Result")


@dataclass(frozen=True)
class Outcome:
    """What the sender is told: the status the adapter API would answer with, and the same body."""

    status: int
    body: dict[str, Any]

    @property
    def taken(self) -> bool:
        """Return whether the batch is durable, whatever was thought of its rows."""
        return "accepted" in self.body


@dataclass(frozen=True)
class Door:
    """Who delivers, when, and in which language the answer is written."""

    settings: Settings
    actor: Actor
    now: datetime
    language: str = "zh"


def door_actor(kind: str, enterprise_id: int, name: str, key_id: int | None = None) -> Actor:
    """Return the actor of a delivery that no person is logged in for: its own enterprise and nothing else."""
    return Actor(
        kind="program" if kind == "program" else "job",
        id=key_id,
        name=name,
        scope=Scope(enterprise_ids=frozenset({enterprise_id})),
        enterprise_id=enterprise_id,
    )


def take(
    door: Door,
    batch: Batch,
    read: Callable[[], Payload],
    *,
    first: Callable[[Session], None] | None = None,
    last: Callable[[Session, Answer], None] | None = None,
) -> Outcome:
    """Take a batch in, once; raise Upstream while the database is away.

    `read` parses the body and raises Refused. `first` and `last` run inside the same transaction.
    """

    def accept(session: Session) -> Answer:
        if first is not None:
            first(session)
        answer = accept_message(session, batch, payload, now=door.now, actor=door.actor)
        if last is not None:
            last(session, answer)
        return answer

    try:
        payload = read()
        return taken(in_transaction(door, accept), door.language)
    except Conflict as known:
        no = Refused(409, known.code, "batch_conflict", **known.facts)
    except Refused as refused:
        no = refused
    return refused_whole(door, batch, no)


def refused_whole(door: Door, batch: Batch, no: Refused) -> Outcome:
    """Write the receipt of a batch that is refused whole; return what the sender is told."""
    receipt_id = in_transaction(door, lambda session: refuse(session, batch, no.code, door.now))
    return refusal(door, no, batch_id=batch.batch_id, receipt_id=receipt_id)


def refusal(door: Door, no: Refused, **more: Any) -> Outcome:
    """Return the problem a sender is told, in the language of the door."""
    with speaking(door.language):
        body = {
            "type": "about:blank",
            "status": no.status,
            "code": no.code,
            "title": title_of(no.status),
            "detail": _detail(no, more),
            "server_time": stamp(door.now),
        }
    return Outcome(no.status, body | more)


def _detail(no: Refused, more: dict[str, Any]) -> str:
    facts = {**no.facts, **more}
    return reason(no.reason, **facts) if no.reason in REASONS else SENTENCES[no.reason](**facts)


def taken(answer: Answer, language: str) -> Outcome:
    """Return the answer to a batch whose rows were judged, as the adapter API gives it."""
    body: dict[str, Any] = {
        "batch_id": answer.batch_id,
        "receipt_id": answer.receipt_id,
        "accepted": answer.accepted,
        "duplicate": answer.duplicate,
        "rejected": answer.rejected,
        "rejections": [
            {
                "row": found.row,
                "field": found.field,
                "code": found.code,
                "message": found.en if language == "en" else found.zh,
            }
            for found in answer.rejections
        ],
        "server_time": stamp(answer.at),
    }
    if answer.held:
        body["held"] = answer.held
    if answer.replayed:
        body["replayed"] = True
    return Outcome(422 if answer.all_refused else 200, body)


def in_transaction(door: Door, work: Callable[[Session], Result]) -> Result:
    """Run work in its own transaction limited to the sender; a lost connection or a deadlock is tried once more."""
    return twice(lambda: transaction(door.settings, door.actor.scope, worker=True), work, pause_s=AGAIN_AFTER_S)


def twice(
    begun: Callable[[], AbstractContextManager[Session]], work: Callable[[Session], Result], *, pause_s: float = 0.0
) -> Result:
    """Run work in a transaction, after a lost connection or a deadlock in another one; raise Upstream after that.

    What the database refuses as a value is raised as Refused.
    """
    for attempt in range(TRIES):
        try:
            with begun() as session:
                return work(session)
        except (psycopg2.Error, DBAPIError, PoolTimeout) as failed:
            cause = failed.orig if isinstance(failed, DBAPIError) else failed
            if isinstance(cause, psycopg2.DataError):
                raise Refused(400, "E_SCHEMA", "bad_value") from failed
            if not isinstance(cause, psycopg2.OperationalError | psycopg2.InterfaceError | PoolTimeout):
                raise
            if attempt + 1 < TRIES:
                time.sleep(pause_s)
    raise Upstream("database_unavailable")


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """Let gettext answer in Chinese (`zh`) or English (`en`) where no request says it."""
    with _speaker().app_context(), force_locale("en" if language == "en" else "zh_CN"):
        yield


@cache
def _speaker() -> Flask:
    speaker = Flask("doors")
    folder = Path(portal.__file__).parent / "translations"
    speaker.config.update(BABEL_DEFAULT_LOCALE="zh_CN", BABEL_TRANSLATION_DIRECTORIES=str(folder))
    Babel(speaker)
    return speaker
