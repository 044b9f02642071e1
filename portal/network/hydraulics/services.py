"""Keeping a scenario as it was worked out, with a case where one is named."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from sqlalchemy.orm import Session

from portal.audit.services import record
from portal.core.actor import Actor, Scope
from portal.core.crypto import PROVIDER
from portal.core.errors import NotFound
from portal.network.hydraulics.forms import Asked, Naming
from portal.network.hydraulics.models import HydraulicScenario
from portal.network.hydraulics.queries import case_named, named
from portal.network.hydraulics.results import columns_of, result_of
from portal.network.hydraulics.solving import Answer


@dataclass(frozen=True)
class Keeping:
    """What is kept: question, names, the answer and how it was told to who keeps it."""

    asked: Asked
    naming: Naming
    answer: Answer
    told: dict[str, Any]


def check_asked(session: Session, scope: Scope, asked: Asked) -> None:
    """Raise NotFound where a valve or station named does not exist or lies outside the scope."""
    if asked.closed and len(named(session, scope, "valve", asked.closed)) < len(asked.closed):
        raise NotFound("hydraulic_valve")
    stations = {*asked.lost, *asked.serving}
    if stations and len(named(session, scope, "station", sorted(stations))) < len(stations):
        raise NotFound("hydraulic_station")


def keep_scenario(session: Session, keeping: Keeping, *, now: datetime, actor: Actor) -> HydraulicScenario:
    """Return the scenario kept; raise NotFound for an unknown case."""
    naming, scope = keeping.naming, actor.scope
    case_id = case_named(session, scope, naming.case_no) if naming.case_no else None
    # The hour counts: what was asked as "now" stays the hour it was asked in.
    question = urlencode(keeping.asked.args(), safe=",")
    columns = columns_of(result_of(keeping.answer))
    signed = json.dumps([question, keeping.told, columns], ensure_ascii=False, sort_keys=True)
    made = HydraulicScenario(
        enterprise_id=None if scope.whole_city else actor.enterprise_id,
        adcode=min(scope.adcodes) if scope.adcodes and not scope.whole_city else None,
        name=naming.name, note=naming.note, question=question, told=keeping.told,
        network_change=":".join(str(each) for each in keeping.answer.version),
        sm3=PROVIDER.sm3(signed.encode()).hex(), case_id=case_id, seen_scope=scope.as_text(),
        owner_id=actor.id, made_by=actor.shown_name, made_at=now,
        **columns,
    )  # fmt: skip
    session.add(made)
    session.flush()
    record(
        session, actor, "hydraulics.keep", object_type="hydraulic_scenario", object_id=made.id,
        after={"name": naming.name, "question": question, "case": naming.case_no, "sm3": made.sm3},
    )  # fmt: skip
    return made
