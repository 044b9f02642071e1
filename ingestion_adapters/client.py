"""Store-and-forward client of the adapter API: this one file, Python 3.11 and its standard library suffice.

Batches wait in a SQLite file until the portal has answered that they are durable; what it refuses
for good goes into a side folder with the reason. Signs with HMAC-SM3, or with an SM2 private key where
OpenSSL 3 is installed. Try `python client.py --help`.
"""

from __future__ import annotations

import argparse
import ctypes
import gzip
import hashlib
import hmac
import json
import random
import secrets
import sqlite3
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

FIRST_WAIT_S, LONGEST_WAIT_S = 0.1, 300.0
TIMEOUT_S = 30.0
BATCH_ROWS = 5000
URGENT = ("ALM",)
AGAIN = (401, 408, 425, 429, 500, 502, 503, 504)
JSON = "application/json"
# A day of reconciliation is a day of the city, UTC+8, by the portal's clock.
CITY_OFFSET = timedelta(hours=8)
SENT_KEPT_DAYS = 40
CLAIM_BATCHES = 20_000


def city_day(at: datetime) -> str:
    """Return the city's day of an instant, YYYY-MM-DD."""
    return (at.astimezone(UTC) + CITY_OFFSET).date().isoformat()


@dataclass(frozen=True)
class Answer:
    """What the portal said; status 0 when it could not be reached."""

    status: int
    body: dict[str, Any]
    batch_id: str = ""
    retry_after_s: float | None = None

    @property
    def durable(self) -> bool:
        """Return whether the portal has the batch, whatever it thought of its rows."""
        return "receipt_id" in self.body and "accepted" in self.body


class Queue:
    """Batches on disk, oldest first after the newest alarms; written through before `put` returns."""

    def __init__(self, path: Path) -> None:
        """Open or make the file."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self.db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self.db.execute("pragma journal_mode = wal")
        self.db.execute("pragma synchronous = full")
        self.db.execute(
            "create table if not exists batch (id integer primary key, batch_id text unique not null,"
            " dataset text not null, urgent integer not null, body blob not null, made_at real not null)"
        )
        self.db.execute(
            "create table if not exists sent (batch_id text primary key, dataset text not null, day text not null,"
            " rows integer not null, sm3 text not null)"
        )
        self.db.execute("create table if not exists declared (day text primary key)")

    def put(self, batch_id: str, dataset: str, body: bytes) -> None:
        """Keep a batch."""
        self.db.execute(
            "insert into batch (batch_id, dataset, urgent, body, made_at) values (?, ?, ?, ?, ?)",
            (batch_id, dataset, dataset in URGENT, body, time.time()),
        )

    def first(self) -> tuple[int, str, str, bytes] | None:
        """Return the batch to send now."""
        found: tuple[int, str, str, bytes] | None = self.db.execute(
            "select id, batch_id, dataset, body from batch"
            " order by urgent desc, case when urgent then -id else id end limit 1"
        ).fetchone()
        return found

    def drop(self, number: int) -> None:
        """Forget a batch."""
        self.db.execute("delete from batch where id = ?", (number,))

    def note_sent(self, batch: tuple[str, str, str, int, str]) -> None:
        """Remember a durable batch: number, dataset, city day of receipt, rows, SM3; some weeks are kept."""
        known = self.db.execute("select 1 from sent where batch_id = ?", (batch[0],)).fetchone()
        self.db.execute("insert or replace into sent values (?, ?, ?, ?, ?)", batch)
        if known is None:  # a day that was declared already has grown: it is declared anew
            self.db.execute("delete from declared where day = ?", (batch[2],))
        oldest = (batch[2], f"-{SENT_KEPT_DAYS} days")
        self.db.execute("delete from sent where day < date(?, ?)", oldest)
        self.db.execute("delete from declared where day < date(?, ?)", oldest)

    def note_answer(self, batch_id: str, dataset: str, sm3: str, said: dict[str, Any]) -> None:
        """Remember a batch from the portal's answer or receipt; one that does not say it is durable is left out."""
        counts = [said.get(name) for name in ("accepted", "duplicate", "rejected")]
        at = said.get("server_time")
        if isinstance(at, str) and all(isinstance(each, int) for each in counts):
            self.note_sent((batch_id, dataset, city_day(datetime.fromisoformat(at)), sum(counts), sm3))  # type: ignore[arg-type]

    def claims(self, day: str) -> list[dict[str, Any]]:
        """Return what was sent on a city day as it is declared, one dataset each."""
        found = []
        for dataset, batches in self.sent_on(day).items():
            sums = "\n".join(sorted(sm3 for _, _, sm3 in batches))
            claim = {
                "date": day,
                "dataset": dataset,
                "batches": len(batches),
                "rows": sum(rows for _, rows, _ in batches),
                "sm3": hashlib.new("sm3", sums.encode()).hexdigest(),
                "batch_ids": [batch_id for batch_id, _, _ in batches][:CLAIM_BATCHES],
            }
            if len(batches) > CLAIM_BATCHES:
                del claim["batch_ids"]
            found.append(claim)
        return found

    def undeclared(self, before: str) -> list[str]:
        """Return the days before a day on which something was sent that is not yet declared, oldest first."""
        rows = self.db.execute(
            "select distinct day from sent where day < ? and day not in (select day from declared) order by day", (before,)
        )
        return [day for (day,) in rows]

    def note_declared(self, day: str) -> None:
        """Remember that a day was declared as it stands."""
        self.db.execute("insert or ignore into declared values (?)", (day,))

    def sent_on(self, day: str) -> dict[str, list[tuple[str, int, str]]]:
        """Return dataset -> (batch number, rows, SM3) of a day."""
        found: dict[str, list[tuple[str, int, str]]] = {}
        rows = self.db.execute("select dataset, batch_id, rows, sm3 from sent where day = ? order by batch_id", (day,))
        for dataset, batch_id, count, sm3 in rows:
            found.setdefault(dataset, []).append((batch_id, count, sm3))
        return found

    def size(self) -> int:
        """Return how many batches wait."""
        return int(self.db.execute("select count(*) from batch").fetchone()[0])

    def close(self) -> None:
        """Close the file."""
        self.db.close()


