"""What people ask of the case pages: filters, and the fields of a step."""

from __future__ import annotations

from collections.abc import Mapping

from portal.core.errors import Invalid
from portal.core.paging import parse_number, parse_words
from portal.events.queries import CaseFilter

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


def parse_hours(given: Mapping[str, str]) -> float:
    """Return the hours of an extension; raise Invalid for anything but a number."""
    try:
        hours = float(given.get("hours", ""))
    except ValueError as wrong:
        raise Invalid("case_hours_unreadable") from wrong
    if not 0 < hours < 10_000:
        raise Invalid("case_hours_unreadable")
    return hours
