"""One enterprise's live program: sends readings and alarms through its door, answers orders, declares each day.

`python -m ingestion_adapters.demo.program --enterprise DEMO --url … --app-id … --key-file …`
"""

from __future__ import annotations

import argparse
import logging
import signal
import threading
import time
from collections.abc import Iterable, Sequence
from http import HTTPStatus
from pathlib import Path
from types import FrameType

from ingestion_adapters.client import Client
from ingestion_adapters.contract import Record
from ingestion_adapters.demo.dataset import scale_from_env
from ingestion_adapters.demo.duty import ControlRoom, answer_delay_s, reply_text
from ingestion_adapters.demo.identity import enterprise_named
from ingestion_adapters.demo.ways import Way, payload, speaks_own_words, way_of
from ingestion_adapters.mqtt_client import MqttClient

log = logging.getLogger("demo.program")
_ORDERS_EVERY_S = 15.0
_LONGEST_PAUSE_S = 30.0
# What was sent just before midnight has its receipt by then.
_DECLARED_EVERY_S = 600.0
# Codes case_state: dispatched, being handled, sent back after verification.
_WAITING = (31, 40, 61)


class Program:
    """Pushes readings and alarms and answers orders until it is told to stop."""

    def __init__(self, client: Client, room: ControlRoom, tick_s: float, way: Way | None = None) -> None:
        self.client, self.room, self.tick_s = client, room, tick_s
        self.way: Way = way or client
        self.own_words = False
        self.stop = threading.Event()
        self.seen: dict[str, float] = {}
        self.answered: set[str] = set()
        self._orders_due = 0.0
        self._declared_due = 0.0
        self._failures = 0

    def run(self) -> None:
        """Work until `stop` is set; a server that is away only makes the pauses longer."""
        while not self.stop.is_set():
            pause = self.tick_s
            try:
                self.step(time.time())
                self._failures = 0
            except OSError as error:
                self._failures += 1
                pause = min(self.tick_s * 2**self._failures, _LONGEST_PAUSE_S)
                log.warning("server_away", extra={"reason": str(error), "pause_s": pause})
            self.stop.wait(pause)

    def step(self, now: float) -> None:
        """Push what is due at an instant (s since the epoch), answer orders and declare the days that are over."""
        self._push("RT", self.room.readings(int(now)))
        self._push("ALM", self.room.alarms(int(now * 1000)))
        self.way.flush()
        if now >= self._orders_due:
            self._orders_due = now + _ORDERS_EVERY_S
            self._answer_orders(now)
        if now >= self._declared_due:
            self._declared_due = now + _DECLARED_EVERY_S
            self.client.declare_finished()

    def _push(self, dataset: str, records: Iterable[Record]) -> None:
        rows = payload(self.room.key, dataset, list(records), own_words=self.own_words)
        if rows:
            self.way.push(dataset, rows)

    def _answer_orders(self, now: float) -> None:
        answer = self.client.get("/api/v1/orders")
        if answer.status != HTTPStatus.OK:
            return
        titles = {str(o["id"]): str(o["title"]) for o in answer.body["orders"] if o["state"] in _WAITING}
        # An order that comes back after the regulator found the work wanting is answered anew.
        self.answered &= titles.keys()
        for number in sorted(titles.keys() - self.answered):
            if now - self.seen.setdefault(number, now) < answer_delay_s(number):
                continue
            body = {"text": reply_text(number, titles[number])}
            if self.client.post(f"/api/v1/orders/{number}/replies", body).status == HTTPStatus.OK:
                self.answered.add(number)
                del self.seen[number]


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="ingestion_adapters.demo.program", description=__doc__)
    parser.add_argument("--enterprise", required=True, help="short name or USCC, e.g. DEMO")
    parser.add_argument("--url", required=True, help="address of the portal, e.g. http://127.0.0.1:8000")
    parser.add_argument("--app-id", required=True)
    parser.add_argument("--key-file", required=True, type=Path, help="file that holds the app key")
    parser.add_argument("--queue", type=Path, help="file of the durable queue; beside the key file unless given")
    parser.add_argument("--broker", default="", help="host:port of the MQTT broker, for those who push over MQTT")
    parser.add_argument("--data", type=Path, help="data directory, for those who leave files")
    parser.add_argument("--period", type=int, default=60, help="seconds between two readings of a point")
    parser.add_argument("--tick", type=float, default=3.0, help="seconds between two pushes")
    parser.add_argument("--scale", type=int, default=None, help="size of the city; PORTAL_DEMO_SCALE unless given")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    """Run one enterprise's program until SIGTERM or SIGINT."""
    options = _arguments(argv)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s %(message)s")
    enterprise = enterprise_named(options.enterprise)
    key = enterprise.key
    queue = options.queue or options.key_file.with_suffix(".queue")
    client = Client(options.url, options.app_id, options.key_file.read_text().strip(), queue)
    scale = options.scale if options.scale is not None else scale_from_env()
    way = way_of(key, client, broker=options.broker, uscc=enterprise.uscc, data=options.data)
    program = Program(client, ControlRoom(key, scale=scale, period_s=options.period), options.tick, way)
    program.own_words = speaks_own_words(options.key_file)

    def end(_signal: int, _frame: FrameType | None) -> None:
        program.stop.set()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    program.run()
    if isinstance(way, MqttClient):
        way.close()


if __name__ == "__main__":
    main()
