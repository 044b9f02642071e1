"""Gas volumes; owns daily_supply."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import BigInteger, Date, DateTime, Double, ForeignKey, func
from sqlalchemy.orm import Mapped, mapped_column

from portal.core.db import Base


class DailySupply(Base):
    """Supply, sale and storage of one enterprise on one gas day."""

    __tablename__ = "daily_supply"
    __table_args__ = {"comment": "日供气 / supply, sale and storage of one gas day, m³ at 20 °C and 101.325 kPa"}

    enterprise_id: Mapped[int] = mapped_column(
        ForeignKey("enterprise.id", ondelete="RESTRICT"), primary_key=True, comment="enterprise"
    )
    gas_day: Mapped[date] = mapped_column(Date, primary_key=True, comment="gas day")
    purchased_m3: Mapped[float] = mapped_column(Double, comment="购入气量, m³")
    sold_m3: Mapped[float] = mapped_column(Double, comment="销售气量, m³")
    stored_m3: Mapped[float | None] = mapped_column(Double, comment="in storage at the end of the day, m³")
    linepack_m3: Mapped[float | None] = mapped_column(Double, comment="linepack at the end of the day, m³")
    own_use_m3: Mapped[float | None] = mapped_column(Double, comment="own use, m³")
    max_hour_m3: Mapped[float | None] = mapped_column(Double, comment="peak hour, m³/h")
    receipt_id: Mapped[int] = mapped_column(BigInteger, comment="receipt of the batch that last changed it")
    updated_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.now(), comment="last change"
    )
