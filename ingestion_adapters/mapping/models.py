"""Mappings and messages as sent; owns enterprise_mapping and raw_message. Both only grow."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Text,
    UniqueConstraint,
    func,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from portal.core.db import Base


class EnterpriseMapping(Base):
    """One version of how an enterprise speaks; the newest whose time has come holds."""

    __tablename__ = "enterprise_mapping"
    __table_args__ = (
        UniqueConstraint("enterprise_id", "version"),
        {"comment": "企业字段映射 / versions of how an enterprise speaks; insert only, the newest valid one holds"},
    )

    id: Mapped[int] = mapped_column(Integer, Identity(), primary_key=True, comment="row number")
    enterprise_id: Mapped[int] = mapped_column(ForeignKey("enterprise.id", ondelete="RESTRICT"), comment="whose words")
    version: Mapped[int] = mapped_column(Integer, comment="counts from 1 within the enterprise")
    body: Mapped[dict[str, Any]] = mapped_column(JSONB, comment="the mapping file as checked by its schema")
    note: Mapped[str] = mapped_column(Text, server_default="", comment="why this version was made")
    made_by: Mapped[str] = mapped_column(Text, comment="who made it, login or command line")
    valid_from: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.now(), comment="holds from"
    )
    made_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now(), comment="saved")


class RawMessage(Base):
    """The rows of a mapped batch in the sender's words."""

    __tablename__ = "raw_message"
    __table_args__ = (
        CheckConstraint("form in ('rows', 'columns')", name="form"),
        Index("ix_raw_message_received", "received_at"),
        {"comment": "原始报文 / rows of mapped batches as sent; insert only, retired after parameter intake.raw_days"},
    )

    receipt_id: Mapped[int] = mapped_column(
        BigInteger, primary_key=True, autoincrement=False, comment="receipt of the batch"
    )
    enterprise_id: Mapped[int] = mapped_column(
        ForeignKey("enterprise.id", ondelete="RESTRICT"), index=True, comment="sender"
    )
    mapping_id: Mapped[int] = mapped_column(
        ForeignKey("enterprise_mapping.id", ondelete="RESTRICT"), comment="version of the mapping that was used"
    )
    dataset: Mapped[str] = mapped_column(Text, comment="dataset")
    form: Mapped[str] = mapped_column(Text, comment="rows: one JSON row a line; columns: the columns of RT")
    rows: Mapped[int] = mapped_column(Integer, comment="rows in the batch")
    masked: Mapped[bool] = mapped_column(Boolean, comment="whether personal data were masked before they were kept")
    lax: Mapped[bool] = mapped_column(Boolean, comment="whether every value came as text")
    plain_bytes: Mapped[int] = mapped_column(Integer, comment="bytes before compression")
    body: Mapped[bytes] = mapped_column(LargeBinary, comment="zstd")
    received_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.now(), comment="received"
    )
