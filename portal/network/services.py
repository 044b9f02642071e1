"""Handing a shut-off plan over: the plan is kept as told and an urgent supervision case opens with it."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from portal.audit.services import record
from portal.core.actor import Actor
from portal.core.crypto import PROVIDER
from portal.core.errors import Invalid
from portal.events.queries import limits_in_force
from portal.events.rules import URGENT, terms_of
from portal.events.services import Subject, open_case
from portal.network.models import ShutoffPlan
from portal.network.places import Asked
from portal.network.plans import Found, plan_features, told_plan
from portal.network.queries import find_plan, open_incident_no, running_plan

CRITICAL = 1
NAMED_MOST = 12


def hand_over(asked: Asked, found: Found, *, now: datetime, actor: Actor) -> tuple[ShutoffPlan, bool]:
    """Return the plan handed over and whether it is new; the same question while its case runs gives the same plan.

    Raises Invalid where the place lies in no district of the caller.
    """
    session, spot = asked.session, found.spots[0]
    question = urlencode(found.question.args(plan=found.place))
    known = running_plan(session, asked.scope, spot.at.layer, spot.at.number)
    if known is not None and known.question == question:
        return find_plan(session, known.id, scope=asked.scope), False
    if not asked.scope.covers(spot.enterprise_id, spot.adcode):
        raise Invalid("shutoff_case_elsewhere")
    told = told_plan(asked, found)
    subject = Subject(
        enterprise_id=spot.enterprise_id,
        adcode=spot.adcode,
        level=CRITICAL,
        title=f"关阀处置 {'、'.join(each.code for each in found.spots)}"[:200],
        said=said_of(told),
    )
    case = open_case(session, subject, terms=terms_of(URGENT, limits_in_force(session)), now=now, actor=actor)
    kept = told | {"geo": plan_features(asked, found, told)}
    made = ShutoffPlan(
        enterprise_id=spot.enterprise_id,
        adcode=spot.adcode,
        object_type=spot.at.layer,
        object_id=spot.at.number,
        question=question,
        told=kept,
        sm3=PROVIDER.sm3(json.dumps(kept, ensure_ascii=False, sort_keys=True).encode()).hex(),
        case_id=case.id,
        incident_no=open_incident_no(session, asked.scope, spot.at.layer, spot.at.number),
        seen_scope=asked.scope.as_text(),
        made_by=actor.shown_name,
        made_at=now,
    )
    session.add(made)
    session.flush()
    record(
        session, actor, "network.hand_over", object_type="shutoff_plan", object_id=made.id,
        enterprise_id=spot.enterprise_id, after={"question": question, "case": case.case_no, "sm3": made.sm3},
    )  # fmt: skip
    return made, True


def said_of(told: dict[str, Any]) -> str:
    """Return the first words of the case; a stored sentence on official letters, hence Chinese whoever reads it."""
    valves = told["valves"]
    named = "、".join(each["code"] for each in valves[:NAMED_MOST])
    more = f" 等{len(valves)}座" if len(valves) > NAMED_MOST else ""
    lost, segment = told["lost"], told["segment"]
    words = [
        f"依次关闭阀门：{named or '无'}{more}。",
        f"停气用户 {lost['users']}（{lost['households']} 户），隔离管段 {segment['pipes']} 段 {segment['length_m']:.0f} m，"
        f"放散约 {segment['gas_nm3']:.0f} Nm³。",
    ]
    if told["sources_to_stop"]:
        words.append(f"仅关阀不足，须停止气源：{'、'.join(each['code'] for each in told['sources_to_stop'])}。")
    if told["crosses_border"]:
        words.append("方案涉及本辖区以外的设施，须与相关单位协同。")
    return "".join(words)
