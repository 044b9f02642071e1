"""Judging readings against limits: delays, deadband, levels and the states of an alarm; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from math import isfinite

GOOD_QUALITIES = frozenset({192, 216})
CONCENTRATION = 3
KIND_OF_MEASURE: Mapping[int, int] = {
    1: 11, 2: 13, 3: 16, 4: 14, 5: 15, 6: 18, 7: 26, 9: 27, 10: 17, 11: 17,
}  # fmt: skip
DEVICE_FAULT = 22
LEVEL_OF_LIMIT: Mapping[str, int] = {"high_high": 1, "low_low": 1, "high": 2, "low": 2}

UNACKNOWLEDGED, ACKNOWLEDGED, RETURNED_UNACKNOWLEDGED, NORMAL = 1, 2, 3, 4
TO_BE_JUDGED, TRUE_ALARM, FALSE_ALARM, DRILL, TEST = 0, 1, 2, 3, 4


@dataclass(frozen=True)
class AlarmFigures:
    """Delays and deadband of one measure; defaults of ISA-18.2, gas as a default of the portal."""

    on_delay_s: float = 15.0
    off_delay_s: float = 15.0
    deadband_share: float = 0.02


# ISA-18.2 suggestions: pressure 15/15 s and 2 %, flow 15/15 and 5 %, level 60/60 and 5 %,
# temperature 60/60 and 1 %; gas 5/60 s and 5 % of its range is a default of the portal.
DEFAULT_FIGURES: Mapping[int, AlarmFigures] = {
    1: AlarmFigures(15, 15, 0.02),
    2: AlarmFigures(15, 15, 0.05),
    3: AlarmFigures(5, 60, 0.05),
    4: AlarmFigures(60, 60, 0.01),
    5: AlarmFigures(60, 60, 0.05),
}
MERGE_WITHIN_S = 30 * 60
LIVE_WITHIN_S = 60 * 60
MAX_DEADBAND_OF_BAND = 0.25
# A delay runs out by the clock only after this time without a value, or three periods of the point:
# a reading on its way must not be overtaken by the timer.
GRACE_S, GRACE_PERIODS = 60, 3
LIMITS_CHECK = "limits"


@dataclass(frozen=True)
class Limits:
    """The limits in force at one point, in its unit; None where there is none."""

    low_low: float | None = None
    low: float | None = None
    high: float | None = None
    high_high: float | None = None
    range_low: float | None = None
    range_high: float | None = None
    period_s: int = 300
    measure: int = 1
    deadband_low: float | None = None  # in unit, above the low limits; None: the measure's share
    deadband_high: float | None = None  # in unit, below the high limits

    def value_of(self, name: str) -> float | None:
        """Return the limit of a name: low_low, low, high or high_high; None for other names."""
        found: float | None = getattr(self, name) if name in LEVEL_OF_LIMIT else None
        return found


@dataclass(frozen=True)
class Watch:
    """What is remembered of a point between batches.

    Without an open alarm `limit_name` is the limit broken since `since_ms`. With one it is the
    graver limit broken since then, or None with `since_ms` set while the value is back.
    `value` at `value_ms` is the last good one.
    """

    limit_name: str | None = None
    since_ms: int | None = None
    open_limit: str | None = None
    peak: float | None = None
    judged_to_ms: int = 0
    value: float | None = None
    value_ms: int | None = None

    @property
    def idle(self) -> bool:
        """Return whether nothing is off normal."""
        return self.limit_name is None and self.open_limit is None


@dataclass(frozen=True)
class Change:
    """One transition found in a series: raise, escalate or clear, with value and worst value."""

    action: str
    at_ms: int
    limit_name: str
    level: int
    value: float
    peak: float
    check: str = LIMITS_CHECK


@dataclass(frozen=True)
class PushedAlarm:
    """An alarm of an enterprise's own system, times aware; key enterprise and `alarm_no`."""

    enterprise_id: int
    alarm_no: str
    kind: int
    level: int
    raised_at: datetime
    point: str | None = None
    object_code: str | None = None
    value: float | None = None
    limit: float | None = None
    text: str | None = None
    cleared_at: datetime | None = None
    disposal: str | None = None
    lon: float | None = None
    lat: float | None = None
    receipt_id: int | None = None


def kind_of(measure: int) -> int:
    """Return the alarm kind of a limit broken by this measure; device fault when there is none."""
    return KIND_OF_MEASURE.get(measure, DEVICE_FAULT)


