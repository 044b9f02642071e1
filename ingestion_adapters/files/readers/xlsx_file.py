"""XLSX workbooks: the archive and its XML are looked at first, then the visible sheets are read as values."""

from __future__ import annotations

import re
import zipfile
from datetime import date, datetime, time, timedelta
from pathlib import Path

from python_calamine import CalamineWorkbook, SheetVisibleEnum

from ingestion_adapters.files.raw import MAX_ROWS, Cell, Grid, Note, Refused, Reply
from ingestion_adapters.files.readers.zips import open_checked, read_member

_MAX_MEMBERS = 200
_MAX_CELLS = 5_000_000
_CELL = re.compile(rb'<(?:\w+:)?c\b[^>]*?\br="([A-Z]{1,3})(\d{1,7})"[^>]*>(\s*<(?:\w+:)?f[\s>/])?')


def read(path: Path) -> Reply:
    """Return one grid a visible sheet; raise Refused for macros, DOCTYPE, far cells and damaged archives."""
    with open_checked(path, _MAX_MEMBERS) as archive:
        formulas = _look_at_parts(archive)
    workbook = CalamineWorkbook.from_path(str(path))
    grids: list[Grid] = []
    notes: list[Note] = []
    for index, sheet in enumerate(workbook.sheets_metadata):
        if "Work" not in str(sheet.typ):
            continue
        if sheet.visible != SheetVisibleEnum.Visible:
            notes.append(Note("xlsx_hidden", facts={"name": sheet.name[:80]}))
            continue
        rows = workbook.get_sheet_by_index(index).to_python(skip_empty_area=False)
        if len(rows) > MAX_ROWS:
            raise Refused("file_rows", limit=MAX_ROWS)
        cells = [[_plain(cell) for cell in row] for row in rows]
        grids.append(Grid(sheet.name, cells, list(range(1, len(cells) + 1)), formulas=formulas.get(index, [])))
    return Reply(grids, notes)


def _look_at_parts(archive: zipfile.ZipFile) -> dict[int, list[tuple[int, int]]]:
    """Return the formula cells of each sheet by its place in the workbook."""
    names = {member.filename: member for member in archive.infolist()}
    if "xl/workbook.xml" not in names:
        raise Refused("file_damaged", reason="xl/workbook.xml")
    if any(name.casefold().endswith("vbaproject.bin") for name in names):
        raise Refused("xlsx_macro")
    order = _sheet_order(archive, names)
    formulas: dict[int, list[tuple[int, int]]] = {}
    for name, member in names.items():
        if not name.endswith((".xml", ".rels")):
            continue
        content = read_member(archive, member)
        if b"<!DOCTYPE" in content or b"<!ENTITY" in content:
            raise Refused("xlsx_doctype")
        if name in order:
            formulas[order[name]] = _formula_cells(content, name)
    return formulas


def _sheet_order(archive: zipfile.ZipFile, names: dict[str, zipfile.ZipInfo]) -> dict[str, int]:
    book = read_member(archive, names["xl/workbook.xml"])
    rels = names.get("xl/_rels/workbook.xml.rels")
    if rels is None:
        return {}
    targets: dict[bytes, str] = {}
    for tag in re.findall(rb"<(?:\w+:)?Relationship\b[^>]*>", read_member(archive, rels)):
        found, target = re.search(rb'\bId="([^"]*)"', tag), re.search(rb'\bTarget="([^"]*)"', tag)
        if found and target:
            part = target[1].decode("utf-8", "replace").lstrip("/")
            targets[found[1]] = part if part.startswith("xl/") else f"xl/{part}"
    ids = re.findall(rb'<(?:\w+:)?sheet\b[^>]*?\br:id="([^"]*)"', book)
    return {targets[key]: place for place, key in enumerate(ids) if key in targets}


def _formula_cells(content: bytes, name: str) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    count, last_row, last_column = 0, 0, 0
    for match in _CELL.finditer(content):
        row, column = int(match[2]), _column_number(match[1])
        count, last_row, last_column = count + 1, max(last_row, row), max(last_column, column)
        if match[3] and len(found) < MAX_ROWS:
            found.append((row, column - 1))
    if last_row * last_column > max(_MAX_CELLS, 20 * count):
        raise Refused("xlsx_far", name=name.rsplit("/", 1)[-1], cell=f"R{last_row}C{last_column}")
    return found


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


def _plain(cell: object) -> Cell:
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == time() else cell.isoformat(sep=" ")
    if isinstance(cell, date | time):
        return cell.isoformat()
    if isinstance(cell, timedelta):
        return str(cell)
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15:
        return int(cell)
    if isinstance(cell, str):
        return None if cell == "" else cell
    return cell if isinstance(cell, int | float | bool) else None
