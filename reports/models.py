"""Reports, orders for them, findings and agreements; owns report, report_order, site_finding, site_evidence,
evaluation_agreement, evaluation_consent.

Reports, findings, evidence and agreements are never changed: a new version is a new row.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Date,
    DateTime,
    Double,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Text,
    UniqueConstraint,
    func,
    text,
)
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


class ReportOrder(Base):
    """A report that somebody wants; the worker makes it and keeps its progress here."""

    __tablename__ = "report_order"
    __table_args__ = (
        Index("ix_report_order_open", "id", postgresql_where=text("state in ('waiting', 'making')")),
        {"comment": "报告任务 / reports being made, with progress and result"},
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True, comment="row number")
    kind: Mapped[str] = mapped_column(Text, comment="evaluation …")
    enterprise_id: Mapped[int] = mapped_column(ForeignKey("enterprise.id", ondelete="RESTRICT"), index=True, comment="enterprise to judge")
    period: Mapped[date] = mapped_column(Date, comment="first day of the month")
    language: Mapped[str] = mapped_column(Text, server_default="zh_CN", comment="language of the text")
    state: Mapped[str] = mapped_column(Text, server_default="waiting", comment="waiting, making, done, failed")
    step: Mapped[str] = mapped_column(Text, server_default="waiting", comment="what is being done: waiting, figures, map, pages, archive, done")
    percent: Mapped[int] = mapped_column(SmallInteger, server_default="0", comment="progress, percent")
    attempts: Mapped[int] = mapped_column(SmallInteger, server_default="0", comment="how often it was begun")
    error: Mapped[str | None] = mapped_column(Text, comment="code of why it failed")
    report_id: Mapped[int | None] = mapped_column(ForeignKey("report.id", ondelete="RESTRICT"), comment="the finished report")
    user_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id", ondelete="RESTRICT"), comment="who ordered")
    ordered_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now(), comment="ordered")
    started_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), comment="last begun")
    ended_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), comment="done or failed")


class SiteEvidence(Base):
    """A photo or paper that proves a finding."""

    __tablename__ = "site_evidence"
    __table_args__ = {"comment": "现场核实证据 / files that prove on-site findings; insert only"}

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True, comment="row number")
    enterprise_id: Mapped[int] = mapped_column(ForeignKey("enterprise.id", ondelete="RESTRICT"), index=True, comment="enterprise concerned")
    name: Mapped[str] = mapped_column(Text, comment="file name as given")
    media_type: Mapped[str] = mapped_column(Text, comment="image/jpeg, image/png or application/pdf, told from the content")
    sm3: Mapped[str] = mapped_column(Text, comment="SM3 of the content, hex")
    content: Mapped[bytes] = mapped_column(LargeBinary, comment="the file")
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now(), comment="handed in")


class SiteFinding(Base):
    """One version of what was found outside the system: on site, by questionnaire, interview or papers."""

    __tablename__ = "site_finding"
    __table_args__ = (
        UniqueConstraint("enterprise_id", "period_from", "number", "version"),
        {"comment": "现场核实与线下采集 / on-site findings and other offline input of evaluations; insert only, versions"},
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True, comment="row number")
    enterprise_id: Mapped[int] = mapped_column(ForeignKey("enterprise.id", ondelete="RESTRICT"), comment="enterprise judged")
    period_from: Mapped[date] = mapped_column(Date, comment="first day of the month judged")
    number: Mapped[int] = mapped_column(Integer, comment="1, 2 … for the same enterprise and month")
    version: Mapped[int] = mapped_column(Integer, comment="1, 2 … of the same finding; the newest holds")
    method: Mapped[str] = mapped_column(Text, comment="source mark: site, measurement, questionnaire, interview, document")
    subject: Mapped[str] = mapped_column(Text, comment="what was looked at or asked")
    object_code: Mapped[str | None] = mapped_column(Text, comment="point or object concerned, the enterprise's own code")
    indicator: Mapped[str | None] = mapped_column(Text, comment="indicator the field value belongs to, such as S5")
    system_value: Mapped[float | None] = mapped_column(Double, comment="value the system shows, in `unit`")
    field_value: Mapped[float | None] = mapped_column(Double, comment="value found, in `unit`")
    unit: Mapped[str | None] = mapped_column(Text, comment="unit of both values")
    counts: Mapped[bool] = mapped_column(Boolean, server_default=text("false"), comment="whether the field value stands for the indicator in the score")
    result: Mapped[str] = mapped_column(Text, comment="what was found; with `counts` also why this value is the right one")
    verdict: Mapped[str] = mapped_column(Text, comment="agrees, differs, defect")
    found_by: Mapped[str] = mapped_column(Text, comment="who found it, names")
    found_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), comment="when it was found")
    place: Mapped[str] = mapped_column(Text, comment="where")
    evidence_id: Mapped[int | None] = mapped_column(ForeignKey("site_evidence.id", ondelete="RESTRICT"), comment="the proof")
    withdrawn: Mapped[bool] = mapped_column(Boolean, server_default=text("false"), comment="whether this version takes the finding back")
    reason: Mapped[str | None] = mapped_column(Text, comment="why this version replaces the one before; empty in the first")
    user_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id", ondelete="RESTRICT"), comment="who entered it")
    entered_by: Mapped[str] = mapped_column(Text, comment="name of who entered it")
    entered_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now(), comment="entered")


class EvaluationAgreement(Base):
    """One version of what city and enterprise settle about evaluations; holds when both have confirmed it."""

    __tablename__ = "evaluation_agreement"
    __table_args__ = (
        UniqueConstraint("enterprise_id", "version"),
        CheckConstraint("written_for in ('city', 'enterprise')", name="written_for"),
        {"comment": "评价约定 / indicators, weights, classes and nodes of evaluations as settled; insert only, versions"},
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True, comment="row number")
    enterprise_id: Mapped[int] = mapped_column(ForeignKey("enterprise.id", ondelete="RESTRICT"), comment="enterprise evaluated")
    version: Mapped[int] = mapped_column(Integer, comment="1, 2 … of the same enterprise")
    valid_from: Mapped[date] = mapped_column(Date, comment="first day of the first month it is for")
    content: Mapped[dict[str, Any]] = mapped_column(JSONB, comment="indicators: weight (percent of all), target, floor, node; grades: least score")
    note: Mapped[str] = mapped_column(Text, comment="why it was so written")
    written_for: Mapped[str] = mapped_column(Text, comment="side that wrote it: city, enterprise")
    written_by: Mapped[str] = mapped_column(Text, comment="name of who wrote it")
    written_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now(), comment="when")


class EvaluationConsent(Base):
    """One side's word that it agrees to a version."""

    __tablename__ = "evaluation_consent"
    __table_args__ = (
        UniqueConstraint("agreement_id", "party"),
        CheckConstraint("party in ('city', 'enterprise')", name="party"),
        {"comment": "评价约定确认 / who confirmed an agreement for which side; insert only"},
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True, comment="row number")
    agreement_id: Mapped[int] = mapped_column(ForeignKey("evaluation_agreement.id", ondelete="RESTRICT"), comment="the version")
    enterprise_id: Mapped[int] = mapped_column(ForeignKey("enterprise.id", ondelete="RESTRICT"), index=True, comment="enterprise evaluated")
    party: Mapped[str] = mapped_column(Text, comment="side: city, enterprise")
    name: Mapped[str] = mapped_column(Text, comment="name of who confirmed")
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now(), comment="when")
