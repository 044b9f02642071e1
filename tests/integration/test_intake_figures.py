"""The limits of a reading's time are parameters: a change of one holds for the next batches."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import text

from ingestion_adapters import store_readings
from portal.config import Settings
from portal.core.actor import CITY
from portal.core.clock import utc_now
from portal.core.db import transaction
from tests.integration.test_intake_api import Program


@pytest.fixture
def future_limit(settings: Settings) -> Iterator[None]:
    """Let readings lie an hour in the future for one test."""
    _set(settings, 3600)
    yield
    _set(settings, 300)


def _set(settings: Settings, seconds: float) -> None:
    with transaction(settings, CITY, worker=True) as session:
        session.execute(text("update parameter set value = :s where key = 'intake.future_s'"), {"s": seconds})
    store_readings._catalogues.clear()  # another process would follow within five seconds


def test_a_changed_limit_of_the_future_holds_for_the_next_batch(
    app: Flask, settings: Settings, tmp_path: Path, future_limit: None
) -> None:
    program = Program(app, settings, tmp_path)
    station = {"type": "STA", "src_code": "S", "kind": 2, "lon": 104.06, "lat": 30.65}
    point = {"type": "PNT", "src_code": "S.1", "object_code": "S", "measure": 1, "unit": "kPa", "lon": 104.06, "lat": 30.65}
    assert program.records("NET", station, point).status_code == 200
    ahead = [(utc_now() + timedelta(minutes=minutes)).isoformat() for minutes in (30, 90)]

    answer = program.records("RT", *({"point": "S.1", "t": at, "v": 2.0} for at in ahead)).json

    assert (answer["accepted"], answer["rejected"]) == (1, 1)
    found = answer["rejections"][0]
    assert (found["row"], found["code"]) == (1, "E_FUTURE")
    assert "3600" in found["message"]
