"""What enterprises file, against PostGIS: taken in, judged, kept with its former states, the same in any order."""

from __future__ import annotations

import random
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from ingestion_adapters.checks import Finding, Stored, judge_row
from ingestion_adapters.contract import DATASETS, KEYS
from ingestion_adapters.deliveries import Delivery
from ingestion_adapters.samples import SAMPLES
from ingestion_adapters.store_readings import columns_of, take_readings
from ingestion_adapters.store_records import FILINGS
from ingestion_adapters.stores import FILED, STORES
from portal.accounts.models import Enterprise
from portal.config import Settings
from portal.core.actor import CITY, cli_actor
from portal.core.db import transaction
from tests.factories import make_enterprise, make_pipe, make_point

NOW = datetime(2026, 6, 2, 1, 0, tzinfo=UTC)
KIND_OF = {
    kind.__name__: (dataset, kind) for dataset in FILED for kind in get_args(DATASETS[dataset]) or (DATASETS[dataset],)
}
COPY = "id, receipt_id, valid_from, valid_to, received_at, late"


@dataclass
class Sender:
    """An enterprise with one pipe and one user that files records."""

    session: Session
    enterprise: Enterprise
    receipts: int = 0

    def send(self, dataset: str, *rows: dict[str, Any], now: datetime = NOW) -> Stored:
        """Send rows as a program does: each judged, the good ones stored; return what became of them."""
        judged = [judge_row(row, index, dataset) for index, row in enumerate(rows)]
        refused = [each for each in judged if isinstance(each, Finding)]
        good = [each for each in judged if not isinstance(each, Finding)]
        self.receipts += 1
        given = Delivery(self.enterprise.id, self.receipts, now, cli_actor())
        stored = STORES[dataset](self.session, given, good)
        return Stored(stored.accepted, stored.duplicate, [*refused, *stored.rejections], stored.late)

    def rows(self, table: str, columns: str = "*") -> list[Any]:
        """Return the enterprise's rows of a table."""
        found = self.session.execute(
            text(f"select {columns} from {table} where enterprise_id = :e order by record_no, valid_from"),
            {"e": self.enterprise.id},
        )
        return [dict(row._mapping) for row in found]

    def states(self, table: str) -> list[dict[str, Any]]:
        """Return the rows without what differs from one installation to the next."""
        dropped = set(COPY.split(", "))
        return [{name: value for name, value in row.items() if name not in dropped} for row in self.rows(table)]


@pytest.fixture
def sender(db: Session) -> Sender:
    """Give an enterprise with a pipe GD0001 and a user U00000001."""
    own = make_enterprise(db)
    make_pipe(db, own, src_code="GD0001")
    insert = (
        "insert into gas_user (enterprise_id, src_code, adcode, status, geom, user_class, households, detector) values"
    )
    db.execute(
        text(f"{insert} (:e, 'U00000001', '990102', 1, st_setsrid(st_makepoint(112.5, 32), 4490), 10, 1, true)"),
        {"e": own.id},
    )
    return Sender(db, own)


def sample(name: str, **changes: Any) -> dict[str, Any]:
    """Return a sample row with changes; None drops a field."""
    row = deepcopy(SAMPLES[name]) | changes
    return {field: value for field, value in row.items() if value is not ...}


def table_of(name: str) -> str:
    return FILINGS[KIND_OF[name][1]].table


def test_every_dataset_has_a_store_and_every_filed_type_a_table() -> None:
    assert set(STORES) == set(DATASETS) - {"RT"}
    assert set(FILINGS) == set(KEYS)


@pytest.mark.clause("7.2.4.1-b")
@pytest.mark.parametrize("name", list(KIND_OF))
def test_a_record_is_taken_in_and_known_when_it_comes_again(sender: Sender, name: str) -> None:
    dataset, _ = KIND_OF[name]
    first, again = sender.send(dataset, sample(name)), sender.send(dataset, sample(name))
    assert (first.accepted, first.rejections, again.accepted, again.duplicate) == (1, [], 0, 1)
    (row,) = sender.rows(table_of(name))
    assert row["receipt_id"] == 1
    assert sender.rows(f"{table_of(name)}_history") == []


