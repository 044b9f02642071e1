"""The sandbox judges as the live interface does, answers alike, and keeps nothing but a line of counts."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from ingestion_adapters.client import Client
from ingestion_adapters.http.docs_page import SAMPLES
from portal.accounts.keys import make_key
from portal.config import Settings
from portal.core.actor import CITY, cli_actor
from portal.core.clock import utc_now
from portal.core.db import transaction
from tests.integration.test_intake_api import Program, reading

TABLES = ("receipt", "rejection", "intake_hour", "gas_node", "gas_pipe", "daily_supply", "alarm", "raw_message")


class Apprentice(Program):
    """A program that holds a key of the sandbox beside its live one."""

    def __init__(self, app: Flask, settings: Settings, folder: Path) -> None:
        super().__init__(app, settings, folder)
        with transaction(settings, CITY, worker=True) as session:
            made = make_key(
                session, self.enterprise_id, settings=settings, now=utc_now(), actor=cli_actor(), sandbox=True
            )
        self.live = self.signer
        self.signer = Client("http://localhost", made.app_id, made.key, folder / "sandbox.db", sandbox=True)

    def attempt(self, dataset: str, body: bytes, batch: str = "b1", **headers: str) -> Any:
        return self.call("POST", f"/api/v1/sandbox/ingest/{dataset}", body, **{"X-Batch-Id": batch} | headers)

    def stored(self) -> dict[str, int]:
        return {table: self.count(f"select count(*) from {table} where enterprise_id = :e") for table in TABLES}


@pytest.fixture
def apprentice(app: Flask, settings: Settings, tmp_path: Path) -> Apprentice:
    """Give a program with a sandbox key."""
    return Apprentice(app, settings, tmp_path)


def rows(*records: dict[str, Any]) -> bytes:
    return json.dumps({"records": records}).encode()


def test_findings_of_the_sandbox_are_those_of_the_live_interface_and_nothing_stays(apprentice: Apprentice) -> None:
    node = SAMPLES["Node"]
    body = rows(node, node | {"src_code": "J2", "kind": 77}, {"type": "NOD"}, SAMPLES["Pipe"])
    before = apprentice.stored()
    tried = apprentice.attempt("NET", body)
    assert tried.status_code == 200, tried.json
    assert apprentice.stored() == before
    assert apprentice.count("select count(*) from sandbox_run where enterprise_id = :e and rejected = 3") == 1
    apprentice.signer = apprentice.live
    live = apprentice.push("NET", body, "b1")
    same = ("batch_id", "accepted", "duplicate", "rejected", "rejections")
    assert json.dumps([tried.json[name] for name in same]) == json.dumps([live.json[name] for name in same])
    assert tried.json["sandbox"] is True
    assert set(tried.json) - set(live.json) == {"sandbox"}


def test_readings_raise_no_alarm_and_no_latest_value(apprentice: Apprentice) -> None:
    keys, apprentice.signer = apprentice.signer, apprentice.live
    network = [SAMPLES["Node"], SAMPLES["Node"] | {"src_code": "J0002"}, SAMPLES["Station"], SAMPLES["Point"]]
    assert apprentice.records("NET", *network).json["accepted"] == 4
    apprentice.signer = keys
    before = apprentice.stored()
    tried = apprentice.attempt("RT", rows(reading(), reading(7, 9e9), reading(4000) | {"point": "x"}))
    assert (tried.json["accepted"], tried.json["rejected"]) == (2, 1), tried.json
    assert apprentice.stored() == before
    wanted = "select count(*) from latest l join point p on p.id = l.point_id where p.enterprise_id = :e"
    assert apprentice.count(wanted) == 0


def test_a_sandbox_key_opens_nothing_live_and_a_live_key_opens_the_sandbox(apprentice: Apprentice) -> None:
    refused = apprentice.records("DAY", SAMPLES["DailySupply"])
    assert (refused.status_code, refused.json["code"]) == (403, "E_SANDBOX_KEY")
    assert apprentice.call("GET", "/api/v1/receipts").status_code == 403
    assert apprentice.count("select count(*) from receipt where enterprise_id = :e") == 0
    apprentice.signer = apprentice.live
    assert apprentice.attempt("DAY", rows(SAMPLES["DailySupply"])).json["sandbox"] is True


def test_what_is_refused_whole_is_refused_alike_and_noted(apprentice: Apprentice) -> None:
    assert apprentice.attempt("DAY", b"{").status_code == 400
    assert apprentice.attempt("DAY", b"x" * 100, Content_Encoding="gzip").status_code == 400
    good = gzip.compress(rows(SAMPLES["DailySupply"]))
    assert apprentice.attempt("DAY", good, Content_Encoding="gzip").json["accepted"] == 1
    assert apprentice.count("select count(*) from sandbox_run where enterprise_id = :e and status = 400") == 2
    assert apprentice.count("select count(*) from sandbox_run where enterprise_id = :e and encoding = 'gzip'") == 2
    assert apprentice.count("select count(*) from receipt where enterprise_id = :e") == 0


def test_a_replayed_request_and_a_wrong_signature_are_refused_and_noted(apprentice: Apprentice) -> None:
    path, body = "/api/v1/sandbox/ingest/DAY", rows(SAMPLES["DailySupply"])
    signed = apprentice.signer.headers("POST", path, body) | {"Content-Type": "application/json", "X-Batch-Id": "b"}
    browser = apprentice.app.test_client()
    assert browser.post(path, data=body, headers=signed).status_code == 200
    assert browser.post(path, data=body, headers=signed).json["code"] == "E_REPLAY"
    wrong = apprentice.signer.headers("POST", path, body) | {"X-Sign": "0" * 64, "X-Batch-Id": "b"}
    for _ in range(3):
        assert browser.post(path, data=body, headers=wrong).json["code"] == "E_SIGN"
    for code in ("E_REPLAY", "E_SIGN"):
        found = apprentice.count(f"select count(*) from sandbox_run where enterprise_id = :e and code = '{code}'")
        assert found == 1, code


def test_a_key_turned_live_beside_the_portal_does_not_open(apprentice: Apprentice) -> None:
    with transaction(apprentice.settings, CITY, worker=True) as session:
        session.execute(text("update api_key set sandbox = false where app_id = :a"), {"a": apprentice.signer.app_id})
    assert apprentice.records("DAY", SAMPLES["DailySupply"]).json["code"] == "E_SIGN"
