"""Judgements on devices: steps of their life, hours in each state, versions, calibration; pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from itertools import pairwise

PLANNED, BUILDING, IN_USE, STANDBY, STOPPED, REPAIR, ABANDONED, REMOVED = range(8)
ALIVE = (IN_USE, STANDBY)

# A device is registered, installed, then used; what was removed never comes back: a new one replaces it.
_NEXT: Mapping[int, frozenset[int]] = {
    PLANNED: frozenset({BUILDING, REMOVED}),
    BUILDING: frozenset({IN_USE, STANDBY, REMOVED}),
    IN_USE: frozenset({STANDBY, STOPPED, REPAIR, ABANDONED, REMOVED}),
    STANDBY: frozenset({IN_USE, STOPPED, REPAIR, ABANDONED, REMOVED}),
    STOPPED: frozenset({IN_USE, STANDBY, REPAIR, ABANDONED, REMOVED}),
    REPAIR: frozenset({IN_USE, STANDBY, STOPPED, ABANDONED, REMOVED}),
    ABANDONED: frozenset({REMOVED}),
    REMOVED: frozenset(),
}
# Which counter the time in a status belongs to; before use and after the end no counter runs.
_COUNTER: Mapping[int, str] = {IN_USE: "run_h", STANDBY: "standby_h", REPAIR: "repair_h", STOPPED: "stopped_h"}
COUNTERS = ("run_h", "standby_h", "repair_h", "stopped_h")

_PARTS = re.compile(r"\d+|[a-z]+")


def may_follow(before: int, after: int) -> bool:
    """Return whether a device may go from one status of its life to another; staying is no step."""
    return before == after or after in _NEXT.get(before, frozenset())


def hours_by_status(steps: Sequence[tuple[datetime, int]], now: datetime) -> dict[str, float]:
    """Return the hours a device spent running, standing by, in maintenance and stopped.

    `steps` are instant and status in order of time. Their sum is the time from first use to its end or now.
    """
    hours = dict.fromkeys(COUNTERS, 0.0)
    for (begin, status), (end, _) in pairwise([*steps, (now, REMOVED)]):
        name = _COUNTER.get(status)
        if name is not None and end > begin:
            hours[name] += (end - begin).total_seconds() / 3600
    return hours


def version_key(version: str) -> tuple[tuple[int, int, str], ...]:
    """Return what orders versions: numbers by their value, words by the alphabet; a leading v says nothing."""
    parts = _PARTS.findall(version.strip().lower().removeprefix("v"))
    return tuple((1, int(part), "") if part.isdigit() else (0, 0, part) for part in parts)


def is_behind(version: str | None, target: str) -> bool:
    """Return whether a reported version lies before the target; an unknown version does."""
    return version is None or version_key(version) < version_key(target)


def progress_of(counts: Iterable[tuple[str | None, int | None, int]], target: str) -> dict[str, int]:
    """Return devices in all, arrived, behind and failed of (version, upgrade result, devices)."""
    found = {"all": 0, "arrived": 0, "behind": 0, "failed": 0}
    for version, result, devices in counts:
        found["all"] += devices
        if is_behind(version, target):
            found["behind"] += devices
            found["failed"] += devices if result == 2 else 0
        else:
            found["arrived"] += devices
    return found


def due_state(due_on: date | None, today: date, warn_days: int) -> str:
    """Return overdue, soon, valid, or nothing when no day is known."""
    if due_on is None:
        return ""
    left = (due_on - today).days
    if left < 0:
        return "overdue"
    return "soon" if left <= warn_days else "valid"


def kept_until(replaced_on: date | None, years: int) -> date | None:
    """Return the day until which the certificates of a replaced device are kept; None while it is in place."""
    if replaced_on is None:
        return None
    try:
        return replaced_on.replace(year=replaced_on.year + years)
    except ValueError:  # 29 February
        return replaced_on.replace(year=replaced_on.year + years, month=3, day=1)