@pytest.mark.parametrize("name", list(KIND_OF))
def test_a_change_keeps_the_former_state(sender: Sender, name: str) -> None:
    dataset, kind = KIND_OF[name]
    field, value = {
        "MonthlyReport": ("sold_m3", 5_400_000.0),
        "WorksSite": ("builder", "另一施工单位"),
        "HiddenDanger": ("measures", "加强巡查"),
        "Patrol": ("note", "复核"),
        "HouseholdCheck": ("note", "复核"),
        "Incident": ("measures", "更换管段"),
        "Drill": ("summary", "改进通信"),
        "EmergencyPlan": ("scope", "全市"),
        "EmergencySupply": ("quantity", 5.0),
        "EmergencyTeam": ("equipment", "抢修车2辆"),
    }[name]
    sender.send(dataset, sample(name))
    changed = sender.send(dataset, sample(name, **{field: value}))
    assert (changed.accepted, changed.duplicate, changed.rejections) == (1, 0, [])
    (row,), (former,) = sender.rows(table_of(name)), sender.rows(f"{table_of(name)}_history")
    assert row[field] == value != former[field]
    assert (row["receipt_id"], former["receipt_id"], former["valid_to"] is not None) == (2, 1, True)


@pytest.mark.parametrize(
    ("dataset", "row", "field"),
    [
        ("HAZ", sample("HiddenDanger", object_code="NICHTS"), "object_code"),
        ("EXC", sample("WorksSite", object_code="NICHTS"), "object_code"),
        ("PAT", sample("Patrol", object_code="NICHTS"), "object_code"),
        ("EVT", sample("Incident", object_code="NICHTS"), "object_code"),
        ("CHK", sample("HouseholdCheck", user_no="NICHTS"), "user_no"),
    ],
)
def test_an_unknown_object_is_refused(sender: Sender, dataset: str, row: dict[str, Any], field: str) -> None:
    stored = sender.send(dataset, row)
    (found,) = stored.rejections
    assert (stored.accepted, found.code, found.field) == (0, "E_UNKNOWN_OBJECT", field)
    assert found.object_code == row[KEYS[KIND_OF[next(n for n in KIND_OF if KIND_OF[n][0] == dataset)][1]]]


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("HiddenDanger", "level"),
        ("WorksSite", "method"),
        ("Patrol", "kind"),
        ("HouseholdCheck", "result"),
        ("HouseholdCheck", "hazards"),
        ("Incident", "kind"),
        ("Drill", "kind"),
    ],
)
def test_an_unknown_code_is_refused_and_kept(sender: Sender, name: str, field: str) -> None:
    dataset, _ = KIND_OF[name]
    (found,) = sender.send(dataset, sample(name, **{field: [7777] if field == "hazards" else 7777})).rejections
    assert (found.code, found.field) == ("E_DICT", field)
    assert "7777" in (found.raw or "")


def test_the_object_gives_the_district_and_the_place_its_own(sender: Sender) -> None:
    sender.session.execute(
        text(
            "insert into base_district (adcode, name_zh, name_en, geom, label) values ('990109', '试验区', 'Trial',"
            " st_multi(st_makeenvelope(104, 30, 105, 31, 4490)), st_setsrid(st_makepoint(104.5, 30.5), 4490))"
        )
    )
    sender.send("HAZ", sample("HiddenDanger", lon=..., lat=..., hazard_no="A"), sample("HiddenDanger", hazard_no="B"))
    by_object, by_place = sender.rows("hidden_danger")
    assert (by_object["adcode"], by_object["geom"], by_object["object_type"]) == ("990101", None, "pipe")
    assert (by_place["adcode"], by_place["object_code"]) == ("990109", "GD0001")
    assert by_place["geom"] is not None


