"""Sentences of errors about devices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask_babel import gettext


def _campaign_incomplete(**_: Any) -> str:
    return gettext("Fill in every field of the campaign.")


def _campaign_city_only(**_: Any) -> str:
    return gettext("Only the city's regulator opens and closes firmware campaigns.")


def _campaign_closed(**_: Any) -> str:
    return gettext("This campaign is already closed.")


SENTENCES: dict[str, Callable[..., str]] = {
    "campaign_incomplete": _campaign_incomplete,
    "campaign_city_only": _campaign_city_only,
    "campaign_closed": _campaign_closed,
}
