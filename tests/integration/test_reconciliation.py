"""Sent equals received over the adapter API, and findings read and answered by an enterprise's program."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.orm import Session

from ingestion_adapters.client import Client
from ingestion_adapters.quality.engine import judge_day
from ingestion_adapters.quality.ruleset import install_rules
from portal.config import Settings
from portal.core.clock import local, utc_now
from tests.factories import make_point
from tests.integration.test_intake_api import NODE, Program
from tests.integration.test_intake_client import serving
from tests.integration.test_quality import hours
from tests.people import browser_of, make_person

Committed = Callable[..., object]


@pytest.fixture
def program(app: Flask, settings: Settings, tmp_path: Path) -> Program:
    """Give a program of a new enterprise."""
    return Program(app, settings, tmp_path)


@pytest.mark.clause("7.2.3.1-v")
def test_the_client_declares_what_it_sent_and_both_sides_see_a_lost_batch(
    app: Flask, program: Program, committed: Committed, tmp_path: Path
) -> None:
    with serving(app) as port:
        sender = program.signer
        client = Client(f"http://127.0.0.1:{port}", sender.app_id, sender.key.decode(), tmp_path / "kept.db")
        client.push("NET", [NODE])
        client.push("NET", [NODE | {"src_code": "J0002"}, {"type": "NOD"}])
        client.flush()
        today = local(utc_now()).date().isoformat()
        answer = client.declare(today)[0]
        assert (answer.status, answer.body["state"], answer.body["missing"]) == (201, "equal", [])
        assert answer.body["rows"] == 3 and answer.body["sent"]["batches"] == 2
        client.queue.note_sent(("lost-1", "NET", today, 5, "c" * 64))
        answer = client.declare(today)[0]
        assert (answer.body["state"], answer.body["missing"]) == ("differs", ["lost-1"])
        lines = client.get(f"/api/v1/reconciliation?date={today}").body["datasets"]
        assert [(line["state"], line["missing"]) for line in lines] == [("differs", ["lost-1"])]
        client.queue.close()

    def look(session: Session) -> object:
        return browser_of(session, app, make_person(session, app))

    browser = committed(look)
    page = browser.get(f"/intake/reconciliation?day={today}&enterprise={program.enterprise_id}").text  # type: ignore[attr-defined]
    assert "lost-1" in page and "不符" in page
    assert program.count("select count(*) from quality_due where day = (now() at time zone 'Asia/Shanghai')::date") == 1


@pytest.mark.parametrize(
    "more",
    [
        {"date": "2026-13-40"}, {"date": "0001-01-01"}, {"dataset": "XXX"}, {"batches": -1}, {"sm3": "zz"}, {"rows": 1.5},
        {"batch_ids": ["a b"]}, {"unknown": 1}, {"batch_ids": ["x"] * 20_001}, {"date": "２０２６-11-25"},
    ],
)  # fmt: skip
def test_a_malformed_declaration_is_refused(program: Program, more: dict[str, object]) -> None:
    said = {"date": "2026-11-25", "dataset": "RT", "batches": 1, "rows": 1, "sm3": "a" * 64} | more
    answer = program.call("POST", "/api/v1/reconciliation", json.dumps(said).encode())
    assert (answer.status_code, answer.json["code"]) == (400, "E_SCHEMA")
    assert program.count("select count(*) from reconciliation_claim where enterprise_id = :e") == 0


@pytest.mark.parametrize("days", [-401, 2])
def test_a_day_too_far_away_is_not_declared(program: Program, days: int) -> None:
    day = (local(utc_now()) + timedelta(days=days)).date().isoformat()
    said = {"date": day, "dataset": "RT", "batches": 1, "rows": 1, "sm3": "a" * 64}
    answer = program.call("POST", "/api/v1/reconciliation", json.dumps(said).encode())
    assert (answer.status_code, answer.json["code"]) == (400, "E_TIME")
    assert program.count("select count(*) from reconciliation_claim where enterprise_id = :e") == 0


def test_an_unsigned_declaration_is_refused(app: Flask) -> None:
    assert app.test_client().post("/api/v1/reconciliation", json={}).status_code == 401


def test_a_program_reads_its_findings_and_answers_them(program: Program, committed: Committed) -> None:
    day = local(utc_now()).date() - timedelta(days=1)

    def work(session: Session) -> None:
        from portal.accounts.models import Enterprise

        install_rules(session, utc_now())
        point = make_point(session, session.get_one(Enterprise, program.enterprise_id))
        hours(session, point, day - timedelta(days=1))
        hours(session, point, day, readings=2)
        session.execute(text("delete from rollup_due"))
        judge_day(session, day, utc_now())

    committed(work)
    found = program.call("GET", "/api/v1/quality/findings").json["findings"]
    mine = next(each for each in found if each["rule"] == "RT-EXPECTED")
    assert mine["state"] == "open" and mine["figures"]["good"] == 48
    path = f"/api/v1/quality/findings/{mine['id']}/replies"
    answer = program.call("POST", path, json.dumps({"text": "采集器断电，已更换电源"}).encode())
    assert (answer.status_code, answer.json["state"]) == (201, "answered")
    assert program.call("POST", path, b'{"text": ""}').status_code == 400
    assert program.call("POST", "/api/v1/quality/findings/999999999/replies", b'{"text": "ok"}').status_code == 404
    assert program.call("GET", "/api/v1/quality/findings?after=x").status_code == 400
