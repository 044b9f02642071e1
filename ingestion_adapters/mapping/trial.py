"""A message of an enterprise tried with a mapping: its rows in our words and the findings, before anything is saved."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from ingestion_adapters.deliveries import Rows
from ingestion_adapters.http.bodies import CSV, JSON, NDJSON, Refused, payload_of
from ingestion_adapters.mapping.services import Heard, hear
from ingestion_adapters.onboarding.trial import Tried, heard_in_draft, try_out
from ingestion_adapters.receipts import Batch
from ingestion_adapters.signing import sm3_hex
from ingestion_adapters.store_readings import FLAGS, RawReadings
from portal.core.actor import Actor

MESSAGE_BYTES = 512 * 1024
SHOWN = 20
_LETTERS = {code: letter for letter, code in FLAGS.items()}


@dataclass(frozen=True)
class Pair:
    """A row as sent and as understood; nothing where it was refused before it could be."""

    number: int
    sent: Any
    understood: Any


@dataclass(frozen=True)
class Seen:
    """What became of a message that was only tried out."""

    pairs: list[Pair]
    tried: Tried


def see(
    session: Session,
    place: tuple[int, str],
    message: bytes,
    body: dict[str, Any] | None,
    *,
    now: datetime,
    actor: Actor,
) -> Seen:
    """Try a message of an enterprise's dataset (`place`) with a mapping, the one in force when `body` is None.

    Raise Refused when the message cannot be read at all.
    """
    enterprise_id, dataset = place
    sent = message_of(dataset, message)
    if body is None:
        heard: Rows | RawReadings | Heard = hear(session, enterprise_id, dataset, sent) or sent
    else:
        heard = heard_in_draft(session, enterprise_id, dataset, sent, body)
    understood = heard.understood if isinstance(heard, Heard) else heard
    pairs = pairs_of(sent, understood)
    batch = Batch(enterprise_id, dataset, f"try-{sm3_hex(message)[:40]}-{now:%H%M%S%f}", "http", "", len(message))
    return Seen(pairs, try_out(session, batch, heard, now=now, actor=actor))


def message_of(dataset: str, message: bytes) -> Rows | RawReadings:
    """Return the rows of a pasted message: JSON, a list, lines of JSON, or CSV; raise Refused."""
    text = message.strip()
    if not text or len(text) > MESSAGE_BYTES:
        raise Refused(413 if text else 400, "E_SCHEMA", "too_large" if text else "no_records", limit_mb=0.5)
    if text.startswith(b"["):
        return payload_of(dataset, JSON, b'{"records":' + text + b"}")
    if not text.startswith(b"{"):
        return payload_of(dataset, CSV, text)
    try:
        return payload_of(dataset, JSON, text)
    except Refused:
        return payload_of(dataset, NDJSON, b"\n".join(text.splitlines()))


def pairs_of(sent: Rows | RawReadings, understood: Rows | RawReadings) -> list[Pair]:
    """Return the first rows as sent beside how they are understood."""
    theirs, ours = _numbered(sent), dict(_numbered(understood))
    return [Pair(number, row, ours.get(number)) for number, row in theirs[:SHOWN]]


def _numbered(payload: Rows | RawReadings) -> list[tuple[int, Any]]:
    if isinstance(payload, Rows):
        numbers = range(len(payload.rows)) if payload.numbers is None else payload.numbers
        return list(zip(numbers, payload.rows, strict=True))[: SHOWN * 10]
    t = payload.t.tolist() if isinstance(payload.t, np.ndarray) else payload.t
    return [
        (
            int(payload.numbers[place]),
            {
                "point": payload.points[int(payload.which[place])],
                "t": t[place],
                "v": float(payload.v[place]),
                "q": int(payload.q[place]),
                "f": _LETTERS[int(payload.f[place])],
            },
        )
        for place in range(min(payload.v.size, SHOWN * 10))
    ]
