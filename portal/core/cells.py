"""Cells of exported tables: what a spreadsheet must not run; pure."""

from __future__ import annotations

from typing import Any

FORMULA_STARTS = "=+-@\t\r＝＋－＠"


def safe_cell(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula: an apostrophe goes before a dangerous start."""
    bare = text.lstrip(" ")
    return "'" + text if bare[:1] and bare[0] in FORMULA_STARTS else text


def safe_value(value: Any) -> Any:
    """Return a cell of any kind: texts made safe, nothing for None, numbers as they are."""
    if value is None:
        return ""
    return safe_cell(value) if isinstance(value, str) else value
