"""Lists read in pages by their newest rows: filters of words, the place where a page begins, and its neighbours."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, or_, tuple_
from sqlalchemy.orm import Session

PAGE_ROWS = 50
WORDS_MOST_CHARS = 80
NUMBER_MOST_DIGITS = 18


@dataclass(frozen=True)
class Cursor:
    """A place in a list: the row after or before which a page begins."""

    at: datetime
    number: int
    backward: bool = False


@dataclass(frozen=True)
class Page:
    """One page of rows, newest first, and whether there is more on either side."""

    rows: Sequence[Any]
    has_newer: bool
    has_older: bool


def newest_first(
    session: Session, asked: Select[*tuple[Any, ...]], key: tuple[Any, Any], cursor: Cursor | None
) -> Page:
    """Return the page of a query that begins at the cursor; `key` is the columns of instant and number."""
    backward = cursor is not None and cursor.backward
    if cursor:
        place = (cursor.at, cursor.number)
        asked = asked.where(tuple_(*key) > place if backward else tuple_(*key) < place)
    asked = asked.order_by(*(each.asc() if backward else each.desc() for each in key))
    rows = session.execute(asked.limit(PAGE_ROWS + 1)).all()
    more, rows = len(rows) > PAGE_ROWS, rows[:PAGE_ROWS]
    if backward:
        return Page(rows[::-1], has_newer=more, has_older=True)
    return Page(rows, has_newer=cursor is not None, has_older=more)


def neighbours(
    page: Page, place: Callable[[Any], tuple[datetime, int]], address: Callable[..., str]
) -> dict[str, str | None]:
    """Return the addresses of the newer page `prev` and the older page `next`; None at an end."""
    if not page.rows:
        return {"prev": None, "next": None}
    newer, older = cursor_of(*place(page.rows[0])), cursor_of(*place(page.rows[-1]))
    return {
        "prev": address(before=newer) if page.has_newer else None,
        "next": address(after=older) if page.has_older else None,
    }


def contains(words: str, *columns: Any) -> ColumnElement[bool]:
    """Return the condition that one of the columns contains the words as they stand, in either case."""
    escaped = words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return or_(*(column.ilike(f"%{escaped}%") for column in columns))


def equals(wanted: Mapping[Any, Any]) -> list[ColumnElement[bool]]:
    """Return the conditions of a filter by columns; what is None narrows nothing."""
    return [column == value for column, value in wanted.items() if value is not None]


def cursor_of(at: datetime, number: int) -> str:
    """Return the place of a row as it stands in an address: microseconds and number."""
    whole = at.astimezone(UTC)
    return f"{int(whole.timestamp()) * 1_000_000 + whole.microsecond}_{number}"


def parse_cursor(given: Mapping[str, str]) -> Cursor | None:
    """Return the place of `after` (older) or `before` (newer); None for anything else."""
    for key, backward in (("after", False), ("before", True)):
        parts = (given.get(key) or "").split("_")
        if len(parts) == 2 and all(_is_number(part, NUMBER_MOST_DIGITS) for part in parts):
            at = _instant(int(parts[0]))
            if at is not None:
                return Cursor(at, int(parts[1]), backward)
    return None


def parse_number(text: str | None) -> int | None:
    """Return a number of up to nine digits, None for anything else."""
    return int(text) if text and _is_number(text, 9) else None


def parse_words(text: str | None) -> str:
    """Return the words somebody looks for, without what a database refuses."""
    return (text or "").strip().replace("\x00", "")[:WORDS_MOST_CHARS]


def _is_number(text: str, most_digits: int) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= most_digits


def _instant(micros: int) -> datetime | None:
    try:
        whole = datetime.fromtimestamp(micros // 1_000_000, UTC)
    except (OverflowError, ValueError, OSError):
        return None
    return whole.replace(microsecond=micros % 1_000_000)
