"""Findings: one a rule and object, a task until the rule passes on newer data; every step is kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import insert, select, text
from sqlalchemy.orm import Session

from ingestion_adapters.quality.models import QualityFinding, QualityRule, QualityStep
from ingestion_adapters.quality.verdicts import Fact, Verdict
from portal.audit.services import record
from portal.core.actor import Actor, job_actor
from portal.core.clock import local
from portal.core.errors import Conflict, Invalid, NotAllowed, NotFound
from portal.core.live import announce
from portal.events.queries import working_calendar
from portal.events.rules import WORKING_MINUTES_A_DAY, WorkCalendar, add_working_minutes
from portal.jobs.queries import parameter_value

JOB = job_actor("score_quality")
NOTE_MOST = 2000
WAIVED_MOST_DAYS = 366
RUNNING = ("open", "answered", "waived")
FLOOD_LEAST, FLOOD_SHARE, CODES_SHOWN = 20, 0.3, 10


@dataclass(frozen=True)
class Judged:
    """One object that a rule looked at on a day."""

    fact: Fact
    verdict: Verdict


def settle(session: Session, rule: QualityRule, day: date, judged: Sequence[Judged], now: datetime) -> tuple[int, int]:
    """Open, renew and close the findings of a rule by what it said of a day; return opened and closed."""
    known = _known(session, rule.code)
    told = gathered(judged)
    wrong = {(each.fact.enterprise_id, each.fact.key): each for each in told if each.verdict.wrong}
    new = [each for key, each in wrong.items() if key not in known]
    for key in wrong.keys() & known.keys():
        if day >= known[key].last_day:
            _renew(session, known[key], rule, day, wrong[key], now)
    _open(session, rule, day, new, now)
    passed = {(each.fact.enterprise_id, each.fact.key) for each in told if not each.verdict.wrong}
    closing = [row for key, row in known.items() if key in passed and day >= row.last_day]
    for row in closing:
        _close(session, row, day, now)
    for enterprise_id in {each.fact.enterprise_id for each in new} | {row.enterprise_id for row in closing}:
        announce(session, "task", enterprise_id, enterprise_id=enterprise_id, adcode=None)
    return len(new), len(closing)


def gathered(judged: Sequence[Judged]) -> list[Judged]:
    """Return what is told of each object, where many of a feed fail at once one line for the feed instead.

    The feed's own line passes as soon as fewer fail; then each object speaks for itself again.
    """
    feeds: dict[tuple[int, str], list[Judged]] = {}
    for each in judged:
        feeds.setdefault((each.fact.enterprise_id, each.fact.dataset), []).append(each)
    told: list[Judged] = []
    for (enterprise_id, dataset), mine in feeds.items():
        if all(each.fact.object_id is None for each in mine):
            told += mine
            continue
        wrong = [each for each in mine if each.verdict.wrong]
        flood = len(wrong) > max(FLOOD_LEAST, FLOOD_SHARE * len(mine))
        figures = {"objects": len(wrong), "of": len(mine), "codes": [each.fact.code for each in wrong[:CODES_SHOWN]]}
        first = mine[0].fact
        feed = Fact(enterprise_id, "feed", None, dataset, {}, dataset, first.begin, first.end)
        told.append(Judged(feed, Verdict(len(mine), len(wrong), flood, figures if flood else {})))
        told += [each for each in mine if not each.verdict.wrong] if flood else mine
    return told


def _known(session: Session, code: str) -> dict[tuple[int, str], QualityFinding]:
    asked = select(QualityFinding).where(QualityFinding.rule_code == code, QualityFinding.state.in_(RUNNING))
    return {(row.enterprise_id, row.object_key): row for row in session.scalars(asked)}


def _due_at(session: Session, now: datetime) -> datetime:
    days = parameter_value(session, "quality.task_days", 3)
    calendar: WorkCalendar = working_calendar(session)
    return add_working_minutes(now, round(days * WORKING_MINUTES_A_DAY), calendar)


def _open(session: Session, rule: QualityRule, day: date, new: Sequence[Judged], now: datetime) -> None:
    if not new:
        return
    due_at = _due_at(session, now)
    numbers = session.scalars(
        text("select nextval('quality_finding_id_seq') from generate_series(1, :n)"), {"n": len(new)}
    ).all()
    rows = [_row(number, rule, day, each, due_at, now) for number, each in zip(numbers, new, strict=True)]
    session.execute(insert(QualityFinding), rows)
    steps = {"action": "open", "note": None, "actor_kind": JOB.kind, "actor_id": None, "actor_name": JOB.name}
    session.execute(
        insert(QualityStep), [steps | {"finding_id": row["id"], "enterprise_id": row["enterprise_id"]} for row in rows]
    )


def _row(number: int, rule: QualityRule, day: date, each: Judged, due_at: datetime, now: datetime) -> dict[str, Any]:
    fact = each.fact
    return {
        "id": number,
        # The number runs over all enterprises, which a count by the writer's own scope would not.
        "task_no": f"ZL{local(now):%Y%m%d}{number:05d}",
        "enterprise_id": fact.enterprise_id,
        "rule_id": rule.id,
        "rule_code": rule.code,
        "quality": rule.quality,
        "severity": rule.severity,
        "dataset": fact.dataset,
        "object_kind": fact.kind,
        "object_key": fact.key,
        "object_id": fact.object_id,
        "object_code": fact.code,
        "begin_at": fact.begin,
        "end_at": fact.end,
        "figures": _figures(each),
        "first_day": day,
        "last_day": day,
        "days": 1,
        "state": "open",
        "opened_at": now,
        "due_at": due_at,
    }


def _figures(each: Judged) -> dict[str, Any]:
    codes = each.fact.values.get("codes")
    return each.verdict.figures | ({"codes": list(codes)} if codes else {})


def _renew(session: Session, row: QualityFinding, rule: QualityRule, day: date, each: Judged, now: datetime) -> None:
    if day > row.last_day:
        row.days += 1
    row.last_day, row.rule_id, row.figures = day, rule.id, _figures(each)
    row.begin_at, row.end_at = each.fact.begin, each.fact.end
    if row.state == "answered" and row.answered_at and row.answered_at < now and day > local(row.answered_at).date():
        row.state = "open"
        step(session, row, "again", None, JOB)
    if row.state == "waived" and row.waived_until and day > row.waived_until:
        row.state, row.waived_by, row.waive_asked_by = "open", None, None
        step(session, row, "resume", None, JOB)


def _close(session: Session, row: QualityFinding, day: date, now: datetime) -> None:
    row.state, row.closed_at, row.closed_by_day = "closed", now, day
    step(session, row, "close", day.isoformat(), JOB)


def step(session: Session, row: QualityFinding, action: str, note: str | None, actor: Actor) -> None:
    """Write one step of a finding."""
    session.add(
        QualityStep(
            finding_id=row.id,
            enterprise_id=row.enterprise_id,
            action=action,
            note=note,
            actor_kind=actor.kind,
            actor_id=actor.id,
            actor_name=actor.shown_name,
        )
    )
    session.flush()


def locked(session: Session, finding_id: int) -> QualityFinding:
    """Return a finding within the scope, locked; raise NotFound."""
    found = None
    if 0 < finding_id < 2**63:
        found = session.scalar(select(QualityFinding).where(QualityFinding.id == finding_id).with_for_update())
    if found is None:
        raise NotFound("quality_finding", id=finding_id)
    return found


def _said(words: str) -> str:
    said = words.replace("\x00", "").strip()
    if not 2 <= len(said) <= NOTE_MOST:
        raise Invalid("quality_words")
    return said


def reply(session: Session, finding_id: int, *, words: str, now: datetime, actor: Actor) -> QualityFinding:
    """Keep the enterprise's answer; the finding stays until the rule passes. Only the enterprise itself answers."""
    said, row = _said(words), locked(session, finding_id)
    if actor.enterprise_id != row.enterprise_id:
        raise NotAllowed("quality_reply_not_yours")
    if row.state == "closed":
        raise Conflict("quality_closed", id=finding_id)
    row.answered_at = now
    if row.state == "open":
        row.state = "answered"
    step(session, row, "reply", said, actor)
    _tell(session, row, "quality.reply", said, actor)
    return row


