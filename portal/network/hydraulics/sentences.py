"""The sentences of this feature's errors."""

from __future__ import annotations

from collections.abc import Callable

from flask_babel import gettext as _

SENTENCES: dict[str, Callable[..., str]] = {
    "hydraulic_numbers": lambda most=200, **_facts: _(
        "Valves and stations are numbers with commas between them, %(most)s at most.", most=most
    ),
    "hydraulic_factor": lambda most="10", **_facts: _("The demand's factor is a number from 0 to %(most)s.", most=most),
    "hydraulic_hour": lambda **_facts: _("The hour of the day is a number from 0 to 23."),
    "hydraulic_name": lambda most=80, **_facts: _("Give the scenario a name of up to %(most)s signs.", most=most),
    "hydraulic_scenario": lambda **_facts: _("This scenario does not exist, or lies outside your area."),
    "hydraulic_case": lambda **_facts: _("There is no case with this number, or it lies outside your area."),
    "hydraulic_valve": lambda **_facts: _("A valve to be closed does not exist, or lies outside your area."),
    "hydraulic_station": lambda **_facts: _("A station named does not exist, or lies outside your area."),
    "hydraulic_path": lambda **_facts: _("Say from which node to which node, by their numbers."),
    "hydraulic_no_path": lambda **_facts: _(
        "No path of pipes and regulators leads from one of these nodes to the other."
    ),
}
