"""What every point reads at every instant: history as blocks, the same curves live."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ingestion_adapters.demo import points as plan_of_points
from ingestion_adapters.demo.demand import DAY_MS, LOCAL_OFFSET_MS, demand_ratio, hashed, unit_of
from ingestion_adapters.demo.episodes import (
    BAD,
    FROZEN,
    GATEWAY_LATE,
    HIGH,
    LATE,
    LEAK,
    LOW_SIDE,
    OUTAGE,
    Episode,
    city_points,
    episodes_between,
)
from ingestion_adapters.demo.frame import checked_scale
from ingestion_adapters.demo.network import ENTERPRISE_KEYS
from ingestion_adapters.demo.points import POINTS_A_TILE, first_index, plans_of

HISTORY_DAYS, STEP_MS = 30, 300_000
GOOD, NATIVE, BACKFILLED = 192, 0, 1
_SLOW_MS = 1_800_000
_DECIMALS = 4
Floats = NDArray[np.float64]
Instants = NDArray[np.int64]


@dataclass(frozen=True)
class Block:
    """Readings sorted by point and time; `delay_s` is how long after `t_ms` each arrived."""

    point_index: NDArray[np.int32]
    t_ms: Instants
    value: Floats
    quality: NDArray[np.int16]
    flag: NDArray[np.int8]
    delay_s: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.t_ms)


@dataclass(frozen=True)
class Sample:
    """One reading; `present` is false while an outage keeps the point silent."""

    value: float
    quality: int
    flag: int
    present: bool


@dataclass(frozen=True)
class _Columns:
    model: NDArray[np.int8]
    base: Floats
    swing: Floats
    noise: Floats
    enterprise: NDArray[np.int8]


@lru_cache(maxsize=1)
def _columns() -> _Columns:
    plans = city_points()
    enterprise = np.zeros(len(plans), np.int8)
    for number, key in enumerate(ENTERPRISE_KEYS):
        enterprise[first_index(key) :] = number
    return _Columns(
        model=np.array([plan.model for plan in plans], np.int8),
        base=np.array([plan.base for plan in plans]),
        swing=np.array([plan.swing for plan in plans]),
        noise=np.array([plan.noise for plan in plans]),
        enterprise=enterprise,
    )


def _bell(bits: NDArray[np.uint64]) -> Floats:
    """Return near-normal numbers of mean 0 and deviation 1, within ±3.5, for mixed bits."""
    quarters = np.ascontiguousarray(bits)[..., None].view(np.uint16)
    total = quarters[..., 0].astype(np.float32)
    for part in (1, 2, 3):
        total += quarters[..., part]
    return (total - 131_070.0) * np.float32(1 / 37_837.2)


def _noise(index: NDArray[np.int64], t_ms: Instants) -> Floats:
    """Return noise of deviation about 0.8: a drift over 30 minutes and a fresh part."""
    slot = t_ms // _SLOW_MS
    share = ((t_ms - slot * _SLOW_MS) / _SLOW_MS).astype(np.float32)
    slots, at = np.unique(np.concatenate([slot, slot + 1]), return_inverse=True)
    slow = _bell(hashed(index[:, None], slots[None, :]))
    at_now, at_next = at[: len(slot)], at[len(slot) :]
    drift = slow[:, at_now] * (1 - share) + slow[:, at_next] * share
    return 0.6 * drift + 0.6 * _bell(hashed(index[:, None] + 7_000_003, t_ms[None, :]))


def _saw(index: NDArray[np.int64], t_ms: Instants) -> Floats:
    """Return 0..1: each tank runs down over days and is filled within hours."""
    luck = unit_of(hashed(index, 13))
    period_ms = (3.5 + 3 * luck) * DAY_MS
    place = np.mod((t_ms[None, :] / period_ms[:, None]) + luck[:, None] * 7, 1.0)
    return np.where(place < 0.05, place / 0.05, (1 - place) / 0.95)


def _warmth(t_ms: Instants) -> Floats:
    local = (t_ms + LOCAL_OFFSET_MS) / DAY_MS
    season = np.cos(2 * np.pi * (local - 33) / 365.25)
    return np.sin(2 * np.pi * (local - 0.38)) - 2.1 * season


def _clog(index: NDArray[np.int64], t_ms: Instants) -> Floats:
    """Return 0..1 between two cleanings of a filter, some 70 days apart."""
    return np.mod(t_ms[None, :] / (70 * DAY_MS) + unit_of(hashed(index, 17))[:, None], 1.0)


def calm_values(index: NDArray[np.int64], t_ms: Instants) -> Floats:
    """Return readings when nothing goes wrong; (points, instants)."""
    columns, local = _columns(), index % POINTS_A_TILE
    model, base = columns.model[local], columns.base[local][:, None]
    swing, noise = columns.swing[local][:, None], columns.noise[local][:, None]
    demand = demand_ratio(t_ms)[columns.enterprise[local]]
    value = np.broadcast_to(base, (len(index), len(t_ms))).copy()
    for kind in np.unique(model):
        at = np.nonzero(model == kind)[0]
        if kind == plan_of_points.FALLS:
            value[at] -= swing[at] * demand[at] ** 2
        elif kind == plan_of_points.FOLLOWS:
            value[at] += swing[at] * demand[at]
        elif kind == plan_of_points.WARMS:
            value[at] += swing[at] * _warmth(t_ms)
        elif kind == plan_of_points.SAWS:
            value[at] += swing[at] * _saw(index[at], t_ms)
        elif kind == plan_of_points.CLOGS:
            value[at] *= 0.5 + _clog(index[at], t_ms)
            value[at] += swing[at] * demand[at] ** 2
    value += noise * _noise(index, t_ms)
    floor = (model == plan_of_points.BREATHES) | (model == plan_of_points.FOLLOWS)
    value[floor] = np.abs(value[floor])
    return value


def _swell(t_ms: Instants, episode: Episode) -> Floats:
    """Return 0..1: an episode rises in its first fifth and falls in its last."""
    place = (t_ms - episode.begin_ms) / (episode.end_ms - episode.begin_ms)
    edge = 0.2
    return np.clip(np.minimum(place / edge, (1 - place) / edge), 0, 1)


def apply_episode(row: Floats, t_ms: Instants, episode: Episode) -> None:
    """Bend one point's readings at instants inside an episode."""
    inside = (t_ms >= episode.begin_ms) & (t_ms < episode.end_ms)
    if not inside.any():
        return
    if episode.kind in (LEAK, HIGH, LOW_SIDE):
        swell = _swell(t_ms[inside], episode)
        row[inside] = row[inside] * (1 - swell) + episode.size * swell * (1 + 0.02 * (row[inside] % 0.01) * 100)
    elif episode.kind == FROZEN:
        index = np.array([episode.point_index], np.int64)
        row[inside] = calm_values(index, np.array([episode.begin_ms]))[0, 0]


