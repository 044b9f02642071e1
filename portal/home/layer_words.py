"""How columns and cells of the map's layers read: on screen and in files, users masked."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _

from portal.home.facts import Speech, said
from portal.home.layers import Column, LayerTable
from portal.home.masking import masked_address, masked_number


def labels_of(table: LayerTable) -> dict[str, str]:
    """Return column -> what it is called, its unit in brackets."""
    words = _words()
    return {
        column.key: f"{words[column.key]} ({column.unit})" if column.unit else words[column.key]
        for column in table.columns
    }


def cell_of(column: Column, value: Any, speech: Speech) -> str:
    """Return a value as people read it."""
    if value is None or value == "":
        return ""
    match column.kind:
        case "code":
            return speech.code(column.dictionary, value)
        case "district":
            return speech.districts.get(value, value)
        case "enterprise":
            return speech.enterprises.get(value, "")
        case "number":
            return f"{value:,.10g}" if column.unit else f"{value:g}"
        case _:
            return _other(column, value)


def exported_cell(column: Column, value: Any, speech: Speech) -> Any:
    """Return a value for a file: numbers as numbers, everything else as people read it."""
    if column.kind == "number" and value is not None:
        return float(value)
    return cell_of(column, value, speech)


def _other(column: Column, value: Any) -> str:
    if column.kind == "address":
        return masked_address(value)
    if column.kind == "user_number":
        return masked_number(value)
    if column.kind == "road":
        return road_words().get(value, str(value))
    if column.kind == "building":
        return building_words().get(value, str(value))
    return said(value)


def road_words() -> dict[int, str]:
    """Return class of a road -> its word."""
    return {1: _("Expressway"), 2: _("Arterial road"), 3: _("Secondary road"), 4: _("Local road")}


def building_words() -> dict[str, str]:
    """Return kind of a building -> its word."""
    return {
        "residential": _("Residential building"), "commercial": _("Commercial building"), "school": _("School"),
        "hospital": _("Hospital"), "industrial": _("Industrial building"), "office": _("Office building"),
        "public": _("Public building"),
    }  # fmt: skip


def _words() -> dict[str, str]:
    return {
        "code": _("Object code"), "name": _("Name"), "name_en": _("English name"), "district": _("District"),
        "enterprise": _("Enterprise"), "status": _("Service state"), "pressure_class": _("Pressure class"),
        "material": _("Material"), "od_mm": _("Outside diameter"), "length_m": _("Length"),
        "install_year": _("Year built"), "road_name": _("Road"), "kind": _("Kind"), "address": _("Address"),
        "design_m3_per_h": _("Design flow"), "p_in_mpa": _("Inlet pressure"), "p_out_mpa": _("Outlet pressure"),
        "dn_mm": _("Nominal diameter"), "current_state": _("Present position"),
        "normal_state": _("Normal position"), "remote": _("Remote control"), "form": _("Form"),
        "inlet_class": _("Inlet class"), "outlet_class": _("Outlet class"), "p2_set_kpa": _("Set pressure"),
        "user_class": _("User class"), "households": _("Households served"), "detector": _("Gas detector"),
        "last_check_on": _("Last check"), "measure": _("Measure"), "value": _("Newest value"), "unit": _("Unit"),
        "quality": _("Quality"), "object": _("Object"), "period_s": _("Upload period"), "area_m2": _("Area"),
        "road_class": _("Road class"), "height_m": _("Height"),
    }  # fmt: skip
