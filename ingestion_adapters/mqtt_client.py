"""Store-and-forward client of the portal's MQTT door: this file, `client.py` beside it and paho-mqtt suffice.

Batches wait in a SQLite file until the receipt for them has come back on `gas/{uscc}/receipt`; the
broker's own acknowledgement is not enough to forget one. Try `python mqtt_client.py --help`.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import hmac
import json
import random
import secrets
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

try:
    from ingestion_adapters.client import (
        AGAIN,
        BATCH_ROWS,
        FIRST_WAIT_S,
        JSON,
        LONGEST_WAIT_S,
        Answer,
        Queue,
        Sm2Signer,
    )
except ImportError:  # the two files were copied to an enterprise's machine
    from client import AGAIN, BATCH_ROWS, FIRST_WAIT_S, JSON, LONGEST_WAIT_S, Answer, Queue, Sm2Signer  # type: ignore[no-redef]

SESSION_S = 7 * 24 * 3600
AT_ONCE = 8
RECEIPT_WITHIN_S = 30.0


class Outbox(Queue):
    """The queue of `client.py`, from which several batches may be under way at once."""

    def waiting(self, count: int) -> list[tuple[int, str, str, bytes]]:
        """Return the batches to send now, newest alarms first, then the oldest."""
        return self.db.execute(
            "select id, batch_id, dataset, body from batch"
            " order by urgent desc, case when urgent then -id else id end limit ?",
            (count,),
        ).fetchall()


class MqttClient:
    """Signs, publishes, keeps and publishes again for one program of one enterprise."""

    def __init__(self, address: str, uscc: str, app_id: str, key: str, queue_path: str | Path, **more: str) -> None:
        """Use the broker at `address` (host:port) for the enterprise `uscc`.

        `ca` is a PEM file when the broker speaks TLS; `password` is needed with an SM2 private key only,
        the supervisor prints it by `script/portal mqtt login`.
        """
        host, _, port = address.rpartition(":")
        self.host, self.port, self.uscc = host, int(port), uscc
        self.app_id, self.key = app_id, key.encode()
        self.sm2 = Sm2Signer(self.key) if "PRIVATE KEY" in key else None
        own = hmac.new(self.key, f"mqtt|{app_id}".encode(), "sm3").hexdigest()
        self.password = more.get("password") or own
        self.queue_path = Path(queue_path)
        self.queue = Outbox(self.queue_path)
        # What was sent is remembered here; `client.py --queue FILE reconcile` declares it over the adapter API.
        self.ledger: Queue = self.queue
        self.side_folder = self.queue_path.with_name(self.queue_path.name + ".refused")
        self.wait_s = FIRST_WAIT_S
        self._answers: dict[str, Answer] = {}
        self._news = threading.Condition()
        self._up = threading.Event()
        self._new_link = threading.Event()
        self._client = self._make(more.get("ca", ""))

    def push(self, dataset: str, records: Sequence[dict[str, Any]]) -> list[str]:
        """Keep records for sending, in batches; return their batch numbers. `flush` sends."""
        made = []
        for start in range(0, len(records), BATCH_ROWS):
            part = list(records[start : start + BATCH_ROWS])
            words = json.dumps({"records": part}, ensure_ascii=False, allow_nan=False)
            made.append(self.push_body(dataset, words.encode()))
        return made

    def push_body(self, dataset: str, body: bytes) -> str:
        """Keep a ready JSON body, such as the columns of RT; return its batch number."""
        batch_id = f"{time.time_ns():x}-{secrets.token_hex(6)}"
        self.queue.put(batch_id, dataset, gzip.compress(body, compresslevel=5, mtime=0))
        return batch_id

    def flush(self, patience_s: float = 30.0) -> list[Answer]:
        """Send what waits; stop when every batch has its receipt or the portal stays away for `patience_s`."""
        found: list[Answer] = []
        under_way: dict[str, float] = {}
        end = time.monotonic() + patience_s
        while batches := self.queue.waiting(AT_ONCE):
            if not self._connected(end):
                return [*found, Answer(0, {"detail": "the broker cannot be reached"})]
            if self._new_link.is_set():  # a broker that died may have lost what it had confirmed
                self._new_link.clear()
                under_way.clear()
            for number, batch_id, dataset, body in batches:
                answer = self._answer_of(batch_id)
                if answer is not None:
                    under_way.pop(batch_id, None)
                    if self._settled(number, batch_id, dataset, body, answer):
                        found.append(answer)
                        end = time.monotonic() + patience_s if answer.durable else end
                        continue
                    if time.monotonic() + self._pause(end, answer.retry_after_s) > end:
                        return [*found, answer]
                if time.monotonic() - under_way.get(batch_id, -1e9) > RECEIPT_WITHIN_S:
                    self._publish(batch_id, dataset, body)
                    under_way[batch_id] = time.monotonic()
            if time.monotonic() > end:
                return [*found, Answer(0, {"detail": "no receipt in time"})] if self.queue.size() else found
            self._wait_for_news(under_way)
        return found

    def close(self) -> None:
        """End the connection; what waits stays in the file."""
        self._client.disconnect()
        self._client.loop_stop()
        self.queue.close()

    def properties(self, topic: str, batch_id: str, body: bytes) -> Properties:
        """Return the MQTT 5 properties that sign a message."""
        timestamp, nonce = str(round(time.time() * 1000)), secrets.token_hex(16)
        digest = hashlib.new("sm3", body).hexdigest()
        text = "\n".join(("MQTT", f"{topic}?batch_id={batch_id}", timestamp, nonce, digest)).encode()
        made = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        made.ContentType = JSON
        made.UserProperty = [
            ("X-App-Id", self.app_id),
            ("X-Batch-Id", batch_id),
            ("X-Timestamp", timestamp),
            ("X-Nonce", nonce),
            ("X-Sign-Alg", "SM2-SM3" if self.sm2 else "HMAC-SM3"),
            ("X-Sign", self.sm2.sign(text) if self.sm2 else hmac.new(self.key, text, "sm3").hexdigest()),
            ("Content-Encoding", "gzip"),
        ]
        return made

    def _make(self, ca: str) -> mqtt.Client:
        made = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=self.app_id, protocol=mqtt.MQTTv5)
        made.username_pw_set(self.app_id, self.password)
        if ca:
            made.tls_set(ca_certs=ca)
        made.reconnect_delay_set(1, 30)
        made.max_queued_messages_set(AT_ONCE * 2)
        made.on_connect, made.on_disconnect, made.on_message = self._on_connect, self._on_disconnect, self._on_message
        return made

    def _connected(self, end: float) -> bool:
        while not self._up.is_set():
            try:
                if not self._client.is_connected() and self._client._thread is None:
                    wishes = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
                    wishes.SessionExpiryInterval = SESSION_S
                    self._client.connect(self.host, self.port, 30, clean_start=False, properties=wishes)
                    self._client.loop_start()
            except OSError:
                if time.monotonic() + self._pause(end) > end:
                    return False
            self._up.wait(0.2)
            if time.monotonic() > end:
                return False
        return True

    def _on_connect(self, client: mqtt.Client, _data: Any, _flags: Any, reason: Any, _props: Any) -> None:
        if not reason.is_failure:
            client.subscribe(f"gas/{self.uscc}/receipt", qos=1)
            self._new_link.set()
            self._up.set()

    def _on_disconnect(self, *_: Any) -> None:
        self._up.clear()

    def _on_message(self, _client: mqtt.Client, _data: Any, message: mqtt.MQTTMessage) -> None:
        try:
            body = json.loads(message.payload)
            wait = body.get("retry_after_s")
            later = float(wait) if isinstance(wait, int) else None
            answer = Answer(int(body["status"]), body, str(body["batch_id"]), later)
        except (ValueError, KeyError, TypeError):
            return
        with self._news:
            self._answers[answer.batch_id] = answer
            self._news.notify_all()

    def _publish(self, batch_id: str, dataset: str, body: bytes) -> None:
        topic = f"gas/{self.uscc}/{dataset}"
        self._client.publish(topic, body, qos=1, properties=self.properties(topic, batch_id, body))

    def _answer_of(self, batch_id: str) -> Answer | None:
        with self._news:
            return self._answers.pop(batch_id, None)

    def _wait_for_news(self, under_way: dict[str, float]) -> None:
        with self._news:
            if not self._answers.keys() & under_way.keys():
                self._news.wait(0.2)

    def _settled(self, number: int, batch_id: str, dataset: str, body: bytes, answer: Answer) -> bool:
        """Return whether the batch needs no more sending: it is durable, or refused for good and set aside."""
        if not answer.durable and answer.status in AGAIN:
            return False
        if answer.durable:
            self.wait_s = FIRST_WAIT_S
            self.ledger.note_answer(batch_id, dataset, hashlib.new("sm3", body).hexdigest(), answer.body)
        else:
            self.side_folder.mkdir(parents=True, exist_ok=True)
            (self.side_folder / f"{batch_id}.{dataset}.json.gz").write_bytes(body)
            words = json.dumps({"status": answer.status, **answer.body}, ensure_ascii=False, indent=2)
            (self.side_folder / f"{batch_id}.reason.json").write_text(words, encoding="utf-8")
        self.queue.drop(number)
        return True

    def _pause(self, end: float, at_least_s: float | None = None) -> float:
        """Sleep a growing while with jitter, never past `end`; return how long it was meant to be."""
        wait = max(self.wait_s * random.uniform(0.5, 1.5), at_least_s or 0.0)  # jitter, no secret
        self.wait_s = min(self.wait_s * 2, LONGEST_WAIT_S)
        if time.monotonic() + wait <= end:
            time.sleep(wait)
            return 0.0
        return wait


def main(words: Sequence[str] | None = None) -> int:
    """Run the command line: push a file of records, or flush the queue."""
    parser = argparse.ArgumentParser(description="燃监企业端（MQTT） / enterprise client of the MQTT door")
    parser.add_argument("--broker", required=True, help="host:port")
    parser.add_argument("--uscc", required=True, help="统一社会信用代码")
    parser.add_argument("--app-id", required=True)
    parser.add_argument("--key-file", required=True, type=Path, help="file that holds the key")
    parser.add_argument("--ca", default="", help="PEM file of the authority when the broker speaks TLS")
    parser.add_argument("--password", default="", help="broker password, with an SM2 private key only")
    parser.add_argument("--queue", default=Path("ranjian-mqtt-queue.db"), type=Path)
    actions = parser.add_subparsers(dest="action", required=True)
    pushing = actions.add_parser("push", help='push a JSON file {"records": […]} or a list')
    pushing.add_argument("dataset")
    pushing.add_argument("file", type=Path)
    actions.add_parser("flush", help="send what waits")
    given = parser.parse_args(words)
    key = given.key_file.read_text(encoding="utf-8").strip()
    more = {"ca": given.ca, "password": given.password}
    client = MqttClient(given.broker, given.uscc, given.app_id, key, given.queue, **more)
    if given.action == "push":
        found = json.loads(given.file.read_text(encoding="utf-8"))
        client.push(given.dataset, found["records"] if isinstance(found, dict) else found)
    answers = client.flush()
    for answer in answers:
        sys.stdout.write(json.dumps({"status": answer.status, **answer.body}, ensure_ascii=False) + "\n")
    left = client.queue.size()
    client.close()
    return 0 if all(answer.status == 200 for answer in answers) and not left else 1


if __name__ == "__main__":
    raise SystemExit(main())
