"""Meters at ten million: numbers in blocks, codes in a file, readings as array rows, packed and retired."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as setting
from hypothesis import strategies as some
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from ingestion_adapters.contract import Meter
from ingestion_adapters.store_network import store_network
from ingestion_adapters.store_readings import RawReadings, take_readings
from portal.accounts.models import Enterprise
from portal.config import Settings
from portal.core.actor import CITY, Scope, cli_actor
from portal.core.clock import utc_now
from portal.core.db import SETTINGS, hand_over_scope, transaction
from portal.operation.meters import numbers, queries
from portal.operation.meters.numbers import index_codes, make_code_file, numbers_of
from portal.operation.meters.packing import pack_meters, retire_meters
from portal.operation.meters.queries import MeterFilter, latest_counters, meters_page, place_of, readings_back
from tests.factories import make_enterprise

Reading = tuple[str, datetime, float]


def register(session: Session, own: Enterprise, codes: list[str], **more: float) -> None:
    """Register meters as NET does."""
    store_network(session, own.id, [Meter(src_code=code, kind=4, qmax_m3_per_h=more.get("qmax", 4.0)) for code in codes], 1)


def count(session: Session, own: Enterprise, rows: list[Reading], receipt: int = 1, quality: int = 192) -> tuple[int, int, int]:
    """Send counters in one batch; return how many were taken, known and refused."""
    codes = [code for code, _, _ in rows]
    raw = RawReadings(
        codes, np.arange(len(rows)), np.array([round(at.timestamp() * 1000) for _, at, _ in rows]),
        np.array([value for _, _, value in rows], float), np.full(len(rows), quality), np.zeros(len(rows), np.int16),
        np.arange(len(rows)),
    )  # fmt: skip
    done = take_readings(session, own.id, raw, receipt, now=utc_now(), actor=cli_actor())
    return done.accepted, done.duplicate, sum(each.severity == "error" for each in done.rejections)


def number(session: Session, own: Enterprise, code: str) -> int:
    """Return the number of a meter."""
    return int(session.scalar(text("select id from gas_meter where enterprise_id = :e and src_code = :c"), {"e": own.id, "c": code}))


def stored(session: Session, own: Enterprise) -> list[tuple[int, datetime, float]]:
    """Return every reading that is stored of an enterprise's meters."""
    rows = session.execute(
        text(
            "select a.meter_id, a.ts, a.value from meter_reading_all a join gas_meter m on m.id = a.meter_id"
            " where m.enterprise_id = :e order by a.meter_id, a.ts"
        ),
        {"e": own.id},
    )
    return [(row.meter_id, row.ts, row.value) for row in rows]


