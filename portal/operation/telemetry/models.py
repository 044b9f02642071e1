"""Points and their readings; owns point, reading, latest, reading_hour, rollup_due."""

from __future__ import annotations

from datetime import datetime
from typing import Any

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
    UniqueConstraint,
    func,
)
from sqlalchemy.orm import Mapped, mapped_column

from gis.basemap.models import geometry
from portal.core.db import Base


class Point(Base):
    """A monitoring point with its limits."""

    __tablename__ = "point"
    __table_args__ = (
        UniqueConstraint("enterprise_id", "src_code"),
        Index("ix_point_object", "object_type", "object_id"),
        {"comment": "测点 / monitoring points; limits are the enterprise's or defaults with their source"},
    )

    id: Mapped[int] = mapped_column(Integer, Identity(), primary_key=True, comment="number inside the portal")
    enterprise_id: Mapped[int] = mapped_column(ForeignKey("enterprise.id", ondelete="RESTRICT"), comment="owner")
    src_code: Mapped[str] = mapped_column(Text, comment="the enterprise's own point code")
    name: Mapped[str | None] = mapped_column(Text, comment="名称")
    adcode: Mapped[str | None] = mapped_column(Text, comment="district it lies in")
    status: Mapped[int] = mapped_column(SmallInteger, server_default="2", comment="code life_status")
    object_code: Mapped[str] = mapped_column(Text, comment="the enterprise's code of the object it belongs to")
    object_type: Mapped[str | None] = mapped_column(Text, comment="station, regulator, valve, pipe, node or empty when unknown")
    object_id: Mapped[int | None] = mapped_column(BigInteger, comment="number of that object")
    measure: Mapped[int] = mapped_column(SmallInteger, comment="code measure")
    unit: Mapped[str] = mapped_column(Text, comment="unit of value and limits")
    period_s: Mapped[int] = mapped_column(Integer, comment="upload period, s")
    range_low: Mapped[float | None] = mapped_column(Double, comment="lower end of the range, in unit")
    range_high: Mapped[float | None] = mapped_column(Double, comment="upper end of the range, in unit")
    low_low: Mapped[float | None] = mapped_column(Double, comment="LL limit, in unit")
    low: Mapped[float | None] = mapped_column(Double, comment="L limit, in unit")
    high: Mapped[float | None] = mapped_column(Double, comment="H limit, in unit")
    high_high: Mapped[float | None] = mapped_column(Double, comment="HH limit, in unit")
    geom: Mapped[Any] = mapped_column(geometry("POINT"), comment="place, CGCS2000")
    receipt_id: Mapped[int | None] = mapped_column(BigInteger, comment="receipt of the batch that last changed it")
    valid_from: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now(), comment="this state holds from")
    valid_to: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), comment="until; always empty here, set in point_history")


class Reading(Base):
    """One reading; day partitions, no foreign keys so that it can be sharded by point."""

    __tablename__ = "reading"
    __table_args__ = {
        "comment": "实时数据 / readings, partitioned by day of source time",
        "postgresql_partition_by": "RANGE (ts)",
    }

    ts: Mapped[datetime] = mapped_column(DateTime(timezone=True), primary_key=True, comment="source time")
    value: Mapped[float | None] = mapped_column(Double, comment="value in the point's unit")
    point_id: Mapped[int] = mapped_column(Integer, primary_key=True, comment="point.id")
    receipt_id: Mapped[int] = mapped_column(Integer, comment="receipt of the batch it came in")
    quality: Mapped[int] = mapped_column(SmallInteger, server_default="192", comment="code quality; 192 and 216 are valid")
    flag: Mapped[int] = mapped_column(SmallInteger, server_default="0", comment="code reading_flag")
    delay_s: Mapped[int] = mapped_column(Integer, server_default="0", comment="received minus source time, s")


class Latest(Base):
    """The newest reading of each point; derived, rebuildable."""

    __tablename__ = "latest"
    __table_args__ = {"comment": "newest reading of each point, derived from reading", "postgresql_with": {"fillfactor": "50"}}

    ts: Mapped[datetime] = mapped_column(DateTime(timezone=True), comment="source time")
    value: Mapped[float | None] = mapped_column(Double, comment="value in the point's unit")
    point_id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False, comment="point.id")
    quality: Mapped[int] = mapped_column(SmallInteger, comment="code quality")
    flag: Mapped[int] = mapped_column(SmallInteger, comment="code reading_flag")
    received_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), comment="when it came in")


class ReadingHour(Base):
    """Hourly figures of one point."""

    __tablename__ = "reading_hour"
    __table_args__ = {"comment": "hourly roll-up of readings; recomputed when late rows arrive"}

    point_id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False, comment="point.id")
    hour: Mapped[datetime] = mapped_column(DateTime(timezone=True), primary_key=True, comment="begin of the hour")
    low: Mapped[float | None] = mapped_column(Double, comment="smallest valid value")
    high: Mapped[float | None] = mapped_column(Double, comment="largest valid value")
    mean: Mapped[float | None] = mapped_column(Double, comment="mean of valid values")
    last: Mapped[float | None] = mapped_column(Double, comment="last valid value")
    readings: Mapped[int] = mapped_column(Integer, comment="readings received")
    valid: Mapped[int] = mapped_column(Integer, comment="of good quality and inside the range")
    in_time: Mapped[int] = mapped_column(Integer, comment="received within the time limit")
    in_limits: Mapped[int] = mapped_column(Integer, comment="valid and within low and high limit")


class RollupDue(Base):
    """An hour whose roll-up has to be made again."""

    __tablename__ = "rollup_due"
    __table_args__ = {"comment": "hours whose roll-up must be recomputed"}

    hour: Mapped[datetime] = mapped_column(DateTime(timezone=True), primary_key=True, comment="begin of the hour")
    since: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now(), comment="when it fell due")
