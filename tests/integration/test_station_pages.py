"""Station pages on PostGIS: living values with their doubt in words, equipment, cameras, the wall and its policy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from portal.accounts.rights import Role
from portal.config import Settings
from portal.core.actor import CITY
from portal.core.clock import utc_now
from portal.core.db import transaction
from portal.operation.devices.models import Device, DeviceCertificate, DeviceStep
from portal.operation.telemetry.models import Latest
from tests.factories import make_enterprise, make_point, make_station
from tests.people import browser_of, make_person


@dataclass(frozen=True)
class Stage:
    """A gate with a good, a stale and a bad point, and browsers."""

    city: FlaskClient
    stranger: FlaskClient
    station: int
    points: dict[str, int]


@pytest.fixture(scope="module")
def stage(app: Flask, settings: Settings) -> Stage:
    """Make the gate."""
    with transaction(settings, CITY, worker=True) as session:
        own, other, now = make_enterprise(session), make_enterprise(session), utc_now()
        station = make_station(session, own, name="页面试验门站")
        facts = {"object_type": "station", "object_id": station.id, "object_code": station.src_code, "period_s": 3600}
        points = {}
        for name, measure, ago, quality in (
            ("进站压力", 1, 1, 192),
            ("出站压力", 1, 9, 192),
            ("瞬时流量", 2, 1, 24),
            ("未知参数", 10, 1, 192),
        ):
            point = make_point(session, own, name=name, measure=measure, **facts)
            session.add(
                Latest(
                    point_id=point.id,
                    ts=now - timedelta(hours=ago),
                    value=4.5,
                    quality=quality,
                    flag=0,
                    received_at=now,
                )
            )
            points[name] = point.id
        device = Device(
            enterprise_id=own.id,
            adcode="990101",
            src_code="SB1",
            name="压力变送器",
            kind=1,
            object_type="station",
            object_id=station.id,
        )
        session.add(device)
        session.flush()
        session.add(
            DeviceStep(
                device_id=device.id, enterprise_id=own.id, adcode="990101", to_status=2, at=now - timedelta(hours=50)
            )
        )
        session.add(
            DeviceCertificate(
                device_id=device.id, enterprise_id=own.id, adcode="990101", kind=1, number="JD-1", expires_on=now.date()
            )
        )
        city = browser_of(session, app, make_person(session, app))
        stranger = browser_of(session, app, make_person(session, app, Role.ENTERPRISE_MANAGER, enterprise_id=other.id))
        return Stage(city, stranger, station.id, points)


@pytest.mark.clause("6.2-k_2")
def test_a_station_shows_good_stale_and_bad_in_words(stage: Stage) -> None:
    found = stage.city.get(f"/operation/stations/{stage.station}/values").json
    slots = found["slots"]
    assert [slots[key]["state"] for key in ("inlet_pressure", "outlet_pressure", "flow", "total")] == [
        "good",
        "stale",
        "bad",
        "none",
    ]
    assert slots["outlet_pressure"]["word"].startswith("陈旧 自") and slots["flow"]["word"] == "坏值：通信故障"
    assert (found["stale"], found["bad"]) == (1, 1)
    page = stage.city.get(f"/operation/stations/{stage.station}").get_data(as_text=True)
    assert all(word in page for word in ("陈旧 自", "坏值：通信故障", "未接入", 'href="/operation/trends?p='))


def test_overview_and_group_hold_the_station(stage: Stage) -> None:
    page = stage.city.get("/operation/stations?q=页面试验门站").get_data(as_text=True)
    assert "页面试验门站" in page and "陈旧" in page
    assert "坏值：通信故障" in stage.city.get("/operation/stations/group?by=kind&kind=2&q=页面试验门站").get_data(
        as_text=True
    )
    assert "页面试验门站" in stage.city.get("/operation/stations/export.csv?q=页面试验门站").get_data(as_text=True)


def test_equipment_has_hours_and_certificates(stage: Stage) -> None:
    lines = stage.city.get(f"/operation/stations/{stage.station}/equipment.csv").get_data(as_text=True).splitlines()
    assert "50.0" in lines[1] and "JD-1" in lines[1]


def test_an_instrument_set_by_hand_shows_its_point(stage: Stage) -> None:
    values = f"/operation/stations/{stage.station}/values"
    stage.city.post(f"/operation/stations/{stage.station}/slots", data={"slot": "heat_value", "point": ""})
    assert stage.city.get(values).json["slots"]["heat_value"]["point"] is None
    stage.city.post(
        f"/operation/stations/{stage.station}/slots", data={"slot": "heat_value", "point": stage.points["未知参数"]}
    )
    assert stage.city.get(values).json["slots"]["heat_value"]["point"] == stage.points["未知参数"]
    wrong = {"slot": "heat_value", "point": 999999}
    assert stage.city.post(f"/operation/stations/{stage.station}/slots", data=wrong).status_code == 422


def test_cameras_are_entered_shown_taken_down_and_kept(stage: Stage, committed: Callable[..., Any]) -> None:
    enter = f"/operation/stations/{stage.station}/cameras"
    camera = {
        "code": "99010000001320000001",
        "name": "进站区",
        "kind": "hls",
        "address": "/static/demo/stream/test.m3u8",
    }
    assert stage.city.post(enter, data=camera | {"address": "http://elsewhere.example/x.m3u8"}).status_code == 422
    assert stage.city.post(enter, data=camera).status_code == 302
    assert stage.city.post(enter, data=camera).status_code == 409
    assert stage.stranger.post(enter, data=camera | {"code": "2"}).status_code == 404
    assert "进站区" in stage.city.get(f"/operation/video?station={stage.station}").get_data(as_text=True)
    number = committed(
        lambda session: session.scalar(
            text("select id from station_camera where station_id = :s"), {"s": stage.station}
        )
    )
    assert stage.stranger.post(f"/operation/cameras/{number}/use", data={"in_use": "0"}).status_code == 404
    stage.city.post(f"/operation/cameras/{number}/use", data={"in_use": "0"})
    assert "进站区" not in stage.city.get(f"/operation/video?station={stage.station}").get_data(as_text=True)
    kept = committed(
        lambda session: session.scalar(text("select count(*) from station_camera_history where id = :c"), {"c": number})
    )
    assert kept == 1


def test_only_the_wall_may_play_what_other_hosts_send(stage: Stage, app: Flask) -> None:
    wall = stage.city.get("/operation/video").headers["Content-Security-Policy"]
    assert "media-src 'self' blob:;" in wall
    assert "media-src" not in stage.city.get("/operation/stations").headers["Content-Security-Policy"]
    given = Settings.video_origins.__get__(app.config["PORTAL_SETTINGS"])()
    assert given == frozenset()


def test_video_hosts_are_plain_origins(settings: Settings) -> None:
    said = "http://10.1.2.3:8080/, https://nvr.local, http://x/path, 'unsafe-inline', *"
    assert settings.__class__(**{**vars(settings), "video_hosts": said}).video_origins() == {
        "http://10.1.2.3:8080",
        "https://nvr.local",
    }
