"""Devices and meters on their way in: life cycle, points, gateways, certificates, counters."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from ingestion_adapters.checks import Stored, judge_row
from ingestion_adapters.samples import SAMPLES
from ingestion_adapters.store_network import store_network
from ingestion_adapters.store_readings import RawReadings, columns_of, take_readings
from portal.accounts.models import Enterprise
from portal.config import Settings
from portal.core.actor import CITY, Scope, cli_actor
from portal.core.clock import local, utc_now
from portal.core.db import hand_over_scope
from portal.core.errors import NotFound
from portal.operation.alarms.services import NewAlarm, raise_alarm
from portal.operation.devices.jobs import count_operations
from portal.operation.devices.services import NewCampaign, open_campaign
from portal.operation.meters.queries import latest_counters, meters_beginning, readings_back
from tests.factories import make_enterprise, make_point, make_station


def send(session: Session, enterprise: Enterprise, *rows: dict[str, Any]) -> Stored:
    """Send rows of NET as an enterprise does."""
    return store_network(session, enterprise.id, [judge_row(row, 0, "NET") for row in rows], 1)


def count(session: Session, enterprise: Enterprise, *rows: tuple[str, Any, float]) -> Stored:
    """Send counters: meter code, instant, m³."""
    records = [judge_row({"point": code, "t": at.isoformat(), "v": value}, 0, "RT") for code, at, value in rows]
    return take_readings(session, enterprise.id, columns_of(records, []), 1, now=utc_now(), actor=cli_actor())


def device(code: str = "D1", **more: Any) -> dict[str, Any]:
    """Return a row of a device."""
    return {"type": "DEV", "src_code": code, "kind": 1} | more


def meter(code: str = "M1", **more: Any) -> dict[str, Any]:
    """Return a row of a meter."""
    return {"type": "MTR", "src_code": code, "kind": 4, "qmax_m3_per_h": 4.0} | more


@pytest.mark.clause("7.2.2.3-d_1")
def test_each_step_of_a_life_is_kept_and_an_impossible_one_refused(db: Session) -> None:
    own = make_enterprise(db)
    send(db, own, device(status=0))
    send(db, own, device(status=1, changed_by="李*", change_reason="安装", changed_at="2026-01-02T08:00:00+08:00"))
    refused = send(db, own, device(status=5))
    send(db, own, device(status=2))

    assert [(each.field, each.rule) for each in refused.rejections] == [("status", "DEV-1")]
    steps = db.execute(
        text("select from_status, to_status, said_by, reason from device_step where enterprise_id = :e order by id"),
        {"e": own.id},
    ).all()
    assert [row[:2] for row in steps] == [(None, 0), (0, 1), (1, 2)]
    assert steps[1][2:] == ("李*", "安装")


def test_what_is_left_out_keeps_its_value(db: Session) -> None:
    own = make_enterprise(db)
    send(db, own, device(maker="甲", battery_percent=90, key_device=True))
    again = send(db, own, device(battery_percent=80))
    same = send(db, own, device(battery_percent=80))

    row = db.execute(
        text("select maker, battery_percent, key_device from device where enterprise_id = :e"), {"e": own.id}
    ).one()
    assert tuple(row) == ("甲", 80, True)
    assert (again.accepted, same.accepted, same.duplicate) == (1, 0, 1)
    assert db.scalar(text("select count(*) from device_history where enterprise_id = :e"), {"e": own.id}) == 0


def test_a_device_finds_its_object_points_and_gateway(db: Session) -> None:
    own = make_enterprise(db)
    station, point = make_station(db, own), make_point(db, own)
    sent = send(
        db,
        own,
        device(object_code=station.src_code, points=[point.src_code, "no such"], gateway="G"),
        device("G", kind=20),
    )

    row = db.execute(
        text(
            "select object_type, object_id, gateway_id, adcode, geom is not null from device where src_code = 'D1' and enterprise_id = :e"
        ),
        {"e": own.id},
    )
    gateway = db.scalar(text("select id from device where src_code = 'G' and enterprise_id = :e"), {"e": own.id})
    assert tuple(row.one()) == ("station", station.id, gateway, "990101", True)
    assert db.scalar(text("select point_id from device_point where point_id = :p"), {"p": point.id}) == point.id
    assert [(each.field, each.severity) for each in sent.rejections] == [("points", "warning")]


@pytest.mark.clause("9.2.2.13_1")
def test_certificates_outlive_their_device_by_the_years_of_the_policy(db: Session, owner: Session) -> None:
    own = make_enterprise(db)
    certificate = {"kind": 1, "number": "C1", "expires_on": "2027-01-01"}
    send(db, own, device(certificates=[certificate]))
    send(db, own, device("D2", replaces="D1"))

    assert db.execute(
        text("select status, replaced_at is not null from device where src_code = 'D1' and enterprise_id = :e"),
        {"e": own.id},
    ).one() == (7, True)
    with pytest.raises(DBAPIError, match="permission denied"), db.begin_nested():
        db.execute(text("delete from device_certificate"))


@pytest.mark.clause("9.2.2.13_1")
def test_nobody_removes_a_certificate_too_early(owner: Session) -> None:
    number = owner.scalar(
        text(
            "insert into enterprise (uscc, name, short_name, kind) values ('91370100MA0CERT001', 'c', 'c', 1) returning id"
        )
    )
    ids = owner.scalars(
        text(
            "insert into device (enterprise_id, src_code, kind, status, replaced_at) values (:e, 'A', 1, 7,"
            " now() - interval '4 years'), (:e, 'B', 1, 7, now() - interval '6 years') returning id"
        ),
        {"e": number},
    ).all()
    owner.execute(
        text(
            "insert into device_certificate (device_id, enterprise_id, kind, number) select d, :e, 1, 'X' from unnest(:d) d"
        ),
        {"e": number, "d": list(ids)},
    )
    with pytest.raises(DBAPIError, match="certificate_kept"), owner.begin_nested():
        owner.execute(text("delete from device_certificate where device_id = :d"), {"d": ids[0]})
    owner.execute(text("delete from device_certificate where device_id = :d"), {"d": ids[1]})


def test_the_samples_of_devices_and_meters_are_taken(db: Session) -> None:
    own = make_enterprise(db)
    sent = send(db, own, SAMPLES["Device"], SAMPLES["Meter"])

    assert sent.accepted == 2
    assert {each.severity for each in sent.rejections} == {"warning"}


def test_counters_of_meters_go_to_their_own_table_and_can_be_read_back(db: Session) -> None:
    own, now = make_enterprise(db), utc_now().replace(microsecond=0)
    point = make_point(db, own)
    send(db, own, meter("M1"), meter("M2"))
    days = [now - timedelta(days=n) for n in range(3, 0, -1)]
    first = count(
        db, own, ("M1", days[0], 10.0), ("M2", days[0], 5.0), (point.src_code, now, 2.0), ("M9", days[0], 1.0)
    )
    second = count(db, own, ("M1", days[2], 14.0), ("M1", days[2], 14.0))
    late = count(db, own, ("M1", days[1], 12.0))
    again = count(db, own, ("M1", days[1], 12.0))

    assert (first.accepted, [each.code for each in first.rejections]) == (3, ["E_UNKNOWN_OBJECT"])
    assert (second.accepted, second.duplicate) == (1, 1)
    assert (late.accepted, again.accepted, again.duplicate) == (1, 0, 1)
    number = db.scalar(text("select id from gas_meter where src_code = 'M1' and enterprise_id = :e"), {"e": own.id})
    assert [(row.ts, row.value) for row in readings_back(db, number)] == [(days[2], 14.0), (days[1], 12.0), (days[0], 10.0)]
    newest = latest_counters(db, [number])[number]
    assert (newest.ts, newest.value) == (days[2], 14.0)


def test_columns_of_points_and_meters_are_taken_apart(db: Session) -> None:
    own, ms = make_enterprise(db), round(utc_now().timestamp() * 1000)
    point = make_point(db, own)
    send(db, own, meter("M1"))
    raw = RawReadings(
        points=["M1", point.src_code, "nowhere"], which=np.array([0, 1, 2, 0]), t=np.array([ms, ms, ms, ms + 1]),
        v=np.array([1.0, 2.0, 3.0, 1.0]), q=np.full(4, 192), f=np.zeros(4, np.int16), numbers=np.arange(4),
    )  # fmt: skip
    sent = take_readings(db, own.id, raw, 1, now=utc_now(), actor=cli_actor())
    assert sent.accepted == 3
    assert [(each.row, each.code) for each in sent.rejections] == [(2, "E_UNKNOWN_OBJECT")]


def test_a_counter_that_falls_or_runs_too_fast_is_noted_and_kept(db: Session) -> None:
    own, now = make_enterprise(db), utc_now().replace(microsecond=0)
    send(db, own, meter("M1"), meter("M2"), meter("M3"))
    before = now - timedelta(hours=24)
    count(db, own, ("M1", before, 500.0), ("M2", before, 99_990.0), ("M3", before, 1.0))
    sent = count(db, own, ("M1", now, 400.0), ("M2", now, 12.0), ("M3", now, 300.0))

    assert sent.accepted == 3
    assert [(each.object_code, each.rule, each.severity) for each in sent.rejections] == [
        ("M1", "MTR-1", "warning"), ("M3", "MTR-2", "warning"),
    ]  # fmt: skip


def test_a_meter_that_expires_before_it_was_installed_is_refused(db: Session) -> None:
    sent = send(db, make_enterprise(db), meter(installed_on="2025-01-01", expires_on="2024-01-01"))
    assert [(each.code, each.rule) for each in sent.rejections] == [("E_TIME", "MTR-3")]


def test_other_enterprises_do_not_exist_for_a_sender(db: Session) -> None:
    other, own = make_enterprise(db), make_enterprise(db)
    send(db, other, meter("M1"))
    send(db, own, meter("M2"))
    sent = count(db, own, ("M1", utc_now(), 1.0))
    assert [each.code for each in sent.rejections] == ["E_UNKNOWN_OBJECT"]


def test_no_code_of_a_meter_reaches_beyond_its_own_cell(db: Session) -> None:
    own = make_enterprise(db)
    send(db, own, meter("M1"))
    at = utc_now() - timedelta(minutes=5)
    ms = round(at.timestamp() * 1000)
    codes = ["M1", f"X\n7\tM1\t{ms + 1}\t99\t192\t0", "M1\t1", "\\.", "M1\\n", "a\rb", "N\0"]
    size = len(codes)
    raw = RawReadings(
        codes,
        np.arange(size),
        [ms] * size,
        np.ones(size),
        np.full(size, 192),
        np.zeros(size, np.int16),
        np.arange(size),
    )
    done = take_readings(db, own.id, raw, 1, now=utc_now(), actor=cli_actor())

    assert (done.accepted, sorted(each.row for each in done.rejections)) == (1, list(range(1, size)))
    highest = text(
        "select max(r.value) from meter_reading_seen r join gas_meter m on m.id = r.meter_id where m.enterprise_id = :e"
    )
    assert db.scalar(highest, {"e": own.id}) == 1


@pytest.mark.clause("7.2.2.4-b_2")
def test_operations_and_accident_operations_are_counted_apart(db: Session) -> None:
    own = make_enterprise(db)
    point = make_point(db, own, measure=6, unit="", object_code="V1", low=None, high=None, low_low=None, high_high=None)
    send(db, own, device(kind=21, points=[point.src_code], controlled=True))
    noon = local(utc_now()).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(hours=12)
    for minute, value in ((0, 1.0), (30, 0.0), (60, 0.0), (90, 1.0), (120, 3.0), (150, 1.0), (180, 0.0)):
        count(db, own, (point.src_code, noon + timedelta(minutes=minute), value))
    alarm = NewAlarm(own.id, "990101", "rule", 11, 2, noon + timedelta(minutes=175), object_code="V1")
    raise_alarm(db, alarm, actor=cli_actor())

    count_operations(db, utc_now())
    count_operations(db, utc_now())
    row = db.execute(
        text("select day, operations, accidents from device_day where enterprise_id = :e"), {"e": own.id}
    ).one()
    assert tuple(row) == (noon.date(), 3, 1)


def test_search_finds_by_the_beginning_of_a_code_in_either_case(db: Session) -> None:
    own = make_enterprise(db)
    send(db, own, meter("QX-001", user_no="U77"), meter("QX-002"), meter("QY-001"))
    found = {row.id: row.src_code for row in db.execute(text("select id, src_code from gas_meter"))}

    def names(words: str) -> list[str]:
        return [found[number] for number in meters_beginning(db, words, CITY)]

    assert names("qx-") == ["QX-001", "QX-002"]
    assert names("QX-002") == ["QX-002"]
    assert names("u77") == ["QX-001"]
    assert names("%") == []


def test_search_and_filters_use_indexes_under_row_policies(db: Session, settings: Settings) -> None:
    own = make_enterprise(db)
    db.execute(
        text(
            "insert into gas_meter (enterprise_id, src_code, kind, adcode) select :e, 'IX' || lpad(n::text, 7, '0'), 1 + n % 8,"
            " '990101' from generate_series(1, 20000) n"
        ),
        {"e": own.id},
    )
    db.execute(text("select refresh_statistics()"))
    hand_over_scope(db, settings, Scope(enterprise_ids=frozenset({own.id})))
    wanted = (
        f"select id from gas_meter where enterprise_id = {own.id} and src_code ~>=~ 'IX0001' and src_code ~<~ 'IX0001z'"
        " order by src_code using ~<~ limit 50",
        "select id from gas_meter where kind = 3 and id > 100 order by id limit 51",
    )
    for statement in wanted:
        plan = "\n".join(db.scalars(text(f"explain {statement}")))
        assert "Index" in plan and "Seq Scan on gas_meter" not in plan, plan


def test_a_campaign_for_an_enterprise_that_is_not_there_is_refused_in_words(db: Session) -> None:
    wanted = NewCampaign("升级", "某厂", "M1", "2.0", utc_now().date(), "修正时钟", enterprise_id=2**31 - 1)
    with pytest.raises(NotFound):
        open_campaign(db, wanted, actor=cli_actor())
