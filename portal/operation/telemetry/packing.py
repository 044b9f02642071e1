"""Closed days of readings as arrays: packing them, and telling late readings that a packed day knows already."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.orm import Session

from portal.core.sql import load_sql
from portal.jobs.queries import parameter_value
from portal.operation.telemetry.blocks import ReadingBlock, part_of
from portal.operation.telemetry.conflicts import REVISED, record_conflicts

FOLDER = str(Path(__file__).parent)
DAY_MS = 86_400_000
PACK_AFTER_DAYS = 7.0
# The database refuses to pack a day that closed less than two days ago: younger readings need no look.
NEVER_PACKED = timedelta(days=1)

_PACKED_DAYS = text("select day, retired_at is not null as gone from packed_day where day = any(cast(:days as date[]))")
_SHARE_DAYS = text(
    "select share_reading_day(day) from unnest(cast(:days as date[])) with ordinality as t(day, place) order by place"
)


def pack_due(session: Session, now: datetime) -> str:
    """Pack the oldest day that is old enough and rolled up; one a run, so that locks are short."""
    after = timedelta(days=parameter_value(session, "telemetry.pack_after_days", PACK_AFTER_DAYS))
    for day in days_to_pack(session, (now - after).astimezone(UTC).date()):
        rows = session.scalar(text("select pack_reading_day(:day)"), {"day": day})
        if rows:
            return f"{day}: {rows} readings packed"
    dropped = session.scalar(text("select drop_emptied_reading_day()"))
    return f"{dropped}: empty partition dropped" if dropped else "nothing to pack"


def days_to_pack(session: Session, before: date) -> Sequence[date]:
    """Return the days before a date that hold single readings and wait for no roll-up, oldest first."""
    days = session.scalars(
        text(
            "select to_date(right(c.relname, 8), 'YYYYMMDD') as day from pg_inherits i join pg_class c on c.oid = i.inhrelid"
            " where i.inhparent = cast('public.reading' as regclass) and right(c.relname, 8) < :before order by day"
        ),
        {"before": before.strftime("%Y%m%d")},
    ).all()
    return [day for day in days if _holds_readings(session, day) and not _waits_for_roll_up(session, day)]


def _holds_readings(session: Session, day: date) -> bool:
    return bool(session.scalar(text("select exists (select from reading where ts >= :begin and ts < :end)"), _bounds(day)))


def _waits_for_roll_up(session: Session, day: date) -> bool:
    found = session.scalar(text("select exists (select from rollup_due where hour >= :begin and hour < :end)"), _bounds(day))
    return bool(found)


def _bounds(day: date) -> dict[str, datetime]:
    begin = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return {"begin": begin, "end": begin + timedelta(days=1)}


def beside_packed(session: Session, block: ReadingBlock) -> ReadingBlock:
    """Return the readings of a block that no packed day knows, ready to be stored as single rows.

    Until the transaction ends none of the block's days is packed. A differing second value is kept
    beside; a revision gives its point's day back as single rows and goes on to replace its value. Readings
    of a day that was retired were known and are gone: its figures are all that is left of it.
    """
    known, gone = known_in_packed(session, block)
    if not known.any() and not gone.any():
        return block
    revised = known & (block.flag == REVISED)
    for point, day in sorted({(int(p), int(ms) // DAY_MS) for p, ms in zip(block.point_id[revised], block.ts_ms[revised], strict=True)}):
        session.execute(text("select unpack_reading(:point, :day)"), {"point": point, "day": _date(day)})
    again = known & ~revised
    record_conflicts(session, part_of(block, again), np.zeros(int(again.sum()), bool))
    return part_of(block, ~(again | gone))


def known_in_packed(session: Session, block: ReadingBlock) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which readings of a block stand in a packed day, and which are of a retired one; free for fresh blocks.

    Takes a shared lock on each older day first: packing waits for this transaction or is over.
    """
    known, gone = np.zeros(block.rows, bool), np.zeros(block.rows, bool)
    oldest_open_ms = round((datetime.now(UTC) - NEVER_PACKED).timestamp() * 1000)
    old = np.flatnonzero(block.ts_ms < oldest_open_ms)
    if not old.size:
        return known, gone
    numbers = block.ts_ms[old] // DAY_MS
    days = [_date(number) for number in np.unique(numbers).tolist()]
    session.execute(_SHARE_DAYS, {"days": days})
    found = [((row.day - date(1970, 1, 1)).days, row.gone) for row in session.execute(_PACKED_DAYS, {"days": days})]
    gone[old[np.isin(numbers, [number for number, retired in found if retired])]] = True
    asked = old[np.isin(numbers, [number for number, retired in found if not retired])]
    if asked.size:
        facts = {"place": asked.tolist(), "point": block.point_id[asked].tolist(), "ms": block.ts_ms[asked].tolist()}
        known[session.scalars(load_sql(FOLDER, "known_in_packed"), facts).all()] = True
    return known, gone


def _date(number: int) -> date:
    return date(1970, 1, 1) + timedelta(days=number)
