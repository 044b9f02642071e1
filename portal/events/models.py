"""Supervision cases, their steps, and the working calendar; owns supervision_case, case_step, working_day."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Date,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    SmallInteger,
    Text,
    Uuid,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from portal.core.db import Base


class SupervisionCase(Base):
    """A supervision case: what must be done, by whom, until when."""

    __tablename__ = "supervision_case"
    __table_args__ = (
        Index("ix_supervision_case_open", "state", "due_at"),
        Index("ix_supervision_case_enterprise", "enterprise_id", "opened_at"),
        Index("uq_supervision_case_alarm", "alarm_id", unique=True, postgresql_where=text("alarm_id is not null")),
        {"comment": "督导单 / supervision cases"},
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True, comment="row number")
    case_no: Mapped[str] = mapped_column(Text, unique=True, comment="number on letters: DD{yyyymmdd}{seq4}")
    enterprise_id: Mapped[int] = mapped_column(ForeignKey("enterprise.id", ondelete="RESTRICT"), comment="enterprise supervised")
    adcode: Mapped[str | None] = mapped_column(Text, comment="district")
    alarm_id: Mapped[int | None] = mapped_column(ForeignKey("alarm.id", ondelete="RESTRICT"), comment="alarm that opened it")
    correlation_id: Mapped[Any] = mapped_column(Uuid, server_default=text("gen_random_uuid()"), comment="kept from the alarm on")
    case_class: Mapped[int] = mapped_column(SmallInteger, comment="code case_class: sets the time limit")
    level: Mapped[int] = mapped_column(SmallInteger, comment="code alarm_level of its cause")
    title: Mapped[str] = mapped_column(Text, comment="what it is about")
    state: Mapped[int] = mapped_column(SmallInteger, comment="code case_state")
    handler_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id", ondelete="RESTRICT"), comment="officer in charge")
    opened_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now(), comment="opened")
    due_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), comment="limit of the disposal, working hours counted")
    dispatched_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), comment="sent to the enterprise")
    replied_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), comment="last reply of the enterprise")
    closed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), comment="closed")
    rework_n: Mapped[int] = mapped_column(Integer, server_default="0", comment="times sent back")
    urged_n: Mapped[int] = mapped_column(Integer, server_default="0", comment="times urged")


class CaseStep(Base):
    """One step of a case; insert only."""

    __tablename__ = "case_step"
    __table_args__ = (
        Index("ix_case_step_case_id", "case_id", "id"),
        Index("ix_case_step_at", "at", "id"),
        {"comment": "督导流程 / steps of a case; insert only"},
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True, comment="row number")
    case_id: Mapped[int] = mapped_column(ForeignKey("supervision_case.id", ondelete="RESTRICT"), comment="case")
    enterprise_id: Mapped[int] = mapped_column(Integer, comment="as in the case, for the row policy")
    adcode: Mapped[str | None] = mapped_column(Text, comment="as in the case")
    action: Mapped[str] = mapped_column(Text, comment="open, accept, file, dispatch, reply, verify, return, extend, urge, close, void, note")
    state: Mapped[int] = mapped_column(SmallInteger, comment="code case_state afterwards")
    note: Mapped[str | None] = mapped_column(Text, comment="what was said")
    actor_kind: Mapped[str] = mapped_column(Text, comment="user, program, job")
    actor_id: Mapped[int | None] = mapped_column(Integer, comment="who")
    actor_name: Mapped[str] = mapped_column(Text, comment="name at that time")
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.clock_timestamp(), comment="when")


class WorkingDay(Base):
    """An exception of the working calendar: a holiday or a worked weekend day."""

    __tablename__ = "working_day"
    __table_args__ = {"comment": "exceptions of the working calendar; other days: Monday to Friday are worked"}

    day: Mapped[date] = mapped_column(Date, primary_key=True, comment="date")
    worked: Mapped[bool] = mapped_column(Boolean, comment="whether it is worked")
    note: Mapped[str] = mapped_column(Text, server_default="", comment="name of the holiday")
