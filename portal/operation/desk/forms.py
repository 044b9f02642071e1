"""What people send from the desk: holds, handling records, kept views."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from urllib.parse import parse_qsl, urlencode

from portal.core.errors import Invalid
from portal.core.paging import parse_number
from portal.operation.alarms.states import BY_LOCK, BY_MAINTENANCE, BY_SHELVING
from portal.operation.desk.services import Handling, Holding

QUERY_CHARS = 600
SPANS = (1, 7, 30)


def parse_hold(given: Mapping[str, str]) -> Holding:
    """Return the hold of a form: `kind`, `hours`, `reason`, `permit_no`, `scope` (kind or all); raise Invalid."""
    kind = parse_number(given.get("hold"))
    if kind not in (BY_SHELVING, BY_MAINTENANCE, BY_LOCK):
        raise Invalid("hold_kind")
    return Holding(
        kind=kind or 0,
        hours=parse_hours(given.get("hours")),
        reason=given.get("reason", "").replace("\x00", ""),
        permit_no=given.get("permit_no", "").replace("\x00", ""),
        only_kind=given.get("cover", "kind") != "all",
    )


def parse_hours(text: str | None) -> float:
    """Return hours, 0 for what is no number; the service says what is allowed."""
    try:
        hours = float(text or "")
    except ValueError:
        return 0.0
    return hours if isfinite(hours) else 0.0


def parse_handling(given: Mapping[str, str]) -> Handling:
    """Return the handling record of a form."""
    return Handling(*(given.get(name, "").replace("\x00", "") for name in ("receiver", "cause", "measures", "result")))


def parse_query(text: str | None, allowed: tuple[str, ...]) -> str:
    """Return the filter of an address with the keys the desk knows, in their order."""
    pairs = parse_qsl((text or "")[:QUERY_CHARS].lstrip("?").replace("\x00", ""))
    return urlencode([(key, value) for key, value in pairs if key in allowed])


def parse_days(text: str | None) -> int:
    """Return the span of the performance page in days."""
    days = parse_number(text)
    return days if days in SPANS else 7
