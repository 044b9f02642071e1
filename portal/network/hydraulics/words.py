"""Why a part of the network has no numbers, and what states mean, in the caller's language."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _


def problem_words(problem: dict[str, Any]) -> str:
    """Return a problem in a sentence."""
    feed = problem.get("feed") or {}
    code, said, reached = feed.get("code") or "?", feed.get("set_kpa"), feed.get("reached_kpa")
    demand = f"{problem['demand_m3_per_h']:,.1f}"
    known = {
        "no_source": lambda: _(
            "No station or regulator brings gas here through open valves: there is no pressure to give. "
            "%(demand)s m³/h are not supplied.",
            demand=demand,
        ),
        "overdrawn": lambda: _(
            "The demand of %(demand)s m³/h cannot be carried here: pressure would fall below that of the air. "
            "Reduce demand, open a valve or add a source; no pressures are shown.",
            demand=demand,
        ),
        "behind": lambda: _("It is fed only through a part that has no steady state, and so has none itself."),
        "unsettled": lambda: _(
            "The calculation did not come to rest here, so no pressures are shown. "
            "Regulators with nearly equal set pressures or unlikely data of pipes are the usual causes."
        ),
        "overfed": lambda: _(
            "Stations send in more than is taken here, and no gas can leave: check their flow readings or the demand."
        ),
        "set_not_held": lambda: _(
            "Regulator or station %(code)s cannot hold its set pressure of %(set)s kPa: it stands fully open and reaches %(kpa)s kPa.",
            code=code, set="–" if said is None else f"{said:g}", kpa="–" if reached is None else f"{reached:g}",
        ),
        "bypassed": lambda: _(
            "Pipes join both sides of regulator %(code)s, so it cannot hold a pressure: the pipes or its nodes are recorded wrongly.",
            code=code,
        ),
    }  # fmt: skip
    return str(known[problem["trouble"]]())


def problem_titles() -> dict[str, tuple[str, str]]:
    """Return the short name of each problem and its tone."""
    return {
        "no_source": (_("No source"), "bad"), "overdrawn": (_("Demand too great"), "bad"),
        "behind": (_("Behind such a part"), "bad"), "unsettled": (_("Not settled"), "bad"),
        "overfed": (_("More sent in than taken"), "bad"), "set_not_held": (_("Set pressure not held"), "warn"),
        "bypassed": (_("Regulator bypassed"), "warn"),
    }  # fmt: skip


def state_words() -> dict[str, str]:
    """Return what the states of stations and regulators mean."""
    return {
        "holds": _("holds its pressure"), "open": _("fully open"), "shut": _("shut, others give more"),
        "dead": _("no gas before it"), "bypassed": _("bypassed by pipes"),
    }  # fmt: skip


def band_words() -> list[tuple[str, str]]:
    """Return the bands of pressure for the legend."""
    return [
        ("4", _("near the highest of its class")), ("3", _("upper half")), ("2", _("lower half")),
        ("1", _("near the limit")), ("below", _("below the limit")), ("none", _("no steady state")),
    ]  # fmt: skip
