"""Configuration of the web process under gunicorn: what only pages need is loaded once, before the workers are forked."""

from __future__ import annotations

from importlib import import_module
from typing import Any

# Seconds of import that no other process should pay for, and no first visitor either.
HEAVY = ("gis.maps", "gis.handouts.files", "gis.handouts.page")


def on_starting(_: Any) -> None:
    """Load the heavy modules; gunicorn calls this in its first process."""
    for name in HEAVY:
        import_module(name)
