"""Reads of the running log: the newest rows of each ledger, laid into one order of time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Integer, Select, Text, cast, literal, null, select, tuple_, union_all
from sqlalchemy.orm import Session

from portal.accounts.models import Enterprise
from portal.core.actor import Scope
from portal.core.paging import PAGE_ROWS, Cursor, Page, contains, newest_first
from portal.core.scoping import in_scope
from portal.emergency.incidents.models import Incident
from portal.events.models import CaseStep, SupervisionCase
from portal.operation.alarms.models import Alarm, AlarmEvent
from portal.operation.devices.models import Device, DeviceStep

# The place of a ledger in this row makes the numbers of its rows distinct from those of the others.
SOURCES = ("alarm", "case", "device", "incident")
EXPORT_MOST = 100_000


@dataclass(frozen=True)
class LogFilter:
    """What somebody looks for; empty narrows nothing."""

    source: str = ""
    enterprise_id: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    person: str = ""
    words: str = ""


def _alarms(wanted: LogFilter) -> Select[Any]:
    return (
        _columns(
            "alarm",
            AlarmEvent,
            AlarmEvent.alarm_id,
            AlarmEvent.action,
            AlarmEvent.state,
            AlarmEvent.note,
            AlarmEvent.actor_name,
            Alarm.object_code,
            kind=Alarm.kind,
        )
        .join(Alarm, Alarm.id == AlarmEvent.alarm_id)
        .where(*_sought(wanted, AlarmEvent.note, Alarm.object_code), *_by(wanted, AlarmEvent.actor_name))
    )


def _cases(wanted: LogFilter) -> Select[Any]:
    return (
        _columns(
            "case",
            CaseStep,
            CaseStep.case_id,
            CaseStep.action,
            CaseStep.state,
            CaseStep.note,
            CaseStep.actor_name,
            SupervisionCase.title,
        )
        .join(SupervisionCase, SupervisionCase.id == CaseStep.case_id)
        .where(*_sought(wanted, CaseStep.note, SupervisionCase.title), *_by(wanted, CaseStep.actor_name))
    )


def _devices(wanted: LogFilter) -> Select[Any]:
    return (
        _columns(
            "device",
            DeviceStep,
            DeviceStep.device_id,
            literal("step"),
            DeviceStep.to_status,
            DeviceStep.reason,
            DeviceStep.said_by,
            Device.src_code,
        )
        .join(Device, Device.id == DeviceStep.device_id)
        .where(*_sought(wanted, DeviceStep.reason, Device.src_code), *_by(wanted, DeviceStep.said_by))
    )


def _incidents(wanted: LogFilter) -> Select[Any]:
    return _columns(
        "incident",
        Incident,
        Incident.id,
        literal("occur"),
        Incident.status,
        Incident.description,
        cast(null(), Text),
        Incident.record_no,
        at=Incident.occurred_at,
    ).where(*_sought(wanted, Incident.description, Incident.record_no), *_by(wanted, Incident.record_no, none=True))


LEDGERS = {"alarm": _alarms, "case": _cases, "device": _devices, "incident": _incidents}


def _columns(
    source: str,
    ledger: Any,
    ref: Any,
    action: Any,
    state: Any,
    note: Any,
    who: Any,
    subject: Any,
    *,
    at: Any = None,
    kind: Any = None,
) -> Select[Any]:
    number = ledger.id * len(SOURCES) + SOURCES.index(source)
    return select(
        literal(source).label("source"),
        (ledger.at if at is None else at).label("at"),
        number.label("number"),
        ref.label("ref_id"),
        action.label("action"),
        state.label("state"),
        note.label("note"),
        who.label("who"),
        subject.label("subject"),
        (cast(null(), Integer) if kind is None else kind).label("kind"),
        ledger.enterprise_id.label("enterprise_id"),
        Enterprise.short_name.label("enterprise"),
    ).outerjoin(Enterprise, Enterprise.id == ledger.enterprise_id)


def _sought(wanted: LogFilter, *columns: Any) -> list[ColumnElement[bool]]:
    return [contains(wanted.words, *columns)] if wanted.words else []


def _by(wanted: LogFilter, column: Any, *, none: bool = False) -> list[ColumnElement[bool]]:
    if not wanted.person:
        return []
    # An incident is filed, not done by anybody.
    return [column.is_(None)] if none else [contains(wanted.person, column)]


def _ledger(source: str, wanted: LogFilter, scope: Scope, cursor: Cursor | None) -> Select[Any]:
    """Return the rows of one ledger from the cursor on, no more than a page needs."""
    asked = LEDGERS[source](wanted)
    columns = asked.selected_columns
    at, number = columns.at, columns.number
    asked = asked.where(_within(source, scope))
    if wanted.enterprise_id is not None:
        asked = asked.where(columns.enterprise_id == wanted.enterprise_id)
    if wanted.since is not None:
        asked = asked.where(at >= wanted.since)
    if wanted.until is not None:
        asked = asked.where(at < wanted.until)
    backward = cursor is not None and cursor.backward
    if cursor is not None:
        place = (cursor.at, cursor.number)
        # The instant alone first: that is what an index knows.
        asked = asked.where(at >= cursor.at if backward else at <= cursor.at)
        asked = asked.where(tuple_(at, number) > place if backward else tuple_(at, number) < place)
    order = (at.asc(), number.asc()) if backward else (at.desc(), number.desc())
    return asked.order_by(*order)


def _within(source: str, scope: Scope) -> ColumnElement[bool]:
    ledger: Any = {"alarm": AlarmEvent, "case": CaseStep, "device": DeviceStep, "incident": Incident}[source]
    return in_scope(scope, ledger.enterprise_id, ledger.adcode)


def log_page(
    session: Session, wanted: LogFilter, sources: tuple[str, ...], *, cursor: Cursor | None, scope: Scope
) -> Page:
    """Return one page of the log, newest first, from the ledgers the caller may read."""
    chosen = [source for source in sources if not wanted.source or source == wanted.source]
    if not chosen:
        return Page([], has_newer=False, has_older=False)
    limited = [_ledger(source, wanted, scope, cursor).limit(PAGE_ROWS + 1).subquery() for source in chosen]
    whole = union_all(*(select(each) for each in limited)).subquery()
    return newest_first(session, select(whole), (whole.c.at, whole.c.number), cursor)


def log_listed(session: Session, wanted: LogFilter, sources: tuple[str, ...], *, scope: Scope) -> Iterator[Any]:
    """Yield the rows of the filter, newest first, up to 100,000."""
    cursor, given = None, 0
    while given < EXPORT_MOST:
        page = log_page(session, wanted, sources, cursor=cursor, scope=scope)
        yield from page.rows
        given += len(page.rows)
        if not page.has_older:
            return
        cursor = Cursor(page.rows[-1].at, page.rows[-1].number)
