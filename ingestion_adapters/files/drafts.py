"""Drafts: rows of a delivery with typed values, each with what was found on it, on their way to become records."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from gis.network.rules import Limits
from ingestion_adapters.files import values as read
from ingestion_adapters.files.fields import Column, words_of
from ingestion_adapters.files.findings import Finding, Where, say
from ingestion_adapters.files.raw import Cell
from ingestion_adapters.files.tables import Table

_SOFT_WORDS = {"node_kind": 99}


@dataclass(eq=False)
class Draft:
    """One row on its way; `bad` rows stay in quarantine, `held` ones because of another row."""

    table: Table
    index: int
    code: str
    values: dict[str, Any] = field(default_factory=dict)
    bad: bool = False
    held: bool = False

    @property
    def row(self) -> int:
        """Return the row's number as a person counts it."""
        return self.table.numbers[self.index]

    @property
    def waits(self) -> bool:
        """Return whether the row stays in quarantine."""
        return self.bad or self.held

    def header(self, name: str) -> str:
        """Return the file's own word for a field."""
        column = self.table.column(name)
        return column.header if column else name


@dataclass
class Judging:
    """What is gathered while one delivery is judged."""

    limits: Limits
    today: date
    findings: list[Finding] = field(default_factory=list)

    def note(
        self, draft: Draft, key: str, name: str = "", facts: dict[str, Any] | None = None, *, rule: str = ""
    ) -> None:
        """Keep a finding on a row; an error sends the row to quarantine."""
        header = draft.header(name) if name else ""
        where = Where(draft.table.file, draft.row, draft.code, header, draft.table.raw(draft.index))
        finding = say(key, where, facts, rule=rule)
        draft.bad = draft.bad or finding.severity == "error"
        self.findings.append(finding)


def drafts_of(table: Table, judging: Judging) -> list[Draft]:
    """Return one draft a row, every cell read by its field's type."""
    key = table.columns[0]
    for column in table.columns:
        if column.spec.field in ("src_code", "user_no"):
            key = column
    found = []
    for index in range(len(table.rows)):
        cell = _cell(table, index, key)
        draft = Draft(table, index, "" if cell is None else read.text_of(cell)[:64])
        _check_width(draft, judging)
        for column in _reading_order(table.columns):
            _read_cell(draft, column, judging)
        found.append(draft)
    return found


def _reading_order(columns: list[Column]) -> Iterator[Column]:
    # A diameter can only be read when the material is known.
    yield from sorted(columns, key=lambda column: column.spec.type == "diameter")


def _cell(table: Table, index: int, column: Column) -> Cell:
    row = table.rows[index]
    return row[column.index] if column.index < len(row) else None


def _check_width(draft: Draft, judging: Judging) -> None:
    row, width = draft.table.rows[draft.index], len(draft.table.headers)
    if len(row) > width and not all(read.is_blank(cell) for cell in row[width:]):
        judging.note(draft, "row_long", facts={"count": len(row), "limit": width})
    elif len(row) < width:
        judging.note(draft, "row_short", facts={"count": len(row), "limit": width})
    for name, at in draft.table.extra:
        try:
            read.check_text(row[at] if at < len(row) else None)
        except read.Unreadable as error:
            where = Where(draft.table.file, draft.row, draft.code, name, draft.table.raw(draft.index))
            judging.findings.append(say(error.key, where, error.facts))
            draft.bad = True


def _read_cell(draft: Draft, column: Column, judging: Judging) -> None:
    cell, name, spec = _cell(draft.table, draft.index, column), column.spec.field, column.spec
    if (draft.row, column.index) in draft.table.formulas and not judging.limits.accept_formulas:
        judging.note(draft, "formula_cell", name)
        return
    if read.is_blank(cell):
        # A state that is asked for and left empty is unknown; taking it as "in service" would be a guess.
        if spec.must or name == "status":
            judging.note(draft, "empty_must", name)
        return
    try:
        read.check_text(cell)
        _read_typed(draft, column, cell, judging)
    except read.Unreadable as error:
        key, facts = error.key, error.facts
        if key == "word_unknown":
            soft = _SOFT_WORDS.get(facts["dict"])
            facts = {**facts, "dict": words_of(spec.kind, name), "dict_en": name}
            if soft is not None:
                draft.values[name], key = soft, "word_other"
        judging.note(draft, key, name, facts)


def _read_typed(draft: Draft, column: Column, cell: Cell, judging: Judging) -> None:
    name, kind = column.spec.field, column.spec.type
    if kind.startswith("dict:"):
        draft.values[name] = read.word(cell, kind.removeprefix("dict:"))
    elif kind == "code":
        draft.values[name] = read.code(cell)
    elif kind == "number":
        draft.values[name] = read.number(cell, column.factor)
    elif kind == "year":
        draft.values[name] = read.year(cell)
        if read.excel_serial(cell):
            judging.note(draft, "date_serial", name, {"value": cell, "read": read.day(cell)})
    elif kind == "date":
        draft.values[name] = read.day(cell)
    elif kind == "diameter":
        _read_diameter(draft, column, cell, judging)
    else:
        draft.values[name] = read.free_text(cell)


def _read_diameter(draft: Draft, column: Column, cell: Cell, judging: Judging) -> None:
    name = column.spec.field
    outside, wall, unlisted = read.diameter(cell, draft.values.get("material"), column.factor)
    if name == "dn_mm":
        draft.values[name] = read.nominal_size(outside, 11)
        return
    draft.values[name] = outside
    if wall is not None:
        draft.values.setdefault("wall_mm", wall)
    limits = judging.limits
    if unlisted and limits.od_min_mm <= outside <= limits.od_max_mm:
        judging.note(draft, "diameter_dn", name, {"value": cell})
