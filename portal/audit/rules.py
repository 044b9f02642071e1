"""What changed between two states, and cells that a spreadsheet must not run; pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

FORMULA_STARTS = "=+-@\t\r＝＋－＠"


def differences(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> list[tuple[str, str, str, bool]]:
    """Return name, text before, text after and whether they differ, for every member of the two states."""
    old, new = before or {}, after or {}
    names = [*old, *(name for name in new if name not in old)]
    return [(name, as_words(old.get(name)), as_words(new.get(name)), old.get(name) != new.get(name)) for name in names]


def as_words(value: Any) -> str:
    """Return a value as people read it: texts as they are, the rest as JSON, nothing for None."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def safe_cell(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula: an apostrophe goes before a dangerous start."""
    bare = text.lstrip(" ")
    return "'" + text if bare[:1] and bare[0] in FORMULA_STARTS else text
