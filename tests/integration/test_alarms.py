"""From readings and pushes to alarms and cases, on PostGIS."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from portal.accounts.models import Enterprise
from portal.audit.models import AuditEntry
from portal.core.actor import CITY, NOTHING, Actor, Scope
from portal.core.errors import Conflict, Invalid, NotFound
from portal.events.models import SupervisionCase
from portal.flows.alarm_intake import take_in_alarm, take_in_readings
from portal.operation.alarms.models import Alarm, AlarmEvent, AlarmNow, LimitWatch
from portal.operation.alarms.projection import projection_differences, rebuild_projection
from portal.operation.alarms.queries import alarm_facts
from portal.operation.alarms.rules import PushedAlarm
from portal.operation.alarms.services import acknowledge_alarm, judge_alarm
from portal.operation.limits.table import forget_limits
from portal.operation.telemetry.blocks import ReadingBlock
from portal.operation.telemetry.models import Point
from tests.factories import make_enterprise, make_point, make_station

NOW = datetime(2026, 11, 25, 4, 0, tzinfo=UTC)
OFFICER = Actor(kind="user", id=None, name="officer", scope=CITY)


@pytest.fixture(autouse=True)
def fresh_limits() -> None:
    """Forget limits cached by another test."""
    forget_limits()


@pytest.fixture
def firm(db: Session) -> Enterprise:
    """Give an enterprise."""
    return make_enterprise(db)


def program(firm: Enterprise) -> Actor:
    """Return the actor of an enterprise's program."""
    scope = Scope(enterprise_ids=frozenset({firm.id}))
    return Actor(kind="program", id=None, name="app", scope=scope, enterprise_id=firm.id)


def block_of(firm: Enterprise, *rows: tuple[Point, float, float] | tuple[Any, ...]) -> ReadingBlock:
    """Return a block of (point, minutes before NOW, value, quality, flag)."""
    full = [(*row, 192, 0)[:5] if len(row) == 3 else row for row in rows]
    full = sorted((row[0].id, -row[1], *row[2:]) for row in full)
    base = int(NOW.timestamp() * 1000)
    return ReadingBlock(
        enterprise_id=firm.id,
        receipt_id=1,
        received_at=NOW,
        point_id=np.array([row[0] for row in full], np.int32),
        ts_ms=np.array([base + int(row[1] * 60_000) for row in full], np.int64),
        value=np.array([row[2] for row in full], np.float64),
        quality=np.array([row[3] for row in full], np.int16),
        flag=np.array([row[4] for row in full], np.int16),
    )


def feed(db: Session, firm: Enterprise, *rows: tuple[Any, ...]) -> int:
    """Take in a block."""
    return take_in_readings(db, block_of(firm, *rows), now=NOW, actor=program(firm))


def alarms_of(db: Session, firm: Enterprise) -> list[AlarmNow]:
    """Return the present state of an enterprise's alarms."""
    wanted = select(AlarmNow).where(AlarmNow.enterprise_id == firm.id).order_by(AlarmNow.alarm_id)
    return list(db.scalars(wanted))


def actions_of(db: Session, alarm_id: int) -> list[str]:
    """Return what happened to an alarm."""
    wanted = select(AlarmEvent.action).where(AlarmEvent.alarm_id == alarm_id)
    return list(db.scalars(wanted.order_by(AlarmEvent.id)))


def test_normal_readings_leave_no_trace(db: Session, firm: Enterprise) -> None:
    point = make_point(db, firm)
    assert feed(db, firm, (point, 5, 2.0), (point, 0, 2.1)) == 0
    assert alarms_of(db, firm) == []
    assert db.get(LimitWatch, point.id) is None


