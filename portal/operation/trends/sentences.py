"""Sentences of errors about trends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask_babel import gettext


def _too_many_points(**facts: Any) -> str:
    return str(gettext("One picture holds at most %(most)s points.", most=facts.get("most", 16)))


def _backward_span(**_: Any) -> str:
    return str(gettext("The span must end after it begins."))


SENTENCES: dict[str, Callable[..., str]] = {"too_many_points": _too_many_points, "backward_span": _backward_span}
