"""The shipped client against a listening server: keeps, sends again, sets aside, and answers an order."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.orm import Session
from werkzeug.serving import make_server

from ingestion_adapters.client import Answer, Client
from ingestion_adapters.http.docs_page import SAMPLES
from portal.accounts.keys import NewKey, make_key
from portal.config import Settings
from portal.core.actor import cli_actor
from portal.core.clock import utc_now
from portal.events.services import accept_case, dispatch_case
from tests.factories import make_enterprise

NODE = SAMPLES["Node"]
Committed = Callable[..., object]


@contextmanager
def serving(app: Flask, port: int = 0) -> Iterator[int]:
    """Serve the application on a port of this machine."""
    server = make_server("127.0.0.1", port, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.port
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()


@pytest.fixture
def key(committed: Committed, settings: Settings) -> NewKey:
    """Give the key of a new enterprise."""

    def work(session: Session) -> NewKey:
        own = make_enterprise(session)
        return make_key(session, own.id, settings=settings, now=utc_now(), actor=cli_actor())

    return committed(work)  # type: ignore[return-value]


def test_batches_survive_an_outage_and_arrive_once(app: Flask, key: NewKey, tmp_path: Path) -> None:
    with serving(app) as port:
        pass
    client = Client(f"http://127.0.0.1:{port}", key.app_id, key.key, tmp_path / "queue.db")
    client.push("NET", [NODE, NODE | {"src_code": "J0002"}])
    client.push("NET", [SAMPLES["Station"], SAMPLES["Point"]])
    away = client.flush(patience_s=0.3)
    assert away[-1].status == 0 and client.queue.size() == 2
    client.queue.close()
    again = Client(f"http://127.0.0.1:{port}", key.app_id, key.key, tmp_path / "queue.db")
    with serving(app, port):
        answers = again.flush()
        assert [answer.body["accepted"] for answer in answers] == [2, 2]
        assert again.queue.size() == 0 and again.flush() == []
        assert len(again.get("/api/v1/receipts").body["receipts"]) == 2
    again.queue.close()


def test_what_is_refused_for_good_is_set_aside(app: Flask, key: NewKey, tmp_path: Path) -> None:
    client = Client("http://127.0.0.1:1", key.app_id, key.key, tmp_path / "queue.db")
    client.push_body("NET", b'{"wrong": 1}')
    client.push("NET", [NODE])
    with serving(app) as port:
        client.base_url = f"http://127.0.0.1:{port}"
        answers = client.flush()
    assert [answer.status for answer in answers] == [400, 200]
    names = sorted(path.suffixes[-1] for path in client.side_folder.iterdir())
    assert names == [".gz", ".json"] and client.queue.size() == 0
    client.queue.close()


def test_a_wrong_clock_is_set_by_the_server(app: Flask, key: NewKey, tmp_path: Path) -> None:
    client = Client("http://127.0.0.1:1", key.app_id, key.key, tmp_path / "queue.db")
    client.offset_ms = 3_600_000
    client.push("NET", [NODE])
    with serving(app) as port:
        client.base_url = f"http://127.0.0.1:{port}"
        assert [answer.status for answer in client.flush()] == [200]
    assert client.offset_ms == 0
    client.queue.close()


def test_waits_double_with_jitter_and_obey_the_server(tmp_path: Path) -> None:
    client = Client("http://127.0.0.1:1", "a", "k", tmp_path / "queue.db")
    waits = [client._next_wait(Answer(503, {})) for _ in range(14)]
    assert all(0.05 * 2**n <= wait <= 0.15 * 2**n for n, wait in enumerate(waits[:11])) and waits[-1] <= 450
    assert client._next_wait(Answer(429, {}, retry_after_s=1000.0)) == 1000.0
    client.push("RT", [{"point": "a", "t": 0, "v": 1}])
    client.push("ALM", [SAMPLES["AlarmPush"]])
    client.push("ALM", [SAMPLES["AlarmPush"] | {"alarm_no": "newest"}])
    first = client.queue.first()
    assert first is not None and first[2] == "ALM" and first[0] == 3
    client.queue.close()


def test_an_order_is_read_and_answered(app: Flask, key: NewKey, committed: Committed, tmp_path: Path) -> None:
    client = Client("http://127.0.0.1:1", key.app_id, key.key, tmp_path / "queue.db")
    at = (datetime.now(UTC) - timedelta(seconds=20)).isoformat()
    client.push("NET", [NODE, SAMPLES["Station"], SAMPLES["Point"]])
    with serving(app) as port:
        client.base_url = f"http://127.0.0.1:{port}"
        client.flush()
        client.push("ALM", [SAMPLES["AlarmPush"] | {"level": 1, "raised_at": at}])
        assert client.flush()[0].body["accepted"] == 1
        assert client.get("/api/v1/orders").body["orders"] == []
        committed(lambda session: _dispatched(session, key))
        order = client.get("/api/v1/orders").body["orders"][0]
        assert order["instruction"] == "立即处置"
        path = f"/api/v1/orders/{order['id']}/replies"
        assert client.post(path, {"text": " "}).status == 422
        assert client.post(path, {"text": "已更换调压器"}).status == 201
        assert client.post(path, {"text": "再次"}).status == 409
        assert client.get("/api/v1/orders").body["orders"][0]["replied_at"]
    client.queue.close()


def _dispatched(session: Session, key: NewKey) -> Any:
    """Take the enterprise's one case through to its dispatch."""
    case_id = session.scalar(
        text("select c.id from supervision_case c join api_key k using (enterprise_id) where k.id = :k"), {"k": key.id}
    )
    accept_case(session, case_id, note="受理", now=utc_now(), actor=cli_actor())
    return dispatch_case(session, case_id, note="立即处置", now=utc_now(), actor=cli_actor())
