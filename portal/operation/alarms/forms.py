"""What people ask of the alarm pages: filters, places in the list, notes and judgements."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from portal.core.clock import CITY_ZONE
from portal.core.errors import Invalid
from portal.operation.alarms.queries import AlarmFilter, Cursor

WORDS_MOST_CHARS = 80
BATCH_MOST = 200
DAY_CHARS = len("2026-01-31")


def parse_filter(given: Mapping[str, str]) -> AlarmFilter:
    """Return the filter of an address; what cannot be read narrows nothing."""
    history = given.get("view") == "back"
    return AlarmFilter(
        open_only=given.get("view", "open") == "open",
        level=_number(given.get("level")),
        state=_number(given.get("state")),
        kind=_number(given.get("kind")),
        enterprise_id=_number(given.get("enterprise")),
        adcode=_code(given.get("district")),
        since=_local_minute(given.get("since")),
        until=_local_end(given.get("until")),
        words=(given.get("q") or "").strip().replace("\x00", "")[:WORDS_MOST_CHARS],
        historical=True if history else None,
    )


def parse_cursor(given: Mapping[str, str]) -> Cursor | None:
    """Return the place of `after` (older) or `before` (newer): microseconds and number."""
    for key, backward in (("after", False), ("before", True)):
        parts = (given.get(key) or "").split("_")
        if len(parts) == 2 and all(part.isdigit() and len(part) < 19 for part in parts):
            at = _instant(int(parts[0]))
            if at is not None:
                return Cursor(at, int(parts[1]), backward)
    return None


def cursor_of(raised_at: datetime, alarm_id: int) -> str:
    """Return the place of a row as it stands in an address."""
    whole = raised_at.astimezone(UTC)
    micros = int(whole.timestamp()) * 1_000_000 + whole.microsecond
    return f"{micros}_{alarm_id}"


def parse_ids(given: list[str]) -> list[int]:
    """Return the alarms chosen in a list; raise Invalid for none or too many."""
    ids = sorted({int(each) for each in given if each.isdigit() and len(each) < 19})
    if not ids:
        raise Invalid("alarm_none_chosen")
    if len(ids) > BATCH_MOST:
        raise Invalid("alarm_too_many_chosen", most=BATCH_MOST)
    return ids


def parse_verdict(given: Mapping[str, str]) -> int:
    """Return the judgement of a form; raise Invalid when there is none."""
    verdict = _number(given.get("verdict"))
    if verdict is None:
        raise Invalid("alarm_verdict_unknown")
    return verdict


def _number(text: str | None) -> int | None:
    usable = text and text.isascii() and text.isdigit() and len(text) <= 9
    return int(text) if usable and text else None


def _code(text: str | None) -> str | None:
    return text if text and text.isascii() and text.isdigit() and len(text) == 6 else None


def _local_minute(text: str | None) -> datetime | None:
    try:
        return datetime.fromisoformat(text or "").replace(tzinfo=CITY_ZONE)
    except ValueError:
        return None


def _local_end(text: str | None) -> datetime | None:
    """Return the end of what is named: of the day when only a day is given."""
    at = _local_minute(text)
    return at + timedelta(days=1) if at and len(text or "") == DAY_CHARS else at


def _instant(micros: int) -> datetime | None:
    try:
        whole = datetime.fromtimestamp(micros // 1_000_000, UTC)
    except (OverflowError, ValueError, OSError):
        return None
    return whole.replace(microsecond=micros % 1_000_000)
