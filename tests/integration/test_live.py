"""The live stream: scope, resuming, slow browsers, and the way from the database to a browser."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.orm import Session

from portal.core.actor import CITY, Scope
from portal.core.clock import utc_now
from portal.core.live import announce
from portal.live.listener import KEPT_NEWS, MISSED, QUEUE_MOST, Exchange, Subscriber
from tests.people import cookie_for

ROOT = Path(__file__).parents[2]
FAR = 4_000_000_000.0


def said(kind: str, number: int, enterprise: int | None = 1, district: str | None = None) -> str:
    """Return a payload as the database notifies it."""
    return json.dumps({"kind": kind, "id": number, "e": enterprise, "d": district})


def heard(exchange: Exchange, scope: Scope, last: str = "", most: int = 1) -> list[str]:
    """Return the first events of a new stream; the head is left out."""
    stream = exchange.stream(scope, last, ends_at=FAR)
    next(stream)
    return [next(stream) for _ in range(most)]


def test_a_stream_carries_ids_only_and_resumes_after_the_last_event() -> None:
    exchange = Exchange()
    exchange.publish(said("alarm", 7))
    exchange.publish(said("case", 8))
    first = heard(exchange, CITY, f"{exchange.run}-0", 2)
    data = json.loads(first[0].split("data: ")[1])
    assert (data["id"], data["kind"], set(data)) == (7, "alarm", {"id", "kind", "at"})
    (second,) = heard(exchange, CITY, f"{exchange.run}-1")
    assert second.startswith(f"id: {exchange.run}-2\nevent: case\n")
    assert exchange.since("other-1") == []
    assert exchange.since("x") == []


def test_a_page_hears_what_came_between_its_making_and_its_stream() -> None:
    exchange = Exchange()
    exchange.publish(said("alarm", 1))
    made = utc_now()
    exchange.publish(said("alarm", 2))
    assert [news.object_id for news in exchange.since("", made)] == [2]
    assert [news.object_id for news in exchange.since("of-1", made)] == [2]
    assert [news.object_id for news in exchange.since(f"{exchange.run}-2", made)] == []


def test_a_page_is_told_when_news_may_be_lost_between_its_making_and_its_stream() -> None:
    exchange = Exchange()
    made = utc_now()
    exchange.begin_hearing()
    stream = exchange.stream(CITY, "", ends_at=FAR, as_of=made)
    next(stream)
    assert next(stream) == MISSED
    exchange.publish(said("alarm", 1))
    assert "event: alarm" in next(stream)
    assert not exchange.missed("", utc_now())
    assert not exchange.missed(f"{exchange.run}-1", made)
    assert exchange.missed("elsewhere-1")


def test_who_listened_while_the_database_was_away_is_told_so() -> None:
    exchange = Exchange()
    stream = exchange.stream(CITY, f"{exchange.run}-0", ends_at=FAR)
    next(stream)
    exchange.publish(said("alarm", 1))
    assert "event: alarm" in next(stream)
    former = exchange.run
    time.sleep(0.002)  # runs are named by the millisecond
    exchange.begin_hearing()
    assert next(stream) == MISSED
    assert exchange.missed(f"{former}-1", utc_now() - timedelta(seconds=5))


def test_more_news_than_are_kept_are_not_passed_over_in_silence() -> None:
    exchange = Exchange()
    for number in range(KEPT_NEWS + 2):
        exchange.publish(said("alarm", number))
    assert exchange.missed(f"{exchange.run}-1")
    assert not exchange.missed(f"{exchange.run}-2")
    assert exchange.missed("", exchange.hearing_since)


def test_only_news_of_the_scope_is_heard() -> None:
    exchange = Exchange()
    for number, (enterprise, district) in enumerate([(1, "990101"), (2, "990102"), (None, None)]):
        exchange.publish(said("alarm", number, enterprise, district))
    own = Subscriber(Scope(enterprise_ids=frozenset({2})))
    district = Subscriber(Scope(adcodes=frozenset({"990101"})))
    city, nothing = Subscriber(CITY), Subscriber(Scope())
    for each in (own, district, city, nothing):
        for news in exchange.since(f"{exchange.run}-0"):
            each.offer(news)
    assert [each.queue.qsize() for each in (own, district, city, nothing)] == [1, 1, 3, 0]


def test_a_slow_browser_is_dropped_and_an_unknown_kind_is_not_passed_on() -> None:
    exchange, slow = Exchange(), Subscriber(CITY)
    exchange.subscribers.add(slow)
    exchange.publish("not json")
    exchange.publish(said("secret", 1))
    assert slow.queue.qsize() == 0
    for number in range(QUEUE_MOST + 1):
        exchange.publish(said("alarm", number))
    assert slow.dropped


def test_the_web_process_sends_streams_to_the_live_process(app: Flask) -> None:
    answer = app.test_client().get("/live")
    assert answer.status_code == 401


@pytest.fixture
def live_port(database: dict[str, str]) -> Iterator[int]:
    """Give the port of a running live process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    process = subprocess.Popen(
        [sys.executable, "-m", "portal.live.server", "--port", str(port)],
        cwd=ROOT,
        env={**os.environ, **database, "PORTAL_DEMO": "0"},
        stdout=subprocess.DEVNULL,
    )
    for _ in range(150):
        with socket.socket() as trial:
            if trial.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.1)
    yield port
    process.terminate()
    assert process.wait(10) == 0


