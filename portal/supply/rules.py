"""The figures of one gas day; pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class SupplyDay:
    """Supply, sale and storage of one gas day, m³ at 20 °C and 101.325 kPa."""

    gas_day: date
    purchased_m3: float
    sold_m3: float
    stored_m3: float | None = None
    linepack_m3: float | None = None
    own_use_m3: float | None = None
    max_hour_m3: float | None = None
