"""Consequence formulas, each with its source and a worked example that a test repeats; pure."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]

ATMOSPHERE_PA = 101_325.0
GAS_CONSTANT_J_PER_MOL_K = 8.314
GROUND_TEMPERATURE_K = 288.15
METHANE_KG_PER_MOL = 0.01604
METHANE_KAPPA = 1.30
METHANE_KG_PER_NM3 = 0.7174
NORMAL_TEMPERATURE_K = 273.15
HEAT_OF_COMBUSTION_KJ_PER_KG = 50_000.0
RADIATED_SHARE = 0.20
FULL_BORE_FROM_KPA = 400.0
PIR_M_PER_MM_ROOT_KPA = 0.00315
HAZARD_FROM_S = 1.0
ALPHA_BY_PEOPLE = ((100, 2.0), (50, 1.5), (30, 1.2), (1, 1.0), (0, 0.5))
LEVEL_BY_R = ((100.0, 1), (50.0, 2), (10.0, 3), (0.0, 4))


def impact_radius_m(od_mm: Any, pressure_kpa: Any) -> Numbers:
    """Return the potential impact radius in metres, where a rupture radiates 15.8 kW/m².

    ASME B31.8S, 49 CFR 192.903: r = 0.00315·d·sqrt(p), d in mm, gauge p in kPa; 323.9 mm at 1600 kPa gives 40.8 m.
    Derived for high-pressure steel; below 400 kPa indicative only.
    """
    return np.asarray(PIR_M_PER_MM_ROOT_KPA * np.asarray(od_mm, float) * np.sqrt(np.asarray(pressure_kpa, float)))


def hole_flow_kg_per_s(
    hole_mm: Any, pressure_kpa: Any, *, discharge: float = 1.0, temperature_k: float = GROUND_TEMPERATURE_K
) -> Numbers:
    """Return the methane that leaves a round hole, kg/s, at a gauge pressure in kPa.

    HJ 169-2018 appendix F, critical and subcritical; 20 mm at 400 kPa gives 0.272 kg/s, at 3 kPa 0.0200 kg/s.
    """
    k = METHANE_KAPPA
    inside = np.asarray(pressure_kpa, float) * 1000 + ATMOSPHERE_PA
    ratio = ATMOSPHERE_PA / inside
    critical = (2 / (k + 1)) ** (k / (k - 1))
    sonic = (2 / (k + 1)) ** ((k + 1) / (k - 1))
    area = math.pi / 4 * (np.asarray(hole_mm, float) / 1000) ** 2
    root = math.sqrt(METHANE_KG_PER_MOL * k / (GAS_CONSTANT_J_PER_MOL_K * temperature_k) * sonic)
    slow = ratio ** (1 / k) * np.sqrt(np.maximum(1 - ratio ** ((k - 1) / k), 0.0))
    slow = slow * math.sqrt(2 / (k - 1) * ((k + 1) / 2) ** ((k + 1) / (k - 1)))
    return np.asarray(discharge * area * inside * root * np.where(ratio <= critical, 1.0, slow))


def jet_fire_radius_m(flow_kg_per_s: Any, flux_kw_per_m2: float, *, transmitted: float = 1.0) -> Numbers:
    """Return where the heat of a jet fire falls to a flux, in metres from a point source.

    r = sqrt(χ·τ·G·Hc / (4π·I)); 6.80 kg/s gives 20.8 m at 12.5 kW/m² and 36.8 m at 4.0 kW/m².
    """
    power_kw = RADIATED_SHARE * transmitted * np.asarray(flow_kg_per_s, float) * HEAT_OF_COMBUSTION_KJ_PER_KG
    return np.asarray(np.sqrt(power_kw / (4 * math.pi * flux_kw_per_m2)))


def heat_radius_m(od_mm: Any, pressure_kpa: Any, *, hole_mm: float, flux_kw_per_m2: float) -> Numbers:
    """Return the radius of heat in metres: the potential impact radius from 400 kPa on, below it the jet fire of a hole.

    The hole is never wider than the pipe.
    """
    od, pressure = np.asarray(od_mm, float), np.asarray(pressure_kpa, float)
    jet = jet_fire_radius_m(hole_flow_kg_per_s(np.minimum(od, hole_mm), pressure), flux_kw_per_m2)
    return np.asarray(np.where(pressure >= FULL_BORE_FROM_KPA, impact_radius_m(od, pressure), jet))


def failure_probability(expected: Any) -> Numbers:
    """Return the probability of at least one failure where so many are expected: 1 − exp(−λL)."""
    return np.asarray(-np.expm1(-np.asarray(expected, float)))


def stored_gas_t(storage_m3: float, pressure_mpa: float) -> float:
    """Return the methane in a vessel of gas under gauge pressure, t; ideal gas at 0 °C, 1000 m³ at 0.4 MPa give 3.55 t."""
    absolute_pa = pressure_mpa * 1e6 + ATMOSPHERE_PA
    return storage_m3 * absolute_pa / ATMOSPHERE_PA * METHANE_KG_PER_NM3 / 1000


def stored_liquid_t(storage_m3: float, fill: float, density_t_per_m3: float) -> float:
    """Return the liquefied gas in tanks, t; 300 m³ of LNG, 90 % filled at 0.43 t/m³, give 116.1 t."""
    return storage_m3 * fill * density_t_per_m3


def alpha_of(people: int) -> float:
    """Return the correction for people within 500 m of a plant, GB 18218-2018: 50-99 people give 1.5."""
    return next(alpha for least, alpha in ALPHA_BY_PEOPLE if people >= least)


def major_hazard(stock_t: float, critical_t: float, *, alpha: float, beta: float) -> tuple[float, float, int]:
    """Return S = q/Q, R = α·β·q/Q and the level 1 to 4 of GB 18218-2018; level 0 when S is below 1.

    116.1 t of LNG with Q 50 t, α 1.5, β 1.5 give S 2.32, R 5.22, level 4.
    """
    s = stock_t / critical_t
    r = alpha * beta * s
    level = next(level for least, level in LEVEL_BY_R if r >= least) if s >= HAZARD_FROM_S else 0
    return s, r, level
