"""Onboarding; owns onboarding, onboarding_step, onboarding_document, sandbox_run and the interface_* tables."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    Date,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    SmallInteger,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from portal.core.db import Base

STATES = ("applied", "district_passed", "city_passed", "testing", "live_asked", "live", "refused", "withdrawn")


class Onboarding(Base):
    """An enterprise's application to connect, and how far it has come."""

    __tablename__ = "onboarding"
    __table_args__ = (
        CheckConstraint(f"state in {STATES!r}", name="state"),
        Index("uq_onboarding_open", "enterprise_id", unique=True, postgresql_where=text("state not in ('refused', 'withdrawn', 'live')")),
        Index("ix_onboarding_state_due", "state", "due_at"),
        {"comment": "接入申请 / applications of enterprises to connect their programs; one open at a time"},
    )

    id: Mapped[int] = mapped_column(Integer, Identity(), primary_key=True, comment="number of the application")
    enterprise_id: Mapped[int] = mapped_column(ForeignKey("enterprise.id", ondelete="RESTRICT"), index=True, comment="applicant")
    adcode: Mapped[str] = mapped_column(Text, comment="district whose regulator reviews first, GB/T 2260")
    round: Mapped[int] = mapped_column(SmallInteger, server_default="1", comment="1, or higher after a refusal")
    state: Mapped[str] = mapped_column(Text, server_default="applied", comment="applied, district_passed, city_passed, testing, live_asked, live, refused, withdrawn")
    licence_no: Mapped[str] = mapped_column(Text, comment="燃气经营许可证编号 as applied")
    licence_expire_on: Mapped[date] = mapped_column(Date, comment="许可证有效期至 as applied")
    contact_name: Mapped[str] = mapped_column(Text, comment="technical contact; masked for everybody outside the review")
    contact_phone: Mapped[str] = mapped_column(Text, comment="phone of the contact; masked for everybody outside the review")
    system_name: Mapped[str] = mapped_column(Text, comment="the enterprise's system that sends, maker and version")
    datasets: Mapped[list[str]] = mapped_column(ARRAY(Text), comment="datasets declared")
    doors: Mapped[list[str]] = mapped_column(ARRAY(Text), comment="doors declared: http, mqtt, drop, upload, pull")
    planned_on: Mapped[date] = mapped_column(Date, comment="planned day of going live")
    note: Mapped[str] = mapped_column(Text, server_default="", comment="remarks of the applicant")
    applied_by: Mapped[int | None] = mapped_column(Integer, comment="account that applied; it may not review")
    applied_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now(), comment="applied")
    due_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), comment="end of the present step in working days; empty when nothing is due")
    updated_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now(), comment="last step")


class OnboardingStep(Base):
    """One step of an application; insert only."""

    __tablename__ = "onboarding_step"
    __table_args__ = (
        Index("ix_onboarding_step_onboarding", "onboarding_id", "id"),
        {"comment": "接入办理记录 / steps of onboarding with reason and time; insert only"},
    )

    id: Mapped[int] = mapped_column(Integer, Identity(), primary_key=True, comment="row number")
    onboarding_id: Mapped[int] = mapped_column(ForeignKey("onboarding.id", ondelete="RESTRICT"), comment="application")
    enterprise_id: Mapped[int] = mapped_column(Integer, comment="applicant, for the row policy")
    step: Mapped[str] = mapped_column(Text, comment="apply, district_pass, district_refuse, city_pass, city_refuse, sandbox_key, ask_live, live_pass, live_back, live_key, withdraw")
    reason: Mapped[str] = mapped_column(Text, server_default="", comment="reason given")
    actor_id: Mapped[int | None] = mapped_column(Integer, comment="account")
    actor_name: Mapped[str] = mapped_column(Text, comment="name shown")
    due_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), comment="when this step was due")
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now(), comment="taken")


class OnboardingDocument(Base):
    """A document that came with an application; insert only."""

    __tablename__ = "onboarding_document"
    __table_args__ = {"comment": "接入材料 / documents of an application with their SM3; insert only"}

    id: Mapped[int] = mapped_column(Integer, Identity(), primary_key=True, comment="row number")
    onboarding_id: Mapped[int] = mapped_column(ForeignKey("onboarding.id", ondelete="RESTRICT"), index=True, comment="application")
    enterprise_id: Mapped[int] = mapped_column(Integer, comment="applicant, for the row policy")
    kind: Mapped[str] = mapped_column(Text, comment="licence, safety, system or other")
    name: Mapped[str] = mapped_column(Text, comment="file name as given")
    place: Mapped[str] = mapped_column(Text, comment="path below the data directory")
    sm3: Mapped[str] = mapped_column(Text, comment="SM3 of the file, hex")
    size_bytes: Mapped[int] = mapped_column(Integer, comment="size")
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now(), comment="handed in")


