"""A month of what enterprises file: patrols, checks, hidden dangers, works, incidents, readiness, monthly figures.

Made from the enterprise's key and its own network and users, so that every installation tells the same story.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from ingestion_adapters.demo.filed_words import (
    BUILDERS,
    DANGERS,
    EVENTS,
    PROJECTS,
    SURNAMES,
    USER_DANGERS,
)
from portal.core.clock import local

DAYS = 30
HARD_HAT_HOURS = (8, 17)
Row = dict[str, Any]


@dataclass(frozen=True)
class Spot:
    """An object of the network and a place on it."""

    code: str
    lon: float
    lat: float
    road: str


@dataclass(frozen=True)
class Ground:
    """What an enterprise's records are about: pipes, regulators, users by number, and its size from 1 up."""

    key: str
    pipes: list[Spot]
    regulators: list[Spot]
    users: list[str]
    size: float


@dataclass(frozen=True)
class Batch:
    """Rows of one dataset as they were sent at one instant."""

    dataset: str
    at: datetime
    rows: list[Row]


def batches(ground: Ground, now: datetime) -> Iterator[Batch]:
    """Yield an enterprise's month of batches, oldest first within each dataset."""
    luck = random.Random(f"filed {ground.key}")
    yield from _patrols(ground, now, luck)
    yield from _checks(ground, now, luck)
    yield from _dangers(ground, now, luck)
    yield from _works(ground, now, luck)
    yield from _incidents(ground, now, luck)


def _who(luck: random.Random) -> str:
    return f"{luck.choice(SURNAMES)}*"


def _day(now: datetime, back: int, hour: int, minute: int = 0) -> datetime:
    at = local(now) - timedelta(days=back)
    return at.replace(hour=hour, minute=minute, second=0, microsecond=0)


def _stamp(at: datetime) -> str:
    return local(at).isoformat(timespec="seconds")


def _patrols(ground: Ground, now: datetime, luck: random.Random) -> Iterator[Batch]:
    for back in range(DAYS, 0, -1):
        rows = [_patrol(ground, _day(now, back, 8), number, luck) for number in range(round(6 * ground.size))]
        slow = timedelta(days=2) if luck.random() < 0.06 else timedelta()
        sent = _day(now, back, 18) + slow
        if sent < now:
            yield Batch("PAT", sent, rows)


def _patrol(ground: Ground, morning: datetime, number: int, luck: random.Random) -> Row:
    kind = luck.choices((1, 2, 4, 6), (60, 22, 14, 4))[0]
    spot = luck.choice(ground.regulators if kind == 4 and ground.regulators else ground.pipes)
    begun = morning + timedelta(minutes=luck.randint(0, 150))
    planned = round(luck.uniform(2.5, 9.0), 2)
    done = round(planned * luck.choices((1.0, 0.97, 0.84), (70, 22, 8))[0], 2)
    leaks = 1 if kind == 2 and luck.random() < 0.05 else 0
    return {
        "task_no": f"XJ{morning:%Y%m%d}-{number + 1:03d}",
        "kind": kind,
        "begun_at": _stamp(begun),
        "ended_at": _stamp(begun + timedelta(minutes=round(done * luck.uniform(18, 32)))),
        "status": 3,
        "method": 4 if kind == 2 else luck.choices((1, 2), (80, 20))[0],
        "inspector": _who(luck),
        "team": f"{luck.choice('东南西北')}区巡检班",
        "route": f"{spot.road}沿线",
        "object_code": spot.code,
        "lon": spot.lon,
        "lat": spot.lat,
        "planned_km": planned,
        "patrolled_km": done,
        "valid_km": round(done * luck.uniform(0.95, 1.0), 2),
        "points_planned_n": 8,
        "points_done_n": luck.choices((8, 7), (90, 10))[0],
        "findings_n": luck.choices((0, 1, 2), (80, 16, 4))[0],
        "leaks_n": leaks,
        "most_ppm": round(luck.uniform(900, 6000)) if leaks else (round(luck.uniform(1, 6), 1) if kind == 2 else None),
    }


def _checks(ground: Ground, now: datetime, luck: random.Random) -> Iterator[Batch]:
    if not ground.users:
        return
    for back in range(DAYS, 0, -1):
        if _day(now, back, 9).weekday() == 6:
            continue
        rows = [_check(ground, _day(now, back, 9), number, luck) for number in range(round(24 * ground.size))]
        yield Batch("CHK", _day(now, back, 19), rows)


