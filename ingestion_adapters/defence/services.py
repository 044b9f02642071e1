"""Cutting a key off, giving it free again, and setting quotas."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from ingestion_adapters.defence.models import IntakeQuota, KeyIncident
from ingestion_adapters.defence.queries import limits_of, receipts_of_key
from ingestion_adapters.defence.rules import Limits
from portal.accounts.models import ApiKey
from portal.accounts.queries import enterprise_by_id
from portal.audit.services import record
from portal.core.actor import Actor, job_actor
from portal.core.errors import Conflict, Invalid, NotFound
from portal.core.live import announce

REASON_CHARS = (4, 300)
LARGEST = 1e9


@dataclass(frozen=True)
class Evidence:
    """Why a key is cut off."""

    kind: str
    hits: int
    window_s: float
    samples: list[dict[str, Any]]


def cut_key(session: Session, key_id: int, evidence: Evidence, now: datetime) -> bool:
    """Cut a key off without a person, once; return whether it was this call that did."""
    key = session.scalar(select(ApiKey).where(ApiKey.id == key_id).with_for_update())
    if key is None or key.cut_at is not None or key.revoked_at is not None:
        return False
    key.cut_at = now
    actor = job_actor("intake guard")
    session.add(
        KeyIncident(
            enterprise_id=key.enterprise_id,
            key_id=key.id,
            action="cut",
            kind=evidence.kind,
            hits=evidence.hits,
            window_s=evidence.window_s,
            samples=evidence.samples,
            receipts_day=receipts_of_key(session, key.app_id, key.enterprise_id, now),
            actor_name=actor.name,
            at=now,
        )
    )
    _audit(session, actor, "key.cut", key, {"kind": evidence.kind, "hits": evidence.hits})
    announce(session, "intake", key.id, enterprise_id=key.enterprise_id, adcode=None)
    return True


def release_key(session: Session, key_id: int, *, reason: str, now: datetime, actor: Actor) -> None:
    """Give a key free again; raise NotFound, Conflict when it is not cut off, Invalid without a reason."""
    reason = _checked(reason)
    key = session.scalar(select(ApiKey).where(ApiKey.id == key_id).with_for_update())
    if key is None:
        raise NotFound("api_key", key_id=key_id)
    if key.cut_at is None:
        raise Conflict("key_not_cut")
    key.cut_at = None
    session.add(
        KeyIncident(
            enterprise_id=key.enterprise_id,
            key_id=key.id,
            action="released",
            reason=reason,
            actor_name=actor.shown_name,
            at=now,
        )
    )
    _audit(session, actor, "key.release", key, {"reason": reason})
    announce(session, "intake", key.id, enterprise_id=key.enterprise_id, adcode=None)


def set_quota(
    session: Session, enterprise_id: int, wanted: Limits, *, reason: str, now: datetime, actor: Actor
) -> None:
    """Set what an enterprise may send; raise NotFound for an unknown one, Invalid for figures out of range."""
    reason = _checked(reason)
    enterprise_by_id(session, enterprise_id)
    figures = {name: getattr(wanted, name) for name in ("rows_per_s", "burst_rows", "requests_per_s")}
    if not all(0 < value <= LARGEST for value in figures.values()):
        raise Invalid("quota_out_of_range")
    before = asdict(limits_of(session, enterprise_id))
    quota = session.get(IntakeQuota, enterprise_id)
    if quota is None:
        quota = IntakeQuota(enterprise_id=enterprise_id)
        session.add(quota)
    for name, value in figures.items():
        setattr(quota, name, value)
    quota.reason, quota.updated_at, quota.updated_by = reason, now, actor.id if actor.kind == "user" else None
    record(
        session,
        actor,
        "quota.set",
        object_type="enterprise",
        object_id=enterprise_id,
        enterprise_id=enterprise_id,
        before=before,
        after=asdict(replace(wanted)) | {"reason": reason},
    )


def _checked(reason: str) -> str:
    reason = reason.strip()
    if not REASON_CHARS[0] <= len(reason) <= REASON_CHARS[1]:
        raise Invalid("reason_needed")
    return reason


def _audit(session: Session, actor: Actor, action: str, key: ApiKey, facts: dict[str, Any]) -> None:
    record(
        session,
        actor,
        action,
        object_type="api_key",
        object_id=key.id,
        enterprise_id=key.enterprise_id,
        after={"app_id": key.app_id} | facts,
    )
