"""The one map's page: its layers in order, its place, and the drawer's content."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from gis.asof import Moment
from gis.basemap.queries import city_box, district_names
from gis.network.queries import changes_between, find_object, place_of, served_box, states_of
from portal.core.actor import Actor
from portal.core.codes import word_of
from portal.core.web import settings
from portal.home.corrections import corrections_about
from portal.home.facts import Speech, change_words, facts_of, kind_of, layer_words
from portal.home.field import devices_about
from portal.home.filed import filed_about
from portal.home.queries import alarms_of_object, base_counts, cases_of_alarms
from portal.home.risk_theme import risk_about
from portal.home.themes import Theme
from portal.operation.alarms.queries import alarm_facts, events_of
from portal.operation.telemetry.queries import (
    enterprise_names,
    find_point,
    place_of_point,
    points_of,
)

if TYPE_CHECKING:
    from gis.maps import GLMap

DEFAULT_ZOOM = 11
LISTED = ("pipe", "station", "valve", "regulator", "user", "sensor", "alarm")
# Zoom from which a layer shows everything it has; rows of the tree are greyed below it.
MIN_ZOOM = {"pipe": 8, "valve": 13.5, "regulator": 12.5, "sensor": 12.5, "user": 8, "building": 14, "road": 8}
MAX_POINTS_SHOWN = 6


def city_map(session: Session, actor: Actor, themes: Sequence[Theme], moment: Moment | None = None) -> GLMap:
    """Return the folium map of the page with every layer the caller may see, and the ways to colour its pipes."""
    from gis.maps import GLLayer, GLMap  # noqa: PLC0415  # folium takes seconds: the web process alone loads it

    box = served_box(session, actor.scope) or city_box(session)
    west, south, east, north = box
    drawn = GLMap(
        center=((west + east) / 2, (south + north) / 2),
        zoom=DEFAULT_ZOOM,
        bounds=box,
        themes=[theme.facts() for theme in themes],
        day=moment.text if moment else "",
        note=settings().basemap_note if settings().basemap_url else "",
    )
    counts = base_counts(session)
    words = layer_words()
    groups = {
        _("Network"): ("pipe", "valve", "regulator", "station", "proposal"),
        _("Monitoring and users"): ("alarm", "sensor", "user"),
        _("Base map"): ("district", "road", "water", "green", "building"),
    }
    for group, names in groups.items():
        for name in names:
            if name == "alarm" and not actor.may("alarm.read"):
                continue
            facts: dict[str, Any] = {"visible": name != "user", "minzoom": MIN_ZOOM.get(name, 0)}
            if name in counts:
                facts["count"] = counts[name]
            facts["list"] = {"alarm": "/operation/alarms", "proposal": "/proposals"}.get(name, f"/map/list/{name}")
            if moment is not None and name not in ("alarm", "proposal", *counts):
                facts["list"] += f"?at={moment.text}"
            drawn.add_child(GLLayer(name, words[name], group, **facts))
    return drawn


def speech_of(session: Session, language: str) -> Speech:
    """Return the words needed to describe objects in a language."""
    return Speech(language, district_names(session, language), enterprise_names(session))


def object_drawer(
    session: Session, actor: Actor, layer: str, object_id: int, language: str
) -> dict[str, Any]:
    """Return what the drawer shows of an object of the network."""
    scope = actor.scope
    thing = find_object(session, scope, layer, object_id)
    speech = speech_of(session, language)
    points = points_of(session, scope, layer, object_id)[:MAX_POINTS_SHOWN]
    alarms = []
    if actor.may("alarm.read"):
        ids = [each.point.id for each in points]
        alarms = alarms_of_object(session, scope, thing.enterprise_id, thing.src_code, ids)
    changes = [
        {"at": at, "lines": lines}
        for at, changed in changes_between(states_of(session, layer, object_id))
        if (lines := change_words(changed, speech))
    ]
    return {
        "layer": layer,
        "id": object_id,
        "title": thing.name or thing.src_code,
        "kind": kind_of(layer, thing, speech),
        "where": speech.districts.get(thing.adcode or "", ""),
        "facts": facts_of(layer, thing, speech),
        "place": place_of(session, scope, layer, object_id),
        "points": points,
        "measures": {each.point.id: speech.code("measure", each.point.measure) for each in points},
        "alarms": alarms,
        "cases": cases_of_alarms(session, scope, [each.alarm_id for each in alarms]) if actor.may("case.read") else [],
        "changes": changes,
        "filed": [
            *risk_about(session, actor, layer, object_id),
            *devices_about(session, actor, layer, object_id, language),
            *corrections_about(session, actor, layer, object_id, language),
            *filed_about(session, actor, layer, object_id, language),
        ],
    }


def point_drawer(session: Session, actor: Actor, point_id: int, language: str) -> dict[str, Any]:
    """Return what the drawer shows of a monitoring point."""
    scope = actor.scope
    found = find_point(session, scope, point_id)
    point = found.point
    speech = speech_of(session, language)
    alarms = []
    if actor.may("alarm.read"):
        alarms = alarms_of_object(session, scope, point.enterprise_id, point.src_code, [point.id])
    limits = [point.low_low, point.low, point.high, point.high_high]
    shown = " / ".join("–" if value is None else f"{value:g}" for value in limits)
    facts = [
        (_("Object code"), point.src_code),
        (_("Enterprise"), speech.enterprises.get(point.enterprise_id, "")),
        (_("Object"), point.object_code),
        (_("Limits LL / L / H / HH"), f"{shown} {point.unit}"),
        (_("Upload period"), f"{point.period_s} s"),
        (_("Quality"), speech.code("quality", found.latest.quality) if found.latest else "–"),
    ]
    return {
        "layer": "sensor",
        "id": point.id,
        "title": point.name or point.src_code,
        "kind": speech.code("measure", point.measure),
        "where": speech.districts.get(point.adcode or "", ""),
        "facts": facts,
        "place": place_of_point(session, scope, point.id),
        "points": [found],
        "measures": {point.id: speech.code("measure", point.measure)},
        "alarms": alarms,
        "cases": cases_of_alarms(session, scope, [each.alarm_id for each in alarms]) if actor.may("case.read") else [],
        "changes": [],
    }


def alarm_drawer(session: Session, actor: Actor, alarm_id: int, language: str) -> dict[str, Any]:
    """Return what the drawer shows of an alarm."""
    scope = actor.scope
    alarm = alarm_facts(session, alarm_id, scope=scope)
    point = find_point(session, scope, alarm.point_id) if alarm.point_id else None
    value = "" if alarm.value is None else f"{alarm.value:g} {alarm.unit or ''}"
    limit = "" if alarm.limit_value is None else f"{alarm.limit_value:g} {alarm.unit or ''}"
    facts = [
        (_("Enterprise"), alarm.enterprise),
        (_("Object"), alarm.object_code or ""),
        (_("Monitoring point"), alarm.point_name or alarm.point_code or ""),
        (_("Value measured"), value),
        (_("Limit"), limit),
        (_("State"), word_of("alarm_state", alarm.state, language)),
        (_("Acknowledged by"), alarm.acknowledged_by or ""),
        (_("Said by the enterprise"), alarm.text_said or ""),
    ]
    return {
        "alarm": alarm,
        "kind": word_of("alarm_kind", alarm.kind, language),
        "state": word_of("alarm_state", alarm.state, language),
        "facts": [(term, value) for term, value in facts if value],
        "point": point,
        "events": events_of(session, alarm_id, scope=scope),
        "cases": cases_of_alarms(session, scope, [alarm_id]) if actor.may("case.read") else [],
    }