def _check(ground: Ground, morning: datetime, number: int, luck: random.Random) -> Row:
    at = morning + timedelta(minutes=luck.randint(0, 480))
    result = luck.choices((1, 2, 3, 4), (70, 14, 14, 2))[0]
    row: Row = {
        "check_no": f"AJ{morning:%Y%m%d}-{number + 1:04d}",
        "user_no": luck.choice(ground.users),
        "checked_at": _stamp(at),
        "result": result,
        "inspector": _who(luck),
    }
    if result in (3, 4):
        return row | {"notice_given": True}
    dangers = sorted(luck.sample(USER_DANGERS, luck.choices((1, 2), (80, 20))[0])) if result == 2 else []
    return row | {
        "hazards_n": len(dangers),
        "hazards": dangers,
        "fixed_n": luck.randint(0, len(dangers)),
        "environment_ok": True,
        "pipe_ok": 19 not in dangers and 12 not in dangers,
        "meter_ok": 20 not in dangers,
        "appliance_ok": not {13, 14, 15} & set(dangers),
        "safety_device_ok": 17 not in dangers,
        "tightness_ok": 11 not in dangers,
        "notice_given": bool(dangers),
        "signed": True,
        "next_check_on": (at.date() + timedelta(days=365)).isoformat(),
    }


def _dangers(ground: Ground, now: datetime, luck: random.Random) -> Iterator[Batch]:
    for number in range(round(26 * ground.size)):
        back = luck.uniform(0.3, DAYS)
        found = local(now) - timedelta(days=back)
        row = _danger(ground, found, number, luck)
        delay = timedelta(minutes=luck.choices((25, 50, 200), (45, 47, 8))[0])
        yield Batch("HAZ", found + delay, [row])
        end = _danger_end(row, found, now, luck)
        if end is not None:
            yield end


def _danger(ground: Ground, found: datetime, number: int, luck: random.Random) -> Row:
    level = luck.choices((1, 2, 3), (68, 27, 5))[0]
    category, sub, words, measures = luck.choice(DANGERS)
    spot = luck.choice(ground.pipes)
    days = {1: 7, 2: 3, 3: 1}[level]
    row: Row = {
        "hazard_no": f"YH{found:%Y%m%d}-{number + 1:03d}",
        "level": level,
        "source": luck.choices((1, 2, 3, 7, 5), (30, 40, 10, 12, 8))[0],
        "category": category,
        "sub_category": sub,
        "description": f"{spot.road}：{words}",
        "found_at": _stamp(found),
        "status": 4,
        "object_code": spot.code,
        "lon": spot.lon,
        "lat": spot.lat,
        "place": f"{spot.road}",
        "deadline": (found.date() + timedelta(days=days)).isoformat(),
        "responsible": _who(luck),
        "measures": measures,
        "funds_wan": round(luck.uniform(0.1, 6.0), 1),
    }
    if level == 3:
        row |= {
            "major_item": 61,
            "interim_control": "设警戒带，专人值守，每日检测两次",
            "emergency_plan": "管道泄漏专项预案",
        }
    return row


def _danger_end(row: Row, found: datetime, now: datetime, luck: random.Random) -> Batch | None:
    """Return the message that closes a danger: most in time, some late, some not yet."""
    days = {1: 7, 2: 3, 3: 1}[row["level"]]
    cured = found + timedelta(days=days * luck.choices((0.55, 0.9, 1.6), (60, 28, 12))[0])
    if cured + timedelta(hours=6) > local(now) or luck.random() < 0.06:
        return None
    closing = {
        "status": 8,
        "rectification": "已按措施整改，复测合格",
        "rectified_at": _stamp(cured),
        "verifier": _who(luck),
        "verified_at": _stamp(cured + timedelta(hours=3)),
        "closed_at": _stamp(cured + timedelta(hours=4)),
    }
    return Batch("HAZ", cured + timedelta(hours=5), [row | closing])


def _works(ground: Ground, now: datetime, luck: random.Random) -> Iterator[Batch]:
    for number in range(round(11 * ground.size)):
        found = _day(now, luck.randint(1, DAYS), luck.randint(*HARD_HAT_HOURS), luck.randint(0, 59))
        row, length = _site(ground, found, number, luck)
        delay = timedelta(minutes=luck.choices((40, 90, 300), (50, 40, 10))[0])
        yield Batch("EXC", found + delay, [row])
        ended = found + timedelta(days=length)
        if ended < local(now):
            done = {"status": 7, "completed_at": _stamp(ended), "closed_at": _stamp(ended + timedelta(hours=3))}
            yield Batch("EXC", ended + timedelta(hours=4), [row | done])


