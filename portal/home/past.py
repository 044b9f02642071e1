"""The map as it was known on a past day: its counts, the drawer of an object, the themes that are kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy.orm import Session

from gis.asof import Moment
from gis.network.past import count_objects_at, find_past_object, versions_of
from gis.tiles.themes import COLUMNS, pipes_by_theme
from portal.core.actor import Actor
from portal.home.facts import change_pairs, facts_of, kind_of
from portal.home.map_page import speech_of
from portal.home.themes import Theme

LAYERS = ("pipe", "station", "valve", "regulator", "user")


def past_drawer(session: Session, actor: Actor, layer: str, object_id: int, moment: Moment, language: str) -> dict[str, Any]:
    """Return what the drawer shows of an object as it was known at an instant: its own facts and changes before it."""
    thing = find_past_object(session, actor.scope, layer, object_id, moment.at)
    speech = speech_of(session, language)
    before = [version for version in versions_of(session, layer, object_id) if version.since < moment.at]
    return {
        "layer": layer, "id": object_id, "title": thing.name or thing.src_code, "kind": kind_of(layer, thing, speech),
        "where": speech.districts.get(thing.adcode or "", ""), "facts": facts_of(layer, thing, speech),
        "place": {"lon": thing.lon, "lat": thing.lat}, "moment": moment,
        "changes": [{"at": each.since, "pairs": pairs} for each in before if (pairs := change_pairs(each.changes, speech))],
    }  # fmt: skip


def past_counts(session: Session, actor: Actor, themes: Sequence[Theme], moment: Moment) -> dict[str, Any]:
    """Return counts and kilometres by theme as they were known at an instant."""
    found = pipes_by_theme(session, actor.scope, [theme.column for theme in themes], at=moment.at)
    km = {theme.column.key: [round(each.km, 3) for each in theme.sums_by_class(found[theme.column.key])] for theme in themes}
    return {"layers": count_objects_at(session, actor.scope, moment.at), "km": km}


def known_then(themes: Sequence[Theme]) -> list[Theme]:
    """Return the themes whose values are kept with an object's former states."""
    keys = {column.key for column in COLUMNS}
    return [theme for theme in themes if theme.column.key in keys]
