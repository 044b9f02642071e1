"""Programs declare each finished day of what they sent, over every door and of what the demo loaded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from ingestion_adapters.client import Client, Queue, city_day
from ingestion_adapters.demo.duty import ControlRoom
from ingestion_adapters.demo.filed import Batch as Sent
from ingestion_adapters.demo.ledger import begin_ledger, declare_loaded, ledger_path, lost_batch
from ingestion_adapters.demo.program import Program as Demo
from ingestion_adapters.demo.ways import Files
from ingestion_adapters.quality.reconciliation import Claim, Line, compared, declare
from ingestion_adapters.receipts import Batch, Counts, next_receipt_id, write_receipt
from portal.config import Settings
from portal.core.actor import CITY
from portal.core.clock import local, utc_now
from portal.core.db import transaction
from tests.factories import make_enterprise
from tests.integration.test_dropbox import Drop, drop, rows
from tests.integration.test_intake_api import NODE, Program, program
from tests.integration.test_intake_client import serving

__all__ = ["drop", "program"]
Result = TypeVar("Result")


@pytest.fixture
def client(app: Flask, program: Program, tmp_path: Path) -> Iterator[Client]:
    """Give the shipped client of a new enterprise, with a portal that answers."""
    with serving(app) as port:
        sender = program.signer
        made = Client(f"http://127.0.0.1:{port}", sender.app_id, sender.key.decode(), tmp_path / "kept.db")
        yield made
        made.queue.close()


@pytest.mark.clause("7.2.3.1-v")
def test_a_finished_day_is_declared_once_and_anew_when_it_grew(client: Client, program: Program) -> None:
    claims = "select count(*) from reconciliation_claim where enterprise_id = :e"
    client.push("NET", [NODE])
    client.flush()
    assert client.declare_finished() == []
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    assert [(told.status, told.body["state"]) for told in client.declare_finished(tomorrow)] == [(201, "equal")]
    assert client.declare_finished(tomorrow) == [] and program.count(claims) == 1
    client.push("NET", [NODE | {"src_code": "J0002"}])
    client.flush()
    (told,) = client.declare_finished(tomorrow)
    assert (told.body["state"], told.body["sent"]["batches"], program.count(claims)) == ("equal", 2, 2)


def test_a_day_that_cannot_be_declared_now_is_declared_later(client: Client) -> None:
    client.push("NET", [NODE])
    client.flush()
    tomorrow, there = datetime.now(UTC) + timedelta(days=1), client.base_url
    client.base_url = "http://127.0.0.1:9"
    assert [told.status for told in client.declare_finished(tomorrow)] == [0]
    client.base_url = there
    assert [told.status for told in client.declare_finished(tomorrow)] == [201]


def test_the_demos_program_declares_the_days_that_are_over(client: Client, program: Program) -> None:
    yesterday = city_day(datetime.now(UTC) - timedelta(days=1))
    client.queue.note_sent(("old-1", "PAT", yesterday, 6, "a" * 64))
    demo = Demo(client, ControlRoom("KFQRQ"), tick_s=3)
    demo.step(utc_now().timestamp())
    demo.step(utc_now().timestamp())
    assert program.count("select count(*) from reconciliation_claim where enterprise_id = :e and dataset = 'PAT'") == 1


def test_what_is_left_as_files_is_declared_from_its_receipts(drop: Drop, tmp_path: Path) -> None:
    ledger, today = Queue(tmp_path / "ledger.queue"), city_day(datetime.now(UTC))
    way = Files(drop.path, every_s=0, ledger=ledger)
    for given in (
        rows(),
        [*rows(2), {"point": "NONE", "t": rows(1)[0]["t"], "v": 1}],
        [{"point": "X", "t": "?", "v": 1}],
    ):
        way.push("RT", given)
        way.flush()
    assert ledger.claims(today) == []
    assert drop.look() == 3
    way.flush()
    way.flush()
    (claim,) = ledger.claims(today)
    assert (claim["batches"], claim["rows"]) == (3, 7)
    ledger.close()

    def line(session: Session) -> Line:
        said = Claim("RT", claim["batches"], claim["rows"], claim["sm3"], claim["batch_ids"])
        declare(session, drop.owner.id, local(utc_now()).date(), [said], "t")
        return compared(session, local(utc_now()).date(), drop.owner.id)[0]

    found = _in_transaction(drop.settings, line)
    assert found.state == "equal" and not found.missing and not found.unknown


def test_the_loaded_days_are_equal_but_for_the_batch_that_got_lost(settings: Settings, tmp_path: Path) -> None:
    now = utc_now()
    numbered = [(n, Sent("CHK", now - timedelta(days=n), [{"check_no": str(n)}] * 4)) for n in range(1, 7)]
    lost = lost_batch("JBRQ", numbered, now)
    assert lost is not None and lost.batch_id == "demo-CHK-4" and lost_batch("YCRQ", numbered, now) is None
    path = ledger_path(tmp_path, "JBRQ")

    def load(session: Session) -> dict[int, list[Line]]:
        own = make_enterprise(session).id
        for back in (0, 1, 2, 4):
            head = Batch(own, "RT", f"demo-RT-{back}", "demo", f"{back}" * 64, 9, "demo")
            at = now - timedelta(days=back)
            write_receipt(session, next_receipt_id(session), head, Counts(5, 5, 0, 0, 0), at)
        begin_ledger(path, lost)
        declare_loaded(session, own, path, now)
        return {back: compared(session, local(now - timedelta(days=back)).date(), own) for back in (0, 1, 2, 4)}

    found = _in_transaction(settings, load)
    assert [(line.dataset, line.state) for back in (1, 2) for line in found[back]] == [("RT", "equal")] * 2
    assert [(line.dataset, line.state, line.missing) for line in found[4]] == [
        ("CHK", "differs", ["demo-CHK-4"]),
        ("RT", "equal", []),
    ]
    assert [line.state for line in found[0]] == ["undeclared"]
    ledger = Queue(path)
    assert ledger.undeclared(city_day(now + timedelta(days=1))) == [city_day(now)]
    ledger.close()


def _in_transaction(settings: Settings, work: Callable[[Session], Result]) -> Result:

    with transaction(settings, CITY, worker=True) as session:
        return work(session)
