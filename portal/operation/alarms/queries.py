"""Alarms as pages and services read them; every read takes the scope of who asks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select, text, tuple_
from sqlalchemy.orm import Session, aliased

from portal.accounts.models import Enterprise
from portal.core.actor import Scope
from portal.core.errors import NotFound
from portal.core.paging import PAGE_ROWS, Cursor, Page, contains, equals
from portal.core.scoping import in_scope
from portal.operation.alarms.models import Alarm, AlarmEvent, AlarmHold, AlarmNow
from portal.operation.telemetry.models import Point

EXPORT_MOST_ROWS = 50_000
VIEWS = ("open", "held", "unrecorded", "all", "back")
SORTS = {"level": AlarmNow.level, "kind": AlarmNow.kind, "object": AlarmNow.object_code}


@dataclass(frozen=True)
class AlarmFilter:
    """What a list of alarms is narrowed to; `flat` shows every alarm instead of one line a cause."""

    view: str = "open"
    level: int | None = None
    state: int | None = None
    kind: int | None = None
    enterprise_id: int | None = None
    adcode: str | None = None
    object_code: str | None = None
    point_id: int | None = None
    person: str | None = None
    verdict: int | None = None
    root_id: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    words: str = ""
    flat: bool = False
    sort: str = "raised"


@dataclass(frozen=True)
class OpenCounts:
    """Open alarms by level and by kind, alarms held back, and critical ones nobody has acknowledged."""

    levels: dict[int, int] = field(default_factory=dict)
    kinds: dict[int, int] = field(default_factory=dict)
    held: int = 0
    urgent: int = 0

    @property
    def total(self) -> int:
        """Return how many alarms are open."""
        return sum(self.levels.values())


Member = aliased(AlarmNow)
COLUMNS = (
    AlarmNow.alarm_id, AlarmNow.enterprise_id, AlarmNow.adcode, AlarmNow.point_id, AlarmNow.kind,
    AlarmNow.level, AlarmNow.historical, AlarmNow.state, AlarmNow.verdict, AlarmNow.raised_at,
    AlarmNow.acknowledged_at, AlarmNow.acknowledged_by, AlarmNow.cleared_at, AlarmNow.case_id,
    AlarmNow.peak_value, AlarmNow.latched, AlarmNow.hold, AlarmNow.hold_id, AlarmNow.held_until, AlarmNow.root_id,
    AlarmNow.closed_at, Alarm.value, Alarm.unit, Alarm.limit_name, Alarm.limit_value,
    Alarm.object_code, Alarm.alarm_no, Alarm.source, Alarm.text_said, Alarm.received_at,
    Point.src_code.label("point_code"), Point.name.label("point_name"),
    Enterprise.short_name.label("enterprise"),
    select(func.count()).where(Member.root_id == AlarmNow.alarm_id).correlate(AlarmNow).scalar_subquery().label("members"),
    select(func.min(Member.level)).where(Member.root_id == AlarmNow.alarm_id).correlate(AlarmNow).scalar_subquery()
    .label("worst"),
)  # fmt: skip


def words_of_alarm(session: Session, fact: Alarm) -> str:
    """Return the words an alarm is found by: object, number, description, and the point's code and name."""
    point = None
    if fact.point_id is not None:
        point = session.execute(select(Point.src_code, Point.name).where(Point.id == fact.point_id)).one_or_none()
    parts = (fact.object_code, fact.alarm_no, fact.text_said, *(point or ()))
    return " ".join(dict.fromkeys(filter(None, parts)))


def holds_over(session: Session, present: AlarmNow) -> Sequence[AlarmHold]:
    """Return the running holds that cover an alarm, none of which can end before this transaction does."""
    named = AlarmHold.point_id == present.point_id if present.point_id is not None else AlarmHold.point_id.is_(None)
    return session.scalars(
        select(AlarmHold)
        .where(
            AlarmHold.enterprise_id == present.enterprise_id,
            AlarmHold.ended_at.is_(None),
            AlarmHold.expires_at > func.now(),
            or_(named & AlarmHold.point_id.is_not(None), AlarmHold.object_code == present.object_code),
            or_(AlarmHold.alarm_kind.is_(None), AlarmHold.alarm_kind == present.kind),
        )
        .order_by(AlarmHold.kind.desc(), AlarmHold.id)
        .with_for_update(read=True)
    ).all()


def lock_hold(session: Session, hold_id: int) -> AlarmHold | None:
    """Return a running hold locked to the end, None when it has ended."""
    return session.scalar(
        select(AlarmHold)
        .where(AlarmHold.id == hold_id, AlarmHold.ended_at.is_(None))
        .with_for_update()
        .execution_options(populate_existing=True)
    )


