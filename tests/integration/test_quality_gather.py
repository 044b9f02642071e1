"""What the rules gather from stored networks, stations, raw readings and batches, and what they find there."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, insert, text
from sqlalchemy.orm import Session

from gis.crs import STORAGE_SRID
from gis.network.models import Regulator
from ingestion_adapters.models import IntakeHour, Receipt, Rejection
from ingestion_adapters.quality.engine import judge_day
from ingestion_adapters.quality.models import FeedSilence, FeedState, QualityResult
from ingestion_adapters.quality.ruleset import install_rules
from portal.accounts.models import Enterprise
from portal.core.clock import day_bounds
from portal.operation.telemetry.models import Point, Reading
from portal.supply.models import DailySupply
from tests.factories import make_enterprise, make_node, make_pipe, make_point, make_station, place
from tests.integration.test_quality import DAY, HOUR, NOW, finding, hours

BEFORE = DAY - timedelta(days=1)


@pytest.fixture
def own(db: Session) -> Enterprise:
    """Give an enterprise, with the rules in force."""
    install_rules(db, NOW)
    return make_enterprise(db)


def result(session: Session, own: Enterprise, code: str, dataset: str = "RT", day: date = DAY) -> QualityResult:
    session.expire_all()
    return session.get_one(QualityResult, (own.id, day, code, dataset))


def gauge(session: Session, own: Enterprise, kind: str, number: int, value: float, **more: Any) -> Point:
    """Add a pressure gauge on an object, with two days of values about a mean."""
    point = make_point(session, own, object_type=kind, object_id=number, **more)
    for day in (BEFORE, DAY):
        hours(session, point, day)
    begin = day_bounds(BEFORE)[0]
    session.execute(
        text("update reading_hour set mean = :v + (extract(hour from hour) - 12) / 1e5, low = :v, high = :v + 0.01 where point_id = :p"),
        {"v": value, "p": point.id, "begin": begin},
    )
    return point


def regulated(session: Session, own: Enterprise) -> tuple[int, int]:
    """Add a regulator between an inlet and a low-pressure pipe; return its number and the pipe's far node."""
    inlet, outlet, end = (make_node(session, own, lon=112.5 + n / 1000) for n in range(3))
    make_pipe(session, own, from_node_id=outlet.id, to_node_id=end.id, pressure_class=7)
    made = Regulator(
        enterprise_id=own.id, src_code=f"R{inlet.id}", adcode="990101", node_id=inlet.id, outlet_node_id=outlet.id,
        form=3, inlet_class=5, outlet_class=7, geom=place(),
    )  # fmt: skip
    session.add(made)
    session.flush()
    return made.id, end.id


def test_a_gauge_above_the_regulator_that_feeds_it_is_found(db: Session, own: Enterprise) -> None:
    regulator, end = regulated(db, own)
    gauge(db, own, "regulator", regulator, 0.35, unit="MPa")
    gauge(db, own, "regulator", regulator, 2.5)
    high = gauge(db, own, "node", end, 3.4)
    judge_day(db, DAY, NOW)
    found = finding(db, own, "PRESSURE-ORDER")
    assert found.object_id == high.id and found.figures["upstream_kpa"] == pytest.approx(2.5, abs=0.01)
    assert result(db, own, "PRESSURE-ORDER").checked == 1


def test_near_gauges_of_one_zone_that_disagree_are_found_of_two_zones_not(db: Session, own: Enterprise) -> None:
    regulator, end = regulated(db, own)
    gauge(db, own, "regulator", regulator, 0.35, unit="MPa")
    gauge(db, own, "regulator", regulator, 2.5)
    low = gauge(db, own, "node", end, 1.2)
    judge_day(db, DAY, NOW)
    found = {each["id"] for each in result(db, own, "NEIGHBOURS").worst}
    assert low.id in found and result(db, own, "NEIGHBOURS").checked == 2


@pytest.mark.parametrize(("reported", "wrong"), [(2_400.0, False), (3_000.0, True)])
def test_stations_flow_is_held_against_the_daily_report(db: Session, own: Enterprise, reported: float, wrong: bool) -> None:
    station = make_station(db, own)
    meter = make_point(db, own, object_type="station", object_id=station.id, measure=2, unit="m³/h")
    for day in (BEFORE, DAY, DAY + timedelta(days=1)):
        hours(db, meter, day, value=100.0)
    db.add(DailySupply(enterprise_id=own.id, gas_day=DAY, purchased_m3=reported, sold_m3=reported * 0.97, receipt_id=1))
    db.flush()
    judge_day(db, DAY, NOW + timedelta(days=1))
    assert bool(finding(db, own, "BALANCE")) is wrong
    assert finding(db, own, "SOLD-OF-BOUGHT") is None


def test_a_falling_meter_is_found(db: Session, own: Enterprise) -> None:
    meter = make_point(db, own, measure=12, unit="m³")
    hours(db, meter, DAY, value=5_000.0)
    at = day_bounds(DAY)[0] + 10 * HOUR
    db.execute(text("update reading_hour set last = 4000 where point_id = :p and hour >= :at"), {"p": meter.id, "at": at})
    judge_day(db, DAY, NOW)
    assert finding(db, own, "METER-RISES").figures == {"falls": 1, "largest_m3": 1000.0}


