"""The figures of one gas day, and what is derived of a month's; pure."""

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


def unaccounted_pct(purchased_m3: float, sold_m3: float, own_use_m3: float, linepack_change_m3: float) -> float | None:
    """Return unaccounted-for gas in percent of the gas bought, all at 20 °C and 101.325 kPa; None without gas.

    (in − sold − own use − linepack gained) / in: in 10 250, sold 9 840, linepack −30 gives 4.29.
    """
    if purchased_m3 <= 0:
        return None
    return (purchased_m3 - sold_m3 - own_use_m3 - linepack_change_m3) / purchased_m3 * 100


def share_pct(part: float | None, whole: float | None) -> float | None:
    """Return a part of a whole in percent; None when either is unknown or the whole is nothing."""
    return None if part is None or not whole else part / whole * 100
