"""Which point fills which instrument of a picture, and in what state its value is; pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from portal.operation.stations.pictures import Slot
from portal.operation.telemetry.rules import GOOD, is_silent

NUMBER = re.compile(r"(\d+)$")
# Nothing moves below this share of the range: noise of a closed meter.
STILL_SHARE = 0.005
GOOD_STATE, BAD, STALE, NONE = "good", "bad", "stale", "none"


@dataclass(frozen=True)
class Candidate:
    """A point that may fill an instrument; `own` is false for points of the station's regulators."""

    id: int
    measure: int
    name: str
    code: str
    own: bool = True


def bound(slots: Sequence[Slot], points: Sequence[Candidate], decided: Mapping[str, int | None]) -> dict[str, int]:
    """Return slot -> point. What a person decided stands first, even that there is none.

    Else a point of the slot's measure whose name holds one of its words, the first word best; then, where the slot
    takes any point of its measure, one that is left over. Equals go by the number at the end of the standard code
    (`….PI.01`), the station's own points before those of its regulators. A point fills one slot.
    """
    known = {each.id for each in points}
    found = {key: number for key, number in decided.items() if number in known}
    taken = set(found.values())
    open_slots = [slot for slot in slots if slot.key not in decided]
    for slot in open_slots:
        fitting = [
            (rank, not each.own, _serial(each.code), each.id)
            for each in points
            if each.measure == slot.measure and each.id not in taken and (rank := _rank(each.name, slot.names)) is not None
        ]
        if fitting:
            found[slot.key] = min(fitting)[-1]
            taken.add(found[slot.key])
    for slot in open_slots:
        if slot.any and slot.key not in found:
            left = [(not p.own, _serial(p.code), p.id) for p in points if p.measure == slot.measure and p.id not in taken]
            if left:
                found[slot.key] = min(left)[-1]
                taken.add(found[slot.key])
    return found


def _rank(name: str, words: Sequence[str]) -> int | None:
    return next((place for place, word in enumerate(words) if word in name), None)


def _serial(code: str) -> int:
    found = NUMBER.search(code)
    return int(found.group(1)) if found else 0


def state_of(last_at: datetime | None, quality: int | None, value: float | None, period_s: int, now: datetime) -> str:
    """Return good, stale, bad or none; a value that is both old and bad is stale: its age says more."""
    if last_at is None:
        return NONE
    if is_silent(last_at, period_s, now):
        return STALE
    return GOOD_STATE if quality in GOOD and value is not None else BAD


def filled_share(value: float | None, low: float | None, high: float | None) -> float | None:
    """Return where a value lies in its range, 0 to 1; None without a range."""
    if value is None or low is None or high is None or high <= low:
        return None
    return min(1.0, max(0.0, (value - low) / (high - low)))


def moves(value: float | None, state: str, low: float | None, high: float | None) -> bool:
    """Return whether gas flows for certain: a good flow above the noise of a closed meter."""
    if state != GOOD_STATE or value is None:
        return False
    span = (high or 0.0) - (low or 0.0)
    return value > STILL_SHARE * span if span > 0 else value > 0


def shown_digits(low: float | None, high: float | None) -> int:
    """Return the decimals that show a thousandth of a range."""
    span = (high if high is not None else 100.0) - (low or 0.0)
    return 3 if span <= 10 else 1 if span <= 1000 else 0
