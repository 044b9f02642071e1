"""Cases as pages, services and the adapter API read them; every read takes the scope of who asks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, func, select, text
from sqlalchemy.orm import Session

from portal.accounts.models import Enterprise
from portal.core.actor import Scope
from portal.core.errors import NotFound
from portal.core.paging import Cursor, Page, contains, equals, newest_first
from portal.core.scoping import in_scope
from portal.events.models import CaseStep, SupervisionCase, WorkingDay
from portal.events.rules import (
    DIFFICULT,
    ENDED,
    GENERAL,
    QUICK,
    URGENT,
    WORKING_MINUTES_A_DAY,
    WORKS,
    State,
    WorkCalendar,
)

ORDERS_MOST = 500
MINUTES_OF_PARAMETER = {
    "case.urgent_h": (URGENT, 60),
    "case.quick_h": (QUICK, 60),
    "case.general_days": (GENERAL, WORKING_MINUTES_A_DAY),
    "case.difficult_days": (DIFFICULT, WORKING_MINUTES_A_DAY),
    "case.works_days": (WORKS, 24 * 60),
}
Case = SupervisionCase
COLUMNS = (
    Case.id, Case.case_no, Case.enterprise_id, Case.adcode, Case.alarm_id, Case.case_class,
    Case.level, Case.title, Case.state, Case.opened_at, Case.due_at, Case.dispatched_at,
    Case.replied_at, Case.closed_at, Case.rework_n, Case.urged_n,
    Enterprise.short_name.label("enterprise"),
)  # fmt: skip


@dataclass(frozen=True)
class CaseFilter:
    """What a list of cases is narrowed to; view is running, overdue, waiting, ended or all."""

    view: str = "running"
    level: int | None = None
    enterprise_id: int | None = None
    words: str = ""


def lock_case(session: Session, case_id: int, *, scope: Scope) -> SupervisionCase:
    """Return a case locked until the transaction ends; raise NotFound outside the scope."""
    found = session.scalar(
        select(Case)
        .where(Case.id == case_id, in_scope(scope, Case.enterprise_id, Case.adcode))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise NotFound("case", case_id=case_id)
    return found


def case_facts(session: Session, case_id: int, *, scope: Scope) -> Any:
    """Return one case with its enterprise; raise NotFound outside the scope."""
    found = session.execute(
        select(*COLUMNS)
        .join(Enterprise, Enterprise.id == Case.enterprise_id)
        .where(Case.id == case_id, in_scope(scope, Case.enterprise_id, Case.adcode))
    ).one_or_none()
    if found is None:
        raise NotFound("case", case_id=case_id)
    return found


def steps_of(session: Session, case_id: int, *, scope: Scope) -> Sequence[CaseStep]:
    """Return the steps of a case, oldest first."""
    return session.scalars(
        select(CaseStep)
        .where(
            CaseStep.case_id == case_id, in_scope(scope, CaseStep.enterprise_id, CaseStep.adcode)
        )
        .order_by(CaseStep.id)
    ).all()


def steps_taken(session: Session, case_id: int, action: str) -> int:
    """Return how often an action was taken in a case."""
    counted = select(func.count()).select_from(CaseStep)
    wanted = counted.where(CaseStep.case_id == case_id, CaseStep.action == action)
    return session.scalar(wanted) or 0


def _in_view(view: str, now: datetime) -> list[ColumnElement[bool]]:
    running = Case.state.not_in([int(each) for each in ENDED])
    views: dict[str, list[ColumnElement[bool]]] = {
        "running": [running],
        "overdue": [running, Case.due_at < now],
        "waiting": [Case.state.in_([int(State.AWAITING_ACCEPTANCE), int(State.REPLIED)])],
        "ended": [~running],
    }
    return views.get(view, [])


def _narrowed(wanted: CaseFilter, scope: Scope, now: datetime) -> list[ColumnElement[bool]]:
    parts = [in_scope(scope, Case.enterprise_id, Case.adcode), *_in_view(wanted.view, now)]
    parts += equals({Case.level: wanted.level, Case.enterprise_id: wanted.enterprise_id})
    if wanted.words:
        parts.append(contains(wanted.words, Case.case_no, Case.title))
    return parts


def cases_page(
    session: Session, wanted: CaseFilter, *, cursor: Cursor | None, scope: Scope, now: datetime
) -> Page:
    """Return one page of cases, newest first."""
    asked = select(*COLUMNS).join(Enterprise, Enterprise.id == Case.enterprise_id)
    asked = asked.where(and_(*_narrowed(wanted, scope, now)))
    return newest_first(session, asked, (Case.opened_at, Case.id), cursor)


def case_counts(session: Session, *, scope: Scope, now: datetime) -> dict[str, int]:
    """Return how many cases are running, overdue, waiting for an officer, and ended."""
    views = ("running", "overdue", "waiting", "ended")
    row = session.execute(
        select(
            *(func.count().filter(and_(*_in_view(view, now))).label(view) for view in views)
        ).where(in_scope(scope, Case.enterprise_id, Case.adcode))
    ).one()
    return {view: getattr(row, view) for view in views}


def enterprise_choices(session: Session) -> Sequence[Any]:
    """Return number and short name of every enterprise."""
    asked = select(Enterprise.id, Enterprise.short_name).order_by(Enterprise.short_name)
    return session.execute(asked).all()


def orders_of(session: Session, enterprise_id: int) -> list[dict[str, Any]]:
    """Return the orders of an enterprise as its program reads them: dispatched cases, newest first."""
    rows = session.execute(
        select(*COLUMNS)
        .join(Enterprise, Enterprise.id == Case.enterprise_id)
        .where(Case.enterprise_id == enterprise_id, Case.dispatched_at.is_not(None))
        .order_by(Case.dispatched_at.desc(), Case.id.desc())
        .limit(ORDERS_MOST)
    ).all()
    notes = _dispatch_notes(session, [row.id for row in rows])
    return [
        {
            "id": row.id,
            "case_no": row.case_no,
            "title": row.title,
            "level": row.level,
            "case_class": row.case_class,
            "state": row.state,
            "alarm_id": row.alarm_id,
            "instruction": notes.get(row.id, ""),
            "opened_at": row.opened_at.isoformat(),
            "dispatched_at": row.dispatched_at.isoformat(),
            "due_at": row.due_at.isoformat(),
            "replied_at": row.replied_at.isoformat() if row.replied_at else None,
            "closed_at": row.closed_at.isoformat() if row.closed_at else None,
            "rework_n": row.rework_n,
            "urged_n": row.urged_n,
        }
        for row in rows
    ]


def _dispatch_notes(session: Session, case_ids: list[int]) -> dict[int, str]:
    """Return what the enterprise was last told to do: of the dispatch, or of the sending back."""
    if not case_ids:
        return {}
    rows = session.execute(
        select(CaseStep.case_id, CaseStep.note)
        .where(CaseStep.case_id.in_(case_ids), CaseStep.action.in_(["dispatch", "return"]))
        .order_by(CaseStep.id)
    )
    return {case_id: note or "" for case_id, note in rows}


def limits_in_force(session: Session) -> dict[int, int]:
    """Return the limit of each case class in minutes, from the parameters that are set."""
    rows = session.execute(text("select key, value from parameter where key like 'case.%'"))
    found = {}
    for key, value in rows:
        if key in MINUTES_OF_PARAMETER:
            case_class, minutes = MINUTES_OF_PARAMETER[key]
            found[case_class] = round(value * minutes)
    return found


def working_calendar(session: Session) -> WorkCalendar:
    """Return the working calendar with its exceptions."""
    rows = session.execute(select(WorkingDay.day, WorkingDay.worked))
    return WorkCalendar({row.day: row.worked for row in rows})


def late_cases(session: Session, *, now: datetime) -> Sequence[Any]:
    """Return running cases that may need urging, with the highest rung a job has urged each to."""
    urged = (
        select(func.max(CaseStep.note))
        .where(
            CaseStep.case_id == Case.id,
            CaseStep.action == "urge",
            CaseStep.actor_kind == "job",
        )
        .scalar_subquery()
    )
    return session.execute(
        select(Case.id, Case.opened_at, Case.due_at, urged.label("urged_to"))
        .where(*_in_view("running", now), Case.opened_at < now)
        .order_by(Case.due_at)
    ).all()
