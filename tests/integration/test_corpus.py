"""The whole corpus through every door: the right code, nothing stored but the receipt, never a fault, bounded memory."""

from __future__ import annotations

import http.client
import io
import json
import os
import secrets
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from ingestion_adapters.client import Client
from ingestion_adapters.mqtt.broker import password_of
from ingestion_adapters.mqtt.envelope import text_to_sign
from ingestion_adapters.pull.services import Wish, add_source
from ingestion_adapters.signing import sign, sm3_hex
from portal.accounts.keys import make_key
from portal.accounts.rights import Role
from portal.config import Settings
from portal.core.actor import CITY, cli_actor
from portal.core.clock import utc_now
from portal.core.db import transaction
from tests import corpus
from tests.corpus import Case
from tests.factories import make_enterprise, make_point
from tests.integration.test_mqtt import Raw, until
from tests.integration.test_pull import Theirs, answer
from tests.journeys.stack import ROOT, free_port
from tests.mosquitto import Mqtt
from tests.people import browser_of, make_person

pytestmark = pytest.mark.timeout(900)
MEMORY_MB = 512
MQTT_BYTES = 10 * corpus.MB - 4096
Send = Callable[[Case, bytes], int]
# What any delivery leaves behind: its receipt and what was wrong, that it was counted, and who asked.
LEFT_BEHIND = {"receipt", "rejection", "intake_hour", "audit_entry", "import_job", "pull_run", "pull_source"}


class Peak:
    """The highest resident memory of processes and of what they start, asked of the kernel while they work."""

    def __init__(self, *parents: int) -> None:
        self.parents, self.mb, self.ended = parents, 0.0, threading.Event()
        self.case = self.where = ""
        self.thread = threading.Thread(target=self._watch, daemon=True)
        self.thread.start()

    def _watch(self) -> None:
        while not self.ended.wait(0.02):
            for pid in self.parents:
                self._look(pid)

    def _look(self, pid: int) -> None:
        try:
            status = Path(f"/proc/{pid}/status").read_text("ascii", "replace")
            children = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii")
        except OSError:
            return
        line = next((each for each in status.splitlines() if each.startswith("VmHWM")), "VmHWM: 0")
        if (mb := int(line.split()[1]) / 1024) > self.mb:
            self.mb, self.where = mb, self.case
        for child in children.split():
            self._look(int(child))

    def end(self) -> None:
        """Stop looking; raise AssertionError when too much memory was taken."""
        self.ended.set()
        self.thread.join()
        sys.stdout.write(f"peak {self.mb:.0f} MB at {self.where}\n")
        assert self.mb < MEMORY_MB, f"{self.where} made it {self.mb:.0f} MB"


