"""Configuration of the web process under gunicorn: what only pages need is loaded beside the first answers."""

from __future__ import annotations

import threading
from contextlib import suppress
from importlib import import_module
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from portal.config import Settings

# Seconds of import that no other process should pay for, and the first log-in need not wait for.
HEAVY = ("gis.maps", "gis.handouts.files", "gis.handouts.page")
# The network is loaded and solved once, so that the first who asks for pressures waits for neither.
WARM = "portal.network.hydraulics.solving"


def post_worker_init(_: Any) -> None:
    """Load the heavy modules beside the work; gunicorn calls this in every worker. A map asked meanwhile waits for it."""
    threading.Thread(target=_load, name="heavy modules", daemon=True).start()


def _load() -> None:
    for name in HEAVY:
        import_module(name)
    # A database that is not there yet is asked again by the first question.
    with suppress(SQLAlchemyError):
        import_module(WARM).warm(Settings.from_env())
