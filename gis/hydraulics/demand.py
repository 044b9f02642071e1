"""How much gas users take in an hour of the day, by class; pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from gis.hydraulics.gas import Numbers

HOURS = 24


@dataclass(frozen=True)
class ClassDemand:
    """What a user of a class takes: m³ a day (of a household where `per_household`), and each hour's share of it."""

    user_class: int
    daily_m3: float
    per_household: bool
    hour_share: tuple[float, ...]

    def in_hour(self, hour: int) -> float:
        """Return m³/h in an hour of the day, 0 to 23."""
        return self.daily_m3 * self.hour_share[hour]


_HOME = (
    1.6, 1.2, 1.0, 0.9, 1.0, 1.8, 4.0, 5.6, 4.6, 3.6, 4.8, 7.6,
    7.4, 4.2, 2.9, 2.8, 4.4, 8.6, 9.8, 7.6, 5.2, 4.2, 3.0, 2.2,
)  # fmt: skip
_HEAT = tuple(4.6 if hour >= 22 or hour < 6 else 3.7 for hour in range(HOURS))
_TRADE = (
    0.6, 0.4, 0.4, 0.4, 0.8, 2.2, 4.2, 4.8, 4.0, 4.6, 7.4, 9.6,
    8.2, 4.6, 3.0, 3.4, 6.4, 9.8, 9.6, 7.0, 4.4, 2.4, 1.2, 0.6,
)  # fmt: skip
_FLAT = (1.0,) * HOURS
# Class, m³ a day, of a household, shape, source. First values of the table hydraulic_class, where they are changed.
_FIRST = (
    (10, 0.4, True, _HOME, "default: 0.30-0.45 m³ a household and day, domain 5.5"),
    (11, 9.4, True, _HEAT, "default: 8-14 m³ a household and day in January, domain 5.5"),
    (20, 55.0, False, _TRADE, "default"),
    (30, 7.0, False, _TRADE, "default"),
    (31, 24.0, False, _TRADE, "default"),
    (40, 360.0, False, _FLAT, "default"),
    (41, 900.0, False, _FLAT, "default"),
    (50, 1200.0, False, _HEAT, "default"),
    (60, 24000.0, False, _FLAT, "default"),
    (70, 3000.0, False, _TRADE, "default"),
    (90, 7.0, False, _FLAT, "default"),
)


def first_classes() -> list[tuple[ClassDemand, str]]:
    """Return the first values with their sources; the shares of a day add up to 1."""
    return [
        (ClassDemand(code, daily, homes, tuple(each / sum(shape) for each in shape)), source)
        for code, daily, homes, shape, source in _FIRST
    ]


def demand_of(units: Mapping[int, Numbers], classes: Mapping[int, ClassDemand], hour: int, n_nodes: int) -> Numbers:
    """Return m³/h at each node; `units` holds users or households of each class at each node.

    A class without figures takes nothing, which `unknown_classes` tells.
    """
    total = np.zeros(n_nodes)
    for code, count in units.items():
        if code in classes:
            total += count * classes[code].in_hour(hour)
    return total


def unknown_classes(units: Mapping[int, Numbers], classes: Mapping[int, ClassDemand]) -> list[int]:
    """Return the classes that have users but no figures."""
    return sorted(code for code, count in units.items() if code not in classes and count.any())
