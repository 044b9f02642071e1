"""What a door hands over, and a delivery: whose records are stored, under which receipt, when and by whom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ingestion_adapters.checks import Finding
from portal.core.actor import Actor


@dataclass(frozen=True)
class Rows:
    """Rows of a batch; `lax` when every value came as text (CSV).

    `numbers` are their places in the batch when some are missing; `refused` are the findings of those.
    """

    rows: Sequence[Any]
    lax: bool = False
    numbers: Sequence[int] | None = None
    refused: Sequence[Finding] = ()

    @property
    def size(self) -> int:
        """Return the number of rows sent, refused ones included."""
        return len(self.rows) + len(self.refused)


@dataclass(frozen=True)
class Delivery:
    """Whose records are stored, under which receipt, when and by whom."""

    enterprise_id: int
    receipt_id: int
    now: datetime
    actor: Actor
