"""Flow: the transitions of the engine become alarms, events and cases, and the memory of each point is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from math import isnan
from typing import Any

from sqlalchemy.orm import Session

from portal.core.actor import Actor
from portal.flows.case_opening import open_case_if_due
from portal.operation.alarms.limit_queries import NEVER, lock_point_kind, open_alarms_of
from portal.operation.alarms.models import Alarm, AlarmNow, LimitWatch
from portal.operation.alarms.rules import LEVEL_OF_LIMIT, LIMITS_CHECK, Change, Watch
from portal.operation.alarms.services import Happening, NewAlarm, add_event, raise_alarm
from portal.operation.limits.engine import CheckMemory, Effect, Memory, effects_of
from portal.operation.limits.table import WatchedPoint

Open = tuple[AlarmNow, Alarm]


@dataclass(frozen=True)
class Recalled:
    """What is remembered of a point, and its open alarms by kind."""

    memory: Memory
    known: bool
    presents: dict[int, Open] = field(default_factory=dict)


@dataclass(frozen=True)
class Judging:
    """Points being judged in one transaction."""

    session: Session
    now: datetime
    actor: Actor
    receipt_id: int | None = None

    def apply(self, point: WatchedPoint, recalled: Recalled, changes: list[Change]) -> None:
        """Write the transitions of one point."""
        presents = recalled.presents
        for effect in effects_of(point.ruled, recalled.memory, changes):
            after = self._apply(point, effect, presents.get(effect.kind))
            if after is None:
                presents.pop(effect.kind, None)
            else:
                presents[effect.kind] = after

    def _apply(self, point: WatchedPoint, effect: Effect, present: Open | None) -> Open | None:
        change = effect.change
        if change.action == "raise":
            return self._latched(point, self._raise(point, effect))
        if present is None or (change.action == "clear" and not effect.alone):
            return present
        if change.check == LIMITS_CHECK:
            present[0].peak_value = change.peak
        happening = Happening(change.action, instant(change.at_ms), value=_figure(change.value))
        if change.action == "escalate":
            happening = replace(happening, level=change.level)
        add_event(self.session, present[0], happening, actor=self.actor)
        if change.action == "clear":
            return None
        open_case_if_due(self.session, present[1], present[0], now=self.now, actor=self.actor)
        return self._latched(point, present)

    def _raise(self, point: WatchedPoint, effect: Effect) -> Open:
        change = effect.change
        lock_point_kind(self.session, point.id, effect.kind)
        known = open_alarms_of(self.session, [point.id]).get((point.id, effect.kind))
        if known:
            graver = change.level < known[0].level
            happening = Happening(
                "escalate" if graver else "note",
                instant(change.at_ms),
                note=f"{change.limit_name} {change.value:g} {point.unit}",
                value=_figure(change.value),
                level=change.level if graver else None,
            )
            add_event(self.session, known[0], happening, actor=self.actor)
            fact, present = known[1], known[0]
        else:
            fact, present = raise_alarm(self.session, self._new(point, effect), actor=self.actor)
        open_case_if_due(self.session, fact, present, now=self.now, actor=self.actor)
        return present, fact

    def _new(self, point: WatchedPoint, effect: Effect) -> NewAlarm:
        change = effect.change
        return NewAlarm(
            enterprise_id=point.enterprise_id,
            adcode=point.adcode,
            source="rule",
            kind=effect.kind,
            level=change.level,
            raised_at=instant(change.at_ms),
            point_id=point.id,
            object_code=point.object_code,
            limit_name=change.limit_name,
            limit_value=point.ruled.limit_value(change.limit_name, change.at_ms),
            value=_figure(change.value),
            unit=point.unit,
            receipt_id=self.receipt_id,
            lon_lat=point.lon_lat,
        )

    def _latched(self, point: WatchedPoint, present: Open) -> Open:
        """Latch a grave alarm when the rule says so: it stays on the desk until somebody resets it."""
        if point.ruled.rules.latch and present[0].level == 1 and not getattr(present[0], "latched", False):
            happening = Happening("latch", present[0].raised_at)
            add_event(self.session, present[0], happening, actor=self.actor)
        return present

    def remember(self, stored: LimitWatch, point: WatchedPoint, recalled: Recalled, memory: Memory | None) -> None:
        """Keep what is remembered of a point, or forget it."""
        if memory is None:
            self.session.delete(stored)
            return
        watch, presents = memory.watch, recalled.presents
        present = presents.get(point.ruled.kinds[LIMITS_CHECK])
        if present and watch.open_limit and watch.peak is not None:
            present[0].peak_value = watch.peak
        since = [watch.since_ms, *(each.since_ms for each in memory.checks.values())]
        pending = [each for each in since if each is not None]
        stored.limit_name = watch.limit_name
        stored.since = instant(min(pending)) if pending else None
        stored.alarm_id = present[0].alarm_id if present and watch.open_limit else None
        if watch.judged_to_ms:
            stored.judged_to = instant(watch.judged_to_ms)
        stored.memory = None if memory.idle else stored_memory(memory, presents)


def stored_memory(memory: Memory, presents: Mapping[int, Open]) -> dict[str, Any]:
    """Return what is remembered as the database keeps it."""
    watch = memory.watch
    whole: dict[str, Any] = {
        "limit": watch.limit_name,
        "since": watch.since_ms,
        "open": watch.open_limit,
        "value": watch.value,
        "at": watch.value_ms,
        "alarms": {str(kind): present[0].alarm_id for kind, present in presents.items()},
    }
    if memory.checks:
        whole["checks"] = {name: [e.since_ms, e.active, _figure(e.value), e.value_ms] for name, e in memory.checks.items()}
    return whole


def recalled(stored: LimitWatch, point: WatchedPoint, opened: Mapping[tuple[int, int], Open]) -> Recalled:
    """Return what is remembered of a point; checks whose alarm somebody else ended begin anew."""
    known = stored.judged_to > NEVER
    judged_to_ms = _ms(stored.judged_to) if known else 0
    kept: dict[str, Any] = stored.memory or {}
    kinds = point.ruled.kinds
    presents = {}
    for kind, alarm_id in _alarms(stored, kept, kinds[LIMITS_CHECK]).items():
        present = opened.get((point.id, kind))
        if present and present[0].alarm_id == alarm_id:
            presents[kind] = present
    checks = {
        name: CheckMemory(*each)
        for name, each in kept.get("checks", {}).items()
        if not each[1] or kinds[name] in presents
    }
    watch = _watch(stored, kept, presents.get(kinds[LIMITS_CHECK]), judged_to_ms)
    return Recalled(Memory(watch, checks), known or bool(checks), presents)


def _alarms(stored: LimitWatch, kept: dict[str, Any], limits_kind: int) -> dict[int, int]:
    found = {int(kind): alarm_id for kind, alarm_id in kept.get("alarms", {}).items()}
    if not kept and stored.alarm_id is not None:
        found[limits_kind] = stored.alarm_id
    return found


def _watch(stored: LimitWatch, kept: dict[str, Any], present: Open | None, judged_to_ms: int) -> Watch:
    since_ms = kept.get("since") if kept else (_ms(stored.since) if stored.since else None)
    value, value_ms = kept.get("value"), kept.get("at")
    if present is None:
        name = stored.limit_name if stored.alarm_id is None else None
        return Watch(
            name, since_ms if name else None, judged_to_ms=judged_to_ms, value=value, value_ms=value_ms
        )
    open_limit = kept.get("open") if kept else _held_before(*present)
    return Watch(stored.limit_name, since_ms, open_limit, present[0].peak_value, judged_to_ms, value, value_ms)


def _held_before(now: AlarmNow, fact: Alarm) -> str:
    """Return the limit an alarm holds that was raised before memories said it."""
    side = "low" if (fact.limit_name or "high").startswith("low") else "high"
    name = f"{side}_{side}" if now.level == 1 else side
    return name if name in LEVEL_OF_LIMIT else "high"


def _figure(value: float | None) -> float | None:
    """Return a value as the database keeps it: none for a reading that had none."""
    return None if value is None or isnan(value) else value


def instant(ms: int) -> datetime:
    """Return the instant of milliseconds since the epoch."""
    return datetime.fromtimestamp(ms / 1000, UTC)


def _ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)
