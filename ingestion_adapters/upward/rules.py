"""How an attempt ends and when the next one is; pure."""

from __future__ import annotations

from datetime import timedelta

FIRST_PAUSE_S = 5
LONGEST_PAUSE_S = 600
# The superior is away, busy, or does not accept our key or clock yet: that passes, the batch stays as it is.
AGAIN = frozenset({0, 401, 403, 404, 408, 425, 429, 500, 502, 503, 504})


def ending_of(status: int, *, has_receipt: bool) -> str:
    """Return `taken` for a durable batch, `refused` for one that will never be taken, else `waiting`.

    A 422 with a receipt is taken: the superior keeps the batch and refused its rows one by one.
    """
    if has_receipt and status in (200, 201, 202, 422):
        return "taken"
    return "waiting" if status in AGAIN or 200 <= status < 300 else "refused"


def pause(attempts: int) -> timedelta:
    """Return the pause after so many attempts: 5 s, doubled each time, at most 10 min (domain 10.2)."""
    return timedelta(seconds=min(FIRST_PAUSE_S * 2 ** min(attempts - 1, 12), LONGEST_PAUSE_S))