def _site(ground: Ground, found: datetime, number: int, luck: random.Random) -> tuple[Row, int]:
    spot, length = luck.choice(ground.pipes), luck.randint(4, 40)
    planned, unreported = luck.random() < 0.82, luck.random() < 0.08
    row: Row = {
        "site_no": f"SG{found:%Y%m%d}-{number + 1:02d}",
        "project": f"{spot.road}{luck.choice(PROJECTS)}",
        "method": luck.choices((1, 2, 3, 4, 5), (20, 52, 14, 6, 8))[0],
        "found_at": _stamp(found),
        "status": 1 if unreported else (5 if planned else 3),
        "begins_on": found.date().isoformat(),
        "ends_on": (found.date() + timedelta(days=length - luck.choice((0, 0, 3)))).isoformat(),
        "builder": luck.choice(BUILDERS),
        "contact": _who(luck),
        "contact_phone": f"13{luck.randint(0, 9)}****{luck.randint(1000, 9999)}",
        "lon": round(spot.lon + luck.uniform(-8e-5, 8e-5), 6),
        "lat": round(spot.lat + luck.uniform(-8e-5, 8e-5), 6),
        "object_code": spot.code,
        "place": spot.road,
        "distance_m": round(luck.uniform(0.6, 12), 1),
        "depth_m": round(luck.uniform(0.8, 4.5), 1),
        "disclosed": not unreported,
        "plan_signed": planned and not unreported,
        "guarded": planned and not unreported,
    }
    if row["guarded"]:
        row["guardian"] = _who(luck)
        row["operations"] = [
            {
                "operation_no": str(turn + 1),
                "kind": 2 if turn == 0 else 1,
                "who": _who(luck),
                "machine": "挖掘机" if turn == 0 else None,
                "begun_at": _stamp(found + timedelta(minutes=10 * turn)),
                "work": "沟槽开挖" if turn == 0 else "现场监护",
            }
            for turn in range(2)
        ]
    return row, length


def _incidents(ground: Ground, now: datetime, luck: random.Random) -> Iterator[Batch]:
    for number in range(round(6 * ground.size)):
        at = local(now) - timedelta(days=luck.uniform(0.2, DAYS))
        sort, kind, cause, words = luck.choice(EVENTS)
        row = _incident(ground, at, number, luck) | {"sort": sort, "kind": kind, "cause": cause}
        row["description"] = f"{row['place']}：{words}"
        done = _response(at, luck)
        yield Batch("EVT", at + timedelta(minutes=luck.choices((12, 24, 55), (60, 30, 10))[0]), [row])
        if datetime.fromisoformat(done["ended_at"]) + timedelta(minutes=20) < local(now):
            yield Batch("EVT", datetime.fromisoformat(done["ended_at"]) + timedelta(minutes=15), [row | done])
    yield Batch("EVT", _day(now, 1, 10), [_planned_stop(ground, now, luck)])


def _incident(ground: Ground, at: datetime, number: int, luck: random.Random) -> Row:
    spot = luck.choice(ground.pipes)
    return {
        "event_no": f"SJ{at:%Y%m%d}-{number + 1:02d}",
        "occurred_at": _stamp(at),
        "status": 1,
        "grade": 5,
        "source": luck.choices((1, 2, 3, 4, 5), (20, 40, 12, 18, 10))[0],
        "object_code": spot.code,
        "lon": spot.lon,
        "lat": spot.lat,
        "place": spot.road,
        "dead_n": 0,
        "serious_n": 0,
        "light_n": 0,
        "households_n": luck.choice((0, 0, 36, 74, 128, 260)),
    }


def _response(at: datetime, luck: random.Random) -> Row:
    minutes = [4, luck.randint(5, 9), luck.randint(16, 44), luck.randint(46, 70), luck.randint(120, 260)]
    names = ("verified_at", "dispatched_at", "arrived_at", "isolated_at", "repaired_at")
    times = {name: _stamp(at + timedelta(minutes=after)) for name, after in zip(names, minutes, strict=True)}
    restored = at + timedelta(minutes=minutes[-1] + luck.randint(30, 90))
    ended = {"restored_at": _stamp(restored), "ended_at": _stamp(restored + timedelta(minutes=20))}
    return times | ended | {"status": 9, "measures": "关阀、警戒、抢修、置换复气，24小时后复测合格"}


def _planned_stop(ground: Ground, now: datetime, luck: random.Random) -> Row:
    spot, begin = luck.choice(ground.pipes), _day(now, -3, 8, 30)
    return {
        "event_no": f"TQ{begin:%Y%m%d}-01",
        "sort": 3,
        "kind": 5,
        "status": 0,
        "occurred_at": _stamp(begin),
        "planned_end_at": _stamp(begin + timedelta(hours=8)),
        "noticed_at": _stamp(_day(now, 1, 9)),
        "description": f"{spot.road}管道改造接驳，计划停气8小时",
        "stop_area": f"{spot.road}沿线小区与商户",
        "households_n": luck.randint(180, 900),
        "object_code": spot.code,
        "lon": spot.lon,
        "lat": spot.lat,
        "place": spot.road,
    }


def month_starts(now: datetime, count: int = 12) -> list[date]:
    """Return the first days of the last whole months, oldest first."""
    first = local(now).date().replace(day=1)
    months = []
    for _ in range(count):
        first = (first - timedelta(days=1)).replace(day=1)
        months.append(first)
    return months[::-1]
