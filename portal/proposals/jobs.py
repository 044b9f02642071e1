"""Noticing that an enterprise's data carried a correction out, or that its value changed meanwhile."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.core.actor import job_actor
from portal.proposals.models import Proposal
from portal.proposals.rules import RUNNING
from portal.proposals.services import follow

EACH_RUN = 500


def follow_proposals(session: Session, now: datetime) -> str:
    """Look at every running proposal; safe to run twice."""
    actor = job_actor("follow_proposals")
    running = session.scalars(
        select(Proposal)
        .where(Proposal.state.in_(RUNNING))
        .order_by(Proposal.id)
        .limit(EACH_RUN)
        .with_for_update(skip_locked=True)
    )
    told = [follow(session, each, now=now, actor=actor) for each in running]
    return f"{told.count('applied')} applied, {told.count('conflict')} in conflict"
