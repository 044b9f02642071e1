"""Configuration of the web process under gunicorn: what only pages need is loaded beside the first answers."""

from __future__ import annotations

import threading
from importlib import import_module
from typing import Any

# Seconds of import that no other process should pay for, and the first log-in need not wait for.
HEAVY = ("gis.maps", "gis.handouts.files", "gis.handouts.page")


def post_worker_init(_: Any) -> None:
    """Load the heavy modules beside the work; gunicorn calls this in every worker. A map asked meanwhile waits for it."""
    threading.Thread(target=_load, name="heavy modules", daemon=True).start()


def _load() -> None:
    for name in HEAVY:
        import_module(name)
