"""Playing all alarms and their events again, to prove or rebuild the present state.

The worst value so far is left out: it comes from readings, not from events.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.operation.alarms.models import Alarm, AlarmEvent, AlarmNow
from portal.operation.alarms.services import Happening, apply_event, first_state

CHUNK = 2000
COMPARED = (
    "enterprise_id", "adcode", "point_id", "kind", "level", "historical", "state", "verdict",
    "raised_at", "acknowledged_at", "acknowledged_by", "cleared_at", "case_id",
    "object_code", "latched", "hold", "hold_id", "held_until", "held_level", "root_id", "closed_at",
)  # fmt: skip


@dataclass(frozen=True)
class Difference:
    """A column in which the present state is not what the events say."""

    alarm_id: int
    column: str
    stored: object
    rebuilt: object


def rebuilt_alarms(session: Session) -> Iterator[AlarmNow]:
    """Give the present state of every alarm made from facts and events alone, in order of number."""
    last = 0
    while True:
        facts = session.scalars(
            select(Alarm).where(Alarm.id > last).order_by(Alarm.id).limit(CHUNK)
        ).all()
        if not facts:
            return
        last = facts[-1].id
        events: dict[int, list[AlarmEvent]] = {}
        wanted = select(AlarmEvent).where(AlarmEvent.alarm_id.between(facts[0].id, last))
        for event in session.scalars(wanted.order_by(AlarmEvent.id)):
            events.setdefault(event.alarm_id, []).append(event)
        for fact in facts:
            yield _played(fact, events.get(fact.id, []))


def _played(fact: Alarm, events: list[AlarmEvent]) -> AlarmNow:
    present = first_state(fact)
    for event in events:
        happening = Happening(
            event.action, event.happened_at, event.note, event.value, event.level, event.verdict,
            event.quality, event.ref_id, event.until_at,
        )  # fmt: skip
        apply_event(present, happening, who=event.actor_name)
    return present


def projection_differences(session: Session) -> list[Difference]:
    """Return where the stored present state differs from the events; empty when it is true."""
    found = []
    for wanted in rebuilt_alarms(session):
        stored = session.get(AlarmNow, wanted.alarm_id)
        if stored is None:
            found.append(Difference(wanted.alarm_id, "alarm_id", None, wanted.alarm_id))
            continue
        for column in COMPARED:
            have, want = getattr(stored, column), getattr(wanted, column)
            if have != want:
                found.append(Difference(wanted.alarm_id, column, have, want))
    return found


def rebuild_projection(session: Session) -> int:
    """Write the present state of every alarm anew from facts and events; return the rows changed."""
    changed = 0
    for wanted in rebuilt_alarms(session):
        stored = session.get(AlarmNow, wanted.alarm_id)
        if stored is None:
            session.add(wanted)
            changed += 1
            continue
        same = True
        for column in COMPARED:
            if getattr(stored, column) != getattr(wanted, column):
                setattr(stored, column, getattr(wanted, column))
                same = False
        changed += not same
    session.flush()
    return changed
