"""From a cell to a value: numbers, years, dates, diameters and words as enterprises write them."""

from __future__ import annotations

import csv
import math
import re
import unicodedata
from collections.abc import Mapping
from datetime import date, timedelta
from functools import cache
from pathlib import Path

from gis.network.rules import PE_MATERIALS, PE_OD_MM, STEEL_MATERIALS, STEEL_OD_MM
from ingestion_adapters.files.fields import plain_word
from ingestion_adapters.files.raw import Cell
from portal.core.codes import dictionaries

_DATA = Path(__file__).with_name("data")
_BLANK = frozenset({"", "-", "--", "---", "/", "—", "——", "null", "none", "n/a", "#n/a", "<null>"})
_NUMBER = re.compile(r"[+-]?(\d{1,15}(\.\d{0,25})?|\.\d{1,25})(e[+-]?\d{1,2})?", re.A)
_THOUSANDS = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?", re.A)
_SUFFIX = re.compile(r"\s*(mm|毫米|m|米|mpa|kpa|年|户)$", re.A)
_DATE = re.compile(
    r"(\d{4})[-/.年](\d{1,2})(?:[-/.月](\d{1,2})日?)?月?(?:[ t]\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?)?", re.A
)
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})", re.A)
_DIAMETER = re.compile(
    r"(?P<mark>dn|de|dφ|φ|∅|ø|d|od|pe)?\s*(?P<size>\d{1,6}(?:\.\d{1,3})?)\s*(?:mm|毫米)?(?:\s*[×x*]\s*(?P<wall>\d{1,3}(?:\.\d{1,3})?)\s*(?:mm)?)?",
    re.A,
)
_FORMULA_MARKS = ("=", "@", "+", "-", "\t", "\r")
_EXCEL_ZERO = date(1899, 12, 30)
# From 1960: a typing error such as 20155 for 2015 must not pass as a day of 1955.
_EXCEL_SPAN = (21916, 73415)
_MAX_CODE, _MAX_TEXT = 64, 200


class Unreadable(Exception):
    """A cell that cannot be read; `key` names the words."""

    def __init__(self, key: str, **facts: object) -> None:
        """Keep the key and the facts as text."""
        super().__init__(key)
        self.key = key
        self.facts = {name: str(value)[:300] for name, value in facts.items()}


def text_of(cell: Cell) -> str:
    """Return a cell as folded text: full-width signs narrow, blanks and placeholders empty."""
    if cell is None:
        return ""
    text = unicodedata.normalize("NFKC", str(cell)).replace("\u200b", "").replace("\ufeff", "").strip()
    return "" if text.casefold() in _BLANK else text


def is_blank(cell: Cell) -> bool:
    """Return whether a cell holds nothing."""
    return text_of(cell) == ""


def check_text(cell: Cell) -> None:
    """Raise Unreadable for text that looks like a formula, was destroyed by a conversion, or holds control signs."""
    if not isinstance(cell, str):
        return
    text = unicodedata.normalize("NFKC", cell).strip(" \n\u3000")
    if "\ufffd" in text or "???" in text:
        raise Unreadable("encoding_lost", value=text)
    if text.startswith(_FORMULA_MARKS) and text.casefold() not in _BLANK and not _is_number(text):
        raise Unreadable("formula_text", value=text)
    if any(sign < " " and sign not in "\t\r\n" for sign in text):
        raise Unreadable("text_control")


def _is_number(text: str) -> bool:
    return bool(_NUMBER.fullmatch(_SUFFIX.sub("", text.casefold().strip())))


def code(cell: Cell) -> str:
    """Return a code as text; raise Unreadable when it is too long."""
    text = text_of(cell)
    if len(text) > _MAX_CODE:
        raise Unreadable("text_long", count=len(text), limit=_MAX_CODE)
    return text


def free_text(cell: Cell) -> str:
    """Return free text on one line; raise Unreadable when it is too long."""
    text = re.sub(r"\s+", " ", text_of(cell))
    if len(text) > _MAX_TEXT:
        raise Unreadable("text_long", count=len(text), limit=_MAX_TEXT)
    return text


def number(cell: Cell, factor: float = 1.0) -> float:
    """Return a finite number in the field's unit; raise Unreadable."""
    if isinstance(cell, bool):
        raise Unreadable("number_bad", value=cell)
    if isinstance(cell, int | float) and math.isfinite(cell):
        return float(cell) * factor
    text = text_of(cell)
    plain = _SUFFIX.sub("", text.casefold())
    if _THOUSANDS.fullmatch(plain):
        plain = plain.replace(",", "")
    if not _NUMBER.fullmatch(plain):
        raise Unreadable("number_bad", value=text)
    return float(plain) * factor


