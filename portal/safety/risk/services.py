"""Changing the risk model: a draft, its what-if over the whole city, and its release by somebody else."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import numpy as np
from sqlalchemy import text
from sqlalchemy.orm import Session

from gis.risk.columns import read_columns
from gis.risk.model import BadModel, Model, changed, differences
from gis.risk.models import DRAFT, RELEASED, RETIRED, RiskFactor, RiskModel
from gis.risk.scoring import INPUT_NAMES, Inputs, Scores, score
from portal.audit.services import record
from portal.core.actor import Actor
from portal.core.errors import Conflict, Invalid, NotAllowed
from portal.safety.risk.compute import gathered_inputs, metric_srid
from portal.safety.risk.model_queries import factors_of, find_version, model_numbered, open_draft, released_version

REASON_MIN_CHARS = 4
COLOURS = (1, 2, 3, 4)
EXAMPLES = 20
STORED = """
select pipe_id, length_m, pressure_class, material, od_mm, coalesce(cp_kind, -1) as cp_kind, coalesce(laying, -1) as laying,
  coalesce(joint, -1) as joint, coalesce(age_years, -1) as age_years, works_n, leaks_n, corrosion_n, settlement_n, spaces_n, patrol_state,
  greatest(people_day, people_evening, people_night) as people_most, sensitive_n, coalesce(supply_households, -1) as supply_households
