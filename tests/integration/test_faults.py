"""Processes, broker and database die during pushes: what was acknowledged is stored, and stored once."""

from __future__ import annotations

import hashlib
import itertools
import os
import random
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from ingestion_adapters.client import Answer, Client, Queue
from ingestion_adapters.mqtt_client import MqttClient
from portal.accounts.keys import make_key
from portal.config import Settings
from portal.core.actor import CITY, cli_actor
from portal.core.clock import utc_now
from portal.core.db import engine_for, transaction
from tests.factories import make_enterprise, make_point
from tests.journeys.stack import ROOT, Stack

pytestmark = pytest.mark.timeout(480)
BATCHES, ROWS, REPEATED = 60, 20, 5
PATIENCE_S = 180
FEED_BATCHES = 56
FAULTS = {"http": ("intake", "database") * 3, "mqtt": ("mqtt", "mqtt-broker") * 3}
_numbers = itertools.count(1)
Row = dict[str, Any]


@dataclass
class Installation:
    """A portal on a cluster of its own, which may be killed."""

    folder: Path
    stack: Stack
    settings: Settings

    def start_cluster(self) -> None:
        """Start PostgreSQL; try again while orphans of a killed one still hold its memory."""
        command = [ROOT / "script" / "cluster", "start", "--throwaway", self.folder]
        end = time.monotonic() + PATIENCE_S
        while subprocess.run(command, capture_output=True, timeout=PATIENCE_S, check=False).returncode:
            assert time.monotonic() < end, "PostgreSQL does not come back"
            time.sleep(0.3)

    def owner(self, sql: str) -> Any:
        """Return one value, asked as the superuser."""
        engine = create_engine(self.stack.secrets["PORTAL_OWNER_DATABASE_URL"], isolation_level="AUTOCOMMIT")
        try:
            with engine.connect() as connection:
                return connection.execute(text(sql)).scalar()
        finally:
            engine.dispose()


@pytest.fixture(scope="module")
def installation() -> Iterator[Installation]:
    """Give an installation whose cluster keeps what it acknowledged, as in production."""
    folder = Path(tempfile.mkdtemp(prefix="rj-faults-", dir="/tmp"))
    folder.chmod(0o755)
    cluster = [ROOT / "script" / "cluster"]
    subprocess.run([*cluster, "start", "--throwaway", folder], check=True, timeout=120)
    lines = (folder / "secrets.env").read_text("utf-8").splitlines()
    stack = Stack(dict(line.split("=", 1) for line in lines if "=" in line), folder / "data")
    alembic = [ROOT / ".venv" / "bin" / "alembic", "-q", "upgrade", "head"]
    subprocess.run(alembic, cwd=ROOT, env=stack.env, check=True, timeout=170)
    found = Installation(folder, stack, Settings.from_env({**stack.env, "PORTAL_LOG_LEVEL": "ERROR"}))
    # The throw-away cluster answers before its log is written, to be fast; a kill must not profit from that.
    engine = create_engine(stack.secrets["PORTAL_OWNER_DATABASE_URL"], isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("alter system set synchronous_commit = on"))
        connection.execute(text("select pg_reload_conf()"))
    engine.dispose()
    try:
        stack.start()
        yield found
    finally:
        engine_for.cache_clear()
        stack.stop()
        subprocess.run([*cluster, "stop", "--throwaway", folder], check=False, timeout=120)
        shutil.rmtree(folder, ignore_errors=True)


