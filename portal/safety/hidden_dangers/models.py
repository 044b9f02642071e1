"""Hidden dangers from finding to close-out; owns hidden_danger."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import ARRAY, Date, DateTime, Double, Index, SmallInteger, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from portal.core.db import Base
from portal.registers.models import Placed


class HiddenDanger(Placed, Base):
    """A hidden danger."""

    __tablename__ = "hidden_danger"
    __table_args__ = (
        UniqueConstraint("enterprise_id", "record_no"),
        Index("ix_hidden_danger_found_at", "found_at", "id"),
        Index("ix_hidden_danger_object_id", "object_id", "object_type"),
        Index("ix_hidden_danger_adcode", "adcode"),
        {"comment": "隐患 / hidden dangers"},
    )

    level: Mapped[int] = mapped_column(SmallInteger, comment="隐患等级 / Danger level; code hazard_level")
    source: Mapped[int] = mapped_column(SmallInteger, comment="隐患来源 / Found through; code hazard_source")
    category: Mapped[int] = mapped_column(SmallInteger, comment="隐患类别 / Category; code hazard_category")
    description: Mapped[str] = mapped_column(Text, comment="隐患描述 / Description")
    found_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), comment="发现时间 / Found at")
    status: Mapped[int] = mapped_column(SmallInteger, comment="整改状态 / Rectification state; code hazard_status")
    sub_category: Mapped[int | None] = mapped_column(SmallInteger, comment="隐患小类 / Subcategory; code hazard_subcategory")
    major_item: Mapped[int | None] = mapped_column(SmallInteger, comment="重大隐患判定条款 / Criterion of a major danger; code major_hazard_item")
    clause: Mapped[str | None] = mapped_column(Text, comment="依据条款 / Clause relied on")
    user_no: Mapped[str | None] = mapped_column(Text, comment="用户编号 / User number")
    deadline: Mapped[date | None] = mapped_column(Date, comment="整改期限 / Rectify by")
    responsible: Mapped[str | None] = mapped_column(Text, comment="整改责任人 / Person responsible; masked")
    measures: Mapped[str | None] = mapped_column(Text, comment="整改措施 / Measures")
    funds_wan: Mapped[float | None] = mapped_column(Double, comment="整改资金 / Funds; 万元")
    emergency_plan: Mapped[str | None] = mapped_column(Text, comment="应急预案 / Emergency plan")
    interim_control: Mapped[str | None] = mapped_column(Text, comment="临时管控措施 / Interim control")
    rectification: Mapped[str | None] = mapped_column(Text, comment="整改情况 / What was done")
    rectified_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), comment="整改完成时间 / Rectified at")
    verifier: Mapped[str | None] = mapped_column(Text, comment="复核人 / Verified by; masked")
    verified_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), comment="复核时间 / Verified at")
    closed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), comment="销号时间 / Closed out at")
    photos_before: Mapped[list[str] | None] = mapped_column(ARRAY(Text), comment="整改前照片 / Photos before")
    photos_after: Mapped[list[str] | None] = mapped_column(ARRAY(Text), comment="整改后照片 / Photos after")
