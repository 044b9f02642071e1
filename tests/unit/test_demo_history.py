"""The demo's readings: believable shapes, episodes where planted, live continuing history."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime
from functools import cache

import numpy as np
import pytest

from ingestion_adapters.contract import DailySupply
from ingestion_adapters.demo import history
from ingestion_adapters.demo.daily import last_gas_day, supply_of
from ingestion_adapters.demo.dataset import records
from ingestion_adapters.demo.demand import DAY_MS, flow_m3_per_h
from ingestion_adapters.demo.episodes import Episode, city_points, live_excursion
from ingestion_adapters.demo.network import ENTERPRISE_KEYS

END = datetime(2026, 11, 25, 3, 2, tzinfo=UTC)


@cache
def last_days() -> history.Block:
    """Return the last nine days of history as one block."""
    blocks = list(history.history_blocks(END, days=9))
    names = history.Block.__dataclass_fields__
    return history.Block(
        *(np.concatenate([getattr(block, name) for block in blocks]) for name in names)
    )


def planted(kind: str) -> list[Episode]:
    """Return the planted episodes of one kind within the nine days."""
    begin, end = history.history_window(END, 9)
    found = history.planted_episodes(END, 9)
    return [e for e in found if e.kind == kind and e.begin_ms >= begin and e.end_ms <= end]


def during(episode: Episode) -> np.ndarray:
    """Return the rows of the block that belong to an episode's point and time."""
    block = last_days()
    inside = (block.t_ms >= episode.begin_ms) & (block.t_ms < episode.end_ms)
    return np.nonzero(inside & (block.point_index == episode.point_index))[0]


def number_of(what: str) -> int:
    """Return the number of the first point of a kind."""
    return next(index for index, plan in enumerate(city_points()) if plan.what == what)