class Pushing:
    """An enterprise's program that pushes overlapping batches in the background."""

    def __init__(self, installation: Installation) -> None:
        self.installation, self.answers = installation, list[Answer]()
        with transaction(installation.settings, CITY, worker=True) as session:
            own = make_enterprise(session)
            self.enterprise_id, self.point = own.id, f"FT{next(_numbers)}"
            make_point(session, own, src_code=self.point)
            key = make_key(session, own.id, settings=installation.settings, now=utc_now(), actor=cli_actor())
        self.queue = installation.folder / f"{self.point}.db"
        self.key = (installation.stack.url, key.app_id, key.key)
        self.sent: list[tuple[str, list[dict[str, Any]]]] = []
        self.client = Client(*self.key, self.queue)
        begin = datetime.now(UTC) - timedelta(hours=2)
        instants = [begin + timedelta(seconds=step) for step in range(BATCHES * (ROWS - REPEATED) + REPEATED)]
        rows = [{"point": self.point, "t": at.isoformat(timespec="seconds"), "v": 2.0} for at in instants]
        for number in range(BATCHES):
            first = number * (ROWS - REPEATED)
            batch = rows[first : first + ROWS]
            self.sent.append((self.client.push("RT", batch)[0], batch))
        self.distinct = len({row["t"] for row in rows})
        self.thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        self.answers = self.client.flush(PATIENCE_S)

    def wait_until_left(self, batches: int) -> None:
        """Wait until no more than so many batches wait in the queue."""
        queue, end = Queue(self.queue), time.monotonic() + PATIENCE_S
        while queue.size() > batches:
            assert time.monotonic() < end, f"{queue.size()} batches still wait\n{self.installation.stack.last_words()}"
            time.sleep(0.02)
        queue.close()

    def send_all_again(self) -> list[Answer]:
        """Push every batch once more under its old number."""
        again = Client(*self.key, self.queue.with_suffix(".again"))
        for batch_id, batch in self.sent:
            again.push("RT", batch)
            again.queue.db.execute("update batch set batch_id = ? where id = (select max(id) from batch)", (batch_id,))
        return again.flush(PATIENCE_S)

    def count(self, sql: str) -> int:
        """Return a number asked of the database."""
        with transaction(self.installation.settings, CITY, worker=True) as session:
            return int(session.scalar(text(sql), {"e": self.enterprise_id}) or 0)


def acknowledged_is_stored_once(pushing: Pushing) -> None:
    """Check the answers against the tables, then push everything again and check once more."""
    pushing.thread.join(PATIENCE_S)
    assert not pushing.thread.is_alive()
    acknowledged = [answer.batch_id for answer in pushing.answers if answer.durable]
    assert acknowledged == [batch_id for batch_id, _ in pushing.sent]
    assert {answer.status for answer in pushing.answers} == {200}
    readings = "select count(*) from reading r join point p on p.id = r.point_id where p.enterprise_id = :e"
    receipts = "select count(*) from receipt where enterprise_id = :e and status = 'taken'"
    assert sum(answer.body["accepted"] for answer in pushing.answers) == pushing.distinct
    for _ in ("after the faults", "after a second push of everything"):
        assert pushing.count(readings) == pushing.distinct
        assert pushing.count(receipts) == BATCHES
        first = {answer.batch_id: answer.body["receipt_id"] for answer in pushing.answers}
        again = pushing.send_all_again()
        assert {answer.batch_id: answer.body["receipt_id"] for answer in again} == first
        assert all(answer.body["replayed"] for answer in again)


@pytest.mark.clause("5.1-5f_2")
def test_killing_the_intake_loses_and_repeats_nothing(installation: Installation) -> None:
    pushing = Pushing(installation)
    pushing.thread.start()
    for left in (50, 25):
        pushing.wait_until_left(left)
        killed = installation.stack.pid_of("intake")
        assert killed
        os.killpg(killed, signal.SIGKILL)
    acknowledged_is_stored_once(pushing)
    assert installation.stack.pid_of("intake") not in (0, killed)