def broken_limit(limits: Limits, value: float) -> str | None:
    """Return the gravest limit that a value breaks, or None.

    A concentration breaks its limit on reaching it (20 % LEL is already the alarm point,
    GB/T 50493); every other measure on passing it.
    """
    reached = limits.measure == CONCENTRATION
    for name in ("high_high", "low_low", "high", "low"):
        limit = limits.value_of(name)
        if limit is None:
            continue
        beyond = value > limit if name.startswith("high") else value < limit
        if beyond or (reached and value == limit):
            return name
    return None


def deadband(limits: Limits, share: float) -> float:
    """Return the deadband in the point's unit: a share of the range, at most a quarter of the band."""
    span = 0.0
    if limits.range_low is not None and limits.range_high is not None:
        span = limits.range_high - limits.range_low
    low, high = _inner(limits)
    if span <= 0:
        span = high - low if low is not None and high is not None else abs(high or low or 0.0)
    wanted = share * max(span, 0.0)
    if low is not None and high is not None:
        return min(wanted, MAX_DEADBAND_OF_BAND * max(high - low, 0.0))
    return wanted


def deadbands(limits: Limits, share: float) -> tuple[float, float]:
    """Return the deadbands above the low and below the high limits, in the point's unit."""
    common = deadband(limits, share)
    return (
        common if limits.deadband_low is None else limits.deadband_low,
        common if limits.deadband_high is None else limits.deadband_high,
    )


def is_back(limits: Limits, value: float, low_band: float, high_band: float) -> bool:
    """Return whether a value is inside the limits by at least the deadband of each direction."""
    low, high = _inner(limits)
    if broken_limit(limits, value) is not None:
        return False
    return (high is None or value <= high - high_band) and (low is None or value >= low + low_band)


def _inner(limits: Limits) -> tuple[float | None, float | None]:
    lows = [each for each in (limits.low_low, limits.low) if each is not None]
    highs = [each for each in (limits.high, limits.high_high) if each is not None]
    return (max(lows) if lows else None, min(highs) if highs else None)


def effective_delay_s(delay_s: float, period_s: int) -> float:
    """Return the delay that can be kept: none where readings come no faster than the delay."""
    return 0.0 if period_s >= delay_s else delay_s


def worse(limit_name: str, peak: float | None, value: float) -> float:
    """Return the worse of two values on the side of a limit."""
    if peak is None:
        return value
    return max(peak, value) if limit_name.startswith("high") else min(peak, value)


def delays_ms(limits: Limits, figures: AlarmFigures) -> tuple[float, float]:
    """Return the on-delay and the off-delay that can be kept, ms."""
    return (
        effective_delay_s(figures.on_delay_s, limits.period_s) * 1000,
        effective_delay_s(figures.off_delay_s, limits.period_s) * 1000,
    )


def grace_ms(period_s: int) -> int:
    """Return the time without a value after which a delay runs out by the clock, ms."""
    return 1000 * max(GRACE_S, GRACE_PERIODS * period_s)


def judge_series(
    limits: Limits,
    figures: AlarmFigures,
    watch: Watch,
    readings: Iterable[tuple[int, float, int]],
) -> tuple[list[Change], Watch]:
    """Return the transitions of readings (ms, value, quality) in time order, and the new memory.

    Bad quality neither raises nor clears. Cutting a series into batches anywhere changes nothing.
    """
    changes: list[Change] = []
    bands = deadbands(limits, figures.deadband_share)
    on_ms, off_ms = delays_ms(limits, figures)
    for at_ms, value, quality in readings:
        change, watch = expired(limits, figures, watch, at_ms)
        if change:
            changes.append(change)
        if quality in GOOD_QUALITIES and isfinite(value):
            # What the clock decided for a later instant is not taken back to an earlier one.
            known_ms = max(at_ms, watch.value_ms or at_ms)
            if watch.open_limit is None:
                change, watch = _while_normal(limits, watch, known_ms, value, on_ms)
            else:
                watch = replace(watch, peak=worse(watch.open_limit, watch.peak, value))
                name = broken_limit(limits, value)
                if name is None:
                    back = is_back(limits, value, *bands)
                    change, watch = _while_inside(watch, known_ms, value, back=back, off_ms=off_ms)
                else:
                    change, watch = _while_broken(watch, name, known_ms, value, on_ms)
            watch = replace(watch, value=value, value_ms=known_ms)
            if change:
                changes.append(change)
        watch = replace(watch, judged_to_ms=max(watch.judged_to_ms, at_ms))
    return changes, watch


