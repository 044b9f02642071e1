"""The adapter API against PostGIS: signatures, batches, receipts, and every kind of bad input."""

from __future__ import annotations

import gzip
import itertools
import json
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import zstandard
from flask import Flask
from sqlalchemy import text
from werkzeug.test import TestResponse

from ingestion_adapters.client import Client
from ingestion_adapters.http.docs_page import SAMPLES
from portal.accounts.keys import make_key
from portal.accounts.models import Enterprise
from portal.config import Settings
from portal.core.actor import CITY, cli_actor
from portal.core.clock import utc_now
from portal.core.db import transaction

_numbers = itertools.count(1)
PIPE, NODE = SAMPLES["Pipe"], SAMPLES["Node"]


class Program:
    """An enterprise's program that signs like the shipped client and calls the application directly."""

    def __init__(self, app: Flask, settings: Settings, folder: Path) -> None:
        self.app, self.settings = app, settings
        word = secrets.token_hex(5).upper().replace("I", "1").replace("O", "0")
        with transaction(settings, CITY, worker=True) as session:
            own = Enterprise(uscc=f"9199{word}0000", name=f"试验{word}", short_name=f"T{word}", kind=1)
            session.add(own)
            session.flush()
            self.enterprise_id, self.uscc = own.id, own.uscc
            key = make_key(session, own.id, settings=settings, now=utc_now(), actor=cli_actor())
        self.signer = Client("http://localhost", key.app_id, key.key, folder / f"{word}.db")

    def call(self, method: str, path: str, body: bytes = b"", **headers: str) -> TestResponse:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        signed = self.signer.headers(method, path, body) | {"Content-Type": "application/json"} | given
        return self.app.test_client().open(path, method=method, data=body, headers=signed)

    def push(self, dataset: str, body: bytes, batch: str = "", **headers: str) -> TestResponse:
        batch = batch or f"b{next(_numbers)}-{secrets.token_hex(4)}"
        return self.call("POST", f"/api/v1/ingest/{dataset}", body, **{"X-Batch-Id": batch} | headers)

    def records(self, dataset: str, *records: dict[str, Any], batch: str = "") -> TestResponse:
        return self.push(dataset, json.dumps({"records": list(records)}).encode(), batch)

    def count(self, sql: str) -> int:
        with transaction(self.settings, CITY, worker=True) as session:
            return int(session.scalar(text(sql), {"e": self.enterprise_id}) or 0)


@pytest.fixture
def program(app: Flask, settings: Settings, tmp_path: Path) -> Program:
    """Give a program of a new enterprise."""
    return Program(app, settings, tmp_path)


@pytest.fixture
def metered(program: Program) -> Program:
    """Give a program whose enterprise has a station with one point."""
    answer = program.records("NET", NODE, NODE | {"src_code": "J0002"}, SAMPLES["Station"], SAMPLES["Point"])
    assert (answer.status_code, answer.json["accepted"]) == (200, 4), answer.json
    return program


def reading(seconds_ago: float = 5, value: float = 300.0, **more: Any) -> dict[str, Any]:
    at = datetime.now(UTC) - timedelta(seconds=seconds_ago)
    return {"point": "MZ01.PT101", "t": at.isoformat(timespec="milliseconds"), "v": value} | more


def test_a_network_comes_in_and_comes_in_again(program: Program) -> None:
    rows = [
        NODE,
        NODE | {"src_code": "J0002"},
        PIPE,
        SAMPLES["Valve"],
        SAMPLES["Regulator"],
        SAMPLES["Station"],
        SAMPLES["Point"],
    ]
    first = program.records("NET", *rows, batch="net-1")
    assert first.status_code == 200, first.json
    assert (first.json["accepted"], first.json["duplicate"], first.json["rejected"]) == (7, 0, 0)
    length = program.count("select round(length_m) from gas_pipe where enterprise_id = :e")
    assert length == 140
    again = program.records("NET", *rows, batch="net-2")
    assert (again.json["accepted"], again.json["duplicate"]) == (0, 7)
    moved = program.records("NET", NODE | {"name": "改名"})
    assert moved.json["accepted"] == 1
    assert program.count("select count(*) from gas_node_history where enterprise_id = :e") == 1


