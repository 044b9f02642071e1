"""What became of a batch's readings that had to wait for approval, as answers of the adapter API say it."""

from __future__ import annotations

from typing import Any

from ingestion_adapters.backfill.queries import HeldLine
from ingestion_adapters.http.auth import stamp


def held_facts(line: HeldLine) -> dict[str, Any]:
    """Return how many readings were held, wait still, and were stored, known or refused after approval."""
    return {
        "receipt_id": line.receipt_id,
        "held": line.rows,
        "waiting": line.rows_left,
        "accepted": line.accepted,
        "duplicate": line.duplicate,
        "rejected": line.rejected,
        "held_at": stamp(line.held_at),
        "released_at": stamp(line.released_at) if line.released_at else None,
    }