def expired(
    limits: Limits, figures: AlarmFigures, watch: Watch, at_ms: int
) -> tuple[Change | None, Watch]:
    """Return the transition of a delay that ran out without a new value, and the new memory.

    Asked at every reading and by the clock: both find the same instant, since plus delay.
    """
    if watch.since_ms is None or watch.value is None or watch.value_ms is None:
        return None, watch
    on_ms, off_ms = delays_ms(limits, figures)
    grace = grace_ms(limits.period_s)
    due_ms = round(watch.since_ms + (on_ms if watch.limit_name else off_ms))
    if at_ms - watch.value_ms <= grace or at_ms < due_ms + grace:
        return None, watch
    due_ms = max(due_ms, watch.value_ms)
    value, watch = watch.value, replace(watch, value_ms=due_ms)
    if watch.limit_name and watch.open_limit is None:
        return _raised(watch, watch.limit_name, due_ms, value)
    if watch.limit_name:
        return _escalated(watch, watch.limit_name, due_ms, value)
    return _ended(watch, due_ms, value) if watch.open_limit else (None, watch)


def _raised(watch: Watch, name: str, at_ms: int, value: float) -> tuple[Change, Watch]:
    change = Change("raise", at_ms, name, LEVEL_OF_LIMIT[name], value, value)
    return change, replace(watch, limit_name=None, since_ms=None, open_limit=name, peak=value)


def _escalated(watch: Watch, name: str, at_ms: int, value: float) -> tuple[Change, Watch]:
    peak = worse(name, None, value)
    change = Change("escalate", at_ms, name, LEVEL_OF_LIMIT[name], value, peak)
    return change, replace(watch, limit_name=None, since_ms=None, open_limit=name, peak=peak)


def _ended(watch: Watch, at_ms: int, value: float) -> tuple[Change, Watch]:
    name = watch.open_limit or "high"
    peak = watch.peak if watch.peak is not None else value
    change = Change("clear", at_ms, name, LEVEL_OF_LIMIT[name], value, peak)
    return change, replace(watch, limit_name=None, since_ms=None, open_limit=None, peak=None)


def _while_normal(
    limits: Limits, watch: Watch, at_ms: int, value: float, on_ms: float
) -> tuple[Change | None, Watch]:
    name = broken_limit(limits, value)
    if name is None:
        return None, replace(watch, limit_name=None, since_ms=None)
    since = watch.since_ms if watch.limit_name else None
    since = at_ms if since is None else since
    if at_ms - since < on_ms:
        return None, replace(watch, limit_name=name, since_ms=since)
    return _raised(watch, name, at_ms, value)


def _while_broken(
    watch: Watch, name: str, at_ms: int, value: float, on_ms: float
) -> tuple[Change | None, Watch]:
    if LEVEL_OF_LIMIT[name] >= LEVEL_OF_LIMIT[watch.open_limit or name]:
        return None, replace(watch, limit_name=None, since_ms=None)
    since = watch.since_ms if watch.limit_name and watch.since_ms is not None else at_ms
    if at_ms - since < on_ms:
        return None, replace(watch, limit_name=name, since_ms=since)
    return _escalated(watch, name, at_ms, value)


def _while_inside(
    watch: Watch, at_ms: int, value: float, *, back: bool, off_ms: float
) -> tuple[Change | None, Watch]:
    returning = watch.limit_name is None and watch.since_ms is not None
    if not back and not returning:
        return None, replace(watch, limit_name=None, since_ms=None)
    since = watch.since_ms if returning and watch.since_ms is not None else at_ms
    if at_ms - since < off_ms:
        return None, replace(watch, limit_name=None, since_ms=since)
    return _ended(watch, at_ms, value)


def state_of(*, acknowledged: bool, cleared: bool) -> int:
    """Return the alarm state: 1 unacknowledged, 2 acknowledged, 3 returned, 4 normal."""
    if cleared:
        return NORMAL if acknowledged else RETURNED_UNACKNOWLEDGED
    return ACKNOWLEDGED if acknowledged else UNACKNOWLEDGED


def is_live(*, at_ms: int, judged_to_ms: int, backfilled: bool, now_ms: int) -> bool:
    """Return whether a reading counts for the present: neither late nor judged."""
    return (
        not backfilled and at_ms > judged_to_ms and now_ms - at_ms <= LIVE_WITHIN_S * 1000
    )