def values_at(
    index: NDArray[np.int64], t_ms: Instants
) -> tuple[Floats, NDArray[np.int16], NDArray[np.int8], NDArray[np.int32], NDArray[np.bool_]]:
    """Return value, quality, flag, delay, presence; each (points, instants).

    Points must be in rising order. Pure, so that live readings continue history.
    """
    value = calm_values(index, t_ms)
    quality = np.full(value.shape, GOOD, np.int16)
    flag = np.zeros(value.shape, np.int8)
    delay_s = np.zeros(value.shape, np.int32)
    present = np.ones(value.shape, bool)
    begin, end = int(t_ms.min()), int(t_ms.max()) + 1
    for tile in np.unique(index // POINTS_A_TILE).tolist():
        for episode in episodes_between(begin, end, tile):
            row = int(np.searchsorted(index, episode.point_index))
            if row == len(index) or index[row] != episode.point_index:
                continue
            inside = (t_ms >= episode.begin_ms) & (t_ms < episode.end_ms)
            apply_episode(value[row], t_ms, episode)
            if episode.kind == OUTAGE:
                present[row, inside] = False
            elif episode.kind == BAD:
                quality[row, inside] = int(episode.size)
            elif episode.kind == LATE:
                flag[row, inside], delay_s[row, inside] = BACKFILLED, int(episode.size)
            elif episode.kind == GATEWAY_LATE:
                flag[row, inside] = BACKFILLED
                delay_s[row, inside] = (episode.end_ms - t_ms[inside]) // 1000 + 30
    return np.round(value, _DECIMALS), quality, flag, delay_s, present


def value_at(point_index: int, t_ms: int) -> Sample:
    """Return the reading of one point at one instant."""
    value, quality, flag, _, present = values_at(np.array([point_index], np.int64), np.array([t_ms], np.int64))
    return Sample(float(value[0, 0]), int(quality[0, 0]), int(flag[0, 0]), bool(present[0, 0]))


def block_between(begin_ms: int, end_ms: int, tile: int = 0, step_ms: int = STEP_MS, owner: str | None = None) -> Block:
    """Return the readings of one tile's points, or of one enterprise's there, in [begin, end), by point and time."""
    index = np.arange(*_points_of(tile, owner), dtype=np.int64)
    t_ms = np.arange(begin_ms, end_ms, step_ms, dtype=np.int64)
    value, quality, flag, delay_s, present = values_at(index, t_ms)
    shape = value.shape
    return Block(
        point_index=np.broadcast_to(index[:, None].astype(np.int32), shape)[present],
        t_ms=np.broadcast_to(t_ms[None, :], shape)[present],
        value=value[present],
        quality=quality[present],
        flag=flag[present],
        delay_s=delay_s[present],
    )


def _points_of(tile: int, owner: str | None) -> tuple[int, int]:
    """Return first point and the one after the last."""
    if owner is None:
        return tile * POINTS_A_TILE, (tile + 1) * POINTS_A_TILE
    begin = first_index(owner, tile)
    return begin, begin + len(plans_of(owner))


def history_window(end: datetime, days: int = HISTORY_DAYS) -> tuple[int, int]:
    """Return begin and end of the history in ms: whole steps, the end not after `end`."""
    end_ms = int(end.timestamp() * 1000) // STEP_MS * STEP_MS
    return end_ms - days * DAY_MS, end_ms


def history_blocks(
    end: datetime, days: int = HISTORY_DAYS, scale: int = 1, owner: str | None = None
) -> Iterator[Block]:
    """Yield the history, or one enterprise's, in blocks of one UTC day and one tile, oldest first."""
    begin_ms, end_ms = history_window(end, days)
    start = begin_ms
    while start < end_ms:
        stop = min((start // DAY_MS + 1) * DAY_MS, end_ms)
        for tile in range(checked_scale(scale)):
            yield block_between(start, stop, tile, owner=owner)
        start = stop


def planted_episodes(end: datetime, days: int = HISTORY_DAYS, scale: int = 1) -> list[Episode]:
    """Return all episodes planted in the history."""
    begin_ms, end_ms = history_window(end, days)
    return [e for tile in range(checked_scale(scale)) for e in episodes_between(begin_ms, end_ms, tile)]
