"""Scheduled pull against a real HTTP server: cursor and rows in one transaction, nothing asked that is not allowed."""

from __future__ import annotations

import gzip
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from sqlalchemy import text

from ingestion_adapters import doors
from ingestion_adapters.pull import fetch, jobs
from ingestion_adapters.pull.models import PullRun, PullSource
from ingestion_adapters.pull.rules import allowed_from
from ingestion_adapters.pull.services import Wish, add_source, set_running
from portal.accounts.rights import Role
from portal.config import Settings
from portal.core.actor import CITY, cli_actor
from portal.core.clock import utc_now
from portal.core.db import transaction
from portal.core.errors import Invalid
from tests.factories import make_enterprise, make_point
from tests.people import browser_of, make_person

Committed = Callable[..., Any]
PAGE = 3


class Theirs:
    """An enterprise's server: readings by number, a page at a time, and whatever misbehaviour a test wants."""

    def __init__(self) -> None:
        begin = datetime.now(UTC) - timedelta(hours=1)
        self.rows = [{"point": "PU1", "t": (begin + timedelta(seconds=n)).isoformat(), "v": 2.0} for n in range(10)]
        self.asked: list[tuple[str, str | None]] = []
        self.odd: Callable[[BaseHTTPRequestHandler], bool] = lambda _handler: False
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append((self.path, self.headers.get("Authorization")))
                if not outer.odd(self):
                    outer.page(self)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/readings"

    def page(self, handler: BaseHTTPRequestHandler) -> None:
        since = int(parse_qs(urlsplit(handler.path).query).get("since", ["0"])[0])
        found = self.rows[since : since + PAGE]
        following = since + len(found)
        body = {"records": found, "next": following, "more": following < len(self.rows)}
        answer(handler, gzip.compress(json.dumps(body).encode()), ("Content-Encoding", "gzip"))


def answer(handler: BaseHTTPRequestHandler, body: bytes, *headers: tuple[str, str], status: int = 200) -> bool:
    handler.send_response(status)
    handler.send_header("Content-Length", str(len(body)))
    for name, value in headers:
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(body)
    return True


@pytest.fixture
def theirs() -> Iterator[Theirs]:
    made = Theirs()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def here(settings: Settings) -> Settings:
    """Give settings that allow this machine's own address."""
    return replace(settings, pull_hosts="127.0.0.1")


class Source:
    """A source of a new enterprise."""

    def __init__(self, here: Settings, url: str, **more: Any) -> None:
        self.settings = here
        with transaction(here, CITY, worker=True) as session:
            own = make_enterprise(session)
            make_point(session, own, src_code="PU1")
            wish = Wish(own.id, more.pop("dataset", "RT"), url, 60, "Authorization", "Bearer secret-7")
            made = add_source(session, wish, settings=here, now=utc_now(), actor=cli_actor())
            self.id, self.enterprise_id = made.id, own.id

    def turn(self, pages: int = 1) -> bool:
        allowed = allowed_from(self.settings.pull_hosts)
        more = False
        for _ in range(pages):
            with transaction(self.settings, CITY, worker=True) as session:
                claimed = jobs._as_claimed(session.get_one(PullSource, self.id), self.settings)
            more = jobs.pull_once(self.settings, claimed, allowed)
        return more

    def row(self) -> PullSource:
        with transaction(self.settings, CITY, worker=True) as session:
            return session.get_one(PullSource, self.id)

    def last_run(self) -> PullRun:
        with transaction(self.settings, CITY, worker=True) as session:
            return session.query(PullRun).filter_by(source_id=self.id).order_by(PullRun.id.desc()).limit(1).one()

    def count(self, sql: str) -> int:
        with transaction(self.settings, CITY, worker=True) as session:
            return int(session.scalar(text(sql), {"e": self.enterprise_id}) or 0)


READINGS = "select count(*) from reading r join point p on p.id = r.point_id where p.enterprise_id = :e"
RECEIPTS = "select count(*) from receipt where enterprise_id = :e and door = 'pull'"


@pytest.mark.clause("7.2.4.1-a")
def test_pages_follow_the_cursor_and_arrive_once(here: Settings, theirs: Theirs) -> None:
    source = Source(here, theirs.url)
    assert [source.turn() for _ in range(4)] == [True, True, True, False]
    assert [path.partition("?")[2] for path, _ in theirs.asked] == ["", "since=3", "since=6", "since=9"]
    assert {token for _, token in theirs.asked} == {"Bearer secret-7"}
    assert source.count(READINGS) == 10 and source.count(RECEIPTS) == 4
    assert source.row().cursor == "10" and source.row().failures == 0
    assert source.turn() is False and source.count(RECEIPTS) == 4, "an answer without records needs no receipt"
    assert source.last_run().ok


