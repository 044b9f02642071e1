"""Properties of the gas and friction in pipes; pure, after GB 50028-2006 chapter 6.2 and appendix C.

Flows are m³/h at 0 °C and 101.325 kPa, pressures kPa absolute, bores and roughness mm.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from portal.core.units import NORMAL_TEMPERATURE_K

Numbers = NDArray[np.float64]

NORMAL_KPA = 101.325
GRAVITY = 9.80665
# GB 50028-2006 (6.2.6-1): (P1²-P2²)/L = 1.27e10·λ·Q²/d⁵·ρ·T/T0·Z in kPa² a km; here a metre.
STANDARD_LOSS = 1.27e7
# The same from Darcy without rounding: 16·101.325/(π²·3600²)·1e15.
EXACT_LOSS = 16 * NORMAL_KPA / (math.pi**2 * 3600**2) * 1e15 / 1e3
LAMINAR_MOST, CRITICAL_MOST, BLENDED_MOST = 2100.0, 3500.0, 4500.0
IDEAL_MOST_KPA = 1200.0 + NORMAL_KPA
METHANE_CRITICAL_KPA, METHANE_CRITICAL_K = 4599.0, 190.56
COLEBROOK_STEPS = 3


class Friction(IntEnum):
    """By which formula a pipe's turbulent friction is worked out."""

    COLEBROOK = 0
    STEEL_OF_APPENDIX_C = 1
    CAST_IRON_OF_APPENDIX_C = 2
    # What pandapipes takes by default: 64/Re and the fully rough part added up; here for comparisons.
    NIKURADSE = 3


@dataclass(frozen=True)
class Gas:
    """A gas: density at 0 °C and 101.325 kPa, kinematic viscosity there, and the temperature it flows at."""

    density_kg_per_nm3: float = 0.763
    viscosity_m2_per_s: float = 14e-6
    temperature_k: float = 288.15
    loss: float = STANDARD_LOSS
    # Z = 1 - slope·P where a gas is described so; otherwise as `compressibility` says.
    z_slope_per_kpa: float | None = None

    @property
    def warmth(self) -> float:
        """Return T/T0."""
        return self.temperature_k / NORMAL_TEMPERATURE_K

    def compressibility(self, pressure_kpa: Numbers) -> Numbers:
        """Return Z at absolute pressures."""
        if self.z_slope_per_kpa is not None:
            return np.asarray(1 - self.z_slope_per_kpa * pressure_kpa)
        return compressibility(pressure_kpa, self.temperature_k)


def compressibility(pressure_kpa: Numbers, temperature_k: float) -> Numbers:
    """Return Z: 1 up to 1.2 MPa gauge (GB 50028 6.2.6), above it Papay's for methane; 4.1 MPa and 288.15 K: 0.9098."""
    reduced, warm = np.maximum(pressure_kpa, 0.0) / METHANE_CRITICAL_KPA, temperature_k / METHANE_CRITICAL_K
    real = 1 - 3.52 * reduced * math.exp(-2.26 * warm) + 0.274 * reduced**2 * math.exp(-1.878 * warm)
    return np.asarray(np.where(pressure_kpa > IDEAL_MOST_KPA, real, 1.0))


def mean_pressure(first_kpa: Numbers, second_kpa: Numbers) -> Numbers:
    """Return the mean pressure along a pipe, 2/3·(P1 + P2²/(P1+P2)); 501.325 and 461.325 give 481.602."""
    total = np.maximum(first_kpa + second_kpa, 1e-9)
    return np.asarray(2 / 3 * (first_kpa + second_kpa**2 / total))


def reynolds(flow_m3_per_h: Numbers, bore_mm: Numbers, gas: Gas) -> Numbers:
    """Return Re; 2,000 m³/h in 207 mm at 14.3e-6 m²/s gives 2.39e5."""
    speed = np.abs(flow_m3_per_h) / 3600 / (math.pi / 4 * (bore_mm / 1000) ** 2)
    return np.asarray(speed * bore_mm / 1000 / gas.viscosity_m2_per_s)


