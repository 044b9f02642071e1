"""Rules of points on PostGIS: judged at intake, by the clock, rehearsed from stored readings, released by who may."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from portal.accounts.models import Enterprise
from portal.core.actor import CITY, Actor, cli_actor
from portal.core.clock import utc_now
from portal.core.errors import Conflict, Invalid, NotAllowed
from portal.flows.alarm_intake import take_in_readings
from portal.flows.limit_clock import watch_flat_lines, watch_limits
from portal.operation.alarms.models import Alarm, AlarmEvent, AlarmNow
from portal.operation.alarms.rules import TRUE_ALARM
from portal.operation.alarms.services import judge_alarm
from portal.operation.limits.history import series_of_points
from portal.operation.limits.models import LimitChange, LimitRehearsalAlarm, LimitRule
from portal.operation.limits.queries import find_point_row
from portal.operation.limits.rehearsal import Span, alarms_of_points, order_rehearsal, rehearse_waiting
from portal.operation.limits.ruleset import RuleSet, from_content
from portal.operation.limits.services import (
    NewOrder,
    Wanted,
    change_draft,
    draft_change,
    file_order,
    release_change,
    withdraw_change,
)
from portal.operation.limits.table import forget_limits, rule_table
from portal.operation.outages.models import Outage
from portal.operation.telemetry.blocks import ReadingBlock
from portal.operation.telemetry.models import Point
from portal.operation.telemetry.services import store_readings
from tests.factories import make_enterprise, make_point
from tests.readings import TODAY, ms_of, pack, store

NOW = utc_now().replace(microsecond=0, second=0)
MIN = 60_000
LIMITS = {"low_low": 1.0, "low": 1.5, "high": 3.0, "high_high": 3.5}
RIGHTS = frozenset({"limit.draft", "limit.level1", "limit.level2", "limit.level3"})


@pytest.fixture(autouse=True)
def fresh_limits() -> None:
    """Forget rules kept by another test."""
    forget_limits()


@pytest.fixture
def firm(db: Session) -> Enterprise:
    """Give an enterprise."""
    return make_enterprise(db)


def person(number: int, *permissions: str) -> Actor:
    """Return a person of the city."""
    return Actor(kind="user", id=number, name=f"p{number}", scope=CITY, permissions=frozenset(permissions) or RIGHTS)


def draft(db: Session, point: Point, content: dict[str, Any], *, who: Actor | None = None) -> LimitChange:
    """Draw up rules of a point."""
    row = find_point_row(db, point.id, scope=CITY)
    wanted = [Wanted(row, from_content(content))]
    return draft_change(db, wanted, title="试验", reason="for a test", template_key=None, now=NOW, actor=who or person(1))


def put_in_force(db: Session, point: Point, content: dict[str, Any]) -> LimitChange:
    """Draw up, rehearse and release rules of a point."""
    change = draft(db, point, content)
    order_rehearsal(db, change.id, now=NOW, actor=person(1))
    return release_change(db, change.id, now=NOW, actor=person(2))


def feed(db: Session, firm: Enterprise, receipt: int, rows: list[tuple[Point, float, float]], *, flag: int = 0) -> None:
    """Store readings (point, minutes after NOW, value) of one batch and let them be judged, received with the last."""
    rows = sorted(rows, key=lambda row: (row[0].id, row[1]))
    base = round(NOW.timestamp() * 1000)
    ts = np.array([base + round(row[1] * MIN) for row in rows], np.int64)
    now = NOW + timedelta(minutes=max(row[1] for row in rows))
    size = len(rows)
    block = ReadingBlock(
        firm.id, receipt, now, np.array([row[0].id for row in rows], np.int32), ts,
        np.array([row[2] for row in rows], float), np.full(size, 192, np.int16), np.full(size, flag, np.int16),
    )  # fmt: skip
    stored = store_readings(db, block)
    take_in_readings(db, stored.new, now=now, actor=cli_actor(), remembered=stored.remembered)


def alarms_of(db: Session, point: Point) -> list[tuple[Any, ...]]:
    """Return rule, level and minutes of begin and end of a point's alarms."""
    rows = db.execute(
        select(Alarm, AlarmNow).join(AlarmNow, AlarmNow.alarm_id == Alarm.id).where(Alarm.point_id == point.id)
        .order_by(Alarm.raised_at, Alarm.kind)
    )  # fmt: skip
    return [(fact.limit_name, now.level, minute(fact.raised_at), minute(now.cleared_at)) for fact, now in rows]


def minute(at: datetime | None) -> float | None:
    """Return the minutes of an instant after NOW."""
    return None if at is None else (at - NOW).total_seconds() / 60


