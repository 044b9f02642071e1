"""Reads of registers: pages, counts of their views, one record with its former states; all within a scope."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, func, or_, select, text
from sqlalchemy.orm import Session

from portal.core.actor import Scope
from portal.core.errors import NotFound
from portal.core.paging import Cursor, Page, contains, equals, newest_first
from portal.core.scoping import in_scope
from portal.registers.spec import Register

COUNT_MOST = 10_000
EXPORT_MOST = 50_000
BIGGEST_ID = 2**63 - 1
_HIDDEN = frozenset({"id", "receipt_id", "valid_from", "valid_to", "object_id", "user_id", "received_at", "late"})


@dataclass(frozen=True)
class Narrowing:
    """What a list is narrowed to; `codes` is column -> code."""

    view: str = ""
    codes: tuple[tuple[str, int], ...] = ()
    enterprise_id: int | None = None
    adcode: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    words: str = ""


@dataclass(frozen=True)
class Place:
    """Where a record lies, degrees of CGCS2000."""

    lon: float
    lat: float


def records_page(
    session: Session, register: Register, wanted: Narrowing, *, cursor: Cursor | None, scope: Scope, now: datetime
) -> Page:
    """Return one page of a register, newest first."""
    table = register.model.__table__.columns
    asked = _asked(register, wanted, scope, now)
    return newest_first(session, asked, (table[register.order], table["id"]), cursor)


def records_listed(
    session: Session, register: Register, wanted: Narrowing, *, scope: Scope, now: datetime
) -> Iterator[Any]:
    """Return the rows of an export, newest first, up to the most that is exported."""
    table = register.model.__table__.columns
    asked = _asked(register, wanted, scope, now).order_by(table[register.order].desc(), table["id"].desc())
    yield from session.execute(asked.limit(EXPORT_MOST).execution_options(yield_per=1000))


def view_counts(session: Session, register: Register, *, scope: Scope, now: datetime) -> dict[str, int]:
    """Return how many records each view of a register holds, counted up to the most."""
    table = register.model.__table__.columns
    counts = {}
    for view in register.views:
        some = select(table["id"]).where(view.where(register.model, now), _within(register, scope)).limit(COUNT_MOST)
        counts[view.key] = int(session.scalar(select(func.count()).select_from(some.subquery())) or 0)
    return counts


def find_record(session: Session, register: Register, number: int, *, scope: Scope) -> Any:
    """Return one record; raise NotFound outside the scope."""
    if 0 < number <= BIGGEST_ID:
        columns = register.model.__table__.columns
        row = session.execute(select(*columns).where(columns["id"] == number, _within(register, scope))).one_or_none()
        if row is not None:
            return row
    raise NotFound(register.key, number=number)


def place_of_record(session: Session, register: Register, number: int) -> Place | None:
    """Return where a record lies by its own place, None when it has none."""
    column = register.model.__table__.columns.get("geom")
    if column is None:
        return None
    row = session.execute(
        select(func.st_x(column), func.st_y(column)).where(register.model.__table__.columns["id"] == number)
    ).one_or_none()
    return Place(row[0], row[1]) if row is not None and row[0] is not None else None


def states_of_record(session: Session, register: Register, record: Any) -> list[tuple[datetime, dict[str, Any]]]:
    """Return the states of a record, oldest first: since when, and column -> value; shapes as text."""
    table = register.model.__tablename__
    names = [column.name for column in register.model.__table__.columns if column.name not in _HIDDEN]
    wanted = ", ".join(f"st_astext({name}) as {name}" if name in ("geom", "track") else name for name in names)
    rows = session.execute(
        text(
            f"select valid_from, {wanted} from {table}_history where id = :id"  # names are constants
            f" union all select valid_from, {wanted} from {table} where id = :id order by 1"
        ),
        {"id": record.id},
    )
    return [(row.valid_from, {name: getattr(row, name) for name in names}) for row in rows]


def changes_of(states: list[tuple[datetime, dict[str, Any]]]) -> list[tuple[datetime, dict[str, tuple[Any, Any]]]]:
    """Return when which columns changed from what to what, newest first."""
    changes = []
    for (_, old), (at, new) in zip(states, states[1:], strict=False):
        moved = {name: (old[name], new[name]) for name in new if old[name] != new[name] and name != "changed_at"}
        if moved:
            changes.append((at, moved))
    return changes[::-1]


def enterprise_names(session: Session) -> dict[int, str]:
    """Return number -> short name of the enterprises."""
    # This layer lies below the accounts that own the table.
    return {row.id: row.short_name for row in session.execute(text("select id, short_name from enterprise order by 2"))}


def _within(register: Register, scope: Scope) -> ColumnElement[bool]:
    columns = register.model.__table__.columns
    own = in_scope(scope, columns["enterprise_id"], columns["adcode"])
    if not (register.served and scope.adcodes):
        return own
    return or_(own, columns["enterprise_id"].in_(select(func.unnest(func.scope_served_enterprises()))))


def _asked(register: Register, wanted: Narrowing, scope: Scope, now: datetime) -> Select[Any]:
    table = register.model.__table__.columns
    shown: Mapping[str, Any] = {name: table[name] for name in dict.fromkeys(("id", "enterprise_id", *register.columns, register.order))}
    parts = [_within(register, scope)]
    parts += [view.where(register.model, now) for view in register.views if view.key == wanted.view]
    parts += equals({table["enterprise_id"]: wanted.enterprise_id, table["adcode"]: wanted.adcode})
    parts += [table[name] == code for name, code in wanted.codes]
    if wanted.since is not None:
        parts.append(table[register.order] >= wanted.since)
    if wanted.until is not None:
        parts.append(table[register.order] < wanted.until)
    if wanted.words:
        parts.append(contains(wanted.words, *(table[name] for name in register.search)))
    return select(*shown.values()).where(*parts)
