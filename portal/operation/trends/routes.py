"""The page of trends, what it draws as JSON, the search for points, and the picture as CSV or XLSX."""

from __future__ import annotations

import io
from typing import Any

import orjson
from flask import Blueprint, Response, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import get_locale, gettext
from sqlalchemy.orm import Session

from portal.core.cells import safe_value
from portal.core.clock import local, utc_now
from portal.core.codes import word_of, words_of
from portal.core.errors import NotFound
from portal.core.exports import csv_of
from portal.core.paging import parse_number, parse_words
from portal.core.web import current_actor, note_export, requires, web_transaction
from portal.operation.trends.forms import parse_asked
from portal.operation.trends.picture import picture_of, points_shown, table_of
from portal.operation.trends.queries import points_found, suggested_groups
from portal.operation.trends.rules import PANES_MOST, POINTS_MOST, SPANS

blueprint = Blueprint("trends", __name__, url_prefix="/operation/trends")
XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MEASURES = (1, 2, 3, 4, 5, 6, 9, 11, 12, 13, 14)


def language() -> str:
    """Return the caller's language as the code tables know it."""
    return str(get_locale() or "zh_CN")


def _json(found: Any) -> Response:
    """Return JSON; values that are no number are null."""
    return Response(orjson.dumps(found, option=orjson.OPT_SERIALIZE_NUMPY), content_type="application/json")


@blueprint.get("")
@requires("alarm.read")
@web_transaction
def show_trends(session: Session) -> ResponseReturnValue:
    """Show trends; the address holds the whole picture, so that it can be sent to somebody."""
    spans = {
        "1h": gettext("1 hour"), "6h": gettext("6 hours"), "24h": gettext("24 hours"), "7d": gettext("7 days"),
        "30d": gettext("30 days"), "1y": gettext("1 year"), "5y": gettext("5 years"),
    }  # fmt: skip
    words = words_of("measure", language())
    return render_template(
        "trends/trends.html",
        spans=[(key, spans[key], round(length.total_seconds())) for key, length in SPANS.items()],
        measures=[(code, words[code]) for code in MEASURES if code in words],
        levels={code: word_of("alarm_level", code, language()) for code in (1, 2, 3, 4)},
        groups=[(name, ",".join(map(str, ids))) for name, ids in suggested_groups(session, current_actor().scope)],
        points_most=POINTS_MOST,
        panes_most=PANES_MOST,
    )


@blueprint.get("/points")
@requires("alarm.read")
@web_transaction
def find_points(session: Session) -> ResponseReturnValue:
    """Return points as JSON: by `q`, words or the name of their station, and `measure`; or by `ids`, in their order."""
    given = request.args.get("ids", "")
    if given:
        numbers = [int(each) for each in given.split(",")[:POINTS_MOST] if parse_number(each)]
    else:
        words = parse_words(request.args.get("q"))
        numbers = points_found(session, words, parse_number(request.args.get("measure"))) if words else []
    return _json({"points": points_shown(session, numbers, language())})


@blueprint.get("/data")
@requires("alarm.read")
@web_transaction
def get_data(session: Session) -> ResponseReturnValue:
    """Return the curves, limits and alarms of a picture as JSON; `p`, `span` or `from` and `to`, `cmp`, `wx`, `width`."""
    asked = parse_asked(request.args, utc_now())
    return _json(picture_of(session, current_actor().scope, asked, language()))


@blueprint.get("/export.<form>")
@requires("alarm.read")
@web_transaction
def export(session: Session, form: str) -> ResponseReturnValue:
    """Give what the picture shows as CSV or XLSX; the export is audited."""
    if form not in ("csv", "xlsx"):
        raise NotFound("trend_export_kind")
    now = utc_now()
    head, rows = table_of(session, current_actor().scope, parse_asked(request.args, now), language())
    note_export(session, "trends", len(rows))
    name = f"trends-{local(now):%Y%m%d-%H%M}.{form}"
    if form == "csv":
        return csv_of(head, rows, name)
    return Response(
        _workbook(head, rows),
        content_type=XLSX_TYPE,
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _workbook(head: list[str], rows: list[list[Any]]) -> bytes:
    from openpyxl import Workbook  # noqa: PLC0415  # most of a second to import, in every process

    book = Workbook(write_only=True)
    sheet = book.create_sheet(gettext("Trends")[:31])
    for row in (head, *rows):
        sheet.append([safe_value(cell) for cell in row])
    held = io.BytesIO()
    book.save(held)
    return held.getvalue()
