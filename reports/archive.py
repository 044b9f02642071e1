"""Reads of the archive of reports: lists, one report, versions, and the search for a file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Select, and_, func, select
from sqlalchemy.orm import Session

from portal.accounts.models import Enterprise
from portal.core.errors import NotFound
from reports.models import Report

LIST_COLUMNS = (
    Report.id,
    Report.kind,
    Report.enterprise_id,
    Enterprise.name.label("enterprise"),
    Enterprise.short_name,
    Report.period_from,
    Report.period_to,
    Report.version,
    Report.language,
    Report.title,
    Report.score,
    Report.snapshot["total"]["grade"].as_string().label("grade"),
    Report.verify_code,
    Report.snapshot_sm3,
    Report.pdf_sm3,
    Report.created_at,
    Report.created_by,
)


@dataclass(frozen=True)
class ReportLine:
    """One report as a list shows it, without file and figures."""

    id: int
    kind: str
    enterprise_id: int | None
    enterprise: str | None
    short_name: str | None
    period_from: date
    period_to: date
    version: int
    language: str
    title: str
    score: float | None
    grade: str | None
    verify_code: str
    snapshot_sm3: str
    pdf_sm3: str
    created_at: datetime
    created_by: str


def _lines() -> Select[Any]:
    return select(*LIST_COLUMNS).join(Enterprise, Enterprise.id == Report.enterprise_id, isouter=True)


def _as_lines(session: Session, wanted: Select[Any]) -> list[ReportLine]:
    return [ReportLine(**row) for row in session.execute(wanted).mappings()]


def reports(
    session: Session,
    *,
    enterprise_id: int | None = None,
    before_id: int | None = None,
    rows: int = 50,
) -> list[ReportLine]:
    """Return the newest reports of the scope, optionally of one enterprise and before a number."""
    wanted = _lines().order_by(Report.id.desc()).limit(rows)
    if enterprise_id is not None:
        wanted = wanted.where(Report.enterprise_id == enterprise_id)
    if before_id is not None:
        wanted = wanted.where(Report.id < before_id)
    return _as_lines(session, wanted)


def report(session: Session, report_id: int) -> Report:
    """Return one report with file and figures; raise NotFound outside the scope."""
    found = session.get(Report, report_id)
    if found is None:
        raise NotFound("report", report_id=report_id)
    return found


def versions(session: Session, of: Report) -> list[ReportLine]:
    """Return every version of the same kind, enterprise and period, newest first."""
    same = and_(
        Report.kind == of.kind,
        Report.enterprise_id == of.enterprise_id,
        Report.period_from == of.period_from,
    )
    return _as_lines(session, _lines().where(same).order_by(Report.version.desc()))


def next_version(session: Session, kind: str, enterprise_id: int | None, period_from: date) -> int:
    """Return the number of the next version of a report; a second maker of the same one waits for the first."""
    name = f"report {kind} {enterprise_id} {period_from}"
    session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))
    newest = session.scalar(
        select(func.max(Report.version)).where(
            Report.kind == kind,
            Report.enterprise_id == enterprise_id,
            Report.period_from == period_from,
        )
    )
    return int(newest or 0) + 1


def by_file_digest(session: Session, pdf_sm3: str) -> ReportLine | None:
    """Return the archived report whose file has this SM3, or None."""
    found = _as_lines(session, _lines().where(Report.pdf_sm3 == pdf_sm3))
    return found[0] if found else None


def by_verify_code(session: Session, codes: Sequence[str]) -> ReportLine | None:
    """Return the archived report that carries one of these verification codes, or None."""
    found = _as_lines(session, _lines().where(Report.verify_code.in_(codes)).limit(1))
    return found[0] if found else None


def newest_of_month(session: Session, period_from: date) -> dict[int, ReportLine]:
    """Return the newest evaluation of each enterprise for the month that starts on a day."""
    wanted = _lines().where(Report.kind == "evaluation", Report.period_from == period_from)
    lines = _as_lines(session, wanted.order_by(Report.version))
    return {line.enterprise_id: line for line in lines if line.enterprise_id is not None}


def months_with_reports(session: Session) -> list[date]:
    """Return the first days of the months with an evaluation, newest first."""
    wanted = select(Report.period_from).where(Report.kind == "evaluation").distinct()
    return list(session.scalars(wanted.order_by(Report.period_from.desc())))


def total_of(session: Session, report_id: int) -> dict[str, Any]:
    """Return the total of one archived evaluation: score, grade, coverage, groups."""
    found = session.scalar(select(Report.snapshot["total"]).where(Report.id == report_id))
    return dict(found) if found else {"score": None, "grade": "", "coverage": 0, "groups": []}
