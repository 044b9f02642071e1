"""The alarm engine: what readings make of the rules of one point, a batch at a time; pure.

Intake and rehearsal call `judge_batch` with the same arguments and get the same transitions. A point
holds at most one open alarm of a kind: checks of one kind share it, the gravest gives its level, and it
ends when the last of them is quiet.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby, takewhile
from typing import Any

from portal.operation.alarms.rules import (
    GOOD_QUALITIES,
    LIMITS_CHECK,
    LIVE_WITHIN_S,
    Change,
    Watch,
    delays_ms,
    expired,
    grace_ms,
    judge_series,
)
from portal.operation.limits.ruleset import Ruled

Row = tuple[int, float, int]
Hits = Mapping[str, Sequence[Any]]
BACK_FILLED = 1
CLOCK_CHECKS = ("silence", "flat")


@dataclass(frozen=True)
class CheckMemory:
    """What is remembered of one check: pending since, whether it is active, and the value it holds at."""

    since_ms: int | None = None
    active: bool = False
    value: float | None = None
    value_ms: int | None = None


@dataclass(frozen=True)
class Memory:
    """What is remembered of one point between batches."""

    watch: Watch = Watch()
    checks: Mapping[str, CheckMemory] = field(default_factory=dict)

    @property
    def idle(self) -> bool:
        """Return whether nothing is off normal."""
        return self.watch.idle and not any(each.active or each.since_ms is not None for each in self.checks.values())

    def holders(self, kinds: Mapping[str, int], kind: int) -> set[str]:
        """Return the checks of a kind that hold an alarm open."""
        found = {name for name, each in self.checks.items() if each.active and kinds[name] == kind}
        if self.watch.open_limit and kinds[LIMITS_CHECK] == kind:
            found.add(LIMITS_CHECK)
        return found


@dataclass(frozen=True)
class Batch:
    """The rows of one point in one batch, in the order of time, and what the checks say of each."""

    rows: Sequence[Row]
    flags: Sequence[int]
    hits: Hits = field(default_factory=dict)


@dataclass(frozen=True)
class Judged:
    """Transitions of the live rows, the late rows, and the new memory; None when nothing is to be kept."""

    changes: list[Change]
    late: list[Row]
    memory: Memory | None


def judge_batch(ruled: Ruled, kept: Memory | None, batch: Batch, now_ms: int) -> Judged:
    """Judge one batch of a point.

    Rows that are back-filled, older than an hour or not newer than what was judged are late. The memory
    stays while something is off normal, and an hour longer so that late rows are known as such.
    """
    # What the clock ends, it ends before the batch is seen, whether its job came first or not.
    ended, memory = run_clock(ruled, kept, now_ms) if kept else ([], Memory())
    judged_to, oldest = memory.watch.judged_to_ms, now_ms - LIVE_WITHIN_S * 1000
    live = [
        flag != BACK_FILLED and row[0] > judged_to and row[0] >= oldest
        for row, flag in zip(batch.rows, batch.flags, strict=True)
    ]
    late = [row for row, is_live in zip(batch.rows, live, strict=True) if not is_live]
    places = [place for place, is_live in enumerate(live) if is_live]
    changes, after = judge_rows(
        ruled, memory, [batch.rows[each] for each in places],
        {name: [hits[each] for each in places] for name, hits in batch.hits.items()},
    )  # fmt: skip
    changes = ended + changes
    if after.idle and not changes:
        if now_ms - judged_to > LIVE_WITHIN_S * 1000:
            return Judged(changes, late, None)
        after = Memory(Watch(judged_to_ms=judged_to))
    return Judged(changes, late, after)


def judge_rows(ruled: Ruled, memory: Memory, rows: Sequence[Row], hits: Hits) -> tuple[list[Change], Memory]:
    """Return the transitions of live rows by limits and checks, in the order of time, and the new memory."""
    changes, watch = judge_limits(ruled, memory.watch, rows)
    checks = dict(memory.checks)
    for name in hits.keys() | checks.keys():
        found, checks[name] = judge_check(ruled, name, checks.get(name, CheckMemory()), rows, hits.get(name))
        changes += found
    checks = {name: each for name, each in checks.items() if each.active or each.since_ms is not None}
    return sorted(changes, key=_order), Memory(watch, checks)


def _order(change: Change) -> tuple[int, bool, str]:
    return change.at_ms, change.action == "clear", change.check


def judge_limits(ruled: Ruled, watch: Watch, rows: Sequence[Row]) -> tuple[list[Change], Watch]:
    """Return the transitions of rows against the limits that apply at each row's time."""
    if not ruled.rules.timed:
        return judge_series(ruled.limits_of(ruled.rules.band), ruled.figures, watch, rows)
    changes: list[Change] = []
    for band, some in groupby(rows, key=lambda row: ruled.band_at(row[0])):
        found, watch = judge_series(ruled.limits_of(band), ruled.figures, watch, some)
        changes += found
    return changes, watch


