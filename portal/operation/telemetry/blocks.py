"""A block of readings as arrays: what intake hands to storage and to the limit check."""

from __future__ import annotations

from dataclasses import dataclass, replace
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


def delays_s(block: ReadingBlock) -> NDArray[np.int64]:
    """Return received minus source time of each reading, s; 0 for a source clock that runs ahead."""
    if block.known_delay_s is not None:
        return block.known_delay_s.astype(np.int64)
    received_ms = round(block.received_at.timestamp() * 1000)
    return np.maximum((received_ms - block.ts_ms) // 1000, 0)


def part_of(block: ReadingBlock, keep: NDArray[np.bool_]) -> ReadingBlock:
    """Return the readings of a block that `keep` marks."""
    return replace(
        block,
        point_id=block.point_id[keep],
        ts_ms=block.ts_ms[keep],
        value=block.value[keep],
        quality=block.quality[keep],
        flag=block.flag[keep],
        known_delay_s=None if block.known_delay_s is None else block.known_delay_s[keep],
    )
