"""A block of readings as arrays: what intake hands to storage and to the limit check."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class ReadingBlock:
    """Checked readings of one enterprise, sorted by point and time, no key twice; arrays of one length."""

    enterprise_id: int
    receipt_id: int
    received_at: datetime
    point_id: NDArray[np.int32]
    ts_ms: NDArray[np.int64]
    value: NDArray[np.float64]
    quality: NDArray[np.int16]
    flag: NDArray[np.int16]
    known_delay_s: NDArray[np.int32] | None = None  # of back-filled history, where received_at is not each row's

    @property
    def rows(self) -> int:
        """Return the number of readings."""
        return int(self.point_id.size)
