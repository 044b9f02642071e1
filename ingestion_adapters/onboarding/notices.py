"""The notice of a retirement as programs are told of it at every door, and that they were told."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from ingestion_adapters.onboarding.interfaces import Notice, note_read, notice_of
from portal.config import Settings
from portal.core.actor import CITY
from portal.core.clock import utc_now
from portal.core.db import transaction

VERSION = "v1"
PAGE = "/intake/interfaces"
KEPT_S = 5.0
TOLD_SIZE = 10_000
_kept: list[tuple[float, Notice | None]] = []
_told: set[tuple[int, str]] = set()


@dataclass(frozen=True)
class ToldProgram:
    """The program that is told: its app id, or the door it uses and its enterprise."""

    reader: str
    enterprise_id: int


def notice_in_force(settings: Settings) -> Notice | None:
    """Return the retirement of this version, remembered for five seconds; the last known while the database is away."""
    if _kept and time.monotonic() - _kept[0][0] < KEPT_S:
        return _kept[0][1]
    try:
        with transaction(settings, CITY) as session:
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


def body_of(notice: Notice, *, english: bool) -> dict[str, Any]:
    """Return a notice as it stands in an answer or a receipt."""
    return {
        "version": notice.version,
        "retires_on": notice.retires_on.isoformat(),
        "message": notice.words_en if english else notice.words_zh,
        "successor": notice.successor,
        "link": PAGE,
    }


def receipt_notice(settings: Settings, told: ToldProgram, *, english: bool = False) -> dict[str, Any]:
    """Return what a receipt outside HTTP says of a retirement: `{"notice": …}`, or nothing; note who was told."""
    notice = notice_in_force(settings)
    if notice is None:
        return {}
    note_told(settings, notice, told)
    return {"notice": body_of(notice, english=english)}


def note_told(settings: Settings, notice: Notice, told: ToldProgram) -> None:
    """Note once that a program was told."""
    key = (notice.id, told.reader)
    if key in _told:
        return
    try:
        with transaction(settings, CITY) as session:
            note_read(
                session,
                notice.id,
                kind="program",
                reader=told.reader,
                enterprise_id=told.enterprise_id,
                now=utc_now(),
            )
    except SQLAlchemyError:
        return
    if len(_told) > TOLD_SIZE:
        _told.clear()
    _told.add(key)
