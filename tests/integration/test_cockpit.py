"""The cockpit on real tables: its figures are those of the database, within the caller's area."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from flask import Flask, render_template_string
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from portal.accounts.rights import Role
from portal.cockpit.board import index_of, narrowed, note_index
from portal.cockpit.models import SafetyIndex
from portal.cockpit.queries import alarms_by_hour, danger_funnel
from portal.config import Settings
from portal.core.actor import CITY, Actor, Scope
from portal.core.db import transaction
from portal.safety.hidden_dangers.models import HiddenDanger
from tests.factories import make_enterprise
from tests.people import browser_of, make_person

NOW = datetime(2026, 11, 20, 10, 20, tzinfo=UTC)


def regulator(scope: Scope) -> Actor:
    return Actor(kind="user", id=1, name="r", scope=scope)


def test_a_city_regulator_narrows_to_any_district() -> None:
    assert narrowed(regulator(CITY), "990103").scope == Scope(adcodes=frozenset({"990103"}))
    assert narrowed(regulator(CITY), "").scope == CITY


def test_a_district_regulator_never_leaves_his_district() -> None:
    own = Scope(adcodes=frozenset({"990101"}))
    assert narrowed(regulator(own), "990103").scope == own


def test_an_enterprise_sees_its_own_whatever_district_it_asks_for() -> None:
    own = Scope(enterprise_ids=frozenset({7}))
    assert narrowed(regulator(own), "990103").scope == own


def test_hidden_dangers_are_counted_as_far_as_they_came(db: Session) -> None:
    owner = make_enterprise(db)
    for number, status in enumerate((1, 4, 6, 8)):
        db.add(
            HiddenDanger(
                enterprise_id=owner.id, record_no=f"H{number}", level=1, source=1, category=1, description="x",
                found_at=NOW, status=status, receipt_id=1, closed_at=NOW if status == 8 else None,
            )
        )  # fmt: skip
    db.flush()
    mine = Scope(enterprise_ids=frozenset({owner.id}))
    found = danger_funnel(db, mine, NOW - timedelta(days=1))
    assert (found.found, found.notified, found.rectified, found.reviewed, found.closed) == (4, 3, 2, 1, 1)
    assert danger_funnel(db, mine, NOW + timedelta(days=1)).found == 0


def test_alarms_are_counted_in_the_hour_they_rang(db: Session) -> None:
    owner = make_enterprise(db)
    for minutes, level in ((5, 1), (70, 2), (75, 2), (24 * 60, 3)):
        db.execute(
            text(
                "insert into alarm (enterprise_id, source, kind, level, raised_at, historical) "
                "values (:owner, 'rule', 1, :level, :at, false)"
            ),
            {"owner": owner.id, "level": level, "at": NOW - timedelta(minutes=minutes)},
        )
    found = alarms_by_hour(db, Scope(enterprise_ids=frozenset({owner.id})), NOW)
    assert found[1][-1] == 1
    assert found[2][-2] == 2
    assert sum(found[3]) == 0


def test_the_index_of_a_day_is_kept_once_and_renewed(db: Session) -> None:
    note_index(db, NOW)
    note_index(db, NOW + timedelta(minutes=30))
    rows = db.execute(text("select count(*), count(distinct adcode) from safety_index where day = '2026-11-20'")).one()
    districts = db.scalar(text("select count(*) from base_district"))
    assert rows[0] == rows[1] == districts + 1
    kept = db.scalar(text("select score from safety_index where day = '2026-11-20' and adcode = ''"))
    assert kept == pytest.approx(index_of(db, CITY, NOW + timedelta(minutes=30)).score)


@pytest.mark.parametrize("role", [Role.CITY_REGULATOR, Role.EXPERT])
def test_the_page_and_its_index_open(role: Role, committed: Any, app: Flask) -> None:
    client = committed(lambda session: browser_of(session, app, make_person(session, app, role)))
    for address in ("/cockpit", "/cockpit?d=990101", "/cockpit?d=%00%27%22%3Cscript%3E", "/cockpit/index"):
        assert client.get(address).status_code == 200, address


def test_a_change_is_drawn_up_or_down_and_told(app: Flask) -> None:
    page = "{% import 'cockpit/parts.html' as cp with context %}{{ cp.moved(value, value > 0, 'since Monday') }}"
    with app.test_request_context():
        for value, drawn in ((-3.2, "moved down"), (3.2, "moved up"), (0.01, "muted")):
            told = render_template_string(page, value=value)
            assert drawn in told, told
        assert "3.2" in render_template_string(page, value=-3.2)


def test_a_district_sees_no_index_of_another(committed: Any, settings: Settings) -> None:
    def keep(session: Session) -> None:
        for adcode in ("", "990101", "990102"):
            session.merge(SafetyIndex(day=date(2020, 1, 1), adcode=adcode, score=50.0))

    committed(keep)
    with transaction(settings, Scope(adcodes=frozenset({"990101"}))) as session:
        assert session.scalars(select(SafetyIndex.adcode)).all() == ["990101"]
    with transaction(settings, Scope(enterprise_ids=frozenset({1}))) as session:
        assert session.scalars(select(SafetyIndex.adcode)).all() == []
