"""Reads of household checks by user."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.core.actor import Scope
from portal.core.scoping import in_scope
from portal.safety.checks.models import HouseholdCheck

SHOWN_MOST = 5


def checks_of_user(session: Session, scope: Scope, user_id: int) -> Sequence[HouseholdCheck]:
    """Return the newest checks in a user's rooms."""
    wanted = select(HouseholdCheck).where(
        HouseholdCheck.user_id == user_id, in_scope(scope, HouseholdCheck.enterprise_id, HouseholdCheck.adcode)
    )
    return session.scalars(wanted.order_by(HouseholdCheck.checked_at.desc()).limit(SHOWN_MOST)).all()
