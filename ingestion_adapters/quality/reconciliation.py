"""Sent equals received: what enterprises declare of a day beside the receipts, batch by batch where they say them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from ingestion_adapters.models import Receipt
from ingestion_adapters.quality.models import ReconciliationClaim
from portal.core.clock import day_bounds


@dataclass(frozen=True)
class Claim:
    """What an enterprise says it sent of a dataset on a day."""

    dataset: str
    batches: int
    rows: int
    sm3: str
    batch_ids: list[str] | None = None


@dataclass(frozen=True)
class Line:
    """One dataset of one day: what was received, what is said to have been sent, and the batches that differ."""

    enterprise_id: int
    dataset: str
    received: dict[str, Any]
    sent: Claim | None = None
    missing: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)

    @property
    def differs(self) -> bool:
        """Return whether the two sides disagree; nothing declared is no disagreement."""
        if self.sent is None:
            return False
        names = ("batches", "rows", "sm3")
        return any(getattr(self.sent, name) != self.received[name] for name in names) or bool(self.missing)

    @property
    def state(self) -> str:
        """Return equal, differs or undeclared."""
        if self.sent is None:
            return "undeclared"
        return "differs" if self.differs else "equal"

    def answer(self) -> dict[str, Any]:
        """Return the line as both sides' programs read it."""
        sent = self.sent
        said = None if sent is None else {"batches": sent.batches, "rows": sent.rows, "sm3": sent.sm3}
        return self.received | {"state": self.state, "sent": said, "missing": self.missing, "undeclared": self.unknown}

    def counts(self) -> dict[str, int | None]:
        """Return both sides' counts."""
        sent = self.sent
        return {
            "sent_batches": sent.batches if sent else None,
            "received_batches": self.received["batches"],
            "sent_rows": sent.rows if sent else None,
            "received_rows": self.received["rows"],
        }


def declare(session: Session, enterprise_id: int, day: date, claims: Sequence[Claim], app_id: str) -> None:
    """Keep what an enterprise says it sent; the newest of a dataset and day counts."""
    for claim in claims:
        session.add(
            ReconciliationClaim(
                enterprise_id=enterprise_id,
                day=day,
                dataset=claim.dataset,
                batches=claim.batches,
                rows=claim.rows,
                sm3=claim.sm3,
                batch_ids=claim.batch_ids,
                app_id=app_id,
            )
        )
    session.flush()


def compared(session: Session, day: date, enterprise_id: int | None = None) -> list[Line]:
    """Return every dataset that came or is said to have been sent on a day, within the scope."""
    begin, end = day_bounds(day)
    asked = select(Receipt).where(Receipt.received_at >= begin, Receipt.received_at < end)
    said = select(ReconciliationClaim).where(ReconciliationClaim.day == day).order_by(ReconciliationClaim.id)
    if enterprise_id is not None:
        asked = asked.where(Receipt.enterprise_id == enterprise_id)
        said = said.where(ReconciliationClaim.enterprise_id == enterprise_id)
    received: dict[tuple[int, str], list[Receipt]] = {}
    for row in session.scalars(asked):
        received.setdefault((row.enterprise_id, row.dataset), []).append(row)
    newest = {(row.enterprise_id, row.dataset): row for row in session.scalars(said)}
    known = _where_batches_are(session, newest.values())
    return [_line(key, received.get(key, []), newest.get(key), known) for key in sorted({*received, *newest})]


def day_line(dataset: str, rows: list[Receipt]) -> dict[str, Any]:
    """Return the counts and the SM3 sum of one dataset's receipts of a day."""
    taken = [row for row in rows if row.status == "taken"]
    sums = "\n".join(sorted(row.body_sm3 for row in taken))
    return {
        "dataset": dataset,
        "batches": len(taken),
        "refused": len(rows) - len(taken),
        "rows": sum(row.rows for row in taken),
        "accepted": sum(row.accepted for row in taken),
        "duplicate": sum(row.duplicate for row in taken),
        "rejected": sum(row.rejected for row in taken),
        "sm3": hashlib.new("sm3", sums.encode()).hexdigest(),
    }


def _where_batches_are(session: Session, claims: Iterable[ReconciliationClaim]) -> set[tuple[int, str]]:
    """Return which declared batches were taken on any day: one sent before midnight may come after."""
    found: set[tuple[int, str]] = set()
    for claim in claims:
        if claim.batch_ids:
            wanted = select(Receipt.batch_id).where(
                Receipt.enterprise_id == claim.enterprise_id,
                Receipt.status == "taken",
                Receipt.batch_id.in_(claim.batch_ids),
            )
            found.update((claim.enterprise_id, batch) for batch in session.scalars(wanted))
    return found


def _line(
    key: tuple[int, str], rows: list[Receipt], claim: ReconciliationClaim | None, known: set[tuple[int, str]]
) -> Line:
    enterprise_id, dataset = key
    received = day_line(dataset, rows)
    if claim is None:
        return Line(enterprise_id, dataset, received)
    sent = Claim(dataset, claim.batches, claim.rows, claim.sm3, claim.batch_ids)
    missing: list[str] = []
    unknown: list[str] = []
    if claim.batch_ids is not None:
        here = {row.batch_id for row in rows if row.status == "taken"}
        missing = [batch for batch in claim.batch_ids if (enterprise_id, batch) not in known]
        unknown = sorted(here - set(claim.batch_ids))
    return Line(enterprise_id, dataset, received, sent, missing, unknown)
