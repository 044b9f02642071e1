"""Home, the one map with its partials and lists, search, and the freshness of the feeds."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, jsonify, render_template, request
from flask.blueprints import BlueprintSetupState
from flask.typing import ResponseReturnValue
from flask_babel import get_locale, gettext
from sqlalchemy.orm import Session

from gis.maps import parts
from gis.network.queries import (
    BIGGEST_ID,
    count_objects,
    list_objects,
    model_of,
    page_before,
    pipe_km,
    search_objects,
)
from portal.accounts.rights import ADMIN_ROLES
from portal.core.clock import local, utc_now
from portal.core.codes import words_of
from portal.core.errors import NotFound
from portal.core.web import current_actor, requires, web_transaction
from portal.home.facts import detail_of, kind_of, layer_words
from portal.home.map_page import (
    LISTED,
    alarm_drawer,
    city_map,
    object_drawer,
    point_drawer,
    speech_of,
)
from portal.home.queries import (
    feeds,
    feeds_by_enterprise,
    live_alarms,
    open_cases,
    readings_today,
    recent_cases,
    search_alarms,
)
from portal.home.themes import lengths_of, themes_of
from portal.operation.alarms.map_layers import MAP_LAYERS as ALARM_LAYERS
from portal.operation.alarms.queries import open_counts
from portal.operation.outages.queries import widest_open
from portal.operation.telemetry.map_layers import MAP_LAYERS as TELEMETRY_LAYERS
from portal.operation.telemetry.queries import (
    count_points,
    enterprise_names,
    list_points,
    points_before,
    search_points,
)

PAGE_ROWS = 50
HOME_ROWS = 8
MAX_WORDS = 80

blueprint = Blueprint("home", __name__)
OUTAGE_LINES = 4


@blueprint.record_once
def offer_layers(state: BlueprintSetupState) -> None:
    """Hand the layers of the features to the tiles."""
    state.app.config["MAP_LAYERS"] = [*TELEMETRY_LAYERS, *ALARM_LAYERS]


def _language() -> str:
    return str(get_locale())


@blueprint.get("/")
@requires("self")
@web_transaction
def show_home(session: Session) -> ResponseReturnValue:
    """Show what the caller's role has to look at first."""
    actor, now = current_actor(), utc_now()
    if actor.role in ADMIN_ROLES:
        return render_template("home/admin.html")
    scope, language = actor.scope, _language()
    km = pipe_km(session, scope)["pressure"] if actor.may("map.read") else None
    counts = count_objects(session, scope) if actor.may("map.read") else {}
    may_see_cases = actor.may("case.read")
    found = feeds(session, scope, now)
    return render_template(
        "home/home.html",
        levels=open_counts(session, scope=scope) if actor.may("alarm.read") else None,
        level_words=words_of("alarm_level", language),
        kinds=words_of("alarm_kind", language),
        case_states=words_of("case_state", language),
        feeds=found,
        feed_state=found.state(now),
        cases=open_cases(session, scope, now) if may_see_cases else None,
        readings=readings_today(session, scope, now) if actor.may("intake.read") else None,
        km=km,
        counts=counts,
        alarms=live_alarms(session, scope, limit=HOME_ROWS) if actor.may("alarm.read") else [],
        recent_cases=recent_cases(session, scope, HOME_ROWS) if may_see_cases else [],
        enterprises=feeds_by_enterprise(session, scope, now),
        class_words=words_of("pressure_class", language),
        outages=widest_open(session, scope=scope, limit=OUTAGE_LINES) if actor.may("alarm.read") else [],
        outage_levels=words_of("outage_level", language),
        now=now,
        local=local,
    )


@blueprint.get("/map")
@requires("map.read")
@web_transaction
def show_map(session: Session) -> ResponseReturnValue:
    """Show the one map."""
    actor = current_actor()
    themes = themes_of(session, actor, enterprise_names(session))
    return render_template("home/map.html", drawn=parts(city_map(session, actor, themes)), themes=themes)