class Sm2Signer:
    """Signs with an SM2 private key (PEM, unencrypted) through the OpenSSL 3 of this machine; the key stays here."""

    def __init__(self, private_pem: bytes, identity: bytes = b"1234567812345678") -> None:
        """Load the key; raise ValueError when OpenSSL 3 is missing or the text is no SM2 private key."""
        self.identity, self.key = identity, None
        try:
            self.lib = ctypes.CDLL("libcrypto.so.3")
            pointers = ("EVP_sm3", "BIO_new_mem_buf", "PEM_read_bio_PrivateKey", "EVP_MD_CTX_new")
            for name in (*pointers, "EVP_MD_CTX_free", "EVP_PKEY_free", "BIO_free", "ERR_clear_error"):
                getattr(self.lib, name).restype = ctypes.c_void_p if name in pointers else None
        except (OSError, AttributeError) as missing:
            raise ValueError("SM2 needs OpenSSL 3 (libcrypto.so.3) on this machine") from missing
        bio = ctypes.c_void_p(self.lib.BIO_new_mem_buf(private_pem, len(private_pem)))
        # The empty password keeps OpenSSL from asking at the terminal for that of an encrypted key.
        self.key = ctypes.c_void_p(self.lib.PEM_read_bio_PrivateKey(bio, None, None, b""))
        self.lib.BIO_free(bio)
        self.lib.ERR_clear_error()
        if not self.key or self.lib.EVP_PKEY_is_a(self.key, b"SM2") != 1:
            raise ValueError("not an unencrypted SM2 private key in PEM")

    def sign(self, text: bytes) -> str:
        """Return the signature in hex: DER of r and s."""
        context, inner, size = ctypes.c_void_p(self.lib.EVP_MD_CTX_new()), ctypes.c_void_p(), ctypes.c_size_t(80)
        room, digest = ctypes.create_string_buffer(80), ctypes.c_void_p(self.lib.EVP_sm3())
        long = ctypes.c_size_t
        try:
            done = (
                self.lib.EVP_DigestSignInit(context, ctypes.byref(inner), digest, None, self.key) == 1
                and self.lib.EVP_PKEY_CTX_set1_id(inner, self.identity, long(len(self.identity))) == 1
                and self.lib.EVP_DigestSign(context, room, ctypes.byref(size), text, long(len(text))) == 1
            )
        finally:
            self.lib.EVP_MD_CTX_free(context)
            self.lib.ERR_clear_error()
        if not done:
            raise ValueError("OpenSSL could not sign")
        return room.raw[: size.value].hex()

    def __del__(self) -> None:
        """Give the key's memory back."""
        if self.key:
            self.lib.EVP_PKEY_free(self.key)


