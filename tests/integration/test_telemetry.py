"""Readings over years: packing gives back what was sent, late rows change what depends on them, nothing young is retired."""

from __future__ import annotations

import math
import random
import threading
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from click.testing import CliRunner
from flask import Flask
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from portal.config import Settings
from portal.core.actor import CITY, Actor, Scope
from portal.core.clock import utc_now
from portal.core.db import hand_over_scope, transaction
from portal.core.errors import Invalid
from portal.flows.alarm_intake import take_in_readings
from portal.operation.telemetry import rollup
from portal.operation.telemetry.commands import telemetry
from portal.operation.telemetry.conflict_queries import second_values_of_receipt
from portal.operation.telemetry.models import Point
from portal.operation.telemetry.packing import days_to_pack, known_in_packed, pack_due
from portal.operation.telemetry.queries import latest_of, series_of
from portal.operation.telemetry.retention import retirable_days, retire_due
from portal.operation.telemetry.rollup import roll_up, roll_up_span
from portal.operation.telemetry.series import figures_of
from portal.operation.telemetry.services import store_readings
from tests.factories import make_enterprise, make_point
from tests.people import browser_of, make_person
from tests.readings import BACK_FILLED, REVISED, TODAY, block_of, ms_of, pack, roll_all, rows_of, store


@pytest.fixture
def point(db: Session) -> Point:
    """Give a pressure point with a period of a minute."""
    return make_point(db, make_enterprise(db), period_s=60)


def awkward(kind: str, size: int) -> list[float]:
    """Return values that are hard to pack."""
    pick = random.Random(kind)
    made = {
        "two decimals": lambda n: round(300 + 20 * math.sin(n / 90), 2),
        "meter": lambda n: round(123_456_789 + n * 1.234, 3),
        "single precision": lambda n: float(np.float32(pick.random() * 100)),
        "double precision": lambda n: pick.random() * 10 ** pick.randint(-20, 20),
        "always the same": lambda n: 5.0,
        "minus zero": lambda n: -0.0 if n % 3 else 0.5,
        "huge whole": lambda n: 9e14 + n,
        "negative": lambda n: round(n * 0.1 - 70, 1),
        "one jump": lambda n: 1e9 if n == 7 else 0.001,
        "not a number": lambda n: math.nan if n == 5 else math.inf if n == 6 else 1.5,
    }[kind]
    return [made(n) for n in range(size)]


@pytest.mark.clause("7.2.5.3-b")
@pytest.mark.parametrize(
    "kind",
    ["two decimals", "meter", "single precision", "double precision", "always the same", "minus zero", "huge whole",
     "negative", "one jump", "not a number"],
)
@pytest.mark.parametrize("rhythm", ["each minute", "jitter", "gaps", "one reading"])
def test_a_packed_day_gives_back_exactly_what_was_sent(db: Session, point: Point, kind: str, rhythm: str) -> None:
    day, pick = TODAY - timedelta(days=40), random.Random(rhythm)
    ts = [ms_of(day, n) + (pick.randint(0, 20_000) if rhythm == "jitter" else 0) for n in range(1440)]
    if rhythm == "gaps":
        ts = [each for n, each in enumerate(ts) if n % 7 and not 200 < n < 500]
    ts = ts[:1] if rhythm == "one reading" else ts
    block = block_of(point, ts, awkward(kind, len(ts)))
    quality = np.where(np.arange(len(ts)) % 100 == 50, 84, 192).astype(np.int16)
    store_readings(db, replace(block, quality=quality, known_delay_s=np.arange(len(ts), dtype=np.int32) % 90))
    before = rows_of(db, point, "reading")
    assert pack(db, day) == len(before) == len(ts)
    assert rows_of(db, point) == rows_of(db, point, "reading_seen") == before
    assert rows_of(db, point, "reading") == []


