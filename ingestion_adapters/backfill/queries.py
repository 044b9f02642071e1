"""Reads of late deliveries: requests with what waits for them, and what a batch still waits for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from ingestion_adapters.backfill.models import BackfillHeld, BackfillRequest
from portal.accounts.models import Enterprise
from portal.core.errors import NotFound

PAGE_ROWS = 50
BATCHES_SHOWN = 200
BIGGEST_ID = 2**63 - 1
_WAITING = (
    select(func.coalesce(func.sum(BackfillHeld.rows_left), 0))
    .where(
        BackfillHeld.rows_left > 0,
        BackfillHeld.enterprise_id == BackfillRequest.enterprise_id,
        BackfillHeld.begin_at <= BackfillRequest.end_at,
        BackfillHeld.end_at >= BackfillRequest.begin_at,
    )
    .correlate(BackfillRequest)
    .scalar_subquery()
)
_ASKED = select(BackfillRequest, Enterprise.short_name, _WAITING).join(
    Enterprise, Enterprise.id == BackfillRequest.enterprise_id
)


@dataclass(frozen=True)
class RequestLine:
    """A request, whose it is, and how many rows of its span wait."""

    row: BackfillRequest
    enterprise: str
    waiting: int


@dataclass(frozen=True)
class HeldLine:
    """What a batch brought that had to wait, and what became of it."""

    receipt_id: int
    begin_at: datetime
    end_at: datetime
    rows: int
    rows_left: int
    accepted: int
    duplicate: int
    rejected: int
    held_at: datetime
    released_at: datetime | None


def requests_listed(session: Session, *, state: str = "", before: int = 0) -> list[RequestLine]:
    """Return a page of requests in scope, newest first, and one more when others follow."""
    wanted = _ASKED
    if state:
        wanted = wanted.where(BackfillRequest.state == state)
    if before:
        wanted = wanted.where(BackfillRequest.id < before)
    rows = session.execute(wanted.order_by(BackfillRequest.id.desc()).limit(PAGE_ROWS + 1))
    return [RequestLine(row, name, int(waiting)) for row, name, waiting in rows]


def requests_after(session: Session, enterprise_id: int, *, state: str = "", after: int = 0) -> list[RequestLine]:
    """Return a page of an enterprise's requests, oldest first, and one more when others follow."""
    wanted = _ASKED.where(BackfillRequest.enterprise_id == enterprise_id, BackfillRequest.id > after)
    if state:
        wanted = wanted.where(BackfillRequest.state == state)
    rows = session.execute(wanted.order_by(BackfillRequest.id).limit(PAGE_ROWS + 1))
    return [RequestLine(row, name, int(waiting)) for row, name, waiting in rows]


def same_asked(session: Session, enterprise_id: int, begin_at: datetime, end_at: datetime) -> BackfillRequest | None:
    """Return the undecided request that an enterprise made ahead for exactly this span."""
    wanted = _undecided_ahead(enterprise_id).where(
        BackfillRequest.begin_at == begin_at, BackfillRequest.end_at == end_at
    )
    return session.scalar(wanted.order_by(BackfillRequest.id).limit(1))


def asked_ahead_number(session: Session, enterprise_id: int) -> int:
    """Return how many requests that an enterprise made ahead are undecided."""
    undecided = _undecided_ahead(enterprise_id).subquery()
    return int(session.scalar(select(func.count()).select_from(undecided)) or 0)


def _undecided_ahead(enterprise_id: int) -> Select[BackfillRequest]:
    return select(BackfillRequest).where(
        BackfillRequest.enterprise_id == enterprise_id,
        BackfillRequest.state == "asked",
        BackfillRequest.opened_how != "delivery",
    )


def request_line(session: Session, request_id: int) -> RequestLine:
    """Return one request; raise NotFound outside the scope."""
    found = None
    if 0 < request_id <= BIGGEST_ID:
        found = session.execute(_ASKED.where(BackfillRequest.id == request_id)).one_or_none()
    if found is None:
        raise NotFound("backfill_request", request_id=request_id)
    return RequestLine(found[0], found[1], int(found[2]))


def lock_request(session: Session, request_id: int) -> BackfillRequest:
    """Return one request, locked until the transaction ends; raise NotFound outside the scope."""
    found = None
    if 0 < request_id <= BIGGEST_ID:
        wanted = select(BackfillRequest).where(BackfillRequest.id == request_id).with_for_update()
        found = session.scalar(wanted.execution_options(populate_existing=True))
    if found is None:
        raise NotFound("backfill_request", request_id=request_id)
    return found


def asked_number(session: Session) -> int:
    """Return how many requests in scope wait for a decision."""
    wanted = select(func.count()).select_from(BackfillRequest).where(BackfillRequest.state == "asked")
    return int(session.scalar(wanted) or 0)


_LINE = (
    BackfillHeld.receipt_id, BackfillHeld.begin_at, BackfillHeld.end_at, BackfillHeld.rows, BackfillHeld.rows_left,
    BackfillHeld.accepted, BackfillHeld.duplicate, BackfillHeld.rejected, BackfillHeld.held_at, BackfillHeld.released_at,
)  # fmt: skip


def held_within(session: Session, request: BackfillRequest) -> list[HeldLine]:
    """Return the batches with rows of a request's span that waited or wait, newest first; some are shown."""
    wanted = select(*_LINE).where(
        BackfillHeld.enterprise_id == request.enterprise_id,
        BackfillHeld.begin_at <= request.end_at,
        BackfillHeld.end_at >= request.begin_at,
    )
    rows = session.execute(wanted.order_by(BackfillHeld.id.desc()).limit(BATCHES_SHOWN))
    return [HeldLine(*row) for row in rows]


def held_in_batch(session: Session, receipt_id: int) -> HeldLine | None:
    """Return what a batch brought that had to wait, None when nothing had to."""
    row = session.execute(select(*_LINE).where(BackfillHeld.receipt_id == receipt_id)).first()
    return HeldLine(*row) if row else None


def held_of(session: Session, receipt_id: int) -> int:
    """Return how many rows of a batch had to wait."""
    found = held_in_batch(session, receipt_id)
    return found.rows if found else 0
