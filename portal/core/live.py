"""Live news: a NOTIFY inside the writing transaction, so that a browser hears only what is committed."""

from __future__ import annotations

import json

from sqlalchemy import text
from sqlalchemy.orm import Session

CHANNEL = "portal_live"


def announce(session: Session, kind: str, object_id: int, *, enterprise_id: int | None, adcode: str | None) -> None:
    """Tell listeners at commit that an object changed; ids only, kind one of alarm, case, incident, task, intake."""
    news = {"kind": kind, "id": object_id, "e": enterprise_id, "d": adcode}
    session.execute(text("select pg_notify(:channel, :news)"), {"channel": CHANNEL, "news": json.dumps(news)})
