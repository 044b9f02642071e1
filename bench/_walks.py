"""Random walks over the alarm engine: what must hold whatever readings, batches and clocks come.

Used by the suite (hypothesis drives it) and by `script/bench alarms --walks N`. A walk raises AssertionError
for an illegal transition or a lost alarm.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

import numpy as np

from portal.operation.alarms.rules import GOOD_QUALITIES, AlarmFigures, Change, Limits, delays_ms
from portal.operation.limits.conditions import groups_of
from portal.operation.limits.engine import (
    Batch,
    Effect,
    Memory,
    effects_of,
    judge_batch,
    run_clock,
    start_check,
)
from portal.operation.limits.hits import combined_hits, flat_runs, good_values, rate_hits, step_names
from portal.operation.limits.replay import Around, Ledger, Series, replay
from portal.operation.limits.ruleset import Band, Combined, Flat, Rate, Ruled, RuleSet, Silence, ruled

START_MS = 1_790_000_000_000
VALUES = (0.2, 0.9, 1.2, 1.45, 1.55, 2.0, 2.0, 2.5, 2.95, 3.05, 3.6, 9.9, 1e308, -1e308, float("nan"))
QUALITIES = (192, 192, 192, 192, 216, 0, 84)
HIGH_HIGH = "high_high"


def random_rules(rng: random.Random) -> Ruled:
    """Return sound rules of a pressure point: any mixture of limits and checks."""
    band = Band(1.0 if rng.random() < 0.7 else None, 1.5, 3.0, 3.5 if rng.random() < 0.8 else None)
    rules = RuleSet(
        band,
        on_delay_s=rng.choice((None, 0, 30)),
        off_delay_s=rng.choice((None, 0, 60)),
        deadband_low=rng.choice((None, 0.0, 0.1)),
        deadband_high=rng.choice((None, 0.0, 0.2)),
        rate=Rate(300, 1.0, 1.0, False, 3) if rng.random() < 0.5 else None,
        silence=Silence(600, 4) if rng.random() < 0.5 else None,
        flat=Flat(900, 4) if rng.random() < 0.3 else None,
        combined=Combined(groups_of("this > 2.4 and this < 2.99"), 3, rng.choice((0, 30))) if rng.random() < 0.4 else None,
    )
    limits = Limits(range_low=0.0, range_high=10.0, period_s=rng.choice((5, 10, 300)), measure=rng.choice((1, 2)))
    return ruled(rules, limits, AlarmFigures(15, 15, 0.02))


@dataclass
class Walk:
    """One point under rules: memory, alarms, and everything that came in."""

    ruled: Ruled
    now_ms: int = START_MS
    memory: Memory | None = None
    receipt: int = 0
    rows: list[tuple[int, float, int, int, int, int]] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)
    ledger: Ledger = field(default_factory=lambda: Ledger(0))
    levels: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Begin with no alarm of the point's kind."""
        self.ledger = Ledger(self.ruled.kinds["limits"])

    def send(self, rows: list[tuple[int, float, int]], flag: int = 0) -> None:
        """Let a batch come in now, its rows in the order of time and none in the future."""
        rows = [row for row in rows if row[0] <= self.now_ms and row[0] not in {each[0] for each in self.rows}]
        if not rows:
            return
        self.receipt += 1
        self.rows += [(*row, flag, self.receipt, self.now_ms) for row in rows]
        batch = Batch(rows, [flag] * len(rows), self._hits(rows))
        judged = judge_batch(self.ruled, self.memory, batch, self.now_ms)
        self._take(self.memory or Memory(), judged.changes)
        self.memory = judged.memory
        self._no_alarm_is_lost(rows, flag)

    def _hits(self, rows: list[tuple[int, float, int]]) -> dict[str, list[object]]:
        rules, found = self.ruled.rules, {}
        first = rows[0][0]
        before = sorted(row[:3] for row in self.rows if row[0] < first and row[4] < self.receipt)
        ts, value, quality = (np.array(column) for column in zip(*[*before, *rows], strict=True))
        good = good_values(value.astype(float), quality)
        if rules.rate:
            found["rate"] = step_names(rate_hits(ts.astype(np.int64), value, good, rules.rate)[-len(rows) :])
        if rules.combined:
            found["combined"] = combined_hits(rules.combined.groups, value, good, {})[-len(rows) :].tolist()
        return found

    def tick(self, seconds: int) -> None:
        """Let time pass, then run what the clock runs."""
        self.now_ms += 1000 * seconds
        if self.memory is not None:
            changes, after = run_clock(self.ruled, self.memory, self.now_ms)
            self._take(self.memory, changes)
            self.memory = after
        self._silence()
        self._flat()

    def _silence(self) -> None:
        silence, newest = self.ruled.rules.silence, max(self.rows, default=None)
        if silence and newest and self.now_ms - newest[0] > 1000 * silence.after_s:
            self._start("silence", newest[0] + 1000 * silence.after_s, newest[1])

    def _flat(self) -> None:
        flat = self.ruled.rules.flat
        if flat is None or not self.rows:
            return
        ts, value, quality = (np.array(each) for each in zip(*(row[:3] for row in sorted(self.rows)), strict=True))
        runs = flat_runs(ts.astype(np.int64), value, good_values(value, quality), 1000 * flat.for_s)
        if runs and runs[-1][1] is None:
            self._start("flat", runs[-1][0], runs[-1][2])

    def _start(self, name: str, at_ms: int, value: float) -> None:
        before = self.memory or Memory()
        changes, self.memory = start_check(self.ruled, before, name, at_ms, value)
        self._take(before, changes)

    def _take(self, before: Memory, changes: list[Change]) -> None:
        """Take transitions, each of them legal: raise, then escalations to graver levels, then one end."""
        for effect in effects_of(self.ruled, before, changes):
            change, level = effect.change, self.levels.get(effect.kind)
            if change.action == "raise":
                self.levels[effect.kind] = min(change.level, level or change.level)
            elif change.action == "escalate":
                assert level is not None, "escalated without an alarm"
                self.levels[effect.kind] = min(change.level, level)
            elif effect.alone:
                assert level is not None, "ended without an alarm"
                del self.levels[effect.kind]
            self.effects.append(effect)
            self.ledger.take([effect])
        for alarm in self.ledger.alarms:
            assert alarm.cleared_ms is None or alarm.cleared_ms >= alarm.raised_ms, "ends before it begins"

    def _no_alarm_is_lost(self, rows: list[tuple[int, float, int]], flag: int) -> None:
        """Whatever is beyond the gravest limit for the on-delay has an open alarm of level 1."""
        limit, kind = self.ruled.rules.band.high_high, self.ruled.kinds["limits"]
        good = [row for row in rows if row[2] in GOOD_QUALITIES and np.isfinite(row[1])]
        if limit is None or flag or not good or rows[0][0] < self.now_ms - 3_600_000 or max(self.rows)[:3] != rows[-1]:
            return
        beyond = all(row[1] > limit for row in good)
        on_ms, _ = delays_ms(self.ruled.limits, self.ruled.figures)
        if beyond and good[-1][0] - good[0][0] >= on_ms:
            assert self.levels.get(kind) == 1, "a value beyond the gravest limit has no alarm"

    def replayed_alike(self) -> None:
        """Assert that the stored readings, replayed, give these very alarms; for readings in order, without the clock."""
        if not self.rows:
            return
        ts, value, quality, flag, receipt, received = (np.array(each) for each in zip(*self.rows, strict=True))
        series = Series(
            ts.astype(np.int64), value.astype(float), quality.astype(np.int16), flag.astype(np.int16),
            receipt.astype(np.int64), received.astype(np.int64),
        )  # fmt: skip
        found = replay(self.ruled, series, Around(), until_ms=self.now_ms)
        mine = sorted(self.ledger.alarms, key=lambda each: (each.raised_ms, each.kind))
        assert [vars(each) for each in found if not each.historical] == [vars(each) for each in mine]


