"""What answers of the adapter API say when its version will be retired: headers, and a notice in the body."""

from __future__ import annotations

import time
from datetime import datetime
from email.utils import format_datetime
from typing import Any

from flask import Response, g
from flask_babel import get_locale
from sqlalchemy.exc import SQLAlchemyError

from ingestion_adapters.http.auth import Sender
from ingestion_adapters.onboarding.interfaces import Notice, note_read, notice_of
from portal.core.actor import CITY
from portal.core.clock import utc_now
from portal.core.db import transaction
from portal.core.web import settings

VERSION = "v1"
PAGE = "/intake/interfaces"
KEPT_S = 5.0
TOLD_SIZE = 10_000
_kept: list[tuple[float, Notice | None]] = []
_told: set[tuple[int, str]] = set()


def current_notice() -> Notice | None:
    """Return the retirement of this version, remembered for five seconds; none while the database is away."""
    if _kept and time.monotonic() - _kept[0][0] < KEPT_S:
        return _kept[0][1]
    try:
        with transaction(settings(), CITY) as session:
            found = notice_of(session, VERSION)
    except SQLAlchemyError:
        return _kept[0][1] if _kept else None
    _kept[:] = [(time.monotonic(), found)]
    return found


def forget_notice() -> None:
    """Forget what is remembered, after an announcement."""
    _kept.clear()


def headers_of(notice: Notice) -> dict[str, str]:
    """Return Deprecation (RFC 9745), Sunset (RFC 8594) and Link of a version under retirement."""
    links = [f'<{PAGE}>; rel="deprecation"; type="text/html"', f'<{PAGE}>; rel="sunset"; type="text/html"']
    if notice.successor and notice.successor.startswith("/"):
        links.append(f'<{notice.successor}>; rel="successor-version"')
    return {
        "Deprecation": f"@{int(notice.announced_at.timestamp())}",
        "Sunset": _http_date(notice.ends_at()),
        "Link": ", ".join(links),
    }


def _http_date(at: datetime) -> str:
    return format_datetime(at, usegmt=True)


def notice_body() -> dict[str, Any] | None:
    """Return the notice as it stands in the body of an answer, None when there is none."""
    notice = current_notice()
    if notice is None:
        return None
    english = str(get_locale()).startswith("en")
    return {
        "version": notice.version,
        "retires_on": notice.retires_on.isoformat(),
        "message": notice.words_en if english else notice.words_zh,
        "successor": notice.successor,
        "link": PAGE,
    }


def say_retirement(answer: Response) -> Response:
    """Put the headers of a retirement on an answer, and note once that the sender's program was told."""
    notice = current_notice()
    if notice is None:
        return answer
    for name, value in headers_of(notice).items():
        answer.headers[name] = value
    sender = g.get("sender")
    if isinstance(sender, Sender) and answer.status_code < 500:
        _note_told(notice, sender)
    return answer


def _note_told(notice: Notice, sender: Sender) -> None:
    key = (notice.id, sender.app_id)
    if key in _told:
        return
    try:
        with transaction(settings(), CITY) as session:
            note_read(
                session,
                notice.id,
                kind="program",
                reader=sender.app_id,
                enterprise_id=sender.enterprise_id,
                now=utc_now(),
            )
    except SQLAlchemyError:
        return
    if len(_told) > TOLD_SIZE:
        _told.clear()
    _told.add(key)
