"""What columns are called and how their values read: words from the columns' comments, codes from the dictionaries."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any

from flask_babel import gettext

from portal.core.clock import local
from portal.core.codes import word_of

_COMMENT = re.compile(r"^(?P<zh>.+?) / (?P<en>[^;]+?)(?:; (?P<more>.+))?$")


@dataclass(frozen=True)
class Words:
    """What a column is called in both languages, its unit and its dictionary."""

    zh: str
    en: str
    unit: str = ""
    dictionary: str = ""

    def in_language(self, language: str) -> str:
        """Return the word in a language; Chinese unless the language is English."""
        return self.en if language.startswith("en") else self.zh


@cache
def words_of_column(column: Any) -> Words:
    """Return what a column's comment says of it; raise ValueError for a comment of another form."""
    found = _COMMENT.match(column.comment or "")
    if found is None:
        raise ValueError(f"{column}: its comment is not of the form 中文 / English")
    more = found["more"] or ""
    if more.startswith("code "):
        return Words(found["zh"], found["en"], dictionary=more.removeprefix("code "))
    return Words(found["zh"], found["en"], unit="" if more == "masked" else more)


@dataclass(frozen=True)
class Speech:
    """What is needed to word a record: language, names of districts and enterprises."""

    language: str
    districts: dict[str, str]
    enterprises: dict[int, str]

    def label(self, column: Any) -> str:
        """Return what a column is called, its unit in brackets."""
        words = words_of_column(column)
        name = words.in_language(self.language)
        return f"{name} ({words.unit})" if words.unit else name

    def value(self, column: Any, value: Any) -> str:
        """Return a value as people read it; empty when unknown."""
        if value is None:
            return ""
        if column.name == "enterprise_id":
            return self.enterprises.get(value, str(value))
        if column.name == "adcode":
            return self.districts.get(value, value)
        dictionary = words_of_column(column).dictionary
        if dictionary:
            codes = value if isinstance(value, list) else [value]
            return "、".join(word_of(dictionary, code, self.language) for code in codes)
        return _plain(value)


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return gettext("yes") if value else gettext("no")
    if isinstance(value, datetime):
        return local(value).strftime("%Y-%m-%d %H:%M")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list):
        return gettext("%(n)s photos", n=len(value)) if value else ""
    if isinstance(value, float):
        return f"{value:,.10g}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def exported(column: Any, value: Any, speech: Speech) -> Any:
    """Return a value as a cell of an export: numbers stay numbers, the rest reads as on screen."""
    if isinstance(value, int | float) and not isinstance(value, bool) and column.name not in ("enterprise_id",):
        return speech.value(column, value) if words_of_column(column).dictionary else value
    return speech.value(column, value)
