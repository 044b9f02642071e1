"""Processes and the database die during pushes: what was acknowledged is stored, and stored once."""

from __future__ import annotations

import itertools
import os
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
_numbers = itertools.count(1)


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
