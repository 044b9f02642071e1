"""Reads of limits, always within a scope: points with their rules, versions, changes, rehearsals, templates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, select
from sqlalchemy.orm import Session, aliased

from portal.core.actor import Scope
from portal.core.errors import NotFound
from portal.core.paging import Cursor, Page, contains, equals, newest_first
from portal.core.scoping import in_scope
from portal.operation.alarms.limit_queries import figures_in_force
from portal.operation.devices.finding import NumberPage, page_by_number
from portal.operation.limits.models import (
    DRAFT,
    RELEASED,
    LimitChange,
    LimitRehearsalAlarm,
    LimitRule,
    LimitTemplate,
    OperationOrder,
)
from portal.operation.limits.ruleset import Band, RuleSet, from_content
from portal.operation.limits.table import POINT_COLUMNS, WatchedPoint, watched
from portal.operation.telemetry.models import Point

REMOVED = 7
BIGGEST_ID = 2**31 - 1
EXPORT_MOST, ORDERS_SHOWN, ALARMS_SHOWN = 50_000, 20, 200
STATES = ("ruled", "filed", "none", "draft")
Released, Drafted = aliased(LimitRule), aliased(LimitRule)


@dataclass(frozen=True)
class PointFilter:
    """What the list of points is narrowed to; `state` is one of STATES or empty."""

    measure: int | None = None
    unit: str | None = None
    enterprise_id: int | None = None
    adcode: str | None = None
    state: str = ""
    words: str = ""


def _listed() -> Select[Any]:
    return (
        select(
            *POINT_COLUMNS, Point.name.label("name"), Released.content.label("content"), Released.version.label("version"),
            Released.valid_from.label("valid_from"), Drafted.change_id.label("draft_id"),
        )
        .outerjoin(Released, and_(Released.point_id == Point.id, Released.state == RELEASED))
        .outerjoin(Drafted, and_(Drafted.point_id == Point.id, Drafted.state == DRAFT))
    )  # fmt: skip


def _narrowed(wanted: PointFilter, scope: Scope) -> list[ColumnElement[bool]]:
    parts = [in_scope(scope, Point.enterprise_id, Point.adcode), Point.status != REMOVED]
    parts += equals(
        {
            Point.measure: wanted.measure, Point.unit: wanted.unit, Point.enterprise_id: wanted.enterprise_id,
            Point.adcode: wanted.adcode,
        }
    )  # fmt: skip
    filed = func.num_nonnulls(Point.low_low, Point.low, Point.high, Point.high_high) > 0
    if wanted.state == "ruled":
        parts.append(Released.id.is_not(None))
    elif wanted.state == "filed":
        parts += [Released.id.is_(None), filed]
    elif wanted.state == "none":
        parts += [Released.id.is_(None), ~filed]
    elif wanted.state == "draft":
        parts.append(Drafted.id.is_not(None))
    if wanted.words:
        parts.append(contains(wanted.words, Point.src_code, Point.name, Point.object_code))
    return parts


def points_page(session: Session, wanted: PointFilter, *, place: tuple[int, bool], scope: Scope) -> NumberPage:
    """Return one page of points by number with the rules in force."""
    return page_by_number(session, _listed().where(*_narrowed(wanted, scope)), Point.id, place)


def points_listed(session: Session, wanted: PointFilter, *, scope: Scope, most: int = EXPORT_MOST) -> Iterator[Any]:
    """Give the points of a filter by number, up to `most`."""
    asked = _listed().where(*_narrowed(wanted, scope)).order_by(Point.id).limit(most)
    yield from session.execute(asked.execution_options(yield_per=1000))


def state_counts(session: Session, scope: Scope) -> dict[str, int]:
    """Return how many points have released rules, filed limits alone, no limits, or an open draft."""
    filed = func.num_nonnulls(Point.low_low, Point.low, Point.high, Point.high_high) > 0
    bare = Released.id.is_(None)
    row = session.execute(
        select(
            func.count().filter(Released.id.is_not(None)), func.count().filter(bare, filed),
            func.count().filter(bare, ~filed), func.count().filter(Drafted.id.is_not(None)),
        )
        .select_from(Point)
        .outerjoin(Released, and_(Released.point_id == Point.id, Released.state == RELEASED))
        .outerjoin(Drafted, and_(Drafted.point_id == Point.id, Drafted.state == DRAFT))
        .where(in_scope(scope, Point.enterprise_id, Point.adcode), Point.status != REMOVED)
    ).one()  # fmt: skip
    return dict(zip(STATES, row, strict=True))


def find_point_row(session: Session, point_id: int, *, scope: Scope) -> Any:
    """Return a point with its rules in force and its draft; raise NotFound outside the scope."""
    found = session.execute(
        _listed().where(Point.id == min(point_id, BIGGEST_ID), in_scope(scope, Point.enterprise_id, Point.adcode))
    ).one_or_none()
    if found is None:
        raise NotFound("point", id=point_id)
    return found


def point_of(session: Session, row: Any, content: Any = None) -> WatchedPoint:
    """Return a listed point as the engine sees it, under `content` or else the rules in force."""
    given = row.content if content is None else content
    known = {}
    rules = from_content(given) if given is not None else None
    if rules is not None and rules.combined:
        known = point_codes(session, row.enterprise_id)
    return watched(row, rules, figures_in_force(session), known.get)


def rules_in_force(row: Any) -> RuleSet:
    """Return the rules in force of a listed point: the released ones, else the limits it was filed with."""
    if row.content is not None:
        return from_content(row.content)
    return RuleSet(Band(row.low_low, row.low, row.high, row.high_high))


def point_codes(session: Session, enterprise_id: int) -> dict[str, tuple[int, int]]:
    """Return number and period of an enterprise's points by code."""
    rows = session.execute(
        select(Point.src_code, Point.id, Point.period_s).where(
            Point.enterprise_id == enterprise_id, Point.status != REMOVED
        )
    )
    return {code: (number, period_s) for code, number, period_s in rows}


