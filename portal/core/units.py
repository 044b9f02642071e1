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


# Unit -> quantity, factor and offset to the quantity's own unit: own = value * factor + offset.
# kgf/cm², mmH2O and mmHg by GB 3100-3102; Nm³ is brought to 20 °C as in m3_at_20c.
_N_TO_20C = TRADE_TEMPERATURE_K / NORMAL_TEMPERATURE_K
_UNITS: dict[str, tuple[str, float, float]] = {
    "Pa": ("pressure", 1.0, 0.0),
    "kPa": ("pressure", 1e3, 0.0),
    "MPa": ("pressure", 1e6, 0.0),
    "mbar": ("pressure", 100.0, 0.0),
    "bar": ("pressure", 1e5, 0.0),
    "kgf/cm2": ("pressure", 98066.5, 0.0),
    "mmH2O": ("pressure", 9.80665, 0.0),
    "mmHg": ("pressure", 133.322387415, 0.0),
    "psi": ("pressure", 6894.757293168, 0.0),
    "mm": ("length", 1e-3, 0.0),
    "cm": ("length", 1e-2, 0.0),
    "m": ("length", 1.0, 0.0),
    "km": ("length", 1e3, 0.0),
    "m2": ("area", 1.0, 0.0),
    "km2": ("area", 1e6, 0.0),
    "L": ("volume", 1e-3, 0.0),
    "m3": ("volume", 1.0, 0.0),
    "万m3": ("volume", 1e4, 0.0),
    "Nm3": ("volume", _N_TO_20C, 0.0),
    "万Nm3": ("volume", 1e4 * _N_TO_20C, 0.0),
    "L/min": ("flow", 0.06, 0.0),
    "m3/min": ("flow", 60.0, 0.0),
    "m3/h": ("flow", 1.0, 0.0),
    "m3/d": ("flow", 1 / 24, 0.0),
    "万m3/d": ("flow", 1e4 / 24, 0.0),
    "Nm3/h": ("flow", _N_TO_20C, 0.0),
    "Nm3/d": ("flow", _N_TO_20C / 24, 0.0),
    "°C": ("temperature", 1.0, 0.0),
    "K": ("temperature", 1.0, -273.15),
    "°F": ("temperature", 5 / 9, -160 / 9),
    "mV": ("voltage", 1e-3, 0.0),
    "V": ("voltage", 1.0, 0.0),
    "ms": ("time", 1e-3, 0.0),
    "s": ("time", 1.0, 0.0),
    "min": ("time", 60.0, 0.0),
    "h": ("time", 3600.0, 0.0),
    "d": ("time", 86400.0, 0.0),
    "mg/m3": ("content", 1e-3, 0.0),
    "g/m3": ("content", 1.0, 0.0),
    "ppm": ("share", 1e-6, 0.0),
    "‰": ("share", 1e-3, 0.0),
    "%": ("share", 1e-2, 0.0),
    "元": ("money", 1.0, 0.0),
    "万元": ("money", 1e4, 0.0),
}
_SPELT = str.maketrans({"³": "3", "²": "2", "㎥": "m3", "℃": "°C", "℉": "°F", "％": "%", "／": "/", " ": ""})


def unit_named(text: str) -> str | None:
    """Return the unit a text names, however it is spelt (m³ or m3), None for an unknown one."""
    plain = text.translate(_SPELT)
    return plain if plain in _UNITS else None


def units_like(unit: str) -> list[str]:
    """Return the units that measure what `unit` measures, itself among them; empty for an unknown one."""
    known = unit_named(unit)
    return [] if known is None else [name for name, facts in _UNITS.items() if facts[0] == _UNITS[known][0]]


def linear(given: str, wanted: str) -> tuple[float, float] | None:
    """Return factor and offset that turn a figure in unit `given` into `wanted`; None when they do not measure alike.

    0.31 MPa is 310 kPa: linear("MPa", "kPa") is (1000, 0).
    """
    first, second = unit_named(given), unit_named(wanted)
    if first is None or second is None:
        return (1.0, 0.0) if given.strip() and given.strip() == wanted.strip() else None
    (quantity, factor, offset), (other, into, shift) = _UNITS[first], _UNITS[second]
    return (factor / into, (offset - shift) / into) if quantity == other else None
