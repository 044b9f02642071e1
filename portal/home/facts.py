"""How objects of the network are put into words: facts for the drawer and columns for the lists."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from flask_babel import gettext as _

from portal.core.codes import word_of

Words = list[tuple[str, str]]


@dataclass(frozen=True)
class Speech:
    """What is needed to word an object: language, names of districts and enterprises."""

    language: str
    districts: dict[str, str]
    enterprises: dict[int, str]

    def code(self, dictionary: str, code: int | None) -> str:
        """Return the word of a code."""
        return word_of(dictionary, code, self.language)


def layer_words() -> dict[str, str]:
    """Return the names of the layers in the caller's language."""
    return {
        "pipe": _("Pipes"), "station": _("Stations"), "valve": _("Valves"),
        "regulator": _("Regulators"), "user": _("Gas users"), "sensor": _("Monitoring points"),
        "alarm": _("Open alarms"), "proposal": _("Proposed corrections"), "district": _("Districts"), "road": _("Roads"),
        "water": _("Water"), "green": _("Green space"), "building": _("Buildings"),
    }


def kind_of(layer: str, thing: Any, speech: Speech) -> str:
    """Return what an object is, in one or two words."""
    made: dict[str, Callable[[], str]] = {
        "pipe": lambda: speech.code("pressure_class", thing.pressure_class),
        "station": lambda: speech.code("station_kind", thing.kind),
        "valve": lambda: speech.code("valve_kind", thing.kind),
        "regulator": lambda: speech.code("regulator_form", thing.form),
        "user": lambda: speech.code("user_class", thing.user_class),
        "sensor": lambda: speech.code("measure", thing.measure),
    }
    return made[layer]()


def facts_of(layer: str, thing: Any, speech: Speech) -> Words:
    """Return terms and values of an object; what is unknown is left out."""
    made = {"pipe": _pipe, "station": _station, "valve": _valve, "regulator": _regulator, "user": _user}
    common: list[tuple[str, Any]] = [
        (_("Object code"), thing.src_code),
        (_("Enterprise"), speech.enterprises.get(thing.enterprise_id)),
        (_("District"), speech.districts.get(thing.adcode or "", thing.adcode)),
        (_("Service state"), speech.code("life_status", thing.status)),
    ]
    return [(term, said(value)) for term, value in common + made[layer](thing, speech) if said(value)]


def said(value: Any) -> str:
    """Return a value as text, empty when unknown."""
    if value is None or value == "":
        return ""
    if isinstance(value, bool):
        return str(_("yes") if value else _("no"))
    if isinstance(value, datetime | date):
        return value.isoformat()
    return f"{value:g}" if isinstance(value, float) else str(value)


def _unit(value: float | None, unit: str, digits: int = 4) -> str | None:
    return None if value is None else f"{value:.{digits}g} {unit}"


def _pipe(pipe: Any, speech: Speech) -> list[tuple[str, Any]]:
    return [
        (_("Pressure class"), speech.code("pressure_class", pipe.pressure_class)),
        (_("Material"), speech.code("material", pipe.material)),
        (_("Outside diameter"), _unit(pipe.od_mm, "mm")),
        (_("Wall thickness"), _unit(pipe.wall_mm, "mm")),
        (_("Length"), f"{pipe.length_m:.1f} m"),
        (_("Design pressure"), _unit(pipe.design_p_mpa, "MPa")),
        (_("Maximum operating pressure"), _unit(pipe.mop_mpa, "MPa")),
        (_("Cover"), _unit(pipe.depth_start_m, "m", 3)),
        (_("Laying"), speech.code("laying", pipe.laying)),
        (_("Coating"), speech.code("coating", pipe.coating)),
        (_("Cathodic protection"), speech.code("cp_kind", pipe.cp_kind)),
        (_("Road"), pipe.road_name),
        (_("Year built"), pipe.install_year),
        (_("In service since"), pipe.commissioned_on),
        (_("Fed from a source"), pipe.fed),
    ]