@pytest.mark.clause("7.2.7.3-2_2")
def test_released_rules_go_before_what_the_enterprise_filed(db: Session, firm: Enterprise) -> None:
    point = make_point(db, firm, period_s=60)
    put_in_force(db, point, LIMITS | {"high": 2.5})
    feed(db, firm, 1, [(point, -9, 2.0), (point, -8, 2.7), (point, -7, 2.0)])
    assert alarms_of(db, point) == [("high", 2, -8.0, -7.0)]


def test_steps_states_and_conditions_over_points_are_judged_when_the_push_is_taken(db: Session, firm: Enterprise) -> None:
    one, two = make_point(db, firm, period_s=60), make_point(db, firm, period_s=60, src_code=f"B{firm.id}")
    valve = make_point(db, firm, measure=6, period_s=60, unit="", range_high=3.0, low_low=None, low=None, high=None,
                       high_high=None, object_code="V1")  # fmt: skip
    when = f"this > 2.4 and `B{firm.id}` < 1.8"
    put_in_force(db, one, LIMITS | {"rate": {"over_s": 300, "rise": 0.8, "level": 3},
                                    "combined": {"when": when, "level": 3, "delay_s": 0}})  # fmt: skip
    put_in_force(db, valve, {"state": {"normal": [1], "level": 2}})
    feed(db, firm, 1, [(one, -20, 1.8), (two, -20, 2.0), (valve, -20, 1)])
    feed(db, firm, 2, [(one, -19, 2.7), (valve, -19, 0)])
    assert [row[0] for row in alarms_of(db, one)] == ["rate_rise"]
    feed(db, firm, 3, [(two, -18, 1.7), (valve, -18, 1)])
    feed(db, firm, 4, [(one, -17, 2.6)])
    assert {row[:2] for row in alarms_of(db, one)} == {("rate_rise", 3), ("combined", 3)}
    assert alarms_of(db, valve) == [("state", 2, -19.0, -18.0)]
    order = NewOrder("W-1", NOW - timedelta(minutes=10), NOW, "valve exercise")
    file_order(db, valve.id, order, actor=person(1))
    feed(db, firm, 5, [(valve, -9, 0), (valve, -8, 1)])
    assert len(alarms_of(db, valve)) == 1


def test_silence_and_flat_lines_are_raised_by_the_clock_once_and_ended_by_readings(db: Session, firm: Enterprise) -> None:
    quiet, stuck = make_point(db, firm, period_s=60), make_point(db, firm, period_s=60)
    put_in_force(db, quiet, LIMITS | {"silence": {"after_s": 600, "level": 4}})
    put_in_force(db, stuck, LIMITS | {"flat": {"for_s": 300, "level": 4}})
    feed(db, firm, 1, [(quiet, -20, 2.0), *((stuck, -20 + each, 2.0) for each in range(8))])
    for _ in range(2):
        watch_limits(db, NOW)
        watch_flat_lines(db, NOW)
    assert alarms_of(db, quiet) == [("silence", 4, -10.0, None)]
    assert alarms_of(db, stuck) == [("flat", 4, -15.0, None)]
    feed(db, firm, 2, [(quiet, -1, 2.0), (stuck, -1, 2.1)])
    assert [row[3] for row in alarms_of(db, quiet) + alarms_of(db, stuck)] == [-1.0, -1.0]


def test_a_silent_enterprise_stays_one_line(db: Session, firm: Enterprise) -> None:
    point = make_point(db, firm, period_s=60)
    put_in_force(db, point, LIMITS | {"silence": {"after_s": 600, "level": 4}})
    feed(db, firm, 1, [(point, -30, 2.0)])
    db.add(Outage(enterprise_id=firm.id, level=4, subject="link", points=1, silent=1, limit_s=60,
                  began_at=NOW - timedelta(minutes=30), noticed_at=NOW - timedelta(minutes=25)))  # fmt: skip
    db.flush()
    watch_limits(db, NOW)
    assert alarms_of(db, point) == []


