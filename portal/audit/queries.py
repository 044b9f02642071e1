"""Reads of the audit trail."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from portal.audit.models import AuditEntry
from portal.core.clock import day_bounds
from portal.core.errors import NotFound

PAGE_ROWS = 50
EXPORT_ROWS = 50_000


@dataclass(frozen=True)
class AuditFilter:
    """Which acts are wanted: who, what, on which object, with which result, between which days."""

    who: str = ""
    action: str = ""
    object_type: str = ""
    object_id: str = ""
    result: str = ""
    since: date | None = None
    until: date | None = None

    def as_dict(self) -> dict[str, str]:
        """Return the filters that are set, as in the address."""
        return {name: str(value) for name, value in vars(self).items() if value}


def entries(session: Session, wanted: AuditFilter, *, before: int | None = None) -> Sequence[AuditEntry]:
    """Return up to a page of acts and one more, newest first, with numbers below `before`."""
    query = _filtered(wanted).order_by(AuditEntry.id.desc()).limit(PAGE_ROWS + 1)
    if before is not None:
        query = query.where(AuditEntry.id < before)
    return session.scalars(query).all()


def entries_for_export(session: Session, wanted: AuditFilter) -> Iterator[AuditEntry]:
    """Give the acts of a filter, newest first, up to 50,000."""
    query = _filtered(wanted).order_by(AuditEntry.id.desc()).limit(EXPORT_ROWS)
    yield from session.scalars(query.execution_options(yield_per=1000))


def entry_by_id(session: Session, entry_id: int) -> AuditEntry:
    """Return one act; raise NotFound."""
    found = session.get(AuditEntry, entry_id)
    if found is None:
        raise NotFound("audit_entry", entry_id=entry_id)
    return found


def actions(session: Session) -> Sequence[str]:
    """Return the actions that occur, in alphabetical order."""
    return session.scalars(select(AuditEntry.action).distinct().order_by(AuditEntry.action)).all()


def _filtered(wanted: AuditFilter) -> Select[AuditEntry]:
    query = select(AuditEntry)
    for column, value in (
        (AuditEntry.actor_name, wanted.who),
        (AuditEntry.action, wanted.action),
        (AuditEntry.object_type, wanted.object_type),
        (AuditEntry.object_id, wanted.object_id),
        (AuditEntry.result, wanted.result),
    ):
        if value:
            query = query.where(column == value)
    if wanted.since:
        query = query.where(AuditEntry.at >= day_bounds(wanted.since)[0])
    if wanted.until:
        query = query.where(AuditEntry.at < day_bounds(wanted.until)[1])
    return query
