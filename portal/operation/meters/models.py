"""Gas meters by the million and their readings; owns gas_meter, meter_reading and meter_latest."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import (
    REAL,
    BigInteger,
    Date,
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
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from portal.core.db import Base

PATTERN = "text_pattern_ops"


class GasMeter(Base):
    """The meter of a user."""

    __tablename__ = "gas_meter"
    __table_args__ = (
        UniqueConstraint("enterprise_id", "src_code"),
        Index("ix_gas_meter_code", "src_code", postgresql_ops={"src_code": PATTERN}),
        Index("ix_gas_meter_user_no", "user_no", postgresql_ops={"user_no": PATTERN}),
        Index("ix_gas_meter_enterprise", "enterprise_id", "id"),
        Index("ix_gas_meter_kind", "kind", "id"),
        Index("ix_gas_meter_adcode", "adcode", "id"),
        Index("ix_gas_meter_expires_on", "expires_on", "id"),
        Index("ix_gas_meter_shut", "valve_state", "id", postgresql_where=text("valve_state <> 1")),
        {"comment": "燃气表 / gas meters; former states in gas_meter_history"},
    )

    id: Mapped[int] = mapped_column(Integer, Identity(), primary_key=True, comment="number inside the portal")
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


class MeterReading(Base):
    """One reading of a meter; month partitions by source time."""

    __tablename__ = "meter_reading"
    __table_args__ = {
        "comment": "表具读数 / meter readings, partitioned by month of source time; prev_ts leads back through a meter's readings",
        "postgresql_partition_by": "RANGE (ts)",
    }

    ts: Mapped[datetime] = mapped_column(DateTime(timezone=True), primary_key=True, comment="source time")
    value: Mapped[float] = mapped_column(Double, comment="counter, m³")
    prev_ts: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), comment="source time of the meter's reading before; empty at the first")
    meter_id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False, comment="gas_meter.id")
    receipt_id: Mapped[int] = mapped_column(Integer, comment="receipt of the batch it came in")
    quality: Mapped[int] = mapped_column(SmallInteger, server_default="192", comment="code quality")
    flag: Mapped[int] = mapped_column(SmallInteger, server_default="0", comment="code reading_flag")


class MeterLatest(Base):
    """The newest reading of each meter; derived, rebuildable."""

    __tablename__ = "meter_latest"
    __table_args__ = {"comment": "newest reading of each meter, derived from meter_reading", "postgresql_with": {"fillfactor": "50"}}

    ts: Mapped[datetime] = mapped_column(DateTime(timezone=True), comment="source time")
    value: Mapped[float] = mapped_column(Double, comment="counter, m³")
    meter_id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False, comment="gas_meter.id")
    quality: Mapped[int] = mapped_column(SmallInteger, comment="code quality")
    flag: Mapped[int] = mapped_column(SmallInteger, comment="code reading_flag")
