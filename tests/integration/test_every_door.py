"""The same wrong rows get the same codes at every door: HTTP, MQTT, drop folder, upload page, scheduled pull."""

from __future__ import annotations

import csv
import io
import json
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from flask import Flask
from sqlalchemy import text

from ingestion_adapters.client import Client
from ingestion_adapters.dropbox import folder as drop_folder
from ingestion_adapters.dropbox import jobs as drop_jobs
from ingestion_adapters.files import jobs as upload_jobs
from ingestion_adapters.http.docs_page import SAMPLES
from ingestion_adapters.models import ImportJob, Rejection
from ingestion_adapters.mqtt_client import MqttClient
from ingestion_adapters.pull import jobs as pull_jobs
from ingestion_adapters.pull.models import PullRun, PullSource
from ingestion_adapters.pull.rules import allowed_from
from ingestion_adapters.pull.services import Wish, add_source
from portal.accounts.keys import make_key
from portal.accounts.rights import Role
from portal.config import Settings
from portal.core.actor import CITY, cli_actor
from portal.core.clock import utc_now
from portal.core.db import transaction
from tests.factories import make_enterprise, make_point
from tests.integration.test_pull import Theirs, answer
from tests.mosquitto import Mqtt
from tests.people import browser_of, make_person

pytestmark = pytest.mark.timeout(170)
Row = dict[str, Any]
Codes = list[tuple[int, str | None, str]]
NOW = datetime.now(UTC).replace(microsecond=0)
GOOD_T = (NOW - timedelta(minutes=10)).isoformat()
USER = {key: value for key, value in SAMPLES["User"].items() if key != "regulator"}
NODE, PIPE = SAMPLES["Node"], SAMPLES["Pipe"]
FLAT = {"type": "LineString", "coordinates": [[104.1, 30.6], [104.1, 30.6]]}


def reading(**more: Any) -> Row:
    return {"point": "ED1", "t": GOOD_T, "v": 2.0} | more


WRONG: dict[str, tuple[list[Row], Codes]] = {
    "RT": (
        [
            reading(),
            reading(v="x"),
            reading(q=999),
            reading(point="NONE"),
            reading(v=1e300),
            reading(t="yesterday"),
            reading(t=(NOW + timedelta(hours=1)).isoformat()),
            reading(t=(NOW - timedelta(days=365 * 7)).isoformat()),
            {"point": "ED1", "t": GOOD_T},
            reading(surplus="1"),
        ],
        [
            (1, "v", "E_SCHEMA"),
            (2, "q", "E_DICT"),
            (3, "point", "E_UNKNOWN_OBJECT"),
            (4, "v", "E_RANGE"),
            (5, "t", "E_TIME"),
            (6, "t", "E_FUTURE"),
            (7, "t", "E_TOO_OLD"),
            (8, "v", "E_SCHEMA"),
            (9, "surplus", "E_SCHEMA"),
        ],
    ),
    "USR": (
        [
            USER,
            USER | {"user_no": "E2", "lon": 500123.4},
            USER | {"user_no": "E3", "user_class": 9999},
            USER | {"user_no": "E4", "last_check": "1800-01-01"},
            USER | {"user_no": "E5", "regulator": "NONE"},
        ],
        [
            (1, "lon", "E_CRS"),
            (2, "user_class", "E_DICT"),
            (3, "last_check", "E_RANGE"),
            (4, "regulator", "E_UNKNOWN_OBJECT"),
        ],
    ),
    "ENT": ([SAMPLES["Enterprise"]], [(0, "uscc", "E_NOT_YOURS")]),
    "NET": (
        [NODE, NODE, NODE | {"src_code": "J0002"}, PIPE | {"geom": FLAT}],
        [(1, None, "E_DUPLICATE_KEY"), (3, "geom", "E_GEOMETRY")],
    ),
}
JSON_ONLY = ("NET",)


class Door:
    """A new enterprise and one way in."""

    name = ""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        with transaction(settings, CITY, worker=True) as session:
            own = make_enterprise(session)
            make_point(session, own, src_code="ED1")
            key = make_key(session, own.id, settings=settings, now=utc_now(), actor=cli_actor())
            self.id, self.uscc, self.app_id, self.key = own.id, own.uscc, key.app_id, key.key

    def codes(self, receipt_id: int) -> Codes:
        """Return the errors kept with a receipt, and check which door it names."""
        with transaction(self.settings, CITY, worker=True) as session:
            door = session.scalar(text("select door from receipt where id = :i"), {"i": receipt_id})
            rows = session.query(Rejection).filter_by(receipt_id=receipt_id, severity="error").order_by(Rejection.row)
            assert door == self.name
            return [(row.row, row.field, row.code) for row in rows]


def http(door: Door, app: Flask, tmp: Path, dataset: str, rows: list[Row]) -> Codes:
    signer = Client("http://localhost", door.app_id, door.key, tmp / f"{secrets.token_hex(4)}.db")
    body, path = json.dumps({"records": rows}).encode(), f"/api/v1/ingest/{dataset}"
    headers = signer.headers("POST", path, body) | {
        "Content-Type": "application/json",
        "X-Batch-Id": secrets.token_hex(4),
    }
    return door.codes(app.test_client().post(path, data=body, headers=headers).json["receipt_id"])