@blueprint.get("/map/counts")
@requires("map.read")
@web_transaction
def get_counts(session: Session) -> ResponseReturnValue:
    """Return how many objects each layer has and the kilometres of pipe, within the scope."""
    actor = current_actor()
    layers = count_objects(session, actor.scope) | {"sensor": count_points(session, actor.scope)}
    if actor.may("alarm.read"):
        layers["alarm"] = sum(open_counts(session, scope=actor.scope).values())
    themes = themes_of(session, actor, enterprise_names(session))
    return jsonify({"layers": layers, "km": lengths_of(session, actor, themes)})


@blueprint.get("/map/alarms")
@requires("map.read")
@web_transaction
def get_alarms(session: Session) -> ResponseReturnValue:
    """Return the open alarms as a list, newest first; `point` narrows it to one point."""
    actor = current_actor()
    point = request.args.get("point", type=int)
    points = None if point is None or not 0 < point < 2**31 else [point]
    alarms = live_alarms(session, actor.scope, points=points) if actor.may("alarm.read") else []
    return render_template(
        "home/alarm_list.html", alarms=alarms, kinds=words_of("alarm_kind", _language()),
        level_words=words_of("alarm_level", _language()),
    )  # fmt: skip


@blueprint.get("/map/object/<layer>/<int:object_id>")
@requires("map.read")
@web_transaction
def get_object(session: Session, layer: str, object_id: int) -> ResponseReturnValue:
    """Return the drawer of one object."""
    actor, language = current_actor(), _language()
    words = {
        "kinds": words_of("alarm_kind", language),
        "level_words": words_of("alarm_level", language),
        "case_states": words_of("case_state", language),
    }
    if not 0 < object_id <= BIGGEST_ID:
        raise NotFound("map_object", layer=layer)
    if layer == "alarm":
        if not actor.may("alarm.read"):
            raise NotFound("map_object", layer=layer)
        facts = alarm_drawer(session, actor, object_id, language)
        return render_template("home/drawer_alarm.html", **facts, **words)
    if layer == "sensor":
        return render_template(
            "home/drawer_object.html", **point_drawer(session, actor, object_id, language), **words
        )
    if layer not in LISTED:
        raise NotFound("map_layer", layer=layer)
    return render_template(
        "home/drawer_object.html", **object_drawer(session, actor, layer, object_id, language), **words
    )


@blueprint.get("/map/list/<layer>")
@requires("map.read")
@web_transaction
def show_list(session: Session, layer: str) -> ResponseReturnValue:
    """Show the objects of a layer as a table: a map is never the only way."""
    if layer not in LISTED or layer == "alarm":
        raise NotFound("map_layer", layer=layer)
    words = request.args.get("q", "").strip()[:MAX_WORDS]
    after = min(max(request.args.get("after", 0, type=int), 0), BIGGEST_ID)
    scope, speech = current_actor().scope, speech_of(session, _language())
    if layer == "sensor":
        rows = _point_rows(session, words, after, speech)
    else:
        model_of(layer)
        found = list_objects(session, scope, layer, words=words, after=after, limit=PAGE_ROWS + 1)
        rows = [_row(layer, thing, speech) for thing in found]
    more, rows = len(rows) > PAGE_ROWS, rows[:PAGE_ROWS]
    before = None
    if rows and after:
        before = (
            points_before(session, scope, words=words, first=rows[0]["id"], limit=PAGE_ROWS)
            if layer == "sensor"
            else page_before(session, scope, layer, words=words, first=rows[0]["id"], limit=PAGE_ROWS)
        )
    names = layer_words()
    return render_template(
        "home/list.html", layer=layer, title=names[layer], rows=rows, words=words, before=before,
        after=rows[-1]["id"] if more else None,
        tabs=[{"key": each, "label": names[each], "url": f"/map/list/{each}"} for each in LISTED if each != "alarm"],
    )  # fmt: skip


