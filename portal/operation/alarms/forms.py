"""What people ask of the alarm pages: filters, notes and judgements."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from portal.core.clock import CITY_ZONE
from portal.core.errors import Invalid
from portal.core.paging import parse_number, parse_words
from portal.operation.alarms.queries import SORTS, VIEWS, AlarmFilter

BATCH_MOST = 200
DAY_CHARS = len("2026-01-31")


def parse_filter(given: Mapping[str, str]) -> AlarmFilter:
    """Return the filter of an address; what cannot be read narrows nothing."""
    view = given.get("view", "open")
    return AlarmFilter(
        view=view if view in VIEWS else "open",
        level=parse_number(given.get("level")),
        state=parse_number(given.get("state")),
        kind=parse_number(given.get("kind")),
        enterprise_id=parse_number(given.get("enterprise")),
        adcode=_code(given.get("district")),
        object_code=parse_words(given.get("object")) or None,
        point_id=parse_number(given.get("point")),
        person=parse_words(given.get("person")) or None,
        verdict=parse_number(given.get("verdict")),
        root_id=parse_number(given.get("root")),
        since=_local_minute(given.get("since")),
        until=_local_end(given.get("until")),
        words=parse_words(given.get("q")),
        flat=given.get("flat") == "1",
        sort=given.get("sort", "") if given.get("sort") in SORTS else "raised",
    )


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
    verdict = parse_number(given.get("verdict"))
    if verdict is None:
        raise Invalid("alarm_verdict_unknown")
    return verdict


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
