"""One signed batch to a superior: an allowed and pinned address only, no redirects, bounded in time and size."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import orjson

from ingestion_adapters.checks import clean_text
from ingestion_adapters.pull.fetch import NotFetched, bounded, connection_to, pinned_address
from ingestion_adapters.pull.rules import Allowed, host_allowed, parts_of
from ingestion_adapters.signing import HMAC_SM3, sign, sm3_hex, string_to_sign

ANSWER_BYTES = 1024 * 1024
SAID_CHARS = 2000


@dataclass(frozen=True)
class Target:
    """Where a superior takes batches, and the key it gave the city."""

    base_url: str
    app_id: str
    key: bytes


@dataclass(frozen=True)
class Said:
    """What a superior answered; status 0 when nothing answered."""

    status: int
    words: str
    body: dict[str, Any]
    took_ms: int


def post(target: Target, dataset: str, batch_id: str, body: bytes, allowed: Allowed) -> Said:
    """Send one batch and return the answer; whatever goes wrong on the way is status 0 with the reason."""
    began = time.monotonic()
    try:
        status, answer = _exchange(target, dataset, batch_id, body, allowed)
    except NotFetched as away:
        return Said(0, away.why, {}, _ms(began))
    words = clean_text(answer.decode("utf-8", "replace"), SAID_CHARS)
    return Said(status, words, _body(answer), _ms(began))


def _body(answer: bytes) -> dict[str, Any]:
    """Return the object of an answer, nothing for any other; no database keeps a NUL, not even an escaped one."""
    try:
        found = orjson.loads(answer)
    except orjson.JSONDecodeError:
        return {}
    if not isinstance(found, dict):
        return {}
    return found if b"\\u0000" not in answer else {"receipt_id": found["receipt_id"]} if _numbered(found) else {}


def _numbered(found: dict[str, Any]) -> bool:
    return isinstance(found.get("receipt_id"), int)


def _exchange(target: Target, dataset: str, batch_id: str, body: bytes, allowed: Allowed) -> tuple[int, bytes]:
    parts = parts_of(target.base_url)
    if parts is None or not host_allowed(target.base_url, allowed):
        raise NotFetched("pull_host")
    port = parts.port or (443 if parts.scheme == "https" else 80)
    link = connection_to(parts.scheme, parts.hostname or "", pinned_address(parts.hostname or "", port, allowed))
    path = f"{urlsplit(target.base_url).path.rstrip('/')}/api/v1/ingest/{dataset}"
    with bounded(link):
        link.request("POST", path, body, _headers(target, path, batch_id, body))
        reply = link.getresponse()
        return reply.status, reply.read(ANSWER_BYTES)


def _headers(target: Target, path: str, batch_id: str, body: bytes) -> dict[str, str]:
    timestamp, nonce = str(round(time.time() * 1000)), secrets.token_hex(16)
    return {
        "Content-Type": "application/json",
        "X-App-Id": target.app_id,
        "X-Timestamp": timestamp,
        "X-Nonce": nonce,
        "X-Sign-Alg": HMAC_SM3,
        "X-Sign": sign(target.key, string_to_sign("POST", path, timestamp, nonce, sm3_hex(body))),
        "X-Batch-Id": batch_id,
    }


def _ms(began: float) -> int:
    return round(1000 * (time.monotonic() - began))