def ask_waiver(session: Session, finding_id: int, *, words: str, now: datetime, actor: Actor) -> QualityFinding:
    """Ask a second person to waive a finding, with the reason."""
    said, row = _said(words), locked(session, finding_id)
    if row.state not in ("open", "answered") or row.waive_asked_by is not None:
        raise Conflict("quality_closed", id=finding_id)
    row.waive_asked_by = actor.id
    step(session, row, "ask_waive", said, actor)
    _tell(session, row, "quality.ask_waive", said, actor)
    return row


@dataclass(frozen=True)
class Waiver:
    """What the second person says of a request to waive."""

    grant: bool
    words: str
    days: int = 90


def decide_waiver(session: Session, finding_id: int, said: Waiver, *, now: datetime, actor: Actor) -> QualityFinding:
    """Waive a finding for some days, or keep it; never by the one who asked."""
    words, row = _said(said.words), locked(session, finding_id)
    if row.waive_asked_by is None or row.state not in ("open", "answered"):
        raise Conflict("quality_closed", id=finding_id)
    if actor.id is None or actor.id == row.waive_asked_by:
        raise NotAllowed("quality_four_eyes")
    if not 1 <= said.days <= WAIVED_MOST_DAYS:
        raise Invalid("quality_waive_days")
    if said.grant:
        row.state, row.waived_by = "waived", actor.id
        row.waived_until = local(now).date() + timedelta(days=said.days)
    else:
        row.waive_asked_by = None
    step(session, row, "waive" if said.grant else "keep", words, actor)
    _tell(session, row, "quality.waive" if said.grant else "quality.keep", words, actor)
    return row


def _tell(session: Session, row: QualityFinding, action: str, words: str, actor: Actor) -> None:
    after = {"state": row.state, "words": words}
    record(
        session,
        actor,
        action,
        object_type="quality_finding",
        object_id=row.id,
        enterprise_id=row.enterprise_id,
        after=after,
    )
    announce(session, "task", row.id, enterprise_id=row.enterprise_id, adcode=None)
