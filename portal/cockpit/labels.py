"""Words of the cockpit."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext as _

from portal.cockpit.rules import Index


@dataclass(frozen=True)
class PartRow:
    """One part of the index: name, value, weight, what it counts, and the page of its evidence."""

    name: str
    value: float | None
    weight: float
    counts: str
    url: str


def part_rows(index: Index) -> list[PartRow]:
    """Return the parts of the index with their evidence."""
    words = {
        "device": (_("State of devices"), _("monitoring points that report, %"), "/operation/outages"),
        "coverage": (_("Monitoring coverage"), _("stations and regulators with a monitoring point, %"), "/map/list/sensor"),
        "accidents": (
            _("Accident history"),
            _("incidents of 365 days per 100 km, 0 points at the limit of the parameters"),
            "/emergency/incidents",
        ),
        "surroundings": (_("Surroundings"), _("pipe length that is neither red nor orange, %"), "/safety/risk"),
        "management": (
            _("Management"),
            _("mean of hidden dangers closed out and cases ended in time, %"),
            "/safety/hidden-dangers",
        ),
    }
    return [
        PartRow(words[key][0], value, index.weights[key], words[key][1], words[key][2])
        for key, value in index.parts.items()
    ]


def weekday(at: datetime) -> str:
    """Return the day of the week."""
    days = (_("Monday"), _("Tuesday"), _("Wednesday"), _("Thursday"), _("Friday"), _("Saturday"), _("Sunday"))
    return str(days[at.weekday()])
