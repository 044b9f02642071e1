"""What the self-defence reads: limits in force, senders beside their quota, and incidents."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from ingestion_adapters.defence.models import IntakeQuota, KeyIncident
from ingestion_adapters.defence.rules import Limits
from ingestion_adapters.models import IntakeHour, Receipt
from portal.accounts.models import ApiKey, Enterprise

SHOWN = 200
_QUOTA = ("rows_per_s", "burst_rows", "requests_per_s")


def limits_of(session: Session, enterprise_id: int) -> Limits:
    """Return what an enterprise may send: its own quota, else parameters `quota.*`; and `defence.*`."""
    rows = session.execute(text("select key, value from parameter where key like 'quota.%' or key like 'defence.%'"))
    given = {row.key.partition(".")[2]: row.value for row in rows}
    own = session.get(IntakeQuota, enterprise_id)
    if own is not None:
        given |= {name: getattr(own, name) for name in _QUOTA}
    return Limits(**{each.name: given[each.name] for each in fields(Limits) if each.name in given})


@dataclass(frozen=True)
class SenderLine:
    """An enterprise beside its quota."""

    enterprise_id: int
    name: str
    limits: Limits
    own_quota: bool
    reason: str
    rows_hour: int
    cut_keys: int

    @property
    def share(self) -> float:
        """Return the rows of this hour as a share of what the quota admits in an hour."""
        return self.rows_hour / (self.limits.rows_per_s * 3600)


def sender_lines(session: Session, now: datetime) -> list[SenderLine]:
    """Return the enterprises within the scope with their quota and what they sent since the hour began."""
    hour = now.replace(minute=0, second=0, microsecond=0)
    sent = (
        select(IntakeHour.enterprise_id, func.sum(IntakeHour.rows).label("sent_rows"))
        .where(IntakeHour.hour == hour)
        .group_by(IntakeHour.enterprise_id)
        .subquery()
    )
    cut = (
        select(ApiKey.enterprise_id, func.count().label("cut_keys"))
        .where(ApiKey.cut_at.is_not(None), ApiKey.revoked_at.is_(None))
        .group_by(ApiKey.enterprise_id)
        .subquery()
    )
    visible = select(Receipt.enterprise_id).where(Receipt.enterprise_id == Enterprise.id).exists()
    wanted = (
        select(Enterprise.id, Enterprise.short_name, sent.c.sent_rows, cut.c.cut_keys, IntakeQuota.reason)
        .outerjoin(sent, sent.c.enterprise_id == Enterprise.id)
        .outerjoin(cut, cut.c.enterprise_id == Enterprise.id)
        .outerjoin(IntakeQuota, IntakeQuota.enterprise_id == Enterprise.id)
        .where(visible)
        .order_by(Enterprise.short_name)
        .limit(SHOWN)
    )
    return [
        SenderLine(
            number, name, limits_of(session, number), reason is not None, reason or "", int(rows or 0), int(keys or 0)
        )
        for number, name, rows, keys, reason in session.execute(wanted)
    ]


def incidents(session: Session, *, before: int = 0, limit: int = 50) -> list[Any]:
    """Return incidents within the scope with the enterprise's name and the key, newest first."""
    wanted = (
        select(KeyIncident, Enterprise.short_name, ApiKey)
        .join(Enterprise, Enterprise.id == KeyIncident.enterprise_id)
        .join(ApiKey, ApiKey.id == KeyIncident.key_id)
    )
    if before:
        wanted = wanted.where(KeyIncident.id < before)
    return list(session.execute(wanted.order_by(KeyIncident.id.desc()).limit(limit + 1)))


def receipts_of_key(session: Session, app_id: str, enterprise_id: int, now: datetime) -> int:
    """Return how many batches were taken from a key in the last 24 hours."""
    wanted = select(func.count()).where(
        Receipt.enterprise_id == enterprise_id,
        Receipt.received_at >= now - timedelta(days=1),
        Receipt.app_id == app_id,
        Receipt.status == "taken",
    )
    return session.scalar(wanted) or 0
