"""Words of the risk pages: colours, factors, figures, views, and how a segment's factors read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from flask_babel import gettext as _

from gis.risk.model import LIKELIHOOD, Model
from gis.risk.scoring import INPUT_NAMES, MILLIONTHS, PIPE_KINDS, Inputs, multipliers, pipe_kind
from portal.core.codes import word_of

# (code in the dictionary, or a plain count) of each input, by column.
HCA_BITS = (1, 2, 4, 8)


@dataclass(frozen=True)
class FactorLine:
    """One factor of a segment: what it saw, its multiplier, weight and part."""

    key: str
    label: str
    seen: str
    multiplier: float
    weight: float
    part: int
    missing: bool
    share: float


def colour_words() -> dict[int, str]:
    """Return the words of the colours."""
    return {1: _("Red: major"), 2: _("Orange: considerable"), 3: _("Yellow: moderate"), 4: _("Blue: low")}


def colour_names() -> dict[int, str]:
    """Return the names of the colours."""
    return {1: _("Red"), 2: _("Orange"), 3: _("Yellow"), 4: _("Blue")}


def factor_words() -> dict[str, str]:
    """Return what the rows of a model are called."""
    return {
        "base": _("Base rate by material"),
        "age": _("Age"),
        "diameter": _("Diameter"),
        "corrosion": _("Corrosion found"),
        "protection": _("Cathodic protection, high and sub-high steel"),
        "works": _("Works in the control zone"),
        "leak": _("Leak history"),
        "settlement": _("Ground settlement"),
        "joint": _("Laying and joints"),
        "patrol": _("Patrol"),
        "likelihood_bands": _("Likelihood L: failures expected in a year"),
        "people_bands": _("Consequence C: people in the impact radius"),
        "supply_bands": _("Consequence C: households without gas"),
        "plus": _("Addition to C"),
        "reach": _("Impact radius"),
        "colours": _("Colours: score from"),
    }


def figure_words(key: str, name: str) -> str:
    """Return what a figure of a row is called."""
    words = {
        "weight": _("Weight"),
        "pe": "PE",
        "steel_protected": _("Steel with cathodic protection"),
        "steel_bare": _("Steel without cathodic protection"),
        "ductile": _("Ductile iron"),
        "grey": _("Grey cast iron"),
        "steel_high": _("Steel, high and sub-high pressure"),
        "stainless": _("Stainless steel or PE-Al"),
        "slope": _("Growth a year"),
        "from_years": _("Neutral age, years"),
        "least": _("At least"),
        "most": _("At most"),
        "unknown": _("Input not filed"),
        "small_below_mm": _("Small below, mm"),
        "small": _("Small"),
        "large_from_mm": _("Large from, mm"),
        "large": _("Large"),
        "found": _("Found"),
        "none": _("None found"),
        "missing": _("Not protected"),
        "open": _("Works open"),
        "drilled": _("Directional drilling"),
        "electrofusion": _("PE electrofusion"),
        "overdue": _("Overdue"),
        "in_time": _("In time"),
        "space": _("Confined space connected (0 or 1)"),
        "sensitive": _("School or hospital (0 or 1)"),
        "hole_mm": _("Hole below 0.4 MPa, mm"),
        "flux_kw_per_m2": _("Heat flux, kW/m²"),
        "yellow_from": _("Yellow from"),
        "orange_from": _("Orange from"),
        "red_from": _("Red from"),
        "other": _("Otherwise"),
    }
    if name.startswith("class_"):
        return _("Least radius %(of)s, m", of=word_of("pressure_class", int(name[6:]), str(_language())))
    if name.startswith("to_"):
        return _("%(step)s below", step=name[3:])
    return words.get(name, name)


def _language() -> Any:
    from flask_babel import get_locale  # noqa: PLC0415  # a name of the request

    return get_locale() or "zh_CN"


def driver_words() -> dict[str, str]:
    """Return the words of what makes segments grave."""
    return {
        "works": _("Works in the control zone"),
        "leak": _("Leak history"),
        "corrosion": _("Corrosion found"),
        "old": _("20 years or older"),
        "grey": _("Grey cast iron"),
        "bare": _("Steel without cathodic protection"),
        "people": _("50 or more people in the impact radius"),
        "sensitive": _("School or hospital in the impact radius"),
        "supply": _("5,000 or more households without gas"),
    }


def view_words() -> dict[str, str]:
    """Return the words of the views of the list."""
    return {
        "ageing": _("Due for ageing assessment"),
        "works": _("Works in the control zone"),
        "over": _("Buildings over or beside the pipe"),
        "sensitive": _("School or hospital in the impact radius"),
        "hca": _("High consequence area"),
        "unknown": _("Colour depends on what is not filed"),
    }


def hca_words(segment: Any) -> list[str]:
    """Return why a segment lies in a high consequence area; empty when it does not."""
    if not segment.hca:
        return []
    rule = (
        _("GB 32167 class III")
        if segment.hca == 3
        else _("GB 32167 class II")
        if segment.hca == 2
        else _("the city's rule")
    )
    reasons = {
        1: _("school or hospital"),
        2: _("100 households within 200 m"),
        4: _("buildings of four storeys prevail"),
        8: _("connected underground space"),
    }
    return [rule, *(word for bit, word in reasons.items() if segment.hca_why & bit)]


def inputs_of(segment: Any) -> Inputs:
    """Return the stored inputs of one segment as the scoring reads them."""
    values = {name: getattr(segment, name, None) for name in INPUT_NAMES if name != "people_most"}
    values["people_most"] = max(segment.people_day, segment.people_evening, segment.people_night)
    return Inputs(**{name: np.array([-1 if value is None else value]) for name, value in values.items()})


def factor_lines(segment: Any, model: Model, language: str) -> list[FactorLine]:
    """Return the factors of a segment in the order of their parts."""
    given = inputs_of(segment)
    found = multipliers(model, given)
    seen = _seen(segment, given, language)
    words, most = factor_words(), max(1, *(abs(part) for part in segment.parts[1:]))
    return [
        FactorLine(
            key,
            words[key],
            seen[key],
            float(found[key][0][0]),
            model[key].weight,
            segment.parts[place],
            bool(found[key][1][0]),
            round(100 * abs(segment.parts[place]) / most, 1) if place else 0.0,
        )
        for place, key in enumerate(LIKELIHOOD)
    ]


def _seen(segment: Any, given: Inputs, language: str) -> dict[str, str]:
    unknown = _("not filed")
    code = lambda name, value: unknown if value is None else word_of(name, value, language)  # noqa: E731
    kind = figure_words("base", PIPE_KINDS[int(pipe_kind(given)[0])])
    patrols = {0: _("no tracks filed"), 1: _("in time"), 2: _("overdue")}
    return {
        "base": f"{word_of('material', segment.material, language)} · {kind}",
        "age": unknown if segment.age_years is None else _("%(n)s years", n=segment.age_years),
        "diameter": f"{segment.od_mm:g} mm",
        "corrosion": _("%(n)s open hidden dangers", n=segment.corrosion_n),
        "protection": code("cp_kind", segment.cp_kind),
        "works": _("%(n)s open sites", n=segment.works_n),
        "leak": _("%(n)s leaks in 24 months", n=segment.leaks_n),
        "settlement": _("%(n)s open hidden dangers", n=segment.settlement_n),
        "joint": f"{code('laying', segment.laying)} · {code('joint', segment.joint)}",
        "patrol": patrols[segment.patrol_state],
    }


def rate_words(log_rate: int) -> str:
    """Return failures a km and year in words of three digits."""
    return f"{10 ** (log_rate / MILLIONTHS):.3g}"
