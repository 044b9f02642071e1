"""The words of proposed corrections in the caller's language."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _

from portal.core.codes import word_of, words_of
from portal.proposals.fields import FIELDS, Field, dictionary_of
from portal.proposals.models import Proposal
from portal.proposals.queries import CONFLICT
from portal.proposals.rules import PLACE

TONES = {1: "warn", 2: "info", 3: "bad", 4: "ok", 5: ""}


def state_words() -> dict[int, str]:
    """Return how a proposal stands."""
    return {1: _("proposed"), 2: _("accepted"), 3: _("not accepted"), 4: _("applied"), 5: _("withdrawn")}


def filter_words() -> dict[int, str]:
    """Return the states a list is narrowed to."""
    return {**state_words(), CONFLICT: _("changed meanwhile")}


def action_words() -> dict[str, str]:
    """Return what happened to a proposal."""
    return {
        "propose": _("proposed"), "accept": _("accepted; it comes with the enterprise's next data"), "refuse": _("not accepted"),
        "take": _("taken over as the enterprise's value"), "withdraw": _("withdrawn"),
        "follow": _("carried by the enterprise's data"), "conflict": _("the enterprise's value changed meanwhile"),
    }  # fmt: skip


def how_words() -> dict[str | None, str]:
    """Return how a correction became the value."""
    return {"push": _("by the enterprise's data"), "answer": _("by the enterprise's answer"), None: ""}


def layer_words() -> dict[str, str]:
    """Return the kinds of objects a correction can name."""
    return {
        "pipe": _("Pipes"), "valve": _("Valves"), "regulator": _("Regulators"), "station": _("Stations"), "user": _("Gas users"),
    }  # fmt: skip


def field_words() -> dict[str, str]:
    """Return the names of the values."""
    return {
        "name": _("Name"), "status": _("Service state"), "pressure_class": _("Pressure class"), "material": _("Material"),
        "od_mm": _("Outside diameter, mm"), "wall_mm": _("Wall thickness, mm"), "install_year": _("Year built"),
        "laying": _("Laying"), "coating": _("Coating"), "cp_kind": _("Cathodic protection"),
        "depth_start_m": _("Cover at the start, m"), "depth_end_m": _("Cover at the end, m"), "road_name": _("Road"),
        "current_state": _("Present position"), "normal_state": _("Normal position"), "kind": _("Kind"), "drive": _("Drive"),
        "remote": _("Remote control"), "dn_mm": _("Bore, mm"), "form": _("Form"), "inlet_class": _("Inlet class"),
        "outlet_class": _("Outlet class"), "p2_set_kpa": _("Set pressure, kPa"), "design_m3_per_h": _("Design flow, m³/h"),
        "slam_shut": _("Slam-shut fitted"), "address": _("Address"), "attended": _("Attended"), "user_class": _("User class"),
        "households": _("Households served"), "detector": _("Gas detector"), PLACE: _("Place"),
    }  # fmt: skip


def value_words(layer: str, name: str, value: Any, language: str) -> str:
    """Return a value as people read it."""
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return str(_("yes") if value else _("no"))
    known = next((each for each in FIELDS[layer] if each.name == name), None)
    if known is not None and known.kind == "code":
        return word_of(dictionary_of(layer, known), value, language)
    return f"{value:g}" if isinstance(value, float) else str(value)


def choices_of(layer: str, field: Field, language: str) -> dict[str, str]:
    """Return what a field can be chosen from; empty where it is written."""
    if field.kind == "flag":
        return {"1": _("yes"), "0": _("no")}
    if field.kind != "code":
        return {}
    return {str(code): word for code, word in words_of(dictionary_of(layer, field), language).items()}


def change_lines(proposal: Proposal, language: str) -> list[dict[str, str]]:
    """Return the changes of a proposal: name, the enterprise's value then, the wanted one, and what came between."""
    names, lines = field_words(), []
    for name, change in proposal.changes.items():
        line = {side: value_words(proposal.layer, name, change[side], language) for side in ("was", "wanted")}
        meanwhile = proposal.conflicts.get(name)
        line |= {
            "name": names.get(name, name),
            "meanwhile": value_words(proposal.layer, name, meanwhile, language) if name in proposal.conflicts else "",
        }
        lines.append(line)
    if proposal.shape is not None and proposal.object_id is not None:
        moved = proposal.conflicts.get(PLACE)
        lines.append(
            {
                "name": names[PLACE], "was": _("as filed"), "wanted": _("as drawn"),
                "meanwhile": _("moved by %(m)s m", m=moved) if moved is not None else "",
            }
        )  # fmt: skip
    return lines
