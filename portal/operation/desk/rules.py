"""Judging many alarms at once: one cause for several, floods, chattering and the bands of EEMUA-191; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import cos, hypot, radians

SILENT_KINDS = frozenset({20, 21})
EARTH_M_PER_DEGREE = 111_320.0


@dataclass(frozen=True)
class Figures:
    """The figures of the desk: parameters `alarm.*`, with the defaults of ISA-18.2, EEMUA-191 and the domain notes."""

    group_object_min: float = 30
    group_near_m: float = 200
    group_near_min: float = 10
    flood_count: float = 10
    flood_window_min: float = 10
    rate_acceptable: float = 6
    rate_manageable: float = 12
    stale_h: float = 24
    stale_most: float = 5
    chatter_count: float = 3
    chatter_window_min: float = 30
    mix_critical: float = 0.05
    mix_major: float = 0.15
    mix_minor: float = 0.8
    shelve_most_h: float = 8
    maintenance_most_h: float = 720
    lock_most_h: float = 72


@dataclass(frozen=True)
class Standing:
    """An open alarm as grouping sees it; place in degrees."""

    alarm_id: int
    enterprise_id: int
    kind: int
    level: int
    raised_at: datetime
    object_code: str | None = None
    lon_lat: tuple[float, float] | None = None
    root_id: int | None = None
    silent_root_id: int | None = None


@dataclass(frozen=True)
class Joined:
    """That an alarm belongs under a root, and by which rule: silence, object or near."""

    alarm_id: int
    root_id: int
    why: str


def distance_m(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Return the distance of two places in metres on a local plane; good to a metre over a few hundred."""
    east = (other[0] - one[0]) * EARTH_M_PER_DEGREE * cos(radians((one[1] + other[1]) / 2))
    return hypot(east, (other[1] - one[1]) * EARTH_M_PER_DEGREE)


def joined(standing: Sequence[Standing], figures: Figures) -> list[Joined]:
    """Return the alarms that newly belong under another one.

    A root is never under a root itself. First rule that fits: an alarm of silence goes under the alarm of the
    wider outage; an alarm of the same object and kind within 30 minutes under the first; an alarm of the same
    enterprise within 200 m and 10 minutes under the first (domain 2.6). Silence never stands for a place.
    """
    roots = {each.alarm_id: each for each in standing if each.root_id is None}
    has_members = {each.root_id for each in standing if each.root_id is not None}
    found: list[Joined] = []
    under: set[int] = set()
    for each in sorted(roots.values(), key=lambda one: (one.raised_at, one.alarm_id)):
        if each.alarm_id in has_members:
            continue
        root, why = _root_of(each, roots, under, figures)
        if root is not None:
            found.append(Joined(each.alarm_id, root, why))
            under.add(each.alarm_id)
            has_members.add(root)
    return found


def _root_of(
    each: Standing, roots: Mapping[int, Standing], under: set[int], figures: Figures
) -> tuple[int | None, str]:
    if each.silent_root_id is not None and each.silent_root_id != each.alarm_id:
        if each.silent_root_id in roots and each.silent_root_id not in under:
            return each.silent_root_id, "silence"
        return None, ""
    if each.kind in SILENT_KINDS:
        return None, ""
    earlier = [
        one for one in roots.values()
        if (one.raised_at, one.alarm_id) < (each.raised_at, each.alarm_id)
        and one.alarm_id not in under and one.enterprise_id == each.enterprise_id and one.kind not in SILENT_KINDS
    ]  # fmt: skip
    for one in sorted(earlier, key=lambda root: (root.raised_at, root.alarm_id)):
        gap = each.raised_at - one.raised_at
        same = each.object_code is not None and each.object_code == one.object_code and each.kind == one.kind
        if same and gap <= timedelta(minutes=figures.group_object_min):
            return one.alarm_id, "object"
        soon = gap <= timedelta(minutes=figures.group_near_min)
        if soon and each.lon_lat and one.lon_lat and distance_m(each.lon_lat, one.lon_lat) <= figures.group_near_m:
            return one.alarm_id, "near"
    return None, ""


@dataclass(frozen=True)
class Flood:
    """A stretch of time with more alarms than an operator can read."""

    begin: datetime
    end: datetime
    alarms: int
    most_in_window: int


def floods(raised: Sequence[datetime], figures: Figures) -> list[Flood]:
    """Return the floods among instants in order: more than 10 in 10 minutes begins one.

    It ends with the last alarm that still had that many before it in the window.
    """
    window, most = timedelta(minutes=figures.flood_window_min), int(figures.flood_count)
    found: list[Flood] = []
    begin: int | None = None
    first, last, peak = 0, 0, 0
    for place, at in enumerate(raised):
        while raised[first] <= at - window:
            first += 1
        count = place - first + 1
        if count > most:
            if begin is None or first > last:
                if begin is not None:
                    found.append(Flood(raised[begin], raised[last], last - begin + 1, peak))
                begin, peak = first, 0
            last, peak = place, max(peak, count)
    if begin is not None:
        found.append(Flood(raised[begin], raised[last], last - begin + 1, peak))
    return found


def chatters(raised: Sequence[datetime], figures: Figures) -> bool:
    """Return whether an alarm came so often within the window that it chatters; instants in order."""
    need = int(figures.chatter_count)
    window = timedelta(minutes=figures.chatter_window_min)
    return any(raised[place + need - 1] - raised[place] <= window for place in range(len(raised) - need + 1))


def band_of(rate_per_h: float, figures: Figures) -> str:
    """Return the band of a rate per operator hour: acceptable, manageable or overloaded (EEMUA-191)."""
    if rate_per_h <= figures.rate_acceptable:
        return "acceptable"
    return "manageable" if rate_per_h <= figures.rate_manageable else "overloaded"


