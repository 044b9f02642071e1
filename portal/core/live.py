"""Live news: a NOTIFY inside the writing transaction, so that a browser hears only what is committed."""

from __future__ import annotations

import json

from sqlalchemy import text
from sqlalchemy.orm import Session

CHANNEL = "portal_live"


def news_of(kind: str, object_id: int, *, enterprise_id: int | None, adcode: str | None) -> str:
    """Return the text of one piece of news: ids only, kind one of alarm, case, incident, task, intake."""
    return json.dumps({"kind": kind, "id": object_id, "e": enterprise_id, "d": adcode})


def announce(session: Session, kind: str, object_id: int, *, enterprise_id: int | None, adcode: str | None) -> None:
    """Tell listeners at commit that an object changed."""
    news = news_of(kind, object_id, enterprise_id=enterprise_id, adcode=adcode)
    session.execute(text("select pg_notify(:channel, :news)"), {"channel": CHANNEL, "news": news})
