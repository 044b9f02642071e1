"""Where data stopped: silence judged by what each point declares, located at the highest common level; pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median, quantiles

POINT, DEVICE, GATEWAY, LINK, CLOCK = 1, 2, 3, 4, 5
COMMUNICATION_LOST, STALE_DATA = 20, 21
MINOR, NOTICE = 3, 4
BATTERY, SOLAR = 2, 3
BACK_FILLED = 1
CLOCK_POINTS, CLOCK_SHARE = 3, 0.5
Key = tuple[int, int]


@dataclass(frozen=True)
class Figures:
    """The adjustable limits: parameters `outage.*`, else these defaults."""

    point_periods: float = 3
    point_least_s: float = 300
    battery_heartbeats: float = 2
    link_s: float = 600
    clock_s: float = 60
    filled_share: float = 0.95


@dataclass(frozen=True)
class Heard:
    """When a point was last heard: source and receipt time, what it declares, and through what it sends."""

    point_id: int
    last_at: datetime
    received_at: datetime
    period_s: int
    flag: int = 0
    device_id: int | None = None
    gateway_id: int | None = None
    power: int | None = None
    heartbeat_s: int | None = None
    at_gate: bool = False


@dataclass(frozen=True)
class Fault:
    """Silence, or a wrong clock, at one place of the tree: enterprise link or clock, gateway, device, point."""

    level: int
    subject_id: int
    point_ids: tuple[int, ...]
    devices: int
    began_at: datetime
    limit_s: int
    alarm_after_s: int
    at_gate: bool = False
    skew_s: float | None = None

    @property
    def key(self) -> Key:
        """Return what tells this fault from others of its enterprise."""
        return self.level, self.subject_id

    @property
    def alarm_kind(self) -> int:
        """Return the code alarm_kind: communication lost of links and gateways, stale data of what lies below."""
        return COMMUNICATION_LOST if self.level in (GATEWAY, LINK) else STALE_DATA

    @property
    def alarm_level(self) -> int:
        """Return the code alarm_level: a notice, one graver when a gate station is concerned."""
        return MINOR if self.at_gate else NOTICE

    def alarm_due(self, since: datetime, now: datetime) -> bool:
        """Return whether it has lasted long enough for an alarm; `since` is when the portal began to watch, or the fault."""
        return (now - max(since, self.began_at)).total_seconds() > self.alarm_after_s


def limit_of(point: Heard, figures: Figures) -> int:
    """Return after how many seconds without data a point is silent.

    Three periods and at least five minutes; a battery device with a heartbeat: two heartbeats.
    """
    if point.power in (BATTERY, SOLAR) and point.heartbeat_s:
        return round(max(figures.battery_heartbeats * point.heartbeat_s, figures.point_least_s))
    return round(max(figures.point_periods * point.period_s, figures.point_least_s))


def link_limit_of(points: Iterable[Heard], figures: Figures) -> int:
    """Return after how many seconds without any data an enterprise's link is down."""
    return round(max(figures.link_s, 2 * min(each.period_s for each in points)))


def clock_of(points: Sequence[Heard], now: datetime, figures: Figures) -> tuple[float, tuple[Heard, ...]] | None:
    """Return source minus portal clock, s, and the points that show it; None while the clock seems right.

    Data arrive, yet all their times are wrong by the same: half of the points at least, and three of them.
    A delay only counts as a wrong clock where it makes data look silent; times ahead always do.
    """
    shown = [each for each in points if _arrives(each, now, figures) and _is_off(each, now, figures)]
    if len(shown) < max(CLOCK_POINTS, CLOCK_SHARE * len(points)):
        return None
    skews = [(each.last_at - each.received_at).total_seconds() for each in shown]
    tenths = quantiles(skews, n=10)
    if tenths[-1] - tenths[0] > figures.clock_s:
        return None
    return median(skews), tuple(shown)


def _arrives(point: Heard, now: datetime, figures: Figures) -> bool:
    return point.flag != BACK_FILLED and (now - point.received_at).total_seconds() <= limit_of(point, figures)


def _is_off(point: Heard, now: datetime, figures: Figures) -> bool:
    ahead = (point.last_at - point.received_at).total_seconds()
    return ahead > figures.clock_s or (now - point.last_at).total_seconds() > limit_of(point, figures)


