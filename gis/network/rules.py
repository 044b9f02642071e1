"""Rules R1-R19 for network data that judge one object by its values: pure, with limits that can be set.

A problem names the rule, the field and the facts; the words for it belong to whoever shows it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date

PE_MATERIALS = frozenset({20, 21, 22, 23})
STEEL_MATERIALS = frozenset({10, 11, 12})
_COATING_NONE = 7
_ABOVE_GROUND = frozenset({2, 6, 7})
_TRENCHLESS = frozenset({4, 5})
_HIGH_CLASSES = frozenset({1, 2, 3})

# GB 50028-2006 table 6.1.6, gauge MPa: class -> (over, up to); low pressure is below 0.01.
CLASS_BOUNDS_MPA: dict[int, tuple[float, float]] = {
    1: (2.5, 4.0),
    2: (1.6, 2.5),
    3: (0.8, 1.6),
    4: (0.4, 0.8),
    5: (0.2, 0.4),
    6: (0.01, 0.2),
    7: (0.0, 0.01),
}

PE_OD_MM = (
    *(16, 20, 25, 32, 40, 50, 63, 75, 90, 110, 125, 140, 160, 180, 200, 225, 250, 280, 315, 355, 400, 450, 500, 560),
    *(630, 710, 800),
)
STEEL_OD_MM = (
    *(18, 21.3, 22, 25, 26.9, 32, 33.7, 38, 42.4, 45, 48, 48.3, 57, 60.3, 73, 76, 76.1, 88.9, 89, 108, 114, 114.3),
    *(133, 139.7, 159, 165, 168.3, 219, 219.1, 273, 273.1, 323.9, 325, 355.6, 377, 406.4, 426, 457, 508, 529, 530),
    *(559, 610, 630, 660, 711, 720, 762, 813, 820, 864, 914, 920, 1016, 1020, 1067, 1118, 1219, 1220, 1420, 1422),
)


@dataclass(frozen=True)
class Limits:
    """Limits of the rules; the source of each value stands beside it."""

    lp_inclusive: bool = False  # GB 50028 table 6.1.6 counts 0.01 MPa as medium B; GB 55009 as low: set True
    od_min_mm: float = 10.0  # below the smallest gas pipe in GB/T 15558.1 (dn 16); default
    od_max_mm: float = 1620.0  # above the largest of GB/T 21711.1 (1422); default
    wall_max_share: float = 0.25  # wall over diameter of SDR 9 is 0.11, of the smallest steel 0.2; default
    year_min: int = 1950  # R18
    depth_min_m: float = 0.3  # R19
    depth_max_m: float = 6.0  # R19
    depth_slack_low_m: float = 0.1  # R19: so far outside it is shown, further it is refused; default
    depth_slack_high_m: float = 2.0  # the same at the deep end; default
    depth_trenchless_max_m: float = 30.0  # directional drilling and jacking run deeper; default
    length_share: float = 0.02  # R17
    length_gross_times: float = 3.0  # R17: so many times off, the length is another unit or another pipe; default
    length_chord_times: float = 10.0  # R17: so much longer than the chord no pipe is; default
    length_gross_m: float = 10.0  # R17: and at least so far off; default
    length_slack_m: float = 1.0  # survey points are rounded to decimetres; default
    snap_m: float = 0.05  # R13
    snap_gross_m: float = 1.0  # R13: beyond this an end belongs to another node; default
    pipe_max_m: float = 50_000.0  # longer than a city is wide; default
    zero_length_m: float = 0.01  # a tenth of the survey's rounding; default
    elevation_min_m: float = -200.0  # below the lowest ground of the country (-154 m); default
    elevation_max_m: float = 9000.0  # above the highest ground; default
    spread_floor_m: float = 30_000.0  # R16 without a boundary: a point this near the rest is never refused; default
    spread_factor: float = 10.0  # R16 without a boundary: times the median distance from the middle; default
    area: tuple[float, float, float, float] | None = None  # R16: west, south, east, north of the city in degrees
    accept_formulas: bool = False  # a formula is no delivered value; True takes the value stored beside it


@dataclass(frozen=True)
class Problem:
    """What one rule found: the key of its words, the contract's field, and the facts for the sentence."""

    rule: str
    key: str
    field: str
    facts: dict[str, str] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True)
class PipeFacts:
    """The values of a pipe that rules look at; None where unknown."""

    pressure_class: int | None
    material: int | None
    od_mm: float | None
    wall_mm: float | None = None
    design_p_mpa: float | None = None
    mop_mpa: float | None = None
    laying: int | None = None
    depth_start_m: float | None = None
    depth_end_m: float | None = None
    coating: int | None = None
    install_year: int | None = None
    commission_date: date | None = None


def _short(value: float) -> str:
    return f"{value:g}"


def in_class(pressure_mpa: float, pressure_class: int, *, lp_inclusive: bool) -> bool:
    """Return whether a gauge pressure lies in a class; GB 50028-2006 table 6.1.6: 0.4 MPa is class 5, 0.41 class 4."""
    over, upto = CLASS_BOUNDS_MPA[pressure_class]
    if pressure_class == 7:
        return 0 <= pressure_mpa < upto or (lp_inclusive and pressure_mpa == upto)
    if pressure_class == 6 and not lp_inclusive:
        return over <= pressure_mpa <= upto
    return over < pressure_mpa <= upto


def class_of_pressure(pressure_mpa: float, *, lp_inclusive: bool = False) -> int | None:
    """Return the class of a gauge pressure in MPa, or None above 4.0 MPa and below zero."""
    for pressure_class in CLASS_BOUNDS_MPA:
        if in_class(pressure_mpa, pressure_class, lp_inclusive=lp_inclusive):
            return pressure_class
    return None