@pytest.mark.clause("5.1-5f_2")
def test_killing_the_database_loses_and_repeats_nothing(installation: Installation) -> None:
    folder = Path(installation.owner("select current_setting('data_directory')"))
    pushing = Pushing(installation)
    pushing.thread.start()
    pushing.wait_until_left(50)
    backend = installation.owner(
        "select pid from pg_stat_activity where usename = 'ranjian_worker' order by state_change desc limit 1"
    )
    os.kill(int(backend), signal.SIGKILL)
    pushing.wait_until_left(25)
    os.kill(int((folder / "postmaster.pid").read_text("utf-8").split()[0]), signal.SIGKILL)
    installation.start_cluster()
    acknowledged_is_stored_once(pushing)
    for path in ("/login", "/readyz"):
        installation.stack.wait_until_answers(path)


class Feed:
    """An enterprise whose shipped client sends overlapping batches out of order, a tenth of them days late."""

    def __init__(self, installation: Installation, door: str, chance: random.Random) -> None:
        self.installation, self.door, self.point = installation, door, f"FE{next(_numbers)}"
        with transaction(installation.settings, CITY, worker=True) as session:
            own = make_enterprise(session)
            make_point(session, own, src_code=self.point)
            key = make_key(session, own.id, settings=installation.settings, now=utc_now(), actor=cli_actor())
            self.enterprise_id, self.uscc, self.app_id = own.id, own.uscc, key.app_id
        queue, url = installation.folder / f"{self.point}.db", installation.stack.url
        broker = f"127.0.0.1:{installation.stack.mqtt_port}"
        self.client = (
            Client(url, key.app_id, key.key, queue) if door == "http"
            else MqttClient(broker, self.uscc, key.app_id, key.key, queue)
        )  # fmt: skip
        self.batches = self._made(chance)
        self.sent = {self.client.push("RT", batch)[0]: batch for batch in self.batches}
        self.answers: list[Answer] = []
        self.twins: list[Answer] = []
        self.threads = [threading.Thread(target=lambda: self.answers.extend(self.client.flush(PATIENCE_S)))]
        if door == "http":
            self.twin = Client(url, key.app_id, key.key, queue.with_suffix(".twin"))
            for batch_id in chance.sample(list(self.sent), FEED_BATCHES // 5):
                self.twin.push("RT", self.sent[batch_id])
                self.twin.queue.db.execute(
                    "update batch set batch_id = ? where id = (select max(id) from batch)", (batch_id,)
                )
            self.threads.append(threading.Thread(target=lambda: self.twins.extend(self.twin.flush(PATIENCE_S))))

    def _made(self, chance: random.Random) -> list[list[Row]]:
        begin, step = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=2), ROWS - REPEATED
        made = []
        for number in range(FEED_BATCHES):
            late = timedelta(days=3) if number % 10 == 9 else timedelta(0)
            places = range(number * step, number * step + ROWS)
            rows = [{"point": self.point, "t": (begin - late + timedelta(seconds=n)).isoformat(), "v": 2 + n / 1e4}
                    for n in places]  # fmt: skip
            chance.shuffle(rows)
            made.append(rows)
        chance.shuffle(made)
        return made

    def left(self) -> int:
        """Return how many batches still wait for their receipt."""
        queue = Queue(self.installation.folder / f"{self.point}.db")
        try:
            return queue.size()
        finally:
            queue.close()

    def ask(self, sql: str) -> Any:
        """Return the rows of a question about this enterprise."""
        with transaction(self.installation.settings, CITY, worker=True) as session:
            return session.execute(text(sql), {"e": self.enterprise_id}).all()

    def check(self) -> None:
        """Check that acknowledged and stored are the same, by count and by digest, batch by batch."""
        answers = {answer.batch_id: answer.body for answer in self.answers}
        assert {answer.status for answer in self.answers} == {200}
        assert answers.keys() == self.sent.keys() and self.client.queue.size() == 0
        receipts = {row.batch_id: row for row in self.ask(
            "select batch_id, id, rows, accepted, duplicate, rejected from receipt"
            " where enterprise_id = :e and status = 'taken'")}  # fmt: skip
        assert receipts.keys() == self.sent.keys()
        for answer in self.twins:
            assert answer.body["receipt_id"] == receipts[answer.batch_id].id
        held: dict[int, list[tuple[str, float]]] = {row.id: [] for row in receipts.values()}
        for row in self.ask("select r.receipt_id, r.ts, r.value from reading r join point p on p.id = r.point_id"
                            " where p.enterprise_id = :e"):  # fmt: skip
            held[row.receipt_id].append((row.ts.astimezone(UTC).isoformat(), row.value))
        for batch_id, batch in self.sent.items():
            receipt, answer = receipts[batch_id], answers[batch_id]
            stored, given = held[receipt.id], {(row["t"], row["v"]) for row in batch}
            assert (receipt.rows, receipt.rejected) == (ROWS, 0)
            assert answer["accepted"] == receipt.accepted == len(stored) and set(stored) <= given
            assert receipt.accepted + receipt.duplicate == ROWS
        everything = {(row["t"], row["v"]) for batch in self.batches for row in batch}
        assert digest(everything) == digest(row for rows in held.values() for row in rows)


