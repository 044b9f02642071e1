"""The rules of one point as values: limits, seasons, hours, delays, deadbands and further checks; pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Any

from portal.core.clock import CITY_ZONE
from portal.operation.alarms.rules import DEVICE_FAULT, LEVEL_OF_LIMIT, AlarmFigures, Limits, kind_of
from portal.operation.limits.conditions import Condition, Groups, groups_of, text_of

LIMIT_NAMES = ("high_high", "high", "low", "low_low")
CHECKS = ("rate", "combined", "state", "silence", "flat")
PRESSURE, VALVE = 1, 6
STEP_KIND, VALVE_KIND, STALE_KIND = 12, 18, 21
DAY_MIN = 24 * 60


@dataclass(frozen=True)
class Band:
    """Limits in the point's unit; None where there is none."""

    low_low: float | None = None
    low: float | None = None
    high: float | None = None
    high_high: float | None = None


@dataclass(frozen=True)
class Season:
    """Limits that replace the others between two days of the year, both included; may pass the new year."""

    begin: str  # MM-DD
    end: str
    band: Band

    def holds(self, day: str) -> bool:
        """Return whether a day MM-DD lies in the season."""
        if self.begin <= self.end:
            return self.begin <= day <= self.end
        return day >= self.begin or day <= self.end


@dataclass(frozen=True)
class Hours:
    """A window of the week in which the limits apply: days 1 Monday to 7, minutes of the city's day.

    A window whose end is not after its begin passes midnight and belongs to the day it begins on.
    """

    days: tuple[int, ...]
    begin_min: int
    end_min: int

    def holds(self, day: int, minute: int) -> bool:
        """Return whether a minute of a weekday lies in the window."""
        if self.begin_min < self.end_min:
            return day in self.days and self.begin_min <= minute < self.end_min
        before = 7 if day == 1 else day - 1
        return (day in self.days and minute >= self.begin_min) or (before in self.days and minute < self.end_min)


@dataclass(frozen=True)
class Rate:
    """Rise or fall within a time: in the point's unit, or in per cent of the value before."""

    over_s: int
    rise: float | None
    fall: float | None
    percent: bool
    level: int


@dataclass(frozen=True)
class Silence:
    """No reading for a time."""

    after_s: int
    level: int


@dataclass(frozen=True)
class Flat:
    """The same value, to four significant digits, for a time."""

    for_s: int
    level: int


@dataclass(frozen=True)
class State:
    """A state other than the normal ones while no work order covers the object."""

    normal: tuple[int, ...]
    level: int


@dataclass(frozen=True)
class Combined:
    """Conditions on this and other points of the enterprise: groups joined by OR, each joined by AND."""

    groups: Groups
    level: int
    delay_s: int


@dataclass(frozen=True)
class RuleSet:
    """All rules of one point."""

    band: Band = Band()
    seasons: tuple[Season, ...] = ()
    hours: tuple[Hours, ...] = ()
    on_delay_s: float | None = None
    off_delay_s: float | None = None
    deadband_low: float | None = None
    deadband_high: float | None = None
    latch: bool = False
    rate: Rate | None = None
    silence: Silence | None = None
    flat: Flat | None = None
    state: State | None = None
    combined: Combined | None = None

    @property
    def timed(self) -> bool:
        """Return whether the limits depend on the time."""
        return bool(self.seasons or self.hours)

    @property
    def bands(self) -> tuple[Band, ...]:
        """Return every set of limits that ever applies."""
        return (self.band, *(each.band for each in self.seasons))

    def innermost(self) -> tuple[float, float]:
        """Return the highest low and the lowest high limit that ever apply; infinite where there is none."""
        lows = [each for band in self.bands for each in (band.low_low, band.low) if each is not None]
        highs = [each for band in self.bands for each in (band.high, band.high_high) if each is not None]
        return max(lows, default=float("-inf")), min(highs, default=float("inf"))

    def levels(self) -> dict[str, int]:
        """Return the level of each limit and check that is set."""
        found = {
            name: LEVEL_OF_LIMIT[name]
            for name in LIMIT_NAMES
            if any(getattr(band, name) is not None for band in self.bands)
        }
        for name in CHECKS:
            check = getattr(self, name)
            if check is not None:
                found[name] = check.level
        return found


