"""Home, the one map with its partials, and the freshness of the feeds."""

from __future__ import annotations

from flask import Blueprint, jsonify, render_template, request
from flask.blueprints import BlueprintSetupState
from flask.typing import ResponseReturnValue
from flask_babel import get_locale, gettext
from sqlalchemy.orm import Session

from gis.asof import Moment, moment_asked
from gis.network.queries import (
    BIGGEST_ID,
    count_objects,
    pipe_km,
)
from portal.accounts.rights import ADMIN_ROLES
from portal.core.clock import local, utc_now
from portal.core.codes import words_of
from portal.core.errors import NotFound
from portal.core.web import current_actor, requires, settings, web_transaction
from portal.home.corrections import proposal_drawer
from portal.home.map_page import (
    LISTED,
    alarm_drawer,
    city_map,
    object_drawer,
    point_drawer,
)
from portal.home.past import LAYERS as DATED
from portal.home.past import known_then, past_counts, past_drawer
from portal.home.queries import (
    feeds,
    feeds_by_enterprise,
    live_alarms,
    open_cases,
    readings_today,
    recent_cases,
)
from portal.home.risk_theme import COLUMN as RISK_COLUMN
from portal.home.risk_theme import offer_risk
from portal.home.themes import lengths_of, themes_of
from portal.operation.alarms.map_layers import MAP_LAYERS as ALARM_LAYERS
from portal.operation.alarms.queries import open_counts
from portal.operation.outages.queries import widest_open
from portal.operation.telemetry.map_layers import MAP_LAYERS as TELEMETRY_LAYERS
from portal.operation.telemetry.queries import (
    count_points,
    enterprise_names,
)
from portal.proposals.map_layers import MAP_LAYERS as PROPOSAL_LAYERS
from portal.safety.risk.map_layers import MAP_LAYERS as RISK_LAYERS

HOME_ROWS = 8

blueprint = Blueprint("home", __name__)
OUTAGE_LINES = 4


@blueprint.record_once
def offer_layers(state: BlueprintSetupState) -> None:
    """Hand the layers of the features to the tiles."""
    state.app.config["MAP_LAYERS"] = [*TELEMETRY_LAYERS, *ALARM_LAYERS, *RISK_LAYERS, *PROPOSAL_LAYERS]
    state.app.config["MAP_THEMES"] = [offer_risk]
    state.app.config["MAP_THEME_COLUMNS"] = [RISK_COLUMN]


def _moment(key: str = "at") -> Moment | None:
    """Return the past instant the address asks for, None for the present."""
    return moment_asked(request.args.get(key), utc_now())


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
        levels=open_counts(session, scope=scope).levels if actor.may("alarm.read") else None,
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
    """Show the one map; `asof` is a past day, since `at` names the places of a question to the network (`net`)."""
    from gis.maps import parts  # noqa: PLC0415  # folium takes seconds: the web process alone loads it

    actor = current_actor()
    themes, moment = themes_of(session, actor, enterprise_names(session)), _moment("asof")
    if moment is not None:
        themes = known_then(themes)
    today = local(utc_now()).date().isoformat()
    drawn, basemap = parts(city_map(session, actor, themes, moment)), bool(settings().basemap_url)
    return render_template("home/map.html", drawn=drawn, themes=themes, moment=moment, today=today, basemap=basemap)


@blueprint.get("/map/counts")
@requires("map.read")
@web_transaction
def get_counts(session: Session) -> ResponseReturnValue:
    """Return how many objects each layer has and the kilometres of pipe, within the scope."""
    actor, moment = current_actor(), _moment()
    if moment is not None:
        themes = known_then(themes_of(session, actor, enterprise_names(session)))
        return jsonify(past_counts(session, actor, themes, moment))
    layers = count_objects(session, actor.scope) | {"sensor": count_points(session, actor.scope)}
    if actor.may("alarm.read"):
        layers["alarm"] = open_counts(session, scope=actor.scope).total
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
    moment = _moment()
    if moment is not None and layer in DATED:
        return render_template("home/drawer_past.html", **past_drawer(session, actor, layer, object_id, moment, language))
    if layer == "proposal":
        return render_template("home/drawer_proposal.html", **proposal_drawer(session, actor, object_id, language))
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
