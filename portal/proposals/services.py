"""Proposing a correction, answering it, taking it back, and following the enterprise's own value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from gis.basemap.models import District
from gis.crs import STORAGE_SRID
from gis.network.queries import OBJECTS, find_object
from gis.network.topology_store import build_topology
from portal.audit.services import record
from portal.core.actor import Actor
from portal.core.codes import words_of
from portal.core.errors import Conflict, Invalid, NotAllowed
from portal.jobs.queries import parameter_value
from portal.proposals.fields import FIELDS, BadValue, dictionary_of, field_of, read_value, same
from portal.proposals.models import Proposal, ProposalStep
from portal.proposals.queries import lock_proposal
from portal.proposals.rules import ANSWERS, PLACE, PROPOSED, REASON_CHARS, RUNNING, Look, Refused, after, look

FAR_M = 500
NEAR_M = 10.0
DEGREES_A_METRE = 1 / 90_000
Spot = tuple[float, float]
# A change of these says anew what is fed from a source.
_TOPOLOGY = frozenset({"status", "current_state", PLACE})
_FOUND = """
select id, src_code from {table} t where enterprise_id = :owner and valid_from > :since
  and t.geom && ST_Expand(cast(:spot as geometry), :degrees)
  and ST_DWithin(t.geom::geography, cast(:spot as geometry)::geography, :near)
  and not exists (select 1 from {table}_history h where h.id = t.id and h.valid_from <= :since)
order by ST_Distance(t.geom::geography, cast(:spot as geometry)::geography), id limit 1
"""


@dataclass(frozen=True)
class Wish:
    """What somebody proposes: of which object, or of which enterprise's missing one; values as written, and a place."""

    layer: str
    reason: str
    object_id: int | None = None
    enterprise_id: int | None = None
    values: Mapping[str, str] = field(default_factory=dict)
    place: Sequence[Spot] = ()


def propose(session: Session, wish: Wish, *, now: datetime, actor: Actor) -> Proposal:
    """Keep a correction beside the enterprise's value; nothing of the enterprise's is touched.

    Raise Invalid for values that cannot be or change nothing, NotFound outside the scope, Conflict while another
    proposal on the object runs.
    """
    if wish.layer not in FIELDS:
        raise Invalid("proposal_layer")
    reason = wish.reason.strip()[:REASON_CHARS]
    if not reason:
        raise Invalid("proposal_reason")
    wanted = _wanted(wish)
    made = _missing(session, wish, wanted, actor) if wish.object_id is None else _change(session, wish, wanted, actor)
    made.reason, made.proposed_by, made.proposed_at = reason, actor.shown_name, now
    session.add(made)
    session.flush()
    _step(session, made, ("propose", now), actor, reason)
    record(
        session, actor, "proposal.propose", object_type="network_proposal", object_id=made.id,
        enterprise_id=made.enterprise_id, after={"layer": made.layer, "code": made.object_code, "changes": made.changes, "reason": reason},
    )  # fmt: skip
    return made


def _wanted(wish: Wish) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, written in wish.values.items():
        if not written.strip():
            continue
        try:
            known = field_of(wish.layer, name)
            codes = words_of(dictionary_of(wish.layer, known), "zh_CN") if known.kind == "code" else {}
            found[name] = read_value(known, written, codes)
        except (KeyError, BadValue) as wrong:
            raise Invalid("proposal_value", field=name) from wrong
    return found


def _change(session: Session, wish: Wish, wanted: dict[str, Any], actor: Actor) -> Proposal:
    thing = find_object(session, actor.scope, wish.layer, wish.object_id or 0)
    running = select(Proposal.id).where(
        Proposal.layer == wish.layer, Proposal.object_id == thing.id, Proposal.state.in_(RUNNING)
    )
    if session.scalar(running.limit(1)) is not None:
        raise Conflict("proposal_running")
    changes = {
        name: {"was": getattr(thing, name), "wanted": value}
        for name, value in wanted.items()
        if not same(getattr(thing, name), value)
    }
    shape = _shape(wish.layer, wish.place)
    if shape is not None:
        away = session.scalar(
            select(func.ST_Distance(func.geography(type(thing).geom), func.geography(shape))).where(
                type(thing).id == thing.id
            )
        )
        if away is None or away > FAR_M:
            raise Invalid("proposal_far", most=FAR_M)
    if not changes and shape is None:
        raise Invalid("proposal_nothing")
    return Proposal(
        enterprise_id=thing.enterprise_id, adcode=thing.adcode, layer=wish.layer, object_id=thing.id,
        object_code=thing.src_code, changes=changes, was_shape=thing.geom, shape=shape,
        geom=_mark(thing.geom if shape is None else shape), state=PROPOSED,
    )  # fmt: skip


