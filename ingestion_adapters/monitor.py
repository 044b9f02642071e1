"""What the intake pages show: counters by enterprise and dataset, receipts and their findings."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from ingestion_adapters.models import IntakeHour, Receipt, Rejection
from ingestion_adapters.receipts import PAGE_ROWS
from portal.accounts.models import Enterprise

SILENT_AFTER = {"RT": timedelta(minutes=10)}
QUIET_AFTER = timedelta(days=2)
DAY = timedelta(hours=24)


@dataclass(frozen=True)
class FeedLine:
    """One enterprise's feed of one dataset over the last 24 hours."""

    enterprise_id: int
    enterprise: str
    dataset: str
    batches: int
    rows: int
    accepted: int
    duplicate: int
    rejected: int
    late: int
    refused: int
    last_at: datetime
    silent: bool

    @property
    def good_share(self) -> float | None:
        """Return the share of rows that were not refused, percent."""
        return None if not self.rows else 100 * (1 - self.rejected / self.rows)


def feed_lines(session: Session, now: datetime) -> list[FeedLine]:
    """Return every feed within the scope that ever sent, with its counters of the last 24 hours."""
    recent = IntakeHour.hour >= now - DAY

    def lately(column: Any) -> Any:
        return func.coalesce(func.sum(case((recent, column), else_=0)), 0)

    figures = [
        getattr(IntakeHour, name)
        for name in ("batches", "rows", "accepted", "duplicate", "rejected", "late", "refused")
    ]
    wanted = (
        select(
            IntakeHour.enterprise_id,
            Enterprise.short_name,
            IntakeHour.dataset,
            *map(lately, figures),
            func.max(IntakeHour.last_at),
        )
        .join(Enterprise, Enterprise.id == IntakeHour.enterprise_id)
        .group_by(IntakeHour.enterprise_id, Enterprise.short_name, IntakeHour.dataset)
        .order_by(Enterprise.short_name, IntakeHour.dataset)
    )
    return [
        FeedLine(
            row[0],
            row[1],
            row[2],
            *(int(value) for value in row[3:10]),
            row[10],
            silent=now - row[10] > SILENT_AFTER.get(row[2], QUIET_AFTER) and row[2] in ("RT", "DAY"),
        )
        for row in session.execute(wanted)
    ]


@dataclass(frozen=True)
class ReceiptFilter:
    """Which receipts the page lists."""

    enterprise_id: int | None = None
    dataset: str = ""
    trouble: bool = False
    before: int = 0


def receipts_listed(session: Session, wanted: ReceiptFilter) -> list[Any]:
    """Return receipts with their enterprise's short name, newest first, and one more when others follow."""
    query = select(Receipt, Enterprise.short_name).join(Enterprise, Enterprise.id == Receipt.enterprise_id)
    if wanted.enterprise_id is not None:
        query = query.where(Receipt.enterprise_id == wanted.enterprise_id)
    if wanted.dataset:
        query = query.where(Receipt.dataset == wanted.dataset)
    if wanted.trouble:
        query = query.where((Receipt.rejected > 0) | (Receipt.status == "refused"))
    if wanted.before:
        query = query.where(Receipt.id < wanted.before)
    return list(session.execute(query.order_by(Receipt.id.desc()).limit(PAGE_ROWS + 1)))


def senders(session: Session) -> list[tuple[int, str]]:
    """Return the enterprises within the scope that ever sent, for the filter."""
    seen = select(IntakeHour.enterprise_id).distinct()
    wanted = select(Enterprise.id, Enterprise.short_name).where(Enterprise.id.in_(seen))
    return [(number, name) for number, name in session.execute(wanted.order_by(Enterprise.short_name))]


def sender_name(session: Session, enterprise_id: int) -> str:
    """Return an enterprise's name."""
    return session.scalar(select(Enterprise.name).where(Enterprise.id == enterprise_id)) or ""


def findings_by_code(session: Session, receipt_id: int) -> list[tuple[str, str, int]]:
    """Return code, severity and number of a receipt's findings, most frequent first."""
    number = func.count()
    wanted = (
        select(Rejection.code, Rejection.severity, number)
        .where(Rejection.receipt_id == receipt_id)
        .group_by(Rejection.code, Rejection.severity)
        .order_by(number.desc())
    )
    return [(code, severity, int(found)) for code, severity, found in session.execute(wanted)]
