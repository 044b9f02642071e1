"""What people send about devices: filters of the list, a new firmware campaign."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from portal.core.errors import Invalid
from portal.core.paging import parse_number, parse_words
from portal.operation.devices.queries import DeviceFilter
from portal.operation.devices.services import NewCampaign

CODE_MOST, TITLE_MOST, REASON_MOST = 80, 120, 500


def parse_filter(given: Mapping[str, str]) -> DeviceFilter:
    """Return the filter of a list; what makes no sense narrows nothing."""
    due = given.get("due", "")
    return DeviceFilter(
        kind=_code(given.get("kind")),
        status=_code(given.get("status")),
        state=_code(given.get("state")),
        enterprise_id=parse_number(given.get("enterprise")),
        adcode=adcode_of(given.get("district")),
        maker=parse_words(given.get("maker")) or None,
        model=parse_words(given.get("model")) or None,
        due=due if due in ("overdue", "soon") else "",
        words=parse_words(given.get("q")),
    )


def _code(value: str | None) -> int | None:
    number = parse_number(value)
    return number if number is not None and number < 2**15 else None


def adcode_of(value: str | None) -> str | None:
    """Return a district code, None for anything else."""
    return value if value and value.isascii() and value.isdigit() and len(value) == 6 else None


def parse_campaign(given: Mapping[str, str]) -> NewCampaign:
    """Return a new campaign; raise Invalid for a field that is missing or too long."""
    words = {
        name: _words(given, name, most)
        for name, most in (
            ("title", TITLE_MOST), ("maker", CODE_MOST), ("model", CODE_MOST), ("target", CODE_MOST),
            ("reason", REASON_MOST),
        )
    }  # fmt: skip
    try:
        due_on = date.fromisoformat(given.get("due_on", ""))
    except ValueError as wrong:
        raise Invalid("campaign_incomplete", field="due_on") from wrong
    return NewCampaign(**words, due_on=due_on, enterprise_id=parse_number(given.get("enterprise")))


def _words(given: Mapping[str, str], name: str, most: int) -> str:
    value = (given.get(name) or "").strip().replace("\x00", "")
    if not value or len(value) > most:
        raise Invalid("campaign_incomplete", field=name)
    return value
