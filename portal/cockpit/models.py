"""The safety index of each day; owns safety_index."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import Date, DateTime, Double, Text, func
from sqlalchemy.orm import Mapped, mapped_column

from portal.core.db import Base


class SafetyIndex(Base):
    """The index of the city, or of a district, as a day ended."""

    __tablename__ = "safety_index"
    __table_args__ = {"comment": "安全指数 / safety index by day, of the city (empty adcode) and its districts"}

    day: Mapped[date] = mapped_column(Date, primary_key=True, comment="day in city time")
    adcode: Mapped[str] = mapped_column(Text, primary_key=True, comment="district; empty for the whole city")
    score: Mapped[float | None] = mapped_column(Double, comment="综合 / index, 0 to 100")
    device: Mapped[float | None] = mapped_column(Double, comment="设备状态 / points that report, %")
    coverage: Mapped[float | None] = mapped_column(Double, comment="监测覆盖 / stations and regulators with points, %")
    accidents: Mapped[float | None] = mapped_column(Double, comment="事故历史 / score of a year's incidents")
    surroundings: Mapped[float | None] = mapped_column(Double, comment="周边环境 / pipe length neither red nor orange, %")
    management: Mapped[float | None] = mapped_column(Double, comment="管理水平 / dangers closed and cases in time, %")
    noted_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.now(), comment="when it was last worked out"
    )
