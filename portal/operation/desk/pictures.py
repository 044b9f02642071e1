"""Pictures of the performance page as numbers: bars of rates with the bands behind them, shares against their aims; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from portal.operation.desk.rules import Figures, band_of

WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 960, 240, 44, 26, 10
BARS_MOST = 168
TICKS = 7


class Counted(Protocol):
    """An hour with its alarms and operators."""

    @property
    def hour(self) -> datetime:
        """Return when it began."""

    @property
    def alarms(self) -> int:
        """Return the alarms raised."""

    @property
    def operators(self) -> int:
        """Return who was on duty."""


@dataclass(frozen=True)
class Bar:
    """One bar in the picture's units, with what it stands for."""

    x: float
    y: float
    width: float
    height: float
    band: str
    at: datetime
    rate: float
    alarms: int


@dataclass(frozen=True)
class RatePicture:
    """Bars, the lines of both bands, the top of the scale and the instants named below."""

    bars: Sequence[Bar]
    acceptable_y: float
    manageable_y: float
    top_rate: float
    ticks: Sequence[tuple[float, datetime]]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    base: float = HEIGHT - BOTTOM


def rate_picture(hours: Sequence[Counted], figures: Figures) -> RatePicture:
    """Return alarms an operator hour as bars; hours are put together when there are too many for the width."""
    together = max(1, -(-len(hours) // BARS_MOST))
    groups = [hours[start : start + together] for start in range(0, len(hours), together)]
    rates = [sum(each.alarms for each in group) / max(1, sum(each.operators for each in group)) for group in groups]
    top = max([figures.rate_manageable * 1.25, *rates])
    base, tall = HEIGHT - BOTTOM, HEIGHT - BOTTOM - TOP
    step = (WIDTH - LEFT) / max(1, len(groups))
    bars = [
        Bar(
            round(LEFT + place * step, 2), round(base - rate / top * tall, 2), round(max(1.0, step - 1), 2),
            round(rate / top * tall, 2), band_of(rate, figures), group[0].hour, round(rate, 2),
            sum(each.alarms for each in group),
        )
        for place, (group, rate) in enumerate(zip(groups, rates, strict=True))
    ]  # fmt: skip
    every = max(1, len(groups) // TICKS)
    return RatePicture(
        bars=bars,
        acceptable_y=round(base - figures.rate_acceptable / top * tall, 2),
        manageable_y=round(base - figures.rate_manageable / top * tall, 2),
        top_rate=round(top, 1),
        ticks=[(bar.x, bar.at) for bar in bars[::every]],
    )


@dataclass(frozen=True)
class Share:
    """A share and the one aimed at, both in percent."""

    key: str
    percent: float
    aim: float


def mix_picture(mix: Mapping[str, float], figures: Figures) -> list[Share]:
    """Return the shares of priorities beside their aims."""
    aims = {"critical": figures.mix_critical, "major": figures.mix_major, "minor": figures.mix_minor}
    return [Share(key, round(100 * mix[key], 1), round(100 * aim, 1)) for key, aim in aims.items()]
