"""What the map tells of past time and of what lies near, within the caller's scope; labels lead to their object."""

from __future__ import annotations

import base64
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest
from flask import Flask
from pyproj import Geod
from sqlalchemy import text
from sqlalchemy.orm import Session

from portal.accounts.rights import Role
from portal.config import Settings
from portal.core.actor import CITY, Scope
from portal.core.db import transaction
from portal.home.near_queries import by_code, nearest
from portal.home.times_queries import alarms, cases, pressures, shut_valves
from portal.home.times_rules import NONE, window_of
from tests.factories import make_enterprise, make_node, make_point, place
from tests.people import browser_of, make_person

BOX = (100.0, 20.0, 101.0, 21.0)


def make_valve(session: Session, enterprise: Any, lon: float, lat: float, code: str, **given: Any) -> int:
    node = make_node(session, enterprise, lon=lon, lat=lat)
    values = {"e": enterprise.id, "code": code, "node": node.id, "lon": lon, "lat": lat, "state": 1, "since": "2020-01-01"} | given
    return int(session.scalar(text(
        "insert into gas_valve (enterprise_id, src_code, adcode, node_id, dn_mm, kind, drive, normal_state, "
        "current_state, geom, valid_from) "
        "values (:e, :code, '990101', :node, 100, 1, 1, 1, :state, ST_SetSRID(ST_MakePoint(:lon, :lat), 4490), :since) returning id"
    ), values) or 0)


def make_hour(session: Session, point: int, hour: datetime, mean: float, low: float, high: float) -> None:
    session.execute(
        text(
            "insert into reading_hour (point_id, hour, low, high, mean, last, readings, valid, in_time, in_limits) "
            "values (:p, :h, :low, :high, :mean, :mean, 12, 12, 12, 12)"
        ),
        {"p": point, "h": hour, "low": low, "high": high, "mean": mean},
    )


def make_alarm(session: Session, enterprise: int, raised: datetime, cleared: datetime | None) -> int:
    number = session.scalar(text(
        "insert into alarm (enterprise_id, adcode, source, kind, level, raised_at, geom) "
        "values (:e, '990101', 'rule', 1, 3, :at, ST_SetSRID(ST_MakePoint(100.5, 20.5), 4490)) returning id"
    ), {"e": enterprise, "at": raised})
    session.execute(text(
        "insert into alarm_now (alarm_id, enterprise_id, adcode, kind, level, historical, state, raised_at, cleared_at) "
        "values (:id, :e, '990101', 1, 2, false, 1, :at, :cleared)"
    ), {"id": number, "e": enterprise, "at": raised, "cleared": cleared})
    return int(number or 0)


def test_one_answer_holds_what_stood_in_the_window(db: Session, now: datetime) -> None:
    window, enterprise = window_of("24h", now), make_enterprise(db)
    point = make_point(db, enterprise, geom=place(100.5, 20.5)).id
    make_hour(db, point, window.begin, 2.0, 1.9, 2.1)
    make_hour(db, point, window.begin + timedelta(hours=2), 2.5, 1.2, 2.6)
    stood = make_alarm(db, enterprise.id, window.begin + timedelta(hours=1), window.begin + timedelta(hours=3))
    make_alarm(db, enterprise.id, window.begin - timedelta(hours=5), window.begin - timedelta(hours=4))
    db.execute(text(
        "insert into alarm_event (alarm_id, enterprise_id, action, state, level, actor_kind, actor_name, happened_at) "
        "values (:a, :e, 'escalate', 1, 2, 'job', 'x', :at)"
    ), {"a": stood, "e": enterprise.id, "at": window.begin + timedelta(hours=2)})
    db.execute(text(
        "insert into supervision_case (case_no, enterprise_id, adcode, alarm_id, case_class, level, title, state, opened_at, due_at) "
        "values ('DDX1', :e, '990101', :a, 1, 2, 'x', 20, :at, :at)"
    ), {"e": enterprise.id, "a": stood, "at": window.begin + timedelta(hours=2)})

    mine = Scope(enterprise_ids=frozenset({enterprise.id}))
    told = pressures(db, mine, window, BOX)
    codes = np.frombuffer(base64.b64decode(told["codes"]), "<u2")
    states = np.frombuffer(base64.b64decode(told["states"]), "u1")
    base, scale = told["rows"][0][5:7]
    assert told["whole"] == 1 and told["rows"][0][0] == point
    assert [base + codes[place] * scale for place in (0, 2)] == pytest.approx([2.0, 2.5], abs=1e-4)
    assert codes[1] == NONE and states[:3].tolist() == [1, 0, 2]
    row = alarms(db, mine, window, BOX)["rows"]
    assert [(each[0], each[1], each[6], each[7], each[8]) for each in row] == [(stood, 3, 3600, 10_800, [[7200, 2]])]
    case = cases(db, mine, window, BOX)["rows"]
    assert [(each[1], each[3], each[5], each[6]) for each in case] == [(2, 100.5, 7200, 86_400)]


