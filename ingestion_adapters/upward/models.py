"""Superior platforms and what is forwarded to them; owns superior, upward_item, upward_batch, upward_attempt."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from portal.core.db import Base


class Superior(Base):
    """A platform above the city, such as the province's."""

    __tablename__ = "superior"
    __table_args__ = {"comment": "上级平台 / platforms above the city that get chosen events and figures"}

    id: Mapped[int] = mapped_column(Integer, Identity(), primary_key=True, comment="row number")
    name: Mapped[str] = mapped_column(Text, unique=True, comment="name")
    base_url: Mapped[str] = mapped_column(
        Text, comment="address before /api/v1/ingest; its host must be allowed by PORTAL_UPWARD_HOSTS"
    )
    app_id: Mapped[str] = mapped_column(Text, comment="X-App-Id the superior gave the city")
    key_sealed: Mapped[str] = mapped_column(
        Text, comment="HMAC-SM3 key, SM4-GCM under the portal's seal key, bound to name and app id"
    )
    sends: Mapped[list[str]] = mapped_column(ARRAY(Text), comment="datasets forwarded: ALM EVT HAZ DAY MTH")
    state: Mapped[str] = mapped_column(Text, server_default="running", comment="running, stopped")
    updated_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.now(), comment="last change"
    )


class UpwardItem(Base):
    """One state of one record that is owed to a superior; a changed record is a new item."""

    __tablename__ = "upward_item"
    __table_args__ = (
        Index("ix_upward_item_newest", "superior_id", "dataset", "object_key", "id"),
        Index("ix_upward_item_waiting", "superior_id", "dataset", "id", postgresql_where=text("batch_no is null")),
        Index("ix_upward_item_batch_no", "batch_no"),
        {"comment": "上报条目 / records owed to a superior, one row a state of the record"},
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True, comment="row number")
    superior_id: Mapped[int] = mapped_column(ForeignKey("superior.id", ondelete="RESTRICT"), comment="to whom")
    dataset: Mapped[str] = mapped_column(Text, comment="ALM EVT HAZ DAY MTH")
    object_key: Mapped[str] = mapped_column(Text, comment="code of the enterprise / its own number of the record")
    content_sm3: Mapped[str] = mapped_column(Text, comment="SM3 of the record, hex")
    record: Mapped[dict[str, Any]] = mapped_column(JSONB, comment="record as it is sent")
    batch_no: Mapped[int | None] = mapped_column(BigInteger, comment="batch it was put in")
    created_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.now(), comment="owed since"
    )


class UpwardBatch(Base):
    """A batch on its way: its bytes never change, so that a repeated attempt is a replay."""

    __tablename__ = "upward_batch"
    __table_args__ = (
        Index("ix_upward_batch_due", "next_at", postgresql_where=text("state = 'waiting'")),
        {"comment": "上报批次 / batches to a superior with their receipts"},
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True, comment="row number")
    superior_id: Mapped[int] = mapped_column(
        ForeignKey("superior.id", ondelete="RESTRICT"), index=True, comment="to whom"
    )
    dataset: Mapped[str] = mapped_column(Text, comment="dataset")
    batch_id: Mapped[str] = mapped_column(Text, unique=True, comment="X-Batch-Id")
    rows: Mapped[int] = mapped_column(Integer, comment="records in it")
    body: Mapped[bytes] = mapped_column(LargeBinary, comment="bytes as sent")
    body_sm3: Mapped[str] = mapped_column(Text, comment="SM3 of the bytes, hex")
    state: Mapped[str] = mapped_column(Text, server_default="waiting", comment="waiting, taken, refused")
    attempts: Mapped[int] = mapped_column(Integer, server_default="0", comment="how often it was sent")
    next_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.now(), comment="next attempt"
    )
    last_error: Mapped[str] = mapped_column(Text, server_default="", comment="why the last attempt failed")
    receipt: Mapped[dict[str, Any] | None] = mapped_column(JSONB, comment="the superior's answer")
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now(), comment="made")
    ended_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), comment="taken or refused")


class UpwardAttempt(Base):
    """One attempt to send a batch; insert only."""

    __tablename__ = "upward_attempt"
    __table_args__ = (
        Index("ix_upward_attempt_batch_no", "batch_no", "id"),
        {"comment": "上报尝试 / attempts to send a batch and what was answered; insert only"},
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True, comment="row number")
    batch_no: Mapped[int] = mapped_column(ForeignKey("upward_batch.id", ondelete="RESTRICT"), comment="batch")
    status: Mapped[int] = mapped_column(Integer, comment="HTTP status, 0 when nothing answered")
    said: Mapped[str] = mapped_column(Text, comment="answer or reason, cut to 2,000 characters")
    took_ms: Mapped[int] = mapped_column(Integer, comment="time until the answer, ms")
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now(), comment="when")