def test_the_rehearsal_equals_the_live_engine_alarm_by_alarm(db: Session, firm: Enterprise) -> None:
    rng = np.random.default_rng(5)
    point = make_point(db, firm, period_s=60)
    content = LIMITS | {"deadband_high": 0.2, "rate": {"over_s": 180, "rise": 1.2, "fall": 1.2, "level": 3},
                        "combined": {"when": "this > 2.6 and this < 2.9", "level": 4, "delay_s": 60}}  # fmt: skip
    put_in_force(db, point, content)
    values = 2.3 + 0.9 * np.sin(np.arange(150) / 6) + rng.normal(0, 0.25, 150)
    for batch in range(50):
        rows = [(point, -300.0 + each, float(values[each])) for each in range(3 * batch, 3 * batch + 3)]
        feed(db, firm, batch + 1, rows)
        if batch % 9 == 4:
            late = [(point, -300.0 + 3 * batch - 100.5, 9.0)]
            feed(db, firm, 1000 + batch, late, flag=1)
    live = db.execute(
        select(Alarm.kind, Alarm.limit_name, Alarm.raised_at, Alarm.historical, AlarmNow.level, AlarmNow.cleared_at)
        .join(AlarmNow, AlarmNow.alarm_id == Alarm.id).where(Alarm.point_id == point.id, ~Alarm.historical)
    ).all()  # fmt: skip
    watched = rule_table(db, firm.id).points[point.id]
    span = Span(NOW - timedelta(days=1), NOW)
    replayed, readings = alarms_of_points(db, [watched], span)[id(watched)]
    assert readings >= 150
    assert len(live) >= 5
    assert sorted((row.kind, row.limit_name, ms(row.raised_at), row.level, ms(row.cleared_at)) for row in live) == sorted(
        (each.kind, each.limit_name, each.raised_ms, each.level, each.cleared_ms or 0)
        for each in replayed if not each.historical
    )  # fmt: skip
    change = draft(db, point, content | {"high": 2.8})
    order_rehearsal(db, change.id, now=NOW, actor=person(1))
    told = db.get_one(LimitChange, change.id).rehearsal
    assert told["before"] == len(replayed)
    assert told["readings"] == readings
    assert told["added"] + told["changed"] > 0


def ms(at: datetime | None) -> int:
    """Return an instant in ms, 0 for none."""
    return round(at.timestamp() * 1000) if at else 0


def test_an_alarm_judged_true_that_would_vanish_is_called_missed(db: Session, firm: Enterprise) -> None:
    point = make_point(db, firm, period_s=60)
    feed(db, firm, 1, [(point, -9, 3.2), (point, -5, 2.0)])
    alarm = db.scalars(select(Alarm).where(Alarm.point_id == point.id)).one()
    judge_alarm(db, alarm.id, TRUE_ALARM, note="leak found", now=NOW, actor=person(1))
    change = draft(db, point, LIMITS | {"high": 3.3})
    order_rehearsal(db, change.id, now=NOW, actor=person(1))
    row = db.scalars(select(LimitRehearsalAlarm).where(LimitRehearsalAlarm.change_id == change.id)).one()
    assert (row.outcome, row.alarm_id) == ("missed", alarm.id)


def test_packed_and_single_readings_come_back_exactly(db: Session, firm: Enterprise) -> None:
    point, day = make_point(db, firm), TODAY - timedelta(days=12)
    minutes = [0, 5, 10, 15, 21, 400]
    store(db, point, day, minutes, [1.25, 2.5, 1e300, -0.0, 3.125, 7.1])
    pack(db, day)
    store(db, point, day + timedelta(days=3), [1, 2], [4.5, 5.5])
    begin = NOW - timedelta(days=20)
    found = series_of_points(db, [point.id], begin, NOW)[point.id]
    assert found.ts_ms.tolist() == [ms_of(day, each) for each in minutes] + [ms_of(day + timedelta(days=3), each) for each in (1, 2)]
    assert found.value.tolist() == [1.25, 2.5, 1e300, -0.0, 3.125, 7.1, 4.5, 5.5]
    assert (set(found.quality.tolist()), set(found.flag.tolist()), set(found.receipt.tolist())) == ({192}, {0}, {1})


@pytest.mark.clause("7.2.7.3-2_3")
def test_level_one_takes_a_second_person_in_code_and_in_the_database(db: Session, firm: Enterprise) -> None:
    point = make_point(db, firm)
    change = draft(db, point, LIMITS | {"high_high": 3.6})
    with pytest.raises(Conflict, match="limit_not_rehearsed"):
        release_change(db, change.id, now=NOW, actor=person(2))
    order_rehearsal(db, change.id, now=NOW, actor=person(1))
    with pytest.raises(NotAllowed, match="limit_second_person"):
        release_change(db, change.id, now=NOW, actor=person(1))
    with pytest.raises(NotAllowed, match="limit_level_not_yours"):
        release_change(db, change.id, now=NOW, actor=person(2, "limit.level2"))
    with pytest.raises(DBAPIError, match="four_eyes"), db.begin_nested():
        db.execute(text("update limit_change set state = 2, released_by_id = 1 where id = :id"), {"id": change.id})
    release_change(db, change.id, now=NOW, actor=person(2))
    with pytest.raises(DBAPIError, match="never changed"), db.begin_nested():
        db.execute(text("update limit_rule set content = '{}' where change_id = :id"), {"id": change.id})
    rule = db.scalars(select(LimitRule).where(LimitRule.change_id == change.id)).one()
    assert (rule.state, rule.version, rule.former["high_high"], rule.content["high_high"]) == (2, 1, 3.5, 3.6)


