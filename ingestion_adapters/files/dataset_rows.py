"""Files of datasets that come row by row: JSON as at the adapter API, tables and layers as rows of text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from sqlalchemy.orm import Session

from gis.crs import CoordinateSystem, UnusableCrs, crs_from_wkt, parse_crs, storage_from
from ingestion_adapters.deliveries import Rows
from ingestion_adapters.files.findings import Finding, Where, say
from ingestion_adapters.files.headings import HEADER_SEARCH_ROWS, SURPLUS, header_place, names_of
from ingestion_adapters.files.raw import Cell, Grid, Note
from ingestion_adapters.files.readers.text import decode
from ingestion_adapters.files.sandbox import read_file
from ingestion_adapters.http.bodies import CSV_COLUMNS, INFLATED_BYTES, JSON, NDJSON, ROWS, Refused, payload_of
from ingestion_adapters.mapping.queries import spoken_by
from ingestion_adapters.store_readings import RawReadings

JSON_SUFFIXES = {".json": JSON, ".ndjson": NDJSON, ".jsonl": NDJSON}
TABLE_SUFFIXES = (".csv", ".txt", ".tsv", ".xlsx", ".geojson", ".gpkg", ".zip")

_DIGITS = 9
_SNIFFED = 64 * 1024


@dataclass
class FileRows:
    """The rows of a file; `lines` are their numbers as a person counts in it, empty for JSON."""

    payload: Rows | RawReadings
    lines: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class Told:
    """What is known of a file beside its bytes: dataset, declared system, and the sender's own field names if any."""

    dataset: str
    crs: str | None = None
    own: frozenset[str] | None = None
    name: str = ""


def own_words(session: Session, enterprise_id: int, dataset: str) -> frozenset[str] | None:
    """Return the field names of an enterprise that has a mapping for a dataset, None when it uses ours."""
    spoken = spoken_by(session, enterprise_id, dataset)
    if spoken is None:
        return None
    readers = [*spoken.translation.common, *(each for kind in spoken.translation.types.values() for each in kind)]
    return frozenset(source for reader in readers for source in (reader.theirs, *reader.sources))


def rows_of_file(path: Path, told: Told) -> FileRows:
    """Return the rows a file holds for a dataset; raise Refused when it cannot be read at all."""
    told, dataset = replace(told, name=path.name), told.dataset
    suffix = path.suffix.casefold()
    if suffix in JSON_SUFFIXES and not _is_geojson(path, suffix):
        return FileRows(payload_of(dataset, JSON_SUFFIXES[suffix], _text(path)))
    reply = read_file(path)
    for note in reply.notes:
        found = say(note.key, _where(note, path.name), note.facts)
        if found.severity == "error":
            raise _refused(found)
    rows: list[dict[str, Any]] = []
    lines: list[int] = []
    headed = 0
    for grid in reply.grids:
        headed += _add_grid(grid, told, rows, lines)
    if not headed and reply.grids and reply.grids[0].columns is None:
        # Headings all unknown: the rows say so one by one, as at the adapter API, or a mapping knows them.
        first = _first_row_as_header(reply.grids[0])
        headed += bool(first.columns) and _add_grid(first, told, rows, lines)
    if not headed:
        raise _refused(say("header_missing", Where(path.name), {"value": ""}))
    if len(rows) > ROWS:
        raise Refused(413, "E_QUOTA", "too_many_rows", limit=ROWS)
    return FileRows(Rows(rows, lax=True), lines)


def comes_by_rows(path: Path, dataset: str) -> bool:
    """Return whether a file is taken row by row; a network in tables or layers is judged as a whole instead."""
    suffix = path.suffix.casefold()
    return dataset != "NET" or (suffix in JSON_SUFFIXES and not _is_geojson(path, suffix))


def _is_geojson(path: Path, suffix: str) -> bool:
    with path.open("rb") as file:
        return suffix == ".json" and b"FeatureCollection" in file.read(_SNIFFED)


def _where(note: Note, name: str) -> Where:
    return Where(name, note.row, field=note.field, raw=note.raw)


def _refused(found: Finding) -> Refused:
    return Refused(400, found.code, "file_refused", zh=found.message_zh, en=found.message_en)