class Client:
    """Signs, sends, keeps and sends again for one program of one enterprise."""

    def __init__(
        self, base_url: str, app_id: str, key: str, queue_path: str | Path, *, sandbox: bool = False
    ) -> None:
        """Use the portal at `base_url`; `queue_path` is the queue's file.

        With `sandbox` batches are judged by the portal and not stored.
        `key` is the key given by the supervisor, or the PEM text of an own SM2 private key whose public key
        the supervisor registered.
        """
        parts = urllib.parse.urlsplit(base_url)
        if parts.scheme not in ("http", "https"):
            raise ValueError("base_url must begin with http:// or https://")
        self.base_url = base_url.rstrip("/")
        self.prefix = parts.path.rstrip("/")
        self.app_id, self.key = app_id, key.encode()
        self.sm2 = Sm2Signer(self.key) if "PRIVATE KEY" in key else None
        self.queue_path = Path(queue_path)
        self.queue = Queue(self.queue_path)
        # Where the durable batches of the enterprise are remembered, when several programs send for it.
        self.ledger = self.queue
        self.side_folder = self.queue_path.with_name(self.queue_path.name + ".refused")
        self.ingest = "/api/v1/sandbox/ingest" if sandbox else "/api/v1/ingest"
        self.offset_ms = 0
        self.wait_s = FIRST_WAIT_S
        self.sleep: Callable[[float], None] = time.sleep

    def push(self, dataset: str, records: Sequence[dict[str, Any]]) -> list[str]:
        """Keep records for sending, in batches; return their batch numbers. `flush` sends."""
        made = []
        for start in range(0, len(records), BATCH_ROWS):
            words = json.dumps(
                {"records": list(records[start : start + BATCH_ROWS])}, ensure_ascii=False, allow_nan=False
            )
            made.append(self.push_body(dataset, words.encode()))
        return made

    def push_body(self, dataset: str, body: bytes) -> str:
        """Keep a ready JSON body, such as the columns of RT; return its batch number."""
        batch_id = f"{time.time_ns():x}-{secrets.token_hex(6)}"
        self.queue.put(batch_id, dataset, gzip.compress(body, compresslevel=5, mtime=0))
        return batch_id

    def flush(self, patience_s: float = 30.0) -> list[Answer]:
        """Send what waits; stop when all is sent or the portal stays away for `patience_s`."""
        answers: list[Answer] = []
        end = time.monotonic() + patience_s
        while (batch := self.queue.first()) is not None:
            number, batch_id, dataset, body = batch
            answer = self._send_batch(batch_id, dataset, body)
            if answer.durable:
                self.wait_s = FIRST_WAIT_S
                end = time.monotonic() + patience_s
                self.ledger.note_answer(batch_id, dataset, hashlib.new("sm3", body).hexdigest(), answer.body)
                self.queue.drop(number)
            elif answer.status in AGAIN or answer.status == 0:
                wait = self._next_wait(answer)
                if time.monotonic() + wait > end:
                    return [*answers, answer]
                self.sleep(wait)
                continue
            else:
                self._set_aside(batch_id, dataset, body, answer)
                self.queue.drop(number)
            answers.append(answer)
        return answers

    def get(self, path: str) -> Answer:
        """Return what stands at a path such as `/api/v1/orders`."""
        return self._call("GET", path, b"", {})

    def post(self, path: str, body: dict[str, Any]) -> Answer:
        """Post a JSON object, such as the reply to an order; sent at once and not kept."""
        return self._call("POST", path, json.dumps(body, ensure_ascii=False).encode(), {"Content-Type": JSON})

    def ask_backfill(self, begin: str, end: str, reason: str) -> Answer:
        """Ask ahead that late readings of a span be taken; times are ISO 8601 with offset, both ends included.

        201 when it is with the city, 200 when this span waits already: asking twice makes no second request.
        """
        return self.post("/api/v1/backfill", {"begin": begin, "end": end, "reason": reason})

    def backfill_requests(self, state: str = "") -> list[Answer]:
        """Return the pages of this enterprise's requests, oldest first; the last page may be a refusal."""
        pages: list[Answer] = []
        after: object = 0
        while after is not None:
            query = urllib.parse.urlencode({"after": after} | ({"state": state} if state else {}))
            page = self.get(f"/api/v1/backfill?{query}")
            pages.append(page)
            after = page.body.get("next") if page.status == 200 else None
        return pages

    def declare(self, day: str) -> list[Answer]:
        """Declare what was sent on a city day, YYYY-MM-DD, one dataset each; the answers tell what differs."""
        return [self.post("/api/v1/reconciliation", claim) for claim in self.ledger.claims(day)]

    def declare_finished(self, now: datetime | None = None) -> list[Answer]:
        """Declare every city day that is over and not yet declared as it stands; one that fails is tried next time."""
        at = now or datetime.now(UTC) + timedelta(milliseconds=self.offset_ms)
        answers: list[Answer] = []
        for day in self.ledger.undeclared(city_day(at)):
            told = self.declare(day)
            answers += told
            if any(each.status != 201 for each in told):
                break
            self.ledger.note_declared(day)
        return answers

    def headers(self, method: str, path: str, body: bytes) -> dict[str, str]:
        """Return the five headers that sign a request."""
        timestamp, nonce = str(round(time.time() * 1000) + self.offset_ms), secrets.token_hex(16)
        digest = hashlib.new("sm3", body).hexdigest()
        text = "\n".join((method, self.prefix + path, timestamp, nonce, digest)).encode()
        return {
            "X-App-Id": self.app_id,
            "X-Timestamp": timestamp,
            "X-Nonce": nonce,
            "X-Sign-Alg": "SM2-SM3" if self.sm2 else "HMAC-SM3",
            "X-Sign": self.sm2.sign(text) if self.sm2 else hmac.new(self.key, text, "sm3").hexdigest(),
        }

    def _send_batch(self, batch_id: str, dataset: str, body: bytes) -> Answer:
        more = {"Content-Type": JSON, "Content-Encoding": "gzip", "X-Batch-Id": batch_id}
        path = f"{self.ingest}/{dataset}"
        answer = self._call("POST", path, body, more)
        if answer.status == 401 and answer.body.get("code") == "E_WINDOW":
            answer = self._call("POST", path, body, more)
        return Answer(answer.status, answer.body, batch_id, answer.retry_after_s)

    def _call(self, method: str, path: str, body: bytes, more: dict[str, str]) -> Answer:
        headers = self.headers(method, path, body) | {"Accept": JSON} | more
        request = urllib.request.Request(  # the scheme is checked when the client is made
            self.base_url + path, data=body if method != "GET" else None, headers=headers, method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S) as reply:
                return self._understood(reply.status, reply.read(), None)
        except urllib.error.HTTPError as refused:
            with refused:
                return self._understood(refused.code, refused.read(), refused.headers.get("Retry-After"))
        except (OSError, urllib.error.URLError, TimeoutError) as away:
            return Answer(0, {"detail": str(away)})

    def _understood(self, status: int, raw: bytes, retry_after: str | None) -> Answer:
        try:
            body = json.loads(raw)
        except ValueError:
            body = {}
        if not isinstance(body, dict):
            body = {}
        if not body.get("replayed"):
            self._set_clock(body.get("server_time"))
        wait = float(retry_after) if retry_after and retry_after.isdigit() else None
        return Answer(status, body, retry_after_s=wait)

    def _set_clock(self, server_time: object) -> None:
        if isinstance(server_time, str):
            theirs = datetime.fromisoformat(server_time).timestamp() * 1000
            off = round(theirs - time.time() * 1000)
            self.offset_ms = off if abs(off) > 5000 else 0

    def _next_wait(self, answer: Answer) -> float:
        wait = self.wait_s * random.uniform(0.5, 1.5)  # jitter, no secret
        self.wait_s = min(self.wait_s * 2, LONGEST_WAIT_S)
        return max(wait, answer.retry_after_s or 0.0)

    def _set_aside(self, batch_id: str, dataset: str, body: bytes, answer: Answer) -> None:
        self.side_folder.mkdir(parents=True, exist_ok=True)
        (self.side_folder / f"{batch_id}.{dataset}.json.gz").write_bytes(body)
        reason = json.dumps({"status": answer.status, **answer.body}, ensure_ascii=False, indent=2)
        (self.side_folder / f"{batch_id}.reason.json").write_text(reason, encoding="utf-8")