def _station(station: Any, speech: Speech) -> list[tuple[str, Any]]:
    return [
        (_("Kind"), speech.code("station_kind", station.kind)),
        (_("Address"), station.address),
        (_("Design flow"), _unit(station.design_m3_per_h, "m³/h", 6)),
        (_("Inlet pressure"), _unit(station.p_in_mpa, "MPa")),
        (_("Outlet pressure"), _unit(station.p_out_mpa, "MPa")),
        (_("Tank volume"), _unit(station.storage_m3, "m³", 6)),
        (_("Attended"), station.attended),
    ]


def _valve(valve: Any, speech: Speech) -> list[tuple[str, Any]]:
    return [
        (_("Kind"), speech.code("valve_kind", valve.kind)),
        (_("Nominal diameter"), f"DN{valve.dn_mm:g}"),
        (_("Drive"), speech.code("valve_drive", valve.drive)),
        (_("Remote control"), valve.remote),
        (_("Normal position"), speech.code("valve_state", valve.normal_state)),
        (_("Present position"), speech.code("valve_state", valve.current_state)),
    ]


def _regulator(regulator: Any, speech: Speech) -> list[tuple[str, Any]]:
    return [
        (_("Form"), speech.code("regulator_form", regulator.form)),
        (_("Inlet class"), speech.code("pressure_class", regulator.inlet_class)),
        (_("Outlet class"), speech.code("pressure_class", regulator.outlet_class)),
        (_("Set pressure"), _unit(regulator.p2_set_kpa, "kPa")),
        (_("Design flow"), _unit(regulator.design_m3_per_h, "m³/h", 6)),
        (_("Slam-shut fitted"), regulator.slam_shut),
    ]


def _user(user: Any, speech: Speech) -> list[tuple[str, Any]]:
    return [
        (_("User class"), speech.code("user_class", user.user_class)),
        (_("Address"), user.address),
        (_("Households served"), user.households),
        (_("Gas detector"), user.detector),
        (_("Last check"), user.last_check_on),
    ]


_COLUMN_CODES = {
    "status": "life_status", "pressure_class": "pressure_class", "material": "material",
    "laying": "laying", "coating": "coating", "cp_kind": "cp_kind", "current_state": "valve_state",
    "normal_state": "valve_state", "user_class": "user_class",
}


def change_words(changes: dict[str, tuple[Any, Any]], speech: Speech) -> list[str]:
    """Return one line for each column that changed; a moved shape is named, not printed."""
    pairs = change_pairs(changes, speech)
    return [f"{name}: {old} → {new}" if old or new else name for name, old, new in pairs]


def change_pairs(changes: dict[str, tuple[Any, Any]], speech: Speech) -> list[tuple[str, str, str]]:
    """Return name, former and later value of each column that changed; of a moved shape only the name."""
    words, pairs = _column_words(), []
    for name, (before, after) in changes.items():
        if name == "geom":
            pairs.append((_("Position changed"), "", ""))
            continue
        if name not in words:
            continue
        dictionary = _COLUMN_CODES.get(name)
        old, new = (
            (speech.code(dictionary, before), speech.code(dictionary, after))
            if dictionary
            else (said(before), said(after))
        )
        pairs.append((words[name], old or "–", new or "–"))
    return pairs


def _column_words() -> dict[str, str]:
    return {
        "status": _("Service state"), "name": _("Name"), "pressure_class": _("Pressure class"),
        "material": _("Material"), "od_mm": _("Outside diameter"), "wall_mm": _("Wall thickness"),
        "length_m": _("Length"), "design_p_mpa": _("Design pressure"),
        "mop_mpa": _("Maximum operating pressure"), "laying": _("Laying"), "coating": _("Coating"),
        "cp_kind": _("Cathodic protection"), "road_name": _("Road"), "install_year": _("Year built"),
        "current_state": _("Present position"), "normal_state": _("Normal position"),
        "user_class": _("User class"), "address": _("Address"), "households": _("Households served"),
        "p2_set_kpa": _("Set pressure"), "adcode": _("District"), "dn_mm": _("Nominal diameter"),
    }