@dataclass(frozen=True)
class Ruled:
    """A point's rules with what of the point they need: range, period, measure and the measure's figures."""

    rules: RuleSet
    limits: Limits  # without limits of its own: range, period and measure
    figures: AlarmFigures

    @property
    def kinds(self) -> dict[str, int]:
        """Return the alarm kind of the limits and of each check."""
        return kinds_of(self.limits.measure)

    def limits_of(self, band: Band) -> Limits:
        """Return a set of limits as the check of the series takes it."""
        return _limits(self.limits, band, self.rules.deadband_low, self.rules.deadband_high)

    def band_at(self, at_ms: int) -> Band:
        """Return the limits that apply at an instant; none outside the hours."""
        rules = self.rules
        if not rules.timed:
            return rules.band
        day, weekday, minute = _city_minute(at_ms // 60_000)
        if rules.hours and not any(each.holds(weekday, minute) for each in rules.hours):
            return Band()
        return next((each.band for each in rules.seasons if each.holds(day)), rules.band)

    def limit_value(self, name: str, at_ms: int) -> float | None:
        """Return the figure that an alarm broke: a limit, or the rise or fall of a check."""
        if name in LEVEL_OF_LIMIT:
            value: float | None = getattr(self.band_at(at_ms), name)
            return value
        rate = self.rules.rate
        if rate and name in ("rate_rise", "rate_fall"):
            return rate.rise if name == "rate_rise" else rate.fall
        return None


def ruled(rules: RuleSet, limits: Limits, figures: AlarmFigures) -> Ruled:
    """Return the rules bound to a point; its own delays go before the measure's."""
    figures = replace(
        figures,
        on_delay_s=figures.on_delay_s if rules.on_delay_s is None else rules.on_delay_s,
        off_delay_s=figures.off_delay_s if rules.off_delay_s is None else rules.off_delay_s,
    )
    bare = replace(limits, low_low=None, low=None, high=None, high_high=None)
    return Ruled(rules, bare, figures)


@lru_cache(maxsize=4096)
def _limits(bare: Limits, band: Band, deadband_low: float | None, deadband_high: float | None) -> Limits:
    return replace(
        bare, low_low=band.low_low, low=band.low, high=band.high, high_high=band.high_high,
        deadband_low=deadband_low, deadband_high=deadband_high,
    )  # fmt: skip


@lru_cache(maxsize=65536)
def _city_minute(minutes: int) -> tuple[str, int, int]:
    at = datetime.fromtimestamp(minutes * 60, CITY_ZONE)
    return f"{at:%m-%d}", at.isoweekday(), at.hour * 60 + at.minute


def kinds_of(measure: int) -> dict[str, int]:
    """Return the alarm kind of the limits and of each check of a measure."""
    own = kind_of(measure)
    return {
        "limits": own,
        "rate": STEP_KIND if measure == PRESSURE else own,
        "combined": own,
        "state": VALVE_KIND if measure == VALVE else own,
        "silence": STALE_KIND,
        "flat": DEVICE_FAULT,
    }


def as_content(rules: RuleSet) -> dict[str, Any]:
    """Return the rules as they are stored: JSON without what is not set."""
    whole: dict[str, Any] = {name: value for name, value in vars(rules.band).items() if value is not None}
    for name in ("on_delay_s", "off_delay_s", "deadband_low", "deadband_high"):
        if getattr(rules, name) is not None:
            whole[name] = getattr(rules, name)
    if rules.latch:
        whole["latch"] = True
    if rules.seasons:
        whole["seasons"] = [
            {"begin": each.begin, "end": each.end} | {k: v for k, v in vars(each.band).items() if v is not None}
            for each in rules.seasons
        ]
    if rules.hours:
        whole["hours"] = [{"days": list(each.days), "begin": each.begin_min, "end": each.end_min} for each in rules.hours]
    for name in ("rate", "silence", "flat"):
        check = getattr(rules, name)
        if check is not None:
            whole[name] = {key: value for key, value in vars(check).items() if value is not None and value is not False}
    if rules.state:
        whole["state"] = {"normal": list(rules.state.normal), "level": rules.state.level}
    if rules.combined:
        combined = rules.combined
        whole["combined"] = {"when": text_of(combined.groups), "level": combined.level, "delay_s": combined.delay_s}
    return whole


def from_content(content: Mapping[str, Any]) -> RuleSet:
    """Return the rules of stored content; raises ValueError for a text of conditions that cannot be read."""
    rate, silence, flat = content.get("rate"), content.get("silence"), content.get("flat")
    state, combined = content.get("state"), content.get("combined")
    return RuleSet(
        band=_band(content),
        seasons=tuple(Season(each["begin"], each["end"], _band(each)) for each in content.get("seasons", ())),
        hours=tuple(Hours(tuple(each["days"]), each["begin"], each["end"]) for each in content.get("hours", ())),
        on_delay_s=content.get("on_delay_s"),
        off_delay_s=content.get("off_delay_s"),
        deadband_low=content.get("deadband_low"),
        deadband_high=content.get("deadband_high"),
        latch=bool(content.get("latch")),
        rate=Rate(rate["over_s"], rate.get("rise"), rate.get("fall"), bool(rate.get("percent")), rate["level"])
        if rate
        else None,
        silence=Silence(silence["after_s"], silence["level"]) if silence else None,
        flat=Flat(flat["for_s"], flat["level"]) if flat else None,
        state=State(tuple(state["normal"]), state["level"]) if state else None,
        combined=Combined(groups_of(combined["when"]), combined["level"], combined["delay_s"]) if combined else None,
    )


def _band(content: Mapping[str, Any]) -> Band:
    return Band(*(content.get(name) for name in ("low_low", "low", "high", "high_high")))


def other_points(rules: RuleSet) -> set[str]:
    """Return the codes of the other points that the combined conditions name."""
    if rules.combined is None:
        return set()
    named: list[Condition] = [each for group in rules.combined.groups for each in group]
    return {each.point for each in named if each.point}
