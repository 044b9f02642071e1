"""Flow: silence becomes one outage line at its cause and one alarm; data that come back end both."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from portal.core.actor import Actor, job_actor
from portal.flows.case_opening import open_case_if_due
from portal.operation.alarms.limit_queries import lock_point_kind, open_alarms_of
from portal.operation.alarms.models import AlarmNow
from portal.operation.alarms.services import Happening, NewAlarm, add_event, raise_alarm
from portal.operation.outages.models import Outage
from portal.operation.outages.queries import (
    Named,
    device_named,
    figures_in_force,
    heard_points,
    open_outages,
    point_named,
    watching_since,
)
from portal.operation.outages.rules import (
    CLOCK,
    GATEWAY,
    LINK,
    POINT,
    Fault,
    Figures,
    Heard,
    Key,
    clock_fault,
    clock_of,
    locate,
    parents_of,
    waits,
)
from portal.operation.outages.services import (
    alone,
    clock_held,
    end_outage,
    forget_clock,
    keep_waiting,
    look_for_fills,
    open_outage,
    renew_outage,
)

JOB = "watch_outages"


def watch_outages(session: Session, now: datetime) -> str:
    """Look at every point once: open, renew and end outages, raise and clear their alarms."""
    alone(session)
    figures, since = figures_in_force(session), watching_since(session)
    heard, known = heard_points(session), open_outages(session)
    opened = ended = 0
    for enterprise_id in sorted(heard.keys() | known.keys()):
        look = _Look(session, enterprise_id, heard.get(enterprise_id, []), figures, since, now)
        more, less = look.compare(known.get(enterprise_id, []))
        opened, ended = opened + more, ended + less
    filled = look_for_fills(session, now)
    return f"{opened} opened, {ended} ended, {filled} filled"


@dataclass(frozen=True)
class _Look:
    """One look at one enterprise."""

    session: Session
    enterprise_id: int
    points: Sequence[Heard]
    figures: Figures
    since: datetime | None
    now: datetime

    @property
    def actor(self) -> Actor:
        """Return who acts on alarms."""
        return job_actor(JOB)

    def compare(self, known: Sequence[Outage]) -> tuple[int, int]:
        """Bring the open lines in step with what is silent now; return how many were opened and ended."""
        faults = {fault.key: fault for fault in self._faults()}
        lines = {(line.level, line.subject_id): line for line in known}
        waiting: set[int] = set()
        ended: list[tuple[Outage, str]] = []
        for key, line in lines.items():
            if key in faults:
                renew_outage(self.session, line, faults[key], self.now)
            elif not self._still_waits(line, faults, waiting):
                ended.append((line, self._outcome(line, faults)))
        fresh = [each for key, each in faults.items() if key not in lines and not set(each.point_ids) <= waiting]
        opened = {each.key: open_outage(self.session, self.enterprise_id, each, self.now) for each in fresh}
        current = {**{key: line for key, line in lines.items() if key in faults}, **opened}
        for line, outcome in ended:
            self._end(line, outcome, current)
        for key, line in current.items():
            self._alarm_if_due(line, faults[key])
        return len(opened), len(ended)

    def _faults(self) -> list[Fault]:
        """Return what is wrong; points whose times are wrong by the same are the clock's and nobody else's."""
        shown = clock_of(self.points, self.now, self.figures)
        if shown is None:
            forget_clock(self.session, self.enterprise_id)
            return locate(self.points, self.now, self.figures, self.since)
        skew_s, points = shown
        newest = max(each.received_at for each in points)
        watch = clock_held(self.session, self.enterprise_id, skew_s, newest, self.figures.clock_s)
        of_clock = {each.point_id for each in points}
        rest = [each for each in self.points if each.point_id not in of_clock]
        found = locate(rest, self.now, self.figures, self.since, whole=False)
        # The same difference over two of its periods: a late delivery has passed by then.
        if (watch.newest_at - watch.since).total_seconds() >= 2 * min(each.period_s for each in points):
            found.append(clock_fault(skew_s, points, watch.since, self.figures))
        return found

    def _members(self, line: Outage) -> list[Heard]:
        if line.level in (LINK, CLOCK):
            return list(self.points)
        if line.level == GATEWAY:
            return [each for each in self.points if each.gateway_id == line.device_id]
        if line.level == POINT:
            return [each for each in self.points if each.point_id == line.point_id]
        return [each for each in self.points if each.device_id == line.device_id]

    def _still_waits(self, line: Outage, faults: Mapping[Key, Fault], waiting: set[int]) -> bool:
        """Return whether a line stays open because the first data came a moment ago and the rest may follow."""
        if line.level in (CLOCK, POINT) or self._wider(line, faults) is not None:
            return False
        members = {each.point_id for each in self._members(line)}
        silent = members & {each for fault in faults.values() for each in fault.point_ids}
        if not silent:
            return False
        begun = line.returning_at or self._first_back(line)
        if not waits(begun, line.limit_s, self.now):
            return False
        waiting |= silent
        keep_waiting(line, len(silent), begun, self.now)
        return True

    def _first_back(self, line: Outage) -> datetime:
        """Return when the first data after an outage came in."""
        back = [each.received_at for each in self._members(line) if each.last_at > line.began_at]
        return max(min(back), line.noticed_at) if back else self.now

    def _wider(self, line: Outage, keys: Container[Key]) -> Key | None:
        if line.level == CLOCK:
            return None
        gateway = next((each.gateway_id for each in self._members(line)), None)
        device = next((each.device_id for each in self._members(line)), None)
        return next((key for key in parents_of(line.level, device, gateway) if key in keys), None)

    def _outcome(self, line: Outage, faults: Mapping[Key, Fault]) -> str:
        if self._wider(line, faults) is not None:
            return "merged"
        members = {each.point_id for each in self._members(line)}
        if not members:
            return "withdrawn"
        narrower = any(members & set(each.point_ids) for each in faults.values())
        return "split" if narrower and line.level != CLOCK else "recovered"

    def _end(self, line: Outage, outcome: str, current: Mapping[Key, Outage]) -> None:
        into, at = None, self.now
        if outcome == "merged":
            wider = self._wider(line, current)
            into = current[wider] if wider else None
            at = max(line.began_at, into.began_at) if into else self.now
        elif outcome in ("recovered", "split"):
            at = line.returning_at or self._first_back(line)
        end_outage(self.session, line, outcome, at, into=into)
        self._clear(line, at, into)

    def _clear(self, line: Outage, at: datetime, into: Outage | None) -> None:
        """Clear a line's alarm; one that became part of a wider outage needs no answer of its own."""
        present = self.session.get(AlarmNow, line.alarm_id) if line.alarm_id else None
        if present is None or present.cleared_at is not None:
            return
        note = f"→ #{into.id}" if into else None
        if into is not None and present.acknowledged_at is None:
            add_event(self.session, present, Happening("acknowledge", self.now, note=note), actor=self.actor)
        add_event(self.session, present, Happening("clear", max(at, present.raised_at), note=note), actor=self.actor)

    def _alarm_if_due(self, line: Outage, fault: Fault) -> None:
        if line.alarm_id is not None or not fault.alarm_due(self.since or fault.began_at, self.now):
            return
        point_id = line.point_id
        if point_id is not None:
            lock_point_kind(self.session, point_id, fault.alarm_kind)
            known = open_alarms_of(self.session, [point_id]).get((point_id, fault.alarm_kind))
            if known is not None:
                line.alarm_id = known[0].alarm_id
                self.session.flush()
                return
        fact, present = raise_alarm(self.session, self._new_alarm(line, fault), actor=self.actor)
        line.alarm_id = fact.id
        open_case_if_due(self.session, fact, present, now=self.now, actor=self.actor)
        self.session.flush()

    def _new_alarm(self, line: Outage, fault: Fault) -> NewAlarm:
        named = self._named(line)
        late_s = (self.now - line.began_at).total_seconds() if fault.skew_s is None else abs(fault.skew_s)
        return NewAlarm(
            enterprise_id=self.enterprise_id,
            adcode=line.adcode,
            source="rule",
            kind=fault.alarm_kind,
            level=fault.alarm_level,
            raised_at=self.now,
            point_id=line.point_id,
            object_code=named.object_code if named and line.level == POINT else line.subject,
            limit_value=float(line.limit_s),
            value=round(late_s),
            unit="s",
            lon_lat=named.lon_lat if named else None,
        )

    def _named(self, line: Outage) -> Named | None:
        if line.point_id is not None:
            return point_named(self.session, line.point_id)
        return device_named(self.session, line.device_id) if line.device_id is not None else None