def test_nothing_of_another_enterprise_or_place_is_told(db: Session, now: datetime) -> None:
    window, enterprise = window_of("7d", now), make_enterprise(db)
    other = Scope(enterprise_ids=frozenset({make_enterprise(db).id}))
    mine = Scope(enterprise_ids=frozenset({enterprise.id}))
    make_point(db, enterprise, geom=place(100.5, 20.5))
    make_alarm(db, enterprise.id, window.begin + timedelta(hours=1), None)
    make_valve(db, enterprise, 100.5, 20.5, "V1", state=0)
    for ask in (pressures, alarms, cases, shut_valves):
        assert ask(db, other, window, BOX)["rows"] == []
        assert ask(db, mine, window, (101.0, 20.0, 102.0, 21.0))["rows"] == []


def test_a_valve_is_shown_closed_from_when_to_when_it_was(db: Session, now: datetime) -> None:
    window, enterprise = window_of("24h", now), make_enterprise(db)
    make_valve(db, enterprise, 100.5, 20.5, "OPEN")
    shut = make_valve(db, enterprise, 100.5, 20.6, "SHUT", state=0, since=window.begin + timedelta(hours=6))
    rows = shut_valves(db, CITY, window, BOX)["rows"]
    assert [(each[0], each[2], each[5], each[6]) for each in rows] == [(shut, 0, 21_600, 86_400)]


def test_the_nearest_are_those_by_metres_and_not_by_degrees(db: Session) -> None:
    enterprise = make_enterprise(db)
    at, ellipsoid = (100.5, 60.0), Geod(ellps="GRS80")
    # At 60 degrees a degree of longitude is half as long: what is nearer in degrees may be farther in metres.
    places = [(100.5 + east, 60.0 + north) for east, north in [(0.018, 0), (-0.017, 0), (0, 0.011), (0, -0.012), (0.004, 0.004)]]
    places += [(100.5, 60.0 + 0.02 + each / 1000) for each in range(20)]
    numbers = {make_valve(db, enterprise, *each, f"V{n}"): each for n, each in enumerate(places)}
    found = nearest(db, CITY, "valve", *at)
    told = {number: ellipsoid.inv(*at, *where) for number, where in numbers.items()}
    assert [each.id for each in found] == sorted(told, key=lambda number: told[number][2])[:20]
    for each in found:
        bearing, _, metres = told[each.id]
        assert each.distance_m == pytest.approx(metres, abs=0.01)
        assert each.bearing_deg == pytest.approx(bearing % 360, abs=0.01)


def test_a_code_two_enterprises_use_leads_to_a_choice(db: Session) -> None:
    first, second = make_enterprise(db), make_enterprise(db)
    for enterprise in (first, second):
        make_valve(db, enterprise, 100.5, 20.5, "同名/1")
    assert [each.enterprise_id for each in by_code(db, CITY, "valve", "同名/1", None)] == [first.id, second.id]
    assert [each.enterprise_id for each in by_code(db, CITY, "valve", "同名/1", second.id)] == [second.id]
    only = Scope(enterprise_ids=frozenset({first.id}), adcodes=frozenset(), whole_city=False)
    assert by_code(db, only, "valve", "同名/1", second.id) == []


def test_a_label_is_printed_and_leads_to_its_object(app: Flask, settings: Settings) -> None:
    with transaction(settings, CITY, worker=True) as session:
        enterprise = make_enterprise(session)
        number = make_valve(session, enterprise, 112.71, 32.11, "QR-7")
        person = make_person(session, app, Role.CITY_REGULATOR)
        browser = browser_of(session, app, person)
        enterprise_id = enterprise.id
    address = f"/o/valve/QR-7?e={enterprise_id}"
    assert app.test_client().get(address).headers["Location"] == f"/login?next=/o/valve/QR-7?e%3D{enterprise_id}"
    assert browser.get(address).headers["Location"] == f"/map#sel=valve:{number}"
    assert browser.get("/o/valve/none").status_code == 404
    sheet = browser.get(f"/map/list/valve/labels.pdf?enterprise={enterprise_id}")
    assert sheet.status_code == 200 and sheet.data.startswith(b"%PDF")
    near = browser.get("/map/near?at=112.71,32.11").get_data(as_text=True)
    assert "QR-7" in near and "0 m" in near
    assert browser.get("/map/near?at=x").status_code == 422
    assert browser.get("/map/times?box=112,31,113,33").get_json()["points"]["whole"] >= 0
    for wrong in ("box=1,2,3", "box=3,0,1,1", "window=9y&box=112,31,113,33", "box=nan,0,1,1"):
        assert browser.get(f"/map/times?{wrong}").status_code == 422
