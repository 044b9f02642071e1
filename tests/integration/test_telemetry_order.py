"""Any order and repetition of the same readings leaves the same tables."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.orm import Session

from portal.config import Settings
from portal.core.actor import CITY
from portal.core.clock import utc_now
from portal.core.db import engine_for, hand_over_scope
from portal.operation.telemetry.models import Point
from portal.operation.telemetry.newest import fold_waiting
from portal.operation.telemetry.services import store_readings
from tests.factories import make_enterprise, make_point
from tests.readings import TODAY, block_of, ms_of, pack, roll_all

FIRST, SECOND = TODAY - timedelta(days=51), TODAY - timedelta(days=52)
MOMENTS = [ms_of(day, minute) for day in (SECOND, FIRST) for minute in (0, 1, 59, 60, 61, 719, 960, 1439)]


@pytest.fixture(scope="module")
def open_session(settings: Settings) -> Iterator[Session]:
    """Give a session over the whole city for many examples; each rolls back to a savepoint."""
    with Session(engine_for(settings.worker_database_url), expire_on_commit=False) as session:
        session.begin()
        hand_over_scope(session, settings, CITY)
        roll_all(session)
        yield session
        session.rollback()


def tables_of(session: Session, point: Point) -> list[list[tuple[object, ...]]]:
    """Return all that is stored and derived of a point."""
    return [
        [tuple(row) for row in session.execute(text(statement), {"p": point.id})]
        for statement in (
            "select ts, value, receipt_id, quality, flag, delay_s from reading_all where point_id = :p order by ts",
            "select ts, value, quality, flag from latest where point_id = :p",
            "select hour, low, high, mean, last, readings, valid, in_time, in_limits from reading_hour where point_id = :p order by 1",
            "select starts_at_h, day, low, high, mean, last, readings, valid, in_time, in_limits from reading_day where point_id = :p"
            " order by 1, 2",
        )
    ]


@examples(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_any_order_and_repetition_of_rows_gives_the_same_tables(open_session: Session, data: st.DataObject) -> None:
    session = open_session
    undo = session.begin_nested()
    enterprise = make_enterprise(session)
    plain, shuffled = (make_point(session, enterprise, period_s=60) for _ in range(2))
    sent = data.draw(st.lists(st.sampled_from(MOMENTS), min_size=1, unique=True))
    values = [data.draw(st.sampled_from([0.0, 1.25, 2.5, 3.1, 9.999, 11.0])) for _ in sent]
    store_readings(session, block_of(plain, sent, values))
    known = dict(zip(sent, values, strict=True))
    batches = data.draw(st.lists(st.lists(st.sampled_from(sent), min_size=1, unique=True), max_size=5))
    for batch in [*batches, sent]:
        in_burst = data.draw(st.sampled_from([0.0, 3600.0]))
        store_readings(session, block_of(shuffled, batch, [known[each] for each in batch]), in_burst)
        if data.draw(st.booleans()):
            roll_all(session)
        if data.draw(st.booleans()):
            for day in data.draw(st.sampled_from([(FIRST,), (SECOND,), (FIRST, SECOND)])):
                pack(session, day)
    fold_waiting(session, utc_now())
    roll_all(session)
    expected, found = tables_of(session, plain), tables_of(session, shuffled)
    assert [len(rows) for rows in found] == [len(rows) for rows in expected]
    assert found == expected
    undo.rollback()