def test_users_profile_and_days(program: Program) -> None:
    program.records("NET", NODE, NODE | {"src_code": "J0002"}, SAMPLES["Regulator"])
    users = program.records("USR", SAMPLES["User"], SAMPLES["User"] | {"user_no": "U2", "regulator": "NONE"})
    assert (users.json["accepted"], users.json["rejections"][0]["code"]) == (1, "E_UNKNOWN_OBJECT")
    profile = SAMPLES["Enterprise"] | {"uscc": program.uscc}
    assert program.records("ENT", profile).json["accepted"] == 1
    foreign = program.records("ENT", SAMPLES["Enterprise"])
    assert (foreign.status_code, foreign.json["rejections"][0]["code"]) == (422, "E_NOT_YOURS")
    assert program.records("DAY", SAMPLES["DailySupply"]).json["accepted"] == 1
    changed = program.records("DAY", SAMPLES["DailySupply"] | {"sold_m3": 1.0})
    assert changed.json["accepted"] == 1
    ahead = program.records("DAY", SAMPLES["DailySupply"] | {"gas_day": "2099-01-01"})
    assert ahead.json["rejections"][0]["code"] == "E_FUTURE"
    assert program.count("select count(*) from daily_supply where enterprise_id = :e") == 1


def test_alarms_are_raised_once(metered: Program) -> None:
    alarm = SAMPLES["AlarmPush"] | {"raised_at": datetime.now(UTC).isoformat()}
    assert metered.records("ALM", alarm).json["accepted"] == 1
    assert metered.records("ALM", alarm).json["duplicate"] == 1
    lost = metered.records("ALM", alarm | {"alarm_no": "x", "point": "NONE"})
    assert lost.json["rejections"][0]["code"] == "E_UNKNOWN_OBJECT"
    assert metered.count("select count(*) from alarm where enterprise_id = :e") == 1


def test_readings_are_judged_row_by_row(metered: Program) -> None:
    rows = [
        reading(10), reading(8, value=1e15), reading(-1000), reading(3000 * 86400), reading(6, q=7), reading(6, t="now"),
        {"point": "NONE", "t": 1780272000000, "v": 1.0}, {"point": "MZ01.PT101", "v": 1.0}, reading(7000),
    ]  # fmt: skip
    answer = metered.records("RT", *rows)
    assert answer.status_code == 200, answer.json
    assert (answer.json["accepted"], answer.json["rejected"]) == (2, 7)
    codes = {found["row"]: found["code"] for found in answer.json["rejections"]}
    assert codes == {
        1: "E_RANGE", 2: "E_FUTURE", 3: "E_TOO_OLD", 4: "E_DICT", 5: "E_TIME", 6: "E_UNKNOWN_OBJECT", 7: "E_SCHEMA",
    }  # fmt: skip
    detail = metered.call("GET", f"/api/v1/receipts/{answer.json['receipt_id']}")
    assert len(detail.json["rejections"]) == 7 and detail.json["rejections"][0]["raw"]
    late = metered.count("select sum(late) from intake_hour where enterprise_id = :e and dataset = 'RT'")
    assert late == 1


def test_readings_in_every_form_are_the_same(metered: Program) -> None:
    at = round((datetime.now(UTC) - timedelta(seconds=30)).timestamp() * 1000)
    rows = [{"point": "MZ01.PT101", "t": at, "v": 1.5}, {"point": "MZ01.PT101", "t": at + 1000, "v": 2.5}]
    bodies: list[tuple[bytes, str]] = [
        (json.dumps({"records": rows}).encode(), "application/json"),
        (
            b"\xef\xbb\xbf"
            + json.dumps({"points": ["MZ01.PT101"], "p": [0, 0], "t": [at, at + 1000], "v": [1.5, 2.5]}).encode(),
            "application/json",
        ),
        ("\n".join(map(json.dumps, rows)).encode(), "application/x-ndjson"),
        (f"point,t,v\nMZ01.PT101,{at},1.5\nMZ01.PT101,{at + 1000},2.5\n".encode(), "text/csv"),
    ]
    for place, (body, kind) in enumerate(bodies):
        for packed, encoding in ((body, "identity"), (gzip.compress(body), "gzip"), (zstandard.compress(body), "zstd")):
            answer = metered.push("RT", packed, Content_Type=kind, Content_Encoding=encoding)
            first = place == 0 and encoding == "identity"
            wanted = (200, 2 if first else 0, 0 if first else 2)
            assert (answer.status_code, answer.json["accepted"], answer.json["duplicate"]) == wanted, answer.json
    assert (
        metered.count("select count(*) from reading where point_id = (select id from point where enterprise_id = :e)")
        == 2
    )
    latest = "select value * 10 from latest where point_id = (select id from point where enterprise_id = :e)"
    assert metered.count(latest) == 25


