"""Sentences of errors about stations and cameras."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask_babel import gettext


def _unknown_slot(**_: Any) -> str:
    return str(gettext("This picture has no such instrument."))


def _foreign_slot_point(**_: Any) -> str:
    return str(gettext("This point does not belong to the station."))


def _camera_known(**facts: Any) -> str:
    return str(gettext("The enterprise already has a camera with the number %(code)s.", code=facts.get("number", "")))


def _camera_incomplete(**_: Any) -> str:
    return str(gettext("Give the camera a number, a name and an address."))


def _camera_host(**facts: Any) -> str:
    host = facts.get("host", "")
    return str(gettext("The host %(host)s is not among the video hosts that the portal may show.", host=host))


SENTENCES: dict[str, Callable[..., str]] = {
    "unknown_slot": _unknown_slot,
    "foreign_slot_point": _foreign_slot_point,
    "camera_known": _camera_known,
    "camera_incomplete": _camera_incomplete,
    "camera_host": _camera_host,
}
