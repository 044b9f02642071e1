"""When a feed should come, when it is silent, and how an hour of it looks; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

HOUR = timedelta(hours=1)
HOUR_S = 3600
PIPELINE_KINDS = frozenset({1, 5})
PIPELINE_ONLY = frozenset({"NET", "PAT"})
GOOD_SHARE, FAIR_SHARE = 0.97, 0.85  # target and floor of D3 数据完整率
REJECTED_SHARE = 0.05


@dataclass(frozen=True)
class Cadence:
    """What is declared of the feeds: seconds between two deliveries by dataset, and when silence begins."""

    every_s: Mapping[str, int]
    rt_least_s: int = 60
    silent_after: float = 1.5

    def interval_s(self, dataset: str, shortest_period_s: int | None, enterprise_kind: int) -> int | None:
        """Return the declared interval of a feed, None for what comes on events or is not asked of this kind."""
        if dataset == "RT":
            return None if shortest_period_s is None else max(shortest_period_s, self.rt_least_s)
        if dataset in PIPELINE_ONLY and enterprise_kind not in PIPELINE_KINDS:
            return None
        return self.every_s.get(dataset) or None


def state_of(last_at: datetime | None, interval_s: int | None, now: datetime, silent_after: float) -> str:
    """Return running, silent, never or events."""
    if interval_s is None:
        return "events"
    if last_at is None:
        return "never"
    return "silent" if (now - last_at).total_seconds() > silent_after * interval_s else "running"


@dataclass(frozen=True)
class Hour:
    """One hour of one feed as counted at the doors; `expected` is None where no number of rows is asked for."""

    begin: datetime
    expected: float | None = None
    rows: int = 0
    accepted: int = 0
    duplicate: int = 0
    rejected: int = 0
    late: int = 0
    refused: int = 0

    @property
    def share(self) -> float | None:
        """Return stored and known rows over the expected ones, at most 1."""
        if not self.expected:
            return None
        return min(1.0, (self.accepted + self.duplicate) / self.expected)

    @property
    def look(self) -> str:
        """Return full, part, poor, none, refused, came or empty: how the cell is drawn."""
        if self.refused and not self.rows:
            return "refused"
        if self.share is not None:
            if not self.rows:
                return "none"
            level = "full" if self.share >= GOOD_SHARE else "part" if self.share >= FAIR_SHARE else "poor"
        elif self.rows:
            level = "came"
        else:
            return "empty"
        too_many = self.rejected > REJECTED_SHARE * self.rows
        return "refused" if too_many and level in ("full", "came", "part") else level


def so_far(expected_an_hour: float | None, begin: datetime, now: datetime) -> float | None:
    """Return the rows that an hour should have brought by now."""
    if expected_an_hour is None:
        return None
    return expected_an_hour * min(1.0, max(0.0, (now - begin) / HOUR))


def whole_hours(now: datetime, count: int) -> list[datetime]:
    """Return the begins of the last hours, oldest first, the running one last."""
    running = now.replace(minute=0, second=0, microsecond=0)
    return [running - HOUR * back for back in range(count - 1, -1, -1)]


def rows_an_hour(periods_s: Sequence[tuple[int, int]]) -> float:
    """Return the rows an hour that points ask for, from pairs of period and number of points."""
    return sum(count * HOUR_S / period_s for period_s, count in periods_s if period_s > 0)
