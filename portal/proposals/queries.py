"""Reads of proposed corrections within the scope of who asks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, Select, func, select
from sqlalchemy.orm import Session

from gis.network.queries import BIGGEST_ID
from portal.core.actor import Scope
from portal.core.errors import NotFound
from portal.core.paging import Cursor, Page, contains, equals, newest_first
from portal.core.scoping import in_scope
from portal.proposals.models import Proposal, ProposalStep
from portal.proposals.rules import RUNNING

EXPORT_MOST = 20_000
CONFLICT = 9
_LON, _LAT = func.ST_X(Proposal.geom).label("lon"), func.ST_Y(Proposal.geom).label("lat")
_SHAPE = func.ST_AsGeoJSON(Proposal.shape, 7).label("drawn")


@dataclass(frozen=True)
class Filter:
    """What a list of proposals is narrowed to; `state` 9 is a running one with a conflict."""

    state: int | None = None
    layer: str = ""
    enterprise_id: int | None = None
    words: str = ""

    def kept(self) -> dict[str, str]:
        """Return the filter as it stands in an address."""
        given = {"state": self.state, "layer": self.layer, "enterprise": self.enterprise_id, "q": self.words}
        return {name: str(value) for name, value in given.items() if value not in (None, "")}


def _within(scope: Scope) -> Any:
    return in_scope(scope, Proposal.enterprise_id, Proposal.adcode)


def _listed(scope: Scope, wanted: Filter) -> Select[Any]:
    asked: Select[Any] = select(Proposal, _LON, _LAT).where(_within(scope))
    if wanted.state == CONFLICT:
        asked = asked.where(Proposal.state.in_(RUNNING), Proposal.conflicts != {})
    else:
        asked = asked.where(*equals({Proposal.state: wanted.state}))
    asked = asked.where(*equals({Proposal.layer: wanted.layer or None, Proposal.enterprise_id: wanted.enterprise_id}))
    if wanted.words:
        asked = asked.where(contains(wanted.words, Proposal.object_code, Proposal.reason, Proposal.proposed_by))
    return asked


def proposals_page(session: Session, scope: Scope, wanted: Filter, cursor: Cursor | None) -> Page:
    """Return one page of proposals, newest first."""
    return newest_first(session, _listed(scope, wanted), (Proposal.proposed_at, Proposal.id), cursor)


def proposals_listed(session: Session, scope: Scope, wanted: Filter) -> Sequence[Row[Any]]:
    """Return the proposals of a filter for a file, newest first, up to 20,000."""
    asked = _listed(scope, wanted).order_by(Proposal.proposed_at.desc(), Proposal.id.desc())
    return session.execute(asked.limit(EXPORT_MOST)).all()


def counts_by_state(session: Session, scope: Scope) -> dict[int, int]:
    """Return how many proposals stand in each state; under 9 the running ones with a conflict."""
    rows = session.execute(select(Proposal.state, func.count()).where(_within(scope)).group_by(Proposal.state))
    found = {int(state): int(n) for state, n in rows}
    caught = select(func.count()).where(_within(scope), Proposal.state.in_(RUNNING), Proposal.conflicts != {})
    return found | {CONFLICT: int(session.scalar(caught) or 0)}


def find_proposal(session: Session, proposal_id: int, *, scope: Scope) -> Row[Any]:
    """Return one proposal with place and wanted shape; raise NotFound outside the scope."""
    asked = select(Proposal, _LON, _LAT, _SHAPE).where(Proposal.id == proposal_id, _within(scope))
    found = session.execute(asked).one_or_none() if 0 < proposal_id <= BIGGEST_ID else None
    if found is None:
        raise NotFound("proposal")
    return found


def lock_proposal(session: Session, proposal_id: int, *, scope: Scope) -> Proposal:
    """Return one proposal, locked until the transaction ends; raise NotFound outside the scope."""
    asked = select(Proposal).where(Proposal.id == proposal_id, _within(scope)).with_for_update()
    found = session.scalar(asked) if 0 < proposal_id <= BIGGEST_ID else None
    if found is None:
        raise NotFound("proposal")
    return found


def steps_of(session: Session, proposal_id: int, *, scope: Scope) -> Sequence[ProposalStep]:
    """Return what happened to a proposal, newest first."""
    asked = select(ProposalStep).where(
        ProposalStep.proposal_id == proposal_id, in_scope(scope, ProposalStep.enterprise_id, ProposalStep.adcode)
    )
    return session.scalars(asked.order_by(ProposalStep.id.desc())).all()


def proposals_of_object(session: Session, scope: Scope, layer: str, object_id: int) -> Sequence[Proposal]:
    """Return the newest proposals on an object."""
    asked = select(Proposal).where(Proposal.layer == layer, Proposal.object_id == object_id, _within(scope))
    return session.scalars(asked.order_by(Proposal.id.desc()).limit(5)).all()


def open_proposals(session: Session, enterprise_id: int) -> Sequence[Row[Any]]:
    """Return what waits for an enterprise, oldest first: for its program."""
    asked = select(Proposal, _LON, _LAT, _SHAPE).where(
        Proposal.enterprise_id == enterprise_id, Proposal.state.in_(RUNNING)
    )
    return session.execute(asked.order_by(Proposal.id).limit(500)).all()
