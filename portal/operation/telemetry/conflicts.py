"""Second values of a reading: refused and kept beside the first, or, when sent as a revision, put in its place."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.orm import Session

from portal.core.sql import load_sql
from portal.operation.telemetry.blocks import ReadingBlock, delays_s, part_of

FOLDER = str(Path(__file__).parent)
REVISED = 4
LATEST_LOCK = 7302  # one writer of an enterprise's newest values at a time


def record_conflicts(session: Session, block: ReadingBlock, stored: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Keep the values that differ from the reading known under their point and time; return which replaced it.

    `stored` marks the readings of the block that were new. Of the others one with another value or
    quality is a conflict: the first value stays, and both are written down with their receipts. A
    reading sent as a revision (flag R) replaces the value; what stood there is written down likewise.
    """
    replaced = np.zeros(block.rows, bool)
    places = np.flatnonzero(~stored)
    if not places.size:
        return replaced
    known = part_of(block, ~stored)
    facts = _columns(known) | {
        "enterprise": block.enterprise_id,
        "receipt": block.receipt_id,
        "begin": _instant(int(known.ts_ms.min())),
        "end": _instant(int(known.ts_ms.max())),
        "revised": REVISED,
    }
    differing = session.execute(load_sql(FOLDER, "conflicts"), facts).all()
    changed = np.array(sorted(row.place for row in differing if row.kind == "revised"), np.int64)
    if changed.size:
        replaced[places[changed]] = True
        _replace(session, part_of(block, replaced))
    return replaced


def _replace(session: Session, block: ReadingBlock) -> None:
    """Put revised values where the former ones stand, in the readings and among the newest values."""
    facts = _columns(block) | {
        "receipt": block.receipt_id,
        "received": block.received_at,
        "begin": _instant(int(block.ts_ms.min())),
        "end": _instant(int(block.ts_ms.max())),
    }
    session.execute(load_sql(FOLDER, "revise"), facts)
    session.execute(text("select pg_advisory_xact_lock(:a, :b)"), {"a": LATEST_LOCK, "b": block.enterprise_id})
    # What waits may hold the former values: it is folded before they are replaced.
    session.execute(text("select fold_latest()"))
    session.execute(load_sql(FOLDER, "revise_latest"), facts)


def _columns(block: ReadingBlock) -> dict[str, object]:
    return {
        "place": list(range(block.rows)),
        "point": block.point_id.tolist(),
        "ms": block.ts_ms.tolist(),
        "value": block.value.tolist(),
        "quality": block.quality.tolist(),
        "flag": block.flag.tolist(),
        "delay": delays_s(block).tolist(),
    }


def _instant(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)
