"""Incidents: sorts and states that decide; pure."""

from __future__ import annotations

PLANNED_STOP, UNPLANNED_STOP = 3, 4
ENDED_FROM = 7
