"""Search over objects, users, addresses, roads, districts and alarms: by code, in Chinese or in pinyin."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import get_locale, gettext
from sqlalchemy.orm import Session

from gis.search.queries import districts_named, numbers_by_layer, roads_named, stems_of
from portal.core.clock import local
from portal.core.paging import parse_words
from portal.core.web import current_actor, requires, web_transaction
from portal.home.facts import Speech, kind_of, layer_words
from portal.home.map_page import speech_of
from portal.home.masking import masked_address, masked_number
from portal.home.queries import found_by_number, search_alarms

SUGGESTED, SHOWN = 4, 25
SEARCHED = ("pipe", "station", "valve", "regulator", "user", "sensor")
ROAD_ZOOM, DISTRICT_ZOOM = 16, 12
_ICONS = {
    "pipe": "spline", "station": "factory", "valve": "circle", "regulator": "gauge", "user": "user",
    "sensor": "activity", "alarm": "siren", "road": "route", "district": "map",
}  # fmt: skip
Hit = dict[str, str]

blueprint = Blueprint("search", __name__)


@blueprint.get("/search")
@requires("self")
@web_transaction
def show_search(session: Session) -> ResponseReturnValue:
    """Show everything whose code, name or address fits the words."""
    words = parse_words(request.args.get("q"))
    return render_template("home/search.html", words=words, hits=_hits(session, words, SHOWN))


@blueprint.get("/search/suggest")
@requires("self")
@web_transaction
def suggest(session: Session) -> ResponseReturnValue:
    """Return the best few hits as a list of links."""
    words = parse_words(request.args.get("q"))
    return render_template("home/suggest.html", words=words, hits=_hits(session, words, SUGGESTED))


def _hits(session: Session, words: str, limit: int) -> list[Hit]:
    actor = current_actor()
    if not words or not actor.may("map.read"):
        return []
    speech = speech_of(session, str(get_locale()))
    stems = stems_of(session, words)
    numbers = numbers_by_layer(session, SEARCHED, words, stems, limit)
    hits = [
        _object(layer, thing, speech)
        for layer in numbers
        for thing in found_by_number(session, actor.scope, layer, numbers[layer])
    ]
    hits += _places(session, words, stems, limit, speech)
    if actor.may("alarm.read"):
        hits += [
            {
                "url": f"/operation/alarms/{alarm.alarm_id}", "icon": _ICONS["alarm"], "group": gettext("Alarms"),
                "title": f"{speech.code('alarm_kind', alarm.kind)} {alarm.object_code or ''}",
                "note": local(alarm.raised_at).strftime("%Y-%m-%d %H:%M"),
            }
            for alarm in search_alarms(session, actor.scope, words, limit)
        ]  # fmt: skip
    exact = words.casefold()
    return sorted(hits, key=lambda hit: hit.get("code", "").casefold() != exact)


def _object(layer: str, thing: Any, speech: Speech) -> Hit:
    code, note = thing.src_code, thing.name or ""
    if layer == "user":
        # The number is a key to the household: a search shows as much as tells two hits apart.
        code, note = masked_number(thing.src_code), masked_address(thing.address)
    return {
        "url": f"/map#sel={layer}:{thing.id}", "icon": _ICONS[layer], "group": layer_words()[layer],
        "title": code, "code": thing.src_code, "note": _joined(note, kind_of(layer, thing, speech)),
    }  # fmt: skip


def _places(session: Session, words: str, stems: list[str], limit: int, speech: Speech) -> list[Hit]:
    hits = [
        {
            "url": f"/map#z={ROAD_ZOOM}&c={road.lon:.5f},{road.lat:.5f}", "icon": _ICONS["road"],
            "group": layer_words()["road"], "title": road.name, "note": "",
        }
        for road in roads_named(session, stems, limit)
    ]  # fmt: skip
    return hits + [
        {
            "url": f"/map#z={DISTRICT_ZOOM}&c={each.lon:.5f},{each.lat:.5f}", "icon": _ICONS["district"],
            "group": layer_words()["district"], "title": each.name, "code": each.adcode, "note": each.adcode,
        }
        for each in districts_named(session, words, stems, speech.language, limit)
    ]  # fmt: skip


def _joined(*words: str | None) -> str:
    return " · ".join(each for each in words if each)
