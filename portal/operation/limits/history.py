"""Stored readings of points as arrays, single and packed ones alike: what a rehearsal replays."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.orm import Session

from portal.core.sql import load_sql
from portal.operation.limits.replay import Series, joined

FOLDER = str(Path(__file__).parent)
# Elements of an array as its binary form lists them: a length before each.
_ELEMENT = {
    2: np.dtype([("n", ">i4"), ("v", ">i2")]),
    4: np.dtype([("n", ">i4"), ("v", ">i4")]),
    -4: np.dtype([("n", ">i4"), ("v", ">f4")]),
    -8: np.dtype([("n", ">i4"), ("v", ">f8")]),
}
_HEAD_BYTES = 20


def series_of_points(
    session: Session, point_ids: Sequence[int], begin: datetime, end: datetime
) -> dict[int, Series]:
    """Return the readings of points from `begin` to before `end`, in the order in which they came in, by point."""
    if not point_ids:
        return {}
    facts = {
        "points": list(point_ids), "begin": begin, "end": end,
        "first_day": _utc_day(begin), "last_day": _utc_day(end - timedelta(microseconds=1)),
    }  # fmt: skip
    parts: dict[int, list[Series]] = {}
    for row in session.execute(load_sql(FOLDER, "single_readings"), facts):
        parts.setdefault(row.point_id, []).append(_single(row))
    bounds = _ms(begin), _ms(end)
    for row in session.execute(load_sql(FOLDER, "packed_readings"), facts):
        found = unpacked(row)
        inside = (found.ts_ms >= bounds[0]) & (found.ts_ms < bounds[1])
        parts.setdefault(row.point_id, []).append(found if inside.all() else found.taken(np.flatnonzero(inside)))
    return {point_id: joined(each) for point_id, each in parts.items()}


def _single(row: Any) -> Series:
    ms = np.frombuffer(row.ms, ">i8").astype(np.int64)
    delay = np.frombuffer(row.delays, ">i4").astype(np.int64)
    return Series(
        ms,
        np.frombuffer(row.vals, ">f8").astype(np.float64),
        np.frombuffer(row.qualities, ">i2").astype(np.int16),
        np.frombuffer(row.flags, ">i2").astype(np.int16),
        np.frombuffer(row.receipts, ">i4").astype(np.int64),
        ms + 1000 * delay,
    )


def unpacked(row: Any) -> Series:
    """Return the readings of one packed day, exactly as they were stored (see view reading_unpacked)."""
    size = int(row.readings)
    ms = row.begin_ms + np.arange(size, dtype=np.int64) * row.step_ms
    ms += row.unit_ms * _whole(row.at2, row.at4, size)
    if row.divisor is None:
        value = _floats(row.f4, -4) if row.f4 is not None else _floats(row.f8, -8)
    else:
        value = (row.base + _whole(row.v2, row.v4, size)).astype(np.float64) / row.divisor
    delay = row.delay_base + _whole(row.delay2, row.delay4, size)
    return Series(
        ms,
        value,
        _codes(row.qualities, row.quality, size),
        _codes(row.flags, row.flag, size),
        row.receipt_base + _whole(row.receipt2, row.receipt4, size),
        ms + 1000 * delay,
    )


def _elements(sent: Any, width: int) -> NDArray[Any]:
    return np.frombuffer(sent, _ELEMENT[width], offset=_HEAD_BYTES)["v"]


def _whole(small: Any, large: Any, size: int) -> NDArray[np.int64]:
    if small is not None:
        return _elements(small, 2).astype(np.int64)
    if large is not None:
        return _elements(large, 4).astype(np.int64)
    return np.zeros(size, np.int64)


def _floats(sent: Any, width: int) -> NDArray[np.float64]:
    return _elements(sent, width).astype(np.float64)


def _codes(sent: Any, common: int, size: int) -> NDArray[np.int16]:
    return np.full(size, common, np.int16) if sent is None else _elements(sent, 2).astype(np.int16)


def orders_between(
    session: Session, objects: Sequence[tuple[int, str]], begin: datetime, end: datetime
) -> dict[tuple[int, str], list[tuple[int, int]]]:
    """Return the spans (begin, end; ms) of work orders of objects by enterprise and object code."""
    rows = session.execute(
        text(
            "select enterprise_id, object_code, (date_part('epoch', begins_at) * 1000)::bigint,"
            " (date_part('epoch', ends_at) * 1000)::bigint from operation_order"
            " where enterprise_id = any(:enterprises) and object_code = any(:codes) and ends_at > :begin and begins_at < :end"
        ),
        {
            "enterprises": sorted({each for each, _ in objects}), "codes": sorted({code for _, code in objects}),
            "begin": begin, "end": end,
        },
    )  # fmt: skip
    found: dict[tuple[int, str], list[tuple[int, int]]] = {}
    for enterprise_id, code, begin_ms, end_ms in rows:
        found.setdefault((enterprise_id, code), []).append((begin_ms, end_ms))
    return found


def wider_outages(
    session: Session, point_ids: Sequence[int], begin: datetime, end: datetime
) -> dict[int, list[tuple[int, int]]]:
    """Return when each point was silent as a part of a wider outage (device, gateway, enterprise), spans in ms."""
    rows = session.execute(
        load_sql(FOLDER, "wider_outages"), {"points": list(point_ids), "begin": begin, "end": end}
    )
    found: dict[int, list[tuple[int, int]]] = {}
    for point_id, begin_ms, end_ms in rows:
        found.setdefault(point_id, []).append((begin_ms, end_ms))
    return found


def _utc_day(at: datetime) -> date:
    return at.astimezone(UTC).date()


def _ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)
