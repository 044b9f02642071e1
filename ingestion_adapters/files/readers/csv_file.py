"""CSV and other delimited text: encoding and delimiter found, every record with its number."""

from __future__ import annotations

import csv
from itertools import islice
from pathlib import Path

from ingestion_adapters.files.raw import MAX_ROWS, Cell, Grid, Note, Refused, Reply
from ingestion_adapters.files.readers.text import Decoded, decode

_DELIMITERS = (",", "\t", ";", "|", "，")
_MAX_CELL = 20_000
_MAX_CONTROL = 0.05
_BINARY = {
    b"PK\x03\x04": "ZIP/XLSX",
    b"SQLite format 3": "SQLite/GeoPackage",
    b"%PDF": "PDF",
    b"\xd0\xcf\x11\xe0": "XLS/DOC",
    b"\x89PNG": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"\x7fELF": "ELF",
    b"MZ": "EXE",
    b"\x1f\x8b": "GZIP",
    b"Rar!": "RAR",
    b"7z\xbc\xaf": "7Z",
}


def read(path: Path) -> Reply:
    """Return one grid; raise Refused for an empty or binary file."""
    data = path.read_bytes()
    if not data.strip(b"\x00 \t\r\n\xef\xbb\xbf"):
        raise Refused("file_empty")
    for magic, name in _BINARY.items():
        if data.startswith(magic):
            raise Refused("file_binary", found=name)
    decoded = decode(data)
    if "utf-16" not in decoded.encoding and data.count(0) * 100 > len(data):
        raise Refused("file_binary", found="NUL")
    if _control_share(decoded.lines) > _MAX_CONTROL:
        raise Refused("file_binary", found="NUL")
    if len(decoded.broken) * 2 > len(decoded.lines):
        raise Refused("encoding_bad")
    return _parse(decoded)


def _control_share(lines: list[str]) -> float:
    text = "".join(islice(lines, 200))
    return sum(sign < " " and sign not in "\t\r\n\x00" for sign in text) / max(len(text), 1)


def _delimiter(lines: list[str]) -> str:
    head = [line for line in islice(lines, 20) if line.strip()]
    counts = {sign: sorted(line.count(sign) for line in head)[len(head) // 2] for sign in _DELIMITERS}
    best = max(counts, key=lambda sign: counts[sign])
    return best if counts[best] else ","


def _parse(decoded: Decoded) -> Reply:
    csv.field_size_limit(_MAX_CELL)
    rows: list[list[Cell]] = []
    numbers: list[int] = []
    notes = _encoding_notes(decoded)
    bad_lines = set(decoded.broken)
    reader = csv.reader(decoded.lines, delimiter=_delimiter(decoded.lines))
    number, line_before = 0, 0
    try:
        for number, record in enumerate(reader, start=1):
            if number > MAX_ROWS:
                raise Refused("file_rows", limit=MAX_ROWS)
            lines, line_before = range(line_before, reader.line_num), reader.line_num
            if bad_lines and not bad_lines.isdisjoint(lines):
                notes.append(Note("encoding_bad", row=number, raw=",".join(record)[:500]))
            if any("\x00" in cell for cell in record):
                notes.append(Note("nul_byte", row=number, raw=",".join(record).replace("\x00", "␀")[:500]))
                record = [cell.replace("\x00", "") for cell in record]
            rows.append(list(record))
            numbers.append(number)
    except csv.Error:
        notes.append(Note("quote_open", row=number + 1))
    return Reply([Grid("", rows, numbers)], notes)


def _encoding_notes(decoded: Decoded) -> list[Note]:
    name = decoded.encoding.upper().replace("-SIG", "")
    notes = [] if decoded.encoding == "ascii" else [Note("encoding_guess", facts={"name": name})]
    if decoded.others:
        other = "UTF-8" if name == "GB18030" else "GB18030"
        shown = "、".join(str(line + 1) for line in decoded.others[:5])
        notes.append(Note("encoding_mixed", facts={"name": other, "rows": shown}))
    return notes
