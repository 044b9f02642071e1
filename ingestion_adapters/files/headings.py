"""Headings of a table in the contract's words: field name, Chinese or English word, unit in brackets; pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import get_args

import msgspec

from ingestion_adapters.checks import field_marks
from ingestion_adapters.contract import DATASETS
from ingestion_adapters.files.fields import plain_word
from ingestion_adapters.files.raw import Cell

SURPLUS = "(surplus)"
HEADER_SEARCH_ROWS = 15
_UNIT = re.compile(r"[(（\[【]([^)）\]】]*)[)）\]】]\s*$")
_NOTE = re.compile(r"[：:；;，,(（].*$")
_NEEDED = {plain_word(word) for word in ("必填", "选填", "required", "optional")}
_WORDS = {"lon": "经度", "lat": "纬度", "type": "类型", "geom": "几何", "t": "时间", "v": "数值"}


def record_kinds(dataset: str) -> tuple[type, ...]:
    """Return the record types of a dataset."""
    return get_args(DATASETS[dataset]) or (DATASETS[dataset],)


@cache
def words_of_fields(kind: type) -> Mapping[str, tuple[str, str]]:
    """Return plain word -> (field, unit) of one record type; a field's own name wins over every word."""
    marks = field_marks(kind)
    names = [item.encode_name for item in msgspec.structs.fields(kind)]
    tag = msgspec.inspect.type_info(kind).tag_field  # type: ignore[attr-defined]  # every record is a struct
    found: dict[str, tuple[str, str]] = {}
    for name in [*names, *([tag] if tag else [])]:
        mark = marks.get(name, {})
        unit = str(mark.get("unit", ""))
        for word in (_WORDS.get(name, ""), str(mark.get("zh", "")), str(mark.get("en", ""))):
            for form in (word, _NOTE.sub("", word)):
                if plain_word(form):
                    found.setdefault(plain_word(form), (name, unit))
    own = {plain_word(name): (name, str(marks.get(name, {}).get("unit", ""))) for name in names}
    return found | own | ({plain_word(tag): (tag, "")} if tag else {})


def field_of(heading: str, dataset: str) -> str | None:
    """Return the field a heading means, None when no record type of the dataset knows it.

    A unit in brackets must be the contract's own: a figure in other units is never taken for ours.
    """
    bracket = _UNIT.search(heading)
    for kind in record_kinds(dataset):
        words = words_of_fields(kind)
        whole = words.get(plain_word(heading))
        if whole is not None:
            return whole[0]
        if bracket is None:
            continue
        field, unit = words.get(plain_word(_UNIT.sub("", heading)), ("", ""))
        said = plain_word(bracket[1])
        if field and said in {plain_word(unit), *_NEEDED}:
            return field
    return None


def header_place(rows: Sequence[Sequence[Cell]], dataset: str, own: frozenset[str] | None = None) -> int | None:
    """Return which of the first rows is the header: the one with most known headings, at least one.

    `own` are the words of a sender whose mapping says them; then those count and not ours.
    """
    best, place = 0, None
    for index, row in enumerate(rows[:HEADER_SEARCH_ROWS]):
        words = [str(cell).strip() for cell in row if cell not in (None, "")]
        known = len({field_of(word, dataset) for word in words} - {None}) if own is None else len(own & {*words})
        if known > best:
            best, place = known, index
    return place


def names_of(headings: Sequence[Cell], dataset: str, own: frozenset[str] | None = None) -> list[str]:
    """Return the field of each column; a heading nobody knows keeps its own words, so that its rows say so.

    With words of their own every heading stays as it is: the mapping turns it into ours later.
    """
    names = []
    for cell in headings:
        words = "" if cell is None else str(cell).strip()
        names.append((field_of(words, dataset) if own is None else None) or words)
    return names
