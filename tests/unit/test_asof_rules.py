"""Which instant a past day means, and what the map refuses to guess."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from gis.asof import moment_asked, past_source
from gis.tiles.layer import BASE_LAYERS, NETWORK_LAYERS, VectorLayer
from portal.core.errors import Invalid

NOW = datetime(2026, 11, 25, 4, 0, tzinfo=UTC)


def test_a_day_means_its_close_in_the_city() -> None:
    asked = moment_asked("2026-10-01", NOW)
    assert asked is not None and asked.whole_day
    assert asked.at == datetime(2026, 10, 1, 16, 0, tzinfo=UTC)
    assert asked.day.isoformat() == "2026-10-01"


@pytest.mark.parametrize("words", [None, "", "2026-11-25"])
def test_nothing_and_today_mean_the_present(words: str | None) -> None:
    assert moment_asked(words, NOW) is None


@pytest.mark.parametrize(
    ("words", "hour"), [("2026-11-25T10:30", 2.5), ("2026-11-25T10:30:00+08:00", 2.5), ("2026-11-25T02:30Z", 2.5)]
)
def test_an_instant_is_city_time_unless_it_says_otherwise(words: str, hour: float) -> None:
    asked = moment_asked(words, NOW)
    assert asked is not None and not asked.whole_day
    assert asked.at == datetime(2026, 11, 25, tzinfo=UTC) + timedelta(hours=hour)


NO_DAYS = ("2026-13-01", "yesterday", "2026-02-30", "'; drop table gas_pipe", "0001-01-01", "0001-01-01T00:00+23:00")


@pytest.mark.parametrize("words", NO_DAYS)
def test_what_is_no_day_is_refused(words: str) -> None:
    with pytest.raises(Invalid, match="map_day_unreadable"):
        moment_asked(words, NOW)


@pytest.mark.parametrize("words", ["2026-11-26", "2026-11-25T12:01", "9999-12-31"])
def test_what_is_to_come_is_refused(words: str) -> None:
    with pytest.raises(Invalid, match="map_day"):
        moment_asked(words, NOW)


def test_only_tables_with_history_have_a_past() -> None:
    assert "gas_pipe_history" in past_source("gas_pipe t")
    for source in ("app_user t", "gas_pipe t; drop table gas_pipe"):
        with pytest.raises(KeyError):
            past_source(source)


def test_the_ground_is_the_same_on_every_day_and_live_layers_have_no_past() -> None:
    assert BASE_LAYERS[0].at_a_past_day() is BASE_LAYERS[0]
    assert VectorLayer("live", "x t", "t.a", "live").at_a_past_day() is None
    past = NETWORK_LAYERS[0].at_a_past_day()
    assert past is not None and "gas_pipe_history" in past.source and past.keep(10) == NETWORK_LAYERS[0].keep(10)
