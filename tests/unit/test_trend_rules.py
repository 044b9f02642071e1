"""What an address of trends says, and curves that lose no spike and hide no doubt."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from portal.core.errors import Invalid
from portal.operation.telemetry.rules import Figures
from portal.operation.trends.forms import parse_asked
from portal.operation.trends.rules import (
    Columns,
    as_answer,
    columns_of_figures,
    columns_of_readings,
    panes_of,
    spans_of,
    year_before,
)

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
GOOD_SHARE = 0.9


def curve(
    values: list[float], *, quality: list[int] | None = None, flag: list[int] | None = None, step_s: int = 60
) -> Columns:
    """Return the curve of a reading each 10 s."""
    size = len(values)
    made = columns_of_readings(
        np.arange(size, dtype=np.int64) * 10_000 + 6_000_000,
        np.array(values, float),
        np.array(quality or [192] * size, np.int16),
        np.array(flag or [0] * size, np.int16),
        step_s,
        GOOD_SHARE,
    )
    assert made is not None
    return made


def test_an_address_names_panes_and_each_point_once() -> None:
    assert panes_of("12,15;18,12;;x,-3,99999999999") == [[12, 15], [18]]


def test_a_span_ends_now_and_two_instants_stand_still() -> None:
    live = parse_asked({"p": "1", "span": "7d"}, NOW)
    assert (live.begin, live.end, live.span) == (NOW - timedelta(days=7), NOW, "7d")
    still = parse_asked({"p": "1", "from": "1764400000", "to": "2025-11-30T12:00:00+08:00", "cmp": "year"}, NOW)
    assert (still.begin.timestamp(), still.end) == (1764400000, datetime(2025, 11, 30, 4, tzinfo=UTC))
    assert still.last_year and still.span == ""


@pytest.mark.parametrize(
    "said",
    [{"from": "2", "to": "1"}, {"from": "never", "to": "1"}, {"p": ",".join(map(str, range(1, 18)))}],
    ids=["backward", "unreadable", "seventeen points"],
)
def test_nonsense_is_refused(said: dict[str, str]) -> None:
    with pytest.raises(Invalid):
        parse_asked(said, NOW)


def test_the_same_day_a_year_before_the_leap_day_is_the_28th() -> None:
    assert year_before(datetime(2028, 2, 29, tzinfo=UTC)) == datetime(2027, 2, 28, tzinfo=UTC)


def test_a_single_spike_is_the_highest_of_its_bucket() -> None:
    values = [2.0] * 600
    values[317] = 97.25
    made = curve(values, step_s=600)
    answer = as_answer(made)
    assert answer["sum"]["max"] == 97.25
    assert max(made.high[~np.isnan(made.high)]) == 97.25
    assert answer["hi"] is made.high


def test_bad_values_show_but_are_doubtful_and_never_the_lowest_or_highest() -> None:
    made = curve([2.0] * 12 + [50.0] * 6 + [2.0] * 6, quality=[192] * 12 + [24] * 6 + [192] * 6)
    assert made.mean.tolist() == [2.0, 2.0, 50.0, 2.0]
    assert made.doubtful.tolist() == [False, False, True, False]
    assert as_answer(made)["sum"]["max"] == 2.0
    assert as_answer(made)["q"] == [[2, 2]]


def test_an_estimate_is_doubtful_and_a_back_filled_value_is_marked() -> None:
    made = curve([2.0] * 18, flag=[0] * 6 + [3] * 6 + [1] * 6)
    assert spans_of(made.doubtful) == [[1, 1]]
    assert spans_of(made.late) == [[2, 2]]


def test_buckets_that_are_missing_stay_empty() -> None:
    figures = [Figures(0.0, 1.0, 3.0, 2.0, 2.0, 10, 10), Figures(7200.0, 1.0, 1.0, 1.0, 1.0, 10, 5)]
    made = columns_of_figures(figures, 3600, GOOD_SHARE)
    assert np.isnan(made.mean[1]) and made.readings.tolist() == [10, 0, 10]
    assert made.doubtful.tolist() == [False, False, True]


def test_no_reading_is_an_empty_curve() -> None:
    assert as_answer(None)["v"] == []
