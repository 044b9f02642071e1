"""Judgements on counters of gas meters; pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

# A counter that begins anew was near its end before and is near its begin afterwards.
NEAR_END, NEAR_BEGIN = 0.9, 0.1
# Diaphragm meters for natural gas are replaced after ten years (JJG 577).
DIAPHRAGM_KINDS = frozenset({1, 2, 3, 4})
DIAPHRAGM_YEARS = 10
FELL, TOO_FAST = "MTR-1", "MTR-2"


@dataclass(frozen=True)
class Counted:
    """A counter reading beside the one before: m³, digits of the counter, hours between, largest flow m³/h."""

    before: float
    after: float
    digits: int
    hours: float
    qmax_m3_per_h: float | None = None


def used_m3(counted: Counted) -> float | None:
    """Return the gas between two readings, m³, over the begin of the counter where it began anew; None when it fell."""
    if counted.after >= counted.before:
        return counted.after - counted.before
    whole = 10.0**counted.digits
    if counted.before >= NEAR_END * whole and counted.after <= NEAR_BEGIN * whole:
        return whole - counted.before + counted.after
    return None


def breach_of(counted: Counted) -> str | None:
    """Return the rule two readings break: the counter fell, or more gas than the meter can pass; None for neither."""
    used = used_m3(counted)
    if used is None:
        return FELL
    if counted.qmax_m3_per_h and counted.hours > 0 and used > counted.qmax_m3_per_h * counted.hours:
        return TOO_FAST
    return None


def lasts_too_long(kind: int, installed_on: date | None, expires_on: date | None) -> bool:
    """Return whether a diaphragm meter is to stay longer than its ten years."""
    if kind not in DIAPHRAGM_KINDS or installed_on is None or expires_on is None:
        return False
    return (expires_on - installed_on).days > DIAPHRAGM_YEARS * 366