class Sender:
    """An enterprise that sends nothing but trouble."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        with transaction(settings, CITY, worker=True) as session:
            own = make_enterprise(session)
            make_point(session, own, src_code=corpus.POINT)
            key = make_key(session, own.id, settings=settings, now=utc_now(), actor=cli_actor())
            self.id, self.uscc, self.app_id, self.key = own.id, own.uscc, key.app_id, key.key

    def verdict(self, receipt_id: int) -> tuple[str, int]:
        """Return the code a receipt or its first rejection has, and how many rows were stored."""
        with transaction(self.settings, CITY, worker=True) as session:
            row = session.execute(
                text(
                    "select coalesce(r.code, (select j.code from rejection j where j.receipt_id = r.id"
                    " and j.severity = 'error' order by j.row limit 1), ''), r.accepted from receipt r"
                    " where r.id = :i and r.enterprise_id = :e"
                ),
                {"i": receipt_id, "e": self.id},
            ).one()
        return str(row[0]), int(row[1])

    def newest_receipt(self) -> int:
        """Return the number of the newest receipt, 0 when there is none."""
        with transaction(self.settings, CITY, worker=True) as session:
            found = session.scalar(text("select max(id) from receipt where enterprise_id = :e"), {"e": self.id})
        return int(found or 0)

    def stored(self) -> dict[str, int]:
        """Return how many rows of every kind the enterprise has."""
        tables = text(
            "select c.table_name from information_schema.columns c join pg_class k on k.relname = c.table_name"
            " and k.relkind in ('r', 'p') and not k.relispartition and k.relnamespace = 'public'::regnamespace"
            " where c.column_name = 'enterprise_id' and c.table_schema = 'public' order by 1"
        )
        with transaction(self.settings, CITY, worker=True) as session:
            names = [name for name in session.scalars(tables) if name not in LEFT_BEHIND]
            counts = " union all ".join(
                f"select '{name}', count(*) from {name} where enterprise_id = :e" for name in names
            )
            readings = "select 'reading', count(*) from reading r join point p on p.id = r.point_id"
            whole = text(f"{counts} union all {readings} where p.enterprise_id = :e")
            return {str(row[0]): int(row[1]) for row in session.execute(whole, {"e": self.id})}


@contextmanager
def intake(database: dict[str, str], data: Path) -> Iterator[tuple[int, int]]:
    """Run the intake as in production, one process; give its port and the process number of the server."""
    port = free_port()
    words = ["-k", "gthread", "-w", "1", "--threads", "4", "-b", f"127.0.0.1:{port}", "--timeout", "120", "wsgi:app"]
    env = {**os.environ, **database, "PORTAL_DATA_DIR": str(data), "PORTAL_DEMO": "0", "PORTAL_LOG_LEVEL": "ERROR"}
    log = (data / "corpus-intake.log").open("wb")
    process = subprocess.Popen(
        [ROOT / ".venv" / "bin" / "gunicorn", "--no-control-socket", *words], cwd=ROOT, env=env, stdout=log, stderr=log
    )
    try:
        until(lambda: socket.socket().connect_ex(("127.0.0.1", port)) == 0, 120)
        yield port, process.pid
    finally:
        process.terminate()
        process.wait(60)


@contextmanager
def other_doors(database: dict[str, str], data: Path) -> Iterator[subprocess.Popen[str]]:
    """Run the doors of files and pulls in a process of their own."""
    env = {
        **os.environ, **database, "PORTAL_DATA_DIR": str(data), "PORTAL_DEMO": "0", "PORTAL_PULL_HOSTS": "127.0.0.1",
        "PORTAL_LOG_LEVEL": "CRITICAL",
    }  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.door_process"], cwd=ROOT, env=env, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    try:
        yield process
    finally:
        assert process.stdin is not None
        process.stdin.close()
        process.wait(60)


def turn(process: subprocess.Popen[str], **asked: Any) -> None:
    """Have one door take its turn; a fault of its is a fault of the test."""
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write(json.dumps(asked) + "\n")
    process.stdin.flush()
    fault = json.loads(process.stdout.readline())["fault"]
    assert not fault, fault


def all_through(peak: Peak, sender: Sender, door: str, cases: list[Case], send: Send) -> dict[str, str]:
    """Send every case; return what was not as it must be: the code, the rows stored, the receipt, the time it took."""
    wrong: dict[str, str] = {}
    for case in cases:
        body, wanted, peak.case = case.make(), case.code_at(door), case.name
        before, began = sender.newest_receipt(), time.monotonic()
        try:
            status = send(case, body)
        except AssertionError as fault:
            wrong[case.name] = f"fault {fault}"
            continue
        took, receipt = time.monotonic() - began, sender.newest_receipt()
        code, stored = sender.verdict(receipt) if receipt > before else ("no receipt", 0)
        told = [
            *([f"code {code!r}, not {wanted!r}"] if code != wanted else []),
            *([f"{stored} rows stored"] if stored and wanted else []),
            *([f"status {status}"] if status >= 500 or (case.status and status and status != case.status) else []),
            *([f"{took:.0f} s"] if took > 60 else []),
        ]
        if told:
            wrong[case.name] = "; ".join(told)
    return wrong


def messages_for(door: str) -> list[Case]:
    """Return the messages a door can carry."""
    if door in ("http", "mqtt"):
        return corpus.messages()
    if door == "pull":
        return [case for case in corpus.messages() if case.content_type == corpus.JSON]
    return [case for case in corpus.messages() if case.file_suffix]


def check(peak: Peak, sender: Sender, door: str, cases: list[Case], send: Send) -> None:
    """Run cases and check what they left."""
    bad, odd = [case for case in cases if case.code_at(door)], [case for case in cases if not case.code_at(door)]
    before = sender.stored()
    wrong = all_through(peak, sender, door, bad, send)
    after = sender.stored()
    wrong |= all_through(peak, sender, door, odd, send)
    assert not wrong, "\n".join(f"{name}: {what}" for name, what in wrong.items())
    assert after == before
    good = Case("good", "RT", lambda: corpus.records(corpus.reading(v=2.5)), corpus.TAKEN, corpus.JSON)
    assert all_through(peak, sender, door, [good], send) == {}


@pytest.mark.clause("6.2-d_1")
def test_messages_over_http(database: dict[str, str], settings: Settings, tmp_path: Path) -> None:
    sender = Sender(settings)
    signer = Client("http://localhost", sender.app_id, sender.key, tmp_path / "q.db")

    def send(case: Case, body: bytes) -> int:
        path = f"/api/v1/ingest/{case.dataset}"
        headers = signer.headers("POST", path, body) | {"X-Batch-Id": secrets.token_hex(8)}
        headers["Content-Type"] = case.content_type
        if case.encoding:
            headers["Content-Encoding"] = case.encoding
        link = http.client.HTTPConnection("127.0.0.1", port, timeout=110)
        link.request("POST", path, body, headers)
        said = link.getresponse()
        said.read()
        link.close()
        return said.status

    with intake(database, Path(settings.data_dir)) as (port, pid):
        peak = Peak(pid)
        try:
            check(peak, sender, "http", messages_for("http"), send)
        finally:
            peak.end()


@pytest.mark.clause("6.2-d_1")
def test_messages_over_mqtt(database: dict[str, str], settings: Settings, tmp_path: Path) -> None:
    sender = Sender(settings)
    mqtt = Mqtt(database, tmp_path)
    mqtt.start()
    try:
        until(lambda: sender.app_id in (mqtt.data / "mqtt" / "passwords").read_text("utf-8"), 60)
        time.sleep(0.5)
        raw = Raw(mqtt, sender.app_id, password_of(sender.app_id, "HMAC-SM3", sender.key.encode(), ""))
        raw.client.subscribe(f"gas/{sender.uscc}/receipt", 1)

        def send(case: Case, body: bytes) -> int:
            topic, batch, nonce = f"gas/{sender.uscc}/{case.dataset}", secrets.token_hex(8), secrets.token_hex(16)
            stamp = str(round(time.time() * 1000))
            signed = text_to_sign(topic, batch, stamp, nonce, sm3_hex(body))
            given = [
                ("X-App-Id", sender.app_id), ("X-Batch-Id", batch), ("X-Timestamp", stamp), ("X-Nonce", nonce),
                ("X-Sign-Alg", "HMAC-SM3"), ("X-Sign", sign(sender.key.encode(), signed)),
                ("Content-Type", case.content_type), ("Content-Encoding", case.encoding),
            ]  # fmt: skip
            raw.send(topic, body, given)
            heard = until(lambda: [said for _, said in raw.heard if said.get("batch_id") == batch], 100)
            return int(heard[0]["status"])

        peak = Peak(mqtt.children["worker"].pid)
        fitting = [case for case in messages_for("mqtt") if len(case.make()) <= MQTT_BYTES]
        try:
            check(peak, sender, "mqtt", fitting, send)
        finally:
            peak.end()
            raw.close()
    finally:
        mqtt.stop()


@pytest.mark.clause("6.2-d_1")
def test_messages_by_pull(database: dict[str, str], settings: Settings) -> None:
    sender, theirs, sources = Sender(settings), Theirs(), dict[str, int]()

    def send(case: Case, body: bytes) -> int:
        packing = [("Content-Encoding", case.encoding)] if case.encoding else []
        theirs.odd = lambda handler: answer(handler, body, *packing)
        if case.dataset not in sources:
            with transaction(settings, CITY, worker=True) as session:
                wish = Wish(sender.id, case.dataset, f"{theirs.url}/{case.dataset}", 60)
                here = Settings.from_env({**database, "PORTAL_DATA_DIR": str(settings.data_dir),
                                          "PORTAL_PULL_HOSTS": "127.0.0.1"})  # fmt: skip
                made = add_source(session, wish, settings=here, now=utc_now(), actor=cli_actor())
                sources[case.dataset] = made.id
        turn(process, door="pull", id=sources[case.dataset])
        return 0

    with other_doors(database, Path(settings.data_dir)) as process:
        peak = Peak(process.pid)
        try:
            check(peak, sender, "pull", messages_for("pull"), send)
        finally:
            peak.end()
            theirs.server.shutdown()
            theirs.server.server_close()


@pytest.mark.clause("6.2-d_1", "7.2.4.1-b")
@pytest.mark.parametrize("kind", ["messages", "files"])
def test_files_in_the_drop_folder(database: dict[str, str], settings: Settings, kind: str) -> None:
    sender = Sender(settings)
    folder = settings.data_dir / "dropbox" / sender.uscc
    folder.mkdir(parents=True, exist_ok=True)

    def send(case: Case, body: bytes) -> int:
        (folder / f"{case.dataset}_{secrets.token_hex(4)}.{case.file_suffix}").write_bytes(body)
        turn(process, door="drop", id=sender.id, uscc=sender.uscc, path=str(folder))
        assert not [each for each in folder.iterdir() if each.is_file()], "the file was left lying"
        return 0

    cases = messages_for("drop") if kind == "messages" else corpus.files()
    with other_doors(database, Path(settings.data_dir)) as process:
        peak = Peak(process.pid)
        try:
            check(peak, sender, "drop", cases, send)
        finally:
            peak.end()


@pytest.mark.clause("6.2-d_1", "7.2.4.1-b")
@pytest.mark.parametrize("kind", ["messages", "files"])
def test_files_on_the_upload_page(app: Flask, database: dict[str, str], settings: Settings, kind: str) -> None:
    sender = Sender(settings)
    with transaction(settings, CITY, worker=True) as session:
        officer = browser_of(session, app, make_person(session, app, Role.CITY_REGULATOR))

    def send(case: Case, body: bytes) -> int:
        files = {"files": (io.BytesIO(body), f"{secrets.token_hex(4)}.{case.file_suffix}")}
        form = {"enterprise": str(sender.id), "dataset": case.dataset, "dry_run": "0", **files}
        sent = officer.post("/intake/upload", data=form, content_type="multipart/form-data")
        assert sent.status_code == 302, sent.text[:300]
        number = int(sent.location.rsplit("/", 1)[1])
        turn(process, door="upload", id=number)
        shown = officer.get(f"/intake/imports/{number}").status_code
        return shown if shown >= 500 else 0  # the page shows what the receipt says

    cases = messages_for("upload") if kind == "messages" else corpus.files()
    with other_doors(database, Path(settings.data_dir)) as process:
        peak = Peak(process.pid)
        try:
            check(peak, sender, "upload", cases, send)
        finally:
            peak.end()
