"""The words people read for each dataset."""

from __future__ import annotations

from collections.abc import Callable

from flask_babel import gettext

from ingestion_adapters.contract import DATASETS

_WORDS: dict[str, Callable[[], str]] = {
    "ENT": lambda: gettext("Enterprise, certificates, staff"),
    "NET": lambda: gettext("Network and facilities"),
    "USR": lambda: gettext("Gas users"),
    "RT": lambda: gettext("Readings of points"),
    "ALM": lambda: gettext("Alarms and what was done"),
    "DAY": lambda: gettext("Daily supply"),
    "MTH": lambda: gettext("Monthly report"),
    "PAT": lambda: gettext("Patrols and leak surveys"),
    "CHK": lambda: gettext("Household checks"),
    "HAZ": lambda: gettext("Hidden dangers"),
    "EXC": lambda: gettext("Third-party works"),
    "EVT": lambda: gettext("Incidents, repairs, supply stops"),
    "DRL": lambda: gettext("Drills, plans, emergency supplies"),
}


def dataset_choices() -> list[tuple[str, str]]:
    """Return code and words of every dataset, in the language of the request."""
    return [(code, f"{code} {_WORDS[code]()}" if code in _WORDS else code) for code in DATASETS]
