"""Orders for reports: placed on the page, made one after another by a job, with progress, lost by no restart.

The transaction that makes a report holds an advisory lock on its order and ends the order together with
the archived report. A worker that dies frees the lock; the next run begins the order again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Row, func, select, update
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from sqlalchemy.orm import Session

from portal.accounts.models import Enterprise, User
from portal.accounts.queries import enterprise_by_id
from portal.accounts.services import actor_for
from portal.audit.services import record
from portal.config import Settings
from portal.core.actor import CITY, Actor
from portal.core.clock import utc_now
from portal.core.db import transaction
from portal.core.errors import Invalid, NotFound, PortalError
from reports.builders.evaluation import month_window
from reports.models import ReportOrder
from reports.services import KINDS, Order, make_report
from reports.wording import LANGUAGES

log = logging.getLogger(__name__)
GOING = ("waiting", "making")
# Share of the work that is done when a step begins, measured on the demo city.
PERCENT = {"figures": 5, "map": 45, "pages": 55, "archive": 95, "done": 100}
ATTEMPTS = 3
LOCK_SPACE = 727101
SHOWN = timedelta(hours=24)
SHOWN_ROWS = 10


@dataclass(frozen=True)
class OrderLine:
    """An order as pages show it."""

    id: int
    enterprise: str
    period: date
    state: str
    step: str
    percent: int
    error: str | None
    report_id: int | None
    ordered_at: datetime
    ahead: int

    @property
    def going(self) -> bool:
        """Return whether the report is still to come."""
        return self.state in GOING


def place_order(session: Session, wanted: Order, *, actor: Actor, now: datetime) -> ReportOrder:
    """Keep an order, or return the same one that is still to be made; raise Invalid or NotFound for a senseless one."""
    if wanted.kind not in KINDS:
        raise Invalid("report_kind_unknown", kind=wanted.kind)
    if not 0 < wanted.enterprise_id < 2**31:
        raise NotFound("enterprise", enterprise_id=wanted.enterprise_id)
    enterprise_by_id(session, wanted.enterprise_id)
    month_window(wanted.enterprise_id, wanted.period, now)
    language = wanted.language if wanted.language in LANGUAGES else LANGUAGES[0]
    same = select(ReportOrder).where(
        ReportOrder.user_id == actor.id,
        ReportOrder.enterprise_id == wanted.enterprise_id,
        ReportOrder.period == wanted.period,
        ReportOrder.language == language,
        ReportOrder.state == "waiting",
    )
    known = session.scalar(same.limit(1))
    if known is not None:
        return known
    made = ReportOrder(
        kind=wanted.kind,
        enterprise_id=wanted.enterprise_id,
        period=wanted.period,
        language=language,
        user_id=actor.id,
        ordered_at=now,
    )
    session.add(made)
    session.flush()
    record(
        session,
        actor,
        "report.order",
        object_type="report_order",
        object_id=made.id,
        enterprise_id=made.enterprise_id,
        after={"kind": made.kind, "period": f"{made.period:%Y-%m}", "language": language},
    )
    return made


def order_line(session: Session, order_id: int) -> OrderLine:
    """Return one order of the scope; raise NotFound."""
    found = session.execute(_lines().where(ReportOrder.id == min(order_id, 2**63 - 1))).one_or_none()
    if found is None:
        raise NotFound("report_order", order_id=order_id)
    return _as_line(found)


def orders_of(session: Session, user_id: int | None, now: datetime) -> list[OrderLine]:
    """Return a person's newest orders: those still to come and those of the last 24 hours."""
    wanted = _lines().where(
        ReportOrder.user_id == user_id,
        ReportOrder.state.in_(GOING) | (ReportOrder.ordered_at > now - SHOWN),
    )
    return [_as_line(row) for row in session.execute(wanted.order_by(ReportOrder.id.desc()).limit(SHOWN_ROWS))]


