"""Enterprises' own HTTP interfaces that the portal asks by schedule; owns pull_source, pull_run."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Text,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from portal.core.db import Base


class PullSource(Base):
    """One address of an enterprise that is asked for one dataset."""

    __tablename__ = "pull_source"
    __table_args__ = (
        CheckConstraint("state in ('running', 'stopped')", name="state"),
        CheckConstraint("period_s between 10 and 86400", name="period"),
        Index("ix_pull_source_due", "next_at", postgresql_where=text("state = 'running'")),
        {"comment": "定时拉取来源 / an enterprise's own HTTP interface, asked by schedule"},
    )

    id: Mapped[int] = mapped_column(Integer, Identity(), primary_key=True, comment="row number")
    enterprise_id: Mapped[int] = mapped_column(
        ForeignKey("enterprise.id", ondelete="RESTRICT"), index=True, comment="whose data"
    )
    dataset: Mapped[str] = mapped_column(Text, comment="RT ALM USR DAY …")
    url: Mapped[str] = mapped_column(
        Text, comment="address without the cursor; its host must be allowed by PORTAL_PULL_HOSTS"
    )
    period_s: Mapped[int] = mapped_column(Integer, server_default="60", comment="seconds between two questions")
    header_name: Mapped[str | None] = mapped_column(Text, comment="header that carries the enterprise's token")
    header_sealed: Mapped[str | None] = mapped_column(
        Text, comment="value of that header, SM4-GCM under the portal's seal key, bound to the row"
    )
    cursor: Mapped[str] = mapped_column(
        Text, server_default="", comment="where the next question begins, as the last answer said"
    )
    state: Mapped[str] = mapped_column(Text, server_default="running", comment="running or stopped")
    failures: Mapped[int] = mapped_column(
        Integer, server_default="0", comment="failures in a row; the pauses grow with them"
    )
    last_error: Mapped[str | None] = mapped_column(Text, comment="why the last question failed")
    last_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), comment="last answer that was taken in")
    next_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.now(), comment="next question"
    )
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now(), comment="entered")
    updated_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.now(), comment="changed by a person"
    )


class PullRun(Base):
    """One question and what came of it."""

    __tablename__ = "pull_run"
    __table_args__ = (
        Index("ix_pull_run_source", "source_id", "id"),
        Index("ix_pull_run_at", "at"),
        {"comment": "拉取记录 / questions to pull_source and what came of them; kept 30 days"},
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True, comment="row number")
    source_id: Mapped[int] = mapped_column(ForeignKey("pull_source.id", ondelete="RESTRICT"), comment="source")
    enterprise_id: Mapped[int] = mapped_column(Integer, comment="whose, for the row policy")
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now(), comment="begun")
    took_ms: Mapped[int] = mapped_column(Integer, comment="how long it took, ms")
    ok: Mapped[bool] = mapped_column(Boolean, comment="whether the answer was taken in")
    status: Mapped[int | None] = mapped_column(Integer, comment="HTTP status of the enterprise's server")
    rows: Mapped[int] = mapped_column(Integer, server_default="0", comment="records in the answer")
    accepted: Mapped[int] = mapped_column(Integer, server_default="0", comment="records stored")
    rejected: Mapped[int] = mapped_column(Integer, server_default="0", comment="records refused")
    receipt_id: Mapped[int | None] = mapped_column(BigInteger, comment="receipt, also of a refused answer")
    error: Mapped[str | None] = mapped_column(Text, comment="why it failed")
