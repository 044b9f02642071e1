"""Storing counters of meters: array rows a block, newest counters, findings of counters that fell or ran too fast."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.orm import Session

from portal.operation.meters.models import BLOCK
from portal.operation.meters.queries import by_index, known_readings, newest_counters, retired_months
from portal.operation.meters.rules import Counted, breach_of
from portal.operation.meters.wire import (
    DAY_MS,
    SEGMENT_COLUMNS,
    Blocks,
    Segments,
    blocks_body,
    places_body,
    segments_body,
)

GOOD = (192, 216)
YEARS_KEPT_AT_LEAST_MS = 5 * 365 * DAY_MS
Breach = tuple[int, str, float, float, datetime]


@dataclass(frozen=True)
class CounterRows:
    """Readings of known meters as columns of one length."""

    receipt_id: int
    meter_id: NDArray[np.int64]
    ts_ms: NDArray[np.int64]
    value: NDArray[np.float64]
    quality: NDArray[np.int64]
    flag: NDArray[np.int64]


@dataclass(frozen=True)
class Taken:
    """What became of readings: new ones, known ones, breaches of rules by place."""

    added: int
    known: int
    breaches: list[Breach]


@dataclass(frozen=True)
class _Sorted:
    """The places of readings by block, day, meter and time, what is new of them, and the newest counter before."""

    order: NDArray[np.int64]
    at: tuple[NDArray[np.int64], NDArray[np.int64]]
    last_ms: NDArray[np.int64]
    fresh: NDArray[np.bool_]
    added: NDArray[np.bool_]


def store_counters(session: Session, rows: CounterRows) -> Taken:
    """Store readings by meter number, renew the newest counters, and judge each against the one before it."""
    if not rows.meter_id.size:
        return Taken(0, 0, [])
    days = np.unique(rows.ts_ms // DAY_MS)
    blocks = newest_counters(session, np.unique(rows.meter_id))  # locked until the transaction ends
    found = _sorted(session, rows, blocks)
    breaches = _breaches(session, rows, blocks, found)
    if found.added.any():
        _make_room(session, days)
        _add(session, rows, found)
        _renew(session, rows, blocks, found)
    added = int(found.added.sum())
    return Taken(added, rows.meter_id.size - added, breaches)


def _sorted(session: Session, rows: CounterRows, blocks: Blocks) -> _Sorted:
    order = np.lexsort((rows.ts_ms, rows.meter_id, rows.ts_ms // DAY_MS, rows.meter_id // BLOCK))
    meter, ms = rows.meter_id[order], rows.ts_ms[order]
    at = (np.searchsorted(blocks.block, meter // BLOCK), meter % BLOCK)
    last_ms = blocks.ms[at]
    first = np.ones(order.size, bool)
    first[1:] = (meter[1:] != meter[:-1]) | (ms[1:] != ms[:-1])
    fresh = first & (ms > last_ms)
    late = np.flatnonzero(first & (ms < last_ms))
    added = fresh.copy()
    if late.size:
        added[late] = ~(known_readings(session, meter[late], ms[late]) | _retired(session, ms[late]))
    return _Sorted(order, at, last_ms, fresh, added)


def _retired(session: Session, ms: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which readings are of a month that was retired: they were known and are gone."""
    gone = np.zeros(ms.size, bool)
    if ms.min() < datetime.now(UTC).timestamp() * 1000 - YEARS_KEPT_AT_LEAST_MS:
        months = [np.datetime64(month, "M") for month in retired_months(session)]
        gone = np.isin(ms.astype("datetime64[ms]").astype("datetime64[M]"), np.array(months, "datetime64[M]"))
    return gone


def _make_room(session: Session, days: NDArray[np.int64]) -> None:
    """Have the partitions of the months, in order, and say that these days are to be packed again."""
    dates: list[date] = [day.astype(object) for day in days.astype("datetime64[D]")]
    session.execute(
        text("select ensure_meter_month(day) from unnest(cast(:days as date[])) as t(day) order by day"),
        {"days": sorted({day.replace(day=1) for day in dates})},
    )
    session.execute(
        text(
            "insert into meter_day (day, loose) select d, true from unnest(cast(:days as date[])) as t(d)"
            " where not exists (select from meter_day m where m.day = d and m.loose) order by d"
            " on conflict (day) do update set loose = true"
        ),
        {"days": dates},
    )


