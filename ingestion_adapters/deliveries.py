"""A delivery: whose records are stored, under which receipt, when and by whom."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from portal.core.actor import Actor


@dataclass(frozen=True)
class Delivery:
    """Whose records are stored, under which receipt, when and by whom."""

    enterprise_id: int
    receipt_id: int
    now: datetime
    actor: Actor
