"""Works of third parties near the network; owns works_site, works_operation."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import ARRAY, Boolean, Date, DateTime, Double, Index, SmallInteger, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from portal.core.db import Base
from portal.registers.models import Filed, Placed


class WorksSite(Placed, Base):
    """A works site of a third party."""

    __tablename__ = "works_site"
    __table_args__ = (
        UniqueConstraint("enterprise_id", "record_no"),
        Index("ix_works_site_found_at", "found_at", "id"),
        Index("ix_works_site_object_id", "object_id", "object_type"),
        Index("ix_works_site_adcode", "adcode"),
        {"comment": "第三方施工点 / works sites of third parties"},
    )

    project: Mapped[str] = mapped_column(Text, comment="工程名称 / Project")
    method: Mapped[int] = mapped_column(SmallInteger, comment="施工方式 / Method; code works_method")
    found_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), comment="发现或告知时间 / Found or notified at")
    status: Mapped[int] = mapped_column(SmallInteger, comment="施工状态 / Works state; code works_status")
    begins_on: Mapped[date] = mapped_column(Date, comment="开工日期 / Begins on")
    ends_on: Mapped[date | None] = mapped_column(Date, comment="计划完工日期 / Planned end")
    builder: Mapped[str | None] = mapped_column(Text, comment="施工单位 / Builder")
    contact: Mapped[str | None] = mapped_column(Text, comment="施工联系人 / Builder's contact; masked")
    contact_phone: Mapped[str | None] = mapped_column(Text, comment="施工联系电话 / Builder's phone; masked")
    permit_no: Mapped[str | None] = mapped_column(Text, comment="施工许可编号 / Permit number")
    distance_m: Mapped[float | None] = mapped_column(Double, comment="距燃气管道 / Distance to the pipe; m")
    depth_m: Mapped[float | None] = mapped_column(Double, comment="开挖深度 / Depth of excavation; m")
    disclosed: Mapped[bool | None] = mapped_column(Boolean, comment="已安全技术交底 / Briefed on the pipes")
    plan_signed: Mapped[bool | None] = mapped_column(Boolean, comment="保护方案已签订 / Protection plan signed")
    guarded: Mapped[bool | None] = mapped_column(Boolean, comment="现场监护 / Guarded on site")
    guardian: Mapped[str | None] = mapped_column(Text, comment="监护人 / Guardian; masked")
    completed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), comment="完工时间 / Completed at")
    closed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), comment="销项时间 / Signed off at")
    photos: Mapped[list[str] | None] = mapped_column(ARRAY(Text), comment="照片 / Photos")


class WorksOperation(Filed, Base):
    """A person or machine at work on a site."""

    __tablename__ = "works_operation"
    __table_args__ = (
        UniqueConstraint("enterprise_id", "site_no", "record_no"),
        {"comment": "施工人员机具作业 / people and machines at work on sites"},
    )

    site_no: Mapped[str] = mapped_column(Text, comment="施工点编号 / Works site number")
    listed: Mapped[bool] = mapped_column(Boolean, server_default=text("true"), comment="在最新清单中 / Stands in the latest list")
    kind: Mapped[int] = mapped_column(SmallInteger, comment="作业类别 / Person or machine; code works_operation")
    who: Mapped[str] = mapped_column(Text, comment="人员或机具操作人 / Person or operator; masked")
    begun_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), comment="作业开始时间 / Operation begun at")
    ended_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), comment="作业结束时间 / Operation ended at")
    machine: Mapped[str | None] = mapped_column(Text, comment="机具 / Machine")
    work: Mapped[str | None] = mapped_column(Text, comment="作业内容 / Work done")
