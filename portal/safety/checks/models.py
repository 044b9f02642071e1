"""Household safety checks; owns household_check."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import ARRAY, BigInteger, Boolean, Date, DateTime, Index, Integer, SmallInteger, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from portal.core.db import Base
from portal.registers.models import Filed


class HouseholdCheck(Filed, Base):
    """A safety check in a user's rooms."""

    __tablename__ = "household_check"
    __table_args__ = (
        UniqueConstraint("enterprise_id", "record_no"),
        Index("ix_household_check_checked_at", "checked_at", "id"),
        Index("ix_household_check_user_id", "user_id", "checked_at"),
        Index("ix_household_check_adcode", "adcode"),
        {"comment": "入户安检 / household safety checks"},
    )

    user_id: Mapped[int | None] = mapped_column(BigInteger, comment="用户序号 / Number of the user inside the portal")
    user_no: Mapped[str] = mapped_column(Text, comment="用户编号 / User number")
    checked_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), comment="安检时间 / Checked at")
    result: Mapped[int] = mapped_column(SmallInteger, comment="安检结果 / Result of the check; code check_result")
    inspector: Mapped[str | None] = mapped_column(Text, comment="安检员 / Inspector; masked")
    hazards_n: Mapped[int | None] = mapped_column(Integer, comment="隐患数 / Hidden dangers found")
    fixed_n: Mapped[int | None] = mapped_column(Integer, comment="当场整改数 / Fixed on the spot")
    hazards: Mapped[list[int] | None] = mapped_column(ARRAY(SmallInteger), comment="隐患项目 / Dangers found; code user_hazard")
    environment_ok: Mapped[bool | None] = mapped_column(Boolean, comment="用气环境合格 / Environment in order")
    pipe_ok: Mapped[bool | None] = mapped_column(Boolean, comment="户内管道合格 / Pipe in order")
    meter_ok: Mapped[bool | None] = mapped_column(Boolean, comment="燃气表合格 / Meter in order")
    appliance_ok: Mapped[bool | None] = mapped_column(Boolean, comment="燃具合格 / Appliances in order")
    safety_device_ok: Mapped[bool | None] = mapped_column(Boolean, comment="安全装置合格 / Safety devices in order")
    tightness_ok: Mapped[bool | None] = mapped_column(Boolean, comment="气密性合格 / Gas tight")
    notice_given: Mapped[bool | None] = mapped_column(Boolean, comment="已书面告知 / Told in writing")
    signed: Mapped[bool | None] = mapped_column(Boolean, comment="用户已签字 / Signed by the user")
    gas_stopped: Mapped[bool | None] = mapped_column(Boolean, comment="已停气 / Supply stopped")
    next_check_on: Mapped[date | None] = mapped_column(Date, comment="下次安检日期 / Next check on")
    photos: Mapped[list[str] | None] = mapped_column(ARRAY(Text), comment="照片 / Photos")
    note: Mapped[str | None] = mapped_column(Text, comment="说明 / Note")
