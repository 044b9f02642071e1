"""What people ask of the case pages: filters, the fields of a step, and what a case opened by hand is about."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from portal.core.errors import Invalid
from portal.core.paging import parse_number, parse_words
from portal.events.queries import CaseFilter

OBJECT_MOST_CHARS = 64
VIEWS = ("running", "waiting", "overdue", "ended", "all")


def parse_filter(given: Mapping[str, str]) -> CaseFilter:
    """Return the filter of an address; what cannot be read narrows nothing."""
    view = given.get("view", "running")
    return CaseFilter(
        view=view if view in VIEWS else "running",
        level=parse_number(given.get("level")),
        enterprise_id=parse_number(given.get("enterprise")),
        words=parse_words(given.get("q")),
    )


@dataclass(frozen=True)
class Opening:
    """What an officer says who opens a case by hand; unknown numbers are None."""

    case_class: int | None
    level: int | None
    enterprise_id: int | None
    object_code: str
    adcode: str | None
    title: str
    said: str


def parse_opening(given: Mapping[str, str]) -> Opening:
    """Return the fields `class`, `level`, `enterprise`, `object`, `district`, `title`, `said`."""
    district = given.get("district", "")
    return Opening(
        case_class=parse_number(given.get("class")),
        level=parse_number(given.get("level")),
        enterprise_id=parse_number(given.get("enterprise")),
        object_code=(given.get("object") or "").strip().replace("\x00", "")[:OBJECT_MOST_CHARS],
        adcode=district if re.fullmatch(r"\d{6}", district, re.ASCII) else None,
        title=(given.get("title") or "").replace("\x00", ""),
        said=(given.get("said") or "").replace("\x00", ""),
    )


def parse_hours(given: Mapping[str, str]) -> float:
    """Return the hours of an extension; raise Invalid for anything but a number."""
    try:
        hours = float(given.get("hours", ""))
    except ValueError as wrong:
        raise Invalid("case_hours_unreadable") from wrong
    if not 0 < hours < 10_000:
        raise Invalid("case_hours_unreadable")
    return hours
