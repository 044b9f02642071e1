"""The map's past time: one answer for a window, out of which the browser shows every moment by itself."""

from __future__ import annotations

import gzip
import json
import math

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from portal.core.clock import utc_now
from portal.core.errors import Invalid
from portal.core.web import current_actor, requires, web_transaction
from portal.home.area_queries import within_time
from portal.home.times_queries import Box, alarms, cases, pressures, shut_valves
from portal.home.times_rules import counted, window_of

GZIP_LEVEL = 4

blueprint = Blueprint("map_times", __name__)


@blueprint.get("/map/times")
@requires("map.read")
@web_transaction
def get_times(session: Session) -> ResponseReturnValue:
    """Return pressures, alarms, cases and closed valves of a `window` (24h, 7d, 30d) inside a `box` W,S,E,N."""
    actor = current_actor()
    window = window_of(request.args.get("window", "24h"), utc_now())
    box = _box(request.args.get("box", ""))
    answer = {
        "begin": int(window.begin.timestamp()), "seconds": window.seconds,
        "step": window.step_s, "value": window.value_s, "now": int(utc_now().timestamp()),
    }  # fmt: skip
    with within_time(session):
        points = pressures(session, actor.scope, window, box)
        stood = alarms(session, actor.scope, window, box) if actor.may("alarm.read") else None
        ran = cases(session, actor.scope, window, box) if actor.may("case.read") else None
        valves = shut_valves(session, actor.scope, window, box)
    bins = counted(stood.pop("begins"), window) if stood else None
    return _packed(answer | {"points": points, "alarms": stood, "cases": ran, "valves": valves, "bins": bins})


def _packed(answer: dict[str, object]) -> Response:
    body = json.dumps(answer, ensure_ascii=False, separators=(",", ":")).encode()
    if request.accept_encodings.quality("gzip") <= 0:
        return Response(body, content_type="application/json", headers={"Vary": "Accept-Encoding"})
    headers = {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
    return Response(gzip.compress(body, GZIP_LEVEL, mtime=0), content_type="application/json", headers=headers)


def _box(words: str) -> Box:
    try:
        west, south, east, north = (float(part) for part in words.split(","))
    except ValueError as wrong:
        raise Invalid("times_box", value=words[:60]) from wrong
    inside = -180 <= west < east <= 180 and -90 <= south < north <= 90
    if not inside or not all(map(math.isfinite, (west, south, east, north))):
        raise Invalid("times_box", value=words[:60])
    return west, south, east, north
