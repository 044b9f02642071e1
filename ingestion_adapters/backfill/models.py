"""Late readings and who let them in; owns backfill_request, backfill_held."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
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
from sqlalchemy.orm import Mapped, mapped_column

from portal.core.db import Base

AT = DateTime(timezone=True)
STATES = ("noted", "asked", "approved", "refused", "withdrawn")


class BackfillRequest(Base):
    """A span of source time for which an enterprise delivers readings late, and the regulator's decision."""

    __tablename__ = "backfill_request"
    __table_args__ = (
        CheckConstraint("state in ('noted', 'asked', 'approved', 'refused', 'withdrawn')", name="state"),
        CheckConstraint("opened_how in ('delivery', 'person', 'program')", name="opened_how"),
        CheckConstraint("begin_at <= end_at", name="span"),
        Index(
            "uq_backfill_request_open",
            "enterprise_id",
            "state",
            unique=True,
            postgresql_where=text("opened_how = 'delivery' and state in ('noted', 'asked')"),
        ),
        Index("ix_backfill_request_enterprise_id", "enterprise_id", "id"),
        {"comment": "补传申请 / spans of readings delivered late, by request or approval"},
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True, comment="request number")
    enterprise_id: Mapped[int] = mapped_column(ForeignKey("enterprise.id", ondelete="RESTRICT"), comment="sender")
    begin_at: Mapped[datetime] = mapped_column(AT, comment="first source time")
    end_at: Mapped[datetime] = mapped_column(AT, comment="last source time")
    state: Mapped[str] = mapped_column(
        Text, comment="noted: taken by request; asked: waits for approval; approved, refused, withdrawn"
    )
    opened_how: Mapped[str] = mapped_column(Text, comment="delivery: late readings came; person, program: asked ahead")
    opened_by: Mapped[str] = mapped_column(Text, comment="who asked")
    opened_at: Mapped[datetime] = mapped_column(AT, server_default=func.now(), comment="when")
    reason: Mapped[str] = mapped_column(Text, server_default="", comment="why the readings are late, by the enterprise")
    decided_by: Mapped[str | None] = mapped_column(Text, comment="who decided")
    decided_at: Mapped[datetime | None] = mapped_column(AT, comment="when")
    decision: Mapped[str | None] = mapped_column(Text, comment="why it was so decided")


class BackfillHeld(Base):
    """Readings of one batch that wait for approval: kept as judged, stored through the pipeline when approved."""

    __tablename__ = "backfill_held"
    __table_args__ = (
        CheckConstraint("rows >= 0 and rows_left >= 0 and rows_left <= rows", name="rows"),
        Index("ix_backfill_held_waiting", "enterprise_id", "id", postgresql_where=text("rows_left > 0")),
        Index("ix_backfill_held_receipt_id", "receipt_id"),
        {"comment": "待审批读数 / readings that wait for approval; never deleted while they wait"},
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True, comment="row number")
    enterprise_id: Mapped[int] = mapped_column(ForeignKey("enterprise.id", ondelete="RESTRICT"), comment="sender")
    receipt_id: Mapped[int] = mapped_column(BigInteger, comment="batch they came in")
    begin_at: Mapped[datetime] = mapped_column(AT, comment="first source time of those that wait")
    end_at: Mapped[datetime] = mapped_column(AT, comment="last source time of those that wait")
    rows: Mapped[int] = mapped_column(Integer, comment="rows held when the batch came")
    rows_left: Mapped[int] = mapped_column(Integer, comment="rows that wait still")
    body: Mapped[bytes] = mapped_column(LargeBinary, comment="the rows that wait, JSON columns, zlib")
    accepted: Mapped[int] = mapped_column(Integer, server_default="0", comment="rows stored after approval")
    duplicate: Mapped[int] = mapped_column(Integer, server_default="0", comment="rows known already when approved")
    rejected: Mapped[int] = mapped_column(Integer, server_default="0", comment="rows refused when approved")
    held_at: Mapped[datetime] = mapped_column(AT, server_default=func.now(), comment="when they came")
    released_at: Mapped[datetime | None] = mapped_column(AT, comment="last time rows were stored from here")
