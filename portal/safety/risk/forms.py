"""What people may ask of the risk pages: filters, places in lists, figures of a draft."""

from __future__ import annotations

import re
from collections.abc import Mapping

from gis.risk.model import KEYS, Model
from portal.core.errors import Invalid
from portal.core.paging import parse_number, parse_words
from portal.safety.risk.queries import BIGGEST_ID, VIEWS, Place, SegmentFilter

CELL = re.compile(r"(-?\d{1,6})_(-?\d{1,6})", re.A)
PLACE = re.compile(r"(\d{1,3})_(\d{1,18})", re.A)
ADCODE = re.compile(r"\d{6}", re.A)
TEXT_CHARS, REASON_CHARS, SOURCE_CHARS = 80, 300, 200


def parse_filter(given: Mapping[str, str]) -> SegmentFilter:
    """Return the filter of a list of segments; what is not understood narrows nothing."""
    cell = CELL.fullmatch(given.get("cell", ""))
    adcode = given.get("district", "")
    view = given.get("view", "")
    return SegmentFilter(
        colour=parse_number(given.get("colour")),
        pressure_class=parse_number(given.get("class")),
        material=parse_number(given.get("material")),
        enterprise_id=parse_number(given.get("enterprise")),
        adcode=adcode if ADCODE.fullmatch(adcode) else None,
        view=view if view in VIEWS else "",
        cell=(int(cell[1]), int(cell[2])) if cell else None,
        words=parse_words(given.get("q")),
    )


def parse_place(given: Mapping[str, str]) -> Place | None:
    """Return where a page begins by `after` or `before`; None for anything else."""
    for key, backward in (("after", False), ("before", True)):
        found = PLACE.fullmatch(given.get(key, ""))
        if found and int(found[2]) <= BIGGEST_ID:
            return Place(int(found[1]), int(found[2]), backward)
    return None


def parse_offset(given: Mapping[str, str], most: int) -> int:
    """Return how many rows of a short list come before a page."""
    found = parse_number(given.get("from")) or 0
    return min(found, most)


def parse_texts(given: Mapping[str, str]) -> tuple[str, str]:
    """Return title and reason of a draft."""
    return _clean(given.get("title"), TEXT_CHARS), _clean(given.get("reason"), REASON_CHARS)


def parse_figures(
    given: Mapping[str, str], model: Model
) -> tuple[dict[str, float], dict[tuple[str, str], float], dict[str, str]]:
    """Return weights, figures and sources of a draft as the form sends them; raise Invalid for what is no number."""
    weights = {key: _number(given[f"w.{key}"], key, "weight") for key in KEYS if given.get(f"w.{key}")}
    figures = {
        (key, name): _number(given[f"f.{key}.{name}"], key, name)
        for key in KEYS
        for name in model[key].bands
        if given.get(f"f.{key}.{name}")
    }
    sources = {key: text for key in KEYS if (text := _clean(given.get(f"s.{key}"), SOURCE_CHARS))}
    return weights, figures, sources


def _clean(text: str | None, most: int) -> str:
    return (text or "").replace("\x00", "").strip()[:most]


def _number(text: str, key: str, name: str) -> float:
    try:
        return float(text)
    except ValueError as wrong:
        raise Invalid("risk_figure", key=key, name=name) from wrong
