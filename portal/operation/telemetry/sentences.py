"""Sentences of the error codes of points and their figures."""

from __future__ import annotations

from collections.abc import Callable

from flask_babel import gettext

SENTENCES: dict[str, Callable[..., str]] = {
    "series_span": lambda **_: gettext("This span is empty or too long for that resolution; ask for less or coarser"),
    "series_resolution": lambda **_: gettext("resolution must be reading, minute, hour or day"),
}
