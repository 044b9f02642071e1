"""Collecting what a file of the map holds, within the caller's scope, and writing it into the audit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import shapely
from flask import Response
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from gis.handouts.content import DRAWN_MOST, SYSTEMS, Handout, Row, Sheet, in_system
from portal.audit.services import record
from portal.core.actor import Actor
from portal.core.clock import local, utc_now
from portal.core.errors import Invalid
from portal.home.facts import Speech, layer_words
from portal.home.layer_queries import Wanted, rows_of
from portal.home.layer_words import exported_cell, labels_of
from portal.home.layers import LayerTable
from portal.home.masking import ROUNDED_TO
from portal.home.palette import palette, read_asset
from portal.home.themes import Theme

ROWS_MOST = 50_000
Make = Callable[[Handout], bytes]


@dataclass(frozen=True)
class Format:
    """One kind of file: its ending, its type, how it is made, and how many objects it can hold."""

    ending: str
    mime: str
    make: Make
    most: int = ROWS_MOST


def _file(writer: str) -> Make:
    """Return a writer of `gis.handouts.files`, which takes seconds to import and is loaded when it is used."""
    return lambda made: bytes(getattr(import_module("gis.handouts.files"), writer)(made))


def _page(made: Handout) -> bytes:
    from gis.handouts.page import offline_page  # noqa: PLC0415  # as above

    return offline_page(made, read_asset)


FORMATS = {
    "geojson": Format("geojson", "application/geo+json", _file("geojson")),
    "gpkg": Format("gpkg", "application/geopackage+sqlite3", _file("geopackage")),
    "xlsx": Format("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", _file("workbook")),
    "html": Format("html", "text/html; charset=utf-8", _page, DRAWN_MOST),
}
POINT_TOKENS = {"station": "--p1", "valve": "--c4", "regulator": "--p2", "user": "--p5", "sensor": "--c3"}


@dataclass(frozen=True)
class Order:
    """What somebody wants to take away: layers, narrowed how, as which file, in which system, pipes coloured by what."""

    tables: Sequence[LayerTable]
    wanted: Wanted
    format: str
    system: str
    theme: Theme

    def __post_init__(self) -> None:
        """Refuse a format or a system that does not exist."""
        if self.format not in FORMATS:
            raise Invalid("handout_format", value=self.format[:40])
        if self.system not in SYSTEMS:
            raise Invalid("handout_system", value=self.system[:40])


def handed_out(session: Session, actor: Actor, order: Order, speech: Speech, name: str) -> Response:
    """Return the file as a download; what left, who took it and how it was narrowed is in the audit."""
    form = FORMATS[order.format]
    made = handout_of(session, actor, order, speech, form.most)
    area = order.wanted.area
    record(
        session, actor, "map.export", object_type="map", object_id=name,
        after={
            "format": order.format, "system": order.system, "rows": made.rows,
            "layers": {sheet.key: len(sheet.rows) for sheet in made.sheets},
            "area": area.text()[:400] if area else "", "words": order.wanted.words,
        },
    )  # fmt: skip
    stamp = local(utc_now()).strftime("%Y%m%d-%H%M%S")
    return Response(
        form.make(made), content_type=form.mime,
        headers={"Content-Disposition": f'attachment; filename="{name}-{stamp}.{form.ending}"'},
    )  # fmt: skip


def handout_of(session: Session, actor: Actor, order: Order, speech: Speech, most: int) -> Handout:
    """Return what the file holds; raise Invalid when that is more than it can."""
    colours = palette("light")
    sheets: list[Sheet] = []
    for table in order.tables:
        sheets.append(_sheet(session, actor, order, table, speech, most - sum(len(each.rows) for each in sheets)))
    legend = [(colours[each.token], each.label) for each in order.theme.classes]
    names = layer_words()
    legend += [
        (colours[POINT_TOKENS[sheet.key]], names[sheet.key])
        for sheet in sheets if sheet.key in POINT_TOKENS and sheet.rows
    ]  # fmt: skip
    title = _("Selection of the map") if order.wanted.area else "、".join(names[table.key] for table in order.tables)
    return Handout(title, mark_of(actor), order.system, [sheet for sheet in sheets if sheet.rows] or sheets, legend)


def mark_of(actor: Actor) -> str:
    """Return who takes something away and when, as it stands in every file."""
    at = local(utc_now()).strftime("%Y-%m-%d %H:%M:%S")
    return _("%(name)s (%(login)s) · %(at)s · internal, do not pass on", name=actor.shown_name, login=actor.name, at=at)


def _sheet(
    session: Session, actor: Actor, order: Order, table: LayerTable, speech: Speech, most: int
) -> Sheet:
    colours = palette("light")
    drawn = {"theme_code": order.theme.column.sql} if table.key == "pipe" else {}
    rows: list[Row] = []
    for row in rows_of(session, actor.scope, table, order.wanted, most=most + 1, drawn=drawn):
        if len(rows) == most:
            raise Invalid("handout_too_large", most=FORMATS[order.format].most)
        values = [exported_cell(column, getattr(row, column.key), speech) for column in table.columns]
        rows.append(Row(_shape(table, row, order.system), values, colours[_token(table, row, order.theme)]))
    return Sheet(table.key, layer_words()[table.key], labels_of(table), rows)


def _shape(table: LayerTable, row: Any, system: str) -> Any:
    shape = shapely.from_wkb(bytes(row.shape))
    if table.key == "user":  # as coarse as the rules on personal data allow
        shape = shapely.Point(round(shape.x, ROUNDED_TO), round(shape.y, ROUNDED_TO))
    return in_system(shape, system)


def _token(table: LayerTable, row: Any, theme: Theme) -> str:
    if table.key != "pipe":
        return POINT_TOKENS.get(table.key, "--p5")
    return theme.class_of(row.theme_code).token
