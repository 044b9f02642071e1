"""Alarms at every point of one batch: `script/bench alarms storm [POINTS]`."""

from __future__ import annotations

from bench._engine import storm, tell
from portal.config import Settings


def run(given: list[str]) -> None:
    """Print how long it took; exit 1 when one alarm was lost."""
    figures = storm(Settings.from_env(), int(given[0]) if given else 1000)
    tell(figures, figures["storm_alarms"] != figures["storm_points"])