def test_the_first_value_of_a_reading_stays(metered: Program) -> None:
    row = reading()
    metered.records("RT", row)
    answer = metered.records("RT", row | {"v": 1.0}, reading(1, value=2.0))
    assert (answer.json["accepted"], answer.json["duplicate"]) == (1, 1)


def test_a_batch_counts_once(metered: Program) -> None:
    row = reading()
    first = metered.records("RT", row, {"point": "?", "t": 0, "v": 0}, batch="same")
    again = metered.records("RT", row, {"point": "?", "t": 0, "v": 0}, batch="same")
    assert again.json == first.json | {"replayed": True} and again.status_code == 200
    other = metered.records("RT", reading(1), batch="same")
    assert (other.status_code, other.json["code"]) == (409, "E_BATCH_CONFLICT")
    assert other.content_type == "application/problem+json"
    assert metered.count("select count(*) from receipt where enterprise_id = :e and batch_id = 'same'") == 2
    assert (
        metered.count(
            "select count(*) from receipt where enterprise_id = :e and batch_id = 'same' and status = 'taken'"
        )
        == 1
    )


def test_twenty_copies_at_once_have_one_effect(metered: Program) -> None:
    body = json.dumps({"records": [reading(n) for n in range(1, 50)]}).encode()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: metered.push("RT", body, "copies"), range(20)))
    assert {answer.status_code for answer in answers} == {200}
    assert sum("replayed" not in answer.json for answer in answers) == 1
    assert metered.count("select count(*) from receipt where enterprise_id = :e and batch_id = 'copies'") == 1


def test_wrong_signatures_say_nothing_and_leave_nothing(metered: Program) -> None:
    path, body = "/api/v1/ingest/RT", json.dumps({"records": [reading()]}).encode()
    before = metered.count("select count(*) from receipt where enterprise_id = :e")
    good = metered.signer.headers("POST", path, body) | {"X-Batch-Id": "w", "Content-Type": "application/json"}
    client = metered.app.test_client()
    wrong = [
        {name: value for name, value in good.items() if name != missing}
        for missing in ("X-App-Id", "X-Timestamp", "X-Nonce", "X-Sign-Alg", "X-Sign")
    ]
    wrong += [
        good | change
        for change in ({"X-App-Id": "nobody"}, {"X-Sign": "0" * 64}, {"X-Sign-Alg": "SM2-SM3"}, {"X-Nonce": "é" * 20})
    ]
    titles = set()
    for headers in wrong:
        answer = client.post(path, data=body, headers=headers)
        assert (answer.status_code, answer.json["code"]) == (401, "E_SIGN")
        titles.add((answer.json["title"], answer.json["detail"]))
    assert len(titles) == 1
    assert client.post(path, data=body + b" ", headers=good).json["code"] == "E_SIGN"
    assert client.post(path + "?x=1", data=body, headers=good).json["code"] == "E_SIGN"
    metered.signer.offset_ms = -400_000
    skewed = metered.push("RT", body)
    metered.signer.offset_ms = 0
    assert (skewed.status_code, skewed.json["code"]) == (401, "E_WINDOW") and skewed.json["server_time"]
    assert metered.count("select count(*) from receipt where enterprise_id = :e") == before


def test_a_nonce_is_used_once(metered: Program) -> None:
    path, body = "/api/v1/ingest/RT", json.dumps({"records": [reading()]}).encode()
    headers = metered.signer.headers("POST", path, body) | {"X-Batch-Id": "n", "Content-Type": "application/json"}
    client = metered.app.test_client()
    assert client.post(path, data=body, headers=headers).status_code == 200
    answer = client.post(path, data=body, headers=headers)
    assert (answer.status_code, answer.json["code"]) == (401, "E_REPLAY")


def test_keys_can_be_cut_off(metered: Program, committed: Callable[..., object]) -> None:
    from ingestion_adapters.http import auth

    committed(
        lambda s: s.execute(
            text("update api_key set revoked_at = now() where app_id = :a"), {"a": metered.signer.app_id}
        )
    )
    auth._keys.clear()
    assert metered.call("GET", "/api/v1/orders").json["code"] == "E_SIGN"


