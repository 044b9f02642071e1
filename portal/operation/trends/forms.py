"""What the address of a picture of trends says: panes, points, span, comparisons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from portal.core.errors import Invalid
from portal.operation.telemetry.rules import BUCKETS, LONGEST
from portal.operation.trends.rules import POINTS_MOST, SPANS, USUAL_SPAN, panes_of

NARROWEST, WIDEST = 50, 2000
SHORTEST = timedelta(seconds=10)


@dataclass(frozen=True)
class Asked:
    """A span of time and the points to draw in it, pane by pane."""

    panes: list[list[int]]
    begin: datetime
    end: datetime
    span: str
    width: int
    last_year: bool
    weather: bool

    @property
    def points(self) -> list[int]:
        """Return the points of all panes."""
        return [number for pane in self.panes for number in pane]


def parse_asked(given: Mapping[str, str], now: datetime) -> Asked:
    """Return what an address asks for; raise Invalid for an unreadable or backward time or too many points."""
    panes = panes_of(given.get("p", ""))
    if sum(len(pane) for pane in panes) > POINTS_MOST:
        raise Invalid("too_many_points", most=POINTS_MOST)
    begin, end = _instant(given.get("from", "")), _instant(given.get("to", ""))
    span = given.get("span", "")
    if begin is None or end is None:
        span = span if span in SPANS else USUAL_SPAN
        end = end or now
        begin = end - SPANS[span]
    else:
        span = ""
    if end - begin < SHORTEST:
        raise Invalid("backward_span")
    return Asked(
        panes=panes,
        begin=max(begin, end - LONGEST),
        end=end,
        span=span,
        width=_width(given.get("width", "")),
        last_year=given.get("cmp") == "year",
        weather=given.get("wx") == "1",
    )


def _width(said: str) -> int:
    number = int(said) if said.isascii() and said.isdigit() and len(said) <= 5 else BUCKETS
    return min(max(number, NARROWEST), WIDEST)


def _instant(said: str) -> datetime | None:
    """Return an instant given in whole seconds since 1970 or as ISO 8601; raise Invalid for anything else."""
    if not said:
        return None
    try:
        if said.isascii() and said.isdigit() and len(said) <= 11:
            return datetime.fromtimestamp(int(said), UTC)
        read = datetime.fromisoformat(said)
        return read.replace(tzinfo=read.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError, OSError) as unreadable:
        raise Invalid("bad_time", value=said[:40]) from unreadable
