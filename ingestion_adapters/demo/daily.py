"""Daily supply (DAY): bought, sold and kept, summed from the flows the points show."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import numpy as np

from ingestion_adapters.contract import DailySupply
from ingestion_adapters.demo.demand import DAY_MS, LOCAL_OFFSET_MS, flow_m3_per_h, hashed, unit_of
from ingestion_adapters.demo.network import ENTERPRISE_KEYS, network_of

DAYS = 60
_GAS_DAY_STARTS_MS = 8 * 3_600_000
_GAS_FROM_LNG, _TANK_FILL = 600.0, 0.7
_LOSS, _OWN_USE = 0.027, 0.002
_LINEPACK_M3_A_M = 0.55


def _luck(day: int, enterprise: int, what: int) -> float:
    return float(unit_of(hashed(day, enterprise, what)))


def last_gas_day(now: datetime) -> date:
    """Return the last gas day over at an instant; it runs from 08:00 to 08:00 local time."""
    local_ms = int(now.astimezone(UTC).timestamp() * 1000) + LOCAL_OFFSET_MS - _GAS_DAY_STARTS_MS
    return date(1970, 1, 1) + timedelta(days=local_ms // DAY_MS - 1)


def supply_of(key: str, gas_day: date, scale: int = 1) -> DailySupply:
    """Return the record of one gas day; with a scale, of all tiles."""
    day, number = (gas_day - date(1970, 1, 1)).days, ENTERPRISE_KEYS.index(key)
    start = day * DAY_MS - LOCAL_OFFSET_MS + _GAS_DAY_STARTS_MS
    t_ms = np.arange(start, start + DAY_MS, 300_000, dtype=np.int64)
    flow = flow_m3_per_h(key, t_ms) * scale
    burnt = float(flow.mean() * 24)
    network = network_of(key)
    tanks = sum(s.storage_m3 or 0.0 for s in network.stations if s.kind == 4) * _GAS_FROM_LNG * _TANK_FILL
    sold = burnt * (1 - _LOSS - 0.012 * (_luck(day, number, 1) - 0.5))
    return DailySupply(
        gas_day=gas_day,
        purchased_m3=round(burnt, 1),
        sold_m3=round(sold, 1),
        stored_m3=round(scale * tanks * (0.9 + 0.2 * _luck(day, number, 2)), 1),
        linepack_m3=round(
            scale * float(network.pipe_length_m.sum()) * _LINEPACK_M3_A_M * (0.97 + 0.06 * _luck(day, number, 3)),
            1,
        ),
        own_use_m3=round(burnt * _OWN_USE, 1),
        max_hour_m3=round(float(flow.reshape(24, 12).mean(axis=1).max()), 1),
    )


def supply_records(key: str, now: datetime, days: int = DAYS, scale: int = 1) -> Iterator[DailySupply]:
    """Yield the gas days that are over, oldest first."""
    last = last_gas_day(now)
    for back in range(days - 1, -1, -1):
        yield supply_of(key, last - timedelta(days=back), scale)