from risk_segment
"""
KINDS = (
    {"pipe_id": "bigint"}
    | dict.fromkeys(INPUT_NAMES, "integer")
    | {"length_m": "double precision", "od_mm": "double precision"}
)


def stored_inputs(session: Session) -> tuple[Any, Inputs]:
    """Return the numbers of the segments in scope and the inputs their risk was worked out from."""
    found = read_columns(session, STORED, {"pipe_id": "bigint"} | {name: KINDS[name] for name in INPUT_NAMES})
    return found["pipe_id"], Inputs(**{name: found[name] for name in INPUT_NAMES})


def draft_model(session: Session, *, title: str, reason: str, now: datetime, actor: Actor) -> RiskModel:
    """Draw up a draft from the version in force; raise Invalid without title or reason, Conflict beside another draft."""
    if not title.strip() or len(reason.strip()) < REASON_MIN_CHARS:
        raise Invalid("reason_needed")
    if open_draft(session) is not None:
        raise Conflict("risk_draft_open")
    base = released_version(session)
    made = RiskModel(
        state=DRAFT, title=title.strip(), reason=reason.strip(), based_on=base.id, drafted_by=actor.name, drafted_at=now
    )  # fmt: skip
    session.add(made)
    session.flush()
    for row in factors_of(session, base.id):
        session.add(
            RiskFactor(
                model_id=made.id,
                key=row.key,
                ordinal=row.ordinal,
                weight=row.weight,
                bands=row.bands,
                source=row.source,
            )
        )
    session.flush()
    after = {"title": made.title, "based_on": base.id}
    record(session, actor, "risk_model.draft", object_type="risk_model", object_id=made.id, after=after)
    return made


def change_draft(
    session: Session, number: int, *, weights: Mapping[str, float], figures: Mapping[tuple[str, str], float], sources: Mapping[str, str],
    now: datetime, actor: Actor,
) -> RiskModel:  # fmt: skip
    """Give a draft other weights, figures and sources; its former what-if no longer counts."""
    version = _draft(session, number)
    before = model_numbered(session, number)
    try:
        after = changed(before, number, weights, figures)
    except BadModel as wrong:
        raise Invalid("risk_figure", key=wrong.key, name=wrong.name) from wrong
    for row in factors_of(session, number):
        row.weight, row.bands = after[row.key].weight, dict(after[row.key].bands)
        row.source = sources.get(row.key, row.source)
    version.drafted_at, version.drafted_by, version.rehearsal, version.rehearsed_at = now, actor.name, None, None
    session.flush()
    moved = {f"{key}.{name}": [was, new] for key, name, was, new in differences(before, after)}
    record(session, actor, "risk_model.change", object_type="risk_model", object_id=number, after={"changed": moved})
    return version


def rehearse(session: Session, number: int, *, now: datetime, actor: Actor) -> dict[str, Any]:
    """Work out what the draft would colour; keep and return the kilometres by colour before and after.

    The session is one of the worker over the whole city; nothing of the segments is written.
    """
    if not actor.scope.whole_city:
        raise NotAllowed("not_allowed", permission="risk.draft")
    version = _draft(session, number)
    old, new = model_numbered(session, released_version(session).id), model_numbered(session, number)
    pipe_ids, given = stored_inputs(session)
    was = score(old, given)
    if dict(old["reach"].bands) != dict(new["reach"].bands):
        pipe_ids, was, given = _gathered_anew(session, new, (pipe_ids, was), now)
    told = what_if(pipe_ids, given, was, score(new, given))
    version.rehearsal, version.rehearsed_at = told, now
    session.flush()
    record(
        session,
        actor,
        "risk_model.rehearse",
        object_type="risk_model",
        object_id=number,
        after={"changed_km": told["changed_km"]},
    )
    return told


def _gathered_anew(session: Session, new: Model, old: tuple[Any, Scores], now: datetime) -> tuple[Any, Scores, Inputs]:
    """Return the inputs under another reach, in the order of the segments known before, with their former scores."""
    known, was = old
    pipe_ids, given = gathered_inputs(session, new, now, srid=metric_srid(session))
    both, place_known, place_new = np.intersect1d(known, pipe_ids, return_indices=True)
    return both, _picked(was, place_known), Inputs(**{name: getattr(given, name)[place_new] for name in INPUT_NAMES})


def _picked(scores: Scores, places: Any) -> Scores:
    return Scores(**{name: value[places] for name, value in vars(scores).items()})


def what_if(pipe_ids: Any, given: Inputs, was: Scores, became: Scores) -> dict[str, Any]:
    """Return kilometres and segments by colour before and after, what changes, and the segments that change most."""
    km = given.length_m / 1000
    moves = {
        f"{a}-{b}": [float(km[chosen].sum()), int(chosen.sum())]
        for a in COLOURS
        for b in COLOURS
        if (chosen := (was.colour == a) & (became.colour == b)).any()
    }
    turned = was.colour != became.colour
    far = np.argsort(-np.abs(was.colour - became.colour) * 1000 - np.abs(became.score - was.score), kind="stable")
    return {
        "before_km": {str(each): float(km[was.colour == each].sum()) for each in COLOURS},
        "after_km": {str(each): float(km[became.colour == each].sum()) for each in COLOURS},
        "moves": moves,
        "changed_km": float(km[turned].sum()),
        "changed_n": int(turned.sum()),
        "segments_n": len(given),
        "expected_before": float(was.expected.sum()),
        "expected_after": float(became.expected.sum()),
        "examples": [
            [int(pipe_ids[at]), int(was.colour[at]), int(became.colour[at])]
            for at in far[:EXAMPLES].tolist()
            if turned[at]
        ],
    }


def release(session: Session, number: int, *, now: datetime, actor: Actor) -> RiskModel:
    """Put a draft in force; every segment is worked out anew within a minute.

    Raise Conflict without a what-if of its present state, or when the releaser drew it up himself.
    """
    version = _draft(session, number)
    if version.rehearsed_at is None or version.rehearsed_at < version.drafted_at:
        raise Conflict("risk_rehearsal_needed")
    if version.drafted_by == actor.name:
        raise Conflict("risk_other_person_needed")
    former = released_version(session)
    if version.based_on != former.id:
        raise Conflict("risk_draft_outdated")
    former.state, former.retired_at = RETIRED, now
    session.flush()
    version.state, version.released_by, version.released_at = RELEASED, actor.name, now
    session.flush()
    session.execute(text("insert into risk_due (kind, object_id) values ('model', :number)"), {"number": number})
    told = version.rehearsal or {}
    record(
        session, actor, "risk_model.release", object_type="risk_model", object_id=number, before={"version": former.id},
        after={"version": number, "changed_km": told.get("changed_km"), "changed_n": told.get("changed_n")},
    )  # fmt: skip
    return version


def discard(session: Session, number: int, *, now: datetime, actor: Actor) -> None:
    """Put a draft aside; it stays to be seen."""
    version = _draft(session, number)
    version.state, version.retired_at = RETIRED, now
    session.flush()
    record(session, actor, "risk_model.discard", object_type="risk_model", object_id=number)


def _draft(session: Session, number: int) -> RiskModel:
    version = find_version(session, number, locked=True)
    if version.state != DRAFT:
        raise Conflict("risk_not_a_draft")
    return version
