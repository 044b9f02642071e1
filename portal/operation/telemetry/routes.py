"""The page of one monitoring point and its curve."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import cast, get_args

from flask import Blueprint, jsonify, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import get_locale, gettext
from sqlalchemy.orm import Session

from portal.core.clock import local, utc_now
from portal.core.codes import word_of
from portal.core.errors import Invalid
from portal.core.exports import csv_of
from portal.core.web import current_actor, note_export, requires, web_transaction
from portal.operation.telemetry.conflict_queries import second_values_of_point
from portal.operation.telemetry.queries import (
    LIMITS,
    PointNow,
    enterprise_names,
    find_point,
    place_of_point,
    series_of,
)
from portal.operation.telemetry.rules import BUCKETS, Resolution
from portal.operation.telemetry.series import figures_of

blueprint = Blueprint("telemetry", __name__)
SPANS = {
    "24h": timedelta(hours=24), "7d": timedelta(days=7), "30d": timedelta(days=30),
    "1y": timedelta(days=365), "5y": timedelta(days=1826),
}
NARROWEST, WIDEST = 50, 2000


def limit_words() -> dict[str, str]:
    """Return the names of the four limits in the caller's language."""
    return {
        "low_low": gettext("Lower lower limit"), "low": gettext("Lower limit"),
        "high": gettext("Upper limit"), "high_high": gettext("Upper upper limit"),
    }


def span_words() -> dict[str, str]:
    """Return the names of the spans of time in the caller's language."""
    return {
        "24h": gettext("24 hours"), "7d": gettext("7 days"), "30d": gettext("30 days"),
        "1y": gettext("1 year"), "5y": gettext("5 years"),
    }


def facts_of_point(found: PointNow, enterprise: str, language: str) -> list[tuple[str, str]]:
    """Return terms and values that describe a point."""
    point = found.point
    named = limit_words()
    rows = [
        (gettext("Object code"), point.src_code),
        (gettext("Enterprise"), enterprise),
        (gettext("Measured quantity"), word_of("measure", point.measure, language)),
        (gettext("Object"), point.object_code),
        (gettext("Upload period"), f"{point.period_s} s"),
    ]
    for name, _, _ in LIMITS:
        value = getattr(point, name)
        if value is not None:
            rows.append((named[name], f"{value:g} {point.unit}"))
    if point.range_low is not None and point.range_high is not None:
        rows.append((gettext("Range"), f"{point.range_low:g} – {point.range_high:g} {point.unit}"))
    return rows


@blueprint.get("/operation/points/<int:point_id>")
@requires("map.read")
@web_transaction
def show_point(session: Session, point_id: int) -> ResponseReturnValue:
    """Show one point: newest value, curve, limits, alarms."""
    scope, language = current_actor().scope, str(get_locale())
    found = find_point(session, scope, point_id)
    span = request.args.get("span", "24h")
    if span not in SPANS:
        span = "24h"
    names = enterprise_names(session)
    words = span_words()
    return render_template(
        "telemetry/point.html",
        found=found,
        point=found.point,
        place=place_of_point(session, scope, point_id),
        facts=facts_of_point(found, names.get(found.point.enterprise_id, ""), language),
        measure=word_of("measure", found.point.measure, language),
        quality=word_of("quality", found.latest.quality, language) if found.latest else "",
        second_values=second_values_of_point(session, scope, point_id),
        span=span,
        finest="minute" if SPANS[span] <= SPANS["30d"] else "hour" if SPANS[span] <= SPANS["1y"] else "day",
        spans=[
            {"key": key, "label": words[key], "url": f"/operation/points/{point_id}?span={key}"}
            for key in SPANS
        ],
    )


@blueprint.get("/operation/points/<int:point_id>/series")
@requires("map.read")
@web_transaction
def get_series(session: Session, point_id: int) -> ResponseReturnValue:
    """Return the curve of a point as JSON; `from` and `to` are ISO 8601, or `span` is 24h to 5y.

    In `width` buckets, or with `resolution` (reading, minute, hour, day) in buckets of just that.
    """
    begin, end = _span_asked()
    width = min(max(request.args.get("width", BUCKETS, type=int), NARROWEST), WIDEST)
    series = series_of(session, current_actor().scope, point_id, begin, end, width=width, resolution=_resolution())
    named = limit_words()
    for limit in series["limits"]:
        limit["label"] = named[limit.pop("name")]
    return jsonify(series)


@blueprint.get("/operation/points/<int:point_id>/figures.csv")
@requires("map.read")
@web_transaction
def get_figures(session: Session, point_id: int) -> ResponseReturnValue:
    """Hand out the figures of a span as a file; parameters as of the curve."""
    begin, end = _span_asked()
    point = find_point(session, current_actor().scope, point_id).point
    series = figures_of(session, point, begin, end, resolution=_resolution() or "minute")
    head = (
        gettext("Begin of the interval"), gettext("Lowest"), gettext("Highest"), gettext("Mean of the interval"),
        gettext("Last value"), gettext("Number of readings"), gettext("Share of valid readings"),
    )  # fmt: skip
    rows = [
        (
            local(datetime.fromtimestamp(row.at_s, UTC)).isoformat(timespec="seconds"), row.low, row.high, row.mean,
            row.last, row.readings, round(row.good_ratio, 4),
        )
        for row in series.rows
    ]  # fmt: skip
    note_export(session, "point_figures", len(rows))
    return csv_of(head, rows, f"point-{point_id}-{series.resolution}.csv")


def _span_asked() -> tuple[datetime, datetime]:
    end = _instant("to") or utc_now()
    return _instant("from") or end - SPANS.get(request.args.get("span", ""), SPANS["24h"]), end


def _resolution() -> Resolution | None:
    asked = request.args.get("resolution", "")
    if not asked:
        return None
    if asked not in get_args(Resolution):
        raise Invalid("series_resolution")
    return cast(Resolution, asked)


def _instant(name: str) -> datetime | None:
    given = request.args.get(name, "")
    if not given:
        return None
    try:
        said = datetime.fromisoformat(given)
        return said.replace(tzinfo=said.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError) as unreadable:
        raise Invalid("bad_time", value=given[:40]) from unreadable