def test_a_check_finds_its_user_and_district(sender: Sender) -> None:
    sender.send("CHK", sample("HouseholdCheck"))
    (row,) = sender.rows("household_check")
    assert row["user_id"] is not None
    assert row["adcode"] == "990102"


def minutes_after(name: str, field: str, minutes: float) -> datetime:
    return datetime.fromisoformat(SAMPLES[name][field]) + timedelta(minutes=minutes)


@pytest.mark.parametrize(
    ("row", "name", "field", "limit_min"),
    [
        ({}, "HiddenDanger", "found_at", 120),
        ({"level": 3}, "HiddenDanger", "found_at", 60),
        ({}, "WorksSite", "found_at", 120),
        ({}, "Patrol", "ended_at", 1440),
        ({}, "HouseholdCheck", "checked_at", 1440),
    ],
)
def test_what_comes_after_its_limit_is_late(
    sender: Sender, row: dict[str, Any], name: str, field: str, limit_min: float
) -> None:
    dataset, kind = KIND_OF[name]
    key = KEYS[kind]
    if name == "WorksSite":
        row = {**row, "operations": ...}
    in_time = sender.send(dataset, sample(name, **row, **{key: "A"}), now=minutes_after(name, field, limit_min - 1))
    late = sender.send(dataset, sample(name, **row, **{key: "B"}), now=minutes_after(name, field, limit_min + 1))
    again = sender.send(dataset, sample(name, **row, **{key: "A"}), now=minutes_after(name, field, limit_min + 500))
    assert (in_time.late, late.late, again.late) == (0, 1, 0)
    assert [each["late"] for each in sender.rows(table_of(name))] == [False, True]


@pytest.mark.parametrize(("day", "late"), [(5, 0), (6, 1)])
def test_a_month_is_due_by_the_fifth(sender: Sender, day: int, late: int) -> None:
    received = datetime(2026, 6, day, 4, tzinfo=UTC)
    assert sender.send("MTH", sample("MonthlyReport"), now=received).late == late


def test_a_month_that_is_not_over_is_refused(sender: Sender) -> None:
    (found,) = sender.send("MTH", sample("MonthlyReport", month="2026-06")).rejections
    assert (found.code, found.field) == ("E_FUTURE", "month")


@pytest.mark.parametrize(("ahead_h", "late"), [(49, 0), (47, 1)])
def test_a_planned_stop_is_announced_two_days_ahead(sender: Sender, ahead_h: int, late: int) -> None:
    begin = NOW + timedelta(hours=ahead_h)
    row = {
        "event_no": "S1", "sort": 3, "kind": 5, "status": 0, "description": "管道改造停气", "households_n": 300,
        "occurred_at": begin.isoformat(), "planned_end_at": (begin + timedelta(hours=6)).isoformat(),
    }  # fmt: skip
    stored = sender.send("EVT", row)
    assert (stored.accepted, stored.late, stored.rejections) == (1, late, [])


def test_an_incident_of_the_future_is_refused(sender: Sender) -> None:
    (found,) = sender.send("EVT", {"event_no": "E", "sort": 1, "kind": 1, "status": 0, "description": "泄漏",
                                   "occurred_at": (NOW + timedelta(hours=1)).isoformat()}).rejections  # fmt: skip
    assert (found.code, found.field) == ("E_FUTURE", "occurred_at")


def test_a_field_left_out_keeps_what_is_known_and_null_says_unknown(sender: Sender) -> None:
    sender.send("HAZ", sample("HiddenDanger"))
    sender.send("HAZ", sample("HiddenDanger", measures=..., object_code=..., lon=..., lat=..., interim_control=None))
    (row,) = sender.rows("hidden_danger")
    assert row["measures"] == SAMPLES["HiddenDanger"]["measures"]
    assert (row["object_code"], row["object_type"], row["geom"] is not None) == ("GD0001", "pipe", True)
    assert row["interim_control"] is None


