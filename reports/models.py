"""The archive of reports; owns report. Reports are never changed: a new version is a new row."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, Date, DateTime, ForeignKey, Identity, Index, Integer, LargeBinary, Text, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from portal.core.db import Base


class Report(Base):
    """A finished report with the data it was made from."""

    __tablename__ = "report"
    __table_args__ = (
        Index("ix_report_kind_period", "kind", "enterprise_id", "period_from"),
        {"comment": "报告 / archive of reports; insert only"},
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True, comment="row number")
    kind: Mapped[str] = mapped_column(Text, comment="evaluation …")
    enterprise_id: Mapped[int | None] = mapped_column(ForeignKey("enterprise.id", ondelete="RESTRICT"), comment="enterprise judged, empty for the city")
    period_from: Mapped[date] = mapped_column(Date, comment="first day")
    period_to: Mapped[date] = mapped_column(Date, comment="last day")
    version: Mapped[int] = mapped_column(Integer, comment="1, 2 … for the same kind, enterprise and period")
    language: Mapped[str] = mapped_column(Text, server_default="zh_CN", comment="language of the text")
    title: Mapped[str] = mapped_column(Text, comment="title")
    score: Mapped[float | None] = mapped_column(comment="total score, 0-100")
    snapshot: Mapped[dict[str, Any]] = mapped_column(JSONB, comment="every figure the report shows")
    snapshot_sm3: Mapped[str] = mapped_column(Text, comment="SM3 of the canonical snapshot, hex")
    verify_code: Mapped[str] = mapped_column(Text, unique=True, comment="code printed on each page")
    pdf: Mapped[bytes] = mapped_column(LargeBinary, comment="the file")
    pdf_sm3: Mapped[str] = mapped_column(Text, unique=True, comment="SM3 of the file, hex")
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now(), comment="made")
    created_by: Mapped[str] = mapped_column(Text, comment="who or which job")
