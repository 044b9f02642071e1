"""Duty, escalation and notices; owns duty_shift, duty_note, duty_contact, escalation_step, notice."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
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
from sqlalchemy.orm import Mapped, mapped_column

from portal.core.db import Base


class DutyShift(Base):
    """Who is on duty, when, at which post."""

    __tablename__ = "duty_shift"
    __table_args__ = (
        CheckConstraint("ends_at > begins_at", name="span"),
        Index("ix_duty_shift_span", "begins_at", "ends_at", postgresql_where=text("cancelled_at is null")),
        {"comment": "值班 / who is on duty, when, at which post"},
    )

    id: Mapped[int] = mapped_column(Integer, Identity(), primary_key=True, comment="row number")
    adcode: Mapped[str | None] = mapped_column(Text, comment="district; empty for the city")
    post: Mapped[int] = mapped_column(SmallInteger, comment="code duty_post")
    user_id: Mapped[int] = mapped_column(ForeignKey("app_user.id", ondelete="RESTRICT"), comment="who")
    begins_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), comment="from")
    ends_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), comment="until")
    made_by: Mapped[str] = mapped_column(Text, comment="who put it in")
    made_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), comment="when it was put in")
    cancelled_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), comment="taken out again")


class DutyNote(Base):
    """A hand-over note of the duty."""

    __tablename__ = "duty_note"
    __table_args__ = (Index("ix_duty_note_at", "at", "id"), {"comment": "交接班记录 / hand-over notes of the duty"})

    id: Mapped[int] = mapped_column(Integer, Identity(), primary_key=True, comment="row number")
    shift_id: Mapped[int | None] = mapped_column(ForeignKey("duty_shift.id", ondelete="RESTRICT"), comment="shift that ends")
    note: Mapped[str] = mapped_column(Text, comment="what the next one must know")
    open_alarms: Mapped[int] = mapped_column(Integer, comment="open alarms at that time")
    held_alarms: Mapped[int] = mapped_column(Integer, comment="alarms held back at that time")
    by_id: Mapped[int | None] = mapped_column(Integer, comment="who hands over")
    by_name: Mapped[str] = mapped_column(Text, comment="who hands over, name at that time")
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True), comment="when")
    taken_by: Mapped[str | None] = mapped_column(Text, comment="who took over, name at that time")
    taken_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), comment="when it was taken over")


class EscalationStep(Base):
    """Whom an alarm nobody acknowledges is told to, after how long, by which channels."""

    __tablename__ = "escalation_step"
    __table_args__ = (
        UniqueConstraint("level", "step"),
        CheckConstraint("after_min >= 0", name="after"),
        {"comment": "报警升级 / whom an alarm nobody acknowledges is told to, after how long, by which channels"},
    )

    id: Mapped[int] = mapped_column(Integer, Identity(), primary_key=True, comment="row number")
    level: Mapped[int] = mapped_column(SmallInteger, comment="code alarm_level")
    step: Mapped[int] = mapped_column(SmallInteger, comment="order, 0 when the alarm is raised")
    after_min: Mapped[int] = mapped_column(Integer, comment="minutes after it was raised")
    post: Mapped[int] = mapped_column(SmallInteger, comment="code duty_post of who is told")
    channels: Mapped[list[str]] = mapped_column(ARRAY(Text), comment="of screen, email, webhook")
    source: Mapped[str] = mapped_column(Text, comment="standard, default, or who changed it")


class DutyContact(Base):
    """Where a person on duty is told besides the screen."""

    __tablename__ = "duty_contact"
    __table_args__ = (
        UniqueConstraint("user_id", "channel"),
        {"comment": "值班联系方式 / where a person on duty is told besides the screen"},
    )

    id: Mapped[int] = mapped_column(Integer, Identity(), primary_key=True, comment="row number")
    user_id: Mapped[int] = mapped_column(ForeignKey("app_user.id", ondelete="RESTRICT"), comment="whose")
    channel: Mapped[str] = mapped_column(Text, comment="email or webhook")
    address: Mapped[str] = mapped_column(Text, comment="mail address or http address on the intranet")
    secret: Mapped[str] = mapped_column(Text, server_default="", comment="key that signs calls of the webhook, sealed")
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now(), comment="last change")


class Notice(Base):
    """What was told to whom about an alarm, with receipts."""

    __tablename__ = "notice"
    __table_args__ = (
        Index("uq_notice_told", "alarm_id", "step", "channel", text("coalesce(user_id, 0)"), unique=True),
        Index("ix_notice_due", "next_at", postgresql_where=text("state = 'waiting'")),
        Index("ix_notice_created", "created_at", "id"),
        Index("ix_notice_screen", "user_id", "created_at", postgresql_where=text("channel = 'screen' and seen_at is null")),
        {"comment": "报警通知 / what was told to whom about an alarm, with receipts"},
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True, comment="row number")
    alarm_id: Mapped[int] = mapped_column(ForeignKey("alarm.id", ondelete="RESTRICT"), comment="alarm")
    enterprise_id: Mapped[int] = mapped_column(Integer, comment="as in alarm, for the row policy")
    adcode: Mapped[str | None] = mapped_column(Text, comment="as in alarm")
    step: Mapped[int] = mapped_column(SmallInteger, comment="step of the escalation")
    channel: Mapped[str] = mapped_column(Text, comment="screen, email or webhook")
    user_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id", ondelete="RESTRICT"), comment="who is told; empty when nobody was on duty")
    to_name: Mapped[str] = mapped_column(Text, comment="who is told, name at that time")
    address: Mapped[str] = mapped_column(Text, server_default="", comment="where, for email and webhook")
    subject: Mapped[str] = mapped_column(Text, comment="first line")
    body: Mapped[str] = mapped_column(Text, comment="words")
    state: Mapped[str] = mapped_column(Text, comment="waiting, sent, failed, off: channel not set up, nobody: nobody on duty, moot: acknowledged before")
    attempts: Mapped[int] = mapped_column(Integer, server_default="0", comment="tries so far")
    next_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), comment="next try")
    last_error: Mapped[str] = mapped_column(Text, server_default="", comment="why the last try failed")
    receipt: Mapped[str] = mapped_column(Text, server_default="", comment="what the receiving server answered")
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), comment="when it was due")
    sent_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), comment="when it was handed over")
    seen_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), comment="when the person opened or acknowledged it")