class SandboxRun(Base):
    """What a message to the sandbox would have got; the only thing kept of it; insert only."""

    __tablename__ = "sandbox_run"
    __table_args__ = (
        Index("ix_sandbox_run_enterprise", "enterprise_id", "id"),
        {"comment": "沙箱记录 / messages tried in the sandbox, counts and codes only; insert only"},
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True, comment="row number")
    enterprise_id: Mapped[int] = mapped_column(ForeignKey("enterprise.id", ondelete="RESTRICT"), comment="sender")
    dataset: Mapped[str] = mapped_column(Text, comment="dataset")
    app_id: Mapped[str] = mapped_column(Text, comment="key that signed")
    status: Mapped[int] = mapped_column(SmallInteger, comment="HTTP status of the answer")
    code: Mapped[str | None] = mapped_column(Text, comment="why it was refused whole")
    encoding: Mapped[str] = mapped_column(Text, server_default="", comment="Content-Encoding")
    mapped: Mapped[bool] = mapped_column(server_default=text("false"), comment="whether the enterprise's mapping was used")
    rows: Mapped[int] = mapped_column(Integer, server_default="0", comment="rows in the batch")
    accepted: Mapped[int] = mapped_column(Integer, server_default="0", comment="rows that would have been stored")
    duplicate: Mapped[int] = mapped_column(Integer, server_default="0", comment="rows known before")
    rejected: Mapped[int] = mapped_column(Integer, server_default="0", comment="rows that would have been refused")
    late: Mapped[int] = mapped_column(Integer, server_default="0", comment="rows after their time limit")
    codes: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}", comment="code -> number of findings")
    examples: Mapped[list[Any]] = mapped_column(JSONB, server_default="[]", comment="first findings: row, field, code, words")
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now(), comment="when")


class InterfaceVersion(Base):
    """A version of an interface that enterprises rely on."""

    __tablename__ = "interface_version"
    __table_args__ = (
        CheckConstraint("state in ('current', 'retiring', 'retired')", name="state"),
        {"comment": "接口版本 / versions of the interfaces and their state"},
    )

    version: Mapped[str] = mapped_column(Text, primary_key=True, comment="v1 …")
    path: Mapped[str] = mapped_column(Text, comment="base address")
    state: Mapped[str] = mapped_column(Text, server_default="current", comment="current, retiring or retired")
    published_on: Mapped[date] = mapped_column(Date, comment="in service since")
    successor: Mapped[str | None] = mapped_column(Text, comment="address or version that replaces it")
    retires_on: Mapped[date | None] = mapped_column(Date, comment="last day of service")
    notice_id: Mapped[int | None] = mapped_column(Integer, comment="notice in force")
    source: Mapped[str] = mapped_column(Text, comment="where this row comes from")


class InterfaceNotice(Base):
    """An announcement that a version will be retired, or that the announcement is taken back; insert only."""

    __tablename__ = "interface_notice"
    __table_args__ = (
        Index("ix_interface_notice_version", "version", "id"),
        {"comment": "接口停用公告 / announcements of retirement; insert only"},
    )

    id: Mapped[int] = mapped_column(Integer, Identity(), primary_key=True, comment="row number")
    version: Mapped[str] = mapped_column(ForeignKey("interface_version.version", ondelete="RESTRICT"), comment="version")
    retires_on: Mapped[date | None] = mapped_column(Date, comment="last day of service; empty when the retirement is taken back")
    words_zh: Mapped[str] = mapped_column(Text, comment="what enterprises are told, Chinese")
    words_en: Mapped[str] = mapped_column(Text, comment="what enterprises are told, English")
    successor: Mapped[str | None] = mapped_column(Text, comment="address or version to move to")
    announced_by: Mapped[str] = mapped_column(Text, comment="who announced")
    announced_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now(), comment="announced")


class InterfaceNoticeRead(Base):
    """Who has read a notice, or which program was told by its answers; insert only."""

    __tablename__ = "interface_notice_read"
    __table_args__ = (
        UniqueConstraint("notice_id", "reader"),
        {"comment": "公告阅知记录 / who has read a notice and which key was told; insert only"},
    )

    id: Mapped[int] = mapped_column(Integer, Identity(), primary_key=True, comment="row number")
    notice_id: Mapped[int] = mapped_column(ForeignKey("interface_notice.id", ondelete="RESTRICT"), comment="notice")
    enterprise_id: Mapped[int | None] = mapped_column(Integer, comment="enterprise of the reader; empty for regulators")
    kind: Mapped[str] = mapped_column(Text, comment="person: confirmed on the page; program: told in its answers")
    reader: Mapped[str] = mapped_column(Text, comment="login or app id")
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now(), comment="when")
