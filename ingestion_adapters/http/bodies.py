"""Bodies: bounded inflation, then JSON, NDJSON, CSV or columns into rows; whatever is malformed is refused whole."""

from __future__ import annotations

import csv
import io
import zlib
from operator import attrgetter
from typing import Annotated, Any, Literal

import msgspec
import numpy as np
import orjson
import zstandard
from msgspec import UNSET, Meta, UnsetType
from numpy.typing import NDArray

from ingestion_adapters.checks import clean_text
from ingestion_adapters.intake import Rows
from ingestion_adapters.store_readings import FLAGS, RawReadings
from portal.core.errors import PortalError

JSON, NDJSON, CSV = "application/json", "application/x-ndjson", "text/csv"
CONTENT_TYPES = (JSON, NDJSON, CSV)
BODY_BYTES = 10 * 1024 * 1024
INFLATED_BYTES = 40 * 1024 * 1024
ROWS = 200_000
VALUES = 5_000_000
CSV_COLUMNS = 200
ZSTD_WINDOW_BYTES = 8 * 1024 * 1024
_ZSTD_STEP = 512
_COUNTED_FROM_BYTES = 4 * 1024 * 1024
# What a sign makes of memory once parsed, in values of some 56 bytes: an object weighs four, a list two.
_WEIGHTS = {JSON: {b"{": 4, b"[": 2, b",": 1}, CSV: {b",": 1, b"\n": 1, b"\r": 1}}
_WEIGHTS[NDJSON] = _WEIGHTS[JSON] | {b"\n": 1, b"\r": 1}
_BOM = b"\xef\xbb\xbf"

_Ms = Annotated[int, Meta(ge=0, le=10**13)]
_Quality = Annotated[int, Meta(ge=0, le=255)]


class Refused(PortalError):
    """A batch that is refused whole, with the status to answer."""

    def __init__(self, status: int, code: str, reason: str, **facts: Any) -> None:
        """Keep status and code; `reason` is a key of the sentences."""
        super().__init__(code, **facts)
        self.status, self.reason = status, reason


class _FastReading(msgspec.Struct, forbid_unknown_fields=True):
    point: str
    t: str | _Ms
    v: float
    q: _Quality = 192
    f: Literal["N", "B", "M", "E", "R"] = "N"


class _FastBody(msgspec.Struct, forbid_unknown_fields=True):
    records: list[_FastReading] | UnsetType = UNSET
    points: list[str] | UnsetType = UNSET
    p: list[int] | UnsetType = UNSET
    t: list[_Ms] | UnsetType = UNSET
    v: list[float] | UnsetType = UNSET
    q: list[_Quality] | UnsetType = UNSET


_POINT, _T, _V, _Q, _F = map(attrgetter, ("point", "t", "v", "q", "f"))
_fast_body = msgspec.json.Decoder(_FastBody)
_numbers = msgspec.json.Decoder(list[float])
_qualities = msgspec.json.Decoder(list[_Quality])
_fast_line = msgspec.json.Decoder(_FastReading)


def inflated(body: bytes, encoding: str) -> bytes:
    """Return the body without its content encoding; a bomb or a torn stream is refused."""
    if encoding in ("", "identity"):
        return body
    try:
        if encoding in ("gzip", "x-gzip"):
            return _gunzip(body)
        if encoding == "zstd":
            return _unzstd(body)
    except (zlib.error, zstandard.ZstdError) as broken:
        raise Refused(400, "E_SCHEMA", "bad_encoding") from broken
    raise Refused(415, "E_SCHEMA", "unknown_encoding")


def _gunzip(body: bytes) -> bytes:
    parts: list[bytes] = []
    room, rest = INFLATED_BYTES, body
    while rest:
        machine = zlib.decompressobj(wbits=31)
        part = machine.decompress(rest, room + 1)
        room -= len(part)
        if room < 0:
            raise Refused(413, "E_QUOTA", "too_large_inflated", limit_mb=INFLATED_BYTES >> 20)
        parts.append(part)
        if not machine.eof:
            raise Refused(400, "E_SCHEMA", "bad_encoding")
        rest = machine.unused_data
    if not parts:
        raise Refused(400, "E_SCHEMA", "bad_encoding")
    return b"".join(parts)


