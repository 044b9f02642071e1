"""The alarm engine: checks beside limits, time, bad input, and random walks over it."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench._walks import START_MS, Walk, random_rows, random_rules, walk_at_random
from portal.operation.alarms.rules import AlarmFigures, Limits
from portal.operation.limits.conditions import groups_of
from portal.operation.limits.engine import Batch, CheckMemory, Memory, judge_batch, run_clock, start_check
from portal.operation.limits.hits import Trace, combined_hits, flat_runs, rate_hits, silences, state_hits
from portal.operation.limits.replay import Around, Replayed, Series, compare, replay
from portal.operation.limits.ruleset import (
    Band,
    Combined,
    Flat,
    Hours,
    Rate,
    Ruled,
    RuleSet,
    Season,
    Silence,
    State,
    ruled,
)

MIN = 60_000
BAND = Band(1.0, 1.5, 3.0, 3.5)


def bound(rules: RuleSet, *, period_s: int = 60, measure: int = 1) -> Ruled:
    """Return rules bound to a pressure point of range 0 to 10."""
    limits = Limits(range_low=0.0, range_high=10.0, period_s=period_s, measure=measure)
    return ruled(rules, limits, AlarmFigures(15, 15, 0.02))


def series(*values: float, step_ms: int = MIN, quality: int = 192, delay_ms: int = 0) -> Series:
    """Return readings a step apart, each in a batch of its own."""
    size = len(values)
    ts = START_MS + step_ms * np.arange(size)
    return Series(
        ts.astype(np.int64), np.array(values, float), np.full(size, quality, np.int16), np.zeros(size, np.int16),
        np.arange(1, size + 1), (ts + delay_ms).astype(np.int64),
    )  # fmt: skip


def told(alarms: list[Replayed]) -> list[tuple[Any, ...]]:
    """Return rule, level, minute of begin and end of each alarm."""
    return [
        (each.limit_name, each.level, (each.raised_ms - START_MS) / MIN,
         None if each.cleared_ms is None else (each.cleared_ms - START_MS) / MIN)
        for each in alarms
    ]  # fmt: skip


def found(rules: RuleSet, *values: float, until: int = 100, **more: Any) -> list[tuple[Any, ...]]:
    """Return the alarms that rules make of readings a minute apart."""
    return told(replay(bound(rules), series(*values, **more), Around(), until_ms=START_MS + until * MIN))


@pytest.mark.clause("7.2.7.3-2_2")
def test_a_deadband_of_each_direction_holds_an_alarm_until_the_value_is_well_back() -> None:
    rules = RuleSet(BAND, deadband_high=0.5, deadband_low=0.0)
    assert found(rules, 2, 3.2, 2.8, 2.6, 2.4) == [("high", 2, 1.0, 4.0)]
    assert found(rules, 2, 1.4, 1.5) == [("low", 2, 1.0, 2.0)]


def test_a_noisy_value_around_its_limit_makes_one_alarm() -> None:
    rng = random.Random(7)
    noisy = [2.0, *(3.0 + rng.uniform(-0.15, 0.15) for _ in range(400)), 2.0]
    assert len(found(RuleSet(BAND, deadband_high=0.2), *noisy, until=500)) == 1
    assert len(found(RuleSet(BAND, deadband_high=0.0), *noisy, until=500)) > 50


def test_a_rise_within_the_time_is_an_alarm_of_its_own_kind_and_a_slow_one_is_none() -> None:
    rules = RuleSet(Band(high=9.0), rate=Rate(300, 1.0, None, False, 3))
    assert found(rules, 2, 2, 3.2, 3.2, 3.2, 3.2, 3.2, 3.2) == [("rate_rise", 3, 2.0, 7.0)]
    assert found(rules, *(2 + 0.15 * each for each in range(20))) == []
    percent = RuleSet(Band(), rate=Rate(300, 30.0, 30.0, True, 3))
    assert found(percent, 100, 125, 100, 60)[0][:3] == ("rate_fall", 3, 3.0)


def test_steps_and_limits_of_one_kind_share_an_alarm_that_ends_with_the_last_of_them() -> None:
    rules = RuleSet(Band(high=5.0), rate=Rate(120, 1.0, None, False, 3))
    flow = bound(rules, measure=2)
    assert told(replay(flow, series(2, 6, 6, 6, 6, 2), Around(), until_ms=START_MS + 9 * MIN)) == [("high", 2, 1.0, 5.0)]


@pytest.mark.clause("7.2.7.3-1_2")
def test_silence_and_a_flat_line_begin_by_the_clock_and_end_with_the_next_reading() -> None:
    quiet = RuleSet(Band(), silence=Silence(300, 4))
    assert found(quiet, 2, 2, step_ms=10 * MIN, until=11) == [("silence", 4, 5.0, 10.0)]
    assert found(quiet, 2, until=11) == [("silence", 4, 5.0, None)]
    flat = RuleSet(Band(), flat=Flat(180, 4))
    assert found(flat, 2, 2.0001, 2, 2, 2, 2.1) == [("flat", 4, 3.0, 5.0)]


def test_a_wider_outage_keeps_a_single_points_silence_quiet() -> None:
    point = bound(RuleSet(Band(), silence=Silence(300, 4)))
    around = Around(outages=[(START_MS, START_MS + 60 * MIN)])
    assert replay(point, series(2), around, until_ms=START_MS + 20 * MIN) == []


def test_a_state_change_is_an_alarm_unless_a_work_order_covers_it() -> None:
    valve = bound(RuleSet(state=State((1,), 2)), measure=6)
    shut = series(1, 0, 0, 1)
    assert told(replay(valve, shut, Around(), until_ms=START_MS + 9 * MIN)) == [("state", 2, 1.0, 3.0)]
    covered = Around(orders=[(START_MS, START_MS + 2 * MIN)])
    assert replay(valve, shut, covered, until_ms=START_MS + 9 * MIN) == []
    some = State((0, 2), 2)
    values = np.array([0.0, 1.0, 2.0])
    assert state_hits(np.arange(3), values, np.ones(3, bool), some, []).tolist() == [False, True, False]


def test_combined_conditions_join_points_by_and_and_or_and_an_old_value_meets_nothing() -> None:
    groups = groups_of("this > 2 and (B > 5 or C < 1)")
    own, good = np.array([3.0, 3.0, 1.0, 3.0]), np.ones(4, bool)
    b = Trace(np.array([0, 60_000]), np.array([6.0, 4.0]), np.array([1, 2]), 90_000)
    at = np.array([0, 60_000, 60_000, 200_000])
    values = {"B": b.at(at, np.array([9, 9, 9, 9])), "C": np.full(4, np.nan)}
    assert combined_hits(groups, own, good, values).tolist() == [True, False, False, False]
    assert b.at(np.array([60_000]), np.array([1])).tolist() == [6.0]
    rules = RuleSet(Band(), combined=Combined(groups_of("this > 2 and this < 3"), 3, 0))
    assert found(rules, 1, 2.5, 2.5, 4)[0] == ("combined", 3, 1.0, 3.0)


def test_seasons_replace_limits_and_hours_switch_them() -> None:
    every_day = ("01-01", "12-31")
    rules = RuleSet(BAND, seasons=(Season(*every_day, Band(high=5.0)),))
    assert found(rules, 2, 4, 4, 2) == []
    at = bound(RuleSet(BAND, hours=(Hours((1, 2, 3, 4, 5, 6, 7), 0, 1),)))
    assert at.band_at(START_MS) in (Band(), BAND)
    never = Hours((1,), 0, 1)
    assert not never.holds(2, 0)
    night = Hours((5,), 22 * 60, 6 * 60)
    assert night.holds(5, 23 * 60)
    assert night.holds(6, 60)
    assert not night.holds(5, 60)
    winter = Season("11-15", "03-15", BAND)
    assert winter.holds("01-01")
    assert not winter.holds("06-01")


def test_a_dangerous_value_that_is_the_last_one_still_alarms_when_its_delay_runs_out() -> None:
    fast = bound(RuleSet(BAND, on_delay_s=15, off_delay_s=15), period_s=5)
    first = judge_batch(fast, None, Batch([(START_MS, 9.0, 192)], [0]), START_MS)
    assert first.changes == []
    assert first.memory is not None
    assert run_clock(fast, first.memory, START_MS + 60_000)[0] == []
    changes, after = run_clock(fast, first.memory, START_MS + 80_000)
    assert [(each.action, each.at_ms - START_MS, each.level) for each in changes] == [("raise", 15_000, 1)]
    again = judge_batch(fast, after, Batch([(START_MS + 90_000, 9.0, 192)], [0]), START_MS + 90_000)
    assert again.changes == []
    in_one = judge_batch(fast, first.memory, Batch([(START_MS + 90_000, 9.0, 192)], [0]), START_MS + 90_000)
    assert [each.at_ms - START_MS for each in in_one.changes] == [15_000]


@pytest.mark.parametrize("value", [1e308, -1e308, float("inf"), float("nan")])
def test_absurd_values_break_limits_or_are_no_values_and_never_break_the_engine(value: float) -> None:
    rules = RuleSet(BAND, rate=Rate(300, 30.0, 30.0, True, 3))
    alarms = found(rules, 2, value, -value, 2)
    assert bool(alarms) == bool(np.isfinite(value))


def test_a_clock_that_jumps_ahead_and_back_makes_late_rows_of_what_lies_before() -> None:
    point = bound(RuleSet(BAND))
    ahead = judge_batch(point, None, Batch([(START_MS + 4 * MIN, 9.0, 192)], [0]), START_MS)
    assert [each.action for each in ahead.changes] == ["raise"]
    back = judge_batch(point, ahead.memory, Batch([(START_MS + MIN, 2.0, 192)], [0]), START_MS + MIN)
    assert (back.changes, len(back.late)) == ([], 1)
    later = judge_batch(point, back.memory, Batch([(START_MS + 5 * MIN, 2.0, 192)], [0]), START_MS + 5 * MIN)
    assert [each.action for each in later.changes] == ["clear"]


def test_a_check_that_is_withdrawn_ends_its_alarm_with_the_next_reading() -> None:
    before = Memory(checks={"rate": CheckMemory(active=True)})
    judged = judge_batch(bound(RuleSet(BAND)), before, Batch([(START_MS, 2.0, 192)], [0]), START_MS)
    assert [(each.action, each.check) for each in judged.changes] == [("clear", "rate")]


def test_a_check_that_holds_an_alarm_is_not_begun_twice() -> None:
    quiet = bound(RuleSet(silence=Silence(300, 4)))
    _, memory = start_check(quiet, Memory(), "silence", START_MS, 2.0)
    assert start_check(quiet, memory, "silence", START_MS + MIN, 2.0)[0] == []


def test_runs_and_gaps_are_told_from_whole_arrays() -> None:
    ts, good = np.arange(6) * MIN, np.ones(6, bool)
    values = np.array([1.0, 1.0, 1.0, 2.0, 2.0, 2.0])
    assert flat_runs(ts, values, good, 2 * MIN) == [(2 * MIN, 3 * MIN, 1.0), (5 * MIN, None, 2.0)]
    assert silences(np.array([0, MIN, 20 * MIN]), 5 * MIN, 21 * MIN) == [(6 * MIN, 20 * MIN, 1)]
    assert not rate_hits(ts[:1], values[:1], good[:1], Rate(300, 1.0, 1.0, False, 3)).any()


def test_a_comparison_tells_added_removed_kept_and_changed_alarms() -> None:
    one = Replayed(11, 2, "high", 3.1, 1000, 2000)
    moved, other = Replayed(11, 1, "high_high", 3.6, 1500, 2500), Replayed(12, 3, "rate_rise", 3.0, 1000, 2000)
    assert [each.outcome for each in compare([one], [one], 9000)] == ["kept"]
    assert [each.outcome for each in compare([one], [moved], 9000)] == ["changed"]
    assert {each.outcome for each in compare([one], [other], 9000)} == {"added", "removed"}


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**9))
def test_no_random_walk_reaches_an_illegal_state_or_loses_an_alarm(seed: int) -> None:
    walk_at_random(seed, steps=10)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**9))
def test_history_replayed_gives_the_alarms_that_were_made_live(seed: int) -> None:
    rng = random.Random(seed)
    walk = Walk(random_rules(rng))
    for _ in range(12):
        walk.tick(rng.choice((5, 60, 300)))
        walk.send(random_rows(rng, walk))
    walk.tick(0)
    if walk.ruled.rules.silence is None and walk.ruled.rules.flat is None:
        walk.replayed_alike()
