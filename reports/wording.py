"""Words of the reports without a web request: English message ids, Chinese from the same parts as the pages."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

from babel.messages.pofile import read_po

PARTS = Path(__file__).resolve().parent.parent / "portal/translations/zh_CN/parts"
LANGUAGES = ("zh_CN", "en")

Wording = Callable[..., str]


@cache
def _chinese() -> dict[str, str]:
    found: dict[str, str] = {}
    for part in sorted(PARTS.glob("*.po")):  # no id has two words across the parts
        with part.open("rb") as lines:
            catalogue = read_po(lines, charset="utf-8")
        found |= {str(entry.id): str(entry.string) for entry in catalogue if entry.id and entry.string}
    return found


def wording(language: str) -> Wording:
    """Return the function that gives a message in a language, with `%(name)s` filled in."""
    words = {} if language.startswith("en") else _chinese()

    def said(message: str, **facts: object) -> str:
        found = words.get(message, message)
        return found % facts if facts else found

    return said
