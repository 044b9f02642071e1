"""What stands longer than a month in the demo: readiness, twelve months of figures, certificates and people."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date, datetime, timedelta

from ingestion_adapters.contract import Enterprise
from ingestion_adapters.demo.daily import supply_of
from ingestion_adapters.demo.filed import Batch, Ground, Row, month_starts
from ingestion_adapters.demo.filed_words import DRILLS, DUTIES, PLANS, SUPPLIES, SURNAMES, TEAMS
from portal.core.clock import CITY_ZONE, local

EVERY_DAYS = 9


def standing_batches(ground: Ground, profile: Enterprise, now: datetime, scale: int) -> Iterator[Batch]:
    """Yield profile, readiness and monthly figures of an enterprise."""
    luck = random.Random(f"standing {ground.key}")
    sent = now - timedelta(days=31)
    yield Batch("ENT", sent, [_profile(ground, profile, now, luck)])
    yield Batch("DRL", sent, [*_plans(now), *_supplies(ground, now, luck), *_teams(ground, luck), *_drills(now, luck)])
    for first in month_starts(now):
        following = (first + timedelta(days=32)).replace(day=1)
        day = luck.choices((3, 4, 9), (60, 32, 8))[0]
        at = datetime(following.year, following.month, day, 10, tzinfo=CITY_ZONE)
        if at < now:
            yield Batch("MTH", at, [_month(ground, first, following, luck, scale)])


def _profile(ground: Ground, profile: Enterprise, now: datetime, luck: random.Random) -> Row:
    today = local(now).date()
    ends = (today + timedelta(days=900), profile.licence_expire, today + timedelta(days=55), today - timedelta(days=12))
    names = ("营业执照", "燃气经营许可证", "安全生产标准化证书", "特种设备使用登记证")
    numbers = (profile.uscc, profile.licence_no, f"AQ{ground.key}-07", f"TS{ground.key}-0112")
    kinds = (1, 2, 3, 4)
    stated = {"uscc": profile.uscc, "name": profile.name, "kind": profile.kind, "licence_no": profile.licence_no}
    backup = {"backup_centre": "城东备用监控中心", "backup_switched_on": (today - timedelta(days=70)).isoformat()}
    return stated | {
        "licence_expire": profile.licence_expire.isoformat(),
        "duty_phone": profile.duty_phone,
        "legal_person": f"{luck.choice(SURNAMES)}*",
        "safety_head_phone": f"138****{luck.randint(1000, 9999)}",
        "safety_staff_n": round(9 * ground.size),
        "licence_scope": "管道天然气供应、燃气设施安装与维护",
        "plan_filed": True,
        "control_system": "SCADA，符合 CJJ/T 259",
        "redundancy": "双电源、双机热备、双链路" if ground.size > 1 else None,
        **(backup if ground.size > 1 else {}),
        "certificates": [
            {"kind": kind, "no": no, "name": name, "issuer": "云川市主管部门", "expires_on": end.isoformat()}
            for kind, no, name, end in zip(kinds, numbers, names, ends, strict=True)
        ],
        "people": [_person(place, duty, today, luck) for place, duty in enumerate(DUTIES)],
    }


def _person(place: int, duty: int, today: date, luck: random.Random) -> Row:
    return {
        "person_no": f"P{place + 1:03d}",
        "name": f"{luck.choice(SURNAMES)}*",
        "duty": duty,
        "team": {4: "抢修队", 5: "巡检班", 6: "安检班"}.get(duty),
        "phone": f"13{luck.randint(0, 9)}****{luck.randint(1000, 9999)}",
        "certificate": "燃气经营企业从业人员考核合格证",
        "certificate_no": f"********{luck.randint(1000, 9999)}",
        "certificate_expires_on": (today + timedelta(days=luck.choice((-20, 40, 300, 500, 700)))).isoformat(),
        "in_service": True,
    }


def _plans(now: datetime) -> list[Row]:
    year = local(now).year
    return [
        {
            "type": "PLN",
            "plan_no": f"YA-{number}",
            "name": name,
            "kind": kind,
            "level": 3,
            "version": f"{year - 1}版",
            "effective_on": f"{year - 1}-03-01",
            "expires_on": f"{year + 2}-02-28",
            "filed": number != "04",
            "filed_on": f"{year - 1}-03-20" if number != "04" else None,
            "event_kind": event,
        }
        for number, name, kind, event in PLANS
    ]


def _supplies(ground: Ground, now: datetime, luck: random.Random) -> list[Row]:
    depot, today = ground.regulators[0] if ground.regulators else ground.pipes[0], local(now).date()
    return [
        {
            "type": "MAT",
            "item_no": f"WZ-{number}",
            "name": name,
            "kind": kind,
            "quantity": quantity,
            "unit": unit,
            "least_quantity": least,
            "status": luck.choices((1, 3), (92, 8))[0],
            "depot": "抢修中心库",
            "place": depot.road,
            "lon": depot.lon,
            "lat": depot.lat,
            "valid_until": (today + timedelta(days=luck.choice((-30, 200, 600, 1200)))).isoformat(),
            "keeper": f"{luck.choice(SURNAMES)}*",
        }
        for number, name, kind, unit, quantity, least in SUPPLIES
    ]


def _teams(ground: Ground, luck: random.Random) -> list[Row]:
    return [
        {
            "type": "TEA",
            "team_no": f"DW-{number}",
            "name": name,
            "kind": kind,
            "level": 3,
            "headcount_n": heads,
            "on_duty_n": duty,
            "status": 1,
            "leader": f"{luck.choice(SURNAMES)}*",
            "leader_phone": f"13{luck.randint(0, 9)}****{luck.randint(1000, 9999)}",
            "response_min": 30 if kind == 2 else 45,
            "vehicles_n": 3 if kind == 2 else 1,
            "place": spot.road,
            "lon": spot.lon,
            "lat": spot.lat,
        }
        for (number, name, kind, heads, duty), spot in zip(TEAMS, luck.sample(ground.pipes, len(TEAMS)), strict=True)
    ]


def _drills(now: datetime, luck: random.Random) -> list[Row]:
    rows = []
    for turn, (name, kind, plan) in enumerate(DRILLS):
        at = local(now) - timedelta(days=150 - 60 * turn)
        row: Row = {
            "type": "DRL",
            "drill_no": f"YL{at:%Y}-{turn + 1:02d}",
            "name": name,
            "kind": kind,
            "planned_on": at.date().isoformat(),
            "plan_no": f"YA-{plan}",
            "status": 1,
        }
        if at < now - timedelta(days=31):
            problems = luck.randint(2, 6)
            held = at.replace(hour=9, minute=0, second=0, microsecond=0)
            row |= {
                "status": 3,
                "held_at": held.isoformat(),
                "ended_at": (held + timedelta(hours=2)).isoformat(),
                "participants_n": luck.randint(18, 60),
                "score": round(luck.uniform(78, 95), 1),
                "problems_n": problems,
                "improved_n": luck.randint(problems - 2, problems),
                "summary": "响应及时，警戒与通信需改进",
            }
        rows.append(row)
    return rows


def _month(ground: Ground, first: date, following: date, luck: random.Random, scale: int) -> Row:
    days = [first + timedelta(days=place) for place in range(0, (following - first).days, EVERY_DAYS)]
    supplies = [supply_of(ground.key, day, scale) for day in days]
    share = (following - first).days / len(days)
    size, whole = ground.size, luck.uniform(0.93, 1.0)
    due, dangers, leaks = round(1400 * size), round(26 * size), round(4 * size)
    plan_km = round(420 * size, 1)
    return {
        "month": f"{first:%Y-%m}",
        "purchased_m3": round(sum(day.purchased_m3 for day in supplies) * share, 1),
        "sold_m3": round(sum(day.sold_m3 for day in supplies) * share, 1),
        "own_use_m3": round(sum(day.own_use_m3 or 0.0 for day in supplies) * share, 1),
        "linepack_change_m3": round(luck.uniform(-900, 900), 1),
        "users_to_check_n": due,
        "users_checked_n": round(due * whole),
        "dangers_due_n": dangers,
        "dangers_on_time_n": round(dangers * luck.uniform(0.84, 1.0)),
        "patrol_plan_km": plan_km,
        "patrol_done_km": round(plan_km * luck.uniform(0.94, 1.01), 1),
        "survey_plan_km": round(plan_km * 0.3, 1),
        "survey_done_km": round(plan_km * 0.3 * luck.uniform(0.9, 1.0), 1),
        "leaks_n": leaks,
        "leaks_on_time_n": leaks - (1 if luck.random() < 0.3 and leaks else 0),
        "leak_repair_h": round(leaks * luck.uniform(5, 14), 1),
        "detectors_due_n": round(160 * size),
        "detectors_working_n": round(160 * size * luck.uniform(0.9, 1.0)),
        "third_party_damages_n": luck.choices((0, 1), (80, 20))[0],
        "outage_users_n": round(300 * size * luck.random()),
        "outage_user_h": round(1500 * size * luck.random(), 1),
        "calls_n": round(12 * size),
        "calls_on_time_n": round(12 * size * luck.uniform(0.9, 1.0)),
        "repairs_n": round(60 * size),
        "repairs_on_time_n": round(60 * size * luck.uniform(0.94, 1.0)),
        "complaints_n": round(8 * size),
        "complaints_on_time_n": round(8 * size * luck.uniform(0.85, 1.0)),
        "satisfaction_pct": round(luck.uniform(92, 98.5), 1),
    }
