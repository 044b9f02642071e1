"""Receipts: what was received in each batch and what became of it, written once and read back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import insert, select, text
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from ingestion_adapters.checks import Finding, clean_text
from ingestion_adapters.models import IntakeHour, Receipt, Rejection
from ingestion_adapters.quality.reconciliation import compared
from ingestion_adapters.store_bulk import copy_into
from portal.core.db import call
from portal.core.errors import PortalError

REJECTIONS_IN_ANSWER = 1000
PAGE_ROWS = 200
_FEW = 50
_FINDING_COLUMNS = (
    "receipt_id",
    "enterprise_id",
    "severity",
    "file",
    "row",
    "object_code",
    "field",
    "rule",
    "code",
    "message_zh",
    "message_en",
    "raw",
)


class Replayed(PortalError):
    """The nonce of a signed message was used before."""


@dataclass(frozen=True)
class Batch:
    """A batch as it came through a door."""

    enterprise_id: int
    dataset: str
    batch_id: str
    door: str
    body_sm3: str
    body_bytes: int
    app_id: str | None = None
    files: list[str] | None = None
    crs: str | None = None
    crs_evidence: str | None = None


@dataclass(frozen=True)
class Counts:
    """Rows of a batch by what became of them."""

    rows: int = 0
    accepted: int = 0
    duplicate: int = 0
    rejected: int = 0
    late: int = 0


@dataclass(frozen=True)
class Opened:
    """A batch number that is locked: the receipt it has, or the fresh number of the one it will get."""

    receipt_id: int
    known: Receipt | None = None


def open_batch(session: Session, batch: Batch, nonce: str | None, now: datetime) -> Opened:
    """Use the nonce and lock the batch number until the transaction ends; raise Replayed for a used nonce."""
    rows = call(
        session,
        "select fresh, new_receipt, known_receipt from open_batch(%s, %s, %s, %s, %s)",
        (batch.enterprise_id, batch.batch_id, batch.app_id, nonce, now),
    )
    fresh, new, known = rows[0]
    if not fresh:
        raise Replayed("E_REPLAY")
    return Opened(new or known, session.get_one(Receipt, known) if known else None)


def next_receipt_id(session: Session) -> int:
    """Return a fresh receipt number, before the rows that carry it are written."""
    return int(session.scalar(text("select nextval('receipt_id_seq')")) or 0)


def write_receipt(
    session: Session, receipt_id: int, batch: Batch, counts: Counts, now: datetime, news: str | None = None
) -> None:
    """Write the receipt of a batch whose rows were judged, count it, and tell listeners `news` at commit."""
    call(
        session,
        f"select close_batch({', '.join(['%s'] * 18)})",
        (
            receipt_id,
            batch.enterprise_id,
            batch.dataset,
            batch.batch_id,
            batch.door,
            batch.body_sm3,
            batch.body_bytes,
            counts.rows,
            counts.accepted,
            counts.duplicate,
            counts.rejected,
            counts.late,
            None if batch.files is None else json.dumps(batch.files, ensure_ascii=False),
            batch.crs,
            batch.crs_evidence,
            batch.app_id,
            now,
            news,
        ),
    )


def refuse(session: Session, batch: Batch, code: str, now: datetime) -> int:
    """Write the receipt of a batch that was refused whole; return its number."""
    receipt_id = next_receipt_id(session)
    _insert_refused(session, receipt_id, batch, code, now)
    _count_refused(session, batch, now)
    return receipt_id


def _insert_refused(session: Session, receipt_id: int, batch: Batch, code: str, now: datetime) -> None:
    session.execute(
        insert(Receipt).values(
            id=receipt_id,
            enterprise_id=batch.enterprise_id,
            dataset=batch.dataset,
            batch_id=batch.batch_id,
            door=batch.door,
            status="refused",
            code=code,
            body_sm3=batch.body_sm3,
            body_bytes=batch.body_bytes,
            rows=0,
            accepted=0,
            duplicate=0,
            rejected=0,
            files=batch.files,
            crs=batch.crs,
            crs_evidence=batch.crs_evidence,
            app_id=batch.app_id,
            received_at=now,
        )
    )


def _count_refused(session: Session, batch: Batch, now: datetime) -> None:
    hour = now.replace(minute=0, second=0, microsecond=0)
    added = upsert(IntakeHour).values(
        enterprise_id=batch.enterprise_id, dataset=batch.dataset, hour=hour, last_at=now, refused=1
    )
    sums = {"refused": IntakeHour.refused + 1, "last_at": added.excluded.last_at}
    session.execute(added.on_conflict_do_update(index_elements=["enterprise_id", "dataset", "hour"], set_=sums))


def write_findings(session: Session, receipt_id: int, enterprise_id: int, findings: Sequence[Finding]) -> None:
    """Keep the findings of a batch with the rows they refused."""
    rows = [
        (
            receipt_id,
            enterprise_id,
            found.severity,
            found.file,
            found.row,
            found.object_code,
            found.field,
            found.rule,
            found.code,
            clean_text(found.zh),
            clean_text(found.en),
            found.raw,
        )
        for found in findings
    ]
    if not rows:
        return
    if len(rows) <= _FEW:
        session.execute(insert(Rejection), [dict(zip(_FINDING_COLUMNS, row, strict=True)) for row in rows])
        return
    columns = ", ".join(f'"{name}"' for name in _FINDING_COLUMNS)
    session.execute(
        text(f"create temp table rejection_incoming on commit drop as select {columns} from rejection with no data")
    )
    copy_into(session, "rejection_incoming", [f'"{name}"' for name in _FINDING_COLUMNS], rows)
    session.execute(text(f"insert into rejection ({columns}) select {columns} from rejection_incoming"))
    session.execute(text("drop table rejection_incoming"))


def first_findings(session: Session, receipt_id: int) -> list[Finding]:
    """Return the findings that go into an answer."""
    wanted = select(Rejection).where(Rejection.receipt_id == receipt_id, Rejection.severity == "error")
    rows = session.scalars(wanted.order_by(Rejection.id).limit(REJECTIONS_IN_ANSWER))
    return [as_finding(row) for row in rows]


def as_finding(row: Rejection) -> Finding:
    """Return a stored finding."""
    return Finding(
        row.row,
        row.code,
        row.message_zh,
        row.message_en,
        row.field,
        row.object_code,
        row.rule,
        row.raw,
        row.severity,
        row.file,
    )


def receipt_of(session: Session, receipt_id: int) -> Receipt | None:
    """Return one receipt within the scope, None when there is none."""
    if not 0 < receipt_id < 2**63:
        return None
    return session.scalar(select(Receipt).where(Receipt.id == receipt_id))


def receipts_page(
    session: Session,
    *,
    enterprise_id: int | None = None,
    since: datetime | None = None,
    after: int = 0,
    newest_first: bool = False,
) -> list[Receipt]:
    """Return a page of receipts within the scope and one more when others follow; `after` is the last number seen."""
    wanted = select(Receipt)
    if enterprise_id is not None:
        wanted = wanted.where(Receipt.enterprise_id == enterprise_id)
    if since is not None:
        wanted = wanted.where(Receipt.received_at >= since)
    if newest_first:
        wanted = wanted.where(Receipt.id < after) if after else wanted
        wanted = wanted.order_by(Receipt.id.desc())
    else:
        wanted = wanted.where(Receipt.id > after).order_by(Receipt.id)
    return list(session.scalars(wanted.limit(PAGE_ROWS + 1)))


def findings_page(session: Session, receipt_id: int, after: int = 0, limit: int = PAGE_ROWS) -> list[Rejection]:
    """Return findings of a receipt after one of them, and one more when others follow."""
    wanted = select(Rejection).where(Rejection.receipt_id == receipt_id, Rejection.id > after)
    return list(session.scalars(wanted.order_by(Rejection.id).limit(limit + 1)))


def reconciliation(session: Session, enterprise_id: int, day: date) -> list[dict[str, Any]]:
    """Return per dataset what was received on a day of the city beside what the enterprise says it sent.

    The sum is the SM3 of the taken bodies' hex SM3s, sorted and joined by line feeds.
    """
    return [line.answer() for line in compared(session, day, enterprise_id)]
