"""Late, repeated and revised readings through the adapter API: flags, packed days, second values."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from ingestion_adapters.backfill.models import BackfillRequest
from portal.config import Settings
from portal.core.actor import CITY
from portal.core.clock import utc_now
from portal.core.db import transaction
from tests.integration.test_intake_api import NODE, SAMPLES, Program
from tests.readings import TODAY, pack, roll_all

POINT = "MZ01.PT101"


@pytest.fixture
def metered(app: Flask, settings: Settings, tmp_path: Path) -> Program:
    """Give a program whose enterprise has a station with one point."""
    program = Program(app, settings, tmp_path)
    answer = program.records("NET", NODE, NODE | {"src_code": "J0002"}, SAMPLES["Station"], SAMPLES["Point"])
    assert answer.json["accepted"] == 4
    return program


def row(day: date, minute: int, value: float, flag: str = "N") -> dict[str, Any]:
    """Return one reading of a UTC day as an enterprise sends it."""
    at = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(minutes=minute)
    return {"point": POINT, "t": at.isoformat(), "v": value, "f": flag}


def let_in(program: Program, day: date) -> None:
    """Approve the late readings of a UTC day."""
    begin = datetime(day.year, day.month, day.day, tzinfo=UTC)
    span = {"enterprise_id": program.enterprise_id, "begin_at": begin, "end_at": begin + timedelta(days=1)}
    words = {"state": "approved", "opened_how": "person", "opened_by": "t", "reason": "t", "decided_at": utc_now()}
    with transaction(program.settings, CITY, worker=True) as session:
        session.add(BackfillRequest(**span, **words))


def stored(program: Program, columns: str, order: str = "ts", table: str = "reading_all") -> list[tuple[Any, ...]]:
    """Return columns of what is stored of the program's point."""
    with transaction(program.settings, CITY, worker=True) as session:
        found = session.execute(
            text(
                f"select {columns} from {table} where point_id in"
                f" (select id from point where enterprise_id = :e) order by {order}"
            ),
            {"e": program.enterprise_id},
        )
        return [tuple(each) for each in found]


@pytest.mark.clause("7.2.3.1-t_2")
def test_what_comes_later_than_taken_automatically_is_flagged_back_filled(metered: Program) -> None:
    days = [(TODAY - timedelta(days=8), "N"), (TODAY - timedelta(days=8), "M"), (TODAY - timedelta(days=5), "N")]
    answer = metered.records("RT", *(row(day, place, 300.0, flag) for place, (day, flag) in enumerate(days)))
    assert answer.json["accepted"] == 3
    assert [each[0] for each in stored(metered, "flag")] == [1, 2, 0]


@pytest.mark.parametrize("packed", [False, True])
def test_repeated_late_and_revised_readings_come_through_the_door(metered: Program, packed: bool) -> None:
    day = TODAY - timedelta(days=60 + packed)
    let_in(metered, day)
    first = metered.records("RT", row(day, 0, 300.0), row(day, 1, 301.0))
    assert first.json["accepted"] == 2
    if packed:
        with transaction(metered.settings, CITY, worker=True) as session:
            assert pack(session, day) == 2
        assert not stored(metered, "ts", table="reading")
    second = metered.records("RT", row(day, 0, 300.0), row(day, 1, 399.0), row(day, 2, 302.0))
    assert (second.json["accepted"], second.json["duplicate"]) == (1, 2)
    assert [each[0] for each in stored(metered, "value")] == [300.0, 301.0, 302.0]
    revised = metered.records("RT", row(day, 1, 305.0, "R"))
    assert (revised.json["accepted"], revised.json["duplicate"]) == (1, 0)
    assert stored(metered, "value, flag") == [(300.0, 1), (305.0, 4), (302.0, 1)]
    kept = stored(metered, "kind, first_value, second_value", "id", "reading_conflict")
    assert kept == [("refused", 301.0, 399.0), ("revised", 301.0, 305.0)]
    with transaction(metered.settings, CITY, worker=True) as session:
        roll_all(session)
    assert stored(metered, "readings, high, last", "hour", "reading_hour") == [(3, 305.0, 302.0)]