def _text(path: Path) -> bytes:
    if path.stat().st_size > INFLATED_BYTES:
        raise Refused(413, "E_QUOTA", "too_large", limit_mb=INFLATED_BYTES >> 20)
    raw = path.read_bytes()
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        decoded = decode(raw)
        if decoded.broken:
            raise Refused(400, "E_SCHEMA", "not_utf8") from None
        return "".join(decoded.lines).encode("utf-8")
    return raw


def _add_grid(grid: Grid, told: Told, rows: list[dict[str, Any]], lines: list[int]) -> bool:
    """Add a table's rows; return whether it had a header of the dataset."""
    body, numbers, headings = grid.rows, grid.numbers, grid.columns
    if max(len(headings or ()), *map(len, grid.rows[:HEADER_SEARCH_ROWS]), 0) > CSV_COLUMNS:
        raise Refused(400, "E_SCHEMA", "bad_csv")
    if headings is None:
        place = header_place(grid.rows, told.dataset, told.own)
        if place is None:
            return False
        headings = ["" if cell is None else str(cell) for cell in grid.rows[place]]
        body, numbers = grid.rows[place + 1 :], grid.numbers[place + 1 :]
    elif grid.wkb is None and not grid.layer and not any(headings):
        return False
    names = names_of(headings, told.dataset, told.own)
    doubled = {each for each, times in Counter(names).items() if each and times > 1}
    if doubled:
        facts = {"name": sorted(doubled)[0], "other": sorted(doubled)[0]}
        raise _refused(say("column_double", Where(told.name), facts))
    places = _places(grid, told.crs)
    for index, (row, number) in enumerate(zip(body, numbers, strict=True)):
        made = _row(row, names)
        if made or places is not None:
            rows.append(made | (places[index] if places is not None else {}))
            lines.append(number)
    return True


def _first_row_as_header(grid: Grid) -> Grid:
    filled = [place for place, row in enumerate(grid.rows) if any(cell not in (None, "") for cell in row)]
    if not filled:
        return Grid(grid.layer, [], [], columns=[])
    head = filled[0]
    columns = ["" if cell is None else str(cell).strip() for cell in grid.rows[head]]
    return Grid(grid.layer, grid.rows[head + 1 :], grid.numbers[head + 1 :], columns=columns)


def _row(row: Sequence[Cell], names: Sequence[str]) -> dict[str, Any]:
    made = {name or SURPLUS: _cell(cell) for name, cell in zip(names, row, strict=False) if cell not in (None, "")}
    extra = [_cell(cell) for cell in row[len(names) :] if cell not in (None, "")]
    return made | ({SURPLUS: ",".join(extra)} if extra else {})


def _cell(cell: Cell) -> str:
    if isinstance(cell, bool):
        return "true" if cell else "false"
    return repr(cell) if isinstance(cell, float) else str(cell)


def _places(grid: Grid, crs: str | None) -> list[dict[str, Any]] | None:
    """Return lon and lat, or the line, of each feature in CGCS2000 degrees; None for a table without geometry."""
    if grid.wkb is None or not any(grid.wkb):
        return None
    system = _system(grid, crs)
    found: list[dict[str, Any]] = []
    for raw in grid.wkb:
        shape = None if raw is None else shapely.from_wkb(raw, on_invalid="ignore")
        if shape is None or shape.is_empty:
            found.append({})
            continue
        plain = shape.geom_type in ("Point", "LineString")
        x, y = (shapely.get_coordinates(shape) if plain else np.empty((0, 2))).T
        lon, lat = storage_from(x, y, system)
        pairs = [[round(float(a), _DIGITS), round(float(b), _DIGITS)] for a, b in zip(lon, lat, strict=True)]
        if shape.geom_type == "Point":
            found.append({"lon": repr(pairs[0][0]), "lat": repr(pairs[0][1])})
        else:
            found.append({"geom": {"type": "LineString", "coordinates": pairs}})
    return found


def _system(grid: Grid, crs: str | None) -> CoordinateSystem:
    words = grid.crs.strip() or (crs or "").strip()
    if not words:
        raise Refused(422, "E_CRS", "crs_must_be_given")
    try:
        return crs_from_wkt(words) if "[" in words else parse_crs(words)
    except UnusableCrs as wrong:
        raise Refused(422, "E_CRS", "crs_must_be_given") from wrong
