"""Which late readings may be stored: automatic, by request, or by approval; pure."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray

Flags = NDArray[np.bool_]
Numbers = NDArray[np.int64]
DAY_MS = 86_400_000


@dataclass(frozen=True)
class Limits:
    """Days late up to which readings are taken automatically, and up to which a request suffices."""

    automatic_days: float = 7
    approval_days: float = 30


@dataclass(frozen=True)
class Decision:
    """A span of source time that was let in or refused."""

    begin_ms: int
    end_ms: int
    approved: bool


@dataclass(frozen=True)
class Judged:
    """Which readings are late by request only, and which must wait for approval."""

    noted: Flags
    held: Flags


def judge_late(ts_ms: Numbers, now_ms: int, limits: Limits, decisions: Sequence[Decision]) -> Judged:
    """Return which readings are taken as by request and which wait; of two decisions the later one counts.

    Up to `automatic_days` nothing is asked; up to `approval_days` the delivery itself is the request, unless the
    span was refused; beyond that only an approved span is let in.
    """
    late = ts_ms < now_ms - limits.automatic_days * DAY_MS
    allowed = ts_ms >= now_ms - limits.approval_days * DAY_MS
    decided = np.zeros(ts_ms.size, bool)
    for each in decisions:
        inside = (ts_ms >= each.begin_ms) & (ts_ms <= each.end_ms)
        allowed[inside] = each.approved
        decided |= inside
    return Judged(noted=late & allowed & ~decided, held=late & ~allowed)


class Kept(msgspec.Struct):
    """Readings as they wait: columns, times in ms since the epoch, places in the batch."""

    points: list[str]
    t: list[int]
    v: list[float]
    q: list[int]
    f: list[int]
    numbers: list[int]

    def part(self, keep: Flags) -> Kept:
        """Return some of the readings."""
        at = np.flatnonzero(keep).tolist()
        return Kept(
            *([column[n] for n in at] for column in (self.points, self.t, self.v, self.q, self.f, self.numbers))
        )


def packed(kept: Kept) -> bytes:
    """Return readings as they are stored."""
    return zlib.compress(msgspec.json.encode(kept), level=6)


def unpacked(body: bytes) -> Kept:
    """Return stored readings."""
    return msgspec.json.decode(zlib.decompress(body), type=Kept)
