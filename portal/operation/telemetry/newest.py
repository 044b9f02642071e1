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
    last = np.append(block.point_id[1:] != block.point_id[:-1], True)
    hours = [datetime.fromtimestamp(int(hour) * 3600, UTC).isoformat() for hour in np.unique(block.ts_ms // HOUR_MS)]
    rows = call(
        session,
        "select remembered, waits from note_readings(%s, %s, %s::bigint[], %s::float8[], %s::int[], %s::smallint[],"
        " %s::smallint[], %s::timestamptz[], %s)",
        (
            block.enterprise_id,
            block.received_at,
            _array(block.ts_ms[last]),
            _array(block.value[last]),
            _array(block.point_id[last]),
            _array(block.quality[last]),
            _array(block.flag[last]),
            "{" + ",".join(hours) + "}",
            _when(block.enterprise_id, every_s),
        ),
    )
    remembered, waits = rows[0]
    if waits:
        session.info[_WAITS] = True
    return frozenset(remembered)


def fold_waiting(session: Session, now: datetime) -> str:
    """Fold what processes left behind that were ended before their own fold."""
    return f"{session.scalar(text('select fold_latest()'))} enterprises"


def _when(enterprise_id: int, every_s: float) -> str:
    if not every_s:
        return "now"
    with _lock:
        if time.monotonic() - _folded.get(enterprise_id, -every_s) < every_s:
            return "later"
        _folded[enterprise_id] = time.monotonic()
    return "soon"


def _array(values: NDArray[Any]) -> str:
    """Return numbers as one array literal: the driver's own lists are ten times slower."""
    return "{" + ",".join(map(repr, values.tolist())) + "}"


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
