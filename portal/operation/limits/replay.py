"""The past replayed: what alarms the rules of a point make of its stored readings; pure, by the engine of intake."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from portal.operation.alarms.rules import LIMITS_CHECK, MERGE_WITHIN_S, Change
from portal.operation.limits.engine import (
    Batch,
    Effect,
    Memory,
    effects_of,
    judge_batch,
    late_episodes,
    run_clock,
    start_check,
)
from portal.operation.limits.hits import (
    Trace,
    combined_hits,
    flat_runs,
    good_values,
    rate_hits,
    silences,
    state_hits,
    step_names,
)
from portal.operation.limits.ruleset import Ruled
from portal.operation.limits.screening import screen

Ints = NDArray[np.int64]
NO_INTS = np.empty(0, np.int64)


@dataclass(frozen=True)
class Series:
    """Readings of one point in order of receipt and time; arrays of one length."""

    ts_ms: Ints = field(default_factory=lambda: NO_INTS)
    value: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    quality: NDArray[np.int16] = field(default_factory=lambda: np.empty(0, np.int16))
    flag: NDArray[np.int16] = field(default_factory=lambda: np.empty(0, np.int16))
    receipt: Ints = field(default_factory=lambda: NO_INTS)
    received_ms: Ints = field(default_factory=lambda: NO_INTS)

    @property
    def in_order(self) -> bool:
        """Return whether no reading came in after a later one."""
        return bool((np.diff(self.ts_ms) >= 0).all())

    def taken(self, places: NDArray[Any]) -> Series:
        """Return the readings at places."""
        return Series(*(each[places] for each in vars(self).values()))

    def trace(self, oldest_ms: int) -> Trace:
        """Return the good readings as other points' conditions look at them."""
        order = np.argsort(self.ts_ms, kind="stable")
        order = order[good_values(self.value, self.quality)[order]]
        return Trace(self.ts_ms[order], self.value[order], self.receipt[order], oldest_ms)


@dataclass(frozen=True)
class Around:
    """What beside a point's own readings its rules look at: other points, work orders, wider outages."""

    others: Mapping[str, Trace] = field(default_factory=dict)
    orders: Sequence[tuple[int, int]] = ()
    outages: Sequence[tuple[int, int]] = ()


@dataclass
class Replayed:
    """One alarm as the rules make it; `cleared_ms` None while it goes on."""

    kind: int
    level: int
    limit_name: str
    value: float
    raised_ms: int
    cleared_ms: int | None = None
    historical: bool = False


@dataclass
class Ledger:
    """Alarms of one point being made: one open alarm of a kind, late ones beside."""

    limits_kind: int
    alarms: list[Replayed] = field(default_factory=list)
    open: dict[int, Replayed] = field(default_factory=dict)

    def take(self, effects: Sequence[Effect]) -> None:
        """Apply transitions as the live engine writes them."""
        for effect in effects:
            change, present = effect.change, self.open.get(effect.kind)
            if change.action == "raise" and present is None:
                self._open(effect.kind, change)
            elif present is not None and change.action in ("raise", "escalate"):
                present.level = min(present.level, change.level)
            elif present is not None and change.action == "clear" and effect.alone:
                present.cleared_ms = change.at_ms
                del self.open[effect.kind]

    def _open(self, kind: int, change: Change) -> None:
        made = Replayed(kind, change.level, change.limit_name, change.value, change.at_ms)
        self.alarms.append(made)
        self.open[kind] = made

    def take_late(self, ruled: Ruled, rows: Sequence[tuple[int, float, int]]) -> None:
        """Add the alarms of late readings that no alarm covers yet."""
        gap = 1000 * MERGE_WITHIN_S
        for each in late_episodes(ruled, rows):
            begin, end = each.begin.at_ms, each.end_ms
            near = [
                alarm
                for alarm in self.alarms
                if alarm.kind == self.limits_kind
                and alarm.raised_ms <= end + gap
                and (alarm.cleared_ms is None or alarm.cleared_ms >= begin - gap)
            ]
            known = max(near, key=lambda alarm: alarm.raised_ms, default=None)
            if known is None:
                first = each.begin
                self.alarms.append(
                    Replayed(self.limits_kind, each.level, first.limit_name, first.value, begin, end, historical=True)
                )
            elif known.historical and known.cleared_ms is not None and end > known.cleared_ms:
                known.cleared_ms = end


