"""Receipts and what was refused; owns receipt, rejection, nonce_used, intake_hour, import_job. Receipts are never changed."""

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
    SmallInteger,
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from portal.core.db import Base, Xid8


class Receipt(Base):
    """What was received in one batch, and what became of it; insert only."""

    __tablename__ = "receipt"
    __table_args__ = (
        Index(
            "uq_receipt_batch",
            "enterprise_id",
            "batch_id",
            unique=True,
            postgresql_where=text("status = 'taken'"),
        ),
        Index("ix_receipt_enterprise_received", "enterprise_id", "received_at"),
        Index("ix_receipt_xid", "xid"),
        {"comment": "回执 / one row a batch received; insert only, chained by ledger_seal"},
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True, comment="receipt number")
    enterprise_id: Mapped[int] = mapped_column(ForeignKey("enterprise.id", ondelete="RESTRICT"), comment="sender")
    dataset: Mapped[str] = mapped_column(Text, comment="ENT NET USR RT ALM DAY …")
    batch_id: Mapped[str] = mapped_column(Text, comment="the sender's own number, unique per sender among taken batches")
    door: Mapped[str] = mapped_column(Text, comment="http, mqtt, drop, upload, pull, cli, demo")
    status: Mapped[str] = mapped_column(Text, comment="taken: rows were judged one by one; refused: nothing was")
    code: Mapped[str | None] = mapped_column(Text, comment="why a batch was refused whole")
    body_sm3: Mapped[str] = mapped_column(Text, comment="SM3 of the body as sent, hex")
    body_bytes: Mapped[int] = mapped_column(BigInteger, comment="bytes as sent")
    rows: Mapped[int] = mapped_column(Integer, comment="rows in the batch")
    accepted: Mapped[int] = mapped_column(Integer, comment="rows stored")
    duplicate: Mapped[int] = mapped_column(Integer, comment="rows known before, unchanged")
    rejected: Mapped[int] = mapped_column(Integer, comment="rows refused, kept in rejection")
    files: Mapped[list[Any] | None] = mapped_column(JSONB, comment="file names of a delivery")
    crs: Mapped[str | None] = mapped_column(Text, comment="coordinate system of a delivery")
    crs_evidence: Mapped[str | None] = mapped_column(Text, comment="declared by the sender or how it was detected")
    app_id: Mapped[str | None] = mapped_column(Text, comment="key or person that sent it")
    received_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now(), comment="received")
    xid: Mapped[int] = mapped_column(Xid8, server_default=text("pg_current_xact_id()"), comment="writing transaction")
    row_sm3: Mapped[bytes] = mapped_column(LargeBinary, server_default=text("''::bytea"), comment="SM3 of the row, set by trigger")


class Rejection(Base):
    """One finding on one row; a refused row stays here with its text."""

    __tablename__ = "rejection"
    __table_args__ = (
        Index("ix_rejection_receipt_id", "receipt_id", "id"),
        {"comment": "隔离区 / findings and quarantined rows of a batch; insert only"},
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True, comment="row number")
    receipt_id: Mapped[int] = mapped_column(ForeignKey("receipt.id", ondelete="RESTRICT"), comment="batch")
    enterprise_id: Mapped[int] = mapped_column(Integer, comment="sender, for the row policy")
    severity: Mapped[str] = mapped_column(Text, server_default="error", comment="error: the row was refused; warning: stored but noted")
    file: Mapped[str | None] = mapped_column(Text, comment="file of a delivery")
    row: Mapped[int] = mapped_column(Integer, comment="row in the batch from 0, or line of the file as a person counts")
    object_code: Mapped[str | None] = mapped_column(Text, comment="the enterprise's own code of the object")
    field: Mapped[str | None] = mapped_column(Text, comment="field")
    rule: Mapped[str | None] = mapped_column(Text, comment="rule R1 … R19 where one applies")
    code: Mapped[str] = mapped_column(Text, comment="E_SCHEMA, E_DICT …")
    message_zh: Mapped[str] = mapped_column(Text, comment="reason in Chinese")
    message_en: Mapped[str] = mapped_column(Text, comment="reason in English")
    raw: Mapped[str | None] = mapped_column(Text, comment="row as sent")


class NonceUsed(Base):
    """A nonce that was used."""

    __tablename__ = "nonce_used"
    __table_args__ = {"comment": "nonces of signed requests, kept 11 minutes"}

    app_id: Mapped[str] = mapped_column(Text, primary_key=True, comment="X-App-Id")
    nonce: Mapped[str] = mapped_column(Text, primary_key=True, comment="X-Nonce")
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now(), index=True, comment="used")


class IntakeHour(Base):
    """Counters of one enterprise, dataset and hour."""

    __tablename__ = "intake_hour"
    __table_args__ = {"comment": "counters of intake by hour"}

    enterprise_id: Mapped[int] = mapped_column(ForeignKey("enterprise.id", ondelete="RESTRICT"), primary_key=True, comment="sender")
    dataset: Mapped[str] = mapped_column(Text, primary_key=True, comment="dataset")
    hour: Mapped[datetime] = mapped_column(DateTime(timezone=True), primary_key=True, comment="begin of the hour of receipt")
    batches: Mapped[int] = mapped_column(Integer, server_default="0", comment="batches taken")
    rows: Mapped[int] = mapped_column(BigInteger, server_default="0", comment="rows received")
    accepted: Mapped[int] = mapped_column(BigInteger, server_default="0", comment="rows stored")
    duplicate: Mapped[int] = mapped_column(BigInteger, server_default="0", comment="rows known before")
    rejected: Mapped[int] = mapped_column(BigInteger, server_default="0", comment="rows refused")
    late: Mapped[int] = mapped_column(BigInteger, server_default="0", comment="rows after their time limit")
    refused: Mapped[int] = mapped_column(Integer, server_default="0", comment="batches refused whole")
    last_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now(), comment="newest batch")


class ImportJob(Base):
    """A delivery of files on its way in."""

    __tablename__ = "import_job"
    __table_args__ = {"comment": "uploads on their way; progress and result"}

    id: Mapped[int] = mapped_column(Integer, Identity(), primary_key=True, comment="row number")
    enterprise_id: Mapped[int] = mapped_column(ForeignKey("enterprise.id", ondelete="RESTRICT"), index=True, comment="sender")
    user_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id", ondelete="RESTRICT"), comment="who uploaded")
    files: Mapped[list[Any]] = mapped_column(JSONB, comment="file names")
    folder: Mapped[str] = mapped_column(Text, comment="folder below the data directory")
    dataset: Mapped[str] = mapped_column(Text, server_default="NET", comment="what the files hold; NET deliveries are judged as a whole")
    crs_said: Mapped[str | None] = mapped_column(Text, comment="coordinate system declared")
    dry_run: Mapped[bool] = mapped_column(server_default=text("false"), comment="judge only")
    state: Mapped[str] = mapped_column(Text, server_default="waiting", comment="waiting, reading, judging, storing, done, needs_crs, failed")
    step: Mapped[int] = mapped_column(SmallInteger, server_default="0", comment="progress, percent")
    note: Mapped[str | None] = mapped_column(Text, comment="why it failed or what is asked")
    result: Mapped[dict[str, Any] | None] = mapped_column(JSONB, comment="report of a dry run or a failed job")
    receipt_id: Mapped[int | None] = mapped_column(BigInteger, comment="receipt when stored")
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now(), comment="uploaded")
    finished_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), comment="ended")
