"""Trends on PostGIS: spikes, doubt and lateness over every resolution, last year, limits as they were, scope, files."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from flask import Flask
from flask.testing import FlaskClient
from openpyxl import load_workbook
from sqlalchemy import text

from portal.accounts.rights import Role
from portal.config import Settings
from portal.core.actor import CITY, cli_actor
from portal.core.db import transaction
from portal.operation.alarms.services import NewAlarm, raise_alarm
from portal.operation.telemetry.models import Point
from portal.operation.telemetry.services import store_readings
from tests.factories import make_enterprise, make_point, make_station
from tests.people import browser_of, make_person
from tests.readings import TODAY, block_of, ms_of, roll_all

DAY = TODAY - timedelta(days=2)
THEN = DAY.replace(year=DAY.year - 1) if (DAY.month, DAY.day) != (2, 29) else DAY.replace(year=DAY.year - 1, day=28)
BEGIN = round(datetime(DAY.year, DAY.month, DAY.day, tzinfo=UTC).timestamp())
SPIKE, SPIKE_THEN = 9.75, 8.5


@dataclass(frozen=True)
class Stage:
    """Points of an enterprise with readings, browsers of the city and of a stranger."""

    city: FlaskClient
    stranger: FlaskClient
    points: list[int]
    air: int

    def data(self, query: str) -> dict[str, Any]:
        """Return a picture as the city sees it."""
        answer = self.city.get(f"/operation/trends/data?{query}")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json
        return found


@pytest.fixture(scope="module")
def stage(app: Flask, settings: Settings) -> Stage:
    """Store a day of readings each 5 minutes, two days and a year ago: a spike, bad ones, late ones."""
    with transaction(settings, CITY, worker=True) as session:
        own, other = make_enterprise(session), make_enterprise(session)
        station = make_station(session, own, name="趋势试验门站")
        of_station = {"object_type": "station", "object_id": station.id, "object_code": station.src_code}
        points = [make_point(session, own, name=name, **of_station) for name in ("出站压力", "进站压力")]
        air = make_point(
            session,
            own,
            name="室外气温",
            measure=14,
            unit="℃",
            range_low=-40.0,
            range_high=60.0,
            low_low=None,
            low=None,
            high=None,
            high_high=None,
        )
        for day, top in ((DAY, SPIKE), (THEN, SPIKE_THEN)):
            session.execute(text("select ensure_reading_day(:d)"), {"d": day})
            for point in (*points, air):
                _store(session, point, day, top)
        session.execute(
            text("update point set valid_from = now() - interval '400 days' where id = any(:p)"),
            {"p": [p.id for p in points]},
        )
        points[0].high = 2.75
        alarm = NewAlarm(
            enterprise_id=own.id, adcode="990101", source="rule", kind=11, level=2, point_id=points[0].id, value=SPIKE,
            raised_at=datetime.fromtimestamp(BEGIN + 3600, UTC),
        )  # fmt: skip
        raise_alarm(session, alarm, actor=cli_actor())
        roll_all(session)
        city = browser_of(session, app, make_person(session, app))
        stranger = browser_of(session, app, make_person(session, app, Role.ENTERPRISE_SAFETY, enterprise_id=other.id))
        return Stage(city, stranger, [point.id for point in points], air.id)


def _store(session: Any, point: Point, day: Any, top: float) -> None:
    values = [2.0 + (minute % 60) / 1000 for minute in range(0, 1440, 5)]
    values[101] = top
    block = block_of(point, [ms_of(day, minute) for minute in range(0, 1440, 5)], values)
    quality, flag = block.quality.copy(), block.flag.copy()
    quality[120:132], flag[240:252] = 24, 1
    store_readings(
        session, replace(block, quality=quality, flag=flag, known_delay_s=np.where(flag == 1, 7200, 3).astype(np.int32))
    )


def test_a_day_shows_spike_doubt_and_back_filling(stage: Stage) -> None:
    found = stage.data(f"p={stage.points[0]}&from={BEGIN}&to={BEGIN + 86400}&width=2000")
    [curve] = found["series"]
    assert (curve["step"], curve["from"], curve["sum"]["max"]) == (300, "reading", SPIKE)
    assert curve["q"] == [[120, 131]] and curve["b"] == [[240, 251]]
    assert curve["v"][125] == pytest.approx(2.0 + (625 % 60) / 1000)


@pytest.mark.clause("7.2.3.4-b_2")
@pytest.mark.parametrize(("days", "resolution"), [(1, "reading"), (60, "hour"), (1826, "day")])
def test_no_spike_is_lost_at_any_span(stage: Stage, days: int, resolution: str) -> None:
    end = BEGIN + 86400
    [curve] = stage.data(f"p={stage.points[0]}&from={end - days * 86400}&to={end}&width=300")["series"]
    assert curve["from"] == resolution
    assert max(value for value in curve.get("hi", curve["v"]) if value is not None) == SPIKE


def test_hours_with_late_readings_are_marked(stage: Stage) -> None:
    end = BEGIN + 86400
    [curve] = stage.data(f"p={stage.points[0]}&from={end - 20 * 86400}&to={end}&width=2000")["series"]
    assert [last - first for first, last in curve["b"]] == [0]


def test_last_year_lies_over_this_year(stage: Stage) -> None:
    found = stage.data(f"p={stage.points[0]}&from={BEGIN}&to={BEGIN + 86400}&cmp=year&width=2000")
    own, then = (next(each for each in found["series"] if each["role"] == role) for role in ("own", "last_year"))
    assert then["sum"]["max"] == SPIKE_THEN
    assert then["t0"] + then["shift"] == own["t0"]


def test_weather_comes_from_the_outdoor_air(stage: Stage) -> None:
    found = stage.data(f"p={stage.points[0]}&from={BEGIN}&to={BEGIN + 86400}&wx=1")
    assert [each["role"] for each in found["series"]] == ["own", "weather"]
    assert {each["id"]: each["unit"] for each in found["points"]}[found["series"][1]["id"]] == "℃"


def test_limits_are_drawn_as_they_were(stage: Stage) -> None:
    limits = stage.data(f"p={stage.points[0]}&from={BEGIN}&to={BEGIN + 5 * 86400}")["limits"]
    assert {each["v"] for each in limits if each["name"] == "high"} == {3.0, 2.75}
    before = stage.data(f"p={stage.points[0]}&from={BEGIN}&to={BEGIN + 86400}")["limits"]
    assert {each["v"] for each in before if each["name"] == "high"} == {3.0}


def test_alarms_of_the_span_come_along(stage: Stage) -> None:
    [alarm] = stage.data(f"p={stage.points[0]},{stage.points[1]}&from={BEGIN}&to={BEGIN + 86400}")["alarms"]
    assert (alarm["level"], alarm["point"], alarm["at"]) == (2, stage.points[0], BEGIN + 3600)


def test_a_stranger_sees_and_finds_nothing(stage: Stage) -> None:
    query = f"p={stage.points[0]}&from={BEGIN}&to={BEGIN + 86400}&wx=1&cmp=year"
    found = stage.stranger.get(f"/operation/trends/data?{query}").json
    assert found["series"] == found["alarms"] == found["limits"] == found["points"] == []
    for asked in ("q=趋势试验门站", f"ids={stage.points[0]}"):
        assert stage.stranger.get(f"/operation/trends/points?{asked}").json == {"points": []}


def test_points_are_found_by_their_station(stage: Stage) -> None:
    found = stage.city.get("/operation/trends/points?q=趋势试验门站&measure=1").json["points"]
    assert {each["id"] for each in found} >= set(stage.points)
    assert {each["object"] for each in found if each["id"] in stage.points} == {"趋势试验门站"}


def test_files_hold_what_the_picture_shows(stage: Stage) -> None:
    query = f"p={stage.points[0]}&from={BEGIN}&to={BEGIN + 86400}&width=2000"
    rows = list(csv.reader(io.StringIO(stage.city.get(f"/operation/trends/export.csv?{query}").get_data(as_text=True))))
    assert len(rows) == 1 + 288
    assert max(float(row[3]) for row in rows[1:] if row[3]) == SPIKE
    assert {row[4] for row in rows[1:]} == {"合格", "存疑", "补传"}
    book = load_workbook(io.BytesIO(stage.city.get(f"/operation/trends/export.xlsx?{query}").data))
    assert book.worksheets[0].max_row == len(rows)
    assert stage.city.get("/operation/trends/export.pdf?p=1").status_code == 404


def test_nonsense_in_an_address_is_refused_in_words(stage: Stage) -> None:
    many = ",".join(map(str, range(1, 18)))
    for query in (f"p={many}", "p=1&from=5&to=4", "p=1&from=x&to=y"):
        answer = stage.city.get(f"/operation/trends/data?{query}", headers={"Accept": "application/json"})
        assert answer.status_code == 422 and answer.json["detail"]
