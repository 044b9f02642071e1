"""Scheduled work of the reports: the monthly evaluation of every enterprise."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from sqlalchemy.orm import Session

from portal.config import Settings
from portal.core.actor import job_actor
from portal.core.clock import local
from reports import archive
from reports.queries import active_enterprises
from reports.services import Order, make_report


def monthly_evaluation(session: Session, now: datetime) -> str:
    """Make the evaluation of the month before `now` for each enterprise in business that has none yet."""
    return evaluate_all(session, local(now).date().replace(day=1) - timedelta(days=1), now)


def evaluate_all(session: Session, month: date, now: datetime) -> str:
    """Make the evaluation of a month for each enterprise in business that has none; return what was done."""
    settings, actor = Settings.from_env(), job_actor("report_monthly")
    done = archive.newest_of_month(session, month.replace(day=1))
    due = [each["id"] for each in active_enterprises(session) if each["id"] not in done]
    for enterprise_id in due:
        make_report(
            session, Order("evaluation", enterprise_id, month), settings=settings, actor=actor, now=now
        )
    return f"{len(due)} made, {len(done)} there already"
