"""Readings for tests: blocks of a day, storing, rolling up, packing and reading them back exactly."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
from sqlalchemy import text
from sqlalchemy.orm import Session

from portal.core.clock import utc_now
from portal.operation.telemetry.blocks import ReadingBlock
from portal.operation.telemetry.models import Point
from portal.operation.telemetry.rollup import roll_up, roll_up_days
from portal.operation.telemetry.services import StoredReadings, store_readings

DAY_MS, MINUTE_MS = 86_400_000, 60_000
TODAY = utc_now().date()
RECEIVED = datetime.combine(TODAY, datetime.min.time(), UTC)
BACK_FILLED, REVISED = 1, 4
ROWS = "select ts, value, quality, flag, receipt_id, delay_s from {} where point_id = :p order by ts"


def ms_of(day: date, minute: float = 0) -> int:
    """Return the milliseconds of a minute of a UTC day."""
    return round(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() * 1000 + minute * MINUTE_MS)


def block_of(point: Point, ts_ms: list[int], values: list[float], *, receipt: int = 1, flag: int = 0) -> ReadingBlock:
    """Return readings of one point in order of time."""
    order = np.argsort(np.array(ts_ms, np.int64), kind="stable")
    size = len(ts_ms)
    return ReadingBlock(
        point.enterprise_id, receipt, RECEIVED, np.full(size, point.id, np.int32), np.array(ts_ms, np.int64)[order],
        np.array(values, float)[order], np.full(size, 192, np.int16), np.full(size, flag, np.int16),
    )


def store(session: Session, point: Point, day: date, minutes: list[int], values: list[float], **more: int) -> StoredReadings:
    """Store readings of a day."""
    return store_readings(session, block_of(point, [ms_of(day, each) for each in minutes], values, **more))


def roll_all(session: Session) -> None:
    """Make every hour and day that is due and over."""
    later = utc_now() + timedelta(minutes=5)
    while not roll_up(session, later).startswith("0 hours"):
        pass
    while not roll_up_days(session, later).startswith("0 days"):
        pass


def pack(session: Session, day: date) -> int:
    """Roll up and pack a day; return the readings packed."""
    roll_all(session)
    return int(session.scalar(text("select pack_reading_day(:d)"), {"d": day}) or 0)


def rows_of(session: Session, point: Point, table: str = "reading_all") -> list[tuple[object, ...]]:
    """Return the rows of a point, values as exact text."""
    found = session.execute(text(ROWS.format(table)), {"p": point.id})
    return [(row[0], repr(row[1]), *row[2:]) for row in found]
