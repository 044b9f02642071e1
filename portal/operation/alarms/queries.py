"""Alarms as pages and services read them; every read takes the scope of who asks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, text
from sqlalchemy.orm import Session

from portal.accounts.models import Enterprise
from portal.core.actor import Scope
from portal.core.errors import NotFound
from portal.core.paging import Cursor, Page, contains, equals, newest_first
from portal.core.scoping import in_scope
from portal.operation.alarms.models import Alarm, AlarmEvent, AlarmNow
from portal.operation.telemetry.models import Point

EXPORT_MOST_ROWS = 50_000


@dataclass(frozen=True)
class AlarmFilter:
    """What a list of alarms is narrowed to."""

    open_only: bool = True
    level: int | None = None
    state: int | None = None
    kind: int | None = None
    enterprise_id: int | None = None
    adcode: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    words: str = ""
    historical: bool | None = None


COLUMNS = (
    AlarmNow.alarm_id, AlarmNow.enterprise_id, AlarmNow.adcode, AlarmNow.point_id, AlarmNow.kind,
    AlarmNow.level, AlarmNow.historical, AlarmNow.state, AlarmNow.verdict, AlarmNow.raised_at,
    AlarmNow.acknowledged_at, AlarmNow.acknowledged_by, AlarmNow.cleared_at, AlarmNow.case_id,
    AlarmNow.peak_value, Alarm.value, Alarm.unit, Alarm.limit_name, Alarm.limit_value,
    Alarm.object_code, Alarm.alarm_no, Alarm.source, Alarm.text_said, Alarm.received_at,
    Point.src_code.label("point_code"), Point.name.label("point_name"),
    Enterprise.short_name.label("enterprise"),
)  # fmt: skip


def lock_alarm(session: Session, alarm_id: int, *, scope: Scope) -> AlarmNow:
    """Return an alarm's present state, locked to the end; raise NotFound outside the scope."""
    found = session.scalar(
        select(AlarmNow)
        .where(
            AlarmNow.alarm_id == alarm_id,
            in_scope(scope, AlarmNow.enterprise_id, AlarmNow.adcode),
        )
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise NotFound("alarm", alarm_id=alarm_id)
    return found


def _listed() -> Select[*tuple[Any, ...]]:
    listed: Select[*tuple[Any, ...]] = (
        select(*COLUMNS)
        .join(Alarm, Alarm.id == AlarmNow.alarm_id)
        .join(Enterprise, Enterprise.id == AlarmNow.enterprise_id)
        .outerjoin(Point, Point.id == AlarmNow.point_id)
    )
    return listed


def _is_open() -> ColumnElement[bool]:
    return or_(AlarmNow.cleared_at.is_(None), AlarmNow.acknowledged_at.is_(None))


def _narrowed(wanted: AlarmFilter, scope: Scope) -> list[ColumnElement[bool]]:
    parts = [in_scope(scope, AlarmNow.enterprise_id, AlarmNow.adcode)]
    parts += equals({
        AlarmNow.level: wanted.level,
        AlarmNow.state: wanted.state,
        AlarmNow.kind: wanted.kind,
        AlarmNow.enterprise_id: wanted.enterprise_id,
        AlarmNow.adcode: wanted.adcode,
        AlarmNow.historical: wanted.historical,
    })  # fmt: skip
    if wanted.open_only and wanted.state is None:
        parts += [_is_open(), AlarmNow.historical.is_(False)]
    if wanted.since:
        parts.append(AlarmNow.raised_at >= wanted.since)
    if wanted.until:
        parts.append(AlarmNow.raised_at < wanted.until)
    if wanted.words:
        columns = (Point.src_code, Point.name, Alarm.object_code, Alarm.alarm_no, Alarm.text_said)
        parts.append(contains(wanted.words, *columns))
    return parts


def alarms_page(
    session: Session, wanted: AlarmFilter, *, cursor: Cursor | None, scope: Scope
) -> Page:
    """Return one page of alarms, newest first."""
    asked = _listed().where(and_(*_narrowed(wanted, scope)))
    return newest_first(session, asked, (AlarmNow.raised_at, AlarmNow.alarm_id), cursor)


def alarms_listed(session: Session, wanted: AlarmFilter, *, scope: Scope) -> Iterator[Any]:
    """Give the alarms of a filter, newest first, up to the most an export holds."""
    asked = _listed().where(and_(*_narrowed(wanted, scope)))
    asked = asked.order_by(AlarmNow.raised_at.desc(), AlarmNow.alarm_id.desc())
    yield from session.execute(asked.limit(EXPORT_MOST_ROWS))


def alarm_facts(session: Session, alarm_id: int, *, scope: Scope) -> Any:
    """Return one alarm with its object and enterprise; raise NotFound outside the scope."""
    place = (func.ST_X(Alarm.geom).label("lon"), func.ST_Y(Alarm.geom).label("lat"))
    asked = _listed().add_columns(*place).where(
        AlarmNow.alarm_id == alarm_id, in_scope(scope, AlarmNow.enterprise_id, AlarmNow.adcode)
    )  # fmt: skip
    found = session.execute(asked).one_or_none()
    if found is None:
        raise NotFound("alarm", alarm_id=alarm_id)
    return found


def events_of(session: Session, alarm_id: int, *, scope: Scope) -> Sequence[AlarmEvent]:
    """Return what happened to an alarm, oldest first."""
    return session.scalars(
        select(AlarmEvent)
        .where(
            AlarmEvent.alarm_id == alarm_id,
            in_scope(scope, AlarmEvent.enterprise_id, AlarmEvent.adcode),
        )
        .order_by(AlarmEvent.id)
    ).all()


def open_counts(session: Session, *, scope: Scope) -> dict[int, int]:
    """Return how many alarms are open, by level."""
    rows = session.execute(
        select(AlarmNow.level, func.count().label("open"))
        .where(
            in_scope(scope, AlarmNow.enterprise_id, AlarmNow.adcode),
            _is_open(),
            AlarmNow.historical.is_(False),
        )
        .group_by(AlarmNow.level)
    )
    return {row.level: row.open for row in rows}


def newest_urgent(session: Session, *, scope: Scope) -> Any | None:
    """Return the newest unacknowledged alarm of level 1 that is no back-fill, or None."""
    return session.execute(
        _listed()
        .where(
            in_scope(scope, AlarmNow.enterprise_id, AlarmNow.adcode),
            AlarmNow.level == 1,
            AlarmNow.state == 1,
            AlarmNow.historical.is_(False),
        )
        .order_by(AlarmNow.raised_at.desc(), AlarmNow.alarm_id.desc())
        .limit(1)
    ).one_or_none()


def filter_choices(session: Session) -> tuple[list[tuple[int, str]], list[tuple[str, str, str]]]:
    """Return enterprises (number, name) and districts (adcode, Chinese, English) to choose from."""
    rows = session.execute(
        text(
            "select 'e' as what, id::text as key, short_name as zh, short_name as en "
            "from enterprise union all "
            "select 'd', adcode, name_zh, name_en from base_district order by what, key"
        )
    ).all()
    enterprises = [(int(row.key), row.zh) for row in rows if row.what == "e"]
    return enterprises, [(row.key, row.zh, row.en) for row in rows if row.what == "d"]


def lock_pushed_alarm(
    session: Session, enterprise_id: int, alarm_no: str
) -> tuple[AlarmNow, Alarm] | None:
    """Return an enterprise's own alarm by its number, locked; None when it is new."""
    fact = session.scalar(
        select(Alarm).where(Alarm.enterprise_id == enterprise_id, Alarm.alarm_no == alarm_no)
    )
    if fact is None:
        return None
    present = session.get(AlarmNow, fact.id, with_for_update=True, populate_existing=True)
    return (present, fact) if present else None


def open_count(session: Session, *, scope: Scope) -> int:
    """Return how many alarms are open in the scope."""
    return sum(open_counts(session, scope=scope).values())