def test_a_danger_closes_in_a_later_message_that_repeats_little(sender: Sender) -> None:
    sender.send("HAZ", sample("HiddenDanger", level=3))
    short = {
        name: SAMPLES["HiddenDanger"][name] for name in ("hazard_no", "source", "category", "description", "found_at")
    }
    done = {
        "level": 3,
        "status": 8,
        "rectified_at": "2026-06-01T15:00:00+08:00",
        "closed_at": "2026-06-01T17:00:00+08:00",
    }
    stored = sender.send("HAZ", short | done)
    assert (stored.accepted, stored.rejections) == (1, [])
    reopened = sender.send("HAZ", short | {"level": 3, "status": 9})
    assert [(found.code, found.rule) for found in reopened.rejections] == [("E_RANGE", "HAZ-3")]


def test_what_a_state_needs_is_missed_when_nothing_is_known_of_it(sender: Sender) -> None:
    stored = sender.send("HAZ", sample("HiddenDanger", level=3, measures=...))
    assert [(found.code, found.rule, found.field) for found in stored.rejections] == [("E_RANGE", "HAZ-4", "measures")]


def test_an_older_state_does_not_replace_a_newer(sender: Sender) -> None:
    old = sample("HiddenDanger", status=2, changed_at="2026-06-01T10:10:00+08:00")
    new = sample("HiddenDanger", status=5, changed_at="2026-06-01T12:00:00+08:00")
    assert sender.send("HAZ", new).accepted == 1
    stored = sender.send("HAZ", old)
    assert (stored.accepted, stored.duplicate) == (0, 1)
    (row,) = sender.rows("hidden_danger")
    assert row["status"] == 5


def test_two_states_in_one_batch_are_both_kept(sender: Sender) -> None:
    old = sample("HiddenDanger", status=2, changed_at="2026-06-01T10:10:00+08:00")
    new = sample("HiddenDanger", status=5, changed_at="2026-06-01T12:00:00+08:00")
    stored = sender.send("HAZ", new, old)
    assert (stored.accepted, stored.duplicate) == (2, 0)
    (row,), (former,) = sender.rows("hidden_danger"), sender.rows("hidden_danger_history")
    assert (row["status"], former["status"]) == (5, 2)


@pytest.mark.clause("7.2.3.6-a")
def test_people_and_machines_on_a_site_are_listed_and_struck_off(sender: Sender) -> None:
    first = SAMPLES["WorksSite"]["operations"][0]
    second = first | {"operation_no": "2", "kind": 1, "who": "欧阳锋锋"}
    sender.send("EXC", sample("WorksSite", operations=[first, second]))
    assert [row["who"] for row in sender.rows("works_operation")] == ["钱*", "欧阳**"]
    changed = sender.send("EXC", sample("WorksSite", operations=[first]))
    assert (changed.accepted, changed.duplicate) == (1, 0)
    assert [row["listed"] for row in sender.rows("works_operation")] == [True, False]
    assert sender.send("EXC", sample("WorksSite", operations=...)).duplicate == 1


@pytest.mark.clause("4.12_2")
def test_names_and_phones_are_masked_before_they_are_stored(sender: Sender) -> None:
    plain = {"contact": "司马相如", "contact_phone": "13812345678", "guardian": "周大勇"}
    sender.send("EXC", sample("WorksSite", **plain))
    (row,) = sender.rows("works_site")
    assert (row["contact"], row["contact_phone"], row["guardian"]) == ("司马**", "138****5678", "周*")
    refused = sender.send("EXC", sample("WorksSite", object_code="NICHTS", **plain))
    schema = sender.send("EXC", sample("WorksSite", surprise="打电话13812345678", **plain))
    for found in (*refused.rejections, *schema.rejections):
        assert not any(word in (found.raw or "") for word in ("相如", "大勇", "12345678"))


