"""The one pipeline of every door: a batch is judged row by row, stored, receipted and counted in one transaction."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import event
from sqlalchemy.orm import Session

from ingestion_adapters.backfill.holding import hold_back
from ingestion_adapters.backfill.queries import held_of
from ingestion_adapters.checks import Finding, Stored, judge_row
from ingestion_adapters.deliveries import Rows
from ingestion_adapters.mapping.services import Heard, hear, keep_sent
from ingestion_adapters.models import Receipt
from ingestion_adapters.receipts import (
    REJECTIONS_IN_ANSWER,
    Batch,
    Counts,
    first_findings,
    open_batch,
    write_findings,
    write_receipt,
)
from ingestion_adapters.store_readings import RawReadings, columns_of, take_readings
from ingestion_adapters.stores import STORES, Delivery
from portal.core.actor import Actor
from portal.core.errors import Conflict
from portal.core.live import announce, news_of

ANNOUNCE_EVERY_S = 1.0
_TOLD = "intake_told"
_announced: dict[int, float] = {}
_announcing = threading.Lock()


@dataclass(frozen=True)
class Answer:
    """What the sender is told; the first rejections only, all are in the receipt."""

    batch_id: str
    receipt_id: int
    rows: int
    accepted: int
    duplicate: int
    rejected: int
    rejections: list[Finding]
    at: datetime
    replayed: bool = False
    late: int = 0
    held: int = 0

    @property
    def all_refused(self) -> bool:
        """Return whether there were rows and none was stored or known."""
        return self.rows > 0 and self.rejected >= self.rows


def accept_message(
    session: Session,
    batch: Batch,
    payload: Rows | RawReadings | Heard,
    *,
    now: datetime,
    actor: Actor,
    nonce: str | None = None,
) -> Answer:
    """Take a batch in, once: the same batch again gets the first answer.

    Raise Conflict when the batch number came with other content, Replayed when the nonce was used.
    """
    opened = open_batch(session, batch, nonce, now)
    if opened.known is not None:
        return _first_answer(session, batch, opened.known)
    receipt_id = opened.receipt_id
    heard = _heard(session, batch, payload)
    if not isinstance(heard, Heard):
        rows, stored = _take(session, batch, heard, receipt_id, (now, actor))
    else:
        rows, stored = _take(session, batch, heard.understood, receipt_id, (now, actor))
        stored = replace(stored, rejections=[heard.told(found) for found in stored.rejections])
        keep_sent(session, heard, receipt_id, batch.enterprise_id, now)
    return _finish(session, batch, receipt_id, rows, stored, now)


def _heard(session: Session, batch: Batch, payload: Rows | RawReadings | Heard) -> Rows | RawReadings | Heard:
    """Return a payload in our words where its sender has its own; one that was heard before stays."""
    if isinstance(payload, Heard):
        return payload
    return hear(session, batch.enterprise_id, batch.dataset, payload) or payload


def _take(
    session: Session, batch: Batch, payload: Rows | RawReadings, receipt_id: int, when_and_who: tuple[datetime, Actor]
) -> tuple[int, Stored]:
    """Judge and store a payload in our words; return how many rows it had and what became of them."""
    now, actor = when_and_who
    if batch.dataset == "RT":
        raw = payload if isinstance(payload, RawReadings) else readings_of(payload)
        passed, waiting = hold_back(session, batch.enterprise_id, raw, receipt_id, now=now)
        stored = take_readings(session, batch.enterprise_id, passed, receipt_id, now=now, actor=actor)
        found = [*stored.rejections, *waiting]
        return raw.rows, replace(stored, rejections=found, held=len(waiting)) if waiting else stored
    if isinstance(payload, RawReadings):
        raise TypeError("readings belong to the dataset RT")
    return payload.size, _store_rows(session, batch, payload, receipt_id, when_and_who)


def _first_answer(session: Session, batch: Batch, known: Receipt) -> Answer:
    if (known.body_sm3, known.dataset) != (batch.body_sm3, batch.dataset):
        raise Conflict("E_BATCH_CONFLICT", receipt_id=known.id)
    return Answer(
        known.batch_id,
        known.id,
        known.rows,
        known.accepted,
        known.duplicate,
        known.rejected,
        first_findings(session, known.id),
        known.received_at,
        replayed=True,
        held=held_of(session, known.id) if known.rejected else 0,
    )


def _finish(session: Session, batch: Batch, receipt_id: int, rows: int, stored: Stored, now: datetime) -> Answer:
    findings = sorted(stored.rejections, key=lambda found: found.row)
    errors = [found for found in findings if found.severity == "error"]
    counts = Counts(rows, stored.accepted, stored.duplicate, len(errors), stored.late)
    write_receipt(session, receipt_id, batch, counts, now, _news(session, batch.enterprise_id, receipt_id))
    write_findings(session, receipt_id, batch.enterprise_id, findings)
    return Answer(
        batch.batch_id,
        receipt_id,
        rows,
        counts.accepted,
        counts.duplicate,
        counts.rejected,
        errors[:REJECTIONS_IN_ANSWER],
        now,
        late=stored.late,
        held=stored.held,
    )


def readings_of(payload: Rows) -> RawReadings:
    """Return raw rows of RT as columns, each row judged by the contract."""
    records, numbers, refused = _typed("RT", payload)
    return columns_of(records, refused, numbers)


def _typed(dataset: str, payload: Rows) -> tuple[list[Any], list[int], list[Finding]]:
    records: list[Any] = []
    numbers: list[int] = []
    refused: list[Finding] = list(payload.refused)
    places = range(len(payload.rows)) if payload.numbers is None else payload.numbers
    for index, row in zip(places, payload.rows, strict=True):
        judged = judge_row(row, index, dataset, lax=payload.lax)
        if isinstance(judged, Finding):
            refused.append(judged)
        else:
            records.append(judged)
            numbers.append(index)
    return records, numbers, refused


def _store_rows(
    session: Session, batch: Batch, payload: Rows, receipt_id: int, when_and_who: tuple[datetime, Actor]
) -> Stored:
    records, numbers, refused = _typed(batch.dataset, payload)
    now, actor = when_and_who
    given = Delivery(batch.enterprise_id, receipt_id, now, actor)
    stored = STORES[batch.dataset](session, given, records)
    found = [replace(each, row=numbers[each.row]) for each in stored.rejections]
    return replace(stored, rejections=[*refused, *found])


def announce_intake(session: Session, enterprise_id: int, receipt_id: int) -> None:
    """Tell open pages that data came in, at most once a second for an enterprise."""
    if _news(session, enterprise_id, receipt_id):
        announce(session, "intake", receipt_id, enterprise_id=enterprise_id, adcode=None)


def _news(session: Session, enterprise_id: int, receipt_id: int) -> str | None:
    """Return the news of a batch, None when the enterprise was announced less than a second ago."""
    with _announcing:
        last = _announced.get(enterprise_id)
        if last is not None and time.monotonic() - last < ANNOUNCE_EVERY_S:
            return None
        _announced[enterprise_id] = time.monotonic()
    session.info.setdefault(_TOLD, []).append(enterprise_id)
    return news_of("intake", receipt_id, enterprise_id=enterprise_id, adcode=None)


def forget_news(enterprise_id: int) -> None:
    """Let the next batch be announced: the one before was only tried out."""
    with _announcing:
        _announced.pop(enterprise_id, None)


@event.listens_for(Session, "after_soft_rollback")
def _untell(session: Session, _: Any) -> None:
    """Let the next batch be announced: the news of this one went with its rows."""
    for enterprise_id in session.info.pop(_TOLD, ()):
        forget_news(enterprise_id)
