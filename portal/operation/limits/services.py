"""Changing rules: drafts of one or many points, their release by who may, withdrawal; work orders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.orm import Session

from portal.audit.services import record
from portal.core.actor import Actor
from portal.core.errors import Conflict, Invalid, NotAllowed
from portal.operation.limits.models import (
    DRAFT,
    RELEASED,
    RETIRED,
    WITHDRAWN,
    LimitChange,
    LimitRehearsalAlarm,
    LimitRule,
    OperationOrder,
)
from portal.operation.limits.queries import (
    REMOVED,
    find_change,
    find_point_row,
    point_codes,
    rules_in_force,
    rules_of_change,
)
from portal.operation.limits.rules import changed_parts, grade_of, only_set, permission_for, release_problem
from portal.operation.limits.ruleset import RuleSet, as_content, from_content, other_points
from portal.operation.limits.soundness import PointFacts, Problem, problems_of
from portal.operation.limits.table import forget_limits

REASON_MIN_CHARS = 4
INSERT_ROWS = 1000


@dataclass(frozen=True)
class Wanted:
    """New rules of one point: its listed row and what is to hold."""

    row: Any
    rules: RuleSet


def problems_for(session: Session, row: Any, rules: RuleSet) -> list[Problem]:
    """Return what is wrong with rules for a point: contradictions, and other points that do not exist."""
    found = problems_of(rules, PointFacts(row.range_low, row.range_high, row.period_s))
    named = other_points(rules)
    if named:
        known = point_codes(session, row.enterprise_id)
        for code in sorted(named):
            if code not in known or code == row.src_code:
                found.append(Problem("point_unknown", "combined", code))
    return found


def draft_change(
    session: Session, wanted: Sequence[Wanted], *, title: str, reason: str, template_key: str | None, now: datetime,
    actor: Actor,
) -> LimitChange:  # fmt: skip
    """Draw up new rules of points as one draft; points whose rules stay the same are left out.

    Raise Invalid for rules that contradict each other, a removed point, no reason or no difference, Conflict
    beside another draft of a point, NotAllowed for points of several enterprises without the whole city.
    """
    if len(reason.strip()) < REASON_MIN_CHARS or not title.strip():
        raise Invalid("reason_needed")
    changing = [each for each in wanted if changed_parts(rules_in_force(each.row), each.rules)]
    if not changing:
        raise Invalid("limit_nothing_changed")
    for each in changing:
        _must_be_sound(session, each)
    enterprises, districts = {each.row.enterprise_id for each in changing}, {each.row.adcode for each in changing}
    if len(enterprises) > 1 and not actor.scope.whole_city and (len(districts) > 1 or None in districts):
        raise NotAllowed("limit_change_mixed")
    made = LimitChange(
        enterprise_id=enterprises.pop() if len(enterprises) == 1 else None,
        adcode=districts.pop() if len(districts) == 1 else None,
        title=title.strip(), reason=reason.strip(), template_key=template_key, points=len(changing),
        grade=min(grade_of(rules_in_force(each.row), each.rules) for each in changing),
        drafted_by=actor.shown_name, drafted_by_id=actor.id, drafted_at=now, rehearsed_points=0,
    )  # fmt: skip
    session.add(made)
    session.flush()
    _add_rules(session, made.id, changing)
    record(
        session, actor, "limit.draft", object_type="limit_change", object_id=made.id, enterprise_id=made.enterprise_id,
        after={"title": made.title, "reason": made.reason, "points": made.points, "grade": made.grade},
    )  # fmt: skip
    return made


def _must_be_sound(session: Session, each: Wanted) -> None:
    if each.row.status == REMOVED:
        raise Invalid("limit_point_removed", point=each.row.src_code)
    if each.row.draft_id is not None:
        raise Conflict("limit_draft_open", point=each.row.src_code, change_id=each.row.draft_id)
    problems = problems_for(session, each.row, each.rules)
    if problems:
        first = problems[0]
        raise Invalid("limit_unsound", point=each.row.src_code, problem=first.code, field=first.field, detail=first.detail)


def _add_rules(session: Session, change_id: int, changing: Sequence[Wanted]) -> None:
    numbers = [each.row.id for each in changing]
    versions = select(LimitRule.point_id, func.max(LimitRule.version)).where(LimitRule.point_id.in_(numbers))
    newest: dict[int, int] = {row[0]: row[1] for row in session.execute(versions.group_by(LimitRule.point_id))}
    rows = [
        {
            "change_id": change_id, "point_id": each.row.id, "enterprise_id": each.row.enterprise_id,
            "adcode": each.row.adcode, "version": newest.get(each.row.id, 0) + 1, "state": DRAFT,
            "content": as_content(each.rules), "former": as_content(rules_in_force(each.row)),
        }
        for each in changing
    ]  # fmt: skip
    for begin in range(0, len(rows), INSERT_ROWS):
        session.execute(insert(LimitRule), rows[begin : begin + INSERT_ROWS])


def change_draft(
    session: Session, change_id: int, rules: RuleSet, *, reason: str, now: datetime, actor: Actor
) -> LimitChange:
    """Give the draft of a single point other rules; its rehearsal no longer counts. Raise as `draft_change` does."""
    change = _draft(session, change_id, actor)
    rows = rules_of_change(session, change_id, most=2)
    if len(rows) != 1:
        raise Conflict("limit_draft_of_many")
    row = find_point_row(session, rows[0].LimitRule.point_id, scope=actor.scope)
    before = from_content(rows[0].LimitRule.former)
    if len(reason.strip()) < REASON_MIN_CHARS:
        raise Invalid("reason_needed")
    if not changed_parts(before, rules):
        raise Invalid("limit_nothing_changed")
    problems = problems_for(session, row, rules)
    if problems:
        first = problems[0]
        raise Invalid("limit_unsound", point=row.src_code, problem=first.code, field=first.field, detail=first.detail)
    was, rows[0].LimitRule.content = rows[0].LimitRule.content, as_content(rules)
    change.grade, change.reason, change.drafted_at = grade_of(before, rules), reason.strip(), now
    change.drafted_by, change.drafted_by_id = actor.shown_name, actor.id
    forget_rehearsal(session, change)
    session.flush()
    record(
        session, actor, "limit.change", object_type="limit_change", object_id=change.id,
        enterprise_id=change.enterprise_id, before={"content": was}, after={"content": as_content(rules)},
    )  # fmt: skip
    return change


def forget_rehearsal(session: Session, change: LimitChange) -> None:
    """Drop what a rehearsal of a draft found."""
    session.execute(delete(LimitRehearsalAlarm).where(LimitRehearsalAlarm.change_id == change.id))
    change.rehearsal_state = change.rehearsal = change.rehearsed_at = change.rehearsal_days = None
    change.rehearsed_points = 0


def release_change(session: Session, change_id: int, *, now: datetime, actor: Actor) -> LimitChange:
    """Put the rules of a change in force; the former ones of its points end.

    Raise Conflict unless it was rehearsed as it stands and the rules in force are still those it was compared
    with, NotAllowed without the right to its level or, of level 1, for who drew it up.
    """
    change = _draft(session, change_id, actor)
    if change.rehearsal_state != "done" or change.rehearsed_at is None or change.rehearsed_at < change.drafted_at:
        raise Conflict("limit_not_rehearsed")
    problem = release_problem(change.grade, change.drafted_by_id, actor)
    if problem:
        raise NotAllowed(problem, permission=permission_for(change.grade))
    rows = rules_of_change(session, change_id)
    _must_stand(session, rows)
    numbers = [row.LimitRule.point_id for row in rows]
    session.execute(
        update(LimitRule)
        .where(LimitRule.point_id.in_(numbers), LimitRule.state == RELEASED)
        .values(state=RETIRED, valid_to=now)
    )
    session.execute(
        update(LimitRule).where(LimitRule.change_id == change_id, LimitRule.state == DRAFT)
        .values(state=RELEASED, valid_from=now)
    )  # fmt: skip
    change.state, change.released_by, change.released_by_id, change.released_at = RELEASED, actor.shown_name, actor.id, now
    session.flush()
    forget_limits()
    record(
        session, actor, "limit.release", object_type="limit_change", object_id=change.id,
        enterprise_id=change.enterprise_id,
        after={"points": len(numbers), "grade": change.grade, "rehearsal": change.rehearsal},
    )  # fmt: skip
    return change


def _must_stand(session: Session, rows: Sequence[Any]) -> None:
    """Raise Conflict when a point was removed or its rules in force changed since the draft was made."""
    wanted = select(LimitRule.point_id, LimitRule.content).where(
        LimitRule.state == RELEASED, LimitRule.point_id.in_([row.LimitRule.point_id for row in rows])
    )
    released: Mapping[int, Any] = {row[0]: row[1] for row in session.execute(wanted)}
    for row in rows:
        if row.status == REMOVED:
            raise Conflict("limit_point_removed", point=row.src_code)
        filed = {name: getattr(row, name) for name in ("low_low", "low", "high", "high_high")}
        if only_set(released.get(row.LimitRule.point_id, filed)) != only_set(row.LimitRule.former):
            raise Conflict("limit_changed_meanwhile", point=row.src_code)


def withdraw_change(session: Session, change_id: int, *, now: datetime, actor: Actor) -> LimitChange:
    """Put a draft aside; raise Conflict when it is none."""
    change = _draft(session, change_id, actor)
    session.execute(update(LimitRule).where(LimitRule.change_id == change_id).values(state=WITHDRAWN))
    change.state, change.released_at = WITHDRAWN, now
    if change.rehearsal_state in ("waiting", "running"):
        change.rehearsal_state = None
    session.flush()
    record(
        session, actor, "limit.withdraw", object_type="limit_change", object_id=change.id,
        enterprise_id=change.enterprise_id,
    )  # fmt: skip
    return change


def _draft(session: Session, change_id: int, actor: Actor) -> LimitChange:
    change = find_change(session, change_id, scope=actor.scope, locked=True)
    if change.state != DRAFT:
        raise Conflict("limit_not_a_draft")
    return change


@dataclass(frozen=True)
class NewOrder:
    """A work order to be filed, instants aware."""

    order_no: str
    begins_at: datetime
    ends_at: datetime
    reason: str


def file_order(session: Session, point_id: int, new: NewOrder, *, actor: Actor) -> OperationOrder:
    """File a work order for the object of a point; raise Conflict for a number the enterprise has used already."""
    row = find_point_row(session, point_id, scope=actor.scope)
    if not new.order_no or len(new.reason.strip()) < REASON_MIN_CHARS or new.ends_at <= new.begins_at:
        raise Invalid("order_incomplete")
    used = select(OperationOrder.id).where(
        OperationOrder.enterprise_id == row.enterprise_id, OperationOrder.order_no == new.order_no
    )
    if session.scalar(used) is not None:
        raise Conflict("order_number_used", order_no=new.order_no)
    made = OperationOrder(
        enterprise_id=row.enterprise_id, adcode=row.adcode, object_code=row.object_code, order_no=new.order_no,
        begins_at=new.begins_at, ends_at=new.ends_at, reason=new.reason.strip(), filed_by=actor.shown_name,
        filed_by_id=actor.id,
    )  # fmt: skip
    session.add(made)
    session.flush()
    record(
        session, actor, "operation_order.file", object_type="operation_order", object_id=made.id,
        enterprise_id=made.enterprise_id, after={"order_no": made.order_no, "object": made.object_code},
    )  # fmt: skip
    return made