def _add(session: Session, rows: CounterRows, found: _Sorted) -> None:
    kept = found.order[found.added]
    block, day = rows.meter_id[kept] // BLOCK, rows.ts_ms[kept] // DAY_MS
    begins = np.ones(kept.size, bool)
    begins[1:] = (block[1:] != block[:-1]) | (day[1:] != day[:-1])
    segments = Segments(
        rows.receipt_id, np.flatnonzero(begins), rows.meter_id[kept], rows.ts_ms[kept], rows.value[kept],
        rows.quality[kept], rows.flag[kept],
    )  # fmt: skip
    _copy(session, f"meter_reading_block ({SEGMENT_COLUMNS})", segments_body(segments))


def _renew(session: Session, rows: CounterRows, blocks: Blocks, found: _Sorted) -> None:
    """Write the newest counters of the blocks that got any; of one meter's readings the last stands last."""
    kept = np.flatnonzero(found.fresh)
    if not kept.size:
        return
    in_time = kept[np.argsort(rows.ts_ms[found.order[kept]], kind="stable")]
    at = (found.at[0][in_time], found.at[1][in_time])
    blocks.ms[at], blocks.value[at] = rows.ts_ms[found.order[in_time]], rows.value[found.order[in_time]]
    changed = np.unique(at[0] * BLOCK + at[1])
    if blocks.whole:
        _renew_whole(session, blocks, np.unique(at[0]))
    else:
        _renew_places(session, blocks, changed)


def _renew_whole(session: Session, blocks: Blocks, which: NDArray[np.int64]) -> None:
    session.execute(
        text(
            "create temp table if not exists meter_block_incoming (block int, ms bigint[], value float8[])"
            " on commit delete rows; truncate meter_block_incoming"
        )
    )
    _copy(session, "meter_block_incoming", blocks_body(blocks, which))
    with by_index(session):
        session.execute(
            text("update meter_block b set ms = i.ms, value = i.value from meter_block_incoming i where b.block = i.block")
        )


def _renew_places(session: Session, blocks: Blocks, changed: NDArray[np.int64]) -> None:
    """Write single places, each block once: put_places changes an array where it lies."""
    session.execute(
        text(
            "create temp table if not exists meter_places_incoming"
            " (block int, places smallint[], ms bigint[], value float8[]) on commit delete rows;"
            " truncate meter_places_incoming"
        )
    )
    _copy(session, "meter_places_incoming", places_body(blocks, changed))
    with by_index(session):
        session.execute(
            text(
                "update meter_block b set ms = put_places(b.ms, i.places, i.ms), value = put_places(b.value, i.places, i.value)"
                " from meter_places_incoming i where b.block = i.block"
            )
        )


def _copy(session: Session, target: str, body: bytes) -> None:
    cursor = session.connection().connection.cursor()
    try:
        cursor.copy_expert(f"copy {target} from stdin (format binary)", io.BytesIO(body))
    finally:
        cursor.close()


def _breaches(session: Session, rows: CounterRows, blocks: Blocks, found: _Sorted) -> list[Breach]:
    """Return what the rules say of new readings, each beside the newest one before it."""
    order, fresh = found.order, found.fresh
    # By meter and time, over the days: the reading before is the one in the batch, else the newest that was known.
    line = np.lexsort((rows.ts_ms[order], rows.meter_id[order]))
    line = line[fresh[line]]
    meter, ms, value = (column[order[line]] for column in (rows.meter_id, rows.ts_ms, rows.value))
    at = (found.at[0][line], found.at[1][line])
    prev_ms, prev = found.last_ms[line].copy(), blocks.value[at]
    same = np.flatnonzero(meter[1:] == meter[:-1]) + 1
    prev_ms[same], prev[same] = ms[same - 1], value[same - 1]
    used, hours = value - prev, (ms - prev_ms) / 3_600_000
    odd = (used < 0) | (used > blocks.qmax_least[at[0]] * hours)
    odd &= (prev_ms > 0) & np.isin(rows.quality[order[line]], GOOD)
    places = np.flatnonzero(odd)
    facts = _facts_of(session, np.unique(meter[places]).tolist()) if places.size else {}
    breaches: list[Breach] = []
    for n in places.tolist():
        digits, qmax = facts[int(meter[n])]
        before, after = float(prev[n]), float(value[n])
        rule = breach_of(Counted(before, after, digits, float(hours[n]), qmax))
        if rule is not None:
            since = datetime.fromtimestamp(int(prev_ms[n]) / 1000, UTC)
            breaches.append((int(order[line[n]]), rule, before, after, since))
    return sorted(breaches, key=lambda breach: breach[0])


def _facts_of(session: Session, meter_ids: Sequence[int]) -> dict[int, tuple[int, float | None]]:
    rows = session.execute(
        text("select id, digits, qmax_m3_per_h from gas_meter where id = any(:ids)"), {"ids": list(meter_ids)}
    )
    return {row.id: (int(row.digits), row.qmax_m3_per_h) for row in rows}
