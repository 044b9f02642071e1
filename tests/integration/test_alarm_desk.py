"""The alarm desk on PostGIS: holds, latch, record and closing, one winner, one line a cause, an export that proves itself."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from portal.accounts.models import Enterprise
from portal.config import Settings
from portal.core.actor import CITY, NOTHING, Actor
from portal.core.clock import utc_now
from portal.core.db import transaction
from portal.core.errors import Conflict, Invalid, NotFound
from portal.operation.alarms.models import AlarmEvent, AlarmHold, AlarmNow
from portal.operation.alarms.projection import projection_differences
from portal.operation.alarms.queries import AlarmFilter, alarms_listed, alarms_page, open_counts
from portal.operation.alarms.services import (
    Happening,
    NewAlarm,
    acknowledge_alarm,
    acknowledge_alarms,
    add_event,
    judge_alarm,
    raise_alarm,
)
from portal.operation.desk.figures import performance
from portal.operation.desk.jobs import tend_alarms
from portal.operation.desk.rules import Figures
from portal.operation.desk.services import (
    Handling,
    Holding,
    attach,
    close_alarm,
    hold_alarm,
    release_hold,
    reset_alarm,
    write_record,
)
from tests.factories import make_enterprise, make_point
from tests.people import browser_of, make_person

OFFICER = Actor(kind="user", id=None, name="officer", scope=CITY)
OTHER = replace(OFFICER, name="other")
SHELVE = Holding(1, 1.0, "仪表调试")
DONE = Handling("李工", "阀门内漏", "更换阀门", "压力恢复正常")


def an_alarm(session: Session, firm: Enterprise, **given: Any) -> AlarmNow:
    """Raise an alarm of a moment ago."""
    values = {"adcode": "990101", "source": "rule", "kind": 11, "level": 2, "raised_at": utc_now(), "object_code": "X"}
    return raise_alarm(session, NewAlarm(enterprise_id=firm.id, **values | given), actor=OFFICER)[1]


def happen(session: Session, alarm: AlarmNow, action: str, **more: Any) -> None:
    """Let something happen to an alarm."""
    add_event(session, alarm, Happening(action, utc_now(), **more), actor=OFFICER)


def actions(session: Session, alarm: AlarmNow) -> list[str]:
    """Return what happened to an alarm."""
    wanted = select(AlarmEvent.action).where(AlarmEvent.alarm_id == alarm.alarm_id)
    return list(session.scalars(wanted.order_by(AlarmEvent.id)))


@pytest.fixture
def firm(db: Session) -> Enterprise:
    """Give an enterprise."""
    return make_enterprise(db)


@pytest.mark.clause("7.2.7.3-4d")
def test_a_shelved_point_stores_its_alarms_and_comes_back_by_itself(db: Session, firm: Enterprise) -> None:
    point = make_point(db, firm)
    alarm = an_alarm(db, firm, point_id=point.id)
    hold = hold_alarm(db, alarm.alarm_id, SHELVE, now=utc_now(), actor=OFFICER)
    happen(db, alarm, "clear")
    again = an_alarm(db, firm, point_id=point.id)
    assert (alarm.state, again.state) == (7, 7)
    counts = open_counts(db, scope=CITY)
    assert counts.held >= 2
    tend_alarms(db, hold.expires_at - timedelta(seconds=1))
    assert again.state == 7
    tend_alarms(db, hold.expires_at)
    db.refresh(again)
    assert (alarm.state, again.state, hold.outcome) == (3, 1, "expired")
    assert actions(db, again)[:3] == ["raise", "shelve", "unshelve"]
    assert not [each for each in projection_differences(db) if each.alarm_id in (alarm.alarm_id, again.alarm_id)]


def test_a_shelved_point_that_gets_worse_comes_back_at_once(db: Session, firm: Enterprise) -> None:
    point = make_point(db, firm)
    alarm = an_alarm(db, firm, point_id=point.id)
    first = hold_alarm(db, alarm.alarm_id, SHELVE, now=utc_now(), actor=OFFICER)
    happen(db, alarm, "escalate", level=1)
    assert (alarm.state, alarm.level, first.outcome) == (1, 1, "worse")
    other = an_alarm(db, firm, point_id=point.id, kind=16, level=3)
    second = hold_alarm(db, other.alarm_id, SHELVE, now=utc_now(), actor=OFFICER)
    happen(db, other, "clear")
    grave = an_alarm(db, firm, point_id=point.id, kind=16, level=2)
    assert (grave.state, other.state, second.outcome) == (1, 3, "worse")


@pytest.mark.clause("7.2.7.3-4d")
def test_maintenance_needs_a_permit_a_lock_holds_all_and_both_are_bounded(db: Session, firm: Enterprise) -> None:
    point = make_point(db, firm)
    alarm = an_alarm(db, firm, point_id=point.id)
    for wrong in (Holding(1, 9, "x"), Holding(1, 0, "x"), Holding(3, 1, "检修"), Holding(1, 1, " ")):
        with pytest.raises(Invalid):
            hold_alarm(db, alarm.alarm_id, wrong, now=utc_now(), actor=OFFICER)
    locked = hold_alarm(db, alarm.alarm_id, Holding(4, 24, "线路检修", only_kind=False), now=utc_now(), actor=OFFICER)
    worse = an_alarm(db, firm, point_id=point.id, kind=16, level=1)
    assert (alarm.state, worse.state) == (10, 10)
    with pytest.raises(Conflict, match="alarm_held_already"):
        hold_alarm(db, alarm.alarm_id, SHELVE, now=utc_now(), actor=OFFICER)
    assert release_hold(db, locked.id, said="完工", now=utc_now(), actor=OTHER) == 2
    with pytest.raises(Conflict, match="hold_ended"):
        release_hold(db, locked.id, said="完工", now=utc_now(), actor=OTHER)
    hold_alarm(db, alarm.alarm_id, Holding(3, 100, "检修", "ZY-1"), now=utc_now(), actor=OFFICER)
    assert alarm.state == 9
    with pytest.raises(NotFound):
        hold_alarm(db, alarm.alarm_id, SHELVE, now=utc_now(), actor=replace(OFFICER, scope=NOTHING))


@pytest.mark.clause("7.2.7.3-3")
def test_grave_gas_stays_until_reset_and_is_closed_only_with_a_record(db: Session, firm: Enterprise) -> None:
    alarm = an_alarm(db, firm, kind=16, level=1)
    number, now = alarm.alarm_id, utc_now()
    with pytest.raises(Conflict, match="alarm_still_active"):
        reset_alarm(db, number, note="x", now=now, actor=OFFICER)
    happen(db, alarm, "clear")
    assert alarm.state == 5
    acknowledge_alarm(db, number, note="已派人", now=now, actor=OFFICER)
    assert alarm.state == 6
    with pytest.raises(Conflict, match="alarm_latched"):
        close_alarm(db, number, now=now, actor=OFFICER)
    reset_alarm(db, number, note="现场检测为零", now=now, actor=OFFICER)
    judge_alarm(db, number, 1, note="属实", now=now, actor=OFFICER)
    with pytest.raises(Conflict, match="alarm_not_recorded"):
        close_alarm(db, number, now=now, actor=OFFICER)
    for part in ("receiver", "cause", "measures", "result"):
        with pytest.raises(Invalid, match="record_part_missing"):
            write_record(db, number, replace(DONE, **{part: "  "}), now=now, actor=OFFICER)
    write_record(db, number, DONE, now=now, actor=OFFICER)
    with pytest.raises(Invalid, match="attachment_kind"):
        attach(db, number, "x.exe", b"MZ\x90", actor=OFFICER)
    assert attach(db, number, "现场.png", b"\x89PNG\r\n\x1a\n123", actor=OFFICER).media_type == "image/png"
    close_alarm(db, number, now=now, actor=OFFICER)
    assert alarm.closed_at
    with pytest.raises(Conflict, match="alarm_closed"):
        write_record(db, number, DONE, now=now, actor=OFFICER)
    assert actions(db, alarm) == ["raise", "latch", "clear", "acknowledge", "reset", "judge", "record", "close"]
    moves = db.execute(
        select(AlarmEvent.from_state, AlarmEvent.state).where(AlarmEvent.alarm_id == number).order_by(AlarmEvent.id)
    ).all()
    assert moves[0] == (None, 1)
    assert all(after[0] == before[1] for before, after in zip(moves, moves[1:], strict=False))
    assert not [each for each in projection_differences(db) if each.alarm_id == number]


@pytest.mark.clause("7.2.8.2-c")
def test_of_two_who_acknowledge_at_once_one_wins_and_the_other_hears_who(
    committed: Callable[..., Any], settings: Settings
) -> None:
    numbers = committed(lambda session: [an_alarm(session, make_enterprise(session)).alarm_id for _ in range(6)])

    def seen(number: int, who: str) -> str:
        try:
            with transaction(settings, CITY) as session:
                acknowledge_alarm(session, number, note="x", now=utc_now(), actor=replace(OFFICER, name=who))
        except Conflict as lost:
            return f"lost to {lost.facts['by']}"
        return who

    with ThreadPoolExecutor(4) as pool:
        told = [sorted(pool.map(seen, [number] * 2, ["anna", "bert"])) for number in numbers]
    assert all(each in (["anna", "lost to anna"], ["bert", "lost to bert"]) for each in told)


def test_acknowledging_several_says_which_were_not_and_why(db: Session, firm: Enterprise) -> None:
    fresh, seen = an_alarm(db, firm), an_alarm(db, firm, kind=12)
    acknowledge_alarm(db, seen.alarm_id, note="x", now=utc_now(), actor=OTHER)
    asked = [fresh.alarm_id, seen.alarm_id, 987654321]
    answers = {each.alarm_id: each for each in acknowledge_alarms(db, asked, note="已阅", now=utc_now(), actor=OFFICER)}
    assert {number: each.outcome for number, each in answers.items()} == {
        fresh.alarm_id: "done", seen.alarm_id: "alarm_already_acknowledged", 987654321: "alarm",
    }  # fmt: skip
    assert answers[seen.alarm_id].by == "other"


def test_a_silent_enterprise_is_one_line_and_comes_apart_when_it_is_over(db: Session, firm: Enterprise) -> None:
    root = an_alarm(db, firm, kind=20, level=3)
    db.execute(
        text(
            "insert into outage (enterprise_id, level, subject, points, silent, limit_s, began_at, noticed_at, alarm_id)"
            " values (:e, 4, 'x', 9, 9, 600, now(), now(), :a)"
        ),
        {"e": firm.id, "a": root.alarm_id},
    )
    children = [an_alarm(db, firm, kind=21, level=4, object_code=f"P{n}") for n in range(5)]
    gas = an_alarm(db, firm, kind=16, level=1, object_code="G")
    tend_alarms(db, utc_now())
    page = alarms_page(db, AlarmFilter(enterprise_id=firm.id), cursor=None, scope=CITY)
    assert [row.alarm_id for row in page.rows] == [gas.alarm_id, root.alarm_id]
    assert page.rows[1].members == 5
    assert {each.state for each in children} == {8}
    tend_alarms(db, utc_now())
    assert actions(db, children[0]) == ["raise", "group", "suppress"]
    happen(db, root, "clear")
    acknowledge_alarm(db, root.alarm_id, note="恢复", now=utc_now(), actor=OFFICER)
    tend_alarms(db, utc_now())
    assert {(each.state, each.root_id) for each in children} == {(1, None)}


def test_two_schedulers_at_once_end_a_hold_and_group_once(committed: Callable[..., Any], settings: Settings) -> None:
    def stage(session: Session) -> tuple[int, int]:
        firm = make_enterprise(session)
        held = an_alarm(session, firm, object_code="H")
        hold = hold_alarm(session, held.alarm_id, SHELVE, now=utc_now() - timedelta(hours=2), actor=OFFICER)
        first, second = an_alarm(session, firm, object_code="S"), an_alarm(session, firm, object_code="S")
        return hold.alarm_id or 0, max(first.alarm_id, second.alarm_id)

    held, second = committed(stage)

    def look(_: int) -> str:
        with transaction(settings, CITY, worker=True) as session:
            return tend_alarms(session, utc_now())

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(look, range(3)))
    asked = text("select alarm_id, action, count(*) from alarm_event where alarm_id in (:a, :b) group by 1, 2")
    rows = committed(lambda session: session.execute(asked, {"a": held, "b": second}).all())
    counts = {(row[0], row[1]): row[2] for row in rows}
    assert (counts[(held, "unshelve")], counts[(second, "group")]) == (1, 1)


@pytest.mark.clause("7.2.7.3-4a", "7.2.7.3-4e_1")
def test_alarms_are_found_by_anything_and_paged_in_every_order(db: Session, firm: Enterprise) -> None:
    base = utc_now() - timedelta(days=3)
    for n in range(120):
        an_alarm(db, firm, kind=11 + n % 3, level=1 + n % 4, raised_at=base + timedelta(minutes=n // 2), object_code=f"Q{n % 7}")
    mine = AlarmFilter(view="all", enterprise_id=firm.id)
    point = make_point(db, firm, name="城东末端")
    named = an_alarm(db, firm, point_id=point.id, alarm_no="NO-7788", text_said="压力偏低", object_code="Q1")
    acknowledge_alarm(db, named.alarm_id, note="x", now=utc_now(), actor=OFFICER)
    judge_alarm(db, named.alarm_id, 2, note="x", now=utc_now(), actor=OFFICER)
    narrowed = [
        {"words": "城东末端"}, {"words": "no-7788"}, {"words": "压力偏低"}, {"person": "officer"}, {"verdict": 2},
        {"point_id": point.id}, {"since": base + timedelta(days=2)}, {"state": 2},
    ]  # fmt: skip
    for each in narrowed:
        found = alarms_page(db, replace(mine, **each), cursor=None, scope=CITY)
        assert [row.alarm_id for row in found.rows] == [named.alarm_id], each
    assert len(alarms_page(db, replace(mine, object_code="Q3", level=4), cursor=None, scope=CITY).rows) > 0
    for sort in ("raised", "level", "kind", "object"):
        wanted = replace(mine, sort=sort)
        listed = [row.alarm_id for row in alarms_listed(db, wanted, scope=CITY)]
        assert walked(db, wanted) == listed
        assert len(listed) == 121


def walked(db: Session, wanted: AlarmFilter) -> list[int]:
    """Return the numbers of a list page by page."""
    from portal.core.paging import Cursor

    found: list[int] = []
    cursor = None
    while True:
        page = alarms_page(db, wanted, cursor=cursor, scope=CITY)
        found += [row.alarm_id for row in page.rows]
        if not page.has_older:
            return found
        cursor = Cursor(page.rows[-1].raised_at, page.rows[-1].alarm_id)


@pytest.mark.clause("7.2.7.3-4e_2")
def test_the_export_is_the_screen_row_for_row_and_proves_itself(app: Flask, committed: Callable[..., Any]) -> None:
    def stage(session: Session) -> tuple[Any, int]:
        firm = make_enterprise(session)
        for n in range(5):
            an_alarm(session, firm, kind=11 + n, object_code=f"E{n}", raised_at=utc_now() - timedelta(minutes=n))
        return browser_of(session, app, make_person(session, app)), firm.id

    browser, number = committed(stage)
    query = f"view=all&enterprise={number}&sort=kind"
    page = browser.get(f"/operation/alarms?{query}").text
    answer = browser.get(f"/operation/alarms/export.csv?{query}")
    above, _, last = answer.text.rpartition("SM3,")
    assert hashlib.new("sm3", above.encode("utf-8")).hexdigest() == last.strip() == answer.headers["X-Content-SM3"]
    rows = list(csv.reader(io.StringIO(above.lstrip("\ufeff"))))[1:]
    shown = [part.split('"')[0] for part in page.split('data-row="')[1:]]
    assert [row[0] for row in rows] == shown
    assert all(row[5] in page for row in rows)
    kept = committed(
        lambda session: session.scalar(
            text("select after ->> 'sm3' from audit_entry where action = 'alarm.export' order by id desc limit 1")
        )
    )
    assert kept == last.strip()


def test_rates_floods_and_bad_actors_are_counted_from_the_alarms(db: Session, firm: Enterprise) -> None:
    from portal.core.actor import Scope

    end = utc_now().replace(minute=0, second=0, microsecond=0)
    begin = end - timedelta(hours=24)
    point = make_point(db, firm)
    for n in range(30):
        alarm = an_alarm(
            db, firm, point_id=point.id, kind=11, level=1 if n < 3 else 3, raised_at=begin + timedelta(hours=2, seconds=20 * n)
        )
        happen(db, alarm, "clear")
    scope = Scope(enterprise_ids=frozenset({firm.id}))
    found = performance(db, begin, end, figures=Figures(), scope=scope, now=end)
    assert (found.alarms, round(found.rate, 2), found.band) == (30, 1.25, "acceptable")
    assert found.peak is not None
    assert (found.peak.alarms, len(found.floods), found.floods[0].alarms) == (30, 1, 30)
    assert found.mix == {"critical": 0.1, "major": 0.0, "minor": 0.9}
    assert (found.actors[0].n, found.actors[0].share, len(found.chattering)) == (30, 1.0, 1)
    assert found.bands == {"acceptable": 23, "manageable": 0, "overloaded": 1}


def test_the_pages_of_the_desk_work_by_hand(app: Flask, committed: Callable[..., Any]) -> None:
    def stage(session: Session) -> tuple[Any, int]:
        alarm = an_alarm(session, make_enterprise(session), kind=16, level=1)
        return browser_of(session, app, make_person(session, app)), alarm.alarm_id

    browser, number = committed(stage)
    at = f"/operation/alarms/{number}"
    json = {"Accept": "application/json"}
    assert "处置要点" in browser.get(f"{at}/panel").text
    said = browser.post(f"{at}/hold", data={"hold": "1", "hours": "1", "reason": "调试"}, headers=json)
    assert said.get_json()["id"] == number
    assert browser.post(f"{at}/hold", data={"hold": "1", "hours": "1", "reason": "x"}, headers=json).status_code == 409
    assert "调试" in browser.get("/operation/alarms/holds").text
    held = committed(lambda session: session.scalar(select(AlarmHold.id).where(AlarmHold.alarm_id == number)))
    assert browser.post(f"/operation/alarms/holds/{held}/release", data={"reason": "完", "to": "holds"}).status_code == 302
    batch = browser.post("/operation/alarms/acknowledge", data={"id": [str(number), "98765432"], "note": "x"}, headers=json)
    assert batch.get_json()["done"] == 1
    assert [each["id"] for each in batch.get_json()["refused"]] == [98765432]
    again = browser.post(f"{at}/acknowledge", data={"note": "x"}, headers=json)
    assert again.status_code == 409
    assert "确认" in again.get_json()["detail"]
    record = {"receiver": "李工", "cause": "误碰", "measures": "复位", "result": "正常", "file": (io.BytesIO(b"%PDF-1.7"), "a.pdf")}
    assert browser.post(f"{at}/record", data=record, headers=json).status_code == 200
    assert browser.post(f"{at}/close", headers=json).status_code == 409
    assert "a.pdf" in browser.get(at).text
    assert browser.post("/operation/alarms/views", data={"name": "城东", "query": "level=1&x=2"}).status_code == 302
    assert "?level=1" in browser.get("/operation/alarms").text
    assert browser.get("/operation/alarms/performance?days=30").status_code == 200