def _missing(session: Session, wish: Wish, wanted: dict[str, Any], actor: Actor) -> Proposal:
    shape = _shape(wish.layer, wish.place)
    if shape is None:
        raise Invalid("proposal_place")
    adcode = session.scalar(select(District.adcode).where(func.ST_Contains(District.geom, _mark(shape))).limit(1))
    if wish.enterprise_id is None or not actor.scope.covers(None, adcode):
        raise Invalid("proposal_enterprise")
    exists = session.scalar(text("select 1 from enterprise where id = :id"), {"id": wish.enterprise_id})
    if exists is None:
        raise Invalid("proposal_enterprise")
    return Proposal(
        enterprise_id=wish.enterprise_id, adcode=adcode, layer=wish.layer, object_id=None, object_code="",
        changes={name: {"was": None, "wanted": value} for name, value in wanted.items()},
        shape=shape, geom=_mark(shape), state=PROPOSED,
    )  # fmt: skip


def _shape(layer: str, place: Sequence[Spot]) -> Any:
    if not place:
        return None
    least = 2 if layer == "pipe" else 1
    if len(place) < least or (layer != "pipe" and len(place) > 1):
        raise Invalid("proposal_place")
    spots = ", ".join(f"{lon:.7f} {lat:.7f}" for lon, lat in place)
    kind = "LINESTRING" if layer == "pipe" else "POINT"
    return func.ST_GeomFromText(f"{kind}({spots})", STORAGE_SRID)


def _mark(shape: Any) -> Any:
    """Return the point of a shape; the middle of a line lies on it."""
    return func.ST_ClosestPoint(shape, func.ST_Centroid(shape))


def answer(
    session: Session,
    proposal_id: int,
    action: str,
    reason: str,
    *,
    confirmed: bool = False,
    now: datetime,
    actor: Actor,
) -> Proposal:
    """Answer for the enterprise: accept, refuse, or take the wanted values over as its own at once.

    Raise NotFound outside the scope, Invalid for an unknown answer, Conflict where it does not fit or where the
    value changed since and that was not confirmed.
    """
    if action not in ANSWERS:
        raise Invalid("proposal_action")
    proposal = lock_proposal(session, proposal_id, scope=actor.scope)
    if actor.enterprise_id != proposal.enterprise_id:
        raise NotAllowed("proposal")
    before = proposal.state
    become = _moved(proposal.state, action, reason)
    if action == "take":
        _take(session, proposal, confirmed)
        proposal.applied_how, proposal.applied_at, proposal.conflicts = "answer", now, {}
    proposal.state, proposal.answered_by, proposal.answered_at = become, actor.shown_name, now
    proposal.answer = reason[:REASON_CHARS]
    session.flush()
    _step(session, proposal, (action, now), actor, reason)
    _audit(session, proposal, f"proposal.{action}", before, reason, actor)
    return proposal


def withdraw(session: Session, proposal_id: int, reason: str, *, now: datetime, actor: Actor) -> Proposal:
    """Take a proposal back; raise NotFound outside the scope, Conflict once it is settled."""
    proposal = lock_proposal(session, proposal_id, scope=actor.scope)
    before = proposal.state
    proposal.state = _moved(before, "withdraw", reason)
    session.flush()
    _step(session, proposal, ("withdraw", now), actor, reason)
    _audit(session, proposal, "proposal.withdraw", before, reason, actor)
    return proposal


def follow(session: Session, proposal: Proposal, *, now: datetime, actor: Actor) -> str:
    """Compare a running proposal with the enterprise's present value; return applied, conflict or nothing new."""
    if proposal.object_id is None:
        return _follow_missing(session, proposal, now, actor)
    seen = _look(session, proposal)
    if seen.followed:
        return _followed(session, proposal, now, actor)
    if seen.conflicts == proposal.conflicts:
        return ""
    proposal.conflicts = seen.conflicts
    session.flush()
    _step(session, proposal, ("conflict", now), actor, "", seen.conflicts)
    return "conflict"