def hourly(index: int) -> np.ndarray:
    """Return a point's mean value in each local hour of the nine days."""
    block = last_days()
    mine = block.point_index == index
    hour = (block.t_ms[mine] // 3_600_000 + 8) % 24
    return np.array([block.value[mine][hour == h].mean() for h in range(24)])


def test_thirty_days_give_about_thirteen_million_readings() -> None:
    block = history.block_between(0, DAY_MS)
    assert 0.99 * 432_000 < len(block) <= 432_000
    begin, end = history.history_window(END)
    assert end - begin == 30 * DAY_MS
    assert end <= END.timestamp() * 1000


def test_flow_is_low_at_night_and_high_in_the_evening() -> None:
    flow = hourly(number_of("瞬时流量"))
    assert flow[2:5].max() < 0.75 * flow[17:20].min()


def test_pressure_falls_when_demand_rises() -> None:
    pressure = hourly(number_of("末端压力"))
    assert pressure[18] < pressure[3]


def test_tank_level_runs_down_and_is_filled_within_its_limits() -> None:
    block = last_days()
    level = block.value[block.point_index == number_of("1号储罐液位")]
    assert level.max() > 60 > 45 > level.min()
    assert level.min() > 20
    assert level.max() < 85
    assert (np.diff(level) < 0.3).mean() > 0.75


def test_readings_break_limits_only_where_trouble_was_planted() -> None:
    block = last_days()
    limits = np.array([[np.nan if v is None else v for v in plan.limits] for plan in city_points()])
    beyond = (block.value > limits[block.point_index, 2]) | (
        block.value < limits[block.point_index, 1]
    )
    troubled: dict[int, list[Episode]] = {}
    for episode in history.planted_episodes(END, 9):
        troubled.setdefault(episode.point_index, []).append(episode)
    rows = np.nonzero(beyond)[0]
    assert len(rows) > 100
    for row in rows:
        spans = troubled.get(int(block.point_index[row]), [])
        assert any(e.begin_ms <= block.t_ms[row] < e.end_ms for e in spans)


def test_leaks_stay_over_the_limit_for_hours() -> None:
    leaks = planted("leak")
    assert leaks
    for episode in leaks:
        values = last_days().value[during(episode)]
        assert (values > 1.0).sum() * 300 > 3600
        assert values.max() == pytest.approx(episode.size, rel=0.1)


def test_excursions_cross_their_limit() -> None:
    for kind, beyond in (("high", np.greater), ("low", np.less)):
        for episode in planted(kind):
            limits = city_points()[episode.point_index].limits
            assert beyond(
                last_days().value[during(episode)], limits[2 if kind == "high" else 1]
            ).any()


def test_outages_leave_gaps() -> None:
    assert planted("outage")
    assert all(len(during(episode)) == 0 for episode in planted("outage"))


def test_late_readings_carry_flag_and_delay() -> None:
    block = last_days()
    for episode in (*planted("late"), *planted("gateway_late")[::50]):
        rows = during(episode)
        assert (block.flag[rows] == 1).all()
        assert (block.delay_s[rows] > 0).all()
    assert ((block.delay_s > 0) == (block.flag == 1)).all()


def test_frozen_sensors_do_not_move_and_bad_ones_say_so() -> None:
    block = last_days()
    for episode in planted("frozen"):
        assert len(np.unique(block.value[during(episode)])) == 1
    for episode in planted("bad"):
        assert (block.quality[during(episode)] == int(episode.size)).all()


def test_live_values_are_the_values_of_history() -> None:
    block = last_days()
    for row in range(17, len(block), len(block) // 60):
        sample = history.value_at(int(block.point_index[row]), int(block.t_ms[row]))
        assert sample.present
        assert (sample.value, sample.quality, sample.flag) == (
            block.value[row],
            block.quality[row],
            block.flag[row],
        )


def test_curves_are_continuous_over_midnight() -> None:
    midnight = int(datetime(2026, 11, 20, 16, tzinfo=UTC).timestamp() * 1000)
    before, after = flow_m3_per_h("YCRQ", np.array([midnight - 1000, midnight + 1000]))
    assert after == pytest.approx(before, rel=0.001)


def test_same_day_twice_is_the_same_block() -> None:
    first, second = (history.block_between(0, DAY_MS) for _ in range(2))
    assert first.value.tobytes() == second.value.tobytes()


def test_what_an_enterprise_reads_is_its_part_of_the_city() -> None:
    whole, parts = history.block_between(0, DAY_MS), [history.block_between(0, DAY_MS, owner=key) for key in ENTERPRISE_KEYS]
    assert whole.value.tobytes() == b"".join(part.value.tobytes() for part in parts)
    assert whole.point_index.tobytes() == b"".join(part.point_index.tobytes() for part in parts)


def test_every_kind_of_trouble_is_planted_in_a_month() -> None:
    kinds = Counter(episode.kind for episode in history.planted_episodes(END))
    assert set(kinds) == {"leak", "high", "low", "outage", "late", "gateway_late", "frozen", "bad"}
    assert 5 <= kinds["leak"] <= 10


def test_live_excursions_are_the_same_for_all_programs() -> None:
    assert live_excursion(3_000_000) == live_excursion(3_000_000)
    assert live_excursion(3_000_000).begin_ms // 600_000 == 3_000_000


def test_a_gas_day_ends_at_eight_in_the_morning() -> None:
    assert last_gas_day(datetime(2026, 11, 24, 23, 59, tzinfo=UTC)) == date(2026, 11, 23)
    assert last_gas_day(datetime(2026, 11, 25, 0, 0, tzinfo=UTC)) == date(2026, 11, 24)


def test_daily_supply_agrees_with_the_gate_and_lng_flow() -> None:
    day = date(2026, 11, 23)
    supply = supply_of("YCRQ", day)
    start = int(datetime(2026, 11, 23, 0, tzinfo=UTC).timestamp() * 1000)
    plans = city_points()
    meters = [
        i
        for i, p in enumerate(plans[:730])
        if p.what in ("瞬时流量", "外输流量") and p.owner[0] == "station"
    ]
    values = history.calm_values(np.array(meters), np.arange(start, start + DAY_MS, 300_000))
    assert values.mean(axis=1).sum() * 24 == pytest.approx(supply.purchased_m3, rel=0.01)


def test_sixty_days_of_supply_lose_a_believable_share() -> None:
    days = [r for r in records("JBRQ", "DAY", now=END) if isinstance(r, DailySupply)]
    assert len(days) == 60
    assert len({r.gas_day for r in days}) == 60
    for r in days:
        loss = 1 - (r.sold_m3 + (r.own_use_m3 or 0)) / r.purchased_m3
        assert 0.015 < loss < 0.04
