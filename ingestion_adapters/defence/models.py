"""Quotas of enterprises and what happened to keys; owns intake_quota, key_incident. Incidents are never changed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, DateTime, Double, ForeignKey, Identity, Index, Integer, Text, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from portal.core.db import Base


class IntakeQuota(Base):
    """What one enterprise may send; without a row the parameters `quota.*` hold."""

    __tablename__ = "intake_quota"
    __table_args__ = {
        "comment": "企业接入配额 / what an enterprise may send, where it differs from the parameters quota.*"
    }

    enterprise_id: Mapped[int] = mapped_column(
        ForeignKey("enterprise.id", ondelete="RESTRICT"), primary_key=True, comment="whose"
    )
    rows_per_s: Mapped[float] = mapped_column(Double, comment="rows a second in the long run")
    burst_rows: Mapped[float] = mapped_column(Double, comment="rows that may come at once after a pause")
    requests_per_s: Mapped[float] = mapped_column(Double, comment="requests a second in the long run")
    reason: Mapped[str] = mapped_column(Text, comment="why it differs")
    updated_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id", ondelete="RESTRICT"), comment="who set it")
    updated_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.now(), comment="last change"
    )


class KeyIncident(Base):
    """A key that was cut off or given free again, with what can be looked at afterwards; insert only."""

    __tablename__ = "key_incident"
    __table_args__ = (
        Index("ix_key_incident_key_id", "key_id", "id"),
        {"comment": "密钥阻断记录 / keys cut off by the portal itself and given free by people; insert only"},
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True, comment="row number")
    enterprise_id: Mapped[int] = mapped_column(
        ForeignKey("enterprise.id", ondelete="RESTRICT"), index=True, comment="whose key"
    )
    key_id: Mapped[int] = mapped_column(ForeignKey("api_key.id", ondelete="RESTRICT"), comment="key")
    action: Mapped[str] = mapped_column(Text, comment="cut, released")
    kind: Mapped[str] = mapped_column(
        Text, server_default="", comment="signature: wrong signatures; flood: went on beyond its quota"
    )
    hits: Mapped[int] = mapped_column(Integer, server_default="0", comment="requests that led to it")
    window_s: Mapped[float] = mapped_column(Double, server_default="0", comment="within so many seconds")
    samples: Mapped[list[Any]] = mapped_column(
        JSONB, server_default=text("'[]'"), comment="newest of these requests: at, address, path, bytes, body_sm3"
    )
    receipts_day: Mapped[int] = mapped_column(
        Integer, server_default="0", comment="batches taken from the key in the 24 h before"
    )
    reason: Mapped[str] = mapped_column(Text, server_default="", comment="why it was given free")
    actor_name: Mapped[str] = mapped_column(Text, comment="job or person")
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now(), comment="when")