def versions_of(session: Session, point_id: int, *, scope: Scope) -> Sequence[Any]:
    """Return the versions of a point's rules with the change each is part of, the newest first."""
    return session.execute(
        select(LimitRule, LimitChange)
        .join(LimitChange, LimitChange.id == LimitRule.change_id)
        .where(LimitRule.point_id == point_id, in_scope(scope, LimitRule.enterprise_id, LimitRule.adcode))
        .order_by(LimitRule.version.desc())
    ).all()


def changes_page(session: Session, *, cursor: Cursor | None, state: int | None, scope: Scope) -> Page:
    """Return one page of changes, the newest first."""
    asked = select(LimitChange).where(
        in_scope(scope, LimitChange.enterprise_id, LimitChange.adcode), *equals({LimitChange.state: state})
    )
    return newest_first(session, asked, (LimitChange.drafted_at, LimitChange.id), cursor)


def open_changes(session: Session, *, scope: Scope) -> int:
    """Return how many changes wait for rehearsal or release."""
    asked = select(func.count()).select_from(LimitChange)
    return session.scalar(
        asked.where(LimitChange.state == DRAFT, in_scope(scope, LimitChange.enterprise_id, LimitChange.adcode))
    ) or 0


def find_change(session: Session, change_id: int, *, scope: Scope, locked: bool = False) -> LimitChange:
    """Return one change, locked until the transaction ends if wanted; raise NotFound outside the scope."""
    asked = select(LimitChange).where(
        LimitChange.id == min(change_id, BIGGEST_ID), in_scope(scope, LimitChange.enterprise_id, LimitChange.adcode)
    )
    found = session.scalar(asked.with_for_update() if locked else asked)
    if found is None:
        raise NotFound("limit_change", change_id=change_id)
    return found


def rules_of_change(
    session: Session, change_id: int, *, after: int = 0, most: int | None = None
) -> Sequence[Any]:
    """Return the rules of a change with their points by point number; `after` a point, at most `most`."""
    asked = (
        select(LimitRule, *POINT_COLUMNS, Point.name.label("name"))
        .join(Point, Point.id == LimitRule.point_id)
        .where(LimitRule.change_id == change_id, LimitRule.point_id > after)
        .order_by(LimitRule.point_id)
    )
    return session.execute(asked.limit(most) if most else asked).all()


def rehearsal_alarms(
    session: Session, change_id: int, *, outcome: str | None, cursor: int = 0, most: int = ALARMS_SHOWN
) -> Sequence[Any]:
    """Return alarms of a rehearsal with their points by number, from one after `cursor`."""
    return session.execute(
        select(LimitRehearsalAlarm, Point.src_code, Point.name, Point.unit)
        .join(Point, Point.id == LimitRehearsalAlarm.point_id)
        .where(
            LimitRehearsalAlarm.change_id == change_id,
            LimitRehearsalAlarm.id > cursor,
            *equals({LimitRehearsalAlarm.outcome: outcome}),
        )
        .order_by(LimitRehearsalAlarm.id)
        .limit(most)
    ).all()


def rehearsal_days(session: Session, change_id: int) -> list[tuple[Any, str, int]]:
    """Return how many alarms of a rehearsal were raised on each city day, by outcome."""
    day = func.date(func.timezone("Asia/Shanghai", LimitRehearsalAlarm.raised_at))
    rows = session.execute(
        select(day, LimitRehearsalAlarm.outcome, func.count())
        .where(LimitRehearsalAlarm.change_id == change_id)
        .group_by(day, LimitRehearsalAlarm.outcome)
        .order_by(day)
    )
    return [(each[0], each[1], each[2]) for each in rows]


def templates(session: Session) -> Sequence[LimitTemplate]:
    """Return the default rules by kind of point."""
    return session.scalars(select(LimitTemplate).order_by(LimitTemplate.sort)).all()


def find_template(session: Session, key: str) -> LimitTemplate:
    """Return one template; raise NotFound."""
    found = session.get(LimitTemplate, key[:40])
    if found is None:
        raise NotFound("limit_template", key=key)
    return found


def orders_of_object(session: Session, enterprise_id: int, object_code: str, *, scope: Scope) -> Sequence[OperationOrder]:
    """Return the newest work orders of an object."""
    return session.scalars(
        select(OperationOrder)
        .where(
            OperationOrder.enterprise_id == enterprise_id,
            OperationOrder.object_code == object_code,
            in_scope(scope, OperationOrder.enterprise_id, OperationOrder.adcode),
        )
        .order_by(OperationOrder.ends_at.desc())
        .limit(ORDERS_SHOWN)
    ).all()
