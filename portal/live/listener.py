"""Hearing the database's news and handing each to the browsers whose scope covers it."""

from __future__ import annotations

import json
import logging
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import gevent
import psycopg2
from gevent.queue import Empty, Full, Queue
from gevent.socket import wait_read
from psycopg2.extensions import ISOLATION_LEVEL_AUTOCOMMIT
from sqlalchemy.engine import make_url

from portal.core.actor import Scope
from portal.core.live import CHANNEL

log = logging.getLogger(__name__)

KINDS = frozenset({"alarm", "case", "incident", "task", "intake"})
KEPT_NEWS = 1000
QUEUE_MOST = 200
LISTEN_WAIT_S = 10.0
RECONNECT_S = 1.0
PING_S = 15.0
# No news itself: what a browser shows may be older than what it was told, so it asks anew.
MISSED = "event: missed\ndata: {}\n\n"


@dataclass(frozen=True)
class News:
    """One piece of news; `number` grows within a run of the process, named by `run`."""

    run: str
    number: int
    kind: str
    object_id: int
    at: datetime
    enterprise_id: int | None
    adcode: str | None

    @property
    def event_id(self) -> str:
        """Return the id by which a browser resumes."""
        return f"{self.run}-{self.number}"

    def as_event(self) -> str:
        """Return the news as a Server-Sent Event: ids only, details are asked under one's rights."""
        data = json.dumps(
            {"id": self.object_id, "kind": self.kind, "at": self.at.isoformat()},
            separators=(",", ":"),
        )
        return f"id: {self.event_id}\nevent: {self.kind}\ndata: {data}\n\n"


class Subscriber:
    """One browser: its scope and its bounded queue; a slow one is dropped."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.queue: Queue[str] = Queue(maxsize=QUEUE_MOST)
        self.dropped = False

    def warn(self) -> None:
        """Queue the word that news may have been missed."""
        self._put(MISSED)

    def offer(self, news: News) -> None:
        """Queue a piece of news within the scope; a full queue ends the subscription."""
        if self.scope.covers(news.enterprise_id, news.adcode):
            self._put(news.as_event())

    def _put(self, event: str) -> None:
        if self.dropped:
            return
        try:
            self.queue.put_nowait(event)
        except Full:
            self.dropped = True


class Exchange:
    """The newest thousand pieces of news, and who listens."""

    def __init__(self) -> None:
        self.kept: deque[News] = deque(maxlen=KEPT_NEWS)
        self.subscribers: set[Subscriber] = set()
        self.begin_hearing()
        self.connected = False

    def begin_hearing(self) -> None:
        """Begin a run: from now on nothing is missed, and whoever listened before is told that something may be."""
        self.hearing_since = datetime.now(UTC)
        self.run = format(int(self.hearing_since.timestamp() * 1000), "x")
        self.kept.clear()
        self.connected, self._number = True, 0
        for subscriber in self.subscribers:
            subscriber.warn()

    def publish(self, payload: str) -> None:
        """Hand a notification of the database to everybody whose scope covers it."""
        try:
            said = json.loads(payload)
            kind, object_id = said["kind"], int(said["id"])
        except (ValueError, KeyError, TypeError):
            log.warning("live_news_unreadable", extra={"bytes": len(payload)})
            return
        if kind not in KINDS:
            return
        self._number += 1
        news = News(
            self.run, self._number, kind, object_id, datetime.now(UTC), said.get("e"), said.get("d")
        )
        self.kept.append(news)
        for subscriber in list(self.subscribers):
            subscriber.offer(news)

    def since(self, last_event_id: str, as_of: datetime | None = None) -> list[News]:
        """Return the kept news after an event id; after a time when the id is not of this run."""
        run, _, number = last_event_id.rpartition("-")
        if run == self.run and number.isdigit():
            return [news for news in self.kept if news.number > int(number)]
        return [news for news in self.kept if as_of is not None and news.at >= as_of]

    def missed(self, last_event_id: str, as_of: datetime | None = None) -> bool:
        """Return whether news may be lost between an event id, or a time when it is not of this run, and what is kept."""
        run, _, number = last_event_id.rpartition("-")
        if run == self.run and number.isdigit():
            return bool(self.kept) and int(number) < self.kept[0].number - 1
        if as_of is None:
            return bool(last_event_id)
        return as_of < self.hearing_since or (len(self.kept) == KEPT_NEWS and as_of < self.kept[0].at)

    def stream(
        self, scope: Scope, last_event_id: str, *, ends_at: float, as_of: datetime | None = None
    ) -> Iterator[str]:
        """Give the events of one browser until it is dropped or its time `ends_at` has come."""
        subscriber = Subscriber(scope)
        if self.missed(last_event_id, as_of):
            subscriber.warn()
        for news in self.since(last_event_id, as_of):
            subscriber.offer(news)
        self.subscribers.add(subscriber)
        try:
            # Two kilobytes make a proxy that buffers small answers pass the head on.
            yield ":" + " " * 2048 + "\nretry: 2000\n\n"
            while not subscriber.dropped and datetime.now(UTC).timestamp() < ends_at:
                try:
                    yield subscriber.queue.get(timeout=PING_S)
                except Empty:
                    yield ": ping\n\n"
        finally:
            self.subscribers.discard(subscriber)


def listen_for_ever(exchange: Exchange, database_url: str) -> None:
    """Publish what the database notifies; connect again whenever it goes away."""
    while True:
        try:
            _listen(exchange, database_url)
        except psycopg2.Error as lost:
            exchange.connected = False
            log.warning("live_database_lost", extra={"kind": type(lost).__name__})
            gevent.sleep(RECONNECT_S)


def _listen(exchange: Exchange, database_url: str) -> None:
    connection = psycopg2.connect(
        make_url(database_url).set(drivername="postgresql").render_as_string(hide_password=False),
        connect_timeout=3,
        application_name="ranjian live",
        keepalives_idle=10,
    )
    try:
        connection.set_isolation_level(ISOLATION_LEVEL_AUTOCOMMIT)
        with connection.cursor() as cursor:
            cursor.execute(f"listen {CHANNEL}")
        exchange.begin_hearing()
        log.info("live_listening")
        while True:
            _wait(connection)
            while connection.notifies:
                exchange.publish(connection.notifies.pop(0).payload)
    finally:
        exchange.connected = False
        connection.close()


def _wait(connection: psycopg2.extensions.connection) -> None:
    """Wait for a notification; ask for a sign of life when it is quiet, so that a dead peer is noticed."""
    try:
        wait_read(connection.fileno(), timeout=LISTEN_WAIT_S)
        connection.poll()
    except TimeoutError:
        with connection.cursor() as cursor:
            cursor.execute("select 1")
