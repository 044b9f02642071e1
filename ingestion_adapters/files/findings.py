"""Findings: what is wrong or worth knowing about a delivery, in Chinese and English, with code and rule."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

Severity = Literal["error", "warning", "notice"]

_FILE = Path(__file__).with_name("data") / "messages.csv"
_RAW_CHARS = 500


@dataclass(frozen=True)
class Finding:
    """One finding: `row` as a person counts in the file, 0 for the whole file; `object` is the enterprise's code."""

    file: str
    row: int
    object: str
    field: str
    rule: str
    code: str
    message_zh: str
    message_en: str
    raw: str = ""
    severity: Severity = "error"


@dataclass(frozen=True)
class Where:
    """The place a finding points at."""

    file: str
    row: int = 0
    object: str = ""
    field: str = ""
    raw: str = ""


@dataclass(frozen=True)
class Words:
    """The catalogue's row of one kind of finding."""

    severity: Severity
    code: str
    rule: str
    zh: str
    en: str


@cache
def catalogue() -> Mapping[str, Words]:
    """Return every kind of finding by its key."""
    with _FILE.open(encoding="utf-8", newline="") as lines:
        return {
            row["key"]: Words(row["severity"], row["code"], row["rule"], row["zh"], row["en"])  # type: ignore[arg-type]
            for row in csv.DictReader(lines)
        }


class _Facts(dict[str, str]):
    """Facts of a sentence; a fact nobody gave stays empty."""

    def __missing__(self, key: str) -> str:
        return self.get(key.removesuffix("_en").removesuffix("_zh"), "")


def say(key: str, where: Where, facts: Mapping[str, object] | None = None, *, rule: str = "") -> Finding:
    """Return the finding of one kind at one place; raise KeyError for an unknown key."""
    words = catalogue()[key]
    given = _Facts({name: str(value) for name, value in (facts or {}).items()})
    return Finding(
        file=where.file,
        row=where.row,
        object=where.object[:64],
        field=where.field,
        rule=rule or words.rule,
        code=words.code,
        message_zh=words.zh.format_map(given),
        message_en=words.en.format_map(given),
        raw=where.raw[:_RAW_CHARS],
        severity=words.severity,
    )
