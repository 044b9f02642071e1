"""The audit trail and its seals; owns audit_entry, ledger_seal. Rows are inserted, never changed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, DateTime, Identity, Index, Integer, LargeBinary, Text, UniqueConstraint, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from portal.core.db import Base, Xid8


class AuditEntry(Base):
    """One act: who, when, from where, what, before and after."""

    __tablename__ = "audit_entry"
    __table_args__ = (
        Index("ix_audit_entry_at", "at"),
        Index("ix_audit_entry_object", "object_type", "object_id"),
        Index("ix_audit_entry_xid", "xid"),
        {"comment": "审计 / every act; insert only, each row with its SM3, chained by ledger_seal"},
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True, comment="row number")
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.clock_timestamp(), comment="when")
    actor_kind: Mapped[str] = mapped_column(Text, comment="user, program, job, cli, nobody")
    actor_id: Mapped[int | None] = mapped_column(Integer, comment="app_user.id or api_key.id")
    actor_name: Mapped[str] = mapped_column(Text, comment="login, app id or job name at that time")
    enterprise_id: Mapped[int | None] = mapped_column(Integer, comment="enterprise the act concerns")
    session_ref: Mapped[str] = mapped_column(Text, server_default="", comment="session or key")
    address: Mapped[str] = mapped_column(Text, server_default="", comment="network address")
    request_id: Mapped[str] = mapped_column(Text, server_default="", comment="request id of the logs")
    action: Mapped[str] = mapped_column(Text, comment="for example alarm.acknowledge")
    object_type: Mapped[str] = mapped_column(Text, server_default="", comment="kind of the object")
    object_id: Mapped[str] = mapped_column(Text, server_default="", comment="number of the object")
    result: Mapped[str] = mapped_column(Text, server_default="done", comment="done, denied, failed")
    before: Mapped[dict[str, Any] | None] = mapped_column(JSONB, comment="state before; ids and ciphertext only")
    after: Mapped[dict[str, Any] | None] = mapped_column(JSONB, comment="state after")
    xid: Mapped[int] = mapped_column(Xid8, server_default=text("pg_current_xact_id()"), comment="writing transaction")
    row_sm3: Mapped[bytes] = mapped_column(LargeBinary, server_default=text("''::bytea"), comment="SM3 of the row, set by trigger")


class LedgerSeal(Base):
    """One link of a ledger's chain: all rows whose transactions ended before a horizon."""

    __tablename__ = "ledger_seal"
    __table_args__ = (
        UniqueConstraint("ledger", "seq"),
        {"comment": "chain over the SM3 of a ledger's rows, made each second; insert only"},
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True, comment="row number")
    ledger: Mapped[str] = mapped_column(Text, comment="audit_entry, alarm, alarm_event or receipt")
    seq: Mapped[int] = mapped_column(BigInteger, comment="place in the chain, from 1")
    xid_from: Mapped[int] = mapped_column(Xid8, comment="first transaction covered")
    xid_to: Mapped[int] = mapped_column(Xid8, comment="horizon, not covered")
    rows: Mapped[int] = mapped_column(Integer, comment="number of rows covered")
    sm3: Mapped[bytes] = mapped_column(LargeBinary, comment="SM3(previous seal, seq, horizon, row digests by id)")
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.clock_timestamp(), comment="sealed")
