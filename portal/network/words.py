"""The words of plans and traces in the caller's language."""

from __future__ import annotations

from dataclasses import dataclass, field

from flask_babel import gettext as _

from portal.core.codes import word_of


def kind_words() -> dict[str, str]:
    """Return what users are for, in words."""
    return {
        "hospital": _("Hospitals"), "school": _("Schools"), "care": _("Care homes"), "welfare": _("Other public users"),
        "boiler": _("District heating boilers"), "power": _("Gas power"), "industry": _("Industry"),
        "interruptible": _("Interruptible industry"), "refuelling": _("Refuelling stations"),
        "catering": _("Catering"), "commercial": _("Commerce"), "heating": _("Homes heated by gas"),
        "residential": _("Homes"), "other": _("Other users"),
    }  # fmt: skip


def effort_words() -> tuple[str, str, str]:
    """Return how a valve is closed, the readiest way first."""
    return (_("by remote control"), _("own drive, on site"), _("by hand, on site"))


def _head_words() -> dict[str, str]:
    return {
        "order": _("Order"), "code": _("Object code"), "name": _("Name"), "effort": _("Way of closing"), "dn": _("Bore, mm"),
        "enterprise": _("Enterprise"), "lon": _("Longitude"), "lat": _("Latitude"), "kind": _("Kind"),
        "households": _("Number of households"), "address": _("Address"), "part": _("State after closing"),
        "class": _("Pressure class"), "length": _("Length, m"), "road": _("Road"),
    }  # fmt: skip


@dataclass(frozen=True)
class Words:
    """Everything needed to word an answer."""

    language: str
    enterprises: dict[int, str] = field(default_factory=dict)

    def enterprise(self, number: int) -> str:
        """Return the name of an enterprise."""
        return self.enterprises.get(number, "")

    def kind(self, kind: str) -> str:
        """Return what a user is for."""
        return kind_words()[kind]

    def effort(self, effort: int) -> str:
        """Return how a valve is closed."""
        return effort_words()[effort]

    def pressure(self, code: int) -> str:
        """Return the name of a pressure class."""
        return word_of("pressure_class", code, self.language)

    def part(self, isolated: bool) -> str:
        """Return what closing does to a pipe."""
        return _("shut off") if isolated else _("without gas")

    def heads(self, *names: str) -> list[str]:
        """Return the words of a table's head."""
        known = _head_words()
        return [known[name] for name in names]