def test_ordinary_readings_take_less_than_twelve_bytes(db: Session) -> None:
    day, enterprise = TODAY - timedelta(days=41), make_enterprise(db)
    points = [make_point(db, enterprise, period_s=60) for _ in range(20)]
    pick = random.Random(1)
    for begin in range(0, 1440, 5):  # each five minutes another receipt
        blocks = [
            block_of(
                each, [ms_of(day, n) + pick.randint(0, 3000) for n in range(begin, begin + 5)],
                [round(300 + pick.gauss(0, 3), 2) for _ in range(5)], receipt=5000 + begin,
            )
            for each in points
        ]
        columns = {
            name: np.concatenate([getattr(each, name) for each in blocks])
            for name in ("point_id", "ts_ms", "value", "quality", "flag")
        }
        store_readings(db, replace(blocks[0], **columns))
    rows = pack(db, day)
    held = db.scalar(text("select sum(pg_column_size(p.*)) from reading_packed p where day = :d"), {"d": day})
    assert rows == 28_800 and held / rows < 12


def test_a_day_that_packs_differently_stays_as_it_is(owner: Session, settings: Settings) -> None:
    day = TODAY - timedelta(days=42)
    hand_over_scope(owner, settings, CITY)
    each = make_point(owner, make_enterprise(owner))
    store(owner, each, day, [1, 2, 3], [1.0, 2.0, 3.0])
    roll_all(owner)
    source = owner.scalar(text("select pg_get_functiondef('guard.pack_rows(date, text)'::regprocedure)"))
    spoilt = str(source).replace("r0, case when r1", "r0 + 1, case when r1")
    assert spoilt != source
    owner.connection().exec_driver_sql(spoilt.replace("%", "%%"))
    with pytest.raises(DBAPIError, match="packed_differs"), owner.begin_nested():
        owner.execute(text("select pack_reading_day(:d)"), {"d": day})
    assert len(rows_of(owner, each, "reading")) == 3


@pytest.mark.parametrize(("days", "why"), [(2, "day_too_young"), (43, "rollups_due")])
def test_a_day_is_not_packed_too_early(db: Session, point: Point, days: int, why: str) -> None:
    day = TODAY - timedelta(days=days)
    store(db, point, day, [5], [2.0])
    with pytest.raises(DBAPIError, match=why):
        db.execute(text("select pack_reading_day(:d)"), {"d": day})


def test_the_job_packs_the_oldest_closed_day_and_leaves_the_young(db: Session, point: Point) -> None:
    old, young = TODAY - timedelta(days=44), TODAY - timedelta(days=5)
    for day in (old, young):
        store(db, point, day, [5], [2.0])
    roll_all(db)
    waiting = days_to_pack(db, TODAY - timedelta(days=7))
    assert old in waiting and young not in waiting
    for _ in waiting:
        pack_due(db, utc_now())
    assert not days_to_pack(db, TODAY - timedelta(days=7))
    assert [row[0].date() for row in rows_of(db, point, "reading")] == [young]


def test_late_rows_of_a_packed_day_are_known_or_added(db: Session, point: Point) -> None:
    day = TODAY - timedelta(days=45)
    store(db, point, day, [0, 10, 20], [1.0, 2.0, 3.0])
    pack(db, day)
    late = block_of(point, [ms_of(day, each) for each in (10, 15, 20, 70)], [2.0, 9.0, 3.0, 4.0], receipt=2)
    assert known_in_packed(db, late)[0].tolist() == [True, False, True, False]
    stored = store_readings(db, late)
    assert (stored.new.value.tolist(), stored.duplicate) == ([9.0, 4.0], 2)
    roll_all(db)
    hours = db.execute(text("select readings, high, last from reading_hour where point_id = :p order by hour"), {"p": point.id})
    assert [tuple(row) for row in hours] == [(4, 9.0, 3.0), (1, 4.0, 4.0)]
    seen = rows_of(db, point)
    assert pack(db, day) == 2 and rows_of(db, point) == seen and len(seen) == 5
    kept = db.execute(text("select readings, points from packed_day where day = :d"), {"d": day}).one()
    assert tuple(kept) == (5, 1)


