"""What people send about limits: filters, the rules of a point, work orders."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from portal.core.clock import CITY_ZONE
from portal.core.errors import Invalid
from portal.core.paging import parse_number, parse_words
from portal.operation.devices.forms import adcode_of
from portal.operation.limits.conditions import groups_of
from portal.operation.limits.queries import STATES, PointFilter
from portal.operation.limits.ruleset import (
    Band,
    Combined,
    Flat,
    Hours,
    Rate,
    RuleSet,
    Season,
    Silence,
    State,
)

TITLE_CHARS, REASON_CHARS, ORDER_CHARS, UNIT_CHARS = 120, 500, 60, 20
_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)|24:00", re.A)
_DAY = re.compile(r"\d\d-\d\d", re.A)
BAND_NAMES = ("low_low", "low", "high", "high_high")
FILTERS = ("measure", "unit", "enterprise", "district", "state", "q")
SEASON_ROWS, HOUR_ROWS = 3, 3


def parse_filter(given: Mapping[str, str]) -> PointFilter:
    """Return the filter of the list of points; what makes no sense narrows nothing."""
    state, unit = given.get("state", ""), (given.get("unit") or "").replace("\x00", "")
    measure = parse_number(given.get("measure"))
    return PointFilter(
        measure=measure if measure is not None and measure < 2**15 else None,
        unit=unit[:UNIT_CHARS] or None,
        enterprise_id=parse_number(given.get("enterprise")),
        adcode=adcode_of(given.get("district")),
        state=state if state in STATES else "",
        words=parse_words(given.get("q")),
    )


def parse_text(given: Mapping[str, str], name: str, most: int) -> str:
    """Return a text of a form without what a database refuses, cut to the most it may hold."""
    return (given.get(name) or "").replace("\x00", "").strip()[:most]


def parse_rules(given: Mapping[str, str], days: Mapping[int, list[str]], point: str) -> RuleSet:
    """Return the rules of a form; `days` are the weekdays ticked in each window. Raise Invalid for what cannot be read.

    Fields: the limits, delays and deadbands by name, `latch`; `season-N-begin`, `-end` and its limits;
    `hours-N-begin`, `-end`; of each check `<check>-level` and its figures, without a level it is off.
    """
    read = _Reader(given, point)
    rules = RuleSet(
        band=read.band(""),
        seasons=tuple(filter(None, map(read.season, range(SEASON_ROWS)))),
        hours=tuple(filter(None, (read.hours(place, days.get(place, [])) for place in range(HOUR_ROWS)))),
        on_delay_s=read.figure("on_delay_s"),
        off_delay_s=read.figure("off_delay_s"),
        deadband_low=read.figure("deadband_low"),
        deadband_high=read.figure("deadband_high"),
        latch=given.get("latch") == "on",
    )
    return read.checks(rules)


class _Reader:
    """Reads the fields of one form and names the one that cannot be read."""

    def __init__(self, given: Mapping[str, str], point: str) -> None:
        self._given, self._point = given, point

    def figure(self, name: str) -> float | None:
        said = (self._given.get(name) or "").strip().replace("，", "").replace(",", "")
        if not said:
            return None
        try:
            return float(said)
        except ValueError as wrong:
            raise self._wrong("not_a_figure", name, said[:20]) from wrong

    def whole(self, name: str) -> int | None:
        value = self.figure(name)
        if value is None:
            return None
        if not abs(value) < 2**31 or value != int(value):
            raise self._wrong("not_a_figure", name, f"{value:g}")
        return int(value)

    def band(self, prefix: str) -> Band:
        return Band(*(self.figure(f"{prefix}{name}") for name in BAND_NAMES))

    def season(self, place: int) -> Season | None:
        prefix = f"season-{place}-"
        begin, end = (self._given.get(f"{prefix}{name}", "").strip() for name in ("begin", "end"))
        if not begin and not end:
            return None
        if not _DAY.fullmatch(begin) or not _DAY.fullmatch(end):
            raise self._wrong("day_unknown", "seasons", f"{begin[:10]} {end[:10]}")
        return Season(begin, end, self.band(prefix))

    def hours(self, place: int, days: list[str]) -> Hours | None:
        begin, end = (self._given.get(f"hours-{place}-{name}", "").strip() for name in ("begin", "end"))
        if not begin and not end:
            return None
        ticked = tuple(sorted({int(each) for each in days if each in "1234567" and len(each) == 1}))
        return Hours(ticked, self._minute(begin), self._minute(end))

    def _minute(self, said: str) -> int:
        if not _CLOCK.fullmatch(said):
            raise self._wrong("minute_unknown", "hours", said[:10])
        hour, minute = said.split(":")
        return int(hour) * 60 + int(minute)

    def checks(self, rules: RuleSet) -> RuleSet:
        found: dict[str, Any] = {}
        level = self._level("rate")
        if level:
            found["rate"] = Rate(
                self.whole("rate-over_s") or 0, self.figure("rate-rise"), self.figure("rate-fall"),
                self._given.get("rate-percent") == "on", level,
            )  # fmt: skip
        level = self._level("silence")
        if level:
            found["silence"] = Silence(self.whole("silence-after_s") or 0, level)
        level = self._level("flat")
        if level:
            found["flat"] = Flat(self.whole("flat-for_s") or 0, level)
        level = self._level("state")
        if level:
            found["state"] = State(self._states(), level)
        level = self._level("combined")
        if level:
            found["combined"] = Combined(self._groups(), level, self.whole("combined-delay_s") or 0)
        return RuleSet(**(vars(rules) | found))

    def _level(self, name: str) -> int:
        said = self._given.get(f"{name}-level", "")
        return int(said) if said in ("1", "2", "3", "4") else 0

    def _states(self) -> tuple[int, ...]:
        words = re.split(r"[\s,，;；]+", self._given.get("state-normal", "").strip())
        try:
            found = tuple(sorted({int(each) for each in words if each}))
        except ValueError as wrong:
            raise self._wrong("not_a_figure", "state", " ".join(words)[:20]) from wrong
        if not found or any(abs(each) >= 2**31 for each in found):
            raise self._wrong("not_a_figure", "state", "")
        return found

    def _groups(self) -> Any:
        try:
            return groups_of(self._given.get("combined-when", "").replace("\x00", ""))
        except ValueError as wrong:
            raise self._wrong("conditions_unreadable", "combined", str(wrong)[:60]) from wrong

    def _wrong(self, problem: str, field: str, detail: str) -> Invalid:
        return Invalid("limit_unsound", point=self._point, problem=problem, field=field.split("-")[-1], detail=detail)


def local_minute(said: str) -> datetime:
    """Return an instant of city time as a browser's field sends it; raise Invalid for anything else."""
    try:
        return datetime.fromisoformat(said).replace(tzinfo=CITY_ZONE)
    except (ValueError, OverflowError) as wrong:
        raise Invalid("order_incomplete") from wrong
