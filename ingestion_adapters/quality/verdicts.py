"""What a rule looks at, what it says of it, and how verdicts become scores; pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

QUALITIES = (1, 2, 3, 4, 5, 6)
WEIGHT_KEYS = {
    1: "quality.weight.authenticity",
    2: "quality.weight.completeness",
    3: "quality.weight.accuracy",
    4: "quality.weight.consistency",
    5: "quality.weight.currency",
    6: "quality.weight.exchangeability",
}
OVERALL, ALL_DATASETS = 0, "*"

Values = Mapping[str, Any]
Parameters = Mapping[str, Any]


@dataclass(frozen=True)
class Fact:
    """The figures of one object of an enterprise on one day, ready to be judged."""

    enterprise_id: int
    kind: str
    object_id: int | None
    code: str
    values: Values
    dataset: str = "RT"
    begin: datetime | None = None
    end: datetime | None = None

    @property
    def key(self) -> str:
        """Return what tells this object from others of the enterprise."""
        return f"{self.kind}:{self.code if self.object_id is None else self.object_id}"


@dataclass(frozen=True)
class Verdict:
    """How much of an object was checked and failed, whether that is a finding, and the figures that show why."""

    checked: float
    failed: float
    wrong: bool = False
    figures: dict[str, Any] = field(default_factory=dict)


Judge = Callable[[Values, Parameters], "Verdict | None"]


def judge_share(values: Values, parameters: Parameters) -> Verdict | None:
    """Judge `good` of `due`: a finding when the share is below `least`; None when nothing was due."""
    due, good = float(values["due"]), float(values["good"])
    if due <= 0:
        return None
    good = min(good, due)
    share = good / due
    figures = {"due": round(due), "good": round(good), "share_pct": round(100 * share, 2)}
    return Verdict(due, due - good, share < float(parameters["least"]), figures)


@dataclass(frozen=True)
class Tally:
    """One rule's sums over an enterprise and dataset."""

    quality: int
    weight: float
    checked: float
    failed: float

    @property
    def share(self) -> float:
        """Return the share that passed."""
        return 1 - self.failed / self.checked


def score_of(tallies: Iterable[Tally]) -> float | None:
    """Return 100 times the weighted mean of the rules' passed shares, None when no rule had anything to check."""
    used = [each for each in tallies if each.checked > 0 and each.weight > 0]
    weight = sum(each.weight for each in used)
    return 100 * sum(each.weight * each.share for each in used) / weight if weight else None


def scores_of(tallies: Iterable[Tally], weights: Mapping[int, float]) -> dict[int, float]:
    """Return quality -> score, and under 0 their weighted mean over the qualities that have one."""
    known = list(tallies)
    found: dict[int, float] = {}
    for quality in QUALITIES:
        score = score_of(each for each in known if each.quality == quality)
        if score is not None:
            found[quality] = score
    total = sum(weights.get(quality, 0) for quality in found)
    if total > 0:
        found[OVERALL] = sum(weights.get(quality, 0) * score for quality, score in found.items()) / total
    return found
