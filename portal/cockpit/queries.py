"""Reads of the cockpit: one small question to the database for each panel, within the scope."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, distinct, func, or_, select
from sqlalchemy.orm import Session

from gis.network.queries import model_of, scope_filter
from portal.cockpit.models import SafetyIndex
from portal.core.actor import Scope
from portal.core.clock import CITY_ZONE, local
from portal.core.scoping import in_scope
from portal.emergency.drills.models import EmergencyTeam
from portal.emergency.incidents.models import Incident
from portal.events.models import SupervisionCase
from portal.home.queries import open_cases
from portal.operation.alarms.models import Alarm, AlarmNow
from portal.operation.telemetry.models import Point, ReadingHour
from portal.safety.checks.models import HouseholdCheck
from portal.safety.hidden_dangers.models import HiddenDanger
from portal.supply.models import DailySupply

LEVELS = (1, 2, 3, 4)
REMOVED = 7
SOURCES_OF_GAS = (1, 2, 4)
PRESSURE, FLOW, FLOW_UNIT = 1, 2, "m³/h"
NOTIFIED, SELF_VERIFIED, CLOSED_OUT = (4, 5, 6, 7, 8, 9), (6, 7, 8), 8
ACCIDENT, DEALT_WITH, RESPONSE_ENDED = 1, (1, 2), 7
CASE_VOID = (12, 90)
CHECK_DONE = (1, 2)
KINDS_SHOWN = 5


@dataclass(frozen=True)
class Funnel:
    """Hidden dangers found since a day, and how far they came."""

    found: int
    notified: int
    rectified: int
    reviewed: int
    closed: int


@dataclass(frozen=True)
class Checks:
    """Users in use, users whose rooms were seen this year, and the commonest dangers found."""

    users: int
    seen: int
    dangers: list[tuple[int, int]]


@dataclass(frozen=True)
class SupplyHour:
    """One hour of today: gas sent out, m³/h, and pressure readings within their limits, %."""

    hour: datetime
    m3_per_h: float | None
    in_limits: float | None


@dataclass(frozen=True)
class Duty:
    """Cases, incidents and teams of this moment."""

    cases: int
    overdue: int
    incidents: int
    teams: int
    people: int
    vehicles: int
    acknowledged_in_min: float | None


def alarms_by_hour(session: Session, scope: Scope, now: datetime, hours: int = 24) -> dict[int, list[int]]:
    """Return level -> alarms raised in each of the past hours, the oldest first; the last hour is the present one."""
    first = now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=hours - 1)
    hour = func.date_trunc("hour", Alarm.raised_at)
    rows = session.execute(
        select(hour, Alarm.level, func.count())
        .where(Alarm.raised_at >= first, Alarm.raised_at <= now, in_scope(scope, Alarm.enterprise_id, Alarm.adcode))
        .group_by(hour, Alarm.level)
    )
    found = {level: [0] * hours for level in LEVELS}
    for at, level, count in rows:
        place = int((at - first).total_seconds() // 3600)
        if level in found and 0 <= place < hours:
            found[level][place] += count
    return found


def danger_funnel(session: Session, scope: Scope, since: datetime) -> Funnel:
    """Return how far the hidden dangers found since an instant came."""
    done = or_(HiddenDanger.rectified_at.is_not(None), HiddenDanger.status.in_(SELF_VERIFIED))
    seen = or_(HiddenDanger.verified_at.is_not(None), HiddenDanger.status == CLOSED_OUT)
    row = session.execute(
        select(
            func.count(),
            func.count().filter(HiddenDanger.status.in_(NOTIFIED)),
            func.count().filter(done),
            func.count().filter(seen),
            func.count().filter(HiddenDanger.status == CLOSED_OUT),
        ).where(HiddenDanger.found_at >= since, scope_filter(HiddenDanger, scope))
    ).one()
    return Funnel(*(int(each) for each in row))


def household_checks(session: Session, scope: Scope, since: datetime) -> Checks:
    """Return how many users were seen since an instant, and which dangers were found most."""
    user = model_of("user")
    users = session.scalar(select(func.count()).select_from(user).where(user.status != REMOVED, scope_filter(user, scope)))
    mine = (HouseholdCheck.checked_at >= since, scope_filter(HouseholdCheck, scope))
    seen = session.scalar(
        select(func.count(distinct(HouseholdCheck.user_id))).where(HouseholdCheck.result.in_(CHECK_DONE), *mine)
    )
    kind = func.unnest(HouseholdCheck.hazards).label("kind")
    each = select(kind).where(*mine).subquery()
    dangers = session.execute(
        select(each.c.kind, func.count()).group_by(each.c.kind).order_by(func.count().desc(), each.c.kind).limit(KINDS_SHOWN)
    )
    return Checks(int(users or 0), int(seen or 0), [(int(code), int(count)) for code, count in dangers])


def supply_hours(session: Session, scope: Scope, now: datetime) -> list[SupplyHour]:
    """Return today's hours: flow out of gate stations, LNG stations and sources, and pressures within limits."""
    begin = local(now).replace(hour=0, minute=0, second=0, microsecond=0)
    station = model_of("station")
    fed = (
        select(func.sum(ReadingHour.mean).label("flow"), ReadingHour.hour)
        .join(Point, Point.id == ReadingHour.point_id)
        .join(station, (station.id == Point.object_id) & (Point.object_type == "station"))
        .where(
            Point.measure == FLOW, Point.unit == FLOW_UNIT, station.kind.in_(SOURCES_OF_GAS),
            ReadingHour.hour >= begin, scope_filter(Point, scope),
        )
        .group_by(ReadingHour.hour)
    )  # fmt: skip
    limited = or_(Point.low.is_not(None), Point.high.is_not(None))
    pressed = (
        select(func.sum(ReadingHour.in_limits), func.sum(ReadingHour.valid), ReadingHour.hour)
        .join(Point, Point.id == ReadingHour.point_id)
        .where(Point.measure == PRESSURE, limited, ReadingHour.hour >= begin, scope_filter(Point, scope))
        .group_by(ReadingHour.hour)
    )
    flows = {row.hour: float(row.flow) for row in session.execute(fed) if row.flow is not None}
    shares = {row[2]: 100.0 * row[0] / row[1] for row in session.execute(pressed) if row[1]}
    count = int((now - begin).total_seconds() // 3600) + 1
    hours = [begin + timedelta(hours=at) for at in range(count)]
    return [SupplyHour(hour, flows.get(hour), shares.get(hour)) for hour in hours]


def supply_days(session: Session, scope: Scope, day: date) -> Any:
    """Return the newest gas day up to a day with its sum: purchased, sold, stored and linepack, m³; None without any."""
    mine = _of_enterprise(scope, DailySupply.enterprise_id)
    newest = select(func.max(DailySupply.gas_day)).where(DailySupply.gas_day <= day, mine).scalar_subquery()
    return session.execute(
        select(
            DailySupply.gas_day,
            func.sum(DailySupply.purchased_m3).label("purchased"),
            func.sum(DailySupply.sold_m3).label("sold"),
            func.sum(func.coalesce(DailySupply.stored_m3, 0)).label("stored"),
        )
        .where(DailySupply.gas_day == newest, mine)
        .group_by(DailySupply.gas_day)
    ).one_or_none()


def _of_enterprise(scope: Scope, column: Any) -> ColumnElement[bool]:
    # Of a district the row policy shows the enterprises that serve it.
    if scope.whole_city or scope.adcodes:
        return column.is_not(None)
    return column.in_(scope.enterprise_ids)


def covered_objects(session: Session, scope: Scope) -> tuple[int, int]:
    """Return stations and regulators that have a monitoring point, and all of them."""
    seen = every = 0
    for layer in ("station", "regulator"):
        model = model_of(layer)
        point = select(Point.id).where(
            Point.object_type == layer, Point.object_id == model.id, Point.status != REMOVED
        )
        row = session.execute(
            select(func.count().filter(point.exists()), func.count()).where(
                model.status != REMOVED, scope_filter(model, scope)
            )
        ).one()
        seen, every = seen + int(row[0]), every + int(row[1])
    return seen, every


def accidents_since(session: Session, scope: Scope, since: datetime) -> int:
    """Return incidents since an instant; repairs without an incident and stops of supply do not count."""
    return int(
        session.scalar(
            select(func.count()).where(
                Incident.sort == ACCIDENT, Incident.occurred_at >= since, scope_filter(Incident, scope)
            )
        )
        or 0
    )


def cases_in_time(session: Session, scope: Scope, since: datetime) -> tuple[int, int]:
    """Return cases opened since an instant that ended within their limit, and those that ended or are overdue."""
    ended = SupervisionCase.closed_at.is_not(None)
    row = session.execute(
        select(
            func.count().filter(ended, SupervisionCase.closed_at <= SupervisionCase.due_at),
            func.count().filter(or_(ended, SupervisionCase.due_at < func.now())),
        ).where(
            SupervisionCase.opened_at >= since,
            SupervisionCase.state.not_in(CASE_VOID),
            scope_filter(SupervisionCase, scope),
        )
    ).one()
    return int(row[0]), int(row[1])


def duty_now(session: Session, scope: Scope, now: datetime) -> Duty:
    """Return what is being dealt with, and who stands ready."""
    cases, overdue = open_cases(session, scope, now)
    incidents = session.scalar(select(func.count()).where(*_running(scope)))
    teams = session.execute(
        select(
            func.count(),
            func.coalesce(func.sum(func.coalesce(EmergencyTeam.on_duty_n, EmergencyTeam.headcount_n)), 0),
            func.coalesce(func.sum(EmergencyTeam.vehicles_n), 0),
        ).where(EmergencyTeam.status == 1, scope_filter(EmergencyTeam, scope))
    ).one()
    waited = session.scalar(
        select(func.avg(func.extract("epoch", AlarmNow.acknowledged_at - AlarmNow.raised_at)) / 60).where(
            AlarmNow.raised_at >= now - timedelta(days=7),
            AlarmNow.acknowledged_at.is_not(None),
            AlarmNow.historical.is_(False),
            in_scope(scope, AlarmNow.enterprise_id, AlarmNow.adcode),
        )
    )
    return Duty(
        cases, overdue, int(incidents or 0), int(teams[0]), int(teams[1]), int(teams[2]),
        None if waited is None else float(waited),
    )  # fmt: skip


def _running(scope: Scope) -> tuple[ColumnElement[bool], ...]:
    return Incident.sort.in_(DEALT_WITH), Incident.status < RESPONSE_ENDED, scope_filter(Incident, scope)


def gravest_incident(session: Session, scope: Scope) -> Incident | None:
    """Return the incident under way that weighs most, None when there is none."""
    return session.scalars(
        select(Incident)
        .where(*_running(scope))
        .order_by(Incident.grade.asc().nulls_last(), Incident.occurred_at.desc())
        .limit(1)
    ).one_or_none()


def index_before(session: Session, adcode: str, day: date) -> SafetyIndex | None:
    """Return the newest index of a district (empty: the city) up to a day."""
    return session.scalars(
        select(SafetyIndex)
        .where(SafetyIndex.adcode == adcode, SafetyIndex.day <= day)
        .order_by(SafetyIndex.day.desc())
        .limit(1)
    ).one_or_none()


def index_days(session: Session, adcode: str, since: date) -> Sequence[SafetyIndex]:
    """Return the index of each day since a day."""
    return session.scalars(
        select(SafetyIndex).where(SafetyIndex.adcode == adcode, SafetyIndex.day >= since).order_by(SafetyIndex.day)
    ).all()


def start_of_year(now: datetime) -> datetime:
    """Return midnight of the first of January, city time."""
    return datetime(local(now).year, 1, 1, tzinfo=CITY_ZONE)


def start_of_quarter(now: datetime) -> datetime:
    """Return midnight of the first day of the quarter, city time."""
    today = local(now)
    return datetime(today.year, 3 * ((today.month - 1) // 3) + 1, 1, tzinfo=CITY_ZONE)