def _unzstd(body: bytes) -> bytes:
    """Inflate in small steps, so that a bomb is stopped before it grows."""
    source = zstandard.ZstdDecompressor(max_window_size=ZSTD_WINDOW_BYTES)
    parts: list[bytes] = []
    room, place = INFLATED_BYTES, 0
    machine = source.decompressobj()
    while place < len(body):
        part = machine.decompress(body[place : place + _ZSTD_STEP])
        place = min(place + _ZSTD_STEP, len(body))
        room -= len(part)
        if room < 0:
            raise Refused(413, "E_QUOTA", "too_large_inflated", limit_mb=INFLATED_BYTES >> 20)
        parts.append(part)
        if machine.eof and place - len(machine.unused_data) < len(body):
            place -= len(machine.unused_data)
            machine = source.decompressobj()
    if not machine.eof:
        raise Refused(400, "E_SCHEMA", "bad_encoding")
    return b"".join(parts)


def payload_of(dataset: str, content_type: str, body: bytes) -> Rows | RawReadings:
    """Return the rows of a body; raise Refused when it cannot be read at all."""
    text = body.removeprefix(_BOM)
    bound_values(text, content_type)
    if content_type == JSON:
        payload = (_fast_json(text) if dataset == "RT" else None) or _json(text, dataset)
    elif content_type == NDJSON:
        payload = (_fast_lines(text) if dataset == "RT" else None) or _ndjson(text)
    elif content_type == CSV:
        payload = (_fast_csv(text) if dataset == "RT" else None) or _csv(text)
    else:
        raise Refused(415, "E_SCHEMA", "unknown_type")
    size = payload.rows if isinstance(payload, RawReadings) else len(payload.rows)
    if size > ROWS:
        raise Refused(413, "E_QUOTA", "too_many_rows", limit=ROWS)
    return payload


def bound_values(text: bytes, content_type: str) -> None:
    """Refuse a text that would take many times its size once it is parsed, such as millions of empty objects."""
    if content_type == CSV and text.count(b",", 0, max(text.find(b"\n"), 0)) >= CSV_COLUMNS:
        raise Refused(400, "E_SCHEMA", "bad_csv")
    if len(text) <= _COUNTED_FROM_BYTES:
        return
    # Twice as many: a line may be blank, a cell may hold a line break.
    if content_type in (CSV, NDJSON) and text.count(b"\n") > 2 * ROWS:
        raise Refused(413, "E_QUOTA", "too_many_rows", limit=ROWS)
    weights = _WEIGHTS.get(content_type, {})
    if sum(weight * text.count(sign) for sign, weight in weights.items()) > VALUES:
        raise Refused(413, "E_QUOTA", "too_many_values", limit=VALUES)


def _fast_json(text: bytes) -> RawReadings | None:
    try:
        body = _fast_body.decode(text)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return None
    columns = (body.points, body.p, body.t, body.v)
    if body.records is not UNSET and all(column is UNSET for column in (*columns, body.q)):
        return _raw_of(body.records)
    if body.records is UNSET and all(column is not UNSET for column in columns):
        return _raw_of_columns(body)
    return None


def _fast_lines(text: bytes) -> RawReadings | None:
    try:
        return _raw_of(_fast_line.decode_lines(text))
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return None


def _raw_of(rows: list[_FastReading]) -> RawReadings:
    size = len(rows)
    return RawReadings(
        points=list(map(_POINT, rows)),
        which=np.arange(size),
        t=list(map(_T, rows)),
        v=np.array(list(map(_V, rows)), float),
        q=np.array(list(map(_Q, rows)), np.int64),
        f=_flags(list(map(_F, rows))),
        numbers=np.arange(size),
    )


def _flags(letters: list[str]) -> NDArray[np.int16]:
    """Return flags as codes; nearly every reading is native."""
    if letters.count("N") == len(letters):
        return np.zeros(len(letters), np.int16)
    return np.array([FLAGS[letter] for letter in letters], np.int16)


def _raw_of_columns(body: _FastBody) -> RawReadings | None:
    points, p, t, v = body.points, body.p, body.t, body.v
    if (
        isinstance(points, UnsetType)
        or isinstance(p, UnsetType)
        or isinstance(t, UnsetType)
        or isinstance(v, UnsetType)
    ):
        return None
    q = [192] * len(p) if isinstance(body.q, UnsetType) else body.q
    if not len(p) == len(t) == len(v) == len(q):
        raise Refused(400, "E_SCHEMA", "columns_differ")
    if p and not 0 <= min(p) <= max(p) < len(points):
        raise Refused(400, "E_SCHEMA", "columns_index")
    size = len(p)
    return RawReadings(
        points,
        np.array(p, np.int64),
        np.array(t, np.int64),
        np.array(v, float),
        np.array(q, np.int64),
        np.zeros(size, np.int16),
        np.arange(size),
    )


