"""Incidents, repairs and stops of supply; owns incident."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ARRAY, DateTime, Double, Index, Integer, SmallInteger, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from portal.core.db import Base
from portal.registers.models import Placed


class Incident(Placed, Base):
    """An incident, an emergency repair or a stop of supply."""

    __tablename__ = "incident"
    __table_args__ = (
        UniqueConstraint("enterprise_id", "record_no"),
        Index("ix_incident_occurred_at", "occurred_at", "id"),
        Index("ix_incident_object_id", "object_id", "object_type"),
        Index("ix_incident_adcode", "adcode"),
        {"comment": "事件、抢修与停气 / incidents, repairs and stops of supply"},
    )

    sort: Mapped[int] = mapped_column(SmallInteger, comment="事件性质 / Sort of event; code event_sort")
    kind: Mapped[int] = mapped_column(SmallInteger, comment="事件类型 / Kind of event; code event_kind")
    occurred_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), comment="发生时间 / Occurred at")
    status: Mapped[int] = mapped_column(SmallInteger, comment="处置状态 / Response state; code event_status")
    description: Mapped[str] = mapped_column(Text, comment="事件经过 / Course")
    grade: Mapped[int | None] = mapped_column(SmallInteger, comment="事件等级 / Grade; code event_grade")
    source: Mapped[int | None] = mapped_column(SmallInteger, comment="信息来源 / Reported through; code event_source")
    cause: Mapped[int | None] = mapped_column(SmallInteger, comment="原因 / Cause; code event_cause")
    dead_n: Mapped[int | None] = mapped_column(Integer, comment="死亡 / Dead")
    missing_n: Mapped[int | None] = mapped_column(Integer, comment="失踪 / Missing")
    serious_n: Mapped[int | None] = mapped_column(Integer, comment="重伤 / Seriously injured")
    light_n: Mapped[int | None] = mapped_column(Integer, comment="轻伤 / Lightly injured")
    poisoned_n: Mapped[int | None] = mapped_column(Integer, comment="中毒 / Poisoned")
    casualties_n: Mapped[int | None] = mapped_column(Integer, comment="伤亡合计 / Casualties in all")
    trapped_n: Mapped[int | None] = mapped_column(Integer, comment="被困 / Trapped")
    evacuated_n: Mapped[int | None] = mapped_column(Integer, comment="疏散 / Evacuated")
    loss_wan: Mapped[float | None] = mapped_column(Double, comment="直接经济损失 / Direct loss; 万元")
    households_n: Mapped[int | None] = mapped_column(Integer, comment="停气户数 / Households without gas")
    area_m2: Mapped[float | None] = mapped_column(Double, comment="影响面积 / Area affected; m²")
    stop_area: Mapped[str | None] = mapped_column(Text, comment="停气范围 / Area without gas")
    noticed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), comment="停气公告时间 / Public notice at")
    planned_end_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), comment="计划恢复时间 / Planned restoration")
    verified_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), comment="核实时间 / Verified at")
    dispatched_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), comment="派出时间 / Dispatched at")
    arrived_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), comment="到达时间 / Arrived at")
    isolated_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), comment="关阀时间 / Isolated at")
    repaired_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), comment="修复时间 / Repaired at")
    restored_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), comment="恢复供气时间 / Gas restored at")
    ended_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), comment="响应终止时间 / Response ended at")
    measures: Mapped[str | None] = mapped_column(Text, comment="处置措施 / Measures taken")
    alarm_no: Mapped[str | None] = mapped_column(Text, comment="关联报警编号 / Alarm it began with")
    photos: Mapped[list[str] | None] = mapped_column(ARRAY(Text), comment="照片 / Photos")
