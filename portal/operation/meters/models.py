"""Gas meters by the million and their readings; owns gas_meter, meter_block, meter_reading_block, meter_day, meter_month."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    ARRAY,
    REAL,
    BigInteger,
    Boolean,
    Date,
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

PATTERN = "text_pattern_ops"
# Meters are numbered in blocks of so many of one enterprise: number = block * BLOCK + place.
BLOCK = 64


NARROWED_BY = ("enterprise_id", "adcode", "kind", "valve_state", "status", "expires_on")


def _narrowing(name: str, *columns: str, **more: Any) -> Index:
    included = [column for column in NARROWED_BY if column not in columns]
    return Index(f"ix_gas_meter_{name}", *columns, postgresql_include=included, **more)


class GasMeter(Base):
    """The meter of a user."""

    __tablename__ = "gas_meter"
    __table_args__ = (
        # Each holds what a list is narrowed to: pages and searches are found without touching the rows they pass over.
        Index(
            "uq_gas_meter_enterprise_id_src_code", "enterprise_id", "src_code", unique=True,
            postgresql_ops={"src_code": PATTERN}, postgresql_include=["id", "adcode"],
        ),  # fmt: skip
        Index(
            "ix_gas_meter_user_no", "enterprise_id", "user_no",
            postgresql_ops={"user_no": PATTERN}, postgresql_include=["id", "adcode"],
        ),  # fmt: skip
        _narrowing("enterprise", "enterprise_id", "id"),
        _narrowing("kind", "kind", "id"),
        _narrowing("adcode", "adcode", "id"),
        _narrowing("expires_on", "expires_on", "id"),
        _narrowing("shut", "valve_state", "id", postgresql_where=text("valve_state <> 1")),
        {"comment": "燃气表 / gas meters; former states in gas_meter_history"},
    )

    id: Mapped[int] = mapped_column(Integer, Identity(increment=BLOCK), primary_key=True, comment="number inside the portal")
    enterprise_id: Mapped[int] = mapped_column(ForeignKey("enterprise.id", ondelete="RESTRICT"), comment="owner")
    src_code: Mapped[str] = mapped_column(Text, comment="the enterprise's own meter code; the point of its readings")
    user_no: Mapped[str | None] = mapped_column(Text, comment="number of the user it measures")
    adcode: Mapped[str | None] = mapped_column(Text, comment="district of the user")
    status: Mapped[int] = mapped_column(SmallInteger, server_default="2", comment="code life_status")
    kind: Mapped[int] = mapped_column(SmallInteger, comment="code meter_kind")
    qmax_m3_per_h: Mapped[float | None] = mapped_column(REAL, comment="largest flow, m³/h")
    digits: Mapped[int] = mapped_column(SmallInteger, server_default="5", comment="whole digits of its counter: it begins anew after 10^digits m³")
    comm: Mapped[int | None] = mapped_column(SmallInteger, comment="code comm_kind")
    maker: Mapped[str | None] = mapped_column(Text, comment="厂家")
    model: Mapped[str | None] = mapped_column(Text, comment="型号")
    serial: Mapped[str | None] = mapped_column(Text, comment="出厂编号")
    installed_on: Mapped[date | None] = mapped_column(Date, comment="安装日期")
    expires_on: Mapped[date | None] = mapped_column(Date, comment="到期日期")
    valve_state: Mapped[int] = mapped_column(SmallInteger, server_default="1", comment="code valve_state of its built-in valve")
    receipt_id: Mapped[int | None] = mapped_column(BigInteger, comment="receipt of the batch that last changed it")
    valid_from: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now(), comment="this state holds from")
    valid_to: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), comment="until; always empty here, set in gas_meter_history")


class MeterBlock(Base):
    """The newest counters of the meters of one block; derived, by place."""

    __tablename__ = "meter_block"
    __table_args__ = {
        "comment": "newest counters of the 64 meters of a block, derived from meter_reading_block",
        "postgresql_with": {"fillfactor": "50"},
    }

    block: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False, comment="gas_meter.id / 64")
    ms: Mapped[list[int]] = mapped_column(ARRAY(BigInteger), comment="source time of the newest reading of each place, ms since 1970; 0 while there is none")
    value: Mapped[list[float]] = mapped_column(ARRAY(Double), comment="its counter, m³")
    qmax_least: Mapped[float | None] = mapped_column(REAL, comment="smallest largest flow any meter of the block ever had, m³/h; a first sieve only")
    codes: Mapped[int] = mapped_column(BigInteger, comment="sum over the codes of its meters: what is kept about them elsewhere holds while it is the same")


class MeterReadingBlock(Base):
    """Readings of the meters of one block on one UTC day, of one batch or packed; month partitions."""

    __tablename__ = "meter_reading_block"
    __table_args__ = {
        "comment": "表具读数 / meter readings: one array row a block of 64 meters, UTC day and batch; month partitions",
        "postgresql_partition_by": "RANGE (day)",
    }

    block: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False, comment="gas_meter.id / 64")
    day: Mapped[date] = mapped_column(Date, primary_key=True, comment="UTC day of source time")
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True, comment="row number")
    receipt_id: Mapped[int] = mapped_column(Integer, comment="receipt of the batch")
    begin_ms: Mapped[int] = mapped_column(BigInteger, comment="source time `at` counts from, ms since 1970")
    readings: Mapped[int] = mapped_column(Integer, comment="number of readings")
    quality: Mapped[int] = mapped_column(SmallInteger, comment="code quality of all readings")
    flag: Mapped[int] = mapped_column(SmallInteger, comment="code reading_flag of all readings")
    value: Mapped[list[float]] = mapped_column(ARRAY(Double), comment="counters, m³")
    places: Mapped[list[int] | None] = mapped_column(ARRAY(SmallInteger), comment="place of each reading's meter in the block; empty when all 64 stand in order")
    at: Mapped[list[int] | None] = mapped_column(ARRAY(Integer), comment="source time after begin_ms, ms; empty when all are 0")
    qualities: Mapped[list[int] | None] = mapped_column(ARRAY(SmallInteger), comment="code quality of each reading when they differ")
    flags: Mapped[list[int] | None] = mapped_column(ARRAY(SmallInteger), comment="code reading_flag of each reading when they differ")
    receipts: Mapped[list[int] | None] = mapped_column(ARRAY(Integer), comment="receipt of each reading when they differ")


class MeterDay(Base):
    """A UTC day of meter readings and whether it is packed."""

    __tablename__ = "meter_day"
    __table_args__ = {"comment": "days of meter readings, and whether batches came since they were packed"}

    day: Mapped[date] = mapped_column(Date, primary_key=True, comment="UTC day")
    loose: Mapped[bool] = mapped_column(Boolean, comment="batches came since it was packed")
    packed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), comment="last packed to the end")


class MeterMonth(Base):
    """A month of meter readings that was retired."""

    __tablename__ = "meter_month"
    __table_args__ = {"comment": "months of meter readings that were retired"}

    month: Mapped[date] = mapped_column(Date, primary_key=True, comment="first day of the month")
    readings: Mapped[int] = mapped_column(BigInteger, comment="readings removed")
    retired_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.clock_timestamp(), comment="when")
