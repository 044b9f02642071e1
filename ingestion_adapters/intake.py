"""The one pipeline of every door: a batch is judged row by row, stored, receipted and counted in one transaction."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
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
    Opened,
    Replayed,
    first_findings,
    open_batch,
    write_findings,
    write_receipt,
)
from ingestion_adapters.store_at_once import (
    COLLIDED,
    KNOWN,
    REPLAYED,
    ROWS_AT_ONCE,
    TAKEN,
    take_at_once,
    usual,
)
from ingestion_adapters.store_readings import RawReadings, columns_of, take_readings
from ingestion_adapters.stores import STORES, Delivery
from portal.core.actor import Actor
from portal.core.errors import Conflict
from portal.core.live import announce, news_of
from portal.flows.alarm_intake import take_in_readings

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
    heard = _heard(session, batch, payload) if batch.dataset == "RT" else payload
    at_once = _at_once(session, batch, heard, nonce, (now, actor))
    if isinstance(at_once, Answer):
        return at_once
    opened = open_batch(session, batch, nonce, now) if at_once is None else at_once
    if opened.known is not None:
        return _first_answer(session, batch, opened.known)
    receipt_id = opened.receipt_id
    if batch.dataset != "RT":
        heard = _heard(session, batch, payload)
    understood = heard.understood if isinstance(heard, Heard) else heard
    rows, stored = _take(session, batch, understood, receipt_id, (now, actor))
    counts = Counts(rows, stored.accepted, stored.duplicate, _errors(stored.rejections), stored.late)
    write_receipt(session, receipt_id, batch, counts, now, _news(session, batch.enterprise_id, receipt_id))
    return _answer(session, batch, receipt_id, counts, (heard, stored, now))


def _at_once(
    session: Session,
    batch: Batch,
    heard: Rows | RawReadings | Heard,
    nonce: str | None,
    when_and_who: tuple[datetime, Actor],
) -> Answer | Opened | None:
    """Take a usual batch of readings in one round trip; else the batch as it was opened, None when it is not open yet."""
    understood = heard.understood if isinstance(heard, Heard) else heard
    if batch.dataset != "RT" or not 0 < understood.size <= ROWS_AT_ONCE:
        return None
    now, actor = when_and_who
    raw = understood if isinstance(understood, RawReadings) else readings_of(understood)
    sound = usual(session, batch.enterprise_id, raw, now)
    if sound is None:
        return None
    tell = _news(session, batch.enterprise_id, 0) is not None
    findings = [*raw.refused, *sound.findings]
    refused = _errors(findings)
    taken = take_at_once(session, batch, sound, (raw.rows, refused), nonce=nonce, tell=tell)
    if taken.outcome != TAKEN and tell:
        forget_news(batch.enterprise_id)
    if taken.outcome == REPLAYED:
        raise Replayed("E_REPLAY")
    if taken.outcome == KNOWN:
        return Opened(taken.receipt_id, session.get_one(Receipt, taken.receipt_id))
    if taken.outcome == COLLIDED:
        return Opened(taken.receipt_id)
    block = replace(sound.block, receipt_id=taken.receipt_id)
    take_in_readings(session, block, now=now, actor=actor, remembered=taken.remembered)
    counts = Counts(raw.rows, block.rows, sound.repeated, refused, sound.late)
    stored = Stored(block.rows, sound.repeated, findings, sound.late)
    return _answer(session, batch, taken.receipt_id, counts, (heard, stored, now))


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


def _errors(findings: Sequence[Finding]) -> int:
    return sum(found.severity == "error" for found in findings)


def _answer(
    session: Session,
    batch: Batch,
    receipt_id: int,
    counts: Counts,
    facts: tuple[Rows | RawReadings | Heard, Stored, datetime],
) -> Answer:
    """Keep the findings and the words of the sender under the receipt; return what the sender is told."""
    heard, stored, now = facts
    findings = stored.rejections
    if isinstance(heard, Heard):
        findings = [heard.told(found) for found in findings]
        keep_sent(session, heard, receipt_id, batch.enterprise_id, now)
    findings = sorted(findings, key=lambda found: found.row)
    write_findings(session, receipt_id, batch.enterprise_id, findings)
    return Answer(
        batch.batch_id,
        receipt_id,
        counts.rows,
        counts.accepted,
        counts.duplicate,
        counts.rejected,
        [found for found in findings if found.severity == "error"][:REJECTIONS_IN_ANSWER],
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
