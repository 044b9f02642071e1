"""What the page of the outbox shows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ingestion_adapters.upward.models import Superior, UpwardAttempt, UpwardBatch, UpwardItem

ATTEMPTS_SHOWN = 50
ITEMS_SHOWN = 200


@dataclass(frozen=True)
class SuperiorLine:
    """A superior with the state of its outbox."""

    superior: Superior
    waiting: int
    refused: int
    taken: int
    rows_taken: int
    oldest_waiting: datetime | None
    last_taken: datetime | None


def superior_lines(session: Session) -> list[SuperiorLine]:
    """Return every superior with what waits, what was refused and what it has."""
    of = UpwardBatch.state
    wanted = (
        select(
            Superior,
            func.count().filter(of == "waiting"),
            func.count().filter(of == "refused"),
            func.count().filter(of == "taken"),
            func.coalesce(func.sum(UpwardBatch.rows).filter(of == "taken"), 0),
            func.min(UpwardBatch.created_at).filter(of == "waiting"),
            func.max(UpwardBatch.ended_at).filter(of == "taken"),
        )
        .outerjoin(UpwardBatch, UpwardBatch.superior_id == Superior.id)
        .group_by(Superior.id)
        .order_by(Superior.name)
    )
    return [
        SuperiorLine(row[0], row[1], row[2], row[3], int(row[4]), row[5], row[6]) for row in session.execute(wanted)
    ]


def batches(session: Session, *, state: str, before: int, limit: int) -> list[Any]:
    """Return batches with their superior's name, newest first, and one more when others follow."""
    wanted = select(UpwardBatch, Superior.name).join(Superior, Superior.id == UpwardBatch.superior_id)
    if state:
        wanted = wanted.where(UpwardBatch.state == state)
    if before:
        wanted = wanted.where(UpwardBatch.id < before)
    return list(session.execute(wanted.order_by(UpwardBatch.id.desc()).limit(limit + 1)))


def batch_of(session: Session, batch_no: int) -> tuple[UpwardBatch, str] | None:
    """Return a batch with its superior's name."""
    wanted = select(UpwardBatch, Superior.name).join(Superior, Superior.id == UpwardBatch.superior_id)
    found = session.execute(wanted.where(UpwardBatch.id == batch_no)).first()
    return (found[0], found[1]) if found else None


def attempts_of(session: Session, batch_no: int) -> list[UpwardAttempt]:
    """Return the newest attempts of a batch."""
    wanted = select(UpwardAttempt).where(UpwardAttempt.batch_no == batch_no)
    return list(session.scalars(wanted.order_by(UpwardAttempt.id.desc()).limit(ATTEMPTS_SHOWN)))


def items_of(session: Session, batch_no: int) -> list[UpwardItem]:
    """Return the records of a batch."""
    wanted = select(UpwardItem).where(UpwardItem.batch_no == batch_no)
    return list(session.scalars(wanted.order_by(UpwardItem.id).limit(ITEMS_SHOWN)))


def superiors(session: Session) -> list[Superior]:
    """Return every superior by name."""
    return list(session.scalars(select(Superior).order_by(Superior.name)))
