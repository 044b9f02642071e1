"""The demo's rules of points: a released template, rules with further checks, and a rehearsed draft that would miss alarms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from portal.accounts.models import User
from portal.core.actor import CITY, Actor
from portal.operation.limits.conditions import groups_of
from portal.operation.limits.queries import PointFilter, find_point_row, find_template, points_listed, rules_in_force
from portal.operation.limits.rehearsal import order_rehearsal
from portal.operation.limits.ruleset import Combined, RuleSet, Silence, from_content
from portal.operation.limits.services import Wanted, draft_change, release_change

PERMISSIONS = frozenset({"limit.draft", "limit.level1", "limit.level2", "limit.level3"})
DETECTORS, PRESSURE = 12, 1
MOST_ALARMS = """
select point_id from alarm_now where kind = 11 and not historical and point_id is not null
group by point_id order by count(*) filter (where verdict = 1) desc, count(*) desc, point_id limit 2
"""


def load_limits(session: Session, now: datetime) -> None:
    """Release rules at detectors and one point, and leave a rehearsed draft that widens the limits of another."""
    district, city = _person(session, "district"), _person(session, "regulator")
    template = find_template(session, "station_detector")
    detectors = list(points_listed(session, PointFilter(measure=3, unit="%LEL"), scope=CITY, most=DETECTORS))
    rules = replace(from_content(template.content), silence=Silence(3600, 3))
    reason = "按 GB/T 50493 统一厂站探测器限值，一级报警保持，1小时无数据报警"
    _release(session, _wanted(detectors, rules), (template.zh, reason, template.key), (district, city), now)
    busiest = [find_point_row(session, each, scope=CITY) for each in session.scalars(text(MOST_ALARMS))]
    if len(busiest) < 2:
        return
    band = rules_in_force(busiest[1]).band
    guard = Combined(groups_of(f"this > {(band.high or 1) * 0.98:.6g}"), 3, 600)
    watched = replace(rules_in_force(busiest[1]), combined=guard)
    said = ("出口压力持续偏高预警", "高限以下持续偏高10分钟先发一般报警", None)
    _release(session, _wanted(busiest[1:], watched), said, (district, city), now)
    band = rules_in_force(busiest[0]).band
    wider = replace(band, high=None if band.high is None or band.high_high is None else (band.high + band.high_high) / 2)
    change = draft_change(
        session, _wanted(busiest[:1], RuleSet(wider, deadband_high=0.0)), title="放宽高限（待发布）",
        reason="高峰时段频繁报警，拟放宽高限", template_key=None, now=now, actor=district,
    )  # fmt: skip
    order_rehearsal(session, change.id, now=now, actor=district)


def _wanted(rows: Sequence[Any], rules: RuleSet) -> list[Wanted]:
    return [Wanted(row, rules) for row in rows]


def _release(
    session: Session, wanted: list[Wanted], said: tuple[str, str, str | None], people: tuple[Actor, Actor], now: datetime
) -> None:
    title, reason, key = said
    change = draft_change(session, wanted, title=title, reason=reason, template_key=key, now=now, actor=people[0])
    order_rehearsal(session, change.id, now=now, actor=people[0])
    release_change(session, change.id, now=now, actor=people[1])


def _person(session: Session, login: str) -> Actor:
    user = session.scalars(select(User).where(User.login == login)).one()
    return Actor(
        kind="user", id=user.id, name=user.login, display_name=user.display_name, role=user.role, scope=CITY,
        permissions=PERMISSIONS,
    )  # fmt: skip
