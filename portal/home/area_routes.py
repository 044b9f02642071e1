"""Selecting by an area on the map: what lies in it, and taking that away as a file."""

from __future__ import annotations

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from sqlalchemy.orm import Session

from gis.areas import POINTS_MOST, TEXT_MOST
from gis.handouts.content import SYSTEM_WORDS
from portal.core.actor import Actor
from portal.core.errors import Invalid
from portal.core.web import current_actor, requires, web_transaction
from portal.home.area_page import area_asked, area_contents
from portal.home.area_queries import within_time
from portal.home.handouts import FORMATS, Order, handed_out
from portal.home.layer_queries import Wanted
from portal.home.layers import NETWORK, TABLES
from portal.home.map_page import speech_of
from portal.home.themes import Theme, themes_of

BODY_MOST = TEXT_MOST + 4096

blueprint = Blueprint("map_area", __name__)


@blueprint.post("/map/selection")
@requires("map.read")
@web_transaction
def show_selection(session: Session) -> ResponseReturnValue:
    """Return the drawer of an area: counts and lengths by kind, class and enterprise; the body names the area."""
    actor, speech = current_actor(), speech_of(session, str(get_locale()))
    area = area_asked(session, actor, _area_sent())
    themes = themes_of(session, actor, speech.enterprises)
    return render_template(
        "home/drawer_area.html", formats=FORMATS, systems=SYSTEM_WORDS,
        **area_contents(session, actor, area, themes, speech),
    )  # fmt: skip


@blueprint.post("/map/selection/export")
@requires("map.read")
@web_transaction
def export_selection(session: Session) -> ResponseReturnValue:
    """Return what lies in an area as a file, marked and in the audit."""
    actor, speech = current_actor(), speech_of(session, str(get_locale()))
    area = area_asked(session, actor, _area_sent())
    chosen = [TABLES[key] for key in request.form.getlist("layer") if key in TABLES] or list(NETWORK)
    theme = theme_named(session, actor, request.form.get("theme", ""), speech.enterprises)
    order = Order(
        chosen, Wanted(area=area), request.form.get("format", ""), request.form.get("system") or "CGCS2000", theme
    )
    with within_time(session):
        return handed_out(session, actor, order, speech, "selection")


def theme_named(session: Session, actor: Actor, key: str, enterprises: dict[int, str]) -> Theme:
    """Return the theme of a key, the first one when there is none."""
    themes = themes_of(session, actor, enterprises)
    return next((each for each in themes if each.column.key == key), themes[0])


def _area_sent() -> str:
    # Said before the body is read: a drawing of a hundred thousand corners needs no more work than this.
    if (request.content_length or 0) > BODY_MOST:
        raise Invalid("area_many_points", most=POINTS_MOST)
    sent = request.get_json(silent=True) if request.is_json else request.form
    area = sent.get("area") if hasattr(sent, "get") else None
    if not isinstance(area, str):
        raise Invalid("area_unreadable", value="")
    return area
