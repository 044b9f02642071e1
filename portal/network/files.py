"""A plan's valves, users and pipes as files: CSV, XLSX and GeoJSON."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from flask import Response

from gis.network.impact import impact_of
from gis.network.plan_queries import lines_of, pipes_named, users_named
from portal.core.cells import safe_value
from portal.core.errors import NotFound
from portal.core.exports import csv_of
from portal.network.places import Asked, numbers
from portal.network.plans import Found, feature_of, point_of, told_plan, told_user
from portal.network.words import Words

WHATS = ("valves", "users", "pipes")
FORMS = ("csv", "xlsx", "geojson")
USERS_MOST = 50_000
PIPES_MOST = 100_000
XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@dataclass(frozen=True)
class Table:
    """Rows of a file with their head, and the same as features."""

    head: Sequence[str]
    rows: list[Sequence[Any]]
    features: list[dict[str, Any]]


def table_of(asked: Asked, found: Found, what: str, words: Words) -> Table:
    """Return valves, users or pipes of a plan; raise NotFound for anything else."""
    if what == "valves":
        return _valves(told_plan(asked, found), words)
    if what == "users":
        return _users(asked, found, words)
    if what == "pipes":
        return _pipes(asked, found, words)
    raise NotFound("network_export_kind")


def _valves(told: dict[str, Any], words: Words) -> Table:
    rows = [
        (each["order"], each["code"], each["name"] or "", words.effort(each["effort"]), each["dn_mm"],
         words.enterprise(each["enterprise_id"]), each["lon"], each["lat"])
        for each in told["valves"]
    ]  # fmt: skip
    return _made(words.heads("order", "code", "name", "effort", "dn", "enterprise", "lon", "lat"), rows, told["valves"])


def _users(asked: Asked, found: Found, words: Words) -> Table:
    stored = asked.known.stored
    ids = numbers(stored.users, impact_of(stored.grid, found.plan).users)
    told = [told_user(row) for row in users_named(asked.session, asked.scope, ids, USERS_MOST)]
    rows = [
        (each["code"], each["name"] or "", words.kind(each["kind"]), each["households"], each["address"],
         words.enterprise(each["enterprise_id"]), each["lon"], each["lat"])
        for each in told
    ]  # fmt: skip
    return _made(words.heads("code", "name", "kind", "households", "address", "enterprise", "lon", "lat"), rows, told)


def _made(head: Sequence[str], rows: list[Sequence[Any]], told: list[dict[str, Any]]) -> Table:
    return Table(
        head,
        rows,
        [feature_of(dict(zip(head, row, strict=True)), point_of(each)) for row, each in zip(rows, told, strict=True)],
    )


def _pipes(asked: Asked, found: Found, words: Words) -> Table:
    stored = asked.known.stored
    segment = numbers(stored.pipes, found.plan.segment)
    ids = np.concatenate([segment, numbers(stored.pipes, impact_of(stored.grid, found.plan).pipes)])[:PIPES_MOST]
    isolated = set(segment.tolist())
    head = words.heads("code", "part", "class", "length", "road", "enterprise")
    named = pipes_named(asked.session, asked.scope, ids)
    rows = {
        row.id: (row.src_code, words.part(row.id in isolated), words.pressure(row.pressure_class),
                 round(row.length_m, 1), row.road_name or "", words.enterprise(row.enterprise_id))
        for row in named
    }  # fmt: skip
    shapes = lines_of(asked.session, asked.scope, ids, PIPES_MOST)
    features = [
        feature_of(dict(zip(head, rows[row.id], strict=True)), json.loads(row.geom)) for row in shapes if row.id in rows
    ]
    return Table(head, list(rows.values()), features)


def file_of(table: Table, form: str, name: str) -> Response:
    """Return a table as a download; raise NotFound for an unknown form."""
    if form == "csv":
        return csv_of(table.head, table.rows, f"{name}.csv")
    if form == "xlsx":
        return _download(_workbook(table), XLSX_TYPE, f"{name}.xlsx")
    if form == "geojson":
        whole = {"type": "FeatureCollection", "features": table.features}
        return _download(json.dumps(whole, ensure_ascii=False).encode(), "application/geo+json", f"{name}.geojson")
    raise NotFound("network_export_kind")


def _workbook(table: Table) -> bytes:
    from openpyxl import Workbook  # noqa: PLC0415  # most of a second to import, in every process

    book = Workbook(write_only=True)
    sheet = book.create_sheet("1")
    for row in (table.head, *table.rows):
        sheet.append([safe_value(cell) for cell in row])
    held = io.BytesIO()
    book.save(held)
    return held.getvalue()


def _download(content: bytes, media_type: str, name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, content_type=media_type, headers=headers)
