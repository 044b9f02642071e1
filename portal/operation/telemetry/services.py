"""Storing readings: history by binary COPY, the newest value of each point, and the hours to roll up again."""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray
from psycopg2.errors import CheckViolation, UniqueViolation
from sqlalchemy import text
from sqlalchemy.orm import Session

from portal.core.db import call
from portal.operation.telemetry.blocks import ReadingBlock, delays_s, part_of
from portal.operation.telemetry.conflicts import record_conflicts
from portal.operation.telemetry.newest import note_readings
from portal.operation.telemetry.packing import beside_packed

COLUMNS = "ts, value, point_id, receipt_id, quality, flag, delay_s"
DAY_MS = 86_400_000
_PG_EPOCH_MS = 946_684_800_000
_HEAD = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
_TAIL = b"\xff\xff"
# One row of COPY BINARY: the number of fields, then length and value of each.
_ROW = np.dtype(
    [
        ("n", ">i2"),
        ("l0", ">i4"),
        ("ts", ">i8"),
        ("l1", ">i4"),
        ("value", ">f8"),
        ("l2", ">i4"),
        ("point", ">i4"),
        ("l3", ">i4"),
        ("receipt", ">i4"),
        ("l4", ">i4"),
        ("quality", ">i2"),
        ("l5", ">i4"),
        ("flag", ">i2"),
        ("l6", ">i4"),
        ("delay", ">i4"),
    ]
)


@dataclass(frozen=True)
class StoredReadings:
    """The readings that are new, and how many were known before."""

    new: ReadingBlock
    duplicate: int
    remembered: frozenset[int] = frozenset()  # points the limit check remembers as off normal


def store_readings(session: Session, block: ReadingBlock, newest_every_s: float = 0.0) -> StoredReadings:
    """Store a block; a reading whose point and time are known keeps its first value.

    In a burst the newest value of a point is renewed each `newest_every_s` only.
    """
    if not block.rows:
        return StoredReadings(block, 0)
    new = _stored(session, beside_packed(session, block))
    remembered = note_readings(session, new, newest_every_s) if new.rows else frozenset()
    return StoredReadings(new, block.rows - new.rows, remembered)


def _stored(session: Session, block: ReadingBlock) -> ReadingBlock:
    """Store a block and return what was new; the days that are made ahead are taken to be there."""
    if not block.rows:
        return block
    if not _days_ahead(block):
        _make_days(session, block.ts_ms)
    try:
        return _copied(session, block)
    except CheckViolation:  # a day that should have been made ahead was not
        _make_days(session, block.ts_ms)
        return _copied(session, block)


def _copied(session: Session, block: ReadingBlock) -> ReadingBlock:
    # Past the mapper, and never released: two round trips and the mapper's book-keeping are a tenth of a small batch.
    call(session, "savepoint before_readings", ())
    try:
        _copy(session, "reading", copy_body(block))
    except (UniqueViolation, CheckViolation) as refused:
        call(session, "rollback to savepoint before_readings", ())
        if isinstance(refused, CheckViolation):
            raise
        return _merge(session, block)
    return block


def _days_ahead(block: ReadingBlock) -> bool:
    received_ms = round(block.received_at.timestamp() * 1000)
    return bool(block.ts_ms.min() > received_ms - DAY_MS and block.ts_ms.max() < received_ms + DAY_MS)


def copy_body(block: ReadingBlock) -> bytes:
    """Return a block as a COPY BINARY stream."""
    rows = np.empty(block.rows, _ROW)
    rows["n"] = 7
    for name, size in (("l0", 8), ("l1", 8), ("l2", 4), ("l3", 4), ("l4", 2), ("l5", 2), ("l6", 4)):
        rows[name] = size
    rows["ts"] = (block.ts_ms - _PG_EPOCH_MS) * 1000
    rows["value"], rows["point"], rows["receipt"] = block.value, block.point_id, block.receipt_id
    rows["quality"], rows["flag"], rows["delay"] = block.quality, block.flag, delays_s(block)
    return _HEAD + rows.tobytes() + _TAIL


def _copy(session: Session, table: str, body: bytes) -> None:
    cursor = session.connection().connection.cursor()
    try:
        cursor.copy_expert(f"copy {table} ({COLUMNS}) from stdin (format binary)", io.BytesIO(body))
    finally:
        cursor.close()


def _make_days(session: Session, ts_ms: NDArray[np.int64]) -> None:
    """Have the partitions of all days of a block, in order, so that two batches never wait crosswise."""
    numbers = np.unique(ts_ms // DAY_MS)
    days = [date(1970, 1, 1) + timedelta(days=int(number)) for number in numbers]
    session.execute(
        text(
            "select ensure_reading_day(day)"
            " from unnest(cast(:days as date[])) with ordinality as t(day, place) order by place"
        ),
        {"days": days},
    )


def _merge(session: Session, block: ReadingBlock) -> ReadingBlock:
    """Insert the readings that are unknown, put revised ones in place of others; return both."""
    session.execute(
        text(f"create temp table reading_incoming on commit drop as select {COLUMNS} from reading with no data")
    )
    _copy(session, "reading_incoming", copy_body(block))
    session.execute(text("analyze reading_incoming"))
    rows = session.execute(
        text(
            f"insert into reading ({COLUMNS}) select {COLUMNS} from reading_incoming order by point_id, ts"
            " on conflict do nothing returning point_id, round(extract(epoch from ts) * 1000)::bigint"
        )
    ).all()
    session.execute(text("drop table reading_incoming"))
    stored = {(point, ms) for point, ms in rows}
    added = np.fromiter(
        ((point, ms) in stored for point, ms in zip(block.point_id.tolist(), block.ts_ms.tolist(), strict=True)),
        bool,
        block.rows,
    )
    return part_of(block, added | record_conflicts(session, block, added))
