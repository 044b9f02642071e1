"""What people send from the duty pages: weeks, shifts, contacts and steps."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta

from portal.core.clock import CITY_ZONE
from portal.core.errors import Invalid
from portal.core.paging import parse_number
from portal.operation.escalation.services import Shift

STATES = ("waiting", "sent", "failed", "off", "nobody", "moot")
POSTS = (1, 2, 3)


def parse_day(text: str | None, today: date) -> date:
    """Return the day of an address; today for anything else."""
    try:
        found = date.fromisoformat(text or "")
    except ValueError:
        return today
    return found if date(2000, 1, 1) <= found <= date(2100, 1, 1) else today


def parse_shift(given: Mapping[str, str]) -> Shift:
    """Return the shift of a form: `person`, `post`, `day`, `begins`, `ends` (past midnight when not later), `district`.

    Raise Invalid for a time or post that is none.
    """
    try:
        day = date.fromisoformat(given.get("day", ""))
        begins, ends = (_at(day, given.get(name, "")) for name in ("begins", "ends"))
    except (ValueError, OverflowError) as wrong:
        raise Invalid("duty_span", most=24) from wrong
    post, district = parse_number(given.get("post")), given.get("district", "")
    if post not in POSTS:
        raise Invalid("duty_post")
    if ends <= begins:
        ends += timedelta(days=1)
    fits = district.isascii() and district.isdigit() and len(district) == 6
    return Shift(parse_number(given.get("person")) or 0, post or 0, begins, ends, district if fits else None)


def _at(day: date, text: str) -> datetime:
    return datetime.fromisoformat(f"{day.isoformat()}T{text}").replace(tzinfo=CITY_ZONE)


def parse_state(text: str | None) -> str | None:
    """Return a state of notices, None for anything else."""
    return text if text in STATES else None
