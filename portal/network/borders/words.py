"""The words of findings between enterprises in the caller's language."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _

TONES = {1: "warn", 2: "ok", 3: ""}


def kind_words() -> dict[str, str]:
    """Return what was found, in a few words."""
    return {"gap": _("Unmatched ends"), "jump": _("Pressure classes meet"), "double": _("Pipes side by side")}


def kind_hints() -> dict[str, str]:
    """Return what a kind of finding means."""
    return {
        "gap": _("Two ends of one class lie close together, but no joint is known."),
        "jump": _("An end runs on in a pipe of another pressure class, without a regulator between them."),
        "double": _("Pipes of two enterprises run side by side in one street."),
    }


def state_words() -> dict[int, str]:
    """Return how a finding stands."""
    return {1: _("open"), 2: _("joined"), 3: _("dismissed"), 4: _("no longer found")}


def part_words() -> dict[str, str]:
    """Return what the parts of a score compare."""
    return {
        "distance": _("Distance"), "direction": _("Direction"), "diameter": _("Diameter"),
        "material": _("Material"), "pressure_class": _("Pressure class"),
    }  # fmt: skip


def order_words() -> dict[str, str]:
    """Return how a list can be ordered."""
    return {
        "score": _("Best fit first"), "distance": _("Nearest first"), "newest": _("Newest first"),
        "overlap": _("Longest side by side first"),
    }  # fmt: skip


def step_words() -> dict[str, str]:
    """Return what a run is doing."""
    return {
        "": _("Waiting to begin"), "read": _("Reading the networks"), "ends": _("Comparing ends"),
        "double": _("Comparing pipes side by side"), "store": _("Keeping the findings"), "done": _("Done"),
    }  # fmt: skip


def action_words() -> dict[str, str]:
    """Return what was said or done."""
    return {
        "say_yes": _("confirmed the joint"), "say_no": _("rejected the joint"), "join": _("joined by decision of the city"),
        "dismiss": _("dismissed"), "undo": _("took the decision back"),
    }  # fmt: skip


def said_words() -> dict[str | None, str]:
    """Return what a party said of a joint."""
    return {"yes": _("confirms"), "no": _("rejects"), None: _("has not answered")}


def picture_words(finding: Any) -> str:
    """Return what the picture of a finding shows."""
    if finding.kind == "double":
        return str(_("%(m)s m side by side, %(d)s m apart", m=f"{finding.overlap_m:.0f}", d=f"{finding.distance_m:.1f}"))
    return str(_("Two ends, %(d)s m apart", d=f"{finding.distance_m:.1f}"))
