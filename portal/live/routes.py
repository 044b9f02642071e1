"""The live stream: Server-Sent Events within the caller's scope."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from flask import Blueprint, Response, current_app, request
from flask.typing import ResponseReturnValue

from portal.core.clock import utc_now
from portal.core.errors import Upstream
from portal.core.web import current_actor, requires, settings

blueprint = Blueprint("live", __name__)
EXTENSION = "portal_live"


@blueprint.get("/live")
@requires("self")
def stream() -> ResponseReturnValue:
    """Give news of alarms, cases, incidents, tasks and intake as they are committed.

    Header `Last-Event-ID`, or `last_event_id` in the address, resumes; without it `as_of`, when the
    page was made in milliseconds, gives what came between the page and its stream. Event `missed` says that
    some of it may be lost. A stream ends when the login would be idle; the browser then asks again and is
    checked again.
    """
    exchange = current_app.extensions.get(EXTENSION)
    if exchange is None:
        raise Upstream("live_elsewhere")
    last = request.headers.get("Last-Event-ID") or request.args.get("last_event_id", "")
    ends_at = (utc_now() + timedelta(minutes=settings().idle_minutes)).timestamp()
    as_of = _time(request.args.get("as_of", ""))
    events = exchange.stream(current_actor().scope, last[:60], ends_at=ends_at, as_of=as_of)
    return Response(
        events,
        content_type="text/event-stream; charset=utf-8",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


def _time(milliseconds: str) -> datetime | None:
    """Return the time a page says it was made at; None when it says nothing usable."""
    if not (milliseconds.isascii() and milliseconds.isdigit() and len(milliseconds) <= 14):
        return None
    return datetime.fromtimestamp(int(milliseconds) / 1000, UTC)
