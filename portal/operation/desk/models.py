"""What the desk keeps beside alarms; owns alarm_record, alarm_attachment, alarm_view, alarm_procedure."""

from __future__ import annotations

from datetime import datetime

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
    UniqueConstraint,
    func,
)
from sqlalchemy.orm import Mapped, mapped_column

from portal.core.db import Base


class AlarmRecord(Base):
    """What was found and done about an alarm; never changed, never deleted."""

    __tablename__ = "alarm_record"
    __table_args__ = (
        Index("ix_alarm_record_alarm_id", "alarm_id", "id"),
        {"comment": "报警处置记录 / handling records of alarms; insert only"},
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True, comment="row number")
    alarm_id: Mapped[int] = mapped_column(ForeignKey("alarm.id", ondelete="RESTRICT"), comment="alarm")
    enterprise_id: Mapped[int] = mapped_column(Integer, comment="as in alarm, for the row policy")
    adcode: Mapped[str | None] = mapped_column(Text, comment="as in alarm")
    receiver: Mapped[str] = mapped_column(Text, comment="who received it at the enterprise or on site")
    cause: Mapped[str] = mapped_column(Text, comment="cause found")
    measures: Mapped[str] = mapped_column(Text, comment="what was done")
    result: Mapped[str] = mapped_column(Text, comment="how it ended")
    by_id: Mapped[int | None] = mapped_column(Integer, comment="who wrote it")
    by_name: Mapped[str] = mapped_column(Text, comment="who wrote it, name at that time")
    at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.clock_timestamp(), comment="when it was written, by the clock of the database"
    )


class AlarmAttachment(Base):
    """A photo or paper of a handling record; never changed, never deleted."""

    __tablename__ = "alarm_attachment"
    __table_args__ = (
        Index("ix_alarm_attachment_alarm_id", "alarm_id", "id"),
        {"comment": "报警处置附件 / photos and papers of a handling record; insert only"},
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True, comment="row number")
    alarm_id: Mapped[int] = mapped_column(ForeignKey("alarm.id", ondelete="RESTRICT"), comment="alarm")
    enterprise_id: Mapped[int] = mapped_column(Integer, comment="as in alarm, for the row policy")
    adcode: Mapped[str | None] = mapped_column(Text, comment="as in alarm")
    name: Mapped[str] = mapped_column(Text, comment="file name as sent")
    media_type: Mapped[str] = mapped_column(Text, comment="application/pdf, image/jpeg or image/png, by its first bytes")
    sm3: Mapped[str] = mapped_column(Text, comment="SM3 of the bytes, hex")
    content: Mapped[bytes] = mapped_column(LargeBinary, comment="bytes")
    by_name: Mapped[str] = mapped_column(Text, comment="who added it, name at that time")
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.clock_timestamp(), comment="when it was added")


class AlarmView(Base):
    """A filter of the desk that a person keeps under a name."""

    __tablename__ = "alarm_view"
    __table_args__ = (
        UniqueConstraint("user_id", "name"),
        {"comment": "报警视图 / filters of the alarm desk a person keeps under a name"},
    )

    id: Mapped[int] = mapped_column(Integer, Identity(), primary_key=True, comment="row number")
    user_id: Mapped[int] = mapped_column(ForeignKey("app_user.id", ondelete="RESTRICT"), comment="whose")
    name: Mapped[str] = mapped_column(Text, comment="name")
    query: Mapped[str] = mapped_column(Text, comment="filter as in the address")
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now(), comment="kept at")


class AlarmProcedure(Base):
    """What the duty officer does first, by kind of alarm."""

    __tablename__ = "alarm_procedure"
    __table_args__ = {"comment": "报警处置要点 / what the duty officer does first, by kind of alarm"}

    kind: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False, comment="code alarm_kind")
    zh: Mapped[str] = mapped_column(Text, comment="steps in Chinese, a line each")
    en: Mapped[str] = mapped_column(Text, comment="steps in English, a line each")
    source: Mapped[str] = mapped_column(Text, comment="where they come from")
