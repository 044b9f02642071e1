"""What the demo enterprises remember of the batches that were loaded: declared as their programs declare each day."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from ingestion_adapters.client import Queue, city_day
from ingestion_adapters.demo.filed import Batch as Sent
from ingestion_adapters.models import Receipt
from ingestion_adapters.quality.reconciliation import Claim, declare
from portal.core.crypto import sm3_hex

# One evening's household checks of this enterprise were sent and never arrived: reconciliation shows which.
LOST_OF, LOST_DATASET, LOST_BEFORE = "JBRQ", "CHK", timedelta(days=3)
CLAIMED_DAYS = 400
_FILES = ("", "-wal", "-shm")


@dataclass(frozen=True)
class LostBatch:
    """A batch that its sender counts as sent and that the portal never got."""

    batch_id: str
    sent: Sent

    def note_in(self, ledger: Queue) -> None:
        """Remember the batch as its sender does."""
        body = json.dumps(self.sent.rows, ensure_ascii=False).encode()
        day = city_day(self.sent.at)
        ledger.note_sent((self.batch_id, self.sent.dataset, day, len(self.sent.rows), sm3_hex(body)))


def lost_batch(key: str, numbered: list[tuple[int, Sent]], now: datetime) -> LostBatch | None:
    """Return the batch of an enterprise that gets lost on its way: its newest one of those checks, some days ago."""
    if key != LOST_OF:
        return None
    old = [
        (sent.at, number) for number, sent in numbered if sent.dataset == LOST_DATASET and sent.at < now - LOST_BEFORE
    ]
    if not old:
        return None
    number = max(old)[1]
    sent = dict(numbered)[number]
    return LostBatch(f"demo-{sent.dataset}-{number}", sent)


def ledger_path(folder: Path, key: str) -> Path:
    """Return the file in which an enterprise's program remembers what it sent."""
    return folder / f"{key}.queue"


def begin_ledger(path: Path, lost: LostBatch | None) -> None:
    """Begin an enterprise's ledger anew, with the batch that never arrived."""
    for suffix in _FILES:
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    ledger = Queue(path)
    if lost is not None:
        lost.note_in(ledger)
    ledger.close()


def declare_loaded(session: Session, enterprise_id: int, path: Path, now: datetime) -> None:
    """Enter what was loaded for an enterprise in its ledger, and declare the days that are over from there.

    The day of the load is declared by the enterprise's program once it is over.
    """
    ledger = Queue(path)
    for row in _loaded(session, enterprise_id, now):
        day = city_day(row.received_at)
        ledger.note_sent((row.batch_id, row.dataset, day, row.rows, row.body_sm3))
    for day in ledger.undeclared(city_day(now)):
        claims = [
            Claim(each["dataset"], each["batches"], each["rows"], each["sm3"], each.get("batch_ids"))
            for each in ledger.claims(day)
        ]
        declare(session, enterprise_id, date.fromisoformat(day), claims, "demo")
        ledger.note_declared(day)
    ledger.close()


def _loaded(session: Session, enterprise_id: int, now: datetime) -> Iterator[Receipt]:
    """Give the receipts of the load, newest first: a ledger forgets what is weeks older than what comes after it."""
    begin = now.astimezone(UTC) - timedelta(days=CLAIMED_DAYS)
    wanted = select(Receipt).where(
        Receipt.enterprise_id == enterprise_id,
        Receipt.door == "demo",
        Receipt.status == "taken",
        Receipt.received_at >= begin,
    )
    yield from session.scalars(wanted.order_by(Receipt.received_at.desc()))
