"""The newest value of each point: folded in with the batch, or with others of the same half second.

Renewing a point's row costs more than storing its reading. A lone batch is folded in at once; of a burst
one batch each `every_s` is, the others wait as one row each until the next fold, which this process
orders for itself; what a killed process leaves, the schedule folds.
"""

from __future__ import annotations

import logging
import threading
import time
from datetime import UTC, datetime
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray
from sqlalchemy import event, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from portal.config import Settings
from portal.core.actor import CITY
from portal.core.db import SETTINGS, call, transaction
from portal.operation.telemetry.blocks import ReadingBlock

HOUR_MS = 3_600_000
FOLD_AFTER_S = 0.3
_WAITS = "latest_waits"

log = logging.getLogger(__name__)
_folded: dict[int, float] = {}
_lock = threading.Lock()
_ordered = False


def note_readings(session: Session, block: ReadingBlock, every_s: float = 0.0) -> frozenset[int]:
    """Renew the newest values, ask for the roll-up of the hours; return the points the limit check remembers.

    With `every_s` the batch may wait for a fold that is ordered when the transaction is committed.
    """
    last = lasts_of(block)
    rows = call(
        session,
        "select remembered, waits from note_readings(%s, %s, %s::bigint[], %s::float8[], %s::int[], %s::smallint[],"
        " %s::smallint[], %s::timestamptz[], %s)",
        (
            block.enterprise_id,
            block.received_at,
            array_text(block.ts_ms[last]),
            array_text(block.value[last]),
            array_text(block.point_id[last]),
            array_text(block.quality[last]),
            array_text(block.flag[last]),
            hours_text(block),
            when_to_fold(block.enterprise_id, every_s),
        ),
    )
    remembered, waits = rows[0]
    if waits:
        fold_later(session)
    return frozenset(remembered)


def lasts_of(block: ReadingBlock) -> NDArray[np.bool_]:
    """Return which readings are the last of their point."""
    last = np.ones(block.rows, bool)
    last[:-1] = block.point_id[1:] != block.point_id[:-1]
    return last


def hours_text(block: ReadingBlock) -> str:
    """Return the hours of a block as an array literal."""
    first, end = int(block.ts_ms.min()) // HOUR_MS, int(block.ts_ms.max()) // HOUR_MS
    hours = [first] if first == end else np.unique(block.ts_ms // HOUR_MS).tolist()
    return "{" + ",".join(datetime.fromtimestamp(hour * 3600, UTC).isoformat() for hour in hours) + "}"


def fold_later(session: Session) -> None:
    """Have what this transaction left waiting folded after its commit."""
    session.info[_WAITS] = True


def fold_waiting(session: Session, now: datetime) -> str:
    """Fold what processes left behind that were ended before their own fold."""
    return f"{session.scalar(text('select fold_latest()'))} enterprises"


def when_to_fold(enterprise_id: int, every_s: float) -> str:
    """Return whether a batch is folded `now`, `soon` (unless another one is being folded) or `later`."""
    if not every_s:
        return "now"
    with _lock:
        if time.monotonic() - _folded.get(enterprise_id, -every_s) < every_s:
            return "later"
        _folded[enterprise_id] = time.monotonic()
    return "soon"


def give_turn_back(enterprise_id: int) -> None:
    """Let the next batch be folded at once: the one that had the turn was not stored."""
    with _lock:
        _folded.pop(enterprise_id, None)


def array_text(values: NDArray[Any]) -> str:
    """Return numbers as one array literal: the driver's own lists are ten times slower."""
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        return "{" + ",".join(map(repr, values.tolist())) + "}"
    text_ = orjson.dumps(np.ascontiguousarray(values), option=orjson.OPT_SERIALIZE_NUMPY)
    return "{" + text_[1:-1].decode() + "}"


@event.listens_for(Session, "after_commit")
def _order_fold(session: Session) -> None:
    """Have what waits folded in a moment; one order at a time a process."""
    global _ordered  # one order a process is the point
    settings = session.info.get(SETTINGS)
    if settings is None or not session.info.pop(_WAITS, False):
        return
    with _lock:
        if _ordered:
            return
        _ordered = True
    timer = threading.Timer(FOLD_AFTER_S, _fold, (settings,))
    timer.daemon = True
    timer.start()


def _fold(settings: Settings) -> None:
    global _ordered  # as above
    with _lock:
        _ordered = False
    try:
        with transaction(settings, CITY, worker=True) as session:
            session.execute(text("select fold_latest()"))
    except SQLAlchemyError as failed:
        # The rows are kept: the next batch or the schedule folds them.
        log.warning("latest_not_folded", extra={"kind": type(failed).__name__})
