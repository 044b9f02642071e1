"""Silence on PostGIS: one line and one alarm at the cause, recovery, late data, three lookers at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from ingestion_adapters.checks import judge_row
from ingestion_adapters.store_network import store_network
from ingestion_adapters.store_readings import columns_of, take_readings
from portal.accounts.models import Enterprise
from portal.config import Settings
from portal.core.actor import CITY, cli_actor
from portal.core.clock import utc_now
from portal.core.db import transaction
from portal.flows.outage_watch import watch_outages
from portal.operation.telemetry.models import Point
from portal.operation.telemetry.newest import fold_waiting
from tests.factories import make_enterprise, make_point

START = utc_now().replace(microsecond=0) - timedelta(hours=2)


@dataclass
class City:
    """An enterprise with two gateways of two devices with two points each, and its clock."""

    session: Session
    own: Enterprise
    points: list[Point]

    def send(self, minute: float, *places: int, source_minute: float | None = None, flag: str = "N") -> None:
        """Send one reading of some points as it arrives at a minute."""
        now = START + timedelta(minutes=minute)
        at = START + timedelta(minutes=minute if source_minute is None else source_minute)
        rows = [
            {"point": self.points[n].src_code, "t": at.isoformat(), "v": 2.0, "f": flag} for n in places
        ]
        records = [judge_row(row, 0, "RT") for row in rows]
        take_readings(self.session, self.own.id, columns_of(records, []), 1, now=now, actor=cli_actor())
        fold_waiting(self.session, now)  # minutes pass in milliseconds here: what came would count as a burst

    def look(self, minute: float) -> list[tuple[int, str, int]]:
        """Look at a minute; return level, subject and silent points of the open lines."""
        watch_outages(self.session, START + timedelta(minutes=minute))
        rows = self.session.execute(
            text(
                "select level, subject, silent from outage where enterprise_id = :e and ended_at is null order by level, subject"
            ),
            {"e": self.own.id},
        )
        return [tuple(row) for row in rows]  # type: ignore[misc]

    def alarms(self, which: str = "true") -> list[tuple[int, bool]]:
        """Return kind and whether it is cleared of the alarms of communication."""
        rows = self.session.execute(
            text(
                "select kind, cleared_at is not null from alarm_now where enterprise_id = :e and kind in (20, 21)"
                f" and ({which}) order by alarm_id"
            ),
            {"e": self.own.id},
        )
        return [tuple(row) for row in rows]  # type: ignore[misc]

    def line(self, level: int) -> Any:
        """Return the newest line of a level."""
        return self.session.execute(
            text("select * from outage where enterprise_id = :e and level = :l order by id desc limit 1"),
            {"e": self.own.id, "l": level},
        ).one()


@pytest.fixture
def city(db: Session) -> Iterator[City]:
    """Give a city where everything reported at minute 0."""
    yield make_city(db)


def make_city(db: Session) -> City:
    """Make an enterprise with devices behind two gateways."""
    own = make_enterprise(db)
    points = [make_point(db, own) for _ in range(8)]
    rows: list[dict[str, Any]] = [{"type": "DEV", "src_code": f"G{n}", "kind": 20} for n in range(2)]
    rows += [
        {
            "type": "DEV", "src_code": f"D{n}", "kind": 1, "gateway": f"G{n // 2}",
            "points": [each.src_code for each in points[2 * n : 2 * n + 2]],
        }
        for n in range(4)
    ]  # fmt: skip
    store_network(db, own.id, [judge_row(row, 0, "NET") for row in rows], 1)
    made = City(db, own, points)
    made.send(0, *range(8))
    return made


ALL = tuple(range(8))


@pytest.mark.clause("7.2.3.1-t_1")
def test_a_silent_point_is_one_line_then_one_alarm(city: City) -> None:
    for minute in range(5, 30, 5):
        city.send(minute, *ALL[1:])
    assert city.look(14) == []
    assert city.look(15.5) == [(1, city.points[0].src_code, 1)]
    assert city.alarms() == []
    city.look(20.5)
    city.look(21)
    assert city.alarms() == [(21, False)]


def test_a_silent_device_is_one_line(city: City) -> None:
    for minute in range(5, 25, 5):
        city.send(minute, *ALL[2:])
    assert city.look(16) == [(2, "D0", 2)]


@pytest.mark.clause("7.2.2.3-e")
def test_a_silent_gateway_is_one_line_and_one_alarm(city: City) -> None:
    for minute in range(5, 30, 5):
        city.send(minute, *ALL[4:])
    assert city.look(16) == [(3, "G0", 4)]
    assert city.look(25) == [(3, "G0", 4)]
    assert city.alarms() == [(20, False)]
    line = city.line(3)
    assert (line.noticed_at - line.began_at).total_seconds() <= 2 * line.limit_s


@pytest.mark.clause("7.2.3.1-t_1")
def test_a_silent_enterprise_is_one_line_and_one_alarm_instead_of_many(city: City) -> None:
    assert city.look(9) == []
    assert city.look(10.5) == [(4, city.own.short_name, 8)]
    for minute in range(11, 60):
        city.look(minute)
    assert city.alarms() == [(20, False)]


def test_a_point_that_fell_silent_first_becomes_part_of_the_enterprise(city: City) -> None:
    for minute in range(5, 25, 5):
        city.send(minute, *ALL[1:])
    city.look(20.5)
    assert city.look(31) == [(4, city.own.short_name, 8)]
    assert city.line(1).outcome == "merged"
    assert city.line(1).merged_id == city.line(4).id
    assert city.alarms("cleared_at is null or acknowledged_at is null") == [(20, False)]


def test_data_that_come_back_end_line_and_alarm(city: City) -> None:
    city.look(11)
    city.send(20, *ALL)
    assert city.look(20.5) == []
    assert city.alarms() == [(20, True)]
    line = city.line(4)
    assert (line.outcome, line.ended_at) == ("recovered", START + timedelta(minutes=20))
    assert (line.lost, line.filled) == (8 * 3, 0)


def test_the_rest_is_waited_for_when_the_first_comes_back(city: City) -> None:
    city.look(11)
    city.send(30, 0, 1)
    assert city.look(31) == [(4, city.own.short_name, 6)]
    city.send(33, *ALL[2:])
    assert city.look(34) == []
    assert city.alarms() == [(20, True)]


def test_an_outage_breaks_up_when_only_a_part_comes_back(city: City) -> None:
    city.look(11)
    for minute in range(30, 60, 5):
        city.send(minute, *ALL[:4])
        found = city.look(minute + 1)
    assert found == [(3, "G1", 4)]
    assert city.line(4).outcome == "split"
    assert city.alarms("cleared_at is null") == [(20, False)]


@pytest.mark.clause("7.2.3.1-t_2")
def test_data_filled_in_later_shrink_the_loss(city: City) -> None:
    city.look(11)
    city.send(25, *ALL)
    city.look(26)
    assert city.line(4).filled_at is None
    for minute in range(5, 25, 5):
        city.send(30, *ALL, source_minute=minute, flag="B")
    city.look(31)
    line = city.line(4)
    assert line.filled_at is not None
    assert (line.lost, line.filled) == (32, 32)


def test_a_wrong_clock_is_told_as_a_clock_and_not_as_silence(city: City) -> None:
    for minute in range(25, 45, 5):
        city.send(minute, *ALL, source_minute=minute - 20)
        found = city.look(minute + 0.5)
    assert found == [(5, city.own.short_name, 8)]
    assert city.line(5).skew_s == -1200
    assert city.alarms() == [(21, False)]
    city.send(46, *ALL)
    assert city.look(46.5) == []
    assert city.alarms() == [(21, True)]


def test_a_device_under_maintenance_is_not_missed(city: City) -> None:
    store_network(city.session, city.own.id, [judge_row({"type": "DEV", "src_code": "D0", "kind": 1, "status": 5}, 0, "NET")], 2)
    for minute in range(5, 25, 5):
        city.send(minute, *ALL[2:])
    assert city.look(21) == []


def test_three_lookers_at_once_raise_one_alarm(settings: Settings, committed: Callable[..., object]) -> None:
    number = committed(lambda session: make_city(session).own.id)
    now: datetime = START + timedelta(minutes=11)

    def look(_: int) -> None:
        with transaction(settings, CITY, worker=True) as session:
            watch_outages(session, now)

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(look, range(6)))
    with transaction(settings, CITY, worker=True) as session:
        lines = session.execute(
            text("select count(*), count(alarm_id) from outage where enterprise_id = :e"), {"e": number}
        ).one()
        alarms = session.scalar(text("select count(*) from alarm where enterprise_id = :e and kind in (20, 21)"), {"e": number})
    assert (tuple(lines), alarms) == ((1, 1), 1)
