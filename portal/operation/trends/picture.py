"""A picture of trends as the browser draws it and as a file: curves, last year's, weather, limits and alarms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from flask_babel import gettext
from sqlalchemy.orm import Session

from portal.core.actor import Scope
from portal.core.clock import local
from portal.core.codes import word_of
from portal.operation.telemetry.models import Point
from portal.operation.telemetry.queries import LIMITS
from portal.operation.trends.forms import Asked
from portal.operation.trends.queries import (
    Curve,
    alarms_between,
    curves_of,
    limits_then,
    points_named,
    points_within,
    weather_points,
)
from portal.operation.trends.rules import Columns, as_answer, year_before


@dataclass(frozen=True)
class Line:
    """One curve of the picture: what it is, by how much it was moved to lie over the others, and its columns."""

    point: Point
    role: str
    curve: Curve
    shift_s: int = 0


def lines_of(session: Session, scope: Scope, asked: Asked) -> list[Line]:
    """Return the curves of a picture: the points asked for, the same a year before, the outdoor air."""
    known = points_within(session, scope, asked.points)
    own = [known[number] for number in asked.points if number in known]
    lines = _drawn(session, own, (asked.begin, asked.end), asked.width, "own")
    if asked.weather:
        numbers = [each for each in weather_points(session, scope, asked.points) if each not in known]
        weather = points_within(session, scope, numbers)
        lines += _drawn(session, list(weather.values()), (asked.begin, asked.end), asked.width, "weather")
    if asked.last_year:
        then = year_before(asked.begin), year_before(asked.end)
        shift_s = round((asked.begin - then[0]).total_seconds())
        lines += [
            Line(line.point, "last_year", line.curve, shift_s)
            for line in _drawn(session, own, then, asked.width, "last_year")
        ]
    return lines


def _drawn(
    session: Session, points: Sequence[Point], span: tuple[datetime, datetime], width: int, role: str
) -> list[Line]:
    curves = curves_of(session, points, *span, width=width)
    return [Line(point, role, curve) for point, curve in zip(points, curves, strict=True)]


def picture_of(session: Session, scope: Scope, asked: Asked, language: str) -> dict[str, Any]:
    """Return what the browser draws: curves as columns, limits as they were, alarms of the span."""
    lines = lines_of(session, scope, asked)
    own = [line.point.id for line in lines if line.role == "own"]
    alarms, more = alarms_between(session, scope, own, asked.begin, asked.end)
    return {
        "from": round(asked.begin.timestamp()),
        "to": round(asked.end.timestamp()),
        "series": [
            as_answer(line.curve.columns)
            | {"id": line.point.id, "role": line.role, "shift": line.shift_s, "from": line.curve.resolution}
            for line in lines
        ],
        "points": points_shown(session, [line.point.id for line in lines if line.role != "last_year"], language),
        "limits": limits_shown(session, own, asked.begin, asked.end),
        "alarms": [_alarm_shown(row, language) for row in alarms],
        "more_alarms": more,
    }


def points_shown(session: Session, ids: Sequence[int], language: str) -> list[dict[str, Any]]:
    """Return points as legends and the search show them."""
    return [
        {
            "id": row.id, "name": row.name or row.src_code, "code": row.src_code, "object": row.object_name,
            "measure": word_of("measure", row.measure, language), "unit": row.unit, "enterprise": row.enterprise,
            "period": row.period_s,
        }
        for row in points_named(session, ids)
    ]  # fmt: skip


def limits_shown(session: Session, ids: Sequence[int], begin: datetime, end: datetime) -> list[dict[str, Any]]:
    """Return the limits of points as lines from an instant to another, s since 1970."""
    found: list[dict[str, Any]] = []
    for row in limits_then(session, ids, begin, end):
        since = row.since or begin
        until = min(row.valid_to or end, end)
        for name, kind, level in LIMITS:
            value = getattr(row, name)
            if value is not None and until > since:
                found.append(
                    {
                        "id": row.point_id, "name": name, "kind": kind, "level": level, "v": value,
                        "from": round(since.timestamp()), "to": round(until.timestamp()),
                    }
                )  # fmt: skip
    return found


def _alarm_shown(row: Any, language: str) -> dict[str, Any]:
    return {
        "id": row.alarm_id, "point": row.point_id, "level": row.level, "kind": word_of("alarm_kind", row.kind, language),
        "at": round(row.raised_at.timestamp()), "to": round(row.cleared_at.timestamp()) if row.cleared_at else None,
        "v": row.value if row.peak_value is None else row.peak_value, "historical": row.historical,
    }  # fmt: skip


def table_of(session: Session, scope: Scope, asked: Asked, language: str) -> tuple[list[str], list[list[Any]]]:
    """Return the picture as a table: head, and a row for each instant with mean, lowest, highest and state of each curve."""
    lines = [line for line in lines_of(session, scope, asked) if line.curve.columns is not None]
    named = {each["id"]: each for each in points_shown(session, [line.point.id for line in lines], language)}
    head = [gettext("Time")]
    cells: dict[int, dict[int, list[Any]]] = {}
    for place, line in enumerate(lines):
        point = named[line.point.id]
        title = f"{point['object']} {point['name']}" + (f" ({gettext('last year')})" if line.role == "last_year" else "")
        head += [
            f"{title} {word} ({point['unit']})" for word in (gettext("mean"), gettext("lowest"), gettext("highest"))
        ]
        head.append(f"{title} {gettext('State of the data')}")
        assert line.curve.columns is not None
        for at_s, four in _rows(line.curve.columns):
            cells.setdefault(at_s + line.shift_s, {})[place] = four
    empty: list[Any] = [None] * 4
    rows = [
        [_city_time(at_s), *(cell for place in range(len(lines)) for cell in some.get(place, empty))]
        for at_s, some in sorted(cells.items())
    ]
    return head, rows


def _rows(columns: Columns) -> list[tuple[int, list[Any]]]:
    found = []
    for place in np.flatnonzero(columns.readings).tolist():
        values = [columns.mean[place], columns.low[place], columns.high[place]]
        words = [gettext("doubtful")] if columns.doubtful[place] else []
        words += [gettext("back-filled")] if columns.late[place] else []
        shown = [None if np.isnan(each) else round(float(each), 6) for each in values]
        found.append((columns.begin_s + columns.step_s * place, [*shown, ", ".join(words) or gettext("good")]))
    return found


def _city_time(at_s: int) -> str:
    return local(datetime.fromtimestamp(at_s, UTC)).strftime("%Y-%m-%d %H:%M:%S")
