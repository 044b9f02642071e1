"""Conversions between units; the only place where a factor stands."""

from __future__ import annotations

KPA_PER_MPA = 1000.0
M_PER_KM = 1000.0
NORMAL_TEMPERATURE_K = 273.15
TRADE_TEMPERATURE_K = 293.15


def kpa_from_mpa(pressure_mpa: float) -> float:
    """Return kPa for MPa."""
    return pressure_mpa * KPA_PER_MPA


def km_from_m(length_m: float) -> float:
    """Return km for m."""
    return length_m / M_PER_KM


def m3_at_20c(volume_nm3: float) -> float:
    """Return m³ at 20 °C and 101.325 kPa for Nm³ at 0 °C; 1 Nm³ is 1.07322 m³ (GB 17820 trade conditions)."""
    return volume_nm3 * TRADE_TEMPERATURE_K / NORMAL_TEMPERATURE_K
