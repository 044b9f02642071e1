"""Late readings: automatic, by request, by approval; what waits is kept, decided, and stored through the pipeline."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.orm import Session

from ingestion_adapters.backfill.release import release_approved
from ingestion_adapters.client import Client
from portal.accounts.rights import Role
from portal.config import Settings
from portal.core.actor import CITY
from portal.core.clock import utc_now
from portal.core.db import transaction
from tests.integration.test_intake_api import NODE, SAMPLES, Program
from tests.integration.test_intake_client import serving
from tests.integration.test_telemetry_door import POINT, row, stored
from tests.people import browser_of, make_person
from tests.readings import TODAY

Committed = Callable[..., Any]
WAITING = "select coalesce(sum(rows_left), 0) from backfill_held where enterprise_id = :e"
FIRST = "select id from backfill_request where enterprise_id = :e order by id limit 1"


@pytest.fixture
def sender(app: Flask, settings: Settings, tmp_path: Path) -> Program:
    """Give a program whose enterprise has a station with one point."""
    program = Program(app, settings, tmp_path)
    answer = program.records("NET", NODE, NODE | {"src_code": "J0002"}, SAMPLES["Station"], SAMPLES["Point"])
    assert answer.json["accepted"] == 4
    return program


@pytest.fixture
def city(app: Flask, committed: Committed) -> Iterator[FlaskClient]:
    """Give the browser of a city regulator."""
    yield committed(lambda session: browser_of(session, app, make_person(session, app)))


def days_ago(days: int, minute: int = 0, value: float = 300.0) -> dict[str, Any]:
    return row(TODAY - timedelta(days=days), minute, value)


def decide(city: FlaskClient, sender: Program, verb: str, reason: str = "SCADA导出核对无误", **more: str) -> int:
    with transaction(sender.settings, CITY, worker=True) as session:
        wanted = (
            "select id, begin_at, end_at from backfill_request where enterprise_id = :e and state in ('asked', 'noted')"
        )
        found = session.execute(text(wanted), {"e": sender.enterprise_id}).one()
    form = {"reason": reason, "begin": found.begin_at.isoformat(), "end": found.end_at.isoformat()} | more
    return city.post(f"/intake/backfill/{found.id}/{verb}", data=form).status_code


def released(settings: Settings) -> str:
    def work(session: Session) -> str:
        return release_approved(session, utc_now())

    with transaction(settings, CITY, worker=True) as session:
        return work(session)


@pytest.mark.clause("7.2.3.1-t_2")
def test_what_is_late_by_weeks_is_taken_by_request_and_later_ones_wait(sender: Program) -> None:
    answer = sender.records("RT", days_ago(3), days_ago(10), days_ago(140), days_ago(141), days_ago(7 * 365)).json
    assert (answer["accepted"], answer["rejected"], answer["held"]) == (2, 3, 2)
    assert [each["code"] for each in answer["rejections"]] == ["E_TOO_OLD"] * 3
    assert ["待审批" in each["message"] for each in answer["rejections"]] == [True, True, False]
    assert [each[0] for each in stored(sender, "flag")] == [1, 0]
    with transaction(sender.settings, CITY, worker=True) as session:
        wanted = "select state, opened_how from backfill_request where enterprise_id = :e order by state"
        found = session.execute(text(wanted), {"e": sender.enterprise_id}).all()
    assert [tuple(each) for each in found] == [("asked", "delivery"), ("noted", "delivery")]


def test_approved_readings_are_stored_back_filled_under_their_first_receipt(sender: Program, city: FlaskClient) -> None:
    body = json.dumps({"records": [days_ago(140), days_ago(141, value=301.0), days_ago(140)]}).encode()
    first = sender.push("RT", body, "late-1").json
    assert (first["accepted"], first["held"]) == (0, 3)
    again = sender.push("RT", body, "late-1").json
    assert (again["replayed"], again["held"], again["receipt_id"]) == (True, 3, first["receipt_id"])
    assert released(sender.settings) == "0 batches, 0 rows" and sender.count(WAITING) == 3
    page = city.get(f"/intake/receipts/{first['receipt_id']}").text
    assert "待审批的读数" in page and "待审批条数" in page
    assert decide(city, sender, "approve") == 302
    assert released(sender.settings) == "1 batches, 3 rows" and released(sender.settings) == "0 batches, 0 rows"
    assert stored(sender, "flag, value, quality, receipt_id") == [
        (1, 301.0, 192, first["receipt_id"]), (1, 300.0, 192, first["receipt_id"]),
    ]  # fmt: skip
    with transaction(sender.settings, CITY, worker=True) as session:
        wanted = "select rows_left, accepted, duplicate, rejected from backfill_held where enterprise_id = :e"
        assert tuple(session.execute(text(wanted), {"e": sender.enterprise_id}).one()) == (0, 2, 1, 0)
    assert sender.count("select count(*) from audit_entry where enterprise_id = :e and action = 'backfill.approve'") == 1
    assert (
        sender.count(
            "select count(*) from rollup_due where hour < now() - interval '30 days'"
        )
        > 0
    )
    assert sender.records("RT", days_ago(140, 1)).json["rejected"] == 1
    assert sender.records("RT", days_ago(141, 1), days_ago(140)).json["rejected"] == 0


def test_refused_readings_are_kept_and_a_later_approval_lets_them_in(sender: Program, city: FlaskClient) -> None:
    sender.records("RT", days_ago(145), days_ago(146))
    assert decide(city, sender, "refuse", "无原始记录佐证") == 302
    assert released(sender.settings) == "0 batches, 0 rows" and sender.count(WAITING) == 2 and not stored(sender, "ts")
    assert sender.records("RT", days_ago(145, 30)).json["held"] == 1
    assert decide(city, sender, "approve") == 302
    assert released(sender.settings) == "1 batches, 1 rows"
    assert sender.count(WAITING) == 2 and len(stored(sender, "ts")) == 1


def test_a_refused_span_is_no_longer_taken_by_request(sender: Program, city: FlaskClient) -> None:
    assert sender.records("RT", days_ago(10), days_ago(9)).json["accepted"] == 2
    assert decide(city, sender, "refuse", "该时段已封账") == 302
    answer = sender.records("RT", days_ago(9, -10), days_ago(5)).json
    assert (answer["accepted"], answer["held"]) == (1, 1)


def test_a_decision_needs_a_reason_and_the_span_that_was_seen(sender: Program, city: FlaskClient) -> None:
    sender.records("RT", days_ago(145))
    number = sender.count(FIRST)
    assert decide(city, sender, "approve", " ") == 422
    seen = (TODAY - timedelta(days=144)).isoformat() + "T00:00:00+00:00"
    assert decide(city, sender, "approve", end=seen) == 409
    assert decide(city, sender, "approve", end="x") == 422
    assert decide(city, sender, "approve") == 302
    form = {"reason": "again", "begin": seen, "end": seen}
    assert city.post(f"/intake/backfill/{number}/refuse", data=form).status_code == 409
    assert city.get("/intake/backfill/999999999999").status_code == 404
    assert city.get("/intake/backfill?state=asked&before=99999999999999999999").status_code == 200


def test_an_enterprise_asks_ahead_explains_and_withdraws_but_never_decides(
    app: Flask, sender: Program, city: FlaskClient, committed: Committed
) -> None:
    def log_in(session: Session, enterprise_id: int) -> FlaskClient:
        person = make_person(session, app, role=Role.ENTERPRISE_MANAGER, enterprise_id=enterprise_id)
        return browser_of(session, app, person)

    own = committed(lambda session: log_in(session, sender.enterprise_id))
    begin, end = TODAY - timedelta(days=90), TODAY - timedelta(days=80)
    form = {"begin": f"{begin}T00:00", "end": f"{end}T00:00", "reason": "站控系统迁移，历史数据补录"}
    assert own.post("/intake/backfill", data=form | {"end": f"{TODAY + timedelta(days=9)}T00:00"}).status_code == 422
    assert own.post("/intake/backfill", data=form).status_code == 302
    assert own.post("/intake/backfill", data=form).status_code == 302
    number = sender.count(FIRST)
    assert own.post(f"/intake/backfill/{number}/approve", data={"reason": "ja"}).status_code == 403
    assert own.post(f"/intake/backfill/{number}/explain", data={"reason": "迁移完成"}).status_code == 302
    assert own.post(f"/intake/backfill/{number + 1}/withdraw").status_code == 302
    assert city.post("/intake/backfill", data=form).status_code == 403
    assert "迁移完成" in city.get(f"/intake/backfill/{number}").text
    assert decide(city, sender, "approve") == 302
    assert sender.records("RT", days_ago(85)).json["accepted"] == 1
    assert sender.records("RT", days_ago(79)).json["held"] == 1
    page = own.get("/intake/backfill").text
    assert "待审批" in page and "已批准补传" in page and "已撤回申请" in page
    other = Program(app, sender.settings, Path(sender.signer.queue_path).parent)
    stranger = committed(lambda session: log_in(session, other.enterprise_id))
    assert stranger.get(f"/intake/backfill/{number}").status_code == 404
    assert "补传申请待审批" in city.get("/intake").text


def test_what_is_wrong_is_refused_at_once_and_never_waits(sender: Program) -> None:
    wrong = [
        days_ago(140) | {"point": "NONE"},
        days_ago(140) | {"v": 1e13},
        days_ago(140) | {"q": 7},
        days_ago(140) | {"t": "x"},
    ]
    answer = sender.records("RT", *wrong).json
    assert sorted(each["code"] for each in answer["rejections"]) == ["E_DICT", "E_RANGE", "E_TIME", "E_UNKNOWN_OBJECT"]
    assert "held" not in answer and sender.count(WAITING) == 0


def test_columns_wait_as_rows_do(sender: Program) -> None:
    at = int(datetime.fromisoformat(days_ago(150)["t"]).timestamp() * 1000)
    body = {
        "points": [POINT],
        "p": [0, 0, 0],
        "t": [at, at + 60_000, round(utc_now().timestamp() * 1000)],
        "v": [1.0, 2.0, 3.0],
    }
    answer = sender.push("RT", json.dumps(body).encode()).json
    assert (answer["accepted"], answer["held"]) == (1, 2)
    assert [each["row"] for each in answer["rejections"]] == [0, 1]


def asked(sender: Program, **more: Any) -> dict[str, Any]:
    begin, end = TODAY - timedelta(days=160), TODAY - timedelta(days=151)
    zone = "T00:00:00+08:00"
    return {"begin": f"{begin}{zone}", "end": f"{end}{zone}", "reason": "站控系统迁移"} | more


def post(sender: Program, path: str, body: dict[str, Any] | None = None) -> Any:
    return sender.call("POST", f"/api/v1/backfill{path}", b"" if body is None else json.dumps(body).encode())


def test_a_program_asks_ahead_and_its_readings_are_taken_once_approved(
    app: Flask, sender: Program, city: FlaskClient
) -> None:
    released(sender.settings)  # what other tests left approved
    first, again = post(sender, "", asked(sender)), post(sender, "", asked(sender))
    assert (first.status_code, again.status_code) == (201, 200) and first.json["id"] == again.json["id"]
    assert (first.json["state"], first.json["opened_how"], first.json["waiting"]) == ("asked", "program", 0)
    number = first.json["id"]
    assert sender.signer.app_id in city.get(f"/intake/backfill/{number}").text
    held = sender.records("RT", days_ago(155)).json
    assert held["held"] == 1
    assert post(sender, f"/{number}/reason", {"reason": "迁移日志见附件"}).json["reason"] == "迁移日志见附件"
    assert sender.count("select count(*) from backfill_request where enterprise_id = :e and state = 'asked'") == 2
    form = {"reason": "已核对", "begin": first.json["begin"], "end": first.json["end"]}
    assert city.post(f"/intake/backfill/{number}/approve", data=form).status_code == 302
    assert released(sender.settings) == "1 batches, 1 rows"
    assert sender.records("RT", days_ago(156)).json["accepted"] == 1
    shown = sender.call("GET", f"/api/v1/backfill/{number}").json
    assert (shown["state"], shown["decision"], shown["batches"][0]["accepted"]) == ("approved", "已核对", 1)
    receipt = sender.call("GET", f"/api/v1/receipts/{held['receipt_id']}").json
    assert (receipt["rejected"], receipt["backfill"]["accepted"], receipt["backfill"]["waiting"]) == (1, 1, 0)
    listed = sender.call("GET", "/api/v1/backfill?state=approved").json
    assert [each["id"] for each in listed["requests"]] == [number] and listed["next"] is None
    assert post(sender, f"/{number}/withdrawal").status_code == 409
    other = Program(app, sender.settings, Path(sender.signer.queue_path).parent)
    assert other.call("GET", "/api/v1/backfill").json["requests"] == []
    for method, path in (("GET", ""), ("POST", "/withdrawal")):
        assert other.call(method, f"/api/v1/backfill/{number}{path}").status_code == 404


def test_what_a_program_asks_wrongly_is_refused_with_the_reason(sender: Program) -> None:
    wrong = [
        ({"reason": "x"}, 400), ({"begin": "gestern"}, 400), ({"begin": asked(sender)["end"]}, 422),
        ({"end": "2999-01-01T00:00:00+08:00"}, 422), ({"begin": "2001-01-01T00:00:00Z"}, 422),
        ({"more": 1}, 400), ({"reason": "   "}, 422),
    ]  # fmt: skip
    for change, status in wrong:
        answer = post(sender, "", asked(sender, **change))
        assert (answer.status_code, bool(answer.json["detail"])) == (status, True), change
    assert sender.call("GET", "/api/v1/backfill?state=x").status_code == 400
    assert sender.count("select count(*) from backfill_request where enterprise_id = :e") == 0
    number = post(sender, "", asked(sender)).json["id"]
    assert post(sender, f"/{number}/withdrawal").json["state"] == "withdrawn"
    assert post(sender, "", asked(sender)).json["id"] > number
    app_id, key = sender.signer.app_id, sender.signer.key.decode()
    with serving(sender.app) as port:
        program = Client(f"http://127.0.0.1:{port}", app_id, key, sender.signer.queue_path)
        again = program.ask_backfill(**asked(sender))
        pages = program.backfill_requests()
    assert again.status == 200 and [len(each.body["requests"]) for each in pages] == [2]