def test_a_draft_that_no_longer_fits_is_refused_and_one_that_was_changed_is_rehearsed_again(db: Session, firm: Enterprise) -> None:
    point = make_point(db, firm)
    change = draft(db, point, LIMITS | {"high": 2.9})
    with pytest.raises(Conflict, match="limit_draft_open"):
        draft(db, point, LIMITS | {"high": 2.8})
    order_rehearsal(db, change.id, now=NOW, actor=person(1))
    change_draft(db, change.id, from_content(LIMITS | {"high": 2.7}), reason="better", now=NOW, actor=person(1))
    with pytest.raises(Conflict, match="limit_not_rehearsed"):
        release_change(db, change.id, now=NOW, actor=person(1))
    order_rehearsal(db, change.id, now=NOW, actor=person(1))
    point.high = 2.95  # filed anew meanwhile
    db.flush()
    with pytest.raises(Conflict, match="limit_changed_meanwhile"):
        release_change(db, change.id, now=NOW, actor=person(1))
    withdraw_change(db, change.id, now=NOW, actor=person(1))
    put_in_force(db, point, LIMITS | {"high": 2.8})
    assert rule_table(db, firm.id).points[point.id].ruled.rules.band.high == 2.8


@pytest.mark.parametrize(
    ("content", "problem"),
    [(LIMITS | {"high": 4.0}, "limits_contradict"), (LIMITS | {"high_high": 1e308}, "not_a_figure"),
     (LIMITS | {"combined": {"when": "NO-SUCH > 1", "level": 2, "delay_s": 0}}, "point_unknown")],
)  # fmt: skip
def test_contradicting_rules_never_become_a_draft(db: Session, firm: Enterprise, content: dict[str, Any], problem: str) -> None:
    with pytest.raises(Invalid) as refused:
        draft(db, make_point(db, firm), content)
    assert refused.value.facts["problem"] == problem


def test_a_removed_point_takes_no_new_rules_is_not_silent_but_its_readings_still_alarm(db: Session, firm: Enterprise) -> None:
    point = make_point(db, firm, period_s=60)
    put_in_force(db, point, LIMITS | {"silence": {"after_s": 600, "level": 4}})
    feed(db, firm, 1, [(point, -30, 2.0)])
    waiting = draft(db, point, LIMITS | {"high": 2.9})
    point.status = 7
    db.flush()
    forget_limits()
    watch_limits(db, NOW)
    assert alarms_of(db, point) == []
    feed(db, firm, 2, [(point, -5, 3.2)])
    assert [row[0] for row in alarms_of(db, point)] == ["high"]
    order_rehearsal(db, waiting.id, now=NOW, actor=person(1))
    with pytest.raises(Conflict, match="limit_point_removed"):
        release_change(db, waiting.id, now=NOW, actor=person(2))


def test_a_storm_loses_no_alarm(db: Session, firm: Enterprise) -> None:
    points = [make_point(db, firm, period_s=60) for _ in range(40)]
    feed(db, firm, 1, [(point, -2, 9.0) for point in points])
    numbers = [point.id for point in points]
    facts = db.scalars(select(Alarm.point_id).where(Alarm.point_id.in_(numbers))).all()
    events = db.scalars(select(AlarmEvent.id).join(Alarm, Alarm.id == AlarmEvent.alarm_id)
                        .where(Alarm.point_id.in_(numbers), AlarmEvent.action == "raise")).all()  # fmt: skip
    assert (sorted(facts), len(events)) == (numbers, 40)


def test_rules_are_read_again_only_when_they_changed(db: Session, firm: Enterprise) -> None:
    point = make_point(db, firm)
    first = rule_table(db, firm.id)
    forget_limits()
    again = rule_table(db, firm.id)
    assert (again.version, list(again.points)) == (first.version, [point.id])
    put_in_force(db, point, LIMITS | {"high": 2.9})
    assert rule_table(db, firm.id).version != first.version
    assert rule_table(db, firm.id).points[point.id].ruled.rules == RuleSet(from_content(LIMITS | {"high": 2.9}).band)


def test_a_rehearsal_of_many_points_goes_on_by_the_schedule(db: Session, firm: Enterprise) -> None:
    points = [make_point(db, firm) for _ in range(22)]
    rows = [find_point_row(db, each.id, scope=CITY) for each in points]
    wanted = [Wanted(row, from_content(LIMITS | {"high": 2.9})) for row in rows]
    change = draft_change(db, wanted, title="many", reason="for a test", template_key=None, now=NOW, actor=person(1))
    order_rehearsal(db, change.id, now=NOW, actor=person(1))
    assert (change.rehearsal_state, change.rehearsed_points) == ("waiting", 0)
    assert "22 of 22" in rehearse_waiting(db, NOW)
    assert (change.rehearsal_state, change.grade, change.points) == ("done", 2, 22)
