"""Sentences of the error codes of the live stream."""

from __future__ import annotations

from collections.abc import Callable

from flask_babel import gettext

SENTENCES: dict[str, Callable[..., str]] = {
    "live_elsewhere": lambda **_: gettext("The live stream is served by a process of its own."),
}
