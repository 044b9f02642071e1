"""Points and their readings; owns point, reading, packed days, latest and the figures of hours and days."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    ARRAY,
    REAL,
    BigInteger,
    Date,
    DateTime,
    Double,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Numeric,
    SmallInteger,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from gis.basemap.models import geometry
from portal.core.db import Base

# Rows come in the order of time: a block-range index costs nothing and finds an hour.
BY_TIME: dict[str, Any] = {"postgresql_using": "brin", "postgresql_with": {"pages_per_range": "32", "autosummarize": "on"}}

SMALL, WHOLE = ARRAY(SmallInteger), ARRAY(Integer)


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
    __table_args__ = (
        Index("ix_reading_ts", "ts", **BY_TIME),
        {"comment": "实时数据 / readings, partitioned by day of source time", "postgresql_partition_by": "RANGE (ts)"},
    )

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


class LatestDue(Base):
    """The newest readings of one batch that wait to be folded into `latest`."""

    __tablename__ = "latest_due"
    __table_args__ = {"comment": "最新值待合并 / newest readings of batches not yet folded into latest"}

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True, comment="order of arrival")
    enterprise_id: Mapped[int] = mapped_column(Integer, comment="whose points")
    received_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), comment="when the batch came in")
    ms: Mapped[list[int]] = mapped_column(ARRAY(BigInteger), comment="source times, ms since 1970")
    value: Mapped[list[float]] = mapped_column(ARRAY(Double), comment="values in each point's unit")
    point_id: Mapped[list[int]] = mapped_column(ARRAY(Integer), comment="point.id of each")
    quality: Mapped[list[int]] = mapped_column(ARRAY(SmallInteger), comment="code quality of each")
    flag: Mapped[list[int]] = mapped_column(ARRAY(SmallInteger), comment="code reading_flag of each")
    hours: Mapped[list[datetime]] = mapped_column(ARRAY(DateTime(timezone=True)), comment="hours whose roll-up falls due")


class ReadingHour(Base):
    """Hourly figures of one point."""

    __tablename__ = "reading_hour"
    __table_args__ = (
        Index("ix_reading_hour_hour", "hour", **BY_TIME),
        {
            "comment": "hourly roll-up of readings, partitioned by UTC month; recomputed when late rows arrive",
            "postgresql_partition_by": "RANGE (hour)",
        },
    )

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


class ReadingDay(Base):
    """Daily figures of one point, from its hours."""

    __tablename__ = "reading_day"
    __table_args__ = (
        Index("ix_reading_day_day", "day", **BY_TIME),
        {"comment": "daily roll-up of readings from reading_hour, by calendar day and by gas day"},
    )

    point_id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False, comment="point.id")
    starts_at_h: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False, comment="city hour the day begins at: 0 calendar day, else gas day")
    day: Mapped[date] = mapped_column(Date, primary_key=True, comment="date of the day's begin")
    low: Mapped[float | None] = mapped_column(Double, comment="smallest valid value")
    high: Mapped[float | None] = mapped_column(Double, comment="largest valid value")
    mean: Mapped[float | None] = mapped_column(Double, comment="mean of valid values")
    last: Mapped[float | None] = mapped_column(Double, comment="last valid value")
    readings: Mapped[int] = mapped_column(Integer, comment="readings received")
    valid: Mapped[int] = mapped_column(Integer, comment="of good quality and inside the range")
    in_time: Mapped[int] = mapped_column(Integer, comment="received within the time limit")
    in_limits: Mapped[int] = mapped_column(Integer, comment="valid and within low and high limit")


class RollupDayDue(Base):
    """A day whose roll-up has to be made again."""

    __tablename__ = "rollup_day_due"
    __table_args__ = {"comment": "days whose roll-up must be recomputed"}

    day: Mapped[date] = mapped_column(Date, primary_key=True, comment="date of the day's begin")
    starts_at_h: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False, comment="city hour the day begins at")
    since: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now(), comment="when it fell due")


class ReadingPacked(Base):
    """The readings of one point and one closed day as arrays; the view reading_unpacked gives them back."""

    __tablename__ = "reading_packed"
    __table_args__ = {
        "comment": "packed readings, one row a point and UTC day; month partitions; every value comes back exactly",
        "postgresql_partition_by": "RANGE (day)",
    }

    point_id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False, comment="point.id")
    day: Mapped[date] = mapped_column(Date, primary_key=True, comment="UTC day")
    begin_ms: Mapped[int] = mapped_column(BigInteger, comment="source time of the first reading, ms since 1970")
    readings: Mapped[int] = mapped_column(Integer, comment="number of readings")
    step_ms: Mapped[int] = mapped_column(Integer, comment="time from one reading to the next, ms")
    unit_ms: Mapped[int] = mapped_column(SmallInteger, comment="unit of the deviations from the step, ms")
    at2: Mapped[list[int] | None] = mapped_column(SMALL, comment="deviations from the step, in unit_ms; empty when none")
    at4: Mapped[list[int] | None] = mapped_column(WHOLE, comment="the same when they are large")
    divisor: Mapped[int | None] = mapped_column(Integer, comment="value = (base + whole number) / divisor; empty for f4 and f8")
    base: Mapped[int | None] = mapped_column(BigInteger, comment="smallest value times divisor")
    v2: Mapped[list[int] | None] = mapped_column(SMALL, comment="whole numbers above base; empty when all are 0")
    v4: Mapped[list[int] | None] = mapped_column(WHOLE, comment="the same when they are large")
    f4: Mapped[list[float] | None] = mapped_column(ARRAY(REAL), comment="values that single precision holds exactly")
    f8: Mapped[list[float] | None] = mapped_column(ARRAY(Double), comment="other values")
    receipt_base: Mapped[int] = mapped_column(Integer, comment="smallest receipt number")
    receipt2: Mapped[list[int] | None] = mapped_column(SMALL, comment="receipt number above receipt_base; empty when all are 0")
    receipt4: Mapped[list[int] | None] = mapped_column(WHOLE, comment="the same when they are large")
    delay_base: Mapped[int] = mapped_column(Integer, comment="smallest delay, s")
    delay2: Mapped[list[int] | None] = mapped_column(SMALL, comment="delay above delay_base, s; empty when all are 0")
    delay4: Mapped[list[int] | None] = mapped_column(WHOLE, comment="the same when they are large")
    quality: Mapped[int] = mapped_column(SmallInteger, comment="code quality of all readings")
    qualities: Mapped[list[int] | None] = mapped_column(SMALL, comment="code quality of each reading when they differ")
    flag: Mapped[int] = mapped_column(SmallInteger, comment="code reading_flag of all readings")
    flags: Mapped[list[int] | None] = mapped_column(SMALL, comment="code reading_flag of each reading when they differ")


class PackedDay(Base):
    """A day whose readings were packed, or retired."""

    __tablename__ = "packed_day"
    __table_args__ = {"comment": "days of readings that are packed as arrays or retired, with count and digest"}

    day: Mapped[date] = mapped_column(Date, primary_key=True, comment="UTC day")
    readings: Mapped[int] = mapped_column(BigInteger, comment="number of readings packed or retired")
    points: Mapped[int] = mapped_column(Integer, comment="number of points packed")
    digest: Mapped[Decimal] = mapped_column(Numeric, comment="sum of reading_digest over the packed readings")
    packed_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.clock_timestamp(), comment="last packed")
    retired_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), comment="when its readings were removed")


class ReadingConflict(Base):
    """A second value for a point and time that has one: refused and kept here, or the value that a revision replaced."""

    __tablename__ = "reading_conflict"
    __table_args__ = (
        Index("ix_reading_conflict_point_id_at", "point_id", "at"),
        Index("ix_reading_conflict_second_receipt_id", "second_receipt_id"),
        Index(
            "ix_reading_conflict_once",
            "point_id", "ts", "first_value", "first_quality", "second_value", "second_quality",
            unique=True, postgresql_where=text("kind = 'refused'"), postgresql_nulls_not_distinct=True,
        ),
        {"comment": "second values of readings; insert only"},
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True, comment="row number")
    enterprise_id: Mapped[int] = mapped_column(Integer, comment="enterprise that sent it")
    point_id: Mapped[int] = mapped_column(Integer, comment="point.id")
    ts: Mapped[datetime] = mapped_column(DateTime(timezone=True), comment="source time of both values")
    kind: Mapped[str] = mapped_column(Text, comment="refused: the first value stays; revised: the second replaced it")
    first_value: Mapped[float | None] = mapped_column(Double, comment="value that was stored, in the point's unit")
    first_quality: Mapped[int] = mapped_column(SmallInteger, comment="its code quality")
    first_flag: Mapped[int] = mapped_column(SmallInteger, comment="its code reading_flag")
    first_receipt_id: Mapped[int] = mapped_column(Integer, comment="receipt it came with")
    second_value: Mapped[float | None] = mapped_column(Double, comment="value that came later, in the point's unit")
    second_quality: Mapped[int] = mapped_column(SmallInteger, comment="its code quality")
    second_flag: Mapped[int] = mapped_column(SmallInteger, comment="its code reading_flag")
    second_receipt_id: Mapped[int] = mapped_column(Integer, comment="receipt it came with")
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.clock_timestamp(), comment="when it was noticed")
