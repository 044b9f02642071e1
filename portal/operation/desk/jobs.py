"""Tending the desk: holds end by themselves, alarms of one cause become one line; safe to run twice at once."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from portal.core.actor import Actor, job_actor
from portal.operation.alarms.models import AlarmNow
from portal.operation.alarms.services import Happening, add_event, end_hold
from portal.operation.desk.queries import (
    enterprises_to_group,
    figures_in_force,
    holds_run_out,
    standing_alarms,
    suppressed_without_root,
)
from portal.operation.desk.rules import Figures, Joined, joined

TEND_LOCK = 7305
JOB = "tend_alarms"


def tend_alarms(session: Session, now: datetime) -> str:
    """End holds whose time is over and put alarms of one cause under one; one look at a time, whoever starts it."""
    session.execute(text("select pg_advisory_xact_lock(:lock)"), {"lock": TEND_LOCK})
    actor, figures = job_actor(JOB), figures_in_force(session)
    back = sum(end_hold(session, hold, outcome="expired", said=None, now=now, actor=actor) for hold in holds_run_out(session, now))
    back += _release_orphans(session, now, actor)
    grouped = group_alarms(session, figures, now, actor)
    return f"{back} back, {grouped} grouped"


def group_alarms(session: Session, figures: Figures, now: datetime, actor: Actor) -> int:
    """Put standing alarms of one cause under the first of them; return how many."""
    reach = timedelta(minutes=max(figures.group_object_min, figures.group_near_min) + 60)
    done = 0
    for enterprise_id in enterprises_to_group(session, now - reach):
        for each in joined(standing_alarms(session, enterprise_id), figures):
            done += _join(session, each, now, actor)
    return done


def _join(session: Session, each: Joined, now: datetime, actor: Actor) -> int:
    """Put an alarm under its root; one of silence that is no graver than its root is suppressed by design too."""
    asked = select(AlarmNow).where(AlarmNow.alarm_id.in_((each.alarm_id, each.root_id))).order_by(AlarmNow.alarm_id)
    rows = session.scalars(asked.with_for_update().execution_options(populate_existing=True)).all()
    found = {row.alarm_id: row for row in rows}
    present, root = found[each.alarm_id], found[each.root_id]
    if present.root_id is not None or root.root_id is not None:
        return 0
    add_event(session, present, Happening("group", now, note=each.why, ref_id=each.root_id), actor=actor)
    if each.why == "silence" and present.hold is None and present.level >= root.level:
        add_event(session, present, Happening("suppress", now, note=f"#{each.root_id}"), actor=actor)
    return 1


def _release_orphans(session: Session, now: datetime, actor: Actor) -> int:
    """Bring back alarms whose root is at its end: nothing stays hidden behind what is over."""
    found = suppressed_without_root(session)
    for present in found:
        add_event(session, present, Happening("unsuppress", now, ref_id=present.root_id), actor=actor)
        add_event(session, present, Happening("ungroup", now, ref_id=present.root_id), actor=actor)
    return len(found)
