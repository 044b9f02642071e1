"""How much gas the city burns: day, week and season by class of user."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from ingestion_adapters.demo.frame import SEED
from ingestion_adapters.demo.network import ENTERPRISE_KEYS
from ingestion_adapters.demo.users import users_of

DAY_MS = 86_400_000
LOCAL_OFFSET_MS = 8 * 3_600_000
_HOME_HOURS = (
    1.6,
    1.2,
    1.0,
    0.9,
    1.0,
    1.8,
    4.0,
    5.6,
    4.6,
    3.6,
    4.8,
    7.6,
    7.4,
    4.2,
    2.9,
    2.8,
    4.4,
    8.6,
    9.8,
    7.6,
    5.2,
    4.2,
    3.0,
    2.2,
)
_HEAT_HOURS = tuple(4.6 if hour >= 22 or hour < 6 else 3.7 for hour in range(24))
_TRADE_HOURS = (
    0.6,
    0.4,
    0.4,
    0.4,
    0.8,
    2.2,
    4.2,
    4.8,
    4.0,
    4.6,
    7.4,
    9.6,
    8.2,
    4.6,
    3.0,
    3.4,
    6.4,
    9.8,
    9.6,
    7.0,
    4.4,
    2.4,
    1.2,
    0.6,
)
_WORKS_HOURS = (4.17,) * 24
_HOURS = np.array([np.array(row) / np.sum(row) for row in (_HOME_HOURS, _HEAT_HOURS, _TRADE_HOURS, _WORKS_HOURS)])
# Monday first: homes, heating, trade, works.
_WEEK = np.array(
    [
        [1, 1, 1, 1, 1, 1.05, 1.05],
        [1] * 7,
        [1, 1, 1, 1, 1, 1.08, 1.08],
        [1, 1, 1, 1, 1, 0.85, 0.75],
    ],
    float,
)
# m³ a day of one user in each group, heating on the coldest day.
_DAILY_M3 = {
    10: (0, 0.4),
    11: (0, 0.4),
    20: (2, 55.0),
    30: (2, 7.0),
    31: (2, 24.0),
    40: (3, 360.0),
    41: (3, 900.0),
    50: (1, 1200.0),
}
_HEATING_M3 = 9.0
_COLDEST_DAY, _HEATING_HALF_DAYS = 20.0, 95.0


def hashed(*parts: NDArray[np.uint64] | int) -> NDArray[np.uint64]:
    """Return 64 mixed bits for integers (splitmix64 rounds), the same on every machine."""
    state = np.uint64(SEED)
    with np.errstate(over="ignore"):
        for part in parts:
            state = (state ^ np.asarray(part, np.uint64)) * np.uint64(0x9E3779B97F4A7C15)
            state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            state = state ^ (state >> np.uint64(31))
    return state


def unit_of(bits: NDArray[np.uint64]) -> NDArray[np.float64]:
    """Return numbers in [0, 1) for mixed bits."""
    return (bits >> np.uint64(11)).astype(np.float64) * (1.0 / (1 << 53))


def cold(day: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the share of the coldest day's heating for local days since the epoch, 0 in summer."""
    of_year = np.mod(day - 13.0, 365.25)
    away = np.minimum(np.abs(of_year - _COLDEST_DAY), 365.25 - np.abs(of_year - _COLDEST_DAY))
    return np.clip(1 - (away / _HEATING_HALF_DAYS) ** 2, 0, 1)


@cache
def daily_volumes_m3(key: str) -> tuple[float, float, float, float]:
    """Return m³ a day of homes, heating on the coldest day, trade and works, in tile 0."""
    classes, counts = np.unique(users_of(key).user_class, return_counts=True)
    total = np.zeros(4)
    for user_class, count in zip(classes.tolist(), counts.tolist(), strict=True):
        group, each = _DAILY_M3[user_class]
        total[group] += each * count
        if user_class == 11:
            total[1] += _HEATING_M3 * count
    return tuple(total.tolist())  # type: ignore[return-value]


def _day_factors(day: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the factor of each group (4, n) for local days: week, cold, and the day's own luck."""
    weekday = np.mod(day + 3, 7)
    luck = 1 + 0.08 * (unit_of(hashed(np.asarray(day, np.uint64), 77)) - 0.5)
    factor = _WEEK[:, weekday] * luck
    factor[1] *= cold(day.astype(float))
    return factor


def group_shapes(t_ms: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return each group's share of a day's volume per hour at instants; (4, n), continuous."""
    local = (t_ms + LOCAL_OFFSET_MS) / DAY_MS
    day = np.floor(local).astype(np.int64)
    hour = (local - day) * 24
    shape = np.array([np.interp(hour, np.arange(24) + 0.5, row, period=24) for row in _HOURS])
    before = np.floor(local - 0.5).astype(np.int64)
    weight = local - 0.5 - before
    return shape * (_day_factors(before) * (1 - weight) + _day_factors(before + 1) * weight)


def flow_m3_per_h(key: str, t_ms: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the gas one enterprise's users of a tile burn at instants, m³/h."""
    return np.asarray(daily_volumes_m3(key)) @ group_shapes(np.asarray(t_ms, np.int64))


@cache
def peak_m3_per_h(key: str) -> float:
    """Return the highest flow of the coldest week: the demand that counts as 1."""
    coldest = (int(_COLDEST_DAY + 13) + 56 * 365) * DAY_MS
    return float(flow_m3_per_h(key, np.arange(coldest, coldest + 7 * DAY_MS, 600_000)).max())


def demand_ratio(t_ms: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return flow over peak flow of each enterprise; (3, n) in the order of `ENTERPRISE_KEYS`."""
    return np.array([flow_m3_per_h(key, t_ms) / peak_m3_per_h(key) for key in ENTERPRISE_KEYS])
