"""Token buckets and sliding counts of the intake's self-defence; pure, the clock comes in."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Limits:
    """What one enterprise may send, and when its key is cut off."""

    rows_per_s: float = 20_000
    burst_rows: float = 2_000_000
    requests_per_s: float = 200
    bad_signatures: float = 20
    over_quota: float = 600
    window_s: float = 60
    disk_free_share: float = 0.05


@dataclass
class Bucket:
    """A token bucket that may fall into debt: a batch is taken whole, the next ones wait until it is paid."""

    rate_per_s: float
    burst: float
    level: float
    at_s: float

    def charge(self, amount: float, now_s: float) -> None:
        """Take tokens out."""
        self._refill(now_s)
        self.level -= amount

    def wait_s(self, now_s: float) -> float:
        """Return the seconds until the debt is paid, 0 when there is none."""
        self._refill(now_s)
        return 0.0 if self.level >= 0 else -self.level / self.rate_per_s

    def _refill(self, now_s: float) -> None:
        self.level = min(self.burst, self.level + (now_s - self.at_s) * self.rate_per_s)
        self.at_s = max(self.at_s, now_s)


@dataclass
class Count:
    """How often something happened within the last seconds."""

    times: deque[float] = field(default_factory=deque)

    def hit(self, now_s: float, window_s: float) -> int:
        """Note one more and return how many lie within the window."""
        self.times.append(now_s)
        while self.times[0] < now_s - window_s:
            self.times.popleft()
        return len(self.times)