def pressure_problems(pipe: PipeFacts, limits: Limits) -> Iterator[Problem]:
    """Yield R3 (operating above design pressure) and R4 (pressure outside the class, PE above 0.8 MPa)."""
    design, mop = pipe.design_p_mpa, pipe.mop_mpa
    for name, value in (("design_p_mpa", design), ("mop_mpa", mop)):
        if value is not None and value < 0:
            yield Problem("R4", "pressure_negative", name, {"value": _short(value)})
    known = pipe.pressure_class
    if known and design is not None and design >= 0 and not in_class(design, known, lp_inclusive=limits.lp_inclusive):
        over, upto = CLASS_BOUNDS_MPA[known]
        facts = {"value": _short(design), "class": str(known), "low": _short(over), "high": _short(upto)}
        yield Problem("R4", "pressure_class", "design_p_mpa", facts)
    if design is not None and mop is not None and mop > design:
        yield Problem("R3", "pressure_order", "mop_mpa", {"value": _short(mop), "limit": _short(design)})
    if pipe.material in PE_MATERIALS and pipe.pressure_class in _HIGH_CLASSES:
        yield Problem("R4", "pe_high_pressure", "pressure_class", {"class": str(pipe.pressure_class)})


def coating_problems(pipe: PipeFacts, limits: Limits) -> Iterator[Problem]:
    """Yield R5: a PE pipe has no coating."""
    if pipe.material in PE_MATERIALS and pipe.coating not in (None, _COATING_NONE):
        yield Problem("R5", "pe_coating", "coating", {"value": str(pipe.coating)})


def diameter_problems(pipe: PipeFacts, limits: Limits) -> Iterator[Problem]:
    """Yield R6: diameter and wall impossible, or not in the lists of standard sizes."""
    od = pipe.od_mm
    if od is None:
        return
    if not limits.od_min_mm <= od <= limits.od_max_mm:
        facts = {"value": _short(od), "low": _short(limits.od_min_mm), "high": _short(limits.od_max_mm)}
        yield Problem("R6", "diameter_range", "od_mm", facts)
        return
    if pipe.wall_mm is not None and not 0 < pipe.wall_mm <= od * limits.wall_max_share:
        yield Problem("R6", "wall_range", "wall_mm", {"value": _short(pipe.wall_mm), "od": _short(od)})
    sizes = PE_OD_MM if pipe.material in PE_MATERIALS else STEEL_OD_MM if pipe.material in STEEL_MATERIALS else ()
    if sizes and not any(abs(od - size) < 0.06 for size in sizes):
        yield Problem("R6", "diameter_unlisted", "od_mm", {"value": _short(od)})


def year_problems(pipe: PipeFacts, limits: Limits, today: date) -> Iterator[Problem]:
    """Yield R18: built before 1950 or in the future."""
    years = {
        "install_year": pipe.install_year,
        "commission_date": pipe.commission_date.year if pipe.commission_date else None,
    }
    for name, year in years.items():
        if year is not None and year < limits.year_min:
            yield Problem("R18", "year_old", name, {"value": str(year), "limit": str(limits.year_min)})
    if pipe.install_year is not None and pipe.install_year > today.year:
        yield Problem("R18", "year_future", "install_year", {"value": str(pipe.install_year)})
    if pipe.commission_date is not None and pipe.commission_date > today:
        yield Problem("R18", "year_future", "commission_date", {"value": pipe.commission_date.isoformat()})


def depth_problems(pipe: PipeFacts, limits: Limits) -> Iterator[Problem]:
    """Yield R19 for buried pipes: refused far outside 0.3-6 m, shown when slightly outside."""
    if pipe.laying in _ABOVE_GROUND:
        return
    deepest = limits.depth_trenchless_max_m if pipe.laying in _TRENCHLESS else limits.depth_max_m
    for name, depth in (("depth_start_m", pipe.depth_start_m), ("depth_end_m", pipe.depth_end_m)):
        if depth is None or limits.depth_min_m <= depth <= deepest:
            continue
        near = limits.depth_min_m - limits.depth_slack_low_m <= depth <= deepest + limits.depth_slack_high_m
        facts = {"value": _short(depth), "low": _short(limits.depth_min_m), "high": _short(deepest)}
        yield Problem("R19", "depth_near" if near else "depth_range", name, facts)


def length_problem(stated_m: float, measured_m: float, *, chord: bool, limits: Limits) -> Problem | None:
    """Return R17 when a stated length does not fit the line; a chord may be shorter than the pipe, never longer."""
    facts = {"value": f"{stated_m:.1f}", "measured": f"{measured_m:.1f}"}
    if stated_m <= 0:
        return Problem("R17", "length_wrong", "length_m", facts)
    if chord and stated_m > limits.length_chord_times * measured_m and stated_m - measured_m > limits.length_gross_m:
        return Problem("R17", "length_wrong", "length_m", facts)
    gap = measured_m - stated_m if chord else abs(measured_m - stated_m)
    if gap <= max(limits.length_slack_m, limits.length_share * measured_m):
        return None
    times = max(stated_m / max(measured_m, 0.01), measured_m / stated_m)
    gross = times > limits.length_gross_times and gap > limits.length_gross_m
    return Problem("R17", "length_wrong" if gross else "length_near", "length_m", facts)


_PIPE_RULES: tuple[Callable[[PipeFacts, Limits], Iterator[Problem]], ...] = (
    pressure_problems,
    coating_problems,
    diameter_problems,
    depth_problems,
)


def pipe_problems(pipe: PipeFacts, limits: Limits, today: date) -> list[Problem]:
    """Return every problem of one pipe's values, in the order of the rules."""
    found = [problem for rule in _PIPE_RULES for problem in rule(pipe, limits)]
    return [*found, *year_problems(pipe, limits, today)]