def logged_in(committed: Callable[..., Any], app: Flask) -> str:
    """Return the cookie header of a city regulator."""
    return "=".join(committed(lambda session: cookie_for(session, app)))


def opened(port: int, cookie: str, path: str = "/live") -> HTTPResponse:
    """Return the answer of a stream; the process listens before it is ready to answer."""
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", path, headers={"Cookie": cookie})
    return connection.getresponse()


def next_event(answer: HTTPResponse, kind: str) -> dict[str, object]:
    """Return the data of the next event of a kind."""
    wanted = False
    while True:
        line = answer.readline().decode().strip()
        if line == f"event: {kind}":
            wanted = True
        elif wanted and line.startswith("data: "):
            found: dict[str, object] = json.loads(line[6:])
            return found


def test_a_committed_change_reaches_the_browser_at_once(
    live_port: int, app: Flask, committed: Callable[..., Any]
) -> None:
    cookie = logged_in(committed, app)
    answer = opened(live_port, cookie)
    assert answer.status == 200
    assert answer.headers["Content-Type"].startswith("text/event-stream")
    answer.readline()
    time.sleep(0.3)
    begun = time.monotonic()
    made_ms = time.time_ns() // 1_000_000
    committed(lambda session: announce(session, "alarm", 4711, enterprise_id=None, adcode=None))
    assert next_event(answer, "alarm")["id"] == 4711
    assert time.monotonic() - begun < 5.0  # the figure itself is in the benchmark of alarms
    answer.close()
    late = opened(live_port, cookie, f"/live?as_of={made_ms}")
    assert next_event(late, "alarm")["id"] == 4711
    late.close()
    assert opened(live_port, cookie, "/live?as_of=%F0%9F%94%A5").status == 200


def test_the_live_process_listens_again_after_its_connection_was_cut(
    live_port: int, app: Flask, committed: Callable[..., Any], owner: Session
) -> None:
    cookie = logged_in(committed, app)
    answer = opened(live_port, cookie)
    answer.readline()
    time.sleep(0.3)
    owner.execute(
        text("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'ranjian live'")
    )
    time.sleep(2.0)
    committed(lambda session: announce(session, "case", 12, enterprise_id=None, adcode=None))
    assert next_event(answer, "case")["id"] == 12
    answer.close()


def test_without_a_login_there_is_no_stream(live_port: int) -> None:
    assert opened(live_port, "").status == 401