def _loaded(text: bytes) -> Any:
    try:
        return orjson.loads(text)
    except (orjson.JSONDecodeError, RecursionError) as broken:
        raise Refused(400, "E_SCHEMA", "bad_json", where=clean_text(str(broken), 120)) from broken


def _json(text: bytes, dataset: str) -> Rows:
    found = _loaded(text)
    if dataset == "RT" and isinstance(found, dict) and "points" in found:
        return _rows_of_columns(found)
    if not isinstance(found, dict) or set(found) != {"records"} or not isinstance(found["records"], list):
        raise Refused(400, "E_SCHEMA", "no_records")
    return Rows(found["records"])


def _rows_of_columns(found: dict[str, Any]) -> Rows:
    """Return columns that hold something odd as rows, so that each row gets its own judgement."""
    if not set(found) <= {"points", "p", "t", "v", "q"}:
        raise Refused(400, "E_SCHEMA", "no_records")
    points, p, t, v = (found.get(name) for name in ("points", "p", "t", "v"))
    if not (isinstance(points, list) and isinstance(p, list) and isinstance(t, list) and isinstance(v, list)):
        raise Refused(400, "E_SCHEMA", "no_records")
    q = found.get("q", [192] * len(p))
    if not isinstance(q, list) or not len(p) == len(t) == len(v) == len(q):
        raise Refused(400, "E_SCHEMA", "columns_differ")
    if not all(type(index) is int and 0 <= index < len(points) for index in p):
        raise Refused(400, "E_SCHEMA", "columns_index")
    rows = [
        {"point": points[index], "t": at, "v": value, "q": quality}
        for index, at, value, quality in zip(p, t, v, q, strict=True)
    ]
    return Rows(rows)


def _ndjson(text: bytes) -> Rows:
    return Rows([_loaded(line) for line in text.splitlines() if line.strip()])


def _fast_csv(text: bytes) -> RawReadings | None:
    """Return CSV readings as columns, None when anything in it asks for a judgement row by row."""
    if not text.isascii() or b'"' in text or b"\x00" in text or b"\r\r" in text:
        return None
    lines = text.decode("ascii").split()
    if not lines:
        return None
    names, fields = lines[0].split(","), len(lines[0].split(","))
    if len(set(names)) != fields or not {"point", "t", "v"} <= set(names) <= {"point", "t", "v", "q", "f"}:
        return None
    cells = ",".join(lines[1:]).split(",")
    if b" " in text or b"\t" in text or len(lines) < 2 or len(cells) != fields * (len(lines) - 1):
        return None
    columns = {name: cells[place::fields] for place, name in enumerate(names)}
    if not all(line.count(",") == fields - 1 for line in lines):
        return None
    return _raw_of_texts(columns, len(lines) - 1)


def _raw_of_texts(columns: dict[str, list[str]], size: int) -> RawReadings | None:
    letters = columns.get("f", ["N"] * size)
    if not set(letters) <= set(FLAGS) or not all(columns["point"]) or not all(columns["t"]):
        return None
    try:  # the grammar of numbers is that of JSON, as it is when rows are judged one by one
        value = _numbers.decode("[" + ",".join(columns["v"]) + "]")
        quality = _qualities.decode("[" + ",".join(columns["q"]) + "]") if "q" in columns else [192] * size
    except msgspec.MsgspecError:
        return None
    numbers = np.arange(size)
    return RawReadings(
        columns["point"],
        numbers,
        columns["t"],
        np.array(value, float),
        np.array(quality, np.int64),
        _flags(letters),
        numbers,
    )


def _csv(text: bytes) -> Rows:
    try:
        words = text.decode("utf-8")
    except UnicodeDecodeError as wrong:
        raise Refused(400, "E_SCHEMA", "not_utf8") from wrong
    if "\x00" in words:
        raise Refused(400, "E_SCHEMA", "bad_csv")
    try:
        reader = csv.DictReader(io.StringIO(words, newline=""), restkey="(surplus)", strict=True)
        names = reader.fieldnames or []
        if not names or len(names) > CSV_COLUMNS or len(set(names)) != len(names):
            raise Refused(400, "E_SCHEMA", "bad_csv")
        if len(names) * (text.count(b"\n") + text.count(b"\r")) > VALUES:  # short rows are filled up
            raise Refused(413, "E_QUOTA", "too_many_values", limit=VALUES)
        return Rows(list(reader), lax=True)
    except csv.Error as broken:
        raise Refused(400, "E_SCHEMA", "bad_csv") from broken