@pytest.fixture
def filed(db: Session, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Session:
    """Give the session an installation's folder for files of codes, which are made for few meters already."""
    db.info[SETTINGS] = settings
    monkeypatch.setattr(numbers, "FILE_FROM", 3)
    monkeypatch.setattr(numbers, "MADE_ANEW_FROM", 3)
    return db


def file_of(settings: Settings, own: Enterprise) -> Path:
    """Return where the codes of an enterprise are filed."""
    return settings.data_dir / "meters" / f"codes-{own.id}.bin"


def test_meters_take_numbers_in_blocks_of_their_enterprise_and_keep_them(db: Session) -> None:
    one, other = make_enterprise(db), make_enterprise(db)
    for start in range(0, 90, 30):
        register(db, one, [f"A{n}" for n in range(start, start + 30)])
        register(db, other, [f"A{n}" for n in range(start, start + 30)])
    before = dict(db.execute(text("select src_code, id from gas_meter where enterprise_id = :e"), {"e": one.id}).all())
    register(db, one, [f"A{n}" for n in range(100)], qmax=6.0)
    after = dict(db.execute(text("select src_code, id from gas_meter where enterprise_id = :e"), {"e": one.id}).all())

    assert after.items() >= before.items() and len(after) == 100
    mixed = text("select id / 64 from gas_meter group by 1 having count(distinct enterprise_id) > 1")
    assert db.scalars(mixed).all() == []
    assert len({number // 64 for number in after.values()}) == 2
    assert set(db.scalars(text("select distinct qmax_m3_per_h from gas_meter where enterprise_id = :e"), {"e": one.id})) == {6.0}


@given(
    order=some.permutations(range(12)), again=some.lists(some.integers(0, 11), max_size=5), cut=some.integers(1, 12),
    whole=some.booleans(),
)  # fmt: skip
@setting(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_order_and_repetition_of_the_same_rows_gives_the_same_tables(
    db: Session, order: list[int], again: list[int], cut: int, whole: bool
) -> None:
    with db.begin_nested() as tried, pytest.MonkeyPatch.context() as patch:
        patch.setattr(queries, "WHOLE_FROM", 0 if whole else 100)
        own, now = make_enterprise(db), utc_now().replace(microsecond=0)
        register(db, own, ["M1", "M2", "M3"])
        rows = [(f"M{1 + n % 3}", now - timedelta(hours=11 * (n // 3), seconds=n % 2), 10.0 - n // 3) for n in range(12)]
        sent = [rows[n] for n in [*order, *again]]
        for start in range(0, len(sent), cut):
            count(db, own, sent[start : start + cut], receipt=1 + start)

        assert stored(db, own) == sorted((number(db, own, code), at, value) for code, at, value in rows)
        for code in ("M1", "M2", "M3"):
            newest = latest_counters(db, [number(db, own, code)])[number(db, own, code)]
            assert (newest.ts, newest.value) == max((at, value) for each, at, value in rows if each == code)
        tried.rollback()


def test_a_sweep_of_whole_blocks_takes_few_bytes_and_reads_back_whole(db: Session) -> None:
    own, at = make_enterprise(db), utc_now().replace(microsecond=0) - timedelta(hours=1)
    codes = [f"S{n:05}" for n in range(64 * 20)]
    register(db, own, codes)
    assert count(db, own, [(code, at, n / 100) for n, code in enumerate(codes)]) == (1280, 0, 0)

    assert {value for _, _, value in stored(db, own)} == {n / 100 for n in range(1280)}
    row = db.execute(
        text(
            "select count(*) as rows, sum(pg_column_size(b.*)) as bytes, count(places) as placed, count(at) as timed"
            " from meter_reading_block b join gas_meter m on m.id = b.block * 64 where m.enterprise_id = :e"
        ),
        {"e": own.id},
    ).one()
    assert (row.rows, row.placed, row.timed) == (20, 0, 0)
    assert row.bytes / 1280 < 12


def test_batches_of_any_size_and_quality_read_back_as_sent(db: Session) -> None:
    own, chance = make_enterprise(db), np.random.default_rng(7)
    codes = [f"R{n}" for n in range(300)]
    register(db, own, codes)
    now, known = utc_now().replace(microsecond=0), numbers_by(db, own)
    sent: dict[tuple[int, datetime], tuple[float, int, int]] = {}
    for batch in range(6):
        rows: list[Reading] = [
            (codes[n], now - timedelta(seconds=int(chance.integers(0, 400_000))), float(chance.normal(50, 20)))
            for n in chance.integers(0, 300, 200)
        ]
        count(db, own, rows, receipt=10 + batch, quality=(192, 216, 0)[batch % 3])
        for code, at, value in rows:
            sent.setdefault((known[code], at), (value, 10 + batch, (192, 216, 0)[batch % 3]))
    every = text("select meter_id, ts, value, receipt_id, quality from meter_reading_all where meter_id = any(:ids)")
    found = db.execute(every, {"ids": list(known.values())}).all()
    assert {(row.meter_id, row.ts): (row.value, row.receipt_id, row.quality) for row in found} == sent


def numbers_by(session: Session, own: Enterprise) -> dict[str, int]:
    """Return code -> number."""
    return dict(session.execute(text("select src_code, id from gas_meter where enterprise_id = :e"), {"e": own.id}).all())


def test_codes_are_found_in_the_file_as_in_the_registry(filed: Session, settings: Settings) -> None:
    own, other = make_enterprise(filed), make_enterprise(filed)
    codes = [f"C{n}" for n in range(5000)] + ["表甲-1", "表甲-2", "长" * 20, "x" * 61, " ", "C1\t"]
    register(filed, own, codes)
    register(filed, other, ["Z1", "C1"])
    while index_codes(filed, utc_now()):
        pass
    asked = [*reversed(codes), "Z1", "C1\0", "C", "", "C5000", "\0", "x" * 62, "x" * 300, "\ud800", *codes[:3]]

    known = numbers_by(filed, own)
    assert file_of(settings, own).exists() and not file_of(settings, other).exists()
    assert numbers_of(filed, own.id, asked).tolist() == [known.get(code, -1) for code in asked]
    assert numbers._file_of(filed, own.id).find(codes).tolist() == [known[code] for code in codes]  # type: ignore[union-attr]


def test_meters_registered_after_the_file_was_made_are_found(filed: Session, settings: Settings) -> None:
    own = make_enterprise(filed)
    register(filed, own, [f"C{n}" for n in range(100)])
    make_code_file(filed, own.id)
    register(filed, own, ["later"])
    known = numbers_by(filed, own)
    assert numbers_of(filed, own.id, ["later", "C99", "C1"]).tolist() == [known["later"], known["C99"], known["C1"]]
    assert file_of(settings, own).exists()  # its last block is asked of the registry, the others hold
    assert index_codes(filed, utc_now()) == ""


def test_a_file_of_another_registry_never_gives_a_wrong_meter(filed: Session, settings: Settings) -> None:
    own = make_enterprise(filed)
    codes = [f"C{n}" for n in range(200)]
    register(filed, own, codes)
    make_code_file(filed, own.id)
    before = numbers_by(filed, own)
    # As after a restore: the same numbers, given to other codes.
    filed.execute(text("update gas_meter set src_code = 'D' || src_code where enterprise_id = :e and src_code like 'C1%'"), {"e": own.id})
    known = numbers_by(filed, own)

    assert numbers_of(filed, own.id, [*codes, "DC1"]).tolist() == [known.get(code, -1) for code in [*codes, "DC1"]]
    assert known["DC1"] == before["C1"]
    assert not file_of(settings, own).exists()


def test_a_broken_file_is_passed_over(filed: Session, settings: Settings) -> None:
    own = make_enterprise(filed)
    register(filed, own, ["C1"])
    file_of(settings, own).parent.mkdir(exist_ok=True)
    file_of(settings, own).write_bytes(b"no file of ours" + bytes(5000))
    assert numbers_of(filed, own.id, ["C1"]).tolist() == [number(filed, own, "C1")]
    file_of(settings, own).write_bytes(b"")
    assert numbers_of(filed, own.id, ["C1"]).tolist() == [number(filed, own, "C1")]


def test_a_closed_day_is_packed_without_losing_a_reading(db: Session) -> None:
    own = make_enterprise(db)
    day = utc_now().replace(hour=1, minute=0, second=0, microsecond=0) - timedelta(days=12)
    codes = [f"P{n}" for n in range(130)]
    register(db, own, codes)
    for hour in range(5):
        rows = [(code, day + timedelta(hours=hour), float(n + hour)) for n, code in enumerate(codes)]
        count(db, own, rows[::2], receipt=20 + hour)
        count(db, own, rows[1::2], receipt=30 + hour, quality=216)
    every = text(
        "select meter_id, ts, value, receipt_id, quality, flag from meter_reading_all"
        f" where day = '{day.date()}' order by meter_id, ts"
    )
    before = db.execute(every).all()

    assert pack_meters(db, utc_now()) == f"{day.date()}: 650 readings packed"
    assert pack_meters(db, utc_now()) == "nothing to pack"
    assert db.execute(every).all() == before
    assert db.scalar(text(f"select count(*) from meter_reading_block where day = '{day.date()}'")) == 3
    assert count(db, own, [("P3", day, 1.0), ("P3", day + timedelta(minutes=1), 1.0)], receipt=40) == (1, 1, 0)
    assert pack_meters(db, utc_now()) == f"{day.date()}: 321 readings packed"
    assert len(readings_back(db, number(db, own, "P3"))) == 6


def test_a_young_day_is_not_packed(db: Session) -> None:
    with pytest.raises(DBAPIError, match="day_too_young"), db.begin_nested():
        db.execute(text("select pack_meter_day((now() at time zone 'UTC')::date - 2, 10)"))


@pytest.mark.clause("9.2.3.6")
def test_months_are_retired_by_policy_with_a_row_in_the_audit_and_never_younger_than_five_years(db: Session) -> None:
    own = make_enterprise(db)
    old = utc_now().replace(day=15, hour=0, minute=0, second=0, microsecond=0) - timedelta(days=5 * 366 + 62)
    register(db, own, ["M1"])
    count(db, own, [("M1", old, 1.0), ("M1", old + timedelta(days=90), 2.0)])
    db.execute(text("update parameter set value = 5 where key = 'telemetry.keep_years'"))

    assert retire_meters(db, utc_now()) == f"{old:%Y-%m}: 1 readings retired"
    assert retire_meters(db, utc_now()) == "nothing to retire"
    entry = db.execute(text("select actor_name, action, object_id from audit_entry order by id desc limit 1")).one()
    assert tuple(entry) == ("retire_meters", "readings.retire", f"{old:%Y-%m}")
    assert [value for _, _, value in stored(db, own)] == [2.0]
    assert count(db, own, [("M1", old, 1.0)]) == (0, 1, 0)  # known, and gone
    for month, years in ((old + timedelta(days=90), 5), (old, 4)):
        with pytest.raises(DBAPIError, match="too_young"), db.begin_nested():
            db.execute(text("select retire_meter_month(:m, :y, 'job', 'x')"), {"m": month.date(), "y": years})


def test_a_lowered_largest_flow_is_judged_by_from_then_on(db: Session) -> None:
    own, now = make_enterprise(db), utc_now().replace(microsecond=0)
    register(db, own, ["M1", "M2"], qmax=40.0)
    count(db, own, [("M1", now - timedelta(hours=10), 0.0), ("M2", now - timedelta(hours=10), 0.0)])
    register(db, own, ["M2"], qmax=4.0)
    rows = [("M1", now, 100.0), ("M2", now, 100.0)]
    raw = RawReadings(
        ["M1", "M2"], np.arange(2), np.array([round(at.timestamp() * 1000) for _, at, _ in rows]), np.array([100.0, 100.0]),
        np.full(2, 192), np.zeros(2, np.int16), np.arange(2),
    )  # fmt: skip
    noted = take_readings(db, own.id, raw, 1, now=utc_now(), actor=cli_actor()).rejections
    assert [(each.object_code, each.rule) for each in noted] == [("M2", "MTR-2")]


def test_the_web_role_reads_counters_of_its_own_scope_only(
    settings: Settings, committed: Callable[..., object]
) -> None:
    def lay(session: Session) -> list[tuple[int, int]]:
        found = []
        for word in ("one", "other"):
            own = make_enterprise(session)
            register(session, own, [word])
            count(session, own, [(word, datetime(2026, 11, 1, tzinfo=UTC), 7.0)])
            found.append((own.id, number(session, own, word)))
        return found

    (own, mine), (_, foreign) = committed(lay)  # type: ignore[misc]
    with transaction(settings, Scope(enterprise_ids=frozenset({own}))) as session:
        assert set(latest_counters(session, [mine, foreign])) == {mine}
        assert [row.value for row in readings_back(session, mine)] == [7.0]
        asked = text("select value from meter_readings_of(:m, '2026-01-01', '2026-12-31')")
        assert session.scalars(asked, {"m": foreign}).all() == []
        assert session.scalars(asked, {"m": mine}).all() == [7.0]
        assert session.scalars(text("select distinct meter_id from meter_reading_seen where day = '2026-11-01'")).all() == [mine]
        for table in ("meter_block", "meter_reading_block", "meter_reading_all"):
            with pytest.raises(DBAPIError, match="permission denied"), session.begin_nested():
                session.execute(text(f"select * from {table}"))


def test_nobody_changes_or_removes_readings_of_meters(db: Session, settings: Settings) -> None:
    hand_over_scope(db, settings, CITY)
    for statement in (
        "update meter_reading_block set value = '{1}'", "delete from meter_reading_block", "delete from meter_block",
        "update meter_block set codes = 0", "truncate meter_reading_block",
    ):  # fmt: skip
        with pytest.raises(DBAPIError, match="permission denied"), db.begin_nested():
            db.execute(text(statement))


def test_a_list_by_date_of_replacement_leads_through_every_meter_once_and_back(db: Session) -> None:
    own, today = make_enterprise(db), utc_now().date()
    for part in range(2):  # numbers and dates run against each other
        records = [
            Meter(
                src_code=f"L{part}-{n}", kind=4, installed_on=today - timedelta(days=900),
                expires_on=today - timedelta(days=1 + part * 40 + n // 3),
            )
            for n in range(100)
        ]  # fmt: skip
        store_network(db, own.id, records, 1)
    wanted, place, seen = MeterFilter(due="overdue", enterprise_id=own.id), 0, []
    while True:
        page = meters_page(db, wanted, place=(place, False), scope=CITY, today=today)
        seen += [(row.expires_on, row.id) for row in page.rows]
        place = place_of(wanted, page.rows[-1])
        if not page.has_after:
            break
    assert len(seen) == 200 and seen == sorted(set(seen))
    back = meters_page(db, wanted, place=(place_of(wanted, page.rows[0]), True), scope=CITY, today=today)
    assert [(row.expires_on, row.id) for row in back.rows] == seen[100:150]
    assert (back.has_before, back.has_after) == (True, True)
    by_number = meters_page(db, MeterFilter(kind=4, enterprise_id=own.id), place=(0, False), scope=CITY, today=today)
    assert [row.id for row in by_number.rows] == sorted(number for _, number in seen)[:50]


def test_batches_of_the_same_meters_at_the_same_time_store_each_reading_once(
    settings: Settings, committed: Callable[..., object]
) -> None:
    codes = [f"T{n}" for n in range(300)]

    def lay(session: Session) -> Enterprise:
        own = make_enterprise(session)
        register(session, own, codes)
        return own

    own: Enterprise = committed(lay)  # type: ignore[assignment]
    begin = utc_now().replace(microsecond=0) - timedelta(hours=2)

    def push(seed: int) -> tuple[int, int]:
        chance, done = np.random.default_rng(seed), (0, 0)
        for _ in range(6):
            rows: list[Reading] = [(codes[n], begin + timedelta(minutes=int(n) % 3), 1.0) for n in chance.integers(0, 300, 120)]
            with transaction(settings, Scope(enterprise_ids=frozenset({own.id})), worker=True) as session:
                taken, known, refused = count(session, own, rows, receipt=seed)
            assert refused == 0
            done = (done[0] + taken, done[1] + known)
        return done

    with ThreadPoolExecutor(4) as pool:
        counts = list(pool.map(push, range(1, 5)))
    with transaction(settings, CITY, worker=True) as session:
        rows = stored(session, own)
    assert len(rows) == len({row[:2] for row in rows}) == sum(taken for taken, _ in counts)
    assert sum(taken + known for taken, known in counts) == 4 * 6 * 120