def test_packing_waits_for_a_late_row_that_is_being_stored(settings: Settings) -> None:
    day = TODAY - timedelta(days=46)
    with transaction(settings, CITY, worker=True) as session:
        each = make_point(session, make_enterprise(session))
        store(session, each, day, [1], [1.0])
    with transaction(settings, CITY, worker=True) as session:
        roll_all(session)
    said: list[str] = []

    def pack_now() -> None:
        try:
            with transaction(settings, CITY, worker=True) as session:
                session.execute(text("select pack_reading_day(:d)"), {"d": day})
        except DBAPIError as refused:
            said.append(str(refused))

    with transaction(settings, CITY, worker=True) as session:
        store(session, each, day, [2], [2.0])
        packing = threading.Thread(target=pack_now)
        packing.start()
        packing.join(0.5)
        assert packing.is_alive()
    packing.join(10)
    assert len(said) == 1 and "rollups_due" in said[0]
    with transaction(settings, CITY, worker=True) as session:
        assert pack(session, day) == 2


@pytest.mark.parametrize("packed", [False, True])
def test_a_differing_second_value_is_kept_beside_the_first(db: Session, point: Point, packed: bool) -> None:
    day = TODAY - timedelta(days=47)
    store(db, point, day, [0, 1], [1.0, 2.0], receipt=11)
    if packed:
        pack(db, day)
    for receipt in (12, 13):
        stored = store(db, point, day, [0, 1], [1.0, 2.5], receipt=receipt)
        assert (stored.new.rows, stored.duplicate) == (0, 2)
    assert [row[1] for row in rows_of(db, point)] == ["1.0", "2.0"]
    kept = db.execute(
        text(
            "select kind, first_value, first_receipt_id, second_value, second_receipt_id from reading_conflict where point_id = :p"
        ),
        {"p": point.id},
    ).all()
    assert [tuple(row) for row in kept] == [("refused", 2.0, 11, 2.5, 12)]


@pytest.mark.parametrize("packed", [False, True])
def test_a_revision_replaces_the_value_and_the_old_one_is_kept(db: Session, point: Point, packed: bool) -> None:
    day = TODAY - timedelta(days=48)
    store(db, point, day, [0, 1, 70], [1.0, 2.0, 3.0], receipt=21)
    if packed:
        pack(db, day)
    stored = store(db, point, day, [1, 70], [2.5, 3.5], receipt=22, flag=REVISED)
    assert stored.new.value.tolist() == [2.5, 3.5]
    assert [(row[1], row[3], row[4]) for row in rows_of(db, point)] == [("1.0", 0, 21), ("2.5", 4, 22), ("3.5", 4, 22)]
    old = db.execute(
        text("select kind, first_value, second_receipt_id from reading_conflict where point_id = :p order by ts"), {"p": point.id}
    )
    assert [tuple(row) for row in old] == [("revised", 2.0, 22), ("revised", 3.0, 22)]
    assert db.scalar(text("select value from latest where point_id = :p"), {"p": point.id}) == 3.5
    roll_all(db)
    assert db.scalar(text("select max(high) from reading_hour where point_id = :p"), {"p": point.id}) == 3.5
    assert pack(db, day) == 3
    if packed:
        tuple_ = db.execute(text("select readings, points from packed_day where day = :d"), {"d": day}).one()
        assert tuple(tuple_) == (3, 1)


def test_second_values_can_be_neither_changed_nor_removed(owner: Session) -> None:
    for verb in ("delete from reading_conflict", "truncate reading_conflict"):
        with pytest.raises(DBAPIError, match="never changed or removed"), owner.begin_nested():
            owner.execute(text("set local session_replication_role = replica"))
            owner.execute(
                text(
                    "insert into reading_conflict (enterprise_id, point_id, ts, kind, first_quality, first_flag, first_receipt_id,"
                    " second_quality, second_flag, second_receipt_id) values (1, 1, now(), 'refused', 0, 0, 0, 0, 0, 0)"
                )
            )
            owner.execute(text(verb))


def old_day(session: Session, years: float) -> tuple[Point, date]:
    """Store and roll up a few readings of long ago."""
    day = TODAY - timedelta(days=round(years * 365.25))
    each = make_point(session, make_enterprise(session))
    store(session, each, day, [1, 2, 3], [1.0, 2.0, 3.0])
    roll_all(session)
    return each, day


