"""Every layer of the map as a list: the same filter, paging, order and export, and from each row back to the map."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from sqlalchemy.orm import Session

from gis.areas import Area
from gis.asof import HISTORIED, moment_asked, past_source
from portal.core.actor import Actor
from portal.core.clock import utc_now
from portal.core.codes import words_of
from portal.core.errors import NotFound
from portal.core.exports import CsvFile
from portal.core.paging import parse_number, parse_words
from portal.core.web import current_actor, note_export, requires, web_transaction
from portal.home.area_page import area_asked
from portal.home.area_queries import within_time
from portal.home.area_routes import theme_named
from portal.home.facts import Speech, layer_words
from portal.home.handouts import ROWS_MOST, Order, handed_out
from portal.home.layer_queries import SEARCHED_MOST, Wanted, page_of, rows_of
from portal.home.layer_words import cell_of, exported_cell, labels_of
from portal.home.layers import TABLES, LayerTable
from portal.home.map_page import speech_of
from portal.home.near_queries import TABLES as LABELLED

BIGGEST_ID = 2**63 - 1
BASE_ZOOM = 16
TONES = {
    ("current_state", 0): "warn", ("current_state", 3): "bad", ("status", 4): "warn", ("status", 5): "warn",
    ("status", 6): "warn",
}  # fmt: skip

blueprint = Blueprint("map_lists", __name__)


@blueprint.get("/map/list/<layer>")
@requires("map.read")
@web_transaction
def show_list(session: Session, layer: str) -> ResponseReturnValue:
    """Show the objects of a layer as a table: a map is never the only way."""
    actor, speech, table = current_actor(), speech_of(session, str(get_locale())), _table_at(layer, request.args)
    wanted = parse_wanted(session, actor, table, request.args)
    with within_time(session):
        page = page_of(
            session, actor.scope, table, wanted,
            after=_number(request.args.get("after")), before=_number(request.args.get("before")),
        )  # fmt: skip
    kept = kept_of(table, wanted)
    here = partial(_address, f"/map/list/{layer}", kept)
    labels = labels_of(table)
    return render_template(
        "home/list.html", table=table, title=layer_words()[layer], labels=labels, wanted=wanted,
        rows=[_row(table, row, speech) for row in page.rows],
        heads=[_head(table, key, label, wanted, here) for key, label in labels.items()],
        filters=[_choice(table, key, wanted, speech, labels) for key in table.codes],
        enterprises=_enterprises(actor, speech) if table.scoped else {},
        districts=speech.districts if table.scoped else {},
        tabs=[{"key": key, "label": layer_words()[key], "url": f"/map/list/{key}"} for key in TABLES],
        prev=here(before=page.before) if page.before is not None else None,
        next=here(after=page.after) if page.after is not None else None,
        narrowed=bool(set(kept) - {"order", "way", "at"}), searched_most=SEARCHED_MOST,
        exports={form: _address(f"/map/list/{layer}/export.{form}", kept) for form in ("csv", "xlsx", "geojson", "gpkg")},
        labels_url=_address(f"/map/list/{layer}/labels.pdf", kept) if layer in LABELLED else None,
    )  # fmt: skip


@blueprint.get("/map/list/<layer>/export.<form>")
@requires("map.read")
@web_transaction
def export_list(session: Session, layer: str, form: str) -> ResponseReturnValue:
    """Return the rows of a narrowed list as a file, in the same order."""
    actor, speech, table = current_actor(), speech_of(session, str(get_locale())), _table_at(layer, request.args)
    wanted = parse_wanted(session, actor, table, request.args)
    with within_time(session):
        if form == "csv":
            return _csv(session, actor, table, wanted, speech)
        theme = theme_named(session, actor, "", speech.enterprises)
        system = request.args.get("system") or "CGCS2000"
        return handed_out(session, actor, Order([table], wanted, form, system, theme), speech, layer)


def parse_wanted(session: Session, actor: Actor, table: LayerTable, given: Mapping[str, str]) -> Wanted:
    """Return what an address narrows a list to; what cannot be read narrows nothing, a bad area is refused."""
    area: Area | None = area_asked(session, actor, given["area"]) if given.get("area") else None
    codes = ((key, parse_number(given.get(key))) for key in table.codes)
    district = given.get("district") or ""
    order = given.get("order") or ""
    return Wanted(
        words=parse_words(given.get("q")),
        codes=tuple((key, code) for key, code in codes if code is not None and code < 2**15),
        enterprise_id=parse_number(given.get("enterprise")) if table.scoped else None,
        adcode=district if table.scoped and district.isascii() and district.isdigit() and len(district) == 6 else None,
        area=area,
        order=order if order in table.orders else "",
        descending=given.get("way") == "down",
        moment=moment_asked(given.get("at"), utc_now()),
    )


def kept_of(table: LayerTable, wanted: Wanted) -> dict[str, str]:
    """Return the address of what a list is narrowed to."""
    found: dict[str, Any] = {"q": wanted.words, **dict(wanted.codes)}
    found |= {"enterprise": wanted.enterprise_id, "district": wanted.adcode, "order": wanted.order}
    found |= {"at": wanted.moment.text if wanted.moment else ""}
    found |= {"area": wanted.area.text() if wanted.area else "", "way": "down" if wanted.descending else ""}
    return {name: str(value) for name, value in found.items() if value not in (None, "")}


def _table(layer: str) -> LayerTable:
    if layer not in TABLES:
        raise NotFound("map_layer", layer=layer)
    return TABLES[layer]


def _table_at(layer: str, given: Mapping[str, str]) -> LayerTable:
    """Return a layer's table, of a past day out of its former states; raise NotFound where none are kept."""
    table = _table(layer)
    if moment_asked(given.get("at"), utc_now()) is None:
        return table
    if table.source.partition(" ")[0] not in HISTORIED or table.source.count(" ") != 1:
        raise NotFound("tile_past", layer=layer)
    return replace(table, source=past_source(table.source), search=False)


