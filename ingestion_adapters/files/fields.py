"""Which column is which field: the words of Chinese and English headers, kept as data in `data/fields.csv`."""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_FILE = Path(__file__).with_name("data") / "fields.csv"
_UNIT = re.compile(r"[(\[（【]([^)\]）】]*)[)\]）】]\s*$")
_CUT_BYTES = (9, 10)
_FACTORS: dict[str, dict[str, float]] = {
    "m": {
        "m": 1,
        "米": 1,
        "mm": 0.001,
        "毫米": 0.001,
        "cm": 0.01,
        "厘米": 0.01,
        "km": 1000,
        "千米": 1000,
        "公里": 1000,
        "°": 1,
        "度": 1,
    },
    "mm": {"mm": 1, "毫米": 1, "cm": 10, "厘米": 10, "m": 1000, "米": 1000},
    "MPa": {"mpa": 1, "兆帕": 1, "kpa": 0.001, "千帕": 0.001, "pa": 1e-6, "帕": 1e-6, "bar": 0.1},
    "kPa": {"kpa": 1, "千帕": 1, "mpa": 1000, "兆帕": 1000, "pa": 0.001, "帕": 0.001, "bar": 100},
    "m³/h": {"m3/h": 1, "nm3/h": 1, "方/h": 1, "立方米/小时": 1},
}


@dataclass(frozen=True)
class FieldSpec:
    """One field of one kind of table: how its cells are read, its unit, and whether it must be there."""

    kind: str
    field: str
    type: str
    base: str
    must: bool
    words: frozenset[str]


@dataclass(frozen=True)
class Column:
    """A column of a file that is a field; `factor` turns its numbers into the field's unit."""

    spec: FieldSpec
    header: str
    index: int
    factor: float = 1.0
    bad_unit: str = ""
    cut: str = ""


def plain_word(text: object) -> str:
    """Return a header or word without width, case, spaces and separators."""
    folded = unicodedata.normalize("NFKC", str(text)).casefold()
    return re.sub(r"[\s_\-*:\ufeff]+", "", folded)


@cache
def specs() -> Mapping[str, tuple[FieldSpec, ...]]:
    """Return the fields of each kind of table."""
    found: dict[str, list[FieldSpec]] = {}
    with _FILE.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            words = frozenset(plain_word(word) for word in row["words"].split("|"))
            spec = FieldSpec(row["kind"], row["field"], row["type"], row["base"], row["need"] == "must", words)
            found.setdefault(spec.kind, []).append(spec)
    return {kind: tuple(fields) for kind, fields in found.items()}


def spec_of(kind: str, field: str) -> FieldSpec:
    """Return one field's spec; raise KeyError when the kind has no such field."""
    for spec in specs()[kind]:
        if spec.field == field:
            return spec
    raise KeyError(f"{kind}.{field}")


@cache
def words_of(kind: str, field: str) -> str:
    """Return the first Chinese word of a field, for sentences."""
    with _FILE.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            if (row["kind"], row["field"]) == (kind, field):
                return row["words"].split("|")[0]
    return field


def _split_unit(header: str) -> tuple[str, str]:
    text = unicodedata.normalize("NFKC", header).strip()
    found = _UNIT.search(text)
    return (text[: found.start()], found[1].strip()) if found else (text, "")


def _match(header: object, kind: str, *, cut: bool) -> Column | None:
    if header is None or not str(header).strip():
        return None
    text = str(header).strip()
    whole, (stem, unit) = plain_word(text), _split_unit(text)
    for spec in specs()[kind]:
        if whole in spec.words:
            return Column(spec, text, -1)
        if unit and plain_word(stem) in spec.words:
            return _with_unit(spec, text, unit)
    return _match_cut(text, kind) if cut else None


def _with_unit(spec: FieldSpec, header: str, unit: str) -> Column:
    factors = _FACTORS.get(spec.base)
    if factors is None:
        return Column(spec, header, -1)
    factor = factors.get(unit.casefold().replace("³", "3"))
    return Column(spec, header, -1, factor or 1.0, "" if factor else unit)


def _match_cut(text: str, kind: str) -> Column | None:
    """Return the one field whose word begins with a name that a DBF cut off after ten bytes."""
    if not any(len(text.encode(name, "replace")) in _CUT_BYTES for name in ("utf-8", "gb18030")):
        return None
    start = plain_word(text)
    found = [(spec, word) for spec in specs()[kind] for word in spec.words if word.startswith(start)]
    if len({spec.field for spec, _ in found}) != 1:
        return None
    return Column(found[0][0], text, -1, cut=found[0][1])


def match_columns(headers: Sequence[object], kind: str, *, cut: bool = False) -> list[Column]:
    """Return the columns that are fields of a kind, in the file's order; two may be the same field."""
    found: list[Column] = []
    for index, header in enumerate(headers):
        column = _match(header, kind, cut=cut)
        if column is not None:
            found.append(Column(column.spec, column.header, index, column.factor, column.bad_unit, column.cut))
    return found


def best_kind(headers: Sequence[object], *, cut: bool = False) -> tuple[str, list[Column]]:
    """Return the kind of table a header line belongs to and its columns; an empty kind when none fits.

    A kind fits by its own key column, or by three of its columns with two mandatory ones among them.
    """
    best: tuple[tuple[int, int], str, list[Column]] = ((0, 0), "", [])
    for kind, fields in specs().items():
        columns = match_columns(headers, kind, cut=cut)
        names = {column.spec.field for column in columns}
        must = sum(spec.must and spec.field in names for spec in fields)
        keyed = fields[0].field in names
        if not (keyed and len(names) > 1) and not (must >= 2 and len(names) >= 3):
            continue
        score = (2 * keyed + must, len(names))
        if score > best[0]:
            best = (score, kind, columns)
    return best[1], best[2]
