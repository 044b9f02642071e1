"""What people ask of the case pages: filters, places in the list, and the fields of a step."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from portal.core.errors import Invalid
from portal.events.queries import CaseFilter, Cursor

VIEWS = ("running", "waiting", "overdue", "ended", "all")
WORDS_MOST_CHARS = 80


def parse_filter(given: Mapping[str, str]) -> CaseFilter:
    """Return the filter of an address; what cannot be read narrows nothing."""
    view = given.get("view", "running")
    return CaseFilter(
        view=view if view in VIEWS else "running",
        level=_number(given.get("level")),
        enterprise_id=_number(given.get("enterprise")),
        words=(given.get("q") or "").strip().replace("\x00", "")[:WORDS_MOST_CHARS],
    )


def parse_cursor(given: Mapping[str, str]) -> Cursor | None:
    """Return the place of `after` (older) or `before` (newer): microseconds and number."""
    for key, backward in (("after", False), ("before", True)):
        parts = (given.get(key) or "").split("_")
        if len(parts) == 2 and all(part.isdigit() and len(part) < 19 for part in parts):
            try:
                whole = datetime.fromtimestamp(int(parts[0]) // 1_000_000, UTC)
            except (OverflowError, ValueError, OSError):
                return None
            at = whole.replace(microsecond=int(parts[0]) % 1_000_000)
            return Cursor(at, int(parts[1]), backward)
    return None


def cursor_of(at: datetime, case_id: int) -> str:
    """Return the place of a row as it stands in an address."""
    whole = at.astimezone(UTC)
    return f"{int(whole.timestamp()) * 1_000_000 + whole.microsecond}_{case_id}"


def parse_hours(given: Mapping[str, str]) -> float:
    """Return the hours of an extension; raise Invalid for anything but a number."""
    try:
        hours = float(given.get("hours", ""))
    except ValueError as wrong:
        raise Invalid("case_hours_unreadable") from wrong
    if not 0 < hours < 10_000:
        raise Invalid("case_hours_unreadable")
    return hours


def _number(text: str | None) -> int | None:
    usable = text and text.isascii() and text.isdigit() and len(text) <= 9
    return int(text) if usable and text else None
