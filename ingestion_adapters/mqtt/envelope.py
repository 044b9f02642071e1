"""A message of an enterprise's program: topic, signature and body, from MQTT 5 properties or an envelope object; pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from ingestion_adapters.contract import DATASETS
from ingestion_adapters.http.bodies import BODY_BYTES, JSON, Refused
from ingestion_adapters.signing import sm3_hex, string_to_sign

DATASET_TOPIC = re.compile(r"gas/([0-9A-Z]{18})/([A-Z]{2,3})")
# The broker keeps what arrives while the worker is down; the batch number is signed, so a late copy changes nothing.
QUEUED_S = 24 * 3600
AHEAD_S = 300


class Envelope(msgspec.Struct, forbid_unknown_fields=True):
    """The envelope object of a client without MQTT 5 properties; `body` is the text that was signed."""

    batch_id: str
    app_id: str
    timestamp: str | int
    nonce: str
    sign: str
    body: str
    sign_alg: str = "HMAC-SM3"
    content_type: str = JSON


@dataclass(frozen=True)
class Message:
    """One message as read; nothing of it is believed yet."""

    topic: str
    uscc: str
    dataset: str
    batch_id: str
    app_id: str
    timestamp: str
    nonce: str
    algorithm: str
    signature: str
    content_type: str
    encoding: str
    body: bytes
    language: str = "zh"

    @property
    def body_sm3(self) -> str:
        """Return the hex SM3 of the body as signed."""
        return sm3_hex(self.body)

    @property
    def signed_text(self) -> bytes:
        """Return what must have been signed."""
        return text_to_sign(self.topic, self.batch_id, self.timestamp, self.nonce, self.body_sm3)


_envelope = msgspec.json.Decoder(Envelope)


def text_to_sign(topic: str, batch_id: str, timestamp: str, nonce: str, body_sm3: str) -> bytes:
    r"""Return the string to sign: `MQTT\nTOPIC?batch_id=ID\nTIMESTAMP\nNONCE\nhex(SM3(body))`."""
    return string_to_sign("MQTT", f"{topic}?batch_id={batch_id}", timestamp, nonce, body_sm3)


def read_message(topic: str, payload: bytes, properties: Mapping[str, str], content_type: str = "") -> Message:
    """Return a message; raise Refused when topic or envelope are not as agreed."""
    place = DATASET_TOPIC.fullmatch(topic)
    if place is None or place[2] not in DATASETS:
        raise Refused(404, "E_DATASET", "bad_topic")
    if len(payload) > BODY_BYTES:
        raise Refused(413, "E_QUOTA", "too_large", limit_mb=BODY_BYTES >> 20)
    given = {name.casefold(): value for name, value in properties.items()}
    language = "en" if given.get("accept-language", "").startswith("en") else "zh"
    if "x-sign" in given:
        return Message(
            topic,
            place[1],
            place[2],
            given.get("x-batch-id", ""),
            given.get("x-app-id", ""),
            given.get("x-timestamp", ""),
            given.get("x-nonce", ""),
            given.get("x-sign-alg", ""),
            given["x-sign"],
            (content_type or given.get("content-type", "") or JSON).partition(";")[0].strip().lower(),
            given.get("content-encoding", "").strip().lower(),
            payload,
            language,
        )
    try:
        found = _envelope.decode(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as wrong:
        raise Refused(400, "E_SCHEMA", "bad_envelope") from wrong
    return Message(
        topic,
        place[1],
        place[2],
        found.batch_id,
        found.app_id,
        str(found.timestamp),
        found.nonce,
        found.sign_alg,
        found.sign,
        found.content_type,
        "",
        found.body.encode("utf-8", "replace"),
        language,
    )


def in_queue_window(timestamp_ms: int, now_ms: int) -> bool:
    """Return whether a message was signed within the last 24 h, or up to 300 s ahead of our clock."""
    return -QUEUED_S * 1000 <= timestamp_ms - now_ms <= AHEAD_S * 1000
