"""A window of past time is cut, packed and judged as it should be; winds, metres and QR squares are right."""

from __future__ import annotations

import base64
import re
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
import qrcode

from portal.core.errors import Invalid
from portal.home import times_rules
from portal.home.near_rules import QUIET, qr_path, rounded_m, sector_of
from portal.home.times_rules import NONE, counted, joined, pack, state_of, window_of

NOW = datetime(2026, 11, 25, 4, 10, 30, tzinfo=UTC)
LIMITS = (1.0, 1.5, 3.0, 3.5)


@pytest.mark.parametrize(("choice", "hours", "steps", "values"), [("24h", 24, 96, 24), ("7d", 168, 168, 168), ("30d", 720, 120, 120)])
def test_a_window_holds_now_and_begins_on_its_grid(choice: str, hours: int, steps: int, values: int) -> None:
    window = window_of(choice, NOW)
    assert (window.steps, window.values) == (steps, values)
    assert window.begin <= NOW < window.end == window.begin + timedelta(hours=hours)
    assert window.begin.timestamp() % window.value_s == 0


def test_another_span_is_refused_in_words() -> None:
    with pytest.raises(Invalid) as refused:
        window_of("1y", NOW)
    assert refused.value.code == "times_window"


@pytest.mark.parametrize(
    ("lowest", "highest", "state"),
    [
        (2.0, 2.9, times_rules.WITHIN), (1.4, 2.0, times_rules.LOW), (0.9, 2.0, times_rules.LOW_LOW),
        (2.0, 3.2, times_rules.HIGH), (1.4, 3.6, times_rules.HIGH_HIGH), (None, None, times_rules.UNKNOWN),
    ],
)  # fmt: skip
def test_the_worst_of_an_hour_counts_the_outer_limit_first(lowest: float | None, highest: float | None, state: int) -> None:
    assert state_of(lowest, highest, LIMITS) == state


def test_a_point_without_limits_is_never_out_of_them() -> None:
    assert state_of(-9e9, 9e9, (None, None, None, None)) == times_rules.WITHIN


def test_packed_values_come_back_within_a_131000th_of_their_range() -> None:
    values = np.random.default_rng(4).uniform(-3, 420, 24)
    packed = pack([(place, float(value), 1) for place, value in enumerate(values) if place != 5], 25)
    codes = np.frombuffer(base64.b64decode(joined([packed.codes], "<u2")), "<u2")
    back = packed.base + codes * packed.scale
    kept = [place for place in range(24) if place != 5]
    assert codes[5] == codes[24] == NONE
    assert np.abs(back[kept] - values[kept]).max() <= np.ptp(values[kept]) / 131_000
    assert pack([(0, 7.0, 1), (1, 7.0, 1)], 2).base == 7.0


def test_alarms_are_counted_in_the_step_they_began_in() -> None:
    bins = counted([(0, 1), (899, 1), (900, 4), (-5, 1), (86_400, 2)], window_of("24h", NOW))
    assert bins[0] == [2, 0, 0, 0] and bins[1] == [0, 0, 0, 1] and sum(map(sum, bins)) == 3


def test_winds_and_metres_are_said_as_people_do() -> None:
    assert [sector_of(each) for each in (0, 22.4, 22.6, 180, 337.6, 359)] == [0, 0, 1, 4, 0, 0]
    assert [rounded_m(each) for each in (4.4, 999.4, 1234)] == ["4 m", "999 m", "1.23 km"]


def test_the_squares_of_a_label_are_those_of_the_code() -> None:
    text = "https://portal.example/o/valve/%E9%98%80-01?e=3"
    size, path = qr_path(text)
    drawn = np.zeros((size, size), bool)
    for column, row, width in re.findall(r"M(\d+) (\d+)h(\d+)v1", path):
        drawn[int(row), int(column) : int(column) + int(width)] = True
    code = qrcode.QRCode(error_correction=qrcode.constants.ERROR_CORRECT_M, border=QUIET)
    code.add_data(text)
    assert (drawn == np.array(code.get_matrix())).all()