def locate(
    points: Sequence[Heard],
    now: datetime,
    figures: Figures,
    watching_since: datetime | None = None,
    *,
    whole: bool = True,
) -> list[Fault]:
    """Return the faults of one enterprise, each at the highest level that explains its silence.

    Silence only counts from when the portal itself was watching. `whole` says that these are all of
    its points, so that their silence can be the link's.
    """
    if not points:
        return []

    def silent(each: Heard) -> bool:
        heard = max(each.last_at, watching_since) if watching_since else each.last_at
        return (now - heard).total_seconds() > limit_of(each, figures)

    quiet = {each.point_id for each in points if silent(each)}
    link = _link_fault(points, quiet, now, figures, watching_since) if whole else None
    if link is not None:
        return [link]
    by_gateway: dict[int, list[Heard]] = defaultdict(list)
    rest: list[Heard] = []
    for each in points:
        (by_gateway[each.gateway_id] if each.gateway_id is not None else rest).append(each)
    faults: list[Fault] = []
    for gateway_id, group in by_gateway.items():
        devices = {each.device_id for each in group}
        if len(devices) > 1 and all(each.point_id in quiet for each in group):
            limit = max(limit_of(each, figures) for each in group)
            faults.append(_fault(GATEWAY, gateway_id, group, limit, round(max(limit, figures.link_s))))
        else:
            rest += group
    return faults + _lower_faults(rest, quiet, figures)


def _link_fault(
    points: Sequence[Heard], quiet: set[int], now: datetime, figures: Figures, watching_since: datetime | None
) -> Fault | None:
    if len(points) < 2:
        return None
    newest = max(each.last_at for each in points)
    heard = max(newest, watching_since) if watching_since else newest
    limit = link_limit_of(points, figures)
    if len(quiet) < len(points) and (now - heard).total_seconds() <= limit:
        return None
    return _fault(LINK, 0, points, limit, limit)


def _lower_faults(points: Sequence[Heard], quiet: set[int], figures: Figures) -> list[Fault]:
    by_device: dict[int, list[Heard]] = defaultdict(list)
    single = [each for each in points if each.device_id is None and each.point_id in quiet]
    for each in points:
        if each.device_id is not None:
            by_device[each.device_id].append(each)
    faults = []
    for device_id, group in by_device.items():
        silent = [each for each in group if each.point_id in quiet]
        if silent and len(silent) == len(group):
            limit = max(limit_of(each, figures) for each in group)
            faults.append(_fault(DEVICE, device_id, group, limit, limit + max(each.period_s for each in group)))
        else:
            single += silent
    for each in single:
        limit = limit_of(each, figures)
        faults.append(_fault(POINT, each.point_id, [each], limit, limit + each.period_s))
    return faults


def _fault(level: int, subject_id: int, group: Sequence[Heard], limit_s: int, alarm_after_s: int) -> Fault:
    return Fault(
        level,
        subject_id,
        tuple(each.point_id for each in group),
        len({each.device_id for each in group if each.device_id is not None}),
        max(each.last_at for each in group),
        limit_s,
        alarm_after_s,
        any(each.at_gate for each in group),
    )


def clock_fault(skew_s: float, shown: Sequence[Heard], since: datetime, figures: Figures) -> Fault:
    """Return the fault of a wrong source clock."""
    points = tuple(each.point_id for each in shown)
    gate = any(each.at_gate for each in shown)
    return Fault(CLOCK, 0, points, 0, since, round(figures.clock_s), 0, gate, skew_s)


def parents_of(level: int, device_id: int | None, gateway_id: int | None) -> list[Key]:
    """Return the keys of the places above one, the widest first."""
    above: list[Key] = [(LINK, 0)]
    if level < GATEWAY and gateway_id is not None:
        above.append((GATEWAY, gateway_id))
    if level < DEVICE and device_id is not None:
        above.append((DEVICE, device_id))
    return [key for key in above if key[0] > level]


def waits(returning_at: datetime, limit_s: int, now: datetime) -> bool:
    """Return whether the others behind a cause are still waited for after the first of them came back."""
    return now - returning_at <= timedelta(seconds=limit_s)


def is_filled(lost: int, filled: int, figures: Figures) -> bool:
    """Return whether later data have closed the gap of an outage."""
    return lost > 0 and filled >= figures.filled_share * lost
