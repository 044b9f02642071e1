"""The sentences of this feature's errors."""

from __future__ import annotations

from collections.abc import Callable

from flask_babel import gettext as _

SENTENCES: dict[str, Callable[..., str]] = {
    "network_place_needed": lambda **_facts: _("Say which object is meant, such as pipe:12."),
    "network_place_unreadable": lambda said="", **_facts: _(
        "“%(said)s” names no object of the network; write its layer and number, such as pipe:12.", said=said
    ),
    "network_places_too_many": lambda most=5, **_facts: _(
        "At most %(most)s places can be shut off at once.", most=most
    ),
    "network_valves_unreadable": lambda most=40, **_facts: _(
        "The valves that cannot be closed are numbers with commas between them, %(most)s at most.", most=most
    ),
    "network_plan_unknown": lambda most=5, **_facts: _("Plans are numbered from 1 to %(most)s.", most=most),
    "network_way_unknown": lambda **_facts: _("A trace goes up, down or to its sources."),
    "network_empty": lambda **_facts: _("No pipe is in service yet. Import a network first."),
    "network_no_source": lambda **_facts: _(
        "The network has no source: give a station in service its node, or a node the kind gas source."
    ),
    "network_not_connected": lambda named="", **_facts: _(
        "%(code)s is connected to no pipe in service, so no gas runs there.", code=named
    ),
    "network_unfed": lambda named="", **_facts: _(
        "No gas arrives at %(code)s through open valves: there is nothing to close.", code=named
    ),
    "network_valve_not_there": lambda **_facts: _("A valve marked as stuck does not exist, or lies outside your area."),
    "network_unfed_trace": lambda named="", **_facts: _(
        "No source feeds %(code)s through open valves, so gas has no direction there.", code=named
    ),
    "shutoff_plan": lambda **_facts: _("This plan does not exist, or lies outside your area."),
    "shutoff_case_elsewhere": lambda **_facts: _(
        "The place lies outside your area, so you cannot hand the plan over from here."
    ),
    "network_export_kind": lambda **_facts: _("There is no such export."),
}
