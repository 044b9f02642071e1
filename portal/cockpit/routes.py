"""The cockpit page and what stands behind the safety index."""

from __future__ import annotations

from datetime import timedelta

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from sqlalchemy.orm import Session

from gis.basemap.queries import district_names
from portal.cockpit.board import headline, index_of, narrowed, panels
from portal.cockpit.labels import part_rows, weekday
from portal.cockpit.picture import wall_map
from portal.cockpit.queries import index_days
from portal.cockpit.rules import broken_line
from portal.core.clock import local, utc_now
from portal.core.codes import words_of
from portal.core.web import current_actor, requires, web_transaction
from portal.safety.risk.labels import colour_words

blueprint = Blueprint("cockpit", __name__, url_prefix="/cockpit")
DAYS_SHOWN = 90


@blueprint.get("")
@requires("map.read")
@web_transaction
def show_cockpit(session: Session) -> ResponseReturnValue:
    """Show the state of the caller's area, or of one district in it (`d`), in one picture."""
    from gis.maps import parts  # noqa: PLC0415  # folium takes seconds: the web process alone loads it

    actor, now, language = current_actor(), utc_now(), str(get_locale())
    place = narrowed(actor, request.args.get("d", ""))
    names = district_names(session, language)
    own = actor.scope
    choices = {code: name for code, name in names.items() if own.whole_city or code in own.adcodes}
    return render_template(
        "cockpit/cockpit.html",
        drawn=parts(wall_map(session, actor, place)),
        place=place,
        choices=choices if len(choices) > 1 else {},
        names=names,
        now=local(now),
        weekday=weekday(local(now)),
        colours=colour_words(),
        levels=words_of("alarm_level", language),
        kinds=words_of("alarm_kind", language),
        states=words_of("alarm_state", language),
        dangers=words_of("user_hazard", language),
        grades=words_of("event_grade", language),
        local=local,
        **headline(session, actor, place, now),
        **panels(session, actor, place, now, language),
    )


@blueprint.get("/index")
@requires("map.read")
@web_transaction
def show_index(session: Session) -> ResponseReturnValue:
    """Show what the safety index is made of, and how it went."""
    actor, now = current_actor(), utc_now()
    place = narrowed(actor, request.args.get("d", ""))
    since = (local(now) - timedelta(days=DAYS_SHOWN)).date()
    days = index_days(session, place.adcode, since) if place.notes_index else []
    index = index_of(session, place.scope, now)
    return render_template(
        "cockpit/index.html",
        index=index,
        rows=part_rows(index),
        days=days,
        curve=broken_line([each.score for each in days], 0, 100),
        place=place,
        names=district_names(session, str(get_locale())),
    )
