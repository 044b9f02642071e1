"""The process behind the broker: takes messages in, answers on the enterprise's receipt topic, then acknowledges.

A message is acknowledged to the broker only after the database has committed. What dies in between
comes again and gets the first receipt, because the batch number says that it is known.
"""

from __future__ import annotations

import logging
import queue
import signal
import threading
import time
from pathlib import Path
from types import FrameType
from typing import Any

import orjson
import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions
from sqlalchemy.exc import SQLAlchemyError

from ingestion_adapters.doors import AWAY, Door, Outcome, refusal
from ingestion_adapters.http.bodies import Refused
from ingestion_adapters.mqtt.access import sync_access
from ingestion_adapters.mqtt.broker import WORKER, worker_password
from ingestion_adapters.mqtt.envelope import DATASET_TOPIC, read_message
from ingestion_adapters.mqtt.home import socket_of
from ingestion_adapters.mqtt.intake import take_message
from portal.config import Settings
from portal.core.actor import NOTHING, Actor
from portal.core.clock import utc_now

log = logging.getLogger(__name__)
THREADS = 2
IN_FLIGHT = 16
KEEPALIVE_S = 30
SESSION_S = 30 * 24 * 3600
ACCESS_EVERY_S = 5.0
LONGEST_PAUSE_S = 10.0
NOBODY = Actor("nobody", None, "", scope=NOTHING)


class Worker:
    """Holds the session with the broker; messages wait in a short queue that the broker's window bounds."""

    def __init__(self, settings: Settings, socket: Path) -> None:
        """Prepare the session; `socket` is the broker's socket file."""
        self.settings, self.socket = settings, socket
        self.stopping = threading.Event()
        self.waiting: queue.Queue[tuple[int, mqtt.MQTTMessage] | None] = queue.Queue(IN_FLIGHT * 2)
        self.connection = 0
        self.client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=WORKER,
            protocol=mqtt.MQTTv5,
            transport="unix",
            manual_ack=True,
        )
        self.client.username_pw_set(WORKER, worker_password(settings.data_dir))
        self.client.reconnect_delay_set(1, 10)
        self.client.on_connect = self._connected
        self.client.on_message = self._arrived

    def run(self) -> None:
        """Work until `stop` is called; a broker that is away is tried again and again."""
        workers = [threading.Thread(target=self._work, name=f"intake-{n}") for n in range(THREADS)]
        guard = threading.Thread(target=self._keep_access, name="access")
        for thread in (*workers, guard):
            thread.start()
        while not self.stopping.is_set():
            try:
                self._connect()
                self.client.loop_forever(retry_first_connection=False)
            except OSError as away:
                log.warning("broker_away", extra={"reason": str(away)})
            self.stopping.wait(1.0)
        for _ in workers:
            self.waiting.put(None)
        for thread in (*workers, guard):
            thread.join(20)

    def stop(self) -> None:
        """End after the messages at hand; the others stay with the broker."""
        self.stopping.set()
        self.client.disconnect()

    def _connect(self) -> None:
        wishes = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        wishes.SessionExpiryInterval = SESSION_S
        wishes.ReceiveMaximum = IN_FLIGHT
        self.client.connect(str(self.socket), 1, KEEPALIVE_S, clean_start=False, properties=wishes)

    def _connected(self, client: mqtt.Client, _data: Any, _flags: Any, reason: Any, _props: Any) -> None:
        if reason.is_failure:
            log.error("broker_refuses", extra={"reason": str(reason)})
            return
        self.connection += 1
        self._forget_waiting()
        client.subscribe("gas/+/+", options=SubscribeOptions(qos=1, noLocal=True))
        log.info("broker_connected")

    def _forget_waiting(self) -> None:
        """Drop what an earlier connection brought: the broker brings it again, and numbers it anew."""
        while True:
            try:
                if self.waiting.get_nowait() is None:
                    self.waiting.put(None)
                    return
            except queue.Empty:
                return

    def _arrived(self, _client: mqtt.Client, _data: Any, message: mqtt.MQTTMessage) -> None:
        if message.topic.endswith("/receipt"):
            self.client.ack(message.mid, message.qos)
            return
        self.waiting.put((self.connection, message))

    def _work(self) -> None:
        while (taken := self.waiting.get()) is not None:
            connection, message = taken
            outcome = self._outcome(message)
            if outcome is None:
                continue  # the portal stops: unacknowledged, the message comes again
            self._answer(message, outcome)
            if connection == self.connection:
                # A number of an earlier connection may by now stand for another message.
                self.client.ack(message.mid, message.qos)

    def _outcome(self, message: mqtt.MQTTMessage) -> Outcome | None:
        """Return the answer to a message; a database that is away is waited for, a fault of ours is answered."""
        pause = 0.5
        while True:
            try:
                return answer_to(self.settings, message)
            except AWAY as away:
                log.warning("database_unavailable", extra={"kind": type(away).__name__})
                if self.stopping.wait(pause):
                    return None
                pause = min(pause * 2, LONGEST_PAUSE_S)
            except Exception as fault:  # one message must not end the door for all others
                log.error("unexpected_error", exc_info=fault, extra={"topic": message.topic})
                return Outcome(500, {"status": 500, "code": "unexpected"})

    def _answer(self, message: mqtt.MQTTMessage, outcome: Outcome) -> None:
        place = DATASET_TOPIC.fullmatch(message.topic)
        if place is None:
            return
        body = {"batch_id": "", "dataset": place[2], "status": outcome.status} | outcome.body
        self.client.publish(f"gas/{place[1]}/receipt", orjson.dumps(body), qos=1)

    def _keep_access(self) -> None:
        """Let keys that were made, rotated or cut off reach the broker within seconds."""
        done = False
        while not self.stopping.is_set():
            try:
                done = sync_access(self.settings, again=not done)
            except (SQLAlchemyError, OSError, ValueError) as away:
                log.warning("access_not_renewed", extra={"kind": type(away).__name__})
            self.stopping.wait(ACCESS_EVERY_S if done else 1.0)


def answer_to(settings: Settings, message: mqtt.MQTTMessage) -> Outcome:
    """Return the answer to one message of the broker."""
    given = getattr(message, "properties", None)
    properties = dict(getattr(given, "UserProperty", []) or [])
    content_type = str(getattr(given, "ContentType", "") or "")
    try:
        found = read_message(message.topic, bytes(message.payload), properties, content_type)
    except Refused as wrong:
        nobody = Door(settings, NOBODY, utc_now())
        return refusal(nobody, wrong, batch_id=str(properties.get("X-Batch-Id", ""))[:64])
    began = time.monotonic()
    outcome = take_message(settings, found)
    log.debug("message_taken", extra={"topic": message.topic, "ms": round((time.monotonic() - began) * 1000)})
    return outcome


def run_worker(settings: Settings, socket_folder: Path) -> None:
    """Run the worker until SIGTERM or SIGINT."""
    worker = Worker(settings, socket_of(settings.data_dir, socket_folder))

    def end(_signal: int, _frame: FrameType | None) -> None:
        worker.stop()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    worker.run()
