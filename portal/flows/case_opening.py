"""Flow: an alarm that the rules take seriously opens its supervision case."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from portal.core.actor import Actor
from portal.core.codes import word_of
from portal.events.models import SupervisionCase
from portal.events.queries import limits_in_force
from portal.events.rules import case_terms
from portal.events.services import Subject, open_case
from portal.operation.alarms.models import Alarm, AlarmNow
from portal.operation.alarms.services import link_case


def open_case_if_due(
    session: Session, fact: Alarm, present: AlarmNow, *, now: datetime, actor: Actor
) -> SupervisionCase | None:
    """Open the case that an alarm's level asks for, unless it has one or is historical."""
    if present.case_id is not None or present.historical:
        return None
    terms = case_terms(present.level, limits_in_force(session))
    if terms is None:
        return None
    case = open_case(session, _subject(fact, present), terms=terms, now=now, actor=actor)
    link_case(session, present, case.id, now=now, actor=actor)
    return case


def _subject(fact: Alarm, present: AlarmNow) -> Subject:
    # A title is a stored sentence on official letters, hence Chinese whoever reads the page.
    place = fact.object_code or fact.text_said or fact.alarm_no or ""
    title = f"{word_of('alarm_kind', fact.kind, 'zh_CN')} {place}".strip()
    return Subject(
        enterprise_id=fact.enterprise_id,
        adcode=fact.adcode,
        level=present.level,
        title=title[:200],
        alarm_id=fact.id,
        correlation_id=fact.correlation_id,
    )
