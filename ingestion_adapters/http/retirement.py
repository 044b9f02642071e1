"""What answers of the adapter API say when its version will be retired: headers, and a notice in the body."""

from __future__ import annotations

from typing import Any

from flask import Response, g
from flask_babel import get_locale

from ingestion_adapters.http.auth import Sender
from ingestion_adapters.onboarding.interfaces import Notice
from ingestion_adapters.onboarding.notices import ToldProgram, body_of, headers_of, note_told, notice_in_force
from portal.core.web import settings


def current_notice() -> Notice | None:
    """Return the retirement of this version, None when there is none."""
    return notice_in_force(settings())


def notice_body() -> dict[str, Any] | None:
    """Return the notice as it stands in the body of an answer, None when there is none."""
    notice = current_notice()
    return None if notice is None else body_of(notice, english=str(get_locale()).startswith("en"))


def say_retirement(answer: Response) -> Response:
    """Put the headers of a retirement on an answer, and note once that the sender's program was told."""
    notice = current_notice()
    if notice is None:
        return answer
    for name, value in headers_of(notice).items():
        answer.headers[name] = value
    sender = g.get("sender")
    if isinstance(sender, Sender) and answer.status_code < 500:
        note_told(settings(), notice, ToldProgram(sender.app_id, sender.enterprise_id))
    return answer
