"""Trying a batch out: the one pipeline of every door, and nothing of it stays."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from ingestion_adapters.deliveries import Rows
from ingestion_adapters.intake import Answer, accept_message, forget_news
from ingestion_adapters.mapping.queries import Spoken, points_of
from ingestion_adapters.mapping.rules import translation_of
from ingestion_adapters.mapping.services import Heard, understood_as
from ingestion_adapters.receipts import Batch
from ingestion_adapters.store_readings import RawReadings
from portal.core.actor import Actor

Payload = Rows | RawReadings | Heard


@dataclass(frozen=True)
class Tried:
    """The answer a batch would get, and its findings by code."""

    answer: Answer
    codes: dict[str, int]


def try_out(session: Session, batch: Batch, payload: Payload, *, now: datetime, actor: Actor) -> Tried:
    """Return what would become of a batch; everything it wrote is rolled back. Raise Conflict as the intake does."""
    point = session.begin_nested()
    try:
        answer = accept_message(session, batch, payload, now=now, actor=actor)
        codes = _codes(session, answer.receipt_id)
    finally:
        point.rollback()
        forget_news(batch.enterprise_id)
    return Tried(answer, codes)


def _codes(session: Session, receipt_id: int) -> dict[str, int]:
    rows = session.execute(
        text("select code, count(*) as number from rejection where receipt_id = :r and severity = 'error' group by code"),
        {"r": receipt_id},
    )
    return {row.code: row.number for row in rows}


def heard_in_draft(
    session: Session, enterprise_id: int, dataset: str, sent: Rows | RawReadings, body: dict[str, Any]
) -> Rows | RawReadings | Heard:
    """Return a payload as a mapping that is not saved yet understands it."""
    points = points_of(session, enterprise_id) if dataset == "RT" else None
    translation = translation_of(body, dataset, points)
    if translation is None:
        return sent
    return Heard(Spoken(0, translation), sent, understood_as(sent, translation))
