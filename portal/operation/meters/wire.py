"""Rows of meter_block and meter_reading_block as PostgreSQL's binary COPY, made and read by numpy."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from portal.operation.meters.models import BLOCK

DAY_MS = 86_400_000
HEAD, TAIL = b"PGCOPY\n\xff\r\n\x00" + bytes(8), b"\xff\xff"
_PG_EPOCH_DAY = 10_957
_INT2, _INT4, _INT8, _FLOAT8 = 21, 23, 20, 701  # numbers of the types in pg_type
_ARRAY_HEAD = np.dtype([("dims", ">i4"), ("nulls", ">i4"), ("type", ">i4"), ("size", ">i4"), ("low", ">i4")])


def _array_of(form: str) -> list[tuple[Any, ...]]:
    return [("l", ">i4"), ("head", _ARRAY_HEAD), ("of", [("l", ">i4"), ("v", form)], BLOCK)]


_KNOWN_BLOCK = np.dtype(
    [("n", ">i2"), ("l0", ">i4"), ("block", ">i4"), ("ms", _array_of(">i8")), ("value", _array_of(">f8")),
     ("l3", ">i4"), ("qmax", ">f4")]
)  # fmt: skip
_NEW_BLOCK = np.dtype([("n", ">i2"), ("l0", ">i4"), ("block", ">i4"), ("ms", _array_of(">i8")), ("value", _array_of(">f8"))])
_SEGMENT = np.dtype(
    [("n", ">i2"), ("l0", ">i4"), ("block", ">i4"), ("l1", ">i4"), ("day", ">i4"), ("l2", ">i4"), ("receipt", ">i4"),
     ("l3", ">i4"), ("begin", ">i8"), ("l4", ">i4"), ("readings", ">i4"), ("l5", ">i4"), ("quality", ">i2"),
     ("l6", ">i4"), ("flag", ">i2")]
)  # fmt: skip
_PLACE = [
    ("n", ">i2"), ("l0", ">i4"), ("block", ">i4"), ("l1", ">i4"), ("place", ">i4"), ("l2", ">i4"), ("ms", ">i8"),
    ("l3", ">i4"), ("value", ">f8"),
]  # fmt: skip
_KNOWN_PLACE = np.dtype([*_PLACE, ("l4", ">i4"), ("qmax", ">f4")])
_NEW_PLACES = np.dtype([("n", ">i2"), ("l0", ">i4"), ("block", ">i4")])
SEGMENT_COLUMNS = "block, day, receipt_id, begin_ms, readings, quality, flag, value, places, at, qualities, flags"


@dataclass(frozen=True)
class Blocks:
    """Newest counters by block and place: numbers rising, `ms` and `value` of (blocks, 64), the least largest flow.

    Not `whole` where only the places asked for are filled in.
    """

    block: NDArray[np.int64]
    ms: NDArray[np.int64]
    value: NDArray[np.float64]
    qmax_least: NDArray[np.float64]
    whole: bool = True


@dataclass(frozen=True)
class Segments:
    """Readings sorted by block, day, place and time; `starts` says where those of a new block and day begin."""

    receipt_id: int
    starts: NDArray[np.int64]
    meter_id: NDArray[np.int64]
    ts_ms: NDArray[np.int64]
    value: NDArray[np.float64]
    quality: NDArray[np.int64]
    flag: NDArray[np.int64]


def rows_of(body: bytes, form: np.dtype[Any]) -> NDArray[Any]:
    """Return a COPY BINARY stream of rows of one size as a structured array."""
    return np.frombuffer(body, form, offset=len(HEAD), count=(len(body) - len(HEAD) - len(TAIL)) // form.itemsize)


def copied_out(cursor: Any, query: str, form: np.dtype[Any]) -> NDArray[Any]:
    """Return what a query gives, every row of the same size and without empty fields."""
    sink = io.BytesIO()
    cursor.copy_expert(f"copy ({query}) to stdout (format binary)", sink)
    return rows_of(sink.getvalue(), form)


def int_array(numbers: NDArray[Any]) -> str:
    """Return whole numbers as a literal."""
    return "'{" + ",".join(map(str, numbers.tolist())) + "}'"


def blocks_from(cursor: Any, query: str) -> Blocks:
    """Return the blocks a query gives: block, ms, value, least largest flow (never empty)."""
    rows = copied_out(cursor, query, _KNOWN_BLOCK)
    return Blocks(
        rows["block"].astype(np.int64),
        rows["ms"]["of"]["v"].astype(np.int64),
        rows["value"]["of"]["v"].astype(np.float64),
        rows["qmax"].astype(np.float64),
    )


def places_from(cursor: Any, query: str) -> Blocks:
    """Return single places a query gives: block, place, ms, value, least largest flow, in order of blocks."""
    rows = copied_out(cursor, query, _KNOWN_PLACE)
    numbers, first, of = np.unique(rows["block"].astype(np.int64), return_index=True, return_inverse=True)
    ms, value = np.zeros((numbers.size, BLOCK), np.int64), np.zeros((numbers.size, BLOCK), np.float64)
    at = (of, rows["place"].astype(np.int64))
    ms[at], value[at] = rows["ms"], rows["value"]
    return Blocks(numbers, ms, value, rows["qmax"][first].astype(np.float64), whole=False)


def places_body(blocks: Blocks, at: NDArray[np.int64]) -> bytes:
    """Return places, rising and given as place in the blocks times 64 and place, as a stream of a row a block.

    Columns: block, places, ms, value; the last three are arrays of one length.
    """
    of, places = at // BLOCK, at % BLOCK
    starts = np.flatnonzero(np.append(True, of[1:] != of[:-1]))
    counts = np.diff(np.append(starts, at.size))
    columns: tuple[tuple[NDArray[Any], str, int], ...] = (
        (places, ">i2", _INT2),
        (blocks.ms[of, places], ">i8", _INT8),
        (blocks.value[of, places], ">f8", _FLOAT8),
    )
    sizes = [24 + counts * (4 + int(form[-1])) for _, form, _ in columns]
    ends = np.cumsum(_NEW_PLACES.itemsize + np.sum(sizes, axis=0))
    body, place = np.zeros(int(ends[-1]), np.uint8), np.append(0, ends[:-1])
    heads = np.zeros(starts.size, _NEW_PLACES)
    heads["n"], heads["l0"], heads["block"] = 4, 4, blocks.block[of[starts]]
    _write(body, place, heads)
    place = place + _NEW_PLACES.itemsize
    for column, taken in zip(columns, sizes, strict=True):
        _write(body, place, (taken - 4).astype(">i4"))
        _write_array(body, place + 4, column, (starts, counts))
        place = place + taken
    return HEAD + body.tobytes() + TAIL


def blocks_body(blocks: Blocks, which: NDArray[np.int64]) -> bytes:
    """Return some blocks as a stream of block, ms, value."""
    rows = np.zeros(which.size, _NEW_BLOCK)
    rows["n"], rows["l0"], rows["block"] = 3, 4, blocks.block[which]
    for name, kind, values in (("ms", _INT8, blocks.ms), ("value", _FLOAT8, blocks.value)):
        part = rows[name]
        part["l"] = 20 + BLOCK * 12
        part["head"]["dims"], part["head"]["type"] = 1, kind
        part["head"]["size"], part["head"]["low"] = BLOCK, 1
        part["of"]["l"], part["of"]["v"] = 8, values[which]
    return HEAD + rows.tobytes() + TAIL


def segments_body(given: Segments) -> bytes:
    """Return readings as a stream of SEGMENT_COLUMNS, one row a block and day."""
    starts, size = given.starts, given.meter_id.size
    counts = np.diff(np.append(starts, size))
    begin = np.minimum.reduceat(given.ts_ms, starts)
    at, places = given.ts_ms - np.repeat(begin, counts), given.meter_id % BLOCK
    in_order = places == np.arange(size) - np.repeat(starts, counts)
    columns = (
        (given.value, ">f8", _FLOAT8, np.ones(starts.size, bool)),
        (places, ">i2", _INT2, ~((counts == BLOCK) & np.logical_and.reduceat(in_order, starts))),
        (at, ">i4", _INT4, np.maximum.reduceat(at, starts) > 0),
        (given.quality, ">i2", _INT2, _differ(given.quality, starts, counts)),
        (given.flag, ">i2", _INT2, _differ(given.flag, starts, counts)),
    )
    sizes = [4 + there * (20 + counts * (4 + int(form[-1]))) for _, form, _, there in columns]
    ends = np.cumsum(_SEGMENT.itemsize + np.sum(sizes, axis=0))
    body = np.zeros(int(ends[-1]), np.uint8)
    place = np.append(0, ends[:-1])
    _write(body, place, _heads(given, counts, begin))
    place = place + _SEGMENT.itemsize
    for (values, form, kind, there), taken in zip(columns, sizes, strict=True):
        _write(body, place, np.where(there, taken - 4, -1).astype(">i4"))
        _write_array(body, place[there] + 4, (values, form, kind), (starts[there], counts[there]))
        place = place + taken
    return HEAD + body.tobytes() + TAIL


def _differ(values: NDArray[np.int64], starts: NDArray[np.int64], counts: NDArray[np.int64]) -> NDArray[np.bool_]:
    differs: NDArray[np.bool_] = np.logical_or.reduceat(values != np.repeat(values[starts], counts), starts)
    return differs


def _heads(given: Segments, counts: NDArray[np.int64], begin: NDArray[np.int64]) -> NDArray[Any]:
    heads, starts = np.zeros(counts.size, _SEGMENT), given.starts
    heads["n"] = len(SEGMENT_COLUMNS.split(","))
    for name, length in (("l0", 4), ("l1", 4), ("l2", 4), ("l3", 8), ("l4", 4), ("l5", 2), ("l6", 2)):
        heads[name] = length
    heads["block"], heads["day"] = given.meter_id[starts] // BLOCK, given.ts_ms[starts] // DAY_MS - _PG_EPOCH_DAY
    heads["receipt"], heads["begin"], heads["readings"] = given.receipt_id, begin, counts
    heads["quality"], heads["flag"] = given.quality[starts], given.flag[starts]
    return heads


def _write_array(
    body: NDArray[np.uint8],
    place: NDArray[np.int64],
    column: tuple[NDArray[Any], str, int],
    parts: tuple[NDArray[np.int64], NDArray[np.int64]],
) -> None:
    (values, form, kind), (starts, counts) = column, parts
    heads = np.zeros(place.size, _ARRAY_HEAD)
    heads["dims"], heads["type"], heads["size"], heads["low"] = 1, kind, counts, 1
    _write(body, place, heads)
    within = np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts)
    cells = np.zeros(within.size, [("l", ">i4"), ("v", form)])
    cells["l"], cells["v"] = int(form[-1]), values[np.repeat(starts, counts) + within]
    _write(body, np.repeat(place + _ARRAY_HEAD.itemsize, counts) + within * cells.itemsize, cells)


def _write(body: NDArray[np.uint8], place: NDArray[np.int64], rows: NDArray[Any]) -> None:
    """Lay rows of one size into the stream, each at its place."""
    if rows.size:
        body[place[:, None] + np.arange(rows.itemsize)] = rows.view(np.uint8).reshape(rows.size, rows.itemsize)
