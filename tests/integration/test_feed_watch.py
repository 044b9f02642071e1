"""The watching job: states, one line for a silence, news, and the monitor page that shows them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from ingestion_adapters.models import IntakeHour
from ingestion_adapters.quality.feed_watch import watch_feeds
from ingestion_adapters.quality.models import FeedHour, FeedSilence, FeedState
from portal.core.clock import utc_now
from tests.factories import make_enterprise, make_point
from tests.people import browser_of, make_person


def sent(session: Session, enterprise_id: int, at: datetime, rows: int = 12) -> None:
    """Count a batch as the doors do."""
    hour = at.replace(minute=0, second=0, microsecond=0)
    figures = {"batches": 1, "rows": rows, "accepted": rows, "last_at": at}
    session.merge(IntakeHour(enterprise_id=enterprise_id, dataset="RT", hour=hour, **figures))
    session.flush()


def state(session: Session, enterprise_id: int) -> FeedState:
    session.expire_all()
    return session.get_one(FeedState, (enterprise_id, "RT"))


@pytest.mark.clause("7.2.4.1-e_2")
@pytest.mark.clause("7.2.3.1-t_1")
def test_a_silent_feed_makes_one_line_that_ends_with_the_next_batch(db: Session, now: datetime) -> None:
    own = make_enterprise(db)
    make_point(db, own)
    sent(db, own.id, now)
    watch_feeds(db, now)
    assert state(db, own.id).state == "running"
    assert state(db, own.id).interval_s == 300 and state(db, own.id).expected_an_hour == 12
    for seconds in (460, 475, 490):
        watch_feeds(db, now + timedelta(seconds=seconds))
    lines = db.scalars(select(FeedSilence).where(FeedSilence.enterprise_id == own.id)).all()
    assert [(each.dataset, each.began_at, each.ended_at) for each in lines] == [("RT", now, None)]
    assert lines[0].noticed_at - now <= timedelta(seconds=2 * 300)
    assert state(db, own.id).since == now
    sent(db, own.id, now + timedelta(seconds=600))
    watch_feeds(db, now + timedelta(seconds=605))
    db.expire_all()
    assert db.scalars(select(FeedSilence.ended_at).where(FeedSilence.enterprise_id == own.id)).all() == [
        now + timedelta(seconds=600)
    ]


def test_expected_rows_follow_the_points_and_leave_past_hours_alone(db: Session, now: datetime) -> None:
    # Hours are written once: later than any hour that other tests have had watched.
    now += timedelta(days=3650)
    own = make_enterprise(db)
    make_point(db, own)
    watch_feeds(db, now)
    make_point(db, own, period_s=60)
    watch_feeds(db, now + timedelta(hours=1))
    rows = db.execute(select(FeedHour.hour, FeedHour.expected).where(FeedHour.enterprise_id == own.id))
    found = {row.hour: row.expected for row in rows}
    running = (now + timedelta(hours=1)).replace(minute=0)
    assert found[running] == 72 and found[running - timedelta(hours=1)] == 12


@pytest.mark.clause("3.1-10_1")
def test_the_monitor_shows_silent_and_missing_feeds(app: Flask, committed: Callable[..., object]) -> None:
    at = utc_now() - timedelta(hours=2)

    def work(session: Session) -> tuple[str, object]:
        own = make_enterprise(session)
        make_point(session, own)
        sent(session, own.id, at)
        watch_feeds(session, at)
        watch_feeds(session, utc_now())
        return own.short_name, browser_of(session, app, make_person(session, app))

    name, browser = committed(work)  # type: ignore[misc]
    page = browser.get("/intake?trouble=1").text
    assert name in page and "接入中断" in page and "从未上报" in page
    assert browser.get("/intake?dataset=ALM&after=%00&enterprise=999999").status_code == 200
    hour = at.strftime("%Y-%m-%dT%H:00:00Z")
    assert browser.get(f"/intake/receipts?hour={hour}").status_code == 200
    assert browser.get("/intake/receipts?hour=no").status_code == 200