def make_waiting(session: Session, now: datetime) -> str:
    """Make every ordered report; each step shows at once, each report is a transaction of its own."""
    return work_off(Settings.from_env())


def work_off(settings: Settings) -> str:
    """Make every ordered report until none is left; say how many were worked on."""
    done, passed = 0, 0
    while (order_id := _next_after(settings, passed)) is not None:
        _work_on(settings, order_id)
        done, passed = done + 1, order_id
    return f"{done} reports"


def _lines() -> Any:
    ahead = (
        select(func.count())
        .select_from(earlier := ReportOrder.__table__.alias("earlier"))
        .where(earlier.c.state.in_(GOING), earlier.c.id < ReportOrder.id)
        .correlate(ReportOrder)
        .scalar_subquery()
    )
    return select(ReportOrder, Enterprise.name, ahead).join(Enterprise, Enterprise.id == ReportOrder.enterprise_id)


def _as_line(row: Row[Any]) -> OrderLine:
    order, enterprise, ahead = row
    return OrderLine(
        id=order.id,
        enterprise=enterprise,
        period=order.period,
        state=order.state,
        step=order.step,
        percent=order.percent,
        error=order.error,
        report_id=order.report_id,
        ordered_at=order.ordered_at,
        ahead=ahead,
    )


def _next_after(settings: Settings, passed: int) -> int | None:
    with transaction(settings, CITY, worker=True) as session:
        wanted = select(ReportOrder.id).where(ReportOrder.state.in_(GOING), ReportOrder.id > passed)
        return session.scalar(wanted.order_by(ReportOrder.id).limit(1))


def _work_on(settings: Settings, order_id: int) -> None:
    """Make one report; what goes wrong is kept with the order in a code, and the order is not tried again."""
    try:
        with transaction(settings, CITY, worker=True) as session:
            _make(session, settings, order_id)
    except PortalError as refused:
        log.info("report_refused", extra={"order": order_id, "code": refused.code})
        _note(settings, order_id, state="failed", error=refused.code, ended_at=utc_now())
    except OperationalError:
        # The database went away: the order stays as it is and the next run begins it again.
        log.warning("report_interrupted", extra={"order": order_id})
    except (SQLAlchemyError, OSError, ValueError) as failed:
        log.error("report_failed", extra={"order": order_id}, exc_info=failed)
        _note(settings, order_id, state="failed", error="report_not_rendered", ended_at=utc_now())


def _make(session: Session, settings: Settings, order_id: int) -> None:
    if not session.scalar(select(func.pg_try_advisory_xact_lock(LOCK_SPACE, order_id % 2**31))):
        return  # another worker is making it
    order = session.get_one(ReportOrder, order_id)
    if order.state not in GOING:
        return
    _note(settings, order_id, state="making", attempts=order.attempts + 1, started_at=utc_now())
    if order.attempts >= ATTEMPTS:
        raise Invalid("report_gave_up")
    user = session.get(User, order.user_id) if order.user_id else None
    made = make_report(
        session,
        Order(order.kind, order.enterprise_id, order.period, order.language),
        settings=settings,
        actor=actor_for(user) if user else Actor(kind="job", id=None, name="make_reports", scope=CITY),
        now=utc_now(),
        progress=_progress(settings, order_id),
    )
    session.execute(
        update(ReportOrder)
        .where(ReportOrder.id == order_id)
        .values(state="done", step="done", percent=100, report_id=made.id, ended_at=utc_now())
    )


def _progress(settings: Settings, order_id: int) -> Callable[[str], None]:
    return lambda step: _note(settings, order_id, step=step, percent=PERCENT[step])


def _note(settings: Settings, order_id: int, **values: Any) -> None:
    """Write beside the long transaction, so that the page sees it at once."""
    with transaction(settings, CITY, worker=True) as session:
        session.execute(update(ReportOrder).where(ReportOrder.id == order_id).values(**values))