def digest(rows: Any) -> str:
    """Return the SM3 of rows in order; a row that stands there twice counts twice."""
    return hashlib.new("sm3", repr(sorted(rows)).encode()).hexdigest()


def break_down(installation: Installation, what: str) -> None:
    """Kill one part of the installation as the kernel would, and bring the database back."""
    if what == "database":
        folder = Path(installation.owner("select current_setting('data_directory')"))
        os.kill(int((folder / "postmaster.pid").read_text("utf-8").split()[0]), signal.SIGKILL)
        installation.start_cluster()
        return
    end = time.monotonic() + PATIENCE_S
    while not (pid := installation.stack.pid_of(what)):
        assert time.monotonic() < end, installation.stack.last_words()
        time.sleep(0.2)
    os.killpg(pid, signal.SIGKILL)


def keep_breaking(installation: Installation, feeds: list[Feed], door: str) -> None:
    """Kill what a door needs, one after the other, each time some more of its batches have gone through."""
    own = [feed for feed in feeds if feed.door == door]
    whole, end = len(own) * FEED_BATCHES, time.monotonic() + 2 * PATIENCE_S
    for number, fault in enumerate(FAULTS[door]):
        while sum(feed.left() for feed in own) > whole * (1 - (number + 1) / (len(FAULTS[door]) + 1)):
            assert time.monotonic() < end, f"{[feed.left() for feed in own]} wait\n{installation.stack.last_words()}"
            time.sleep(0.02)
        break_down(installation, fault)


@pytest.mark.clause("5.1-5f_2")
def test_everything_is_killed_again_and_again_and_acknowledged_is_stored(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("client", "mqtt_client"):  # as patient as the shipped clients, but quick to try again
        monkeypatch.setattr(f"ingestion_adapters.{module}.LONGEST_WAIT_S", 2.0)
    chance = random.Random(20261125)
    feeds = [Feed(installation, door, chance) for door in ("http", "mqtt", "http", "mqtt")]
    passwords, end = installation.stack.data / "mqtt" / "passwords", time.monotonic() + PATIENCE_S
    while not all(feed.app_id in passwords.read_text("utf-8") for feed in feeds):
        assert time.monotonic() < end, "the broker does not learn of the keys"
        time.sleep(0.2)
    for feed in feeds:
        for thread in feed.threads:
            thread.start()
    breakers = [threading.Thread(target=keep_breaking, args=(installation, feeds, door)) for door in FAULTS]
    for thread in breakers:
        thread.start()
    for thread in breakers:
        thread.join(3 * PATIENCE_S)
        assert not thread.is_alive()
    for feed in feeds:
        for thread in feed.threads:
            thread.join(PATIENCE_S)
            assert not thread.is_alive()
        feed.check()
    for ledger in ("audit", "alarms"):
        installation.stack.command(ledger, "verify")
    for feed in feeds:
        if isinstance(feed.client, MqttClient):
            feed.client.close()