@pytest.mark.clause("9.2.3.6")
def test_only_readings_beyond_the_years_kept_are_retired_and_audited(db: Session) -> None:
    young, _ = old_day(db, 6.5)
    old, day = old_day(db, 8)
    packed, packed_day = old_day(db, 8.1)
    pack(db, packed_day)
    assert {each.day for each in retirable_days(db)} == {day, packed_day}
    assert retire_due(db, utc_now()) == "2 days, 6 readings retired"
    assert not rows_of(db, old) and not rows_of(db, packed) and len(rows_of(db, young)) == 3
    hours = db.scalar(text("select sum(readings) from reading_hour where point_id in (:a, :b)"), {"a": old.id, "b": packed.id})
    assert hours == 6
    acts = db.scalars(text("select object_id from audit_entry where action = 'readings.retire'")).all()
    assert {str(day), str(packed_day)} <= set(acts)


def test_readings_of_a_retired_day_do_not_come_back(db: Session) -> None:
    old, day = old_day(db, 8)
    retire_due(db, utc_now())
    for flag in (BACK_FILLED, REVISED):
        block = block_of(old, [ms_of(day, 1), ms_of(day, 9)], [1.0, 9.0])
        done = store_readings(db, replace(block, flag=np.full(2, flag, np.int16)))
        assert (done.new.rows, done.duplicate) == (0, 2)
    assert not rows_of(db, old)
    assert db.scalar(text("select to_regclass('public.' || reading_part(:d))"), {"d": day}) is None


@pytest.mark.clause("9.2.3.6")
@pytest.mark.parametrize(("years", "keep"), [(4.9, 1), (4.9, 5), (6, 7), (6, 4), (0.1, 0)])
def test_the_database_refuses_to_retire_what_is_younger_than_five_years(db: Session, years: float, keep: int) -> None:
    _, day = old_day(db, years)
    with pytest.raises(DBAPIError, match="too_young"):
        db.execute(text("select retire_reading_day(:d, :k, 'job', 'somebody')"), {"d": day, "k": keep})


def test_a_day_without_complete_rollups_is_not_retired(db: Session) -> None:
    each, day = old_day(db, 8)
    store(db, each, day, [4], [4.0])
    assert [found.obstacle for found in retirable_days(db) if found.day == day] == ["rollups_due"]
    roll_all(db)
    db.execute(text("update reading_hour set readings = readings - 1 where point_id = :p"), {"p": each.id})
    assert [found.obstacle for found in retirable_days(db) if found.day == day] == ["rollups_differ"]
    with pytest.raises(DBAPIError, match="rollups_differ"):
        db.execute(text("select retire_reading_day(:d, 7, 'job', 'somebody')"), {"d": day})


@pytest.mark.parametrize("verb", ["drop table reading_20010101", "truncate reading", "delete from reading", "delete from reading_packed"])
def test_the_worker_cannot_remove_readings_past_the_function(db: Session, verb: str) -> None:
    db.execute(text("select ensure_reading_day('2001-01-01')"))
    with pytest.raises(DBAPIError, match="permission denied|must be owner"):
        db.execute(text(verb))


