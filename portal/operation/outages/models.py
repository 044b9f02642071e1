"""Silence of points located at its cause: one line an outage; owns outage and clock_watch."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    DateTime,
    Double,
    ForeignKey,
    Identity,
    Index,
    Integer,
    SmallInteger,
    Text,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from portal.core.db import Base


class Outage(Base):
    """Time without data from a point, a device, a gateway or a whole enterprise, or with a wrong clock."""

    __tablename__ = "outage"
    __table_args__ = (
        Index(
            "uq_outage_open",
            "enterprise_id", "level", "subject_id",
            unique=True, postgresql_where=text("ended_at is null"),
        ),
        Index("ix_outage_enterprise_id_began_at", "enterprise_id", "began_at"),
        Index("ix_outage_began_at", "began_at", "id"),
        Index("ix_outage_alarm_id", "alarm_id"),
        {"comment": "数据中断 / outages located at the highest common level; one line each, one alarm at most"},
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True, comment="row number")
    enterprise_id: Mapped[int] = mapped_column(ForeignKey("enterprise.id", ondelete="RESTRICT"), comment="whose data are missing")
    adcode: Mapped[str | None] = mapped_column(Text, comment="district of the point or device; empty for an enterprise link")
    level: Mapped[int] = mapped_column(SmallInteger, comment="code outage_level")
    point_id: Mapped[int | None] = mapped_column(Integer, comment="point, when it is one point's silence")
    device_id: Mapped[int | None] = mapped_column(BigInteger, comment="device or gateway that is silent")
    subject_id: Mapped[int] = mapped_column(BigInteger, server_default="0", comment="number of the point or device, 0 for the enterprise itself")
    subject: Mapped[str] = mapped_column(Text, comment="code or name of what is silent")
    points: Mapped[int] = mapped_column(Integer, comment="points without data when it was largest")
    devices: Mapped[int] = mapped_column(Integer, server_default="0", comment="devices without data when it was largest")
    silent: Mapped[int] = mapped_column(Integer, comment="points without data at the last look")
    limit_s: Mapped[int] = mapped_column(Integer, comment="declared time after which silence counts, s")
    skew_s: Mapped[float | None] = mapped_column(Double, comment="source clock minus portal clock, s, for a wrong clock")
    began_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), comment="source time of the last data before")
    noticed_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), comment="when the portal noticed")
    returning_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), comment="first data after, while the others are waited for")
    ended_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), comment="when data were back, or another line took over")
    outcome: Mapped[str | None] = mapped_column(Text, comment="recovered; merged into a wider outage; split into narrower ones; withdrawn")
    merged_id: Mapped[int | None] = mapped_column(BigInteger, comment="the wider outage it became part of")
    alarm_id: Mapped[int | None] = mapped_column(BigInteger, comment="its alarm")
    lost: Mapped[int | None] = mapped_column(BigInteger, comment="readings due during the outage")
    filled: Mapped[int | None] = mapped_column(BigInteger, comment="of these received later")
    filled_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), comment="when back-filled data had closed the gap")
    checked_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now(), comment="last look")


class ClockWatch(Base):
    """A source clock that looks wrong, until it has been so for long enough."""

    __tablename__ = "clock_watch"
    __table_args__ = {"comment": "source clocks that look wrong: constant difference between source and portal time"}

    enterprise_id: Mapped[int] = mapped_column(ForeignKey("enterprise.id", ondelete="RESTRICT"), primary_key=True, autoincrement=False, comment="whose clock")
    skew_s: Mapped[float] = mapped_column(Double, comment="median of source minus receipt time, s")
    since: Mapped[datetime] = mapped_column(DateTime(timezone=True), comment="so since")
    newest_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), comment="newest receipt judged")