def test_a_profile_brings_certificates_and_people(sender: Sender) -> None:
    row = deepcopy(SAMPLES["Enterprise"]) | {"uscc": sender.enterprise.uscc}
    row["people"].append(
        {"person_no": "P2", "name": "诸葛孔明", "duty": 2, "phone": "13900001111", "certificate_no": "3701021990"}
    )
    assert sender.send("ENT", row).accepted == 1
    assert sender.send("ENT", row).duplicate == 1
    (profile,) = sender.rows("enterprise_profile")
    assert (profile["backup_centre"], profile["legal_person"]) == ("城东备用监控中心", "陈*")
    _, person = sender.rows("enterprise_person")
    assert (person["name"], person["phone"], person["certificate_no"]) == ("诸葛**", "139****1111", "******1990")
    renewed = deepcopy(row)
    renewed["certificates"][0]["expires_on"] = "2031-12-31"
    renewed["people"].pop()
    assert sender.send("ENT", renewed).accepted == 1
    assert [each["listed"] for each in sender.rows("enterprise_person")] == [True, False]
    assert len(sender.rows("enterprise_certificate_history")) == 1
    del renewed["people"]
    assert sender.send("ENT", renewed).duplicate == 1


def test_a_strangers_profile_leaves_no_plain_name(sender: Sender) -> None:
    row = deepcopy(SAMPLES["Enterprise"])
    row["people"][0]["name"] = "赵匡胤"
    (found,) = sender.send("ENT", row).rejections
    assert found.code == "E_NOT_YOURS"
    assert "匡胤" not in (found.raw or "")


def _many(rng: random.Random) -> list[dict[str, Any]]:
    rows = []
    for number in range(6):
        for state in range(rng.randint(1, 3)):
            at = (NOW - timedelta(hours=10 - state)).isoformat()
            status, level = (1, 4, 5)[state], rng.randint(1, 2)
            rows.append(sample("HiddenDanger", hazard_no=f"H{number}", status=status, level=level, changed_at=at))
    return rows


@pytest.mark.parametrize("seed", range(8))
def test_any_order_and_repetition_gives_the_same_tables(db: Session, seed: int) -> None:
    rng = random.Random(seed)
    rows = _many(rng)
    tables = []
    for turn in range(2):
        own = make_enterprise(db)
        pipe = make_pipe(db, own, src_code="GD0001")
        sender = Sender(db, own)
        sent = rows if turn == 0 else rng.sample([*rows, *rng.choices(rows, k=len(rows))], k=2 * len(rows))
        while sent:
            size = rng.randint(1, 5)
            assert sender.send("HAZ", *sent[:size]).rejections == []
            sent = sent[size:]
        states = sender.states("hidden_danger")
        assert all(row.pop("object_id") == pipe.id for row in states)
        tables.append([{name: value for name, value in row.items() if name != "enterprise_id"} for row in states])
    assert tables[0] == tables[1]


def test_ten_thousand_checks_take_seconds(sender: Sender) -> None:
    began = datetime.now(UTC)
    rows = [sample("HouseholdCheck", check_no=f"C{number}") for number in range(10_000)]
    assert sender.send("CHK", *rows).accepted == 10_000
    assert datetime.now(UTC) - began < timedelta(seconds=20)


def test_an_open_filing_holds_up_no_readings_of_its_enterprise(settings: Settings) -> None:
    with transaction(settings, CITY, worker=True) as session:
        own = make_enterprise(session)
        point = make_point(session, own)
    with transaction(settings, CITY, worker=True) as filing, transaction(settings, CITY, worker=True) as pushing:
        Sender(filing, own).send("EVT", SAMPLES["Incident"])
        pushing.execute(text("set local lock_timeout = '1s'"))
        taken = datetime.now(UTC)
        read = columns_of([judge_row({"point": point.src_code, "t": taken.isoformat(), "v": 1.0}, 0, "RT")], [])
        assert take_readings(pushing, own.id, read, 1, now=taken, actor=cli_actor()).accepted == 1
