"""Reads that mix subsystems: figures of the home page, live alarms for the map, cases, freshness of the feeds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, case, func, literal, or_, select, text
from sqlalchemy.orm import Session

from gis.basemap.models import Building, District, Green, Road, Water
from gis.network.queries import model_of, scope_filter
from portal.accounts.models import Enterprise
from portal.core.actor import Scope
from portal.core.clock import day_bounds, local
from portal.core.scoping import in_scope
from portal.events.models import SupervisionCase
from portal.operation.alarms.models import Alarm, AlarmNow
from portal.operation.alarms.queries import is_open as wants_attention
from portal.operation.telemetry.models import Latest, Point
from portal.operation.telemetry.rules import SILENT_AT_LEAST_S, SILENT_PERIODS

ENDED_CASES = (12, 70, 80, 90)
REMOVED = 7
LIVE_ALARMS = 200
FEED_SILENT = timedelta(minutes=10)
LATE_SHARE = 0.05


@dataclass(frozen=True)
class Feeds:
    """How the feeds stand: points in all, silent ones, and when the newest reading came in."""

    points: int
    silent: int
    newest_at: datetime | None

    def state(self, now: datetime) -> str:
        """Return ok, late or silent; empty when there is no point at all."""
        if not self.points:
            return ""
        if self.newest_at is None or now - self.newest_at > FEED_SILENT:
            return "silent"
        return "late" if self.silent > LATE_SHARE * self.points else "ok"


def feeds(session: Session, scope: Scope, now: datetime) -> Feeds:
    """Return how many points report and how many are silent."""
    limit_s = func.greatest(SILENT_PERIODS * Point.period_s, SILENT_AT_LEAST_S)
    age_s = func.extract("epoch", now - Latest.ts)
    silent = case((or_(Latest.ts.is_(None), age_s > limit_s), 1), else_=0)
    row = session.execute(
        select(func.count(), func.coalesce(func.sum(silent), 0), func.max(Latest.received_at))
        .select_from(Point)
        .outerjoin(Latest, Latest.point_id == Point.id)
        .where(Point.status != REMOVED, scope_filter(Point, scope))
    ).one()
    return Feeds(int(row[0]), int(row[1]), row[2])


def feeds_by_enterprise(session: Session, scope: Scope, now: datetime) -> list[tuple[str, Feeds]]:
    """Return name and feeds of each enterprise with points, the most silent first."""
    limit_s = func.greatest(SILENT_PERIODS * Point.period_s, SILENT_AT_LEAST_S)
    age_s = func.extract("epoch", now - Latest.ts)
    silent = func.sum(case((or_(Latest.ts.is_(None), age_s > limit_s), 1), else_=0))
    rows = session.execute(
        select(Enterprise.name, func.count(), silent, func.max(Latest.received_at))
        .select_from(Point)
        .join(Enterprise, Enterprise.id == Point.enterprise_id)
        .outerjoin(Latest, Latest.point_id == Point.id)
        .where(Point.status != REMOVED, scope_filter(Point, scope))
        .group_by(Enterprise.id)
        .order_by(silent.desc(), Enterprise.name)
    )
    return [(name, Feeds(int(points), int(quiet), at)) for name, points, quiet, at in rows]


def readings_today(session: Session, scope: Scope, now: datetime) -> int:
    """Return how many readings were stored since midnight, from the counters of intake."""
    begin, _ = day_bounds(local(now).date())
    # Of a district the row policy shows the enterprises that serve it.
    by_policy = scope.whole_city or bool(scope.adcodes)
    owned = "true" if by_policy else "enterprise_id = any(:owned)"
    found = session.scalar(
        text(
            f"select coalesce(sum(accepted), 0) from intake_hour where dataset = 'RT' and hour >= :begin and {owned}"
        ),
        {"begin": begin} | ({} if by_policy else {"owned": sorted(scope.enterprise_ids)}),
    )
    return int(found or 0)


def open_cases(session: Session, scope: Scope, now: datetime) -> tuple[int, int]:
    """Return how many supervision cases are open and how many of them are overdue."""
    overdue = case((SupervisionCase.due_at < now, 1), else_=0)
    row = session.execute(
        select(func.count(), func.coalesce(func.sum(overdue), 0)).where(
            SupervisionCase.state.not_in(ENDED_CASES), scope_filter(SupervisionCase, scope)
        )
    ).one()
    return int(row[0]), int(row[1])


def recent_cases(session: Session, scope: Scope, limit: int = 8) -> list[SupervisionCase]:
    """Return the open cases that fall due first."""
    return list(
        session.scalars(
            select(SupervisionCase)
            .where(SupervisionCase.state.not_in(ENDED_CASES), scope_filter(SupervisionCase, scope))
            .order_by(SupervisionCase.due_at)
            .limit(limit)
        )
    )


def cases_of_alarms(session: Session, scope: Scope, alarm_ids: list[int]) -> list[SupervisionCase]:
    """Return the cases that alarms led to."""
    if not alarm_ids:
        return []
    return list(
        session.scalars(
            select(SupervisionCase)
            .where(SupervisionCase.alarm_id.in_(alarm_ids), scope_filter(SupervisionCase, scope))
            .order_by(SupervisionCase.id.desc())
        )
    )


def _live_alarms(scope: Scope) -> Select[Any]:
    statement: Any = (
        select(
            AlarmNow.alarm_id, AlarmNow.level, AlarmNow.state, AlarmNow.kind, AlarmNow.raised_at,
            AlarmNow.acknowledged_at, AlarmNow.cleared_at, Alarm.object_code, Alarm.value, Alarm.unit,
            AlarmNow.point_id, Point.name.label("point_name"),
            func.ST_X(Alarm.geom).label("lon"), func.ST_Y(Alarm.geom).label("lat"),
        )
        .join(Alarm, Alarm.id == AlarmNow.alarm_id)
        .outerjoin(Point, Point.id == AlarmNow.point_id)
        .where(in_scope(scope, AlarmNow.enterprise_id, AlarmNow.adcode))
    )  # fmt: skip
    listed: Select[Any] = statement
    return listed


def found_by_number(session: Session, scope: Scope, layer: str, numbers: list[int]) -> list[Any]:
    """Return objects or points in the order of their numbers; those outside the scope are left out."""
    model = Point if layer == "sensor" else model_of(layer)
    rows = session.scalars(select(model).where(model.id.in_(numbers), scope_filter(model, scope)))
    return sorted(rows, key=lambda row: numbers.index(row.id))


def base_counts(session: Session) -> dict[str, int]:
    """Return how many objects each layer of the base map has."""
    kinds = {"district": District, "road": Road, "water": Water, "green": Green, "building": Building}
    parts = [select(literal(name), func.count()).select_from(model) for name, model in kinds.items()]
    return {name: int(count) for name, count in session.execute(parts[0].union_all(*parts[1:]))}


def is_open() -> ColumnElement[bool]:
    """Return the condition that an alarm still wants attention."""
    return wants_attention()


def live_alarms(
    session: Session, scope: Scope, *, points: list[int] | None = None, limit: int = LIVE_ALARMS
) -> list[Any]:
    """Return open alarms, newest first; of some points only when given."""
    statement = _live_alarms(scope).where(is_open())
    if points is not None:
        statement = statement.where(AlarmNow.point_id.in_(points))
    return list(session.execute(statement.order_by(AlarmNow.raised_at.desc()).limit(limit)))


def alarms_of_object(
    session: Session, scope: Scope, enterprise_id: int, code: str, points: list[int], limit: int = 20
) -> list[Any]:
    """Return the open alarms of an object: of its points, or naming its code."""
    named = (Alarm.enterprise_id == enterprise_id) & (Alarm.object_code == code)
    statement = _live_alarms(scope).where(is_open(), or_(named, AlarmNow.point_id.in_(points)))
    return list(session.execute(statement.order_by(AlarmNow.raised_at.desc()).limit(limit)))


def search_alarms(session: Session, scope: Scope, words: str, limit: int = 6) -> list[Any]:
    """Return alarms whose number or object code holds the words, newest first."""
    statement = _live_alarms(scope).where(
        or_(
            Alarm.alarm_no.icontains(words, autoescape=True),
            Alarm.object_code.icontains(words, autoescape=True),
        )
    )
    return list(session.execute(statement.order_by(AlarmNow.raised_at.desc()).limit(limit)))
