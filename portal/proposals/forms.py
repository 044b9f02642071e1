"""What people may ask of proposed corrections: filters, a wish, an answer."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from portal.core.errors import Invalid
from portal.core.paging import parse_number, parse_words
from portal.proposals.fields import FIELDS
from portal.proposals.queries import CONFLICT, Filter
from portal.proposals.rules import REASON_CHARS, STATES
from portal.proposals.services import Spot, Wish

SPOTS_MOST = 400
MANY_MOST = 200


def parse_filter(given: Mapping[str, str]) -> Filter:
    """Return the filter of a list; what is not understood narrows nothing."""
    state, layer = parse_number(given.get("state")), given.get("layer", "")
    return Filter(
        state=state if state in (*STATES, CONFLICT) else None,
        layer=layer if layer in FIELDS else "",
        enterprise_id=parse_number(given.get("enterprise")),
        words=parse_words(given.get("q")),
    )


def parse_wish(given: Mapping[str, str]) -> Wish:
    """Return what somebody proposes; raise Invalid for a layer or a place that cannot be read."""
    layer = given.get("layer", "")
    if layer not in FIELDS:
        raise Invalid("proposal_layer")
    number = given.get("id", "")
    return Wish(
        layer=layer,
        reason=parse_reason(given),
        object_id=int(number) if number.isascii() and number.isdigit() and len(number) < 19 else None,
        enterprise_id=parse_number(given.get("enterprise")),
        values={each.name: given.get(f"v.{each.name}", "").replace("\x00", "") for each in FIELDS[layer]},
        place=parse_place(given.get("place", "")),
    )


def parse_place(text: str) -> list[Spot]:
    """Return the places of `lon,lat;lon,lat`, none for an empty text; raise Invalid for what is no place."""
    spots = []
    parts = [each for each in text.replace(" ", "").split(";") if each]
    if len(parts) > SPOTS_MOST:
        raise Invalid("proposal_place")
    for part in parts:
        pair = part.split(",")
        try:
            lon, lat = float(pair[0]), float(pair[1])
        except (ValueError, IndexError) as wrong:
            raise Invalid("proposal_place") from wrong
        if len(pair) != 2 or not (math.isfinite(lon) and math.isfinite(lat) and abs(lon) <= 180 and abs(lat) <= 90):
            raise Invalid("proposal_place")
        spots.append((lon, lat))
    return spots


def parse_reason(given: Mapping[str, str]) -> str:
    """Return the words of a reason."""
    return given.get("reason", "").replace("\x00", "").strip()[:REASON_CHARS]


def parse_numbers(given: Sequence[str]) -> list[int]:
    """Return the numbers of the chosen rows, each once."""
    numbers = [int(each) for each in given if each.isascii() and each.isdigit() and len(each) < 19]
    return list(dict.fromkeys(numbers))[:MANY_MOST]