def replay(ruled: Ruled, series: Series, around: Around, *, until_ms: int, clock: bool = True) -> list[Replayed]:
    """Return the alarms that the rules make of a point's readings, in the order they are raised.

    Batches are those in which the readings came in; `clock` leaves out what begins by the clock.
    """
    ledger = Ledger(ruled.kinds[LIMITS_CHECK])
    if not series.ts_ms.size:
        return []
    good = good_values(series.value, series.quality)
    hits = _hits(ruled, series, good, around)
    low, high = screen(ruled.rules)
    marks = good & ((series.value <= low) | (series.value >= high))
    for each in hits.values():
        marks |= each != 0
    starts = np.flatnonzero(np.append(True, series.receipt[1:] != series.receipt[:-1]))
    timed = _by_clock(ruled, series, good, around, until_ms) if clock else []
    begins = _grouped(timed, starts, series.ts_ms)
    wanted = np.unique(np.append(np.searchsorted(starts, np.flatnonzero(marks), "right") - 1, list(begins)))
    if not wanted.size:
        return []
    bounds = [*starts.tolist(), series.ts_ms.size]
    memory = _batches(ruled, _Rows(series, hits, bounds), wanted.astype(int).tolist(), begins, ledger)
    if memory is not None:
        changes, _ = run_clock(ruled, memory, until_ms)
        ledger.take(effects_of(ruled, memory, changes))
    return sorted(ledger.alarms, key=lambda each: (each.raised_ms, each.kind))


class _Rows:
    """The readings batch by batch, as the engine takes them; columns become lists once."""

    def __init__(self, series: Series, hits: Mapping[str, NDArray[Any]], bounds: list[int]) -> None:
        self.bounds = bounds
        self._rows = list(zip(series.ts_ms.tolist(), series.value.tolist(), series.quality.tolist(), strict=True))
        self._flags, self._received = series.flag.tolist(), series.received_ms.tolist()
        self._hits: dict[str, Sequence[Any]] = {
            name: step_names(each) if name == "rate" else each.tolist() for name, each in hits.items()
        }

    def batch(self, place: int) -> tuple[Batch, int]:
        """Return one batch and when it came in, ms."""
        part = slice(self.bounds[place], self.bounds[place + 1])
        hits = {name: each[part] for name, each in self._hits.items()}
        return Batch(self._rows[part], self._flags[part], hits), max(self._received[part])


def _batches(
    ruled: Ruled, rows: _Rows, wanted: list[int], begins: Mapping[int, list[tuple[str, int, float]]], ledger: Ledger
) -> Memory | None:
    """Judge the batches that may change anything; return what is remembered at the end."""
    memory: Memory | None = None
    place, last = wanted[0], len(rows.bounds) - 1
    while place < last:
        if memory is None:
            at = bisect_left(wanted, place)
            if at == len(wanted):
                return None
            place = wanted[at]
        batch, now_ms = rows.batch(place)
        judged = judge_batch(ruled, memory, batch, now_ms)
        ledger.take(effects_of(ruled, memory or Memory(), judged.changes))
        if judged.late:
            ledger.take_late(ruled, judged.late)
        memory = judged.memory
        for name, at_ms, value in begins.get(place, ()):
            before = memory or Memory()
            changes, memory = start_check(ruled, before, name, at_ms, value)
            ledger.take(effects_of(ruled, before, changes))
        place += 1
    return memory


def _hits(ruled: Ruled, series: Series, good: NDArray[np.bool_], around: Around) -> dict[str, NDArray[Any]]:
    """Return what steps, conditions and states say of each reading."""
    rules = ruled.rules
    found: dict[str, NDArray[Any]] = {}
    if rules.rate:
        found["rate"] = _steps(ruled, series, good)
    if rules.combined:
        others = {code: trace.at(series.ts_ms, series.receipt) for code, trace in around.others.items()}
        found["combined"] = combined_hits(rules.combined.groups, series.value, good, others)
    if rules.state:
        found["state"] = state_hits(series.ts_ms, series.value, good, rules.state, around.orders)
    return found


