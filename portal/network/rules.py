"""Judgement of shut-off plans: who of the users comes first, what gas is vented and for how long, who relights; pure."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from gis.network.rules import CLASS_BOUNDS_MPA
from portal.core.units import NORMAL_TEMPERATURE_K, kpa_from_mpa

# In the order in which they are told, cared for and relit: lives first, then heat and work of many.
KINDS = (
    "hospital", "school", "care", "welfare", "boiler", "power", "industry", "interruptible", "refuelling", "catering",
    "commercial", "heating", "residential", "other",
)  # fmt: skip
FIRST_KINDS = frozenset(KINDS[:7])
_KIND_OF_CLASS = {
    10: "residential", 11: "heating", 20: "welfare", 30: "commercial", 31: "catering", 40: "industry",
    41: "interruptible", 50: "boiler", 60: "power", 70: "refuelling",
}  # fmt: skip
# Classes of which there are many and whose members are counted, not named one by one.
COMMON_CLASSES = (10, 11, 30, 31)
RESIDENTIAL_CLASSES = (10, 11)
_PUBLIC_WORDS = (
    ("hospital", ("医院", "卫生院", "卫生服务", "诊所", "急救", "血站", "疾控", "hospital", "clinic")),
    ("school", ("学校", "小学", "中学", "大学", "学院", "幼儿园", "托儿", "school", "kindergarten", "university")),
    ("care", ("养老", "敬老", "福利院", "护理院", "康复", "care home", "nursing")),
)

ATMOSPHERE_KPA = 101.325
GAS_CONSTANT = 8.314462618
METHANE_KG_PER_MOL = 0.01604
HEAT_RATIO = 1.30
CRITICAL_KPA, CRITICAL_K = 4599.0, 190.56
VENT_STEPS = 200


def kind_of_user(user_class: int, name: str | None) -> str:
    """Return what a user is for the order of care; hospitals and schools are public users known by their names."""
    kind = _KIND_OF_CLASS.get(user_class, "other")
    if kind not in ("welfare", "other"):
        return kind
    said = (name or "").casefold()
    return next((found for found, words in _PUBLIC_WORDS if any(word in said for word in words)), kind)


@dataclass(frozen=True)
class Figures:
    """Adjustable figures of the estimates; each has its source in the table `parameter`."""

    vent_dn_mm: float
    vent_discharge: float
    vent_floor_kpa: float
    gas_temperature_k: float
    households_a_person_day: float
    others_a_person_day: float


def compressibility(pressure_kpa: float, temperature_k: float) -> float:
    """Return Z of methane by Papay at an absolute pressure; 4,100 kPa and 288.15 K give 0.910."""
    reduced_p, reduced_t = pressure_kpa / CRITICAL_KPA, temperature_k / CRITICAL_K
    return 1 - 3.52 * reduced_p * math.exp(-2.26 * reduced_t) + 0.274 * reduced_p**2 * math.exp(-1.878 * reduced_t)


def line_pack_nm3(volume_m3: float, pressure_kpa: float, temperature_k: float) -> float:
    """Return the gas in a closed volume at a gauge pressure, Nm³ at 0 °C and 101.325 kPa."""
    absolute = pressure_kpa + ATMOSPHERE_KPA
    share = absolute / ATMOSPHERE_KPA * NORMAL_TEMPERATURE_K / temperature_k
    return volume_m3 * share / compressibility(absolute, temperature_k)


def outflow_kg_per_s(pressure_kpa: float, bore_mm: float, temperature_k: float, discharge: float = 1.0) -> float:
    """Return the flow of methane through an opening at a gauge pressure, kg/s.

    HJ 169-2018 annex F; 20 mm at 400 kPa gauge and 288.15 K with discharge 1.0 give 0.272, at 3 kPa 0.0200.
    """
    if pressure_kpa <= 0 or bore_mm <= 0:
        return 0.0
    k, absolute_pa = HEAT_RATIO, (pressure_kpa + ATMOSPHERE_KPA) * 1000
    ratio = ATMOSPHERE_KPA / (pressure_kpa + ATMOSPHERE_KPA)
    choked = (2 / (k + 1)) ** ((k + 1) / (k - 1))
    flow = math.sqrt(METHANE_KG_PER_MOL * k / (GAS_CONSTANT * temperature_k) * choked)
    if ratio > (2 / (k + 1)) ** (k / (k - 1)):
        flow *= ratio ** (1 / k) * math.sqrt(1 - ratio ** ((k - 1) / k)) * math.sqrt(2 / (k - 1) * choked ** (-1.0))
    return discharge * math.pi * (bore_mm / 1000) ** 2 / 4 * absolute_pa * flow


def vent_minutes(volume_m3: float, pressure_kpa: float, figures: Figures) -> float:
    """Return how long a closed volume takes to blow off to the floor pressure through one vent, minutes.

    The gas keeps its temperature; the vent's own resistance stands in its discharge coefficient.
    """
    floor = figures.vent_floor_kpa
    if volume_m3 <= 0 or pressure_kpa <= floor:
        return 0.0
    bore, kelvin = figures.vent_dn_mm, figures.gas_temperature_k
    shrink = (floor / pressure_kpa) ** (1 / VENT_STEPS)
    seconds, upper = 0.0, pressure_kpa
    for _ in range(VENT_STEPS):
        lower = upper * shrink
        mass = volume_m3 * (upper - lower) * 1000 * METHANE_KG_PER_MOL / (GAS_CONSTANT * kelvin)
        seconds += mass / outflow_kg_per_s(math.sqrt(upper * lower), bore, kelvin, figures.vent_discharge)
        upper = lower
    return seconds / 60


@dataclass(frozen=True)
class Bore:
    """A pipe for the estimate: its class, length, diameters and the pressures known of it."""

    pressure_class: int
    length_m: float
    od_mm: float
    wall_mm: float | None
    mop_mpa: float | None
    design_p_mpa: float | None


def working_kpa(bore: Bore) -> tuple[float, bool]:
    """Return the highest gauge pressure a pipe may hold, kPa, and whether it is only the bound of its class."""
    known = bore.mop_mpa if bore.mop_mpa is not None else bore.design_p_mpa
    if known is not None and known > 0:
        return kpa_from_mpa(known), False
    return kpa_from_mpa(CLASS_BOUNDS_MPA.get(bore.pressure_class, (0.0, 0.4))[1]), True


@dataclass(frozen=True)
class Contents:
    """What an isolated segment holds.

    `unmeasured` is the number of pipes without a known bore, which are not in the volume; `assumed` that of pipes
    whose pressure is the bound of their class. Parts of different classes vent side by side: the longest counts.
    """

    length_m: float
    volume_m3: float
    gas_nm3: float
    vent_minutes: float
    highest_kpa: float
    unmeasured: int
    assumed: int


def contents_of(pipes: Iterable[Bore], figures: Figures) -> Contents:
    """Return what the pipes of a segment hold and how long it takes to vent them."""
    volumes: dict[int, float] = {}
    highest: dict[int, float] = {}
    length, gas, unmeasured, assumed = 0.0, 0.0, 0, 0
    for pipe in pipes:
        length += pipe.length_m
        if pipe.wall_mm is None or pipe.od_mm <= 2 * pipe.wall_mm:
            unmeasured += 1
            continue
        pressure, by_class = working_kpa(pipe)
        assumed += by_class
        volume = math.pi * ((pipe.od_mm - 2 * pipe.wall_mm) / 1000) ** 2 / 4 * pipe.length_m
        gas += line_pack_nm3(volume, pressure, figures.gas_temperature_k)
        volumes[pipe.pressure_class] = volumes.get(pipe.pressure_class, 0.0) + volume
        highest[pipe.pressure_class] = max(highest.get(pipe.pressure_class, 0.0), pressure)
    minutes = max((vent_minutes(volumes[each], highest[each], figures) for each in volumes), default=0.0)
    return Contents(
        length, sum(volumes.values()), gas, minutes, max(highest.values(), default=0.0), unmeasured, assumed
    )


def person_days(users: dict[str, tuple[int, int]], figures: Figures) -> float:
    """Return how many days of one person the relighting takes; `users` is kind -> (users, households)."""
    homes = sum(users[kind][1] for kind in ("residential", "heating") if kind in users)
    others = sum(count for kind, (count, _) in users.items() if kind not in ("residential", "heating"))
    return homes / figures.households_a_person_day + others / figures.others_a_person_day


def masked_address(address: str | None, *, residential: bool) -> str:
    """Return an address; of a home only what stands before the first number of building, unit or room."""
    if not address or not residential:
        return address or ""
    for place, sign in enumerate(address):
        if sign.isdigit():
            return address[:place].rstrip("第 ") + "*"
    return address


def masked_code(code: str, *, residential: bool) -> str:
    """Return a user number; of a home its last four signs only."""
    return code if not residential or len(code) <= 4 else "*" * (len(code) - 4) + code[-4:]
