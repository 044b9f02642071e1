"""The guard at the door of intake: what it remembers of senders lives in the memory of this process."""

from __future__ import annotations

import math
import os
import shutil
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from ingestion_adapters.defence.rules import Bucket, Count, Limits

BODIES_IN_FLIGHT_BYTES = 192 * 1024 * 1024
DISK_LOOKED_AT_EVERY_S = 5.0
BUSY_RETRY_S, DISK_RETRY_S = 2, 60
SAMPLES = 20
SENDERS_REMEMBERED = 5000


@dataclass(frozen=True)
class Busy:
    """Why a request is sent away before it costs anything, and when to come again."""

    status: int
    reason: str
    retry_after_s: int


@dataclass
class _Of:
    """What is remembered of one app id."""

    bad: Count = field(default_factory=Count)
    over: Count = field(default_factory=Count)
    samples: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=SAMPLES))
    good_addresses: set[str] = field(default_factory=set)


class Guard:
    """Buckets of enterprises, counts of app ids, and the bytes in flight; safe between threads."""

    def __init__(self, disk_path: str) -> None:
        """Watch the free share of the disk that holds `disk_path`."""
        self._lock = threading.Lock()
        self._rows: dict[int, Bucket] = {}
        self._requests: dict[int, Bucket] = {}
        self._of: dict[str, _Of] = {}
        self._in_flight = 0
        self._disk_path = disk_path
        self._disk_free_share = Limits().disk_free_share
        self._disk_seen: tuple[float, bool] = (-math.inf, True)

    def wait_of(self, enterprise_id: int) -> Busy | None:
        """Return how long an enterprise in debt has to wait, None when it may send."""
        now = time.monotonic()
        with self._lock:
            buckets = [found[enterprise_id] for found in (self._rows, self._requests) if enterprise_id in found]
            wait = max((bucket.wait_s(now) for bucket in buckets), default=0.0)
        return Busy(429, "quota", max(1, math.ceil(wait))) if wait > 0 else None

    def charge(self, enterprise_id: int, limits: Limits, *, rows: int = 0, requests: int = 0) -> None:
        """Charge an authenticated sender; what is over its quota becomes a debt it has to wait for."""
        now = time.monotonic()
        with self._lock:
            self._disk_free_share = limits.disk_free_share
            if rows:
                _bucket(self._rows, enterprise_id, limits.rows_per_s, limits.burst_rows, now).charge(rows, now)
            if requests:
                burst = 3 * limits.requests_per_s
                _bucket(self._requests, enterprise_id, limits.requests_per_s, burst, now).charge(requests, now)

    def note_good(self, app_id: str, address: str) -> None:
        """Remember from where an app id signs well: only from there its flood counts against it."""
        with self._lock:
            self._remembered(app_id).good_addresses.add(address)

    def knows(self, app_id: str, address: str) -> bool:
        """Return whether an app id signed well from an address."""
        with self._lock:
            of = self._of.get(app_id)
            return of is not None and address in of.good_addresses

    def note_bad(self, app_id: str, sample: dict[str, Any], limits: Limits) -> int:
        """Count a wrong signature of a known app id; return how many when the limit is reached, else 0."""
        with self._lock:
            of = self._remembered(app_id)
            of.samples.append(sample)
            hits = of.bad.hit(time.monotonic(), limits.window_s)
        return hits if hits >= limits.bad_signatures else 0

    def note_over(self, app_id: str, sample: dict[str, Any], limits: Limits) -> int:
        """Count a request beyond the quota; return how many when the limit is reached, else 0."""
        with self._lock:
            of = self._remembered(app_id)
            if sample.get("address") not in of.good_addresses:
                return 0
            of.samples.append(sample)
            hits = of.over.hit(time.monotonic(), limits.window_s)
        return hits if hits >= limits.over_quota else 0

    def samples_of(self, app_id: str) -> list[dict[str, Any]]:
        """Return the newest suspicious requests of an app id."""
        with self._lock:
            return list(self._remembered(app_id).samples)

    def forget(self, app_id: str) -> None:
        """Begin anew with an app id, when its key was cut off or given free."""
        with self._lock:
            self._of.pop(app_id, None)

    @contextmanager
    def holding(self, size: int) -> Iterator[Busy | None]:
        """Hold a body's bytes while it is worked on; give why not when memory or disk would be in danger."""
        if not self._disk_has_room():
            yield Busy(503, "disk", DISK_RETRY_S)
            return
        with self._lock:
            admitted = self._in_flight == 0 or self._in_flight + size <= BODIES_IN_FLIGHT_BYTES
            if admitted:
                self._in_flight += size
        if not admitted:
            yield Busy(503, "memory", BUSY_RETRY_S)
            return
        try:
            yield None
        finally:
            with self._lock:
                self._in_flight -= size

    def _remembered(self, app_id: str) -> _Of:
        if len(self._of) > SENDERS_REMEMBERED:
            self._of.clear()
        return self._of.setdefault(app_id, _Of())

    def _disk_has_room(self) -> bool:
        path = self._disk_path
        seen_at, room = self._disk_seen
        if time.monotonic() - seen_at > DISK_LOOKED_AT_EVERY_S:
            usage = shutil.disk_usage(path if os.path.isdir(path) else "/")
            room = usage.free / usage.total >= self._disk_free_share
            self._disk_seen = (time.monotonic(), room)
        return room


def _bucket(buckets: dict[int, Bucket], enterprise_id: int, rate: float, burst: float, now: float) -> Bucket:
    found = buckets.get(enterprise_id)
    if found is None:
        found = buckets[enterprise_id] = Bucket(rate, burst, burst, now)
    if (found.rate_per_s, found.burst) != (rate, burst):  # a new quota holds at once, an old debt stays
        found.rate_per_s, found.burst, found.level = rate, burst, min(found.level, burst)
    return found
