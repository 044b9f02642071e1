"""For people in the street: what lies nearest, objects by the QR code on their label, and sheets of such labels."""

from __future__ import annotations

import math
from typing import Any
from urllib.parse import quote

from flask import Blueprint, Response, current_app, redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from portal.audit.services import record
from portal.core.clock import local, utc_now
from portal.core.codes import words_of
from portal.core.errors import Invalid, NotFound
from portal.core.paging import parse_number
from portal.core.pdf import pdf_of
from portal.core.web import current_actor, opened, requires, web_transaction
from portal.home.area_queries import within_time
from portal.home.facts import layer_words
from portal.home.handouts import mark_of
from portal.home.layer_queries import rows_of
from portal.home.layers import TABLES as LISTS
from portal.home.list_routes import parse_wanted
from portal.home.map_page import speech_of
from portal.home.near_queries import POINTS, TABLES, by_code, nearest
from portal.home.near_rules import qr_path, rounded_m, sector_of

LABELS_MOST = 240
PER_SHEET = 24  # 3 by 8 labels of 70 × 37 mm on A4, a common sheet of self-adhesive labels
PDF_LIMIT_S = 60
CODE_MOST = 100
DETAIL_WORDS = {"valve": "valve_state", "regulator": "regulator_form", "station": "station_kind"}

blueprint = Blueprint("map_near", __name__)


@blueprint.get("/map/near")
@requires("map.read")
@web_transaction
def get_near(session: Session) -> ResponseReturnValue:
    """Return the objects of a `layer` nearest to `at` (lon,lat) as a part for the drawer."""
    layer, (lon, lat) = request.args.get("layer", "valve"), _place(request.args.get("at", ""))
    if layer not in POINTS:
        raise NotFound("map_layer", layer=layer)
    found = nearest(session, current_actor().scope, layer, lon, lat)
    names = layer_words()
    return render_template(
        "home/near.html", found=found, layer=layer, at=f"{lon:.6f},{lat:.6f}", metres=rounded_m,
        layers=[(key, names[key]) for key in POINTS], details=words_of(DETAIL_WORDS[layer], str(get_locale())),
        wind=lambda bearing: _winds()[sector_of(bearing)],
    )  # fmt: skip


@blueprint.get("/o/<kind>/<path:code>")
@requires("map.read")
@web_transaction
def find_labelled(session: Session, kind: str, code: str) -> ResponseReturnValue:
    """Lead from the address on a label to the object; where enterprises share a code, to a choice."""
    if kind not in TABLES or len(code) > CODE_MOST or "\x00" in code:
        raise NotFound("labelled", said=code[:CODE_MOST])
    found = by_code(session, current_actor().scope, kind, code, parse_number(request.args.get("e")))
    if not found:
        raise NotFound("labelled", said=code)
    if len(found) == 1:
        return redirect(f"/map#sel={kind}:{found[0].id}")
    return render_template("home/labelled.html", found=found, kind=kind, code=code)


@blueprint.get("/map/list/<layer>/labels.pdf")
@requires("map.read")
def print_labels(layer: str) -> ResponseReturnValue:
    """Return QR labels of the rows of a narrowed list as PDF, in the list's order; the audit keeps it."""
    if layer not in TABLES:
        raise NotFound("map_layer", layer=layer)
    with opened() as session, within_time(session):
        page = _sheet(session, layer)
    headers = {"Content-Disposition": f'inline; filename="labels-{layer}-{local(utc_now()).strftime("%Y%m%d-%H%M%S")}.pdf"'}
    pdf = pdf_of(page, late="print_too_long", failed="print_failed", limit_s=PDF_LIMIT_S)
    return Response(pdf, content_type="application/pdf", headers=headers)


def _sheet(session: Session, layer: str) -> str:
    actor, table, speech = current_actor(), LISTS[layer], speech_of(session, str(get_locale()))
    wanted = parse_wanted(session, actor, table, request.args)
    rows = list(rows_of(session, actor.scope, table, wanted, most=LABELS_MOST + 1))
    if len(rows) > LABELS_MOST:
        raise Invalid("labels_many", most=LABELS_MOST)
    labels = [_label(layer, row, speech.enterprises) for row in rows]
    record(session, actor, "map.labels", object_type="map", object_id=layer, after={"labels": len(labels), "words": wanted.words})
    sheets = [labels[at : at + PER_SHEET] for at in range(0, len(labels), PER_SHEET)]
    return render_template(
        "home/labels.html", sheets=sheets, word=layer_words()[layer], mark=mark_of(actor),
        city_name=current_app.config["PORTAL_SETTINGS"].city_name,
    )  # fmt: skip


def _label(layer: str, row: Any, enterprises: dict[int, str]) -> dict[str, Any]:
    address = f"{request.host_url}o/{layer}/{quote(row.code, safe='')}?e={row.enterprise}"
    modules, path = qr_path(address)
    return {
        "code": row.code, "name": row.name or "", "enterprise": enterprises.get(row.enterprise, ""),
        "address": address, "modules": modules, "path": path,
    }  # fmt: skip


def _place(words: str) -> tuple[float, float]:
    try:
        lon, lat = (float(part) for part in words.split(","))
    except ValueError as wrong:
        raise Invalid("near_place", value=words[:40]) from wrong
    if not (math.isfinite(lon) and math.isfinite(lat) and abs(lon) <= 180 and abs(lat) <= 85):
        raise Invalid("near_place", value=words[:40])
    return lon, lat


def _winds() -> tuple[str, ...]:
    return (
        _("north"), _("north-east"), _("east"), _("south-east"), _("south"), _("south-west"), _("west"), _("north-west"),
    )  # fmt: skip
