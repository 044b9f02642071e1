"""Colours of areas and what a filter may hold; pure."""

from __future__ import annotations

RED, ORANGE, YELLOW, BLUE = 1, 2, 3, 4


def area_colour(counts: dict[int, int], km2: float, orange_per_km2: float) -> int:
    """Return the colour of an area from its segments by colour.

    Red with a red segment inside or as many orange ones a km² as said; else the gravest colour inside.
    """
    if counts.get(RED) or (km2 > 0 and counts.get(ORANGE, 0) / km2 >= orange_per_km2):
        return RED
    return next((each for each in (ORANGE, YELLOW) if counts.get(each)), BLUE)