def alarms_under(session: Session, hold_id: int) -> Sequence[AlarmNow]:
    """Return the alarms a hold holds back, locked to the end."""
    return session.scalars(
        select(AlarmNow)
        .where(AlarmNow.hold.is_not(None), AlarmNow.hold_id == hold_id)
        .order_by(AlarmNow.alarm_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()


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


def is_open(of: Any = AlarmNow) -> ColumnElement[bool]:
    """Return the condition that an alarm wants attention: not over, not seen or latched, and not held back."""
    return and_(is_standing(of), of.hold.is_(None))


def is_standing(of: Any = AlarmNow) -> ColumnElement[bool]:
    """Return the condition that an alarm is not at its end, held back or not; the index of open alarms follows it."""
    return and_(or_(of.cleared_at.is_(None), of.acknowledged_at.is_(None), of.latched), ~of.historical)


def _in_view(wanted: AlarmFilter) -> list[ColumnElement[bool]]:
    if wanted.root_id is not None or wanted.state is not None or wanted.view == "all":
        return []
    if wanted.view == "back":
        return [AlarmNow.historical.is_(True)]
    if wanted.view == "held":
        return [is_standing(), AlarmNow.hold.is_not(None)]
    if wanted.view == "unrecorded":
        return [AlarmNow.state == 4, AlarmNow.closed_at.is_(None), AlarmNow.historical.is_(False)]
    if wanted.flat:
        return [is_open()]
    root = aliased(AlarmNow)
    stood_for = exists().where(root.alarm_id == AlarmNow.root_id, is_open(root))
    return [is_open(), or_(AlarmNow.root_id.is_(None), ~stood_for)]


def _narrowed(wanted: AlarmFilter, scope: Scope) -> list[ColumnElement[bool]]:
    parts = [in_scope(scope, AlarmNow.enterprise_id, AlarmNow.adcode), *_in_view(wanted)]
    parts += equals({
        AlarmNow.level: wanted.level,
        AlarmNow.state: wanted.state,
        AlarmNow.kind: wanted.kind,
        AlarmNow.enterprise_id: wanted.enterprise_id,
        AlarmNow.adcode: wanted.adcode,
        AlarmNow.object_code: wanted.object_code,
        AlarmNow.point_id: wanted.point_id,
        AlarmNow.acknowledged_by: wanted.person,
        AlarmNow.verdict: wanted.verdict,
        AlarmNow.root_id: wanted.root_id,
    })  # fmt: skip
    if wanted.since:
        parts.append(AlarmNow.raised_at >= wanted.since)
    if wanted.until:
        parts.append(AlarmNow.raised_at < wanted.until)
    if wanted.words:
        parts.append(contains(wanted.words, AlarmNow.said))
    return parts


def _ordered(asked: Any, wanted: AlarmFilter, *, backward: bool = False) -> Any:
    key = (AlarmNow.raised_at, AlarmNow.alarm_id)
    if backward:
        return asked.order_by(*(each.asc() for each in key))
    newest = tuple(each.desc() for each in key)
    column = SORTS.get(wanted.sort)
    return asked.order_by(*newest) if column is None else asked.order_by(column.asc().nulls_last(), *newest)


def _beyond(cursor: Cursor, wanted: AlarmFilter) -> ColumnElement[bool]:
    """Return the condition of what lies after a row in the order of the list, or before it when going back."""
    key, place = tuple_(AlarmNow.raised_at, AlarmNow.alarm_id), (cursor.at, cursor.number)
    column = SORTS.get(wanted.sort)
    if column is None:
        return key > place if cursor.backward else key < place
    last = aliased(AlarmNow)
    value = select(getattr(last, column.key)).where(last.alarm_id == cursor.number).scalar_subquery()
    after = or_(column > value, and_(column.is_(None), value.is_not(None)))
    return or_(after, and_(column.is_not_distinct_from(value), key < place))


def alarms_page(session: Session, wanted: AlarmFilter, *, cursor: Cursor | None, scope: Scope) -> Page:
    """Return one page of alarms in the order asked for; their numbers are found in the index before anything is joined."""
    numbers = select(AlarmNow.alarm_id).where(and_(*_narrowed(wanted, scope)))
    backward = cursor is not None and cursor.backward and wanted.sort not in SORTS
    if cursor:
        numbers = numbers.where(_beyond(cursor, wanted))
    numbers = _ordered(numbers, wanted, backward=backward).limit(PAGE_ROWS + 1)
    found = numbers.subquery()
    asked = _listed().where(AlarmNow.alarm_id.in_(select(found.c.alarm_id)))
    rows = list(session.execute(_ordered(asked, wanted)).all())
    more = len(rows) > PAGE_ROWS
    if backward:
        return Page(rows[1:] if more else rows, has_newer=more, has_older=True)
    return Page(rows[:PAGE_ROWS], has_newer=cursor is not None, has_older=more)


def alarms_listed(session: Session, wanted: AlarmFilter, *, scope: Scope) -> Iterator[Any]:
    """Give the alarms of a filter in the order of the screen, up to one more than an export holds."""
    asked = _listed().where(and_(*_narrowed(wanted, scope)))
    yield from session.execute(_ordered(asked, wanted).limit(EXPORT_MOST_ROWS + 1))


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


def open_counts(session: Session, *, scope: Scope) -> OpenCounts:
    """Return how many alarms are open, held back, and urgent."""
    held = AlarmNow.hold.is_not(None)
    rows = session.execute(
        select(
            AlarmNow.level,
            AlarmNow.kind,
            func.count().filter(~held).label("open"),
            func.count().filter(held).label("held"),
            func.count().filter(~held, AlarmNow.acknowledged_at.is_(None)).label("unseen"),
        )
        .where(in_scope(scope, AlarmNow.enterprise_id, AlarmNow.adcode), is_standing())
        .group_by(AlarmNow.level, AlarmNow.kind)
    ).all()
    levels: dict[int, int] = {}
    kinds: dict[int, int] = {}
    for row in rows:
        if row.open:
            levels[row.level] = levels.get(row.level, 0) + row.open
            kinds[row.kind] = kinds.get(row.kind, 0) + row.open
    return OpenCounts(levels, kinds, sum(row.held for row in rows), sum(row.unseen for row in rows if row.level == 1))


def newest_urgent(session: Session, *, scope: Scope) -> Any | None:
    """Return the newest unacknowledged alarm of level 1 that is no back-fill, or None."""
    return session.execute(
        _listed()
        .where(
            in_scope(scope, AlarmNow.enterprise_id, AlarmNow.adcode),
            AlarmNow.level == 1,
            AlarmNow.acknowledged_at.is_(None),
            is_open(),
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
    return open_counts(session, scope=scope).total
