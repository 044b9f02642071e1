"""Tables of a delivery: grids whose columns are known fields, with titles, repeated headers and totals set aside."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.crs import CoordinateSystem
from ingestion_adapters.files.fields import Column, best_kind, plain_word, specs, words_of
from ingestion_adapters.files.findings import Finding, Where, say
from ingestion_adapters.files.raw import Cell, Grid
from ingestion_adapters.files.values import is_blank, text_of

_HEADER_SEARCH_ROWS = 15
_TOTALS = frozenset({"合计", "总计", "小计", "total"})
_SHOWN = 12


@dataclass
class Table:
    """Rows of one kind. `columns` are fields, `extra` the columns nobody knows, kept beside the record."""

    file: str
    kind: str
    columns: list[Column]
    rows: list[list[Cell]]
    numbers: list[int]
    headers: list[str]
    extra: list[tuple[str, int]] = field(default_factory=list)
    shapes: NDArray[np.object_] | None = None
    stated_crs: str = ""
    formulas: frozenset[tuple[int, int]] = frozenset()
    chord: bool = False
    refused: bool = False
    system: CoordinateSystem | None = None

    def column(self, name: str) -> Column | None:
        """Return the column of a field, or None."""
        return next((column for column in self.columns if column.spec.field == name), None)

    def raw(self, index: int) -> str:
        """Return a row as it was sent."""
        return ",".join("" if cell is None else str(cell) for cell in self.rows[index])[:500]


def table_from(grid: Grid, file: str) -> tuple[Table | None, list[Finding]]:
    """Return the table a grid holds and what was noticed; no table when no known header is found."""
    if grid.columns is None:
        return _from_cells(grid, file)
    kind, columns = best_kind(grid.columns, cut=True)
    if not kind:
        return None, [say("header_missing", Where(file), {"value": "、".join(grid.columns[:_SHOWN])[:200]})]
    table = Table(file, kind, columns, grid.rows, grid.numbers, grid.columns, stated_crs=grid.crs)
    if grid.wkb is not None:
        table.shapes = shapes_from(grid.wkb)
    found = _judge_columns(table, 0)
    if grid.has_z:
        found.append(say("z_dropped", Where(file)))
    return table, found


def shapes_from(wkb: list[bytes | None]) -> NDArray[np.object_]:
    """Return plane geometries; None where the bytes are no geometry."""
    shapes = shapely.from_wkb(np.array([*wkb, None], object), on_invalid="ignore")[:-1]
    return np.asarray(shapely.force_2d(shapes), object)


def _from_cells(grid: Grid, file: str) -> tuple[Table | None, list[Finding]]:
    filled = [i for i, row in enumerate(grid.rows) if not all(is_blank(cell) for cell in row)]
    if not filled:
        return None, [say("file_empty", Where(file))]
    best: tuple[int, str, list[Column]] = (-1, "", [])
    for place in islice(filled, _HEADER_SEARCH_ROWS):
        kind, columns = best_kind(grid.rows[place])
        if kind and len(columns) > len(best[2]):
            best = (place, kind, columns)
    if best[0] < 0:
        return None, [_no_header(grid.rows[filled[0]], file)]
    return _cut_body(grid, file, best, filled)


def _no_header(row: list[Cell], file: str) -> Finding:
    seen = "、".join(str(cell) for cell in row if not is_blank(cell))[:200]
    for wrong, right in (("gb18030", "utf-8"), ("latin-1", "gb18030"), ("latin-1", "utf-8"), ("cp1252", "gb18030")):
        try:
            restored = [str(cell).encode(wrong).decode(right) for cell in row if not is_blank(cell)]
        except (UnicodeEncodeError, UnicodeDecodeError):
            continue
        if best_kind(restored)[0]:
            return say("encoding_wrong", Where(file, 1), {"value": seen[:60], "name": "、".join(restored)[:60]})
    return say("header_missing", Where(file, 1), {"value": seen})


def _cut_body(
    grid: Grid, file: str, head: tuple[int, str, list[Column]], filled: list[int]
) -> tuple[Table, list[Finding]]:
    place, kind, columns = head
    headers = ["" if cell is None else str(cell).strip() for cell in grid.rows[place]]
    found: list[Finding] = []
    titles = sum(i < place for i in filled)
    if titles:
        found.append(say("title_skipped", Where(file, grid.numbers[place]), {"count": titles}))
    keys = [plain_word(cell) for cell in headers]
    body: list[int] = []
    for i in filled:
        if i <= place:
            continue
        row = grid.rows[i]
        if [plain_word("" if cell is None else cell) for cell in row] == keys:
            found.append(say("header_repeated", Where(file, grid.numbers[i])))
        elif text_of(next(cell for cell in row if not is_blank(cell))) in _TOTALS:
            found.append(say("total_skipped", Where(file, grid.numbers[i], raw=str(row)[:200])))
        else:
            body.append(i)
    rows, numbers = [grid.rows[i] for i in body], [grid.numbers[i] for i in body]
    table = Table(file, kind, columns, rows, numbers, headers, formulas=frozenset(grid.formulas))
    return table, [*found, *_judge_columns(table, grid.numbers[place])]


def _judge_columns(table: Table, head: int) -> list[Finding]:
    """Return what is wrong with the header; a table without its mandatory columns is refused."""
    found: list[Finding] = []
    seen: dict[str, Column] = {}
    for column in list(table.columns):
        where = Where(table.file, head, field=column.header)
        if column.cut:
            found.append(say("column_cut", where, {"name": column.header, "value": column.cut}))
        if column.bad_unit:
            found.append(say("column_unit", where, {"name": column.header, "unit": column.bad_unit}))
            table.refused = True
        other = seen.setdefault(column.spec.field, column)
        if other is not column:
            found.append(say("column_double", where, {"name": column.header, "other": other.header}))
            table.refused = table.refused or column.spec.must
            table.columns.remove(column)
    for spec in specs()[table.kind]:
        placed = table.shapes is not None and spec.field in ("x", "y")
        if spec.must and spec.field not in seen and not placed:
            name = words_of(table.kind, spec.field)
            found.append(say("column_missing", Where(table.file, head, field=name), {"name": name}))
            table.refused = True
    table.extra = _unknown_columns(table)
    if table.extra:
        names = "、".join(name for name, _ in table.extra[:_SHOWN])
        found.append(say("column_unknown", Where(table.file, head), {"name": names}))
    if table.column("status") is None and any(spec.field == "status" for spec in specs()[table.kind]):
        facts = {"name": words_of(table.kind, "status"), "value": "在用" if table.kind != "user" else "正常"}
        found.append(say("column_default", Where(table.file, head), facts))
    return found


def _unknown_columns(table: Table) -> list[tuple[str, int]]:
    known = {column.index for column in table.columns}
    return [(name, i) for i, name in enumerate(table.headers) if name and i not in known]
