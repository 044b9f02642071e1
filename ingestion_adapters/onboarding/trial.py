"""Trying a batch out: the one pipeline of every door, and nothing of it stays."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert, text
from sqlalchemy.orm import Session

from ingestion_adapters.checks import Finding, clean_text
from ingestion_adapters.deliveries import Rows
from ingestion_adapters.intake import Answer, accept_message, forget_news
from ingestion_adapters.mapping.queries import Spoken, points_of
from ingestion_adapters.mapping.rules import MEASURED, translation_of
from ingestion_adapters.mapping.services import Heard, understood_as
from ingestion_adapters.onboarding.models import SandboxRun
from ingestion_adapters.receipts import Batch
from ingestion_adapters.store_readings import RawReadings
from portal.core.actor import Actor

EXAMPLES = 5
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
        text(
            "select code, count(*) as number from rejection where receipt_id = :r and severity = 'error' group by code"
        ),
        {"r": receipt_id},
    )
    return {row.code: row.number for row in rows}


@dataclass(frozen=True)
class Try:
    """Who tried which dataset in the sandbox, how, and what was answered."""

    enterprise_id: int
    dataset: str
    app_id: str
    status: int
    code: str | None
    encoding: str
    mapped: bool
    at: datetime


def note_try(session: Session, line: Try, tried: Tried | None = None) -> None:
    """Keep counts and codes of a message to the sandbox; of its rows only what is wrong with the first ones."""
    counts: dict[str, Any] = {}
    if tried is not None:
        answer = tried.answer
        counts = {
            "rows": answer.rows,
            "accepted": answer.accepted,
            "duplicate": answer.duplicate,
            "rejected": answer.rejected,
            "late": answer.late,
            "codes": tried.codes,
            "examples": [_example(found) for found in answer.rejections[:EXAMPLES]],
        }
    session.execute(insert(SandboxRun).values(**asdict(line), **counts))


def _example(found: Finding) -> dict[str, Any]:
    words = {"row": found.row, "field": found.field, "code": found.code}
    return words | {"zh": clean_text(found.zh, 300), "en": clean_text(found.en, 300)}


def heard_in_draft(
    session: Session, enterprise_id: int, dataset: str, sent: Rows | RawReadings, body: dict[str, Any]
) -> Rows | RawReadings | Heard:
    """Return a payload as a mapping that is not saved yet understands it."""
    points = points_of(session, enterprise_id) if dataset in MEASURED else None
    translation = translation_of(body, dataset, points)
    if translation is None:
        return sent
    return Heard(Spoken(0, translation), sent, understood_as(sent, translation))
