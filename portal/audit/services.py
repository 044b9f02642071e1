"""Writing the audit: one row an act, in the caller's transaction."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from portal.audit.models import AuditEntry
from portal.core.actor import Actor


def record(
    session: Session,
    actor: Actor,
    action: str,
    *,
    object_type: str = "",
    object_id: object = "",
    enterprise_id: int | None = None,
    result: str = "done",
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    """Write one act into the audit; it commits or vanishes with the change it describes."""
    session.add(
        AuditEntry(
            actor_kind=actor.kind,
            actor_id=actor.id,
            actor_name=actor.name,
            enterprise_id=enterprise_id,
            session_ref=actor.session_ref,
            address=actor.address,
            request_id=actor.request_id,
            action=action,
            object_type=object_type,
            object_id=str(object_id),
            result=result,
            before=before,
            after=after,
        )
    )
    session.flush()