BOMB = gzip.compress(bytes(80 * 1024 * 1024), 1)
GOOD = b'{"records":[]}'


@pytest.mark.parametrize(
    ("body", "headers", "status", "code"),
    [
        (b"{", {}, 400, "E_SCHEMA"),
        (b"", {}, 400, "E_SCHEMA"),
        (b"[]", {}, 400, "E_SCHEMA"),
        (b'{"records":{}}', {}, 400, "E_SCHEMA"),
        (b'{"records":[{"point":"a","t":1,"v":NaN}]}', {}, 400, "E_SCHEMA"),
        (b'{"records":[{"point":"a","t":1,"v":1e999}]}', {}, 400, "E_SCHEMA"),
        (b'{"records":' + b"[" * 5000 + b"]" * 5000 + b"}", {}, 400, "E_SCHEMA"),
        (b'{"records":[{"point":"\xff"}]}', {}, 400, "E_SCHEMA"),
        (b'{"points":["a"],"p":[0,1],"t":[1],"v":[1]}', {}, 400, "E_SCHEMA"),
        (b'{"points":["a"],"p":[1],"t":[1],"v":[1]}', {}, 400, "E_SCHEMA"),
        (b'{"points":["a"],"p":[-1],"t":[1],"v":[1]}', {}, 400, "E_SCHEMA"),
        (gzip.compress(GOOD, mtime=0)[:-6], {"Content_Encoding": "gzip"}, 400, "E_SCHEMA"),
        (b"no gzip", {"Content_Encoding": "gzip"}, 400, "E_SCHEMA"),
        (zstandard.compress(GOOD * 900)[:-4], {"Content_Encoding": "zstd"}, 400, "E_SCHEMA"),
        (BOMB, {"Content_Encoding": "gzip"}, 413, "E_QUOTA"),
        (zstandard.compress(bytes(90 * 1024 * 1024)), {"Content_Encoding": "zstd"}, 413, "E_QUOTA"),
        (b" " * (11 * 1024 * 1024), {}, 413, "E_QUOTA"),
        (GOOD, {"Content_Encoding": "br"}, 415, "E_SCHEMA"),
        (GOOD, {"Content_Type": "text/plain"}, 415, "E_SCHEMA"),
        ("point,t,v\n测点,1,2\n".encode("gbk"), {"Content_Type": "text/csv"}, 400, "E_SCHEMA"),
        (b"point,t,v\na,1,\x00\n", {"Content_Type": "text/csv"}, 400, "E_SCHEMA"),
        (b"point,point\na,b\n", {"Content_Type": "text/csv"}, 400, "E_SCHEMA"),
        (b'{"point":1}\n{', {"Content_Type": "application/x-ndjson"}, 400, "E_SCHEMA"),
        (GOOD, {"X_Batch_Id": "with blank"}, 400, "E_SCHEMA"),
        (GOOD, {"X_Batch_Id": "x" * 65}, 400, "E_SCHEMA"),
    ],
)  # fmt: skip
def test_bad_bodies_leave_only_a_receipt(
    metered: Program, body: bytes, headers: dict[str, str], status: int, code: str
) -> None:
    before = metered.count("select count(*) from receipt where enterprise_id = :e and status = 'refused'")
    batch = headers.pop("X_Batch_Id", "") if "X_Batch_Id" in headers else ""
    answer = metered.push("RT", body, batch, **headers)
    if batch:
        headers["X_Batch_Id"] = batch
    assert (answer.status_code, answer.json["code"]) == (status, code), answer.json
    assert answer.json["detail"] and answer.content_type == "application/problem+json"
    after = metered.count("select count(*) from receipt where enterprise_id = :e and status = 'refused'")
    assert after == before + 1