def day(cell: Cell) -> date:
    """Return a date from 2018-05-01, 2018/5, 2018年5月1日, 20180501 or an Excel serial; raise Unreadable."""
    text = text_of(cell).casefold()
    found = _DATE.fullmatch(text) or _COMPACT.fullmatch(text)
    try:
        if found:
            return date(int(found[1]), int(found[2]), int(found[3] or 1))
        if excel_serial(cell):
            return _EXCEL_ZERO + timedelta(days=int(float(text)))
    except ValueError:
        pass
    raise Unreadable("date_bad", value=text)


def excel_serial(cell: Cell) -> bool:
    """Return whether a cell is a day number of Excel between 1960 and 2100."""
    text = text_of(cell)
    return bool(re.fullmatch(r"\d{5}(\.\d+)?", text, re.A)) and _EXCEL_SPAN[0] <= float(text) <= _EXCEL_SPAN[1]


def year(cell: Cell) -> int:
    """Return a year from 2018, 2018年, any date, or an Excel serial; raise Unreadable."""
    text = text_of(cell).removesuffix("年")
    if re.fullmatch(r"\d{1,4}(\.0+)?", text, re.A):
        return int(float(text))
    if re.fullmatch(r"\d{5,7}", text, re.A) and not excel_serial(cell):
        return int(text)
    return day(cell).year


def word(cell: Cell, dictionary: str) -> int:
    """Return the code of a word, of a synonym, or of a code written as a number; raise Unreadable."""
    text = text_of(cell)
    known = _known_words(dictionary)
    found = known.get(plain_word(text))
    if found is not None:
        return found
    entries = dictionaries()[dictionary]
    if re.fullmatch(r"\d{1,4}", text, re.A) and int(text) in entries:
        return int(text)
    raise Unreadable(
        "word_unknown",
        value=text,
        dict=dictionary,
        words="、".join(entry.zh for entry in entries.values()),
        words_en=", ".join(entry.en for entry in entries.values()),
    )


@cache
def _known_words(dictionary: str) -> Mapping[str, int]:
    known = {plain_word(entry.en): entry.code for entry in dictionaries()[dictionary].values()}
    with (_DATA / "words.csv").open(encoding="utf-8", newline="") as lines:
        known |= {
            plain_word(row["word"]): int(row["code"]) for row in csv.DictReader(lines) if row["dict"] == dictionary
        }
    return known | {plain_word(entry.zh): entry.code for entry in dictionaries()[dictionary].values()}


@cache
def fittings() -> Mapping[str, int]:
    """Return the node kind of each fitting word that stands for a device."""
    with (_DATA / "words.csv").open(encoding="utf-8", newline="") as lines:
        return {plain_word(row["word"]): int(row["code"]) for row in csv.DictReader(lines) if row["dict"] == "fitting"}


@cache
def _outside_of_dn(family: str) -> Mapping[float, float]:
    with (_DATA / "diameters.csv").open(encoding="utf-8", newline="") as lines:
        return {float(row["dn"]): float(row["od_mm"]) for row in csv.DictReader(lines) if row["family"] == family}


def _family(material: int | None) -> str:
    if material in PE_MATERIALS:
        return "pe"
    return "iron" if material in (30, 31) else "steel"


def diameter(cell: Cell, material: int | None, factor: float = 1.0) -> tuple[float, float | None, bool]:
    """Return outside diameter and wall in mm, and whether a nominal size had no standard outside diameter.

    DN300 steel is 323.9 (GB/T 21835); De110 and a bare 110 of a PE pipe are 110; Φ219×6 is 219 with wall 6.
    Raise Unreadable for anything else.
    """
    text = text_of(cell).casefold()
    found = _DIAMETER.fullmatch(text)
    if found is None:
        raise Unreadable("diameter_bad", value=text_of(cell))
    mark, size = found["mark"] or "", float(found["size"]) * factor
    wall = float(found["wall"]) if found["wall"] else None
    if wall is not None and wall >= size / 2:
        raise Unreadable("diameter_bad", value=text_of(cell))
    outside, unlisted = _outside(mark, size, material)
    return outside, wall, unlisted


def _outside(mark: str, size: float, material: int | None) -> tuple[float, bool]:
    family = _family(material)
    table = _outside_of_dn(family)
    sizes = PE_OD_MM if family == "pe" else STEEL_OD_MM if material in STEEL_MATERIALS else ()
    if mark in ("dn", "d") or (not mark and size in table and family != "pe"):
        if family == "pe" and size in PE_OD_MM:
            return size, False
        return table.get(size, size), size not in table and size not in sizes
    return size, False


def nominal_size(outside_mm: float, material: int) -> float:
    """Return the nominal size that belongs to an outside diameter, or the diameter itself."""
    for nominal, outside in _outside_of_dn(_family(material)).items():
        if abs(outside - outside_mm) < 0.06:
            return nominal
    return outside_mm
