"""Newest values in a burst of batches: folded together, soon, and after a process was ended too."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.orm import Session

from ingestion_adapters.http.docs_page import SAMPLES
from portal.config import Settings
from portal.core.actor import CITY, Scope
from portal.core.clock import utc_now
from portal.core.db import transaction
from portal.operation.telemetry import newest as folding
from portal.operation.telemetry.models import Point
from portal.operation.telemetry.newest import fold_waiting
from portal.operation.telemetry.services import store_readings
from tests.factories import make_enterprise, make_point
from tests.integration.test_intake_api import Program
from tests.readings import RECEIVED, TODAY, block_of, ms_of

BURST_S = 3600.0


def newest(session: Session, point: Point) -> float | None:
    return session.scalar(text("select value from latest where point_id = :p"), {"p": point.id})


def waiting(session: Session, point: Point) -> int:
    asked = text("select count(*) from latest_due where enterprise_id = :e")
    return int(session.scalar(asked, {"e": point.enterprise_id}) or 0)


def sent(session: Session, point: Point, minute: int, value: float, every_s: float = BURST_S) -> None:
    store_readings(session, block_of(point, [ms_of(TODAY, minute)], [value]), every_s)


def test_the_first_batch_of_a_burst_is_folded_at_once_the_others_together(db: Session) -> None:
    point = make_point(db, make_enterprise(db))
    sent(db, point, 1, 1.5)
    assert (newest(db, point), waiting(db, point)) == (1.5, 0)
    sent(db, point, 3, 3.5)
    sent(db, point, 2, 2.5)
    assert (newest(db, point), waiting(db, point)) == (1.5, 2)
    fold_waiting(db, utc_now())
    assert (newest(db, point), waiting(db, point)) == (3.5, 0)


def test_a_batch_that_may_not_wait_takes_those_along_that_do(db: Session) -> None:
    point = make_point(db, make_enterprise(db))
    for minute in (1, 2, 3):
        sent(db, point, minute, float(minute))
    sent(db, point, 0, 9.0, every_s=0.0)
    assert (newest(db, point), waiting(db, point)) == (3.0, 0)
    asked = text("select count(*) from rollup_due where hour = :h")
    assert db.scalar(asked, {"h": RECEIVED}) == 1


def test_a_revised_reading_is_newest_though_its_former_value_waited(db: Session) -> None:
    point = make_point(db, make_enterprise(db))
    sent(db, point, 1, 1.0)
    sent(db, point, 2, 2.0)
    store_readings(db, block_of(point, [ms_of(TODAY, 2)], [7.0], flag=4), BURST_S)
    fold_waiting(db, utc_now())
    assert newest(db, point) == 7.0


def test_a_batch_with_a_known_reading_is_folded_at_once_too(app: Flask, settings: Settings, tmp_path: Path) -> None:
    program = Program(app, settings, tmp_path)
    network = [SAMPLES["Node"], SAMPLES["Node"] | {"src_code": "J0002"}, SAMPLES["Station"], SAMPLES["Point"]]
    assert program.records("NET", *network).json["accepted"] == 4
    code, ms = SAMPLES["Point"]["src_code"], int(utc_now().timestamp() * 1000) - 10_000
    for values in ([0.31], [0.31, 0.33]):
        # As if the batch before had come long ago: this one has the turn to be folded at once.
        folding.give_turn_back(program.enterprise_id)
        count = len(values)
        body = {"points": [code], "p": [0] * count, "t": [ms + 1000 * each for each in range(count)], "v": values}
        assert program.push("RT", json.dumps(body).encode()).json["accepted"] == 1
    latest = "select count(*) from latest l join point p on p.id = l.point_id where p.enterprise_id = :e and l.value = 0.33"
    assert program.count(latest) == 1


@pytest.mark.clause("7.2.4.1-e_2")
def test_what_waits_is_folded_a_moment_after_its_commit(settings: Settings, committed: Callable[..., Any]) -> None:
    point = committed(lambda session: make_point(session, make_enterprise(session)))
    for minute in (1, 2, 3):
        committed(lambda session, minute=minute: sent(session, point, minute, float(minute)))
    end = time.monotonic() + 20
    found: float | None = None
    while found != 3.0 and time.monotonic() < end:
        time.sleep(0.1)
        with transaction(settings, CITY) as session:
            found = newest(session, point)
    assert found == 3.0


def test_an_enterprise_folds_and_notes_its_own_only(settings: Settings, committed: Callable[..., Any]) -> None:
    mine, other = (committed(lambda session: make_point(session, make_enterprise(session))) for _ in range(2))
    own = Scope(enterprise_ids=frozenset({mine.enterprise_id}))
    with transaction(settings, own, worker=True) as session:
        sent(session, mine, 1, 1.0)
        sent(session, mine, 2, 2.0)
        assert waiting(session, mine) == 1
    with pytest.raises(ProgrammingError), transaction(settings, own, worker=True) as session:
        sent(session, other, 1, 1.0)
    with transaction(settings, Scope(enterprise_ids=frozenset({other.enterprise_id})), worker=True) as session:
        assert waiting(session, mine) == 0
        fold_waiting(session, utc_now() + timedelta(seconds=1))


def test_the_web_role_neither_reads_nor_writes_what_waits(settings: Settings) -> None:
    for statement in ("select * from latest_due", "delete from latest_due", "select fold_latest()"):
        with pytest.raises(ProgrammingError), transaction(settings, CITY) as session:
            session.execute(text(statement))
