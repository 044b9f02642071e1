"""What people say of and decide about a finding, and asking for a run of the matching."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from gis.borders.models import BorderFinding, BorderRun, BorderStep
from portal.audit.services import record
from portal.core.actor import Actor
from portal.core.errors import Conflict, NotAllowed
from portal.network.borders.queries import lock_finding
from portal.network.borders.rules import OPEN, Refused, Standing, after, side_of

GOING = ("waiting", "running")


def act(session: Session, finding_id: int, action: str, reason: str, *, now: datetime, actor: Actor) -> BorderFinding:
    """Say or decide something of a finding; the network's graph follows a joint within five seconds.

    Raise NotFound outside the scope, NotAllowed for who has no say, Conflict with a code where it does not fit.
    """
    finding = lock_finding(session, finding_id, scope=actor.scope)
    side = side_of(actor.enterprise_id, finding.enterprise_a_id, finding.enterprise_b_id, actor.scope.whole_city)
    wanted = "border.say" if side in ("a", "b") else "border.decide"
    if side is None or not actor.may(wanted):
        raise NotAllowed("border_no_say")
    before = _standing(finding)
    try:
        become = after(before, action, side, reason)
    except Refused as refused:
        raise Conflict(str(refused)) from refused
    finding.state, finding.say_a, finding.say_b = become.state, become.say_a, become.say_b
    finding.decided_by = become.decided_by
    finding.decided_at = None if become.state == OPEN else now
    step = BorderStep(
        finding_id=finding.id, action=action, side=side, state=become.state, reason=reason, actor_name=actor.shown_name
    )
    session.add(step)
    session.flush()
    record(
        session, actor, f"border.{action}", object_type="border_finding", object_id=finding.id,
        enterprise_id=actor.enterprise_id, before=vars(before), after={**vars(become), "reason": reason},
    )  # fmt: skip
    return finding


def _standing(finding: BorderFinding) -> Standing:
    return Standing(finding.kind, finding.state, finding.say_a, finding.say_b, finding.decided_by)


def ask_run(session: Session, *, now: datetime, actor: Actor) -> BorderRun:
    """Ask for a matching of all borders; one that is still going is returned instead of a second."""
    going = session.scalar(select(BorderRun).where(BorderRun.state.in_(GOING)).order_by(BorderRun.id).limit(1))
    if going is not None:
        return going
    made = BorderRun(asked_by=actor.shown_name, asked_at=now)
    session.add(made)
    session.flush()
    record(session, actor, "border.run", object_type="border_run", object_id=made.id)
    return made