def _follow_missing(session: Session, proposal: Proposal, now: datetime, actor: Actor) -> str:
    near = parameter_value(session, "proposal.near_m", NEAR_M)
    spot = session.scalar(select(func.ST_AsEWKT(Proposal.geom)).where(Proposal.id == proposal.id))
    facts = {"owner": proposal.enterprise_id, "since": proposal.proposed_at, "near": near, "spot": spot}
    found = session.execute(
        text(_FOUND.format(table=OBJECTS[proposal.layer].__tablename__)), facts | {"degrees": near * DEGREES_A_METRE}
    ).one_or_none()
    if found is None:
        return ""
    proposal.object_id, proposal.object_code = found.id, found.src_code
    return _followed(session, proposal, now, actor)


def _followed(session: Session, proposal: Proposal, now: datetime, actor: Actor) -> str:
    before = proposal.state
    proposal.state, proposal.conflicts = after(before, "follow"), {}
    proposal.applied_how, proposal.applied_at = "push", now
    session.flush()
    _step(session, proposal, ("follow", now), actor, "")
    _audit(session, proposal, "proposal.follow", before, "", actor)
    return "applied"


def _look(session: Session, proposal: Proposal) -> Look:
    model = OBJECTS[proposal.layer]
    columns = [getattr(model, name) for name in proposal.changes]
    away = [
        func.ST_Distance(func.geography(model.geom), func.geography(column))
        if proposal.shape is not None
        else func.coalesce(None, 0.0)
        for column in (Proposal.was_shape, Proposal.shape)
    ]
    row = session.execute(
        select(*columns, *away)
        .select_from(model)
        .join(Proposal, Proposal.id == proposal.id)
        .where(model.id == proposal.object_id)
    ).one()
    present = dict(zip(proposal.changes, row, strict=False))
    return look(proposal.changes, present, (float(row[-2]), float(row[-1])) if proposal.shape is not None else None)


def _take(session: Session, proposal: Proposal, confirmed: bool) -> None:
    """Write the wanted values as the enterprise's own; its history keeps the former ones."""
    if proposal.object_id is None:
        raise Conflict("proposal_missing_taken")
    if _look(session, proposal).conflicts and not confirmed:
        raise Conflict("proposal_conflict")
    model = OBJECTS[proposal.layer]
    thing = session.scalars(select(model).where(model.id == proposal.object_id).with_for_update()).one()
    for name, change in proposal.changes.items():
        setattr(thing, name, change["wanted"])
    if proposal.shape is not None:
        thing.geom = select(Proposal.shape).where(Proposal.id == proposal.id).scalar_subquery()
    session.flush()
    if proposal.layer == "pipe" and proposal.shape is not None:
        thing.length_m = (
            select(func.ST_Length(func.geography(model.geom))).where(model.id == thing.id).scalar_subquery()
        )
        session.flush()
    touched = set(proposal.changes) | ({PLACE} if proposal.shape is not None else set())
    if touched & _TOPOLOGY:
        build_topology(session, proposal.enterprise_id)


def _moved(state: int, action: str, reason: str) -> int:
    try:
        return after(state, action, reason)
    except Refused as refused:
        code = str(refused)
        raise (Invalid(code) if code in ("proposal_reason", "proposal_action") else Conflict(code)) from refused


def _step(
    session: Session,
    proposal: Proposal,
    act: tuple[str, datetime],
    actor: Actor,
    reason: str,
    facts: dict[str, Any] | None = None,
) -> None:
    session.add(
        ProposalStep(
            proposal_id=proposal.id,
            enterprise_id=proposal.enterprise_id,
            adcode=proposal.adcode,
            action=act[0],
            at=act[1],
            state=proposal.state,
            reason=reason[:REASON_CHARS],
            facts=facts or {},
            actor_name=actor.shown_name,
        )
    )
    session.flush()


def _audit(session: Session, proposal: Proposal, action: str, before: int, reason: str, actor: Actor) -> None:
    now = {"state": proposal.state, "code": proposal.object_code, "how": proposal.applied_how, "reason": reason}
    record(
        session,
        actor,
        action,
        object_type="network_proposal",
        object_id=proposal.id,
        enterprise_id=proposal.enterprise_id,
        before={"state": before},
        after=now,
    )


def answer_many(
    session: Session, numbers: Sequence[int], action: str, reason: str, *, now: datetime, actor: Actor
) -> tuple[int, list[str]]:
    """Answer several proposals alike; return how many were answered, and code and reason of those that were not."""
    done, left = 0, list[str]()
    for number in numbers:
        try:
            with session.begin_nested():
                answer(session, number, action, reason, now=now, actor=actor)
            done += 1
        except Conflict as refused:
            left.append(refused.code)
    return done, left