def test_the_command_line_names_what_would_go_and_proves_a_packed_day_intact(
    settings: Settings, database: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with transaction(settings, CITY, worker=True) as session:
        each, day = old_day(session, 9)
    for name, value in database.items():
        monkeypatch.setenv(name, value)
    said = CliRunner().invoke(telemetry, ["retire", "--dry-run"])
    assert said.exit_code == 0 and f"{day}             3  may go" in said.output
    with transaction(settings, CITY, worker=True) as session:
        assert len(rows_of(session, each)) == 3
        assert pack(session, day) == 3
    assert "intact: 3 readings" in CliRunner().invoke(telemetry, ["verify", str(day)]).output
    engine = create_engine(database["PORTAL_OWNER_DATABASE_URL"])
    for change, code in ((1, 1), (-1, 0)):  # somebody with the superuser's password, and back
        with engine.begin() as link:
            link.execute(text("update reading_packed set base = base + :c where day = :d"), {"c": change, "d": day})
        assert CliRunner().invoke(telemetry, ["verify", str(day)]).exit_code == code
    engine.dispose()
    assert "2 days" not in CliRunner().invoke(telemetry, ["retire"]).output
    with transaction(settings, CITY, worker=True) as session:
        assert not rows_of(session, each)


@pytest.mark.clause("7.2.3.1-t_2")
@pytest.mark.parametrize("packed", [False, True])
def test_a_back_filled_day_changes_trend_daily_figures_and_historical_alarms(db: Session, point: Point, packed: bool) -> None:
    day = TODAY - timedelta(days=49)
    store(db, point, day, list(range(0, 1440, 60)), [2.0] * 24)
    roll_all(db)
    if packed:
        pack(db, day)
    begin = datetime(day.year, day.month, day.day, tzinfo=UTC)
    before = daily(db, point, day)
    assert before == [(0, 2.0, 2.0, 16), (8, 2.0, 2.0, 24)]
    minutes = [n for n in range(1440) if n % 60]
    values = [3.3 if 600 < n < 700 else 2.5 for n in minutes]
    stored = store(db, point, day, minutes, values, flag=BACK_FILLED, receipt=7)
    program = Actor(kind="program", id=None, name="p", scope=Scope(enterprise_ids=frozenset({point.enterprise_id})))
    take_in_readings(db, stored.new, now=utc_now(), actor=program)
    shown = series_of(db, CITY, point.id, begin, begin + timedelta(days=1))
    assert max(each for each in shown["hi"] if each) == 3.3 and len(shown["t"]) > 700
    waiting = figures_of(db, point, begin - timedelta(days=20), begin + timedelta(days=1))
    assert waiting.resolution == "hour" and sum(row.readings for row in waiting.rows) == 1440
    roll_all(db)
    after = daily(db, point, day)
    assert after[1][1] == 3.3 and after[1][3] == 1440
    assert after[1][2] == pytest.approx((24 * 2.0 + sum(values)) / 1440)
    flags = db.scalar(text("select count(*) from reading_all where point_id = :p and flag = 1"), {"p": point.id})
    assert flags == 1416
    alarms = db.execute(text("select historical from alarm_now where point_id = :p"), {"p": point.id}).scalars().all()
    assert alarms == [True]


@pytest.mark.clause("7.2.5.2-y")
def test_minutes_of_a_packed_day_are_the_minutes_of_its_readings(db: Session, point: Point) -> None:
    day = TODAY - timedelta(days=49)
    seconds = np.arange(0, 86_400, 20)
    begin = datetime(day.year, day.month, day.day, tzinfo=UTC)
    at = (int(begin.timestamp()) + seconds) * 1000
    store_readings(db, block_of(point, at.tolist(), (seconds % 700 / 100).tolist()))
    span = begin - timedelta(days=9), begin + timedelta(days=2)
    loose = figures_of(db, point, *span, resolution="minute")
    roll_all(db)
    pack(db, day)
    packed = figures_of(db, point, *span, resolution="minute")
    assert packed == loose and (packed.resolution, packed.step_s, len(packed.rows)) == ("minute", 60, 1440)
    first = packed.rows[0]
    assert (first.low, first.high, first.last, first.readings, first.good_ratio) == (0.0, 0.4, 0.4, 3, 1.0)
    assert figures_of(db, point, *span, resolution="hour").rows[0].readings == 180
    shown = series_of(db, CITY, point.id, *span, resolution="minute")
    assert (shown["last"][0], shown["n"][0], shown["good"][0]) == (0.4, 3, 1.0)
    for wrong in (timedelta(days=36), timedelta(0)):
        with pytest.raises(Invalid):
            figures_of(db, point, span[0], span[0] + wrong, resolution="minute")


def daily(session: Session, point: Point, day: date) -> list[tuple[int, float, float, int]]:
    """Return the daily figures of a date, by calendar day and by gas day."""
    rows = session.execute(
        text("select starts_at_h, high, mean, readings from reading_day where point_id = :p and day = :d order by 1"),
        {"p": point.id, "d": day},
    )
    return [tuple(row) for row in rows]  # type: ignore[misc]


@pytest.mark.clause("7.2.5.2-y")
def test_five_years_are_read_from_days_and_agree_with_the_readings(db: Session, point: Point) -> None:
    sent = {TODAY - timedelta(days=each): float(each % 7) + 1 for each in (0, 1, 2, 900, 1800)}
    for day, value in sent.items():
        minute = 0 if day == TODAY else 300
        store(db, point, day, [minute], [value])
    roll_all(db)
    now = utc_now()
    series = figures_of(db, point, now - timedelta(days=1826), now)
    assert (series.resolution, series.step_s) == ("day", 3 * 86_400)
    assert sum(row.readings for row in series.rows) == 5
    assert {row.high for row in series.rows} | {row.low for row in series.rows} == set(sent.values())
    last = max(sent)
    assert series.rows[-1].last == sent[last]


def test_the_present_hour_does_not_wait_for_its_roll_up(db: Session, point: Point) -> None:
    now = utc_now()
    at = round(now.timestamp() * 1000) - 1000
    for value in (1.0, 2.0):
        store_readings(db, block_of(point, [at + round(value)], [value]))
    month = figures_of(db, point, now - timedelta(days=30), now)
    assert (month.resolution, month.rows[-1].high, month.rows[-1].readings) == ("hour", 2.0, 2)
    years = figures_of(db, point, now - timedelta(days=1000), now)
    assert (years.resolution, years.rows[-1].last, years.rows[-1].good_ratio) == ("day", 2.0, 1.0)
    newest = latest_of(db, CITY)
    assert newest.value[newest.point_id == point.id].tolist() == [2.0]
    assert newest.ts_ms[newest.point_id == point.id].tolist() == [at + 2]
    assert latest_of(db, Scope(enterprise_ids=frozenset({0}))).value.size == 0


def test_a_reading_that_comes_while_its_hour_is_made_waits_for_nothing_and_is_not_forgotten(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    day = TODAY - timedelta(days=50)
    with transaction(settings, CITY, worker=True) as session:
        each = make_point(session, make_enterprise(session))
        store(session, each, day, [1], [1.0])

    def made_then_pushed(session: Session, begin: datetime, end: datetime) -> int:
        rows = roll_up_span(session, begin, end)
        with transaction(settings, CITY, worker=True) as pushing:
            pushing.execute(text("set local lock_timeout = '1s'"))
            store(pushing, each, day, [2], [2.0])
        return rows

    monkeypatch.setattr(rollup, "roll_up_span", made_then_pushed)
    with transaction(settings, CITY, worker=True) as running:
        roll_up(running, utc_now() + timedelta(minutes=5))
    monkeypatch.undo()
    with transaction(settings, CITY, worker=True) as session:
        roll_all(session)
        assert session.scalar(text("select readings from reading_hour where point_id = :p"), {"p": each.id}) == 2


def test_second_values_stand_on_the_page_of_the_point(app: Flask, settings: Settings) -> None:
    day = TODAY - timedelta(days=53)
    with transaction(settings, CITY, worker=True) as session:
        ours, theirs = make_enterprise(session), make_enterprise(session)
        each, other = make_point(session, ours), make_point(session, theirs)
        for receipt, value in ((31, 2.25), (32, 2.75)):
            store(session, each, day, [1], [value], receipt=receipt)
            store(session, other, day, [1], [value], receipt=receipt)
        found = second_values_of_receipt(session, Scope(enterprise_ids=frozenset({ours.id})), 32)
        assert [(one.point.id, one.fact.second_value) for one in found] == [(each.id, 2.75)]
        browser = browser_of(session, app, make_person(session, app))
    page = browser.get(f"/operation/points/{each.id}?span=5y").get_data(as_text=True)
    assert "重复上传值" in page and "2.25" in page and "2.75" in page and "/intake/receipts/32" in page