def main(words: Sequence[str] | None = None) -> int:
    """Run the command line: push a file, flush the queue, declare a day, ask for late readings, or get a path."""
    parser = argparse.ArgumentParser(description="燃监企业端 / enterprise client of the adapter API")
    parser.add_argument("--url", required=True, help="address of the portal")
    parser.add_argument("--app-id", required=True)
    parser.add_argument(
        "--key-file", required=True, type=Path, help="file with the key, or with an SM2 private key (PEM)"
    )
    parser.add_argument("--queue", default=Path("ranjian-queue.db"), type=Path)
    parser.add_argument("--sandbox", action="store_true", help="have batches judged, not stored")
    actions = parser.add_subparsers(dest="action", required=True)
    pushing = actions.add_parser("push", help='push a JSON file {"records": […]} or a list')
    pushing.add_argument("dataset")
    pushing.add_argument("file", type=Path)
    actions.add_parser("flush", help="send what waits")
    declaring = actions.add_parser("reconcile", help="declare what was sent on a day and see what differs")
    declaring.add_argument("day", nargs="?", help="city day, YYYY-MM-DD; every finished day not yet declared unless given")
    late = actions.add_parser("backfill", help="ask ahead for late readings, or list what was asked")
    late.add_argument("begin", nargs="?", help="first source time, ISO 8601 with offset; all requests are listed without it")
    late.add_argument("end", nargs="?", help="last source time")
    late.add_argument("reason", nargs="?", help="why the readings are late")
    getting = actions.add_parser("get", help="read back")
    getting.add_argument("path")
    given = parser.parse_args(words)
    key = given.key_file.read_text(encoding="utf-8").strip()
    client = Client(given.url, given.app_id, key, given.queue, sandbox=given.sandbox)
    if given.action == "get":
        answers = [client.get(given.path)]
    elif given.action == "backfill":
        if given.begin and not given.reason:
            parser.error("backfill takes begin, end and reason, or none of them")
        asked = given.begin is not None
        answers = (
            [client.ask_backfill(given.begin, given.end, given.reason)] if asked else client.backfill_requests()
        )
    elif given.action == "reconcile":
        answers = client.declare(given.day) if given.day else client.declare_finished()
    else:
        if given.action == "push":
            found = json.loads(given.file.read_text(encoding="utf-8"))
            client.push(given.dataset, found["records"] if isinstance(found, dict) else found)
        answers = client.flush()
    for answer in answers:
        sys.stdout.write(json.dumps({"status": answer.status, **answer.body}, ensure_ascii=False) + "\n")
    return 0 if all(answer.status in (200, 201) for answer in answers) and not client.queue.size() else 1


if __name__ == "__main__":
    raise SystemExit(main())