def judge_check(
    ruled: Ruled, name: str, memory: CheckMemory, rows: Sequence[Row], hits: Sequence[Any] | None
) -> tuple[list[Change], CheckMemory]:
    """Return the transitions of one check; a hit is truthy, for a rate the name of its direction.

    Silence ends with any reading, a flat line with another value; both begin by the clock.
    """
    check = getattr(ruled.rules, name)
    if check is None:  # the rule was withdrawn: its alarm ends with the next reading
        if not memory.active or not rows:
            return [], CheckMemory() if rows else memory
        at_ms, value, _ = rows[0]
        return [_change("clear", at_ms, name, name, 4, value)], CheckMemory()
    on_ms, off_ms = _check_delays(ruled, name)
    changes: list[Change] = []
    for place, (at_ms, value, quality) in enumerate(rows):
        found, memory = _check_expired(ruled, name, memory, at_ms)
        changes += found
        if name != "silence" and (quality not in GOOD_QUALITIES or value != value):
            continue
        if name == "flat":
            hit: Any = memory.active and memory.value is not None and same_value(value, memory.value)
        else:
            hit = hits[place] if hits is not None else False
        # What the clock decided for a later instant is not taken back to an earlier one.
        known_ms = max(at_ms, memory.value_ms or at_ms)
        held = memory.value if name == "flat" else value
        if bool(hit) == memory.active:
            memory = CheckMemory(None, memory.active, held, known_ms)
            continue
        since = known_ms if memory.since_ms is None else memory.since_ms
        if known_ms - since < (off_ms if memory.active else on_ms):
            memory = CheckMemory(since, memory.active, held, known_ms)
            continue
        action = "clear" if memory.active else "raise"
        changes.append(_change(action, known_ms, name, hit if isinstance(hit, str) else name, check.level, value))
        memory = CheckMemory(None, not memory.active, held, known_ms)
    return changes, memory


def same_value(one: float, other: float) -> bool:
    """Return whether two values agree to four significant digits."""
    return f"{one:.4g}" == f"{other:.4g}"


def _check_delays(ruled: Ruled, name: str) -> tuple[float, float]:
    if name in CLOCK_CHECKS:
        return 0.0, 0.0
    on_ms, off_ms = delays_ms(ruled.limits, ruled.figures)
    if name == "rate":
        return 0.0, off_ms
    if name == "combined" and ruled.rules.combined:
        return ruled.rules.combined.delay_s * 1000.0, off_ms
    return on_ms, off_ms