def over_mqtt(door: Door, mqtt: Mqtt, tmp: Path, dataset: str, rows: list[Row]) -> Codes:
    passwords, end = mqtt.data / "mqtt" / "passwords", time.monotonic() + 30
    while door.app_id not in passwords.read_text("utf-8"):
        assert time.monotonic() < end
        time.sleep(0.1)
    time.sleep(0.5)
    client = MqttClient(mqtt.address, door.uscc, door.app_id, door.key, tmp / f"{secrets.token_hex(4)}.db")
    client.push(dataset, rows)
    (given,) = client.flush(30)
    client.close()
    return door.codes(given.body["receipt_id"])


def cell(value: Any) -> Any:
    """Return a value as it stands in a table: lists as JSON text."""
    return json.dumps(value) if isinstance(value, list | dict) else value


def as_file(rows: list[Row], kind: str) -> bytes:
    if kind == "json":
        return json.dumps({"records": rows}).encode()
    names = list(dict.fromkeys(name for row in rows for name in row))
    lines = [names, *([cell(row.get(name, "")) for name in names] for row in rows)]
    if kind == "csv":
        out = io.StringIO()
        csv.writer(out).writerows(lines)
        return out.getvalue().encode("gb18030")
    book, raw = openpyxl.Workbook(), io.BytesIO()
    for line in lines:
        book.active.append(line)
    book.save(raw)
    return raw.getvalue()


def dropped(door: Door, dataset: str, rows: list[Row], kind: str) -> Codes:
    folder = door.settings.data_dir / "dropbox" / door.uscc
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{dataset}_x.{kind}").write_bytes(as_file(rows, kind))
    assert drop_jobs.take_folder(door.settings, drop_jobs.Owner(door.id, door.uscc), folder) == 1
    (receipt,) = folder.glob(f"*/*_{dataset}_x.{kind}.receipt.json")
    return door.codes(json.loads(receipt.read_text("utf-8"))["receipt_id"])


def uploaded(door: Door, app: Flask, dataset: str, rows: list[Row], kind: str) -> Codes:
    def work(session: Any) -> Any:
        return browser_of(session, app, make_person(session, app, Role.CITY_REGULATOR))

    with transaction(door.settings, CITY, worker=True) as session:
        officer = work(session)
    found = []
    for trial in ("1", "0"):
        files = {"files": (io.BytesIO(as_file(rows, kind)), f"x.{kind}")}
        form = {"enterprise": str(door.id), "dataset": dataset, "dry_run": trial, **files}
        sent = officer.post("/intake/upload", data=form, content_type="multipart/form-data")
        number = int(sent.location.rsplit("/", 1)[1])
        upload_jobs._take_in(door.settings, number)
        with transaction(door.settings, CITY, worker=True) as session:
            found.append(session.get_one(ImportJob, number))
    trial_job, job = found
    assert trial_job.receipt_id is None and trial_job.result["findings"] == job.result["findings"]
    assert officer.get(f"/intake/imports/{job.id}").status_code == 200
    return door.codes(job.receipt_id)


def pulled(door: Door, theirs: Theirs, dataset: str, rows: list[Row]) -> Codes:
    body = json.dumps({"records": rows, "next": "1"}).encode()
    theirs.odd = lambda handler: answer(handler, body)
    here = replace(door.settings, pull_hosts="127.0.0.1")
    with transaction(here, CITY, worker=True) as session:
        wish = Wish(door.id, dataset, theirs.url, 60)
        number = add_source(session, wish, settings=here, now=utc_now(), actor=cli_actor()).id
    with transaction(here, CITY, worker=True) as session:
        claimed = pull_jobs._as_claimed(session.get_one(PullSource, number), here)
    pull_jobs.pull_once(here, claimed, allowed_from("127.0.0.1"))
    with transaction(here, CITY, worker=True) as session:
        run = session.query(PullRun).filter_by(source_id=number).one()
    return door.codes(run.receipt_id or 0)


@pytest.fixture(scope="module")
def mqtt(database: dict[str, str], settings: Settings) -> Iterator[Mqtt]:
    """Give a broker with its worker."""
    made = Mqtt(database, Path(settings.data_dir))
    try:
        made.start()
        yield made
    finally:
        made.stop()


@pytest.fixture
def theirs() -> Iterator[Theirs]:
    """Give an enterprise's server."""
    made = Theirs()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.mark.clause("7.2.4.1-b", "6.2-d_1")
@pytest.mark.parametrize("dataset", list(WRONG))
def test_the_same_wrong_rows_get_the_same_codes_at_every_door(
    dataset: str,
    app: Flask,
    settings: Settings,
    mqtt: Mqtt,
    theirs: Theirs,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(drop_folder, "SETTLED_S", 0.0)
    rows, expected = WRONG[dataset]
    ways: dict[str, tuple[str, Callable[[Door], Codes]]] = {
        "http": ("http", lambda door: http(door, app, tmp_path, dataset, rows)),
        "mqtt": ("mqtt", lambda door: over_mqtt(door, mqtt, tmp_path, dataset, rows)),
        "pull": ("pull", lambda door: pulled(door, theirs, dataset, rows)),
    }
    for kind in ("json",) if dataset in JSON_ONLY else ("json", "csv", "xlsx"):
        ways[f"drop {kind}"] = ("drop", lambda door, kind=kind: dropped(door, dataset, rows, kind))
        ways[f"upload {kind}"] = ("upload", lambda door, kind=kind: uploaded(door, app, dataset, rows, kind))
    found = {}
    for way, (name, send) in ways.items():
        door = Door(settings)
        door.name = name
        found[way] = send(door)
    assert found == dict.fromkeys(ways, expected)