def raw(session: Session, point: Point, values: list[float], delay_s: int) -> None:
    """Write a day of single readings."""
    begin = day_bounds(DAY)[0]
    for day in (BEFORE, DAY):
        session.execute(text("select ensure_reading_day(:day)"), {"day": day})
    step = timedelta(days=1) / len(values)
    session.execute(
        insert(Reading),
        [
            {"ts": begin + step * n, "value": value, "point_id": point.id, "receipt_id": 1, "delay_s": delay_s}
            for n, value in enumerate(values)
        ],
    )


@pytest.mark.clause("7.1-7e_2")
def test_typed_in_digits_and_a_wrong_clock_are_found_in_the_readings(db: Session, own: Enterprise) -> None:
    honest = make_enterprise(db)
    typed, good = make_point(db, own), make_point(db, honest)
    raw(db, typed, [2.0 + (n * 131 % 700) // 10 / 1000 + 0.0003 for n in range(288)], delay_s=-90)
    raw(db, good, [2.0 + (n * 131 % 6997) / 10_000 for n in range(288)], delay_s=3)
    for point in (typed, good):
        hours(db, point, DAY)
    judge_day(db, DAY, NOW)
    assert finding(db, own, "LAST-DIGIT").object_id == typed.id and finding(db, honest, "LAST-DIGIT") is None
    assert finding(db, own, "CLOCK").figures["quickest_delay_s"] == -90 and finding(db, honest, "CLOCK") is None


def batch(session: Session, own: Enterprise, at: datetime, **given: Any) -> int:
    values = {"dataset": "USR", "door": "http", "status": "taken", "body_sm3": "0" * 64, "body_bytes": 1}
    counts = {"rows": 10, "accepted": 10}
    row = Receipt(enterprise_id=own.id, batch_id=f"b{at}", duplicate=0, received_at=at, **{"rejected": 0, **values, **counts, **given})
    session.add(row)
    session.flush()
    return row.id


@pytest.mark.clause("7.2.6.1-e_3")
def test_refused_rows_lower_accuracy_foreign_codes_exchangeability(db: Session, own: Enterprise) -> None:
    at = day_bounds(DAY)[0] + HOUR
    number = batch(db, own, at, accepted=6, rejected=4)
    batch(db, own, at + HOUR, status="refused", code="E_SCHEMA", rows=0, accepted=0)
    for row, code in enumerate(("E_DICT", "E_SCHEMA", "E_RANGE", "E_RANGE")):
        db.add(Rejection(receipt_id=number, enterprise_id=own.id, row=row, code=code, message_zh="错", message_en="wrong"))
    db.add(IntakeHour(enterprise_id=own.id, dataset="USR", hour=at, batches=1, rows=10, accepted=6, rejected=4, late=5, last_at=at))
    db.flush()
    judge_day(db, DAY, NOW)
    got = {code: result(db, own, code, "USR").failed for code in ("ROWS-TAKEN", "CONTRACT", "BATCHES-TAKEN", "ROWS-IN-LIMIT")}
    assert got == {"ROWS-TAKEN": 4, "CONTRACT": 2, "BATCHES-TAKEN": 1, "ROWS-IN-LIMIT": 5}


def test_a_feeds_silence_counts_against_its_day(db: Session, own: Enterprise) -> None:
    begin = day_bounds(DAY)[0]
    db.add(FeedState(enterprise_id=own.id, dataset="RT", interval_s=300, state="running", since=begin, last_at=NOW, checked_at=NOW))
    db.add(
        FeedSilence(
            enterprise_id=own.id, dataset="RT", interval_s=300,
            began_at=begin + HOUR, noticed_at=begin + 2 * HOUR, ended_at=begin + 7 * HOUR,
        )
    )  # fmt: skip
    db.flush()
    judge_day(db, DAY, NOW)
    assert result(db, own, "FEED-ONLINE").failed == 6 * 3600
    assert finding(db, own, "FEED-ONLINE").object_key == "feed:RT"


def test_the_stored_network_is_judged_on_the_running_day(db: Session, own: Enterprise) -> None:
    good = make_pipe(db, own)
    bad = make_pipe(db, own, install_year=1890, design_p_mpa=0.4, mop_mpa=0.6, from_node_id=good.to_node_id, pressure_class=7)
    line = func.ST_SetSRID(func.ST_MakeLine(func.ST_MakePoint(112.5, 32.0), func.ST_MakePoint(112.501, 32.0)), STORAGE_SRID)
    bad.geom = line
    db.flush()
    today = DAY + timedelta(days=1)
    judge_day(db, today, NOW)
    for code in ("NET-R3", "NET-R4", "NET-R18"):
        assert finding(db, own, code).object_id == bad.id, code
    assert finding(db, own, "NET-R15").object_id == good.to_node_id
    judge_day(db, DAY, NOW)
    assert db.get(QualityResult, (own.id, DAY, "NET-R3", "NET")) is None
