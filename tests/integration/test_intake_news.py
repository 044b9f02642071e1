"""News of intake goes with the rows: what was rolled back is not told, and silences no batch after it."""

from __future__ import annotations

import json
from contextlib import suppress
from itertools import count

import pytest
from sqlalchemy import text

from ingestion_adapters.intake import announce_intake
from portal.config import Settings
from portal.core.actor import CITY
from portal.core.db import engine_for, transaction
from portal.core.live import CHANNEL

_senders = count(900_000)


def told(settings: Settings, sender: int, *batches: tuple[int, str]) -> list[int]:
    """Announce batches, each with how its transaction ends; return the receipts a listener heard of."""
    with engine_for(settings.app_database_url).connect() as connection:
        connection.execute(text(f"listen {CHANNEL}"))
        connection.commit()
        driver = connection.connection.driver_connection
        for receipt, end in batches:
            with suppress(RuntimeError), transaction(settings, CITY, worker=True) as session:
                part = session.begin_nested()
                announce_intake(session, sender, receipt)
                if end == "tried":
                    part.rollback()
                if end == "broken":
                    raise RuntimeError
        connection.execute(text("select 1"))
        driver.poll()  # type: ignore[union-attr]
        news = [json.loads(each.payload) for each in driver.notifies]  # type: ignore[union-attr]
        connection.execute(text(f"unlisten {CHANNEL}"))
        connection.commit()
    return [each["id"] for each in news if each["e"] == sender]


@pytest.mark.parametrize("end", ["tried", "broken"])
def test_a_batch_that_left_nothing_does_not_silence_the_next(settings: Settings, end: str) -> None:
    assert told(settings, next(_senders), (1, end), (2, "kept")) == [2]


def test_two_batches_within_a_second_are_told_once(settings: Settings) -> None:
    assert told(settings, next(_senders), (1, "kept"), (2, "kept")) == [1]