def colebrook(number: Numbers, relative_roughness: Numbers) -> Numbers:
    """Return λ of 1/√λ = -2·lg(K/3.7d + 2.51/(Re·√λ)), GB 50028 (6.2.6-2), by Newton's method.

    Re 2.39e5 and K/d 0.1/207 give 0.01844.
    """
    rough = relative_roughness / 3.7
    x = -2 * np.log10(rough + 5.74 / number**0.9)
    for _ in range(COLEBROOK_STEPS):
        inner = rough + 2.51 * x / number
        gap = x + 2 * np.log10(inner)
        x = x - gap / (1 + 2 / math.log(10) * 2.51 / number / inner)
    return np.asarray(1 / x**2)


def friction(number: Numbers, bore_mm: Numbers, roughness_mm: Numbers, law: NDArray[np.int64]) -> Numbers:
    """Return λ of every pipe.

    Laminar to Re 2,100 and the critical band to 3,500 as appendix C of GB 50028; from there to 4,500 the value goes
    over to the turbulent one, and below 2,133 the greater of two holds, so that loss never falls as flow grows.
    """
    safe = np.maximum(number, 1e-6)
    laminar = 64 / safe
    capped = np.clip(safe, LAMINAR_MOST, CRITICAL_MOST)
    critical = 0.03 + (capped - LAMINAR_MOST) / (65 * capped - 1e5)
    turbulent = _turbulent(np.maximum(safe, CRITICAL_MOST), bore_mm, roughness_mm, law)
    share = np.clip((safe - CRITICAL_MOST) / (BLENDED_MOST - CRITICAL_MOST), 0.0, 1.0)
    found = np.where(safe <= LAMINAR_MOST, laminar, np.maximum(critical, np.minimum(laminar, 0.0305)))
    found = np.where(safe > CRITICAL_MOST, critical * (1 - share) + turbulent * share, found)
    simple = law == Friction.NIKURADSE
    if simple.any():
        rough = 1 / (-2 * np.log10(np.maximum(roughness_mm, 1e-9) / (3.71 * bore_mm))) ** 2
        found = np.where(simple, laminar + rough, found)
    return np.asarray(found)


def _turbulent(number: Numbers, bore_mm: Numbers, roughness_mm: Numbers, law: NDArray[np.int64]) -> Numbers:
    found = colebrook(number, roughness_mm / bore_mm)
    steel, iron = law == Friction.STEEL_OF_APPENDIX_C, law == Friction.CAST_IRON_OF_APPENDIX_C
    if steel.any():
        found = np.where(steel, 0.11 * (roughness_mm / bore_mm + 68 / number) ** 0.25, found)
    if iron.any():
        # λ = 0.102236·(1/d + 5158·d·ν/Q)^0.284; with d in mm and Q in m³/h, d·ν/Q is 10/(9·π·Re).
        found = np.where(iron, 0.102236 * (1 / bore_mm + 5158 * 10 / (9 * math.pi * number)) ** 0.284, found)
    return np.asarray(found)


def velocity_m_per_s(flow_m3_per_h: Numbers, bore_mm: Numbers, pressure_kpa: Numbers, gas: Gas) -> Numbers:
    """Return how fast gas runs at an absolute pressure."""
    normal = flow_m3_per_h / 3600 / (math.pi / 4 * (bore_mm / 1000) ** 2)
    warm = gas.warmth * gas.compressibility(pressure_kpa)
    return np.asarray(normal * NORMAL_KPA / np.maximum(pressure_kpa, 1e-9) * warm)


def ambient_kpa(height_m: Numbers) -> Numbers:
    """Return the pressure of the air above sea level by the barometric formula; 0 m 101.325, 500 m 95.46."""
    return np.asarray(NORMAL_KPA * np.power(1 - np.nan_to_num(height_m) * 0.0065 / 288.15, 5.255))
