"""The demo's duty roster, and what the duty officers of its past month wrote down about alarms that were over."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.accounts.models import User
from portal.core.actor import Actor
from portal.core.clock import local
from portal.operation.alarms.models import AlarmNow
from portal.operation.desk.services import Handling, close_alarm, reset_alarm, write_record
from portal.operation.escalation.rules import midnight
from portal.operation.escalation.services import Shift, add_shift

WEEKS_BACK, WEEKS_AHEAD = 4, 2
# login, post, begin and length in hours after midnight
TURNS = (("dispatcher", 1, 8, 12), ("district", 1, 20, 12), ("regulator", 3, 8, 12))
LEFT_TO_CLOSE = 11
TRUE = Handling("属地企业值班员", "调压器或仪表工况波动", "到场检查，复测压力与浓度", "数值恢复正常，复测合格")
FALSE = Handling("属地企业值班员", "仪表零点漂移", "校准仪表并复测", "确认为误报，已校准")


def load_roster(session: Session, now: datetime, *, actor: Actor) -> int:
    """Put the weeks around now into the roster; return the shifts."""
    people = {user.login: user.id for user in session.scalars(select(User)) if user.login in {each[0] for each in TURNS}}
    today, made = local(now).date(), 0
    for day in range(-7 * WEEKS_BACK, 7 * WEEKS_AHEAD):
        begin = midnight(today + timedelta(days=day))
        for login, post, hour, length in TURNS:
            if login in people:
                start = begin + timedelta(hours=hour)
                shift = Shift(people[login], post, start, start + timedelta(hours=length))
                add_shift(session, shift, known=set(people.values()), now=now, actor=actor)
                made += 1
    return made


def finish_alarms(session: Session, enterprise_id: int, officer: Actor, until: datetime) -> int:
    """Reset, record and close what is over, seen and judged, but for some that wait for their record; return how many."""
    done = 0
    over = select(AlarmNow).where(
        AlarmNow.enterprise_id == enterprise_id,
        AlarmNow.closed_at.is_(None),
        AlarmNow.cleared_at < until,
        AlarmNow.acknowledged_at < until,
        AlarmNow.verdict > 0,
        ~AlarmNow.historical,
    )
    for alarm in session.scalars(over.order_by(AlarmNow.alarm_id)).all():
        at = max(alarm.cleared_at or until, alarm.acknowledged_at or until) + timedelta(minutes=10)
        if alarm.latched:
            reset_alarm(session, alarm.alarm_id, note="现场检测浓度为零", now=at, actor=officer)
        if alarm.alarm_id % LEFT_TO_CLOSE:
            said = FALSE if alarm.verdict == 2 else TRUE
            write_record(session, alarm.alarm_id, said, now=at, actor=officer)
            close_alarm(session, alarm.alarm_id, now=at, actor=officer)
            done += 1
    return done
