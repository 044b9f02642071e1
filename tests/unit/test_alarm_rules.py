"""The limit check: delays, deadband, levels, quality, and batches cut anywhere."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from portal.operation.alarms.rules import (
    AlarmFigures,
    Limits,
    Watch,
    broken_limit,
    deadband,
    is_live,
    judge_series,
    kind_of,
    state_of,
)

LIMITS = Limits(1.0, 1.5, 3.5, 4.0, 0.0, 10.0, period_s=5, measure=1)
SLOW = Limits(1.0, 1.5, 3.5, 4.0, 0.0, 10.0, period_s=300, measure=1)
FIGURES = AlarmFigures(15, 15, 0.02)


def judged(limits: Limits, *rows: tuple[int, float] | tuple[int, float, int]) -> list[str]:
    """Return action and second of each transition, such as `raise@15`."""
    full = [(row[0] * 1000, row[1], row[2] if len(row) > 2 else 192) for row in rows]
    changes, _ = judge_series(limits, FIGURES, Watch(), full)
    return [f"{each.action}@{each.at_ms // 1000}" for each in changes]


def test_level_follows_the_limit_that_is_broken() -> None:
    names = [broken_limit(LIMITS, value) for value in (0.5, 1.2, 2.0, 3.8, 4.5)]
    assert names == ["low_low", "low", None, "high", "high_high"]


def test_concentration_breaks_its_limit_on_reaching_it() -> None:
    gas = Limits(high=20, high_high=50, measure=3)
    assert broken_limit(gas, 20) == "high"
    assert broken_limit(LIMITS, 3.5) is None


def test_nothing_is_raised_before_the_on_delay_has_passed() -> None:
    assert judged(LIMITS, (0, 3.8), (5, 3.8), (10, 3.8)) == []
    assert judged(LIMITS, (0, 3.8), (5, 3.8), (10, 3.8), (15, 3.8)) == ["raise@15"]


def test_a_spike_shorter_than_the_on_delay_is_forgotten() -> None:
    assert judged(LIMITS, (0, 3.8), (10, 3.0), (15, 3.8), (25, 3.8)) == []


def test_a_slow_point_raises_at_its_first_value_over_the_limit() -> None:
    assert judged(SLOW, (0, 2.0), (300, 3.8)) == ["raise@300"]


def test_a_value_inside_the_deadband_does_not_clear() -> None:
    assert deadband(SLOW, 0.02) == 0.2
    assert judged(SLOW, (0, 3.8), (300, 3.4), (600, 3.35)) == ["raise@0"]
    assert judged(SLOW, (0, 3.8), (300, 3.3)) == ["raise@0", "clear@300"]


def test_bad_quality_neither_raises_nor_clears() -> None:
    assert judged(SLOW, (0, 9.0, 24)) == []
    assert judged(SLOW, (0, 3.8), (300, 2.0, 0), (600, 2.0, 64)) == ["raise@0"]
    assert judged(SLOW, (0, float("nan"))) == []


def test_a_graver_limit_escalates_the_same_alarm_and_keeps_its_worst_value() -> None:
    rows = [(0, 3.8, 192), (300_000, 4.5, 192), (600_000, 3.9, 192), (900_000, 2.0, 192)]
    changes, watch = judge_series(SLOW, FIGURES, Watch(), rows)
    assert [(each.action, each.level) for each in changes] == [
        ("raise", 2), ("escalate", 1), ("clear", 1),
    ]  # fmt: skip
    assert changes[-1].peak == 4.5
    assert watch.idle


def test_kinds_and_states() -> None:
    assert [kind_of(each) for each in (1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 99)] == [
        11, 13, 16, 14, 15, 18, 26, 27, 17, 17, 22, 22,
    ]  # fmt: skip
    table = [(False, False), (True, False), (False, True), (True, True)]
    assert [state_of(acknowledged=a, cleared=c) for a, c in table] == [1, 2, 3, 4]


def test_back_filled_late_or_judged_readings_are_not_live() -> None:
    now = 10_000_000
    assert is_live(at_ms=now - 1000, judged_to_ms=0, backfilled=False, now_ms=now)
    assert not is_live(at_ms=now - 1000, judged_to_ms=0, backfilled=True, now_ms=now)
    assert not is_live(at_ms=now - 3_601_000, judged_to_ms=0, backfilled=False, now_ms=now)
    assert not is_live(at_ms=now - 1000, judged_to_ms=now, backfilled=False, now_ms=now)


READINGS = st.lists(
    st.tuples(
        st.integers(1, 30),
        st.sampled_from([0.5, 1.2, 1.6, 2.5, 3.4, 3.6, 4.2]),
        st.sampled_from([192, 192, 192, 216, 0, 64]),
    ),
    max_size=60,
)


@given(READINGS, st.lists(st.integers(0, 60), max_size=6), st.sampled_from([5, 300]))
def test_batches_cut_anywhere_give_the_same_alarms(
    steps: list[tuple[int, float, int]], cuts: list[int], period_s: int
) -> None:
    at, rows = 0, []
    for gap, value, quality in steps:
        at += gap * 1000
        rows.append((at, value, quality))
    limits = Limits(1.0, 1.5, 3.5, 4.0, 0.0, 10.0, period_s=period_s)
    whole, end = judge_series(limits, FIGURES, Watch(), rows)
    pieces, watch, begin = [], Watch(), 0
    for cut in [*sorted(cuts), len(rows)]:
        changes, watch = judge_series(limits, FIGURES, watch, rows[begin:cut])
        pieces += changes
        begin = max(begin, cut)
    assert pieces == whole
    assert watch == end


@given(READINGS)
def test_raise_and_clear_alternate_and_escalation_only_happens_in_between(
    steps: list[tuple[int, float, int]],
) -> None:
    rows = [(n * 20_000, value, quality) for n, (_, value, quality) in enumerate(steps)]
    changes, watch = judge_series(LIMITS, FIGURES, Watch(), rows)
    is_open = False
    for each in changes:
        assert is_open == (each.action != "raise")
        is_open = each.action != "clear"
    assert is_open == (watch.open_limit is not None)
