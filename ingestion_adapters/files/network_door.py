"""A network delivery through a door without a person: judged as a whole, stored, answered like any batch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from ingestion_adapters.doors import Door, Outcome, in_transaction, refusal
from ingestion_adapters.files.findings import Finding
from ingestion_adapters.files.judge import Judged, judge_delivery
from ingestion_adapters.files.store import Stored, known_nodes, limits_of_city, store_delivery
from ingestion_adapters.http.auth import stamp
from ingestion_adapters.http.bodies import Refused
from ingestion_adapters.models import Receipt
from ingestion_adapters.receipts import REJECTIONS_IN_ANSWER, Batch, refuse
from portal.core.errors import Conflict


def take_network(door: Door, batch: Batch, paths: Sequence[Path], crs: str | None) -> Outcome:
    """Take one delivery of files in, once; raise Upstream while the database is away."""
    nodes = in_transaction(door, lambda session: known_nodes(session, batch.enterprise_id))
    judged = judge_delivery(paths, crs, in_transaction(door, limits_of_city), known_nodes=nodes)
    if judged.needs_crs:
        return _refused(door, batch, judged)

    def store(session: Session) -> Stored:
        return store_delivery(
            session, batch.enterprise_id, judged, paths, door=batch.door, actor=door.actor, now=door.now
        )

    try:
        done = in_transaction(door, store)
    except Conflict as known:
        number = int(known.facts["receipt_id"])
        return in_transaction(door, lambda session: _known(session, number, batch))
    refused = done.quarantined + done.refused_on_storing
    body = {
        "batch_id": batch.batch_id,
        "receipt_id": done.receipt_id,
        "accepted": done.accepted,
        "duplicate": done.unchanged,
        "rejected": refused,
        "rejections": [_line(found, door.language) for found in judged.errors[:REJECTIONS_IN_ANSWER]],
        "server_time": stamp(door.now),
    }
    return Outcome(422 if refused and not done.accepted + done.unchanged else 200, body)


def _refused(door: Door, batch: Batch, judged: Judged) -> Outcome:
    receipt_id = in_transaction(door, lambda session: refuse(session, batch, "E_CRS", door.now))
    no = Refused(422, "E_CRS", "crs_must_be_given")
    return refusal(door, no, batch_id=batch.batch_id, receipt_id=receipt_id, suggestions=judged.crs_suggestions)


def _known(session: Session, number: int, batch: Batch) -> Outcome:
    known = session.get_one(Receipt, number)
    body: dict[str, Any] = {
        "batch_id": batch.batch_id,
        "receipt_id": number,
        "accepted": known.accepted,
        "duplicate": known.duplicate,
        "rejected": known.rejected,
        "rejections": [],
        "server_time": stamp(known.received_at),
        "replayed": True,
    }
    return Outcome(200 if known.accepted + known.duplicate or not known.rejected else 422, body)


def _line(found: Finding, language: str) -> dict[str, Any]:
    return {
        "file": found.file,
        "row": found.row,
        "field": found.field or None,
        "code": found.code,
        "message": found.message_en if language == "en" else found.message_zh,
    }
