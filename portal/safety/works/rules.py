"""Works of third parties: states that decide; pure."""

from __future__ import annotations

COMPLETED, SIGNED_OFF = 6, 7
ENDED = (COMPLETED, SIGNED_OFF)
