"""Judges a day by the rules in force: results, scores and findings; the job that keeps them fresh."""

from __future__ import annotations

import heapq
import itertools
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, insert, select, text
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from ingestion_adapters.quality.findings import Judged, settle
from ingestion_adapters.quality.gather import View
from ingestion_adapters.quality.kinds import KINDS
from ingestion_adapters.quality.models import FeedState, QualityDue, QualityResult, QualityRule, QualityScore
from ingestion_adapters.quality.ruleset import install_rules, rules_in_force
from ingestion_adapters.quality.verdicts import ALL_DATASETS, OVERALL, QUALITIES, WEIGHT_KEYS, Tally, scores_of
from portal.core.clock import day_bounds, local
from portal.jobs.models import Parameter
from portal.operation.telemetry.rules import begin_of_day

RUN_LOCK = 727020
WORST_KEPT = 50
HISTORY_DAYS = 31
BUDGET_S = 20.0
STORED, STORED_AGE = ("NET", "USR"), timedelta(hours=1)
DAY_RULE, DAY_DUE_H = "DAY-FILED", 9
_order = itertools.count()


@dataclass
class _Sum:
    """What a rule found of one enterprise and dataset; the worst objects on top."""

    checked: float = 0.0
    failed: float = 0.0
    objects: int = 0
    objects_failed: int = 0
    worst: list[tuple[float, int, dict[str, Any]]] = field(default_factory=list)

    def add(self, each: Judged) -> None:
        """Count one object."""
        self.checked += each.verdict.checked
        self.failed += each.verdict.failed
        self.objects += 1
        if each.verdict.failed <= 0:
            return
        self.objects_failed += 1
        fact = each.fact
        shown = {"kind": fact.kind, "id": fact.object_id, "code": fact.code, "wrong": each.verdict.wrong,
                 "failed": each.verdict.failed, "checked": each.verdict.checked, "figures": each.verdict.figures}  # fmt: skip
        keep = heapq.heappush if len(self.worst) < WORST_KEPT else heapq.heappushpop
        keep(self.worst, (each.verdict.failed, next(_order), shown))

    def shown(self) -> list[dict[str, Any]]:
        """Return the worst objects, worst first."""
        return [each[2] for each in sorted(self.worst, key=lambda each: (-each[0], each[1]))]


def judge_day(session: Session, day: date, now: datetime) -> str:
    """Judge one city day: its results and scores are replaced, findings follow once it is over."""
    view = View(session, day, now)
    opened = closed = 0
    for rule in rules_in_force(session):
        if not _applies(rule, view):
            continue
        judged = judged_by(rule, view)
        _keep_results(session, rule, day, judged, now)
        if view.closed or KINDS[rule.kind].present:
            more = settle(session, rule, day, judged, now)
            opened, closed = opened + more[0], closed + more[1]
    _keep_scores(session, view)
    return f"{day}: {opened} findings opened, {closed} closed"


def _applies(rule: QualityRule, view: View) -> bool:
    kind = KINDS[rule.kind]
    today = view.day == local(view.now).date()
    if kind.present:
        return today and _stored_anew(rule, view)
    return view.closed or (kind.open_day and view.upto > view.begin)


def _stored_anew(rule: QualityRule, view: View) -> bool:
    """Return whether what is stored may have changed since a rule last looked at it: a whole network is not read each minute."""
    asked = select(func.max(QualityResult.computed_at)).where(
        QualityResult.day == view.day, QualityResult.rule_id == rule.id
    )
    looked_at = view.session.scalar(asked)
    if looked_at is None or view.now - looked_at > STORED_AGE:
        return True
    newer = select(FeedState.dataset).where(FeedState.dataset.in_(STORED), FeedState.last_at > looked_at).limit(1)
    return view.session.scalar(newer) is not None


def judged_by(rule: QualityRule, view: View) -> list[Judged]:
    """Return what a rule says of each object that it can judge on the day."""
    kind = KINDS[rule.kind]
    found = []
    for fact in kind.gather(view, rule.parameters):
        verdict = kind.judge(fact.values, rule.parameters)
        if verdict is not None:
            # Weeks of hours are not kept once judged: a city has fifty thousand points.
            codes = fact.values.get("codes")
            found.append(Judged(replace(fact, values={"codes": codes} if codes else {}), verdict))
    return found


def _keep_results(session: Session, rule: QualityRule, day: date, judged: Iterable[Judged], now: datetime) -> None:
    sums: dict[tuple[int, str], _Sum] = {}
    for each in judged:
        sums.setdefault((each.fact.enterprise_id, each.fact.dataset), _Sum()).add(each)
    session.execute(delete(QualityResult).where(QualityResult.day == day, QualityResult.rule_code == rule.code))
    rows = [
        {
            "enterprise_id": enterprise_id,
            "day": day,
            "rule_code": rule.code,
            "dataset": dataset,
            "rule_id": rule.id,
            "quality": rule.quality,
            "weight": rule.weight,
            "checked": found.checked,
            "failed": found.failed,
            "objects": found.objects,
            "objects_failed": found.objects_failed,
            "worst": found.shown(),
            "computed_at": now,
        }
        for (enterprise_id, dataset), found in sums.items()
    ]
    if rows:
        session.execute(insert(QualityResult), rows)