@pytest.mark.parametrize(
    ("row", "code"),
    [
        (PIPE | {"to_node": "NONE"}, "E_UNKNOWN_OBJECT"),
        (PIPE | {"geom": {"type": "LineString", "coordinates": [[104.0, 30.0], [104.2, 30.2], [104.2, 30.0], [104.0, 30.2]]}}, "E_GEOMETRY"),  # noqa: E501
        (PIPE | {"geom": {"type": "LineString", "coordinates": []}}, "E_GEOMETRY"),
        (NODE | {"lon": 514321.2, "lat": 3391234.5}, "E_CRS"),
        (NODE | {"lon": 30.6, "lat": 104.0}, "E_CRS"),
        (NODE | {"name": "a\x00"}, "E_SCHEMA"),
        (NODE | {"kind": 77}, "E_DICT"),
        (NODE | {"elevation_m": 1e308, "status": 2**40}, "E_DICT"),
        ("text", "E_SCHEMA"),
        (None, "E_SCHEMA"),
    ],
)  # fmt: skip
def test_bad_objects_are_refused_one_by_one(metered: Program, row: Any, code: str) -> None:
    answer = metered.records("NET", row, NODE)
    assert (answer.status_code, answer.json["rejected"]) == (200, 1), answer.json
    assert answer.json["rejections"][0]["code"] == code and answer.json["rejections"][0]["message"]
    alone = metered.records("NET", row)
    assert alone.status_code == 422 and "receipt_id" in alone.json


def test_repeated_codes_are_told(program: Program) -> None:
    answer = program.records("NET", NODE, NODE)
    assert answer.json["rejections"][0]["code"] == "E_DUPLICATE_KEY"


def test_messages_follow_the_language(program: Program) -> None:
    body = json.dumps({"records": [NODE | {"kind": 77}]}).encode()
    english = program.push("NET", body, Accept_Language="en").json["rejections"][0]["message"]
    chinese = program.push("NET", body, Accept_Language="zh-CN").json["rejections"][0]["message"]
    assert english.isascii() and not chinese.isascii()
    assert program.push("NET", b"{", Accept_Language="en").json["title"].isascii()
    assert not program.push("NET", b"{").json["title"].isascii()


def test_receipts_are_read_back_page_by_page_and_only_ones_own(
    metered: Program, app: Flask, settings: Settings, tmp_path: Path
) -> None:
    bad = [{"point": f"x{n}", "t": 1, "v": 1} for n in range(1500)]
    answer = metered.records("RT", *bad)
    assert answer.status_code == 422 and len(answer.json["rejections"]) == 1000
    path, seen, following = f"/api/v1/receipts/{answer.json['receipt_id']}", 0, 0
    while following is not None:
        page = metered.call("GET", f"{path}?after={following}").json
        seen, following = seen + len(page["rejections"]), page["next"]
    assert seen == 1500
    other = Program(app, settings, tmp_path)
    assert other.call("GET", path).status_code == 404
    assert other.call("GET", "/api/v1/receipts").json["receipts"] == []
    since = (datetime.now(UTC) - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert len(metered.call("GET", f"/api/v1/receipts?since={since}").json["receipts"]) == 2
    for query in ("since=never", "after=-1", "after=x", "after=" + "9" * 30):
        assert metered.call("GET", f"/api/v1/receipts?{query}").status_code == 400
    assert metered.call("GET", "/api/v1/receipts/" + "9" * 30).status_code == 404


def test_the_day_can_be_reconciled(metered: Program) -> None:
    from portal.core.clock import local

    body = json.dumps({"records": [reading()]}).encode()
    metered.push("RT", body)
    day = local(utc_now()).date().isoformat()
    lines = metered.call("GET", f"/api/v1/reconciliation?date={day}").json["datasets"]
    line = next(each for each in lines if each["dataset"] == "RT")
    from ingestion_adapters.signing import sm3_hex

    assert (line["rows"], line["accepted"], line["sm3"]) == (1, 1, sm3_hex(sm3_hex(body).encode()))
    assert metered.call("GET", "/api/v1/reconciliation?date=2026-13-01").status_code == 400
    assert metered.call("GET", "/api/v1/reconciliation").status_code == 400


def test_orders_and_unknown_addresses(metered: Program) -> None:
    assert metered.call("GET", "/api/v1/orders").json["orders"] == []
    assert metered.call("POST", "/api/v1/orders/999999999/replies", b'{"text":"done"}').status_code == 404
    assert metered.call("POST", "/api/v1/orders/1/replies", b"[]").status_code == 400
    assert metered.records("XYZ", {}).status_code == 404
    assert metered.call("GET", "/api/v1/ingest/RT").status_code == 405


def test_the_documents_are_open(app: Flask) -> None:
    client = app.test_client()
    found = client.get("/api/v1/openapi.json")
    assert found.json["openapi"] == "3.1.0" and '"$ref": "http' not in found.text
    assert client.get("/api/v1/docs").status_code == 200
