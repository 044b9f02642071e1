"""Hidden dangers: grades and states that decide; pure."""

from __future__ import annotations

MAJOR = 3
CLOSED_OUT = 8
