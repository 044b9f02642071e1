"""Whether the rules of a point make sense: contradictions are found before anybody can release them; pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite

from portal.operation.limits.ruleset import DAY_MIN, Band, RuleSet, Season

BIGGEST = 1e12  # intake refuses readings beyond it
LONGEST_S = 31 * 86_400
SEASONS_MOST, HOURS_MOST = 6, 8


@dataclass(frozen=True)
class PointFacts:
    """What of a point its rules must fit."""

    range_low: float | None
    range_high: float | None
    period_s: int


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong: a code, the field, and the values it speaks of."""

    code: str
    field: str
    detail: str = ""


def problems_of(rules: RuleSet, facts: PointFacts) -> list[Problem]:
    """Return everything wrong with the rules of a point; empty when they can be released."""
    found = [
        *_unreadable(rules),
        *(each for band, name in _named_bands(rules) for each in _band_problems(rules, band, name, facts)),
        *_season_problems(rules.seasons),
        *_hour_problems(rules),
        *_check_problems(rules, facts),
    ]
    return list(dict.fromkeys(found))


def _named_bands(rules: RuleSet) -> list[tuple[Band, str]]:
    return [(rules.band, ""), *((each.band, f"{each.begin}…{each.end}") for each in rules.seasons)]


def _unreadable(rules: RuleSet) -> Iterator[Problem]:
    for band, _ in _named_bands(rules):
        for name, value in vars(band).items():
            if value is not None and not (isfinite(value) and abs(value) < BIGGEST):
                yield Problem("not_a_figure", name, f"{value:g}")
    for name in ("on_delay_s", "off_delay_s"):
        value = getattr(rules, name)
        if value is not None and not 0 <= value <= 86_400:
            yield Problem("delay_out_of_bounds", name, f"{value:g}")
    for name in ("deadband_low", "deadband_high"):
        value = getattr(rules, name)
        if value is not None and not 0 <= value < BIGGEST:
            yield Problem("deadband_negative", name, f"{value:g}")


def _band_problems(rules: RuleSet, band: Band, name: str, facts: PointFacts) -> Iterator[Problem]:
    said = {each: value for each, value in vars(band).items() if value is not None}
    inside = list(said.items())
    for (lower, low), (upper, high) in zip(inside, inside[1:], strict=False):
        if not low < high:
            yield Problem("limits_contradict", upper, f"{name} {lower} {low:g} ≥ {upper} {high:g}".strip())
    for each, value in said.items():
        below = facts.range_low is not None and value < facts.range_low
        above = facts.range_high is not None and value > facts.range_high
        if below or above:
            yield Problem("limit_outside_range", each, f"{value:g}")
    low_inner = max((v for n, v in said.items() if n.startswith("low")), default=None)
    high_inner = min((v for n, v in said.items() if n.startswith("high")), default=None)
    if low_inner is not None and high_inner is not None:
        back_from, back_to = low_inner + (rules.deadband_low or 0), high_inner - (rules.deadband_high or 0)
        if low_inner < high_inner and back_from > back_to:
            yield Problem("deadband_wider_than_band", "deadband_high", f"{back_from:g} > {back_to:g}")


def _season_problems(seasons: tuple[Season, ...]) -> Iterator[Problem]:
    if len(seasons) > SEASONS_MOST:
        yield Problem("too_many", "seasons", str(SEASONS_MOST))
    days: set[str] = set()
    for season in seasons:
        own = {day for day in _YEAR if season.holds(day)}
        if season.begin not in _YEAR or season.end not in _YEAR:
            yield Problem("day_unknown", "seasons", f"{season.begin} {season.end}")
        elif own & days:
            yield Problem("seasons_overlap", "seasons", f"{min(own & days)}")
        days |= own


def _hour_problems(rules: RuleSet) -> Iterator[Problem]:
    if len(rules.hours) > HOURS_MOST:
        yield Problem("too_many", "hours", str(HOURS_MOST))
    for each in rules.hours:
        if not each.days or not set(each.days) <= set(range(1, 8)):
            yield Problem("days_missing", "hours")
        if not (0 <= each.begin_min < DAY_MIN and 0 <= each.end_min <= DAY_MIN):
            yield Problem("minute_unknown", "hours")


def _check_problems(rules: RuleSet, facts: PointFacts) -> Iterator[Problem]:
    for name in ("rate", "silence", "flat", "state", "combined"):
        check = getattr(rules, name)
        if check is not None and check.level not in (1, 2, 3, 4):
            yield Problem("level_unknown", name)
    rate = rules.rate
    if rate:
        if rate.rise is None and rate.fall is None:
            yield Problem("rate_without_figure", "rate")
        if any(each is not None and not 0 < each < BIGGEST for each in (rate.rise, rate.fall)):
            yield Problem("rate_not_positive", "rate")
        if not facts.period_s <= rate.over_s <= 86_400:
            yield Problem("span_shorter_than_period", "rate", f"{facts.period_s} s")
    if rules.silence and not facts.period_s <= rules.silence.after_s <= LONGEST_S:
        yield Problem("span_shorter_than_period", "silence", f"{facts.period_s} s")
    if rules.flat and not 2 * facts.period_s <= rules.flat.for_s <= LONGEST_S:
        yield Problem("span_shorter_than_period", "flat", f"{2 * facts.period_s} s")
    if rules.combined and not 0 <= rules.combined.delay_s <= 86_400:
        yield Problem("delay_out_of_bounds", "combined", str(rules.combined.delay_s))


_MONTH_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_YEAR = {f"{month:02}-{day:02}" for month, days in enumerate(_MONTH_DAYS, 1) for day in range(1, days + 1)}
