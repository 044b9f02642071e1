"""The one pipeline of every door: a batch is judged row by row, stored, receipted and counted in one transaction."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from ingestion_adapters.checks import Finding, Stored, judge_row
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
_announced: dict[int, float] = {}
_announcing = threading.Lock()


@dataclass(frozen=True)
class Rows:
    """Rows of a batch as sent; `lax` when every value came as text (CSV)."""

    rows: Sequence[Any]
    lax: bool = False


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

    @property
    def all_refused(self) -> bool:
        """Return whether there were rows and none was stored or known."""
        return self.rows > 0 and self.rejected >= self.rows


def accept_message(
    session: Session,
    batch: Batch,
    payload: Rows | RawReadings,
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
    if batch.dataset == "RT":
        raw = payload if isinstance(payload, RawReadings) else readings_of(payload)
        rows = raw.rows
        stored = take_readings(session, batch.enterprise_id, raw, receipt_id, now=now, actor=actor)
    elif isinstance(payload, RawReadings):
        raise TypeError("readings belong to the dataset RT")
    else:
        rows = len(payload.rows)
        stored = _store_rows(session, batch, payload, receipt_id, (now, actor))
    return _finish(session, batch, receipt_id, rows, stored, now)


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
    )


def _finish(session: Session, batch: Batch, receipt_id: int, rows: int, stored: Stored, now: datetime) -> Answer:
    findings = sorted(stored.rejections, key=lambda found: found.row)
    errors = [found for found in findings if found.severity == "error"]
    counts = Counts(rows, stored.accepted, stored.duplicate, len(errors), stored.late)
    write_receipt(session, receipt_id, batch, counts, now, _news(batch.enterprise_id, receipt_id))
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
    )


def readings_of(payload: Rows) -> RawReadings:
    """Return raw rows of RT as columns, each row judged by the contract."""
    records, numbers, refused = _typed("RT", payload)
    return columns_of(records, refused, numbers)


def _typed(dataset: str, payload: Rows) -> tuple[list[Any], list[int], list[Finding]]:
    records: list[Any] = []
    numbers: list[int] = []
    refused: list[Finding] = []
    for index, row in enumerate(payload.rows):
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
    if _news(enterprise_id, receipt_id):
        announce(session, "intake", receipt_id, enterprise_id=enterprise_id, adcode=None)


def _news(enterprise_id: int, receipt_id: int) -> str | None:
    """Return the news of a batch, None when the enterprise was announced less than a second ago."""
    with _announcing:
        last = _announced.get(enterprise_id)
        if last is not None and time.monotonic() - last < ANNOUNCE_EVERY_S:
            return None
        _announced[enterprise_id] = time.monotonic()
    return news_of("intake", receipt_id, enterprise_id=enterprise_id, adcode=None)