def _check_expired(ruled: Ruled, name: str, memory: CheckMemory, at_ms: int) -> tuple[list[Change], CheckMemory]:
    """Return the transition of a check's delay that ran out without a new value."""
    if memory.since_ms is None or memory.value is None or memory.value_ms is None:
        return [], memory
    on_ms, off_ms = _check_delays(ruled, name)
    grace = grace_ms(ruled.limits.period_s)
    due_ms = round(memory.since_ms + (off_ms if memory.active else on_ms))
    if at_ms - memory.value_ms <= grace or at_ms < due_ms + grace:
        return [], memory
    due_ms = max(due_ms, memory.value_ms)
    action, level = "clear" if memory.active else "raise", getattr(ruled.rules, name).level
    after = CheckMemory(None, not memory.active, memory.value, due_ms)
    return [_change(action, due_ms, name, name, level, memory.value)], after


def run_clock(ruled: Ruled, memory: Memory, now_ms: int) -> tuple[list[Change], Memory]:
    """Return the transitions of delays that ran out until now without a new value, and the new memory."""
    change, watch = expired(ruled.limits_of(ruled.band_at(now_ms)), ruled.figures, memory.watch, now_ms)
    changes, checks = [change] if change else [], dict(memory.checks)
    for name, each in memory.checks.items():
        if getattr(ruled.rules, name) is not None:
            found, checks[name] = _check_expired(ruled, name, each, now_ms)
            changes += found
    return sorted(changes, key=_order), Memory(watch, checks)


def start_check(
    ruled: Ruled, memory: Memory, name: str, at_ms: int, value: float
) -> tuple[list[Change], Memory]:
    """Return the raising of a check that begins by the clock: silence or a flat line."""
    if memory.checks.get(name, CheckMemory()).active:
        return [], memory
    checks = {**memory.checks, name: CheckMemory(None, True, value, at_ms)}
    level = getattr(ruled.rules, name).level
    return [_change("raise", at_ms, name, name, level, value)], Memory(memory.watch, checks)


def _change(action: str, at_ms: int, check: str, limit_name: str, level: int, value: float) -> Change:
    return Change(action, at_ms, limit_name, level, value, value, check)


@dataclass(frozen=True)
class Effect:
    """What a transition of a check is to the alarm of its kind: whether no other check holds it."""

    change: Change
    kind: int
    alone: bool


def effects_of(ruled: Ruled, before: Memory, changes: Sequence[Change]) -> list[Effect]:
    """Return the transitions with the alarm kind each touches; `alone` opens the alarm or ends it."""
    kinds, found = ruled.kinds, []
    holders = {kind: before.holders(kinds, kind) for kind in set(kinds.values())}
    for change in changes:
        kind = kinds[change.check]
        others = holders[kind] - {change.check}
        found.append(Effect(change, kind, not others))
        if change.action == "raise":
            holders[kind].add(change.check)
        elif change.action == "clear":
            holders[kind].discard(change.check)
    return found


# Late rows ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Episode:
    """One stretch of time off normal: what raised it, its gravest level, its end and worst value."""

    begin: Change
    level: int
    end_ms: int
    end_value: float
    peak: float


def late_episodes(ruled: Ruled, rows: Sequence[Row]) -> list[Episode]:
    """Return the stretches off normal among late rows, judged against the limits alone."""
    low, high = ruled.rules.innermost()
    if not any(value <= low or value >= high for _, value, _ in rows):
        return []
    changes, _ = judge_limits(ruled, Watch(), rows)
    return episodes(changes, rows[-1])


def episodes(changes: Sequence[Change], last: Row) -> list[Episode]:
    """Return the stretches off normal; one without an end lasts to the last row known."""
    found = []
    for place, begin in enumerate(changes):
        if begin.action != "raise":
            continue
        inner = list(takewhile(lambda each: each.action == "escalate", changes[place + 1 :]))
        rest = changes[place + 1 + len(inner) :]
        grave = inner[-1] if inner else begin
        end = rest[0] if rest else None
        found.append(
            Episode(
                begin=begin,
                level=grave.level,
                end_ms=end.at_ms if end else last[0],
                end_value=end.value if end else last[1],
                peak=end.peak if end else grave.peak,
            )
        )
    return found
