"""The usual batch of readings in one round trip: fresh rows of known points, opened, stored, noted and receipted together.

What is not usual goes the longer way of `intake.accept_message`; both ways end in the same rows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
from sqlalchemy.orm import Session

from ingestion_adapters.backfill.holding import limits_in_force
from ingestion_adapters.instants import ReadTimes, instants_ms
from ingestion_adapters.receipts import Batch
from ingestion_adapters.store_readings import DAY_MS, Judged, RawReadings, judged, meters_apart
from portal.core.db import call
from portal.operation.telemetry.newest import array_text, fold_later, give_turn_back, hours_text, lasts_of, when_to_fold

# Beyond it COPY is the faster way.
ROWS_AT_ONCE = 2000
# Readings younger than a day are in no packed day; an hour is left for clocks and long batches.
FRESH_MS = DAY_MS - 3_600_000
TAKEN, REPLAYED, KNOWN, COLLIDED = "taken", "replayed", "known", "collided"


@dataclass(frozen=True)
class AtOnce:
    """What came of a batch; collided: it is open under the receipt number, and nothing of it is stored."""

    outcome: str
    receipt_id: int
    remembered: frozenset[int] = frozenset()  # points of it that the limit check remembers as off normal


def usual(session: Session, enterprise_id: int, raw: RawReadings, now: datetime) -> Judged | None:
    """Return the judged readings of a batch that can be taken at once, None for any other."""
    if not 0 < raw.v.size <= ROWS_AT_ONCE:
        return None
    times = raw.t if isinstance(raw.t, np.ndarray | ReadTimes) else ReadTimes(raw.t)
    (ts_ms, readable), now_ms = instants_ms(times), round(now.timestamp() * 1000)
    oldest_ms = now_ms - min(FRESH_MS, limits_in_force(session)[0].automatic_days * DAY_MS)
    if not readable.all() or ts_ms.min() < oldest_ms or ts_ms.max() >= now_ms + DAY_MS:
        return None
    if meters_apart(session, enterprise_id, raw)[1] is not None:
        return None
    sound = judged(session, enterprise_id, replace(raw, t=times), 0, now)
    return sound if sound.block.rows else None


def take_at_once(
    session: Session, batch: Batch, sound: Judged, rows: tuple[int, int], *, nonce: str | None, tell: bool
) -> AtOnce:
    """Take a batch in whole or not at all; `rows` are the number sent and the number refused, `tell` has pages told."""
    block, (sent, refused) = sound.block, rows
    last = lasts_of(block)
    newest = None if last.all() else array_text(np.flatnonzero(last) + 1)
    found = call(
        session,
        "select outcome, receipt, remembered, waits from take_readings(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s,"
        " %s, %s::bigint[], %s::float8[], %s::int[], %s::smallint[], %s::smallint[], %s::int[], %s::timestamptz[], %s)",
        (
            batch.enterprise_id,
            batch.batch_id,
            batch.door,
            batch.app_id,
            nonce,
            block.received_at,
            round(block.received_at.timestamp() * 1000),
            batch.body_sm3,
            batch.body_bytes,
            sent,
            sound.repeated,
            refused,
            sound.late,
            tell,
            array_text(block.ts_ms),
            array_text(block.value),
            array_text(block.point_id),
            array_text(block.quality),
            array_text(block.flag),
            newest,
            hours_text(block),
            when_to_fold(block.enterprise_id, sound.newest_every_s),
        ),
    )
    outcome, receipt_id, remembered, waits = found[0]
    if outcome != "taken":
        give_turn_back(block.enterprise_id)
    if waits:
        fold_later(session)
    return AtOnce(outcome, receipt_id or 0, frozenset(remembered or ()))