def _row(layer: str, thing: Any, speech: Any) -> dict[str, Any]:
    return {
        "id": thing.id, "code": thing.src_code, "name": thing.name or "",
        "kind": kind_of(layer, thing, speech), "detail": detail_of(layer, thing, speech),
        "district": speech.districts.get(thing.adcode or "", ""),
        "enterprise": speech.enterprises.get(thing.enterprise_id, ""),
        "state": speech.code("life_status", thing.status), "url": "",
    }  # fmt: skip


def _point_rows(session: Session, words: str, after: int, speech: Any) -> list[dict[str, Any]]:
    found = list_points(
        session, current_actor().scope, words=words, after=min(after, 2**31 - 1), limit=PAGE_ROWS + 1
    )
    rows = []
    for each in found:
        point, latest = each.point, each.latest
        value = "–" if latest is None or latest.value is None else f"{latest.value:.4g} {point.unit}"
        rows.append({
            "id": point.id, "code": point.src_code, "name": point.name or "",
            "kind": speech.code("measure", point.measure), "detail": value,
            "district": speech.districts.get(point.adcode or "", ""),
            "enterprise": speech.enterprises.get(point.enterprise_id, ""),
            "state": gettext("Silent") if each.silent else gettext("Reporting"),
            "url": f"/operation/points/{point.id}",
        })  # fmt: skip
    return rows


@blueprint.get("/search")
@requires("self")
@web_transaction
def show_search(session: Session) -> ResponseReturnValue:
    """Show everything whose code, name or address fits the words."""
    words = request.args.get("q", "").strip()[:MAX_WORDS]
    return render_template("home/search.html", words=words, hits=_hits(session, words, 25))


@blueprint.get("/search/suggest")
@requires("self")
@web_transaction
def suggest(session: Session) -> ResponseReturnValue:
    """Return the best few hits as a list of links."""
    words = request.args.get("q", "").strip()[:MAX_WORDS]
    return render_template("home/suggest.html", words=words, hits=_hits(session, words, 4))


def _hits(session: Session, words: str, limit: int) -> list[dict[str, str]]:
    actor = current_actor()
    if not words or not actor.may("map.read"):
        return []
    speech, names = speech_of(session, _language()), layer_words()
    hits = [
        {
            "url": f"/map#sel={layer}:{thing.id}", "icon": _ICONS[layer], "group": names[layer],
            "title": thing.src_code,
            "note": _joined(thing.name or getattr(thing, "address", ""), kind_of(layer, thing, speech)),
        }
        for layer, thing in search_objects(session, actor.scope, words, limit=limit)
    ]  # fmt: skip
    hits += [
        {
            "url": f"/map#sel=sensor:{point.id}", "icon": _ICONS["sensor"], "group": names["sensor"],
            "title": point.src_code, "note": _joined(point.name, speech.code("measure", point.measure)),
        }
        for point in search_points(session, actor.scope, words, limit=limit)
    ]  # fmt: skip
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
    return sorted(hits, key=lambda hit: hit["title"].casefold() != exact)


def _joined(*words: str | None) -> str:
    return " · ".join(each for each in words if each)


_ICONS = {
    "pipe": "spline", "station": "factory", "valve": "circle", "regulator": "gauge",
    "user": "user", "sensor": "activity", "alarm": "siren",
}  # fmt: skip


@blueprint.get("/home/freshness")
@requires("self")
@web_transaction
def get_freshness(session: Session) -> ResponseReturnValue:
    """Return whether readings are arriving, in a state and words."""
    now = utc_now()
    found = feeds(session, current_actor().scope, now)
    state = found.state(now)
    at = local(found.newest_at).strftime("%H:%M") if found.newest_at else "–"
    sentences = {
        "": gettext("No data feeds in your area"),
        "ok": gettext("Feeds normal · updated %(at)s", at=at),
        "late": gettext("%(n)s of %(all)s points silent · updated %(at)s", n=found.silent, all=found.points, at=at),
        "silent": gettext("No readings since %(at)s", at=at),
    }
    return jsonify({"state": state, "text": sentences[state]})
