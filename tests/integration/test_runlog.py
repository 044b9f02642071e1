"""The running log: every ledger in one order of time, within the area, page by page."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.orm import Session

from portal.accounts.rights import Role
from portal.core.actor import Scope
from portal.core.paging import PAGE_ROWS, Cursor
from portal.runlog.queries import SOURCES, LogFilter, log_listed, log_page
from tests.factories import make_enterprise
from tests.people import browser_of, make_person

BEGIN = datetime(2026, 1, 5, 8, tzinfo=UTC)
RAISED = """
insert into alarm (enterprise_id, source, kind, level, raised_at, historical, object_code)
values (:owner, 'rule', 1, 2, :at, false, 'TX-7') returning id
"""
STEP = """
insert into alarm_event (alarm_id, enterprise_id, action, state, note, actor_kind, actor_name, happened_at, at)
values (:alarm, :owner, 'note', 1, :note, 'user', :who, :at, :at)
"""
INCIDENT = """
insert into incident (enterprise_id, record_no, sort, kind, occurred_at, status, description, receipt_id)
values (:owner, 'E-1', 1, 1, :at, 0, '试验路挖断', 1)
"""


@pytest.fixture
def owner(db: Session) -> int:
    """Give an enterprise with 120 notes on an alarm, a minute apart, and an incident among them."""
    number = make_enterprise(db).id
    alarm = db.scalar(text(RAISED), {"owner": number, "at": BEGIN})
    for minute in range(120):
        facts = {
            "note": f"note {minute}",
            "who": "李值班" if minute % 2 else "王值班",
            "at": BEGIN + timedelta(minutes=minute),
        }
        db.execute(text(STEP), {"alarm": alarm, "owner": number, **facts})
    db.execute(text(INCIDENT), {"owner": number, "at": BEGIN + timedelta(minutes=60, seconds=30)})
    return number


def mine(number: int) -> Scope:
    return Scope(enterprise_ids=frozenset({number}))


@pytest.mark.clause("7.2.8.3_2", "7.2.8.3_1")
def test_the_log_stands_in_the_order_of_time(db: Session, owner: int) -> None:
    rows = list(log_listed(db, LogFilter(), SOURCES, scope=mine(owner)))
    assert len(rows) == 121
    assert [row.at for row in rows] == sorted((row.at for row in rows), reverse=True)
    assert rows[59].source == "incident"
    assert rows[0].who == "李值班"


def test_pages_lead_down_and_back_up_without_a_row_lost(db: Session, owner: int) -> None:
    first = log_page(db, LogFilter(), SOURCES, cursor=None, scope=mine(owner))
    place = Cursor(first.rows[-1].at, first.rows[-1].number)
    second = log_page(db, LogFilter(), SOURCES, cursor=place, scope=mine(owner))
    up = Cursor(second.rows[0].at, second.rows[0].number, backward=True)
    assert len(first.rows) == PAGE_ROWS
    assert first.rows[-1].at > second.rows[0].at
    assert log_page(db, LogFilter(), SOURCES, cursor=up, scope=mine(owner)).rows == first.rows


@pytest.mark.clause("7.2.7.1-3e")
def test_filters_narrow_by_kind_person_words_and_time(db: Session, owner: int) -> None:
    def count(**given: Any) -> int:
        return len(list(log_listed(db, LogFilter(**given), SOURCES, scope=mine(owner))))

    assert count(source="incident") == 1
    assert count(person="李") == 60
    assert count(words="note 7") == 11
    assert count(words="试验路") == 1
    assert count(words="%") == 0
    assert count(since=BEGIN + timedelta(minutes=100)) == 20
    assert count(until=BEGIN + timedelta(minutes=10)) == 10


def test_nobody_sees_what_happened_to_others(db: Session, owner: int) -> None:
    other = make_enterprise(db).id
    assert log_page(db, LogFilter(enterprise_id=owner), SOURCES, cursor=None, scope=mine(other)).rows == []


def test_a_ledger_that_one_may_not_read_is_left_out(db: Session, owner: int) -> None:
    rows = log_page(db, LogFilter(source="incident"), ("alarm",), cursor=None, scope=mine(owner)).rows
    assert rows == []


def test_the_page_and_its_file_open(committed: Any, app: Flask) -> None:
    client = committed(lambda session: browser_of(session, app, make_person(session, app, Role.CITY_REGULATOR)))
    for address in (
        "/operation/log",
        "/operation/log?source=x&from=9999-99-99&to=0001-01-01&q=%00%25_&after=1_2",
        "/operation/log/export.csv",
    ):
        assert client.get(address).status_code == 200, address