def _keep_scores(session: Session, view: View) -> None:
    """Replace the scores of a day by what its results say."""
    weights = weights_in_force(session)
    asked = select(
        QualityResult.enterprise_id, QualityResult.dataset, QualityResult.quality,
        QualityResult.weight, QualityResult.checked, QualityResult.failed,
    ).where(QualityResult.day == view.day)  # fmt: skip
    feeds: dict[tuple[int, str], list[Tally]] = {}
    for row in session.execute(asked):
        tally = Tally(row.quality, row.weight, row.checked, row.failed)
        feeds.setdefault((row.enterprise_id, row.dataset), []).append(tally)
        feeds.setdefault((row.enterprise_id, ALL_DATASETS), []).append(tally)
    session.execute(delete(QualityScore).where(QualityScore.day == view.day))
    rows = [
        {
            "enterprise_id": enterprise_id,
            "dataset": dataset,
            "day": view.day,
            "quality": quality,
            "score": score,
            "rules": sum(1 for each in tallies if each.checked > 0 and quality in (OVERALL, each.quality)),
            "open_day": not view.closed,
            "computed_at": view.now,
        }
        for (enterprise_id, dataset), tallies in feeds.items()
        for quality, score in scores_of(tallies, weights).items()
    ]
    if rows:
        session.execute(insert(QualityScore), rows)


def weights_in_force(session: Session) -> dict[int, float]:
    """Return the weight of each quality."""
    rows = session.execute(select(Parameter.key, Parameter.value).where(Parameter.key.in_(list(WEIGHT_KEYS.values()))))
    known = {row.key: row.value for row in rows}
    return {quality: known.get(WEIGHT_KEYS[quality], 1.0) for quality in QUALITIES}


def score_quality(session: Session, now: datetime) -> str:
    """Judge the running day, then days that fell due, oldest first, as long as the run has time."""
    if not session.scalar(text("select pg_try_advisory_xact_lock(:lock)"), {"lock": RUN_LOCK}):
        return "another run is at work"
    # A city's day of readings takes longer to read than a page may wait for.
    session.execute(text("set local statement_timeout = '300s'"))
    began = time.monotonic()
    install_rules(session, now)
    today = local(now).date()
    _make_due(session, today, now)
    said = [judge_day(session, today, now)]
    for day, since in _due_days(session, today):
        if time.monotonic() - began > BUDGET_S:
            break
        said.append(judge_day(session, day, now))
        session.execute(delete(QualityDue).where(QualityDue.day == day, QualityDue.since == since))
    return "; ".join(said)


def _make_due(session: Session, today: date, now: datetime) -> None:
    """Ask for days that nothing else asks for: the first history, days that ended, a report that never came."""
    wanted = set(session.scalars(select(QualityScore.day).where(QualityScore.open_day, QualityScore.day < today)))
    if session.scalar(select(func.count()).select_from(QualityScore)) == 0:
        wanted.update(_history(session, today))
    yesterday = today - timedelta(days=1)
    over = select(QualityScore.day).where(QualityScore.day == yesterday, QualityScore.open_day.is_(False)).limit(1)
    if session.scalar(over) is None:
        wanted.add(yesterday)
    filed = (
        select(QualityResult.day).where(QualityResult.day == yesterday, QualityResult.rule_code == DAY_RULE).limit(1)
    )
    judged = select(func.max(QualityScore.computed_at)).where(QualityScore.day == yesterday)
    asked = select(QualityRule.parameters).where(QualityRule.code == DAY_RULE, QualityRule.state == "in_force")
    due_at = begin_of_day(today, int((session.scalar(asked) or {}).get("due_h", DAY_DUE_H)))
    if now >= due_at and session.scalar(filed) is None and (session.scalar(judged) or now) < due_at:
        wanted.add(yesterday)
    for day in wanted:
        session.execute(upsert(QualityDue).values(day=day).on_conflict_do_nothing())


def _history(session: Session, today: date) -> Sequence[date]:
    begin = day_bounds(today - timedelta(days=HISTORY_DAYS))[0]
    first = session.scalar(text("select min(hour) from reading_hour where hour >= :begin"), {"begin": begin})
    start = local(first).date() if first else today
    return [start + timedelta(days=each) for each in range((today - start).days)]


def _due_days(session: Session, today: date) -> list[tuple[date, datetime]]:
    """Return the days that are over and due, whose hours wait for no roll-up."""
    waiting = set(session.scalars(text("select hour from rollup_due")))
    rows = session.execute(
        select(QualityDue.day, QualityDue.since).where(QualityDue.day < today).order_by(QualityDue.day)
    )
    busy = {local(hour).date() for hour in waiting}
    return [(row.day, row.since) for row in rows if row.day not in busy]
