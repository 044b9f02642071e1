"""Supervision cases from opening to closing, on PostGIS."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.audit.models import AuditEntry
from portal.core.actor import CITY, Actor, Scope
from portal.core.errors import Conflict, Invalid, NotAllowed, NotFound
from portal.events.models import CaseStep, SupervisionCase, WorkingDay
from portal.events.queries import orders_of
from portal.events.rules import State, terms_of
from portal.events.services import (
    Subject,
    accept_case,
    close_case,
    dispatch_case,
    extend_case,
    open_case,
    refuse_case,
    reply_to_case,
    urge_overdue,
    verify_case,
    void_case,
)
from tests.factories import make_enterprise

NOW = datetime(2026, 11, 25, 4, 0, tzinfo=UTC)
OFFICER = Actor(kind="user", id=None, name="officer", scope=CITY)


@pytest.fixture
def case(db: Session) -> SupervisionCase:
    """Give an open urgent case."""
    firm = make_enterprise(db)
    subject = Subject(firm.id, "990101", 1, "压力超限 调压站1")
    return open_case(db, subject, terms=terms_of(1), now=NOW, actor=OFFICER)


def firm_of(case: SupervisionCase) -> Actor:
    """Return the program of the enterprise concerned."""
    scope = Scope(enterprise_ids=frozenset({case.enterprise_id}))
    return Actor(kind="program", id=None, name="app", scope=scope, enterprise_id=case.enterprise_id)


def dispatched(db: Session, case: SupervisionCase) -> SupervisionCase:
    """Return the case after acceptance and dispatch."""
    accept_case(db, case.id, note="", now=NOW, actor=OFFICER)
    return dispatch_case(db, case.id, note="请到场核查", now=NOW, actor=OFFICER)


def steps_of(db: Session, case: SupervisionCase) -> list[str]:
    """Return the steps taken in a case."""
    wanted = select(CaseStep.action).where(CaseStep.case_id == case.id).order_by(CaseStep.id)
    return list(db.scalars(wanted))


def test_a_case_runs_from_opening_to_closing_with_every_step_audited(
    db: Session, case: SupervisionCase
) -> None:
    dispatched(db, case)
    reply_to_case(db, case.id, text="已处置", now=NOW, actor=firm_of(case))
    verify_case(db, case.id, passed=True, note="属实", now=NOW, actor=OFFICER)
    close_case(db, case.id, finding="处置到位", now=NOW, actor=OFFICER)
    assert (case.state, case.closed_at) == (State.CLOSED, NOW)
    steps = ["open", "accept", "dispatch", "reply", "verify", "close"]
    assert steps_of(db, case) == steps
    wanted = select(AuditEntry.action).where(AuditEntry.enterprise_id == case.enterprise_id)
    assert list(db.scalars(wanted.order_by(AuditEntry.id))) == [f"case.{each}" for each in steps]


def test_the_number_names_the_day_and_is_unique(db: Session, case: SupervisionCase) -> None:
    assert case.case_no == f"DD20261125{case.id:04d}"
    assert case.due_at - case.opened_at == timedelta(hours=2)


def test_a_failed_verification_sends_the_case_back(db: Session, case: SupervisionCase) -> None:
    dispatched(db, case)
    reply_to_case(db, case.id, text="已处置", now=NOW, actor=firm_of(case))
    verify_case(db, case.id, passed=False, note="照片不清", now=NOW, actor=OFFICER)
    assert (case.state, case.rework_n) == (State.HANDLING, 1)
    reply_to_case(db, case.id, text="重新上传", now=NOW, actor=firm_of(case))
    assert case.state == State.REPLIED


def test_steps_out_of_turn_are_refused(db: Session, case: SupervisionCase) -> None:
    with pytest.raises(Conflict):
        dispatch_case(db, case.id, note="x", now=NOW, actor=OFFICER)
    with pytest.raises(Conflict):
        reply_to_case(db, case.id, text="x", now=NOW, actor=firm_of(case))
    with pytest.raises(Conflict):
        close_case(db, case.id, finding="x", now=NOW, actor=OFFICER)
    dispatched(db, case)
    with pytest.raises(Conflict):
        verify_case(db, case.id, passed=True, note="x", now=NOW, actor=OFFICER)


def test_words_are_required_and_others_stay_outside(db: Session, case: SupervisionCase) -> None:
    dispatched(db, case)
    with pytest.raises(Invalid):
        reply_to_case(db, case.id, text=" \n", now=NOW, actor=firm_of(case))
    with pytest.raises(NotAllowed):
        reply_to_case(db, case.id, text="x", now=NOW, actor=OFFICER)
    stranger = Actor(kind="program", id=None, name="x", scope=Scope(enterprise_ids=frozenset({1})))
    with pytest.raises(NotFound):
        reply_to_case(db, case.id, text="x", now=NOW, actor=stranger)
    reply_to_case(db, case.id, text="已处置", now=NOW, actor=firm_of(case))
    verify_case(db, case.id, passed=True, note="属实", now=NOW, actor=OFFICER)
    with pytest.raises(Invalid):
        close_case(db, case.id, finding="", now=NOW, actor=OFFICER)


def test_one_extension_of_at_most_half_of_the_limit(db: Session, case: SupervisionCase) -> None:
    dispatched(db, case)
    with pytest.raises(Invalid):
        extend_case(db, case.id, hours=1.5, note="缺件", now=NOW, actor=OFFICER)
    extend_case(db, case.id, hours=1, note="缺件", now=NOW, actor=OFFICER)
    assert case.due_at == NOW + timedelta(hours=3)
    with pytest.raises(Conflict):
        extend_case(db, case.id, hours=0.5, note="缺件", now=NOW, actor=OFFICER)


def test_refused_and_void_cases_are_over(db: Session, case: SupervisionCase) -> None:
    refuse_case(db, case.id, note="演练", now=NOW, actor=OFFICER)
    assert case.state == State.NOT_ACCEPTED
    with pytest.raises(Conflict):
        void_case(db, case.id, note="重复", now=NOW, actor=OFFICER)


def test_each_rung_is_urged_once(db: Session, case: SupervisionCase) -> None:
    for minutes, urged in [(60, 0), (100, 1), (101, 1), (121, 2), (125, 2), (400, 3), (500, 3)]:
        urge_overdue(db, NOW + timedelta(minutes=minutes))
        assert case.urged_n == urged


def test_the_enterprise_reads_its_orders_once_dispatched(
    db: Session, case: SupervisionCase
) -> None:
    assert orders_of(db, case.enterprise_id) == []
    dispatched(db, case)
    (order,) = orders_of(db, case.enterprise_id)
    assert (order["id"], order["state"], order["instruction"]) == (case.id, 31, "请到场核查")


def test_a_holiday_moves_a_deadline_in_working_days(db: Session) -> None:
    db.merge(WorkingDay(day=datetime(2026, 11, 26, tzinfo=UTC).date(), worked=False, note="休"))
    db.flush()
    firm = make_enterprise(db)
    subject = Subject(firm.id, None, 3, "一般问题")
    made = open_case(db, subject, terms=terms_of(3), now=NOW, actor=OFFICER)
    assert made.due_at == datetime(2026, 12, 1, 4, 0, tzinfo=UTC)