def test_a_crash_before_the_commit_keeps_the_cursor(
    here: Settings, theirs: Theirs, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = Source(here, theirs.url)
    with monkeypatch.context() as patched:
        patched.setattr(jobs, "_move_cursor", lambda *_: (_ for _ in ()).throw(SystemExit))
        with pytest.raises(SystemExit):
            source.turn()
    assert (source.row().cursor, source.count(READINGS), source.count(RECEIPTS)) == ("", 0, 0)
    source.turn(4)
    assert source.count(READINGS) == 10


def test_a_source_changed_meanwhile_drops_the_answer(here: Settings, theirs: Theirs) -> None:
    source = Source(here, theirs.url)

    def change(_handler: BaseHTTPRequestHandler) -> bool:
        with transaction(here, CITY, worker=True) as session:
            session.get_one(PullSource, source.id).cursor = "7"
        theirs.odd = lambda _h: False
        return False

    theirs.odd = change
    source.turn()
    assert source.count(READINGS) == 0 and source.row().cursor == "7"
    source.turn()
    assert source.count(READINGS) == 3 and source.row().cursor == "10"


def test_wrong_rows_are_receipted_and_the_cursor_goes_on(here: Settings, theirs: Theirs) -> None:
    theirs.rows[1]["v"] = "x"
    source = Source(here, theirs.url)
    source.turn()
    run = source.last_run()
    assert (run.ok, run.rows, run.accepted, run.rejected) == (True, 3, 2, 1) and source.row().cursor == "3"


def drip(handler: BaseHTTPRequestHandler) -> bool:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
    for _ in range(100):
        try:
            handler.wfile.write(b"y")
            handler.wfile.flush()
        except OSError:
            break
        time.sleep(0.1)
    return True


def test_bad_servers_are_told_apart_and_asked_less(
    here: Settings, theirs: Theirs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch, "WHOLE_S", 1.0)
    source = Source(here, theirs.url)
    elsewhere = Theirs()
    bomb = gzip.compress(b" " * (70 << 20), 1)
    big = json.dumps({"records": []}).encode() + b" " * (11 << 20)
    cases: list[tuple[Callable[[BaseHTTPRequestHandler], bool], str]] = [
        (lambda h: answer(h, b"", ("Location", elsewhere.url), status=302), "pull_redirect"),
        (lambda h: answer(h, b"no", status=500), "pull_status"),
        (lambda h: answer(h, b"no", status=401), "pull_status"),
        (lambda h: answer(h, b"{"), "E_SCHEMA bad_json"),
        (lambda h: answer(h, b'{"records":[],"next":{}}'), "E_SCHEMA pull_answer"),
        (lambda h: answer(h, b'{"records":[{"point":"PU1","t":1,"v":NaN}]}'), "E_SCHEMA bad_json"),
        (
            lambda h: answer(h, bomb, ("Content-Encoding", "gzip")),
            "E_QUOTA too_large_inflated",
        ),
        (lambda h: answer(h, big), "pull_large"),
        (drip, "pull_slow"),
    ]
    for misbehaviour, why in cases:
        theirs.odd = misbehaviour
        began = time.monotonic()
        assert source.turn() is False
        assert (source.last_run().error, source.row().last_error) == (why, why)
        assert time.monotonic() - began < 8
    assert not elsewhere.asked and source.row().failures == len(cases)
    assert source.row().next_at - utc_now() > timedelta(minutes=30)
    assert source.count(READINGS) == 0
    theirs.server.shutdown()
    theirs.server.server_close()
    source.turn()
    assert source.last_run().error == "pull_away"
    elsewhere.server.shutdown()


def test_only_allowed_addresses_are_asked(settings: Settings, here: Settings, theirs: Theirs) -> None:
    source = Source(here, theirs.url)
    source.settings = replace(settings, pull_hosts="10.0.0.0/8")
    source.turn()
    assert source.last_run().error == "pull_host"
    named = allowed_from("localhost,10.0.0.0/8")
    with pytest.raises(fetch.NotFetched, match="pull_host"):
        fetch.ask(theirs.url.replace("127.0.0.1", "localhost"), "", None, named)
    assert not theirs.asked
    with transaction(settings, CITY, worker=True) as session:
        own = make_enterprise(session)
        with pytest.raises(Invalid, match="pull_host"):
            add_source(session, Wish(own.id, "RT", theirs.url, 60), settings=settings, now=utc_now(), actor=cli_actor())


def test_nothing_is_asked_while_pull_is_off(
    settings: Settings, here: Settings, theirs: Theirs, monkeypatch: pytest.MonkeyPatch, committed: Committed
) -> None:
    Source(here, theirs.url)
    monkeypatch.setattr(jobs.Settings, "from_env", lambda: settings)
    assert committed(lambda session: jobs.pull_due(session, utc_now())) == "off" and not theirs.asked


def test_the_job_asks_due_sources_and_leaves_stopped_ones(
    here: Settings, theirs: Theirs, monkeypatch: pytest.MonkeyPatch, committed: Committed
) -> None:
    source, still = Source(here, theirs.url), Source(here, theirs.url)
    committed(lambda s: set_running(s, still.id, False, now=utc_now(), actor=cli_actor()))
    monkeypatch.setattr(jobs.Settings, "from_env", lambda: here)
    committed(lambda session: jobs.pull_due(session, utc_now()))
    assert (source.count(READINGS), still.count(READINGS)) == (10, 0)


def test_a_moved_or_changed_token_stops_the_source(here: Settings, theirs: Theirs, committed: Committed) -> None:
    one, other = Source(here, theirs.url), Source(here, theirs.url)
    sealed = one.row().header_sealed or ""
    assert "secret" not in sealed
    committed(lambda s: setattr(s.get_one(PullSource, other.id), "header_sealed", sealed))
    committed(
        lambda s: s.execute(
            text("update pull_source set next_at = now() + interval '1 h' where id <> :i"), {"i": other.id}
        )
    )
    assert jobs.claim(here) is None
    assert (other.row().state, other.row().last_error) == ("stopped", "pull_header_changed")


def test_the_page_enters_changes_and_stops_a_source(
    app: Flask, here: Settings, theirs: Theirs, committed: Committed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.config, "PORTAL_SETTINGS", here)
    admin = committed(lambda s: browser_of(s, app, make_person(s, app, Role.SYSTEM_ADMIN)))
    own = committed(lambda s: make_enterprise(s).id)
    form = {"enterprise": own, "dataset": "RT", "url": theirs.url, "period_s": 60}
    form |= {"header_name": "Authorization", "header_value": "Bearer q9"}
    wrong = admin.post("/admin/pull", data=form | {"url": "http://10.9.9.9/"})
    assert wrong.status_code == 422 and "PORTAL_PULL_HOSTS" in wrong.text
    made = admin.post("/admin/pull", data=form, follow_redirects=True)
    assert made.status_code == 200 and "q9" not in made.text and theirs.url in made.text
    number = int(made.request.path.rsplit("/", 1)[1])
    admin.post(f"/admin/pull/{number}", data=form | {"period_s": 120, "header_value": ""})
    admin.post(f"/admin/pull/{number}/stop")
    row = committed(lambda s: s.get_one(PullSource, number))
    assert (row.period_s, row.state) == (120, "stopped")
    assert jobs.opened_header(row, here) == ("Authorization", "Bearer q9")
    assert admin.post(f"/admin/pull/{number}/now").status_code == 409
    admin.post(f"/admin/pull/{number}/start")
    assert theirs.url in admin.get("/admin/pull").text
    officer = committed(lambda s: browser_of(s, app, make_person(s, app, Role.CITY_REGULATOR)))
    assert officer.get("/admin/pull").status_code == 403
    assert (
        committed(
            lambda s: s.scalar(
                text("select count(*) from audit_entry where action like 'pull.%' and object_id = :i"),
                {"i": str(number)},
            )
        )
        == 4
    )


def test_the_database_away_loses_no_answer(here: Settings, theirs: Theirs, monkeypatch: pytest.MonkeyPatch) -> None:
    source = Source(here, theirs.url)
    with monkeypatch.context() as patched:
        patched.setattr(doors, "accept_message", lambda *_, **__: (_ for _ in ()).throw(SystemExit))
        with pytest.raises(SystemExit):
            source.turn()
    source.turn(4)
    assert source.count(READINGS) == 10
