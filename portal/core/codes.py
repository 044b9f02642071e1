"""Code tables: the versioned dictionary shipped with the portal, read from `data/codes.csv`.

One row a code: dictionary, code, Chinese and English words, parent code, the days it is valid
and the source it was taken from. The table `dict_entry` is filled from this file by the migrations.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

CODES_FILE = Path(__file__).with_name("data") / "codes.csv"


@dataclass(frozen=True)
class Code:
    """One code of one dictionary, with its words and its source."""

    dictionary: str
    code: int
    zh: str
    en: str
    parent: int | None
    source: str

    def word(self, language: str) -> str:
        """Return the word of this code in a language; Chinese unless the language is English."""
        return self.en if language.startswith("en") else self.zh


@cache
def dictionaries() -> Mapping[str, Mapping[int, Code]]:
    """Return every dictionary as name -> code -> Code."""
    found: dict[str, dict[int, Code]] = {}
    with CODES_FILE.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            code = Code(
                dictionary=row["dict"],
                code=int(row["code"]),
                zh=row["zh"],
                en=row["en"],
                parent=int(row["parent"]) if row["parent"] else None,
                source=row["source"],
            )
            found.setdefault(code.dictionary, {})[code.code] = code
    return found


def words_of(dictionary: str, language: str) -> dict[int, str]:
    """Return code -> word of one dictionary; raise KeyError for an unknown dictionary."""
    return {code: entry.word(language) for code, entry in dictionaries()[dictionary].items()}


def word_of(dictionary: str, code: int | None, language: str) -> str:
    """Return the word of one code, the code itself when the dictionary does not know it, or an empty text."""
    if code is None:
        return ""
    entry = dictionaries()[dictionary].get(code)
    return entry.word(language) if entry else str(code)


def code_of(dictionary: str, word: str) -> int | None:
    """Return the code whose Chinese or English word is exactly `word`, or None."""
    wanted = word.strip().casefold()
    for code, entry in dictionaries()[dictionary].items():
        if wanted in (entry.zh.casefold(), entry.en.casefold()):
            return code
    return None
