"""Printing the map: what is on screen as a PDF of A4 or A3, with scale, north, legend and watermark."""

from __future__ import annotations

import math

from flask import Blueprint, Response, current_app, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from sqlalchemy.orm import Session

from gis.handouts.drawing import Frame, scale_bar
from portal.audit.services import record
from portal.core.clock import local, utc_now
from portal.core.errors import Invalid
from portal.core.pdf import pdf_of
from portal.core.web import current_actor, opened, requires
from portal.home.area_page import area_asked
from portal.home.area_queries import within_time
from portal.home.area_routes import theme_named
from portal.home.facts import layer_words
from portal.home.handouts import mark_of
from portal.home.layers import TABLES
from portal.home.map_page import speech_of
from portal.home.palette import palette
from portal.home.sheet import PAPERS, Paper, drawing, legend_of
from portal.home.sheet_queries import shapes_in

WIDEST_DEG, NARROWEST_DEG = 6.0, 1e-5
TITLE_MOST = 60
PDF_LIMIT_S = 60

blueprint = Blueprint("map_print", __name__)


@blueprint.post("/map/print")
@requires("map.read")
def print_map() -> ResponseReturnValue:
    """Return the sheet as PDF; the database is let go before it is made."""
    with opened() as session:
        page = _page(session)
    headers = {"Content-Disposition": f'inline; filename="map-{local(utc_now()).strftime("%Y%m%d-%H%M%S")}.pdf"'}
    pdf = pdf_of(page, late="print_too_long", failed="print_failed", limit_s=PDF_LIMIT_S)
    return Response(pdf, content_type="application/pdf", headers=headers)


def _page(session: Session) -> str:
    actor, language = current_actor(), str(get_locale())
    speech, form = speech_of(session, language), request.form
    if form.get("paper") not in PAPERS:
        raise Invalid("print_paper", value=form.get("paper", "")[:20])
    paper = Paper.of(form["paper"], upright=form.get("turn") == "portrait")
    frame = Frame.around(_view(form.get("view", "")), *paper.drawing_mm)
    theme = theme_named(session, actor, form.get("theme", ""), speech.enterprises)
    layers = [name for name in form.get("layers", "").split(",") if name in TABLES]
    area = area_asked(session, actor, form["area"]) if form.get("area") else None
    look, mark, names = "light" if form.get("look") == "light" else "dark", mark_of(actor), layer_words()
    with within_time(session):
        shapes = shapes_in(session, actor.scope, frame, theme, layers)
    record(
        session, actor, "map.print", object_type="map", object_id=paper.name,
        after={"view": [round(each, 5) for each in frame.box], "layers": layers, "theme": theme.column.key},
    )  # fmt: skip
    colours = palette(look)
    bar_mm, bar_words = scale_bar(frame)
    return render_template(
        "home/print.html", title=form.get("title", "").strip()[:TITLE_MOST] or names["pipe"], paper=paper, frame=frame,
        colours=colours, legend=legend_of(shapes, theme, colours, names), theme=theme, mark=mark,
        bar_mm=bar_mm, bar_words=bar_words, scale=_round_scale(frame.metres_per_mm * 1000), at=local(utc_now()),
        drawn=drawing(shapes, frame, theme, colours, mark=mark, area=area, english=language.startswith("en")),
        city_name=current_app.config["PORTAL_SETTINGS"].city_name,
        department=current_app.config["PORTAL_SETTINGS"].city_department,
    )  # fmt: skip


def _view(text: str) -> tuple[float, float, float, float]:
    try:
        west, south, east, north = (float(part) for part in text.split(","))
    except ValueError as error:
        raise Invalid("print_view") from error
    sizes = (east - west, north - south)
    inside = west >= -180 and east <= 180 and south >= -85 and north <= 85
    if not (all(map(math.isfinite, sizes)) and inside and all(NARROWEST_DEG < each < WIDEST_DEG for each in sizes)):
        raise Invalid("print_view")
    return west, south, east, north


def _round_scale(number: float) -> int:
    """Return the scale's number as one reads it: two digits, then zeros."""
    power = 10 ** max(0, math.floor(math.log10(number)) - 1)
    return round(number / power) * power
