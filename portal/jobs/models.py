"""Scheduled runs and adjustable figures; owns job_run, parameter, dict_entry."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    Date,
    DateTime,
    Double,
    Identity,
    Integer,
    SmallInteger,
    Text,
    UniqueConstraint,
    func,
)
from sqlalchemy.orm import Mapped, mapped_column

from portal.core.db import Base


class JobRun(Base):
    """One run of one job for one slot."""

    __tablename__ = "job_run"
    __table_args__ = (
        UniqueConstraint("job", "slot"),
        {"comment": "runs of scheduled jobs; a slot is run once whatever is started twice"},
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True, comment="row number")
    job: Mapped[str] = mapped_column(Text, comment="name in the schedule")
    slot: Mapped[datetime] = mapped_column(DateTime(timezone=True), comment="planned time")
    started_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.clock_timestamp(), comment="started")
    ended_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), comment="ended")
    ok: Mapped[bool | None] = mapped_column(Boolean, comment="whether it succeeded")
    note: Mapped[str | None] = mapped_column(Text, comment="what it did or why it failed")


class Parameter(Base):
    """An adjustable figure with its source."""

    __tablename__ = "parameter"
    __table_args__ = {"comment": "thresholds, limits and weights: configuration with its source, never a constant"}

    key: Mapped[str] = mapped_column(Text, primary_key=True, comment="for example alarm.pressure.on_delay_s")
    value: Mapped[float] = mapped_column(Double, comment="figure in force")
    unit: Mapped[str] = mapped_column(Text, server_default="", comment="unit")
    zh: Mapped[str] = mapped_column(Text, comment="meaning in Chinese")
    en: Mapped[str] = mapped_column(Text, comment="meaning in English")
    source: Mapped[str] = mapped_column(Text, comment="standard, or default")
    updated_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now(), comment="last change")


class DictEntry(Base):
    """One code of one dictionary."""

    __tablename__ = "dict_entry"
    __table_args__ = {"comment": "数据字典 / code tables with words and source"}

    dict: Mapped[str] = mapped_column(Text, primary_key=True, comment="dictionary")
    code: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False, comment="code")
    zh: Mapped[str] = mapped_column(Text, comment="word in Chinese")
    en: Mapped[str] = mapped_column(Text, comment="word in English")
    parent: Mapped[int | None] = mapped_column(Integer, comment="parent code")
    sort: Mapped[int] = mapped_column(SmallInteger, server_default="0", comment="order on screen")
    valid_from: Mapped[date] = mapped_column(Date, comment="valid from")
    valid_to: Mapped[date | None] = mapped_column(Date, comment="valid until")
    source: Mapped[str] = mapped_column(Text, comment="standard, or default")
