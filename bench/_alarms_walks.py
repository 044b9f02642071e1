"""Random walks over the alarm engine, no database: `script/bench alarms walks [N]`; 100,000 take their time."""

from __future__ import annotations

import time

from bench._engine import tell
from bench._walks import walk_at_random

STEPS = 10


def run(given: list[str]) -> None:
    """Walk; print walks and transitions. AssertionError with the seed at hand for an illegal state or a lost alarm."""
    count = int(given[0]) if given else 1000
    begun, transitions = time.perf_counter(), 0
    for seed in range(count):
        try:
            transitions += walk_at_random(seed, steps=STEPS)
        except AssertionError as fault:
            raise AssertionError(f"walk {seed}: {fault}") from fault
    tell({"walks": count, "walk_transitions": transitions, "walks_s": round(time.perf_counter() - begun, 1)})