def test_one_value_over_the_limit_raises_one_alarm_and_opens_its_case(
    db: Session, firm: Enterprise
) -> None:
    point = make_point(db, firm)
    feed(db, firm, (point, 5, 3.2))
    feed(db, firm, (point, 0, 3.3))
    (alarm,) = alarms_of(db, firm)
    assert (alarm.kind, alarm.level, alarm.state, alarm.peak_value) == (11, 2, 1, 3.3)
    case = db.get(SupervisionCase, alarm.case_id)
    assert case is not None
    assert (case.case_class, case.due_at - case.opened_at) == (2, timedelta(hours=24))
    assert case.correlation_id == db.get_one(Alarm, alarm.alarm_id).correlation_id
    acts = set(db.scalars(select(AuditEntry.action).where(AuditEntry.enterprise_id == firm.id)))
    assert {"alarm.raise", "case.open", "alarm.case"} <= acts


def test_escalation_keeps_the_alarm_and_clearing_ends_it(db: Session, firm: Enterprise) -> None:
    point = make_point(db, firm)
    feed(db, firm, (point, 15, 3.2))
    feed(db, firm, (point, 10, 3.9))
    feed(db, firm, (point, 5, 2.0))
    (alarm,) = alarms_of(db, firm)
    assert (alarm.level, alarm.state, alarm.peak_value) == (1, 3, 3.9)
    assert actions_of(db, alarm.alarm_id) == ["raise", "case", "escalate", "clear"]
    feed(db, firm, (point, 0, 3.2))
    assert [each.state for each in alarms_of(db, firm)] == [3, 1]


def test_on_delay_is_kept_between_batches_of_a_fast_point(db: Session, firm: Enterprise) -> None:
    point = make_point(db, firm, period_s=5)
    feed(db, firm, (point, 1.0, 3.2))
    assert alarms_of(db, firm) == []
    feed(db, firm, (point, 0.8, 3.2))
    assert alarms_of(db, firm) == []
    feed(db, firm, (point, 0.7, 3.2))
    assert len(alarms_of(db, firm)) == 1


def test_bad_quality_does_not_clear(db: Session, firm: Enterprise) -> None:
    point = make_point(db, firm)
    feed(db, firm, (point, 5, 3.2))
    feed(db, firm, (point, 0, 2.0, 24, 0))
    assert [each.state for each in alarms_of(db, firm)] == [1]


def test_back_filled_rows_make_historical_alarms_without_a_case(
    db: Session, firm: Enterprise
) -> None:
    point = make_point(db, firm)
    feed(db, firm, (point, 300, 3.2, 192, 1), (point, 295, 3.9, 192, 1), (point, 290, 2.0, 192, 1))
    feed(db, firm, (point, 285, 2.0, 192, 1), (point, 280, 3.1, 192, 1), (point, 275, 2.0, 192, 1))
    (alarm,) = alarms_of(db, firm)
    assert alarm.historical
    assert (alarm.level, alarm.peak_value, alarm.case_id) == (1, 3.9, None)
    assert alarm.cleared_at == NOW - timedelta(minutes=275)


def test_late_rows_of_a_judged_span_change_nothing(db: Session, firm: Enterprise) -> None:
    point = make_point(db, firm)
    feed(db, firm, (point, 10, 3.2))
    feed(db, firm, (point, 5, 2.0))
    feed(db, firm, (point, 7, 3.2))
    assert [each.state for each in alarms_of(db, firm)] == [3]


def pushed(firm: Enterprise, **given: Any) -> PushedAlarm:
    """Return an alarm as pushed."""
    values = {"enterprise_id": firm.id, "alarm_no": "A1", "kind": 16, "level": 1, "raised_at": NOW}
    return PushedAlarm(**values | given)


def push(db: Session, firm: Enterprise, **given: Any) -> str:
    """Take in a pushed alarm and return what became of it."""
    return take_in_alarm(db, pushed(firm, **given), now=NOW, actor=program(firm)).what


