"""Reads of the quality pages: scores, what lies behind them, findings and rules; the row policies keep the scope."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, case, func, select
from sqlalchemy.orm import Session

from ingestion_adapters.quality.models import (
    QualityFinding,
    QualityResult,
    QualityRule,
    QualityScore,
    QualityStep,
)
from ingestion_adapters.quality.verdicts import ALL_DATASETS, OVERALL
from portal.accounts.models import Enterprise, User
from portal.core.errors import NotFound
from portal.core.paging import Cursor, Page, contains, equals, newest_first

TREND_DAYS = 30
EXPORTED_MOST = 20_000
RUNNING = ("open", "answered", "waived")
Finding = QualityFinding


@dataclass(frozen=True)
class BoardLine:
    """The scores of one enterprise, or of one of its feeds, on a day."""

    enterprise_id: int
    enterprise: str
    dataset: str
    scores: dict[int, float] = field(default_factory=dict)
    trend: list[tuple[date, float]] = field(default_factory=list)
    rank: int | None = None
    open_day: bool = False

    @property
    def overall(self) -> float | None:
        """Return the score over all qualities."""
        return self.scores.get(OVERALL)

    @property
    def change(self) -> float | None:
        """Return how much the score moved since the mean of the week before the newest day."""
        before = [score for _, score in self.trend[-8:-1]]
        return self.trend[-1][1] - sum(before) / len(before) if before else None

    def line(self, width: float = 100, height: float = 30) -> str:
        """Return the trend as points of a polyline; the axis runs from the whole score below the lowest to 100."""
        if len(self.trend) < 2:
            return ""
        low = self.floor
        first, last = self.trend[0][0], self.trend[-1][0]
        span = max((last - first).days, 1)
        return " ".join(
            f"{(day - first).days / span * width:.1f},{(100 - score) / max(100 - low, 1) * height:.1f}"
            for day, score in self.trend
        )

    @property
    def floor(self) -> float:
        """Return the lower end of the trend's axis."""
        return min(99.0, min((score for _, score in self.trend), default=99.0) // 1)


def newest_day(session: Session) -> date | None:
    """Return the newest day that was scored and is over; the running one when there is no other."""
    over = session.scalar(select(func.max(QualityScore.day)).where(QualityScore.open_day.is_(False)))
    return over or session.scalar(select(func.max(QualityScore.day)))


def board(session: Session, day: date, enterprise_id: int | None = None) -> list[BoardLine]:
    """Return enterprises by rank, or the feeds of one of them, with a month's trend."""
    asked = (
        select(QualityScore, Enterprise.short_name)
        .join(Enterprise, Enterprise.id == QualityScore.enterprise_id)
        .where(QualityScore.day == day)
    )
    if enterprise_id is None:
        asked = asked.where(QualityScore.dataset == ALL_DATASETS)
    else:
        asked = asked.where(QualityScore.enterprise_id == enterprise_id, QualityScore.dataset != ALL_DATASETS)
    found: dict[tuple[int, str], BoardLine] = {}
    trends = _trends(session, day, enterprise_id)
    for row, name in session.execute(asked):
        key = (row.enterprise_id, row.dataset)
        line = found.setdefault(
            key, BoardLine(*key[:1], name, key[1], trend=trends.get(key, []), open_day=row.open_day)
        )
        line.scores[row.quality] = row.score
    if enterprise_id is not None:
        return sorted(found.values(), key=lambda line: (line.dataset != "RT", line.dataset))
    ranked = sorted(found.values(), key=lambda line: (-(line.overall or 0), line.enterprise))
    return [BoardLine(**{**line.__dict__, "rank": place}) for place, line in enumerate(ranked, 1)]


def _trends(session: Session, day: date, enterprise_id: int | None) -> dict[tuple[int, str], list[tuple[date, float]]]:
    asked = select(QualityScore.enterprise_id, QualityScore.dataset, QualityScore.day, QualityScore.score).where(
        QualityScore.quality == OVERALL, QualityScore.day > day - timedelta(days=TREND_DAYS), QualityScore.day <= day
    )
    if enterprise_id is None:
        asked = asked.where(QualityScore.dataset == ALL_DATASETS)
    else:
        asked = asked.where(QualityScore.enterprise_id == enterprise_id)
    found: dict[tuple[int, str], list[tuple[date, float]]] = {}
    for row in session.execute(asked.order_by(QualityScore.day)):
        found.setdefault((row.enterprise_id, row.dataset), []).append((row.day, row.score))
    return found


def city_scores(session: Session, day: date) -> dict[int, float]:
    """Return quality -> mean over the enterprises within the scope."""
    asked = (
        select(QualityScore.quality, func.avg(QualityScore.score))
        .where(QualityScore.day == day, QualityScore.dataset == ALL_DATASETS)
        .group_by(QualityScore.quality)
    )
    return {quality: float(score) for quality, score in session.execute(asked)}


@dataclass(frozen=True)
class Behind:
    """Which score is looked into."""

    enterprise_id: int
    day: date
    dataset: str = ALL_DATASETS
    quality: int = OVERALL


def results_behind(session: Session, wanted: Behind) -> list[tuple[QualityResult, QualityRule]]:
    """Return the rules' results behind a score, the worst share first."""
    asked = (
        select(QualityResult, QualityRule)
        .join(QualityRule, QualityRule.id == QualityResult.rule_id)
        .where(QualityResult.enterprise_id == wanted.enterprise_id, QualityResult.day == wanted.day)
    )
    if wanted.dataset != ALL_DATASETS:
        asked = asked.where(QualityResult.dataset == wanted.dataset)
    if wanted.quality != OVERALL:
        asked = asked.where(QualityResult.quality == wanted.quality)
    share = case((QualityResult.checked > 0, QualityResult.failed / QualityResult.checked), else_=0)
    rows = session.execute(asked.order_by(share.desc(), QualityResult.rule_code, QualityResult.dataset))
    return [(result, rule) for result, rule in rows]


def scores_between(session: Session, first: date, last: date) -> list[Any]:
    """Return every score of a span of days, by day, enterprise, dataset and quality."""
    asked = (
        select(QualityScore, Enterprise.short_name)
        .join(Enterprise, Enterprise.id == QualityScore.enterprise_id)
        .where(QualityScore.day >= first, QualityScore.day <= last)
        .order_by(QualityScore.day, Enterprise.short_name, QualityScore.dataset, QualityScore.quality)
    )
    return list(session.execute(asked))


@dataclass(frozen=True)
class FindingFilter:
    """What the list of findings is narrowed to; view is running, overdue, closed or all."""

    view: str = "running"
    enterprise_id: int | None = None
    quality: int | None = None
    rule: str = ""
    words: str = ""


def _in_view(view: str, now: datetime) -> list[ColumnElement[bool]]:
    views: dict[str, list[ColumnElement[bool]]] = {
        "running": [Finding.state.in_(("open", "answered"))],
        "overdue": [Finding.state.in_(("open", "answered")), Finding.due_at < now],
        "waived": [Finding.state == "waived"],
        "closed": [Finding.state == "closed"],
    }
    return views.get(view, [])


def _found(wanted: FindingFilter, now: datetime) -> Select[*tuple[Any, ...]]:
    narrowed = equals({Finding.enterprise_id: wanted.enterprise_id, Finding.quality: wanted.quality})
    asked = (
        select(Finding, Enterprise.short_name, QualityRule.zh, QualityRule.en)
        .join(Enterprise, Enterprise.id == Finding.enterprise_id)
        .join(QualityRule, QualityRule.id == Finding.rule_id)
        .where(*_in_view(wanted.view, now), *narrowed)
    )
    if wanted.rule:
        asked = asked.where(Finding.rule_code == wanted.rule)
    if wanted.words:
        asked = asked.where(contains(wanted.words, Finding.task_no, Finding.object_code))
    return asked


def findings_page(session: Session, wanted: FindingFilter, cursor: Cursor | None, now: datetime) -> Page:
    """Return one page of findings with enterprise and rule, newest first."""
    return newest_first(session, _found(wanted, now), (Finding.opened_at, Finding.id), cursor)


def findings_exported(session: Session, wanted: FindingFilter, now: datetime) -> list[Any]:
    """Return the findings of a filter for an export, newest first and not without end."""
    asked = _found(wanted, now).order_by(Finding.opened_at.desc(), Finding.id.desc()).limit(EXPORTED_MOST)
    return list(session.execute(asked))


def finding_counts(session: Session, now: datetime, enterprise_id: int | None = None) -> dict[str, int]:
    """Return how many findings run, are overdue, waived and closed."""
    views = ("running", "overdue", "waived", "closed")
    counted = select(*(func.count().filter(*_in_view(view, now)).label(view) for view in views))
    if enterprise_id is not None:
        counted = counted.where(Finding.enterprise_id == enterprise_id)
    row = session.execute(counted).one()
    return {view: getattr(row, view) for view in views}


def finding_of(session: Session, finding_id: int) -> tuple[QualityFinding, str, QualityRule]:
    """Return a finding with its enterprise and the rule's version; raise NotFound outside the scope."""
    found = None
    if 0 < finding_id < 2**63:
        found = session.execute(
            select(Finding, Enterprise.name, QualityRule)
            .join(Enterprise, Enterprise.id == Finding.enterprise_id)
            .join(QualityRule, QualityRule.id == Finding.rule_id)
            .where(Finding.id == finding_id)
        ).one_or_none()
    if found is None:
        raise NotFound("quality_finding", id=finding_id)
    return found[0], found[1], found[2]


def steps_of(session: Session, finding_id: int) -> Sequence[QualityStep]:
    """Return the steps of a finding, oldest first."""
    return session.scalars(
        select(QualityStep).where(QualityStep.finding_id == finding_id).order_by(QualityStep.id)
    ).all()


def open_findings_of(session: Session, enterprise_id: int, after: int = 0, limit: int = 200) -> list[Any]:
    """Return an enterprise's running findings with their rules as its program reads them."""
    return list(
        session.execute(
            select(Finding, QualityRule)
            .join(QualityRule, QualityRule.id == Finding.rule_id)
            .where(Finding.enterprise_id == enterprise_id, Finding.state.in_(RUNNING), Finding.id > after)
            .order_by(Finding.id)
            .limit(limit + 1)
        )
    )


def rule_lines(session: Session, day: date | None) -> list[tuple[QualityRule, float, float, int]]:
    """Return the rules in force and proposed with what they checked and failed on a day, and their open findings."""
    results = {
        code: (checked, failed)
        for code, checked, failed in session.execute(
            select(QualityResult.rule_code, func.sum(QualityResult.checked), func.sum(QualityResult.failed))
            .where(QualityResult.day == day)
            .group_by(QualityResult.rule_code)
        )
    }
    running = select(Finding.rule_code, func.count()).where(Finding.state.in_(("open", "answered")))
    found = {code: count for code, count in session.execute(running.group_by(Finding.rule_code))}  # noqa: C416
    rules = session.scalars(
        select(QualityRule)
        .where(QualityRule.state.in_(("in_force", "proposed")))
        .order_by(QualityRule.quality, QualityRule.code, QualityRule.version)
    )
    return [(rule, *results.get(rule.code, (0.0, 0.0)), found.get(rule.code, 0)) for rule in rules]


def people_named(session: Session, numbers: set[int | None]) -> dict[int, str]:
    """Return number -> shown name of people."""
    wanted = [each for each in numbers if each is not None]
    rows = session.execute(select(User.id, User.display_name).where(User.id.in_(wanted)))
    return {number: name for number, name in rows}  # noqa: C416