def _number(text: str | None) -> int | None:
    return min(int(text), BIGGEST_ID) if text and text.isascii() and text.isdigit() and len(text) < 40 else None


def _address(path: str, kept: Mapping[str, str], **more: object) -> str:
    words = {name: value for name, value in {**kept, **more}.items() if value not in (None, "")}
    return f"{path}?{urlencode(words)}" if words else path


def _head(table: LayerTable, key: str, label: str, wanted: Wanted, here: Any) -> dict[str, Any]:
    if key not in table.orders:
        return {"label": label, "number": _is_number(table, key), "url": "", "sort": ""}
    chosen = wanted.order == key
    down = chosen and not wanted.descending
    return {
        "label": label, "number": _is_number(table, key), "url": here(order=key, way="down" if down else ""),
        "sort": ("descending" if wanted.descending else "ascending") if chosen else "",
    }  # fmt: skip


def _choice(
    table: LayerTable, key: str, wanted: Wanted, speech: Speech, labels: Mapping[str, str]
) -> dict[str, Any]:
    options = words_of(table.column(key).dictionary, speech.language).items()
    return {"name": key, "label": labels[key], "options": options, "chosen": dict(wanted.codes).get(key)}


def _enterprises(actor: Actor, speech: Speech) -> dict[int, str]:
    own = actor.scope.enterprise_ids
    if own and not actor.scope.adcodes:
        return {number: name for number, name in speech.enterprises.items() if number in own}
    return speech.enterprises


def _is_number(table: LayerTable, key: str) -> bool:
    return table.column(key).kind == "number"


def _row(table: LayerTable, row: Any, speech: Speech) -> dict[str, Any]:
    cells = []
    for column in table.columns:
        value = getattr(row, column.key)
        cells.append(
            {
                "key": column.key, "text": cell_of(column, value, speech), "number": column.kind == "number",
                "tone": TONES.get((column.key, value)),
            }
        )  # fmt: skip
    place = f"sel={table.key}:{row.id}" if table.scoped else f"z={BASE_ZOOM}&c={row.lon:.5f},{row.lat:.5f}"
    return {"cells": cells, "map": f"/map#{place}"}


def _csv(session: Session, actor: Actor, table: LayerTable, wanted: Wanted, speech: Speech) -> Response:
    made = CsvFile(labels_of(table).values())
    for row in rows_of(session, actor.scope, table, wanted, most=ROWS_MOST):
        made.add(exported_cell(column, getattr(row, column.key), speech) for column in table.columns)
    note_export(session, f"map_{table.key}", made.rows)
    return made.answer(f"{table.key}.csv")