def test_a_pushed_alarm_is_placed_at_its_object_and_opens_an_urgent_case(
    db: Session, firm: Enterprise
) -> None:
    station = make_station(db, firm)
    assert push(db, firm, object_code=station.src_code) == "raised"
    (alarm,) = alarms_of(db, firm)
    facts = alarm_facts(db, alarm.alarm_id, scope=CITY)
    assert (round(facts.lon, 3), facts.adcode) == (112.5, "990101")
    assert db.get_one(SupervisionCase, alarm.case_id).case_class == 1


def test_the_same_number_again_updates_instead_of_doubling(db: Session, firm: Enterprise) -> None:
    assert push(db, firm) == "raised"
    assert push(db, firm) == "unchanged"
    later = {"cleared_at": NOW + timedelta(minutes=9), "disposal": "关阀"}
    assert push(db, firm, **later) == "updated"
    assert push(db, firm, **later) == "unchanged"
    (alarm,) = alarms_of(db, firm)
    assert alarm.cleared_at == later["cleared_at"]
    assert actions_of(db, alarm.alarm_id) == ["raise", "latch", "case", "disposal", "clear"]


def test_a_push_about_what_the_limit_check_found_is_noted_on_that_alarm(
    db: Session, firm: Enterprise
) -> None:
    point = make_point(db, firm)
    feed(db, firm, (point, 5, 3.2))
    about = {"kind": 11, "level": 2, "point": point.src_code}
    assert push(db, firm, **about) == "merged"
    assert push(db, firm, **about) == "unchanged"
    assert push(db, firm, **about, disposal="已调压") == "updated"
    (alarm,) = alarms_of(db, firm)
    assert actions_of(db, alarm.alarm_id) == ["raise", "case", "note", "disposal"]


def test_the_limit_check_adopts_an_open_pushed_alarm(db: Session, firm: Enterprise) -> None:
    point = make_point(db, firm)
    push(db, firm, kind=11, level=3, point=point.src_code)
    feed(db, firm, (point, 5, 3.2))
    (alarm,) = alarms_of(db, firm)
    assert alarm.level == 2
    assert alarm.case_id is not None
    feed(db, firm, (point, 0, 2.0))
    assert [each.state for each in alarms_of(db, firm)] == [3]


def test_acknowledging_needs_a_note_happens_once_and_only_inside_the_scope(
    db: Session, firm: Enterprise
) -> None:
    push(db, firm)
    number = alarms_of(db, firm)[0].alarm_id
    with pytest.raises(Invalid):
        acknowledge_alarm(db, number, note="  ", now=NOW, actor=OFFICER)
    with pytest.raises(NotFound):
        outside = Actor(kind="user", id=None, name="x", scope=NOTHING)
        acknowledge_alarm(db, number, note="看到", now=NOW, actor=outside)
    assert acknowledge_alarm(db, number, note="看到", now=NOW, actor=OFFICER).state == 2
    with pytest.raises(Conflict):
        acknowledge_alarm(db, number, note="看到", now=NOW, actor=OFFICER)
    assert judge_alarm(db, number, 2, note="试验", now=NOW, actor=OFFICER).verdict == 2
    with pytest.raises(Invalid):
        judge_alarm(db, number, 9, note="试验", now=NOW, actor=OFFICER)


def test_the_present_state_can_be_rebuilt_from_facts_and_events(
    db: Session, firm: Enterprise
) -> None:
    rebuild_projection(db)  # what other tests left behind has no part in this
    point = make_point(db, firm)
    feed(db, firm, (point, 15, 3.2), (point, 10, 3.9), (point, 5, 2.0))
    push(db, firm)
    acknowledge_alarm(db, alarms_of(db, firm)[0].alarm_id, note="看到", now=NOW, actor=OFFICER)
    assert projection_differences(db) == []
    db.execute(text("update alarm_now set level = 4, state = 1 where enterprise_id = :e"), {"e": firm.id})
    db.expire_all()
    assert {each.column for each in projection_differences(db)} == {"level", "state"}
    assert rebuild_projection(db) == 2
    assert projection_differences(db) == []
