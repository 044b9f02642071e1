"""Patrols and leak surveys; owns patrol."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import DateTime, Double, Index, Integer, SmallInteger, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from gis.basemap.models import geometry
from portal.core.db import Base
from portal.registers.models import Placed


class Patrol(Placed, Base):
    """A patrol or a leak survey."""

    __tablename__ = "patrol"
    __table_args__ = (
        UniqueConstraint("enterprise_id", "record_no"),
        Index("ix_patrol_begun_at", "begun_at", "id"),
        Index("ix_patrol_object_id", "object_id", "object_type"),
        Index("ix_patrol_adcode", "adcode"),
        {"comment": "巡检与泄漏检测 / patrols and leak surveys"},
    )

    kind: Mapped[int] = mapped_column(SmallInteger, comment="巡检类型 / Kind of patrol; code patrol_kind")
    begun_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), comment="开始时间 / Begun at")
    status: Mapped[int] = mapped_column(SmallInteger, comment="任务状态 / Task state; code patrol_status")
    ended_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), comment="结束时间 / Ended at")
    method: Mapped[int | None] = mapped_column(SmallInteger, comment="巡检方式 / Patrolled by; code patrol_method")
    inspector: Mapped[str | None] = mapped_column(Text, comment="巡检员 / Inspector; masked")
    team: Mapped[str | None] = mapped_column(Text, comment="班组 / Team")
    route: Mapped[str | None] = mapped_column(Text, comment="线路 / Route")
    planned_km: Mapped[float | None] = mapped_column(Double, comment="计划里程 / Planned length; km")
    patrolled_km: Mapped[float | None] = mapped_column(Double, comment="巡检里程 / Patrolled length; km")
    valid_km: Mapped[float | None] = mapped_column(Double, comment="有效里程 / Length covered; km")
    points_planned_n: Mapped[int | None] = mapped_column(Integer, comment="应到点数 / Points planned")
    points_done_n: Mapped[int | None] = mapped_column(Integer, comment="到位点数 / Points reached")
    findings_n: Mapped[int | None] = mapped_column(Integer, comment="发现问题数 / Findings")
    leaks_n: Mapped[int | None] = mapped_column(Integer, comment="泄漏处数 / Leaks")
    most_ppm: Mapped[float | None] = mapped_column(Double, comment="最高浓度 / Highest concentration; ppm")
    instrument: Mapped[str | None] = mapped_column(Text, comment="检测仪器编号 / Instrument")
    track: Mapped[Any] = mapped_column(geometry("LINESTRING"), nullable=True, comment="巡检轨迹 / Track")
    note: Mapped[str | None] = mapped_column(Text, comment="说明 / Note")