def _steps(ruled: Ruled, series: Series, good: NDArray[np.bool_]) -> NDArray[np.int8]:
    rate = ruled.rules.rate
    assert rate is not None
    if series.in_order:
        return rate_hits(series.ts_ms, series.value, good, rate)
    found = np.zeros(series.ts_ms.size, np.int8)
    starts = np.flatnonzero(np.append(True, series.receipt[1:] != series.receipt[:-1]))
    for begin, end in zip(starts.tolist(), [*starts[1:].tolist(), series.ts_ms.size], strict=True):
        first = int(series.ts_ms[begin])
        seen = series.ts_ms[:begin]
        before = np.flatnonzero((seen < first) & (seen >= first - 1000 * rate.over_s) & good[:begin])
        before = before[np.argsort(seen[before], kind="stable")]
        places = np.append(before, np.arange(begin, end))
        found[begin:end] = rate_hits(series.ts_ms[places], series.value[places], good[places], rate)[before.size :]
    return found


def _by_clock(
    ruled: Ruled, series: Series, good: NDArray[np.bool_], around: Around, until_ms: int
) -> list[tuple[int, str, int, float]]:
    """Return what begins by the clock: place of the reading after which it is known, check, instant, value."""
    rules, order = ruled.rules, np.argsort(series.ts_ms, kind="stable")
    at, found = series.ts_ms[order], []
    if rules.silence:
        for known_ms, _, place in silences(at, 1000 * rules.silence.after_s, until_ms):
            if not any(begin <= known_ms < end for begin, end in around.outages):
                found.append((int(order[place]), "silence", known_ms, float(series.value[order[place]])))
    if rules.flat:
        for known_ms, _, value in flat_runs(at, series.value[order], good[order], 1000 * rules.flat.for_s):
            place = int(order[np.searchsorted(at, known_ms, "left")])
            found.append((place, "flat", known_ms, value))
    return found


def _grouped(
    timed: Sequence[tuple[int, str, int, float]], starts: Ints, ts_ms: Ints
) -> dict[int, list[tuple[str, int, float]]]:
    found: dict[int, list[tuple[str, int, float]]] = {}
    for place, name, at_ms, value in sorted(timed, key=lambda each: each[2]):
        batch = int(np.searchsorted(starts, place, "right")) - 1
        found.setdefault(batch, []).append((name, at_ms, value))
    return found


# Comparing ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Compared:
    """One alarm of the comparison: added, removed, kept or changed."""

    outcome: str
    alarm: Replayed


def compare(before: Sequence[Replayed], after: Sequence[Replayed], until_ms: int) -> list[Compared]:
    """Return what a change of rules does to the alarms of a point.

    Kept: the same kind, begin, end and level. Changed: one of the same kind that overlaps it in time.
    Added and removed have no counterpart; of changed ones the new form is given.
    """
    identical = {_key(each) for each in before} & {_key(each) for each in after}
    old = [each for each in before if _key(each) not in identical]
    found = [Compared("kept", each) for each in after if _key(each) in identical]
    matched: set[int] = set()
    for each in after:
        if _key(each) in identical:
            continue
        partners = [place for place, other in enumerate(old) if _overlap(each, other, until_ms)]
        matched.update(partners)
        found.append(Compared("changed" if partners else "added", each))
    found += [Compared("removed", each) for place, each in enumerate(old) if place not in matched]
    return sorted(found, key=lambda each: each.alarm.raised_ms)


def _key(alarm: Replayed) -> tuple[Any, ...]:
    return alarm.kind, alarm.raised_ms, alarm.cleared_ms, alarm.level, alarm.historical


def _overlap(one: Replayed, other: Replayed, until_ms: int) -> bool:
    if one.kind != other.kind:
        return False
    return one.raised_ms <= (other.cleared_ms or until_ms) and other.raised_ms <= (one.cleared_ms or until_ms)


def sorted_series(series: Series) -> Series:
    """Return readings in the order in which they came in, those of one batch by time."""
    return series.taken(np.lexsort((series.ts_ms, series.receipt)))


def joined(parts: Sequence[Series]) -> Series:
    """Return several parts as one, in the order in which the readings came in."""
    if not parts:
        return Series()
    whole = Series(*(np.concatenate(columns) for columns in zip(*(vars(each).values() for each in parts), strict=True)))
    return sorted_series(whole)