def random_rows(rng: random.Random, walk: Walk) -> list[tuple[int, float, int]]:
    """Return rows since the newest one, in order of time, the last of them not older than a period; gaps happen."""
    newest = max(walk.rows)[0] if walk.rows else walk.now_ms - 60_000
    step = walk.ruled.limits.period_s * 1000
    newest = max(newest, walk.now_ms - walk.now_ms % 1000 - 13 * step)
    count = max(0, (walk.now_ms - newest) // step)
    some = range(1, min(count, 12) + 1)
    return [(newest + step * each, rng.choice(VALUES), rng.choice(QUALITIES)) for each in some]


def walk_at_random(seed: int, steps: int = 25) -> int:
    """Walk once; return the number of transitions seen. Raise AssertionError for what must not happen."""
    rng = random.Random(seed)
    walk, in_order = Walk(random_rules(rng)), True
    for _ in range(steps):
        if rng.random() < 0.85:
            walk.now_ms += 1000 * rng.choice((5, 10, 30, 60, 300, 300, 900))
            walk.send(random_rows(rng, walk))
        elif rng.random() < 0.5:
            in_order = False
            back = walk.now_ms - 1000 * rng.choice((1, 61, 301, 4000, 90_000))
            walk.send([(back, rng.choice(VALUES), 192)], flag=rng.choice((0, 1)))
        else:
            walk.tick(rng.choice((1, 30, 61, 600, 4000)))
    if in_order:
        walk.tick(0)
        clock = walk.ruled.rules.silence or walk.ruled.rules.flat
        if not clock:
            walk.replayed_alike()
    return len(walk.effects)
