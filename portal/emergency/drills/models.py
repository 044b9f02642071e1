"""Readiness for emergencies; owns drill, emergency_plan, emergency_supply, emergency_team."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import Boolean, Date, DateTime, Double, Index, Integer, SmallInteger, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from portal.core.db import Base
from portal.registers.models import Filed, Placed


class Drill(Placed, Base):
    """An emergency drill."""

    __tablename__ = "drill"
    __table_args__ = (
        UniqueConstraint("enterprise_id", "record_no"),
        Index("ix_drill_planned_on", "planned_on", "id"),
        {"comment": "应急演练 / drills"},
    )

    name: Mapped[str] = mapped_column(Text, comment="演练名称 / Drill")
    kind: Mapped[int] = mapped_column(SmallInteger, comment="演练方式 / Kind of drill; code drill_kind")
    planned_on: Mapped[date] = mapped_column(Date, comment="计划日期 / Planned for")
    status: Mapped[int] = mapped_column(SmallInteger, comment="演练状态 / Drill state; code drill_status")
    plan_no: Mapped[str | None] = mapped_column(Text, comment="依据预案编号 / Plan exercised")
    held_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), comment="开始时间 / Held at")
    ended_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), comment="结束时间 / Ended at")
    scenario: Mapped[str | None] = mapped_column(Text, comment="情景 / Scenario")
    participants_n: Mapped[int | None] = mapped_column(Integer, comment="参演人数 / Participants")
    departments: Mapped[str | None] = mapped_column(Text, comment="参演单位 / Units taking part")
    score: Mapped[float | None] = mapped_column(Double, comment="评分 / Score")
    problems_n: Mapped[int | None] = mapped_column(Integer, comment="发现问题数 / Problems found")
    improved_n: Mapped[int | None] = mapped_column(Integer, comment="已改进数 / Problems cured")
    summary: Mapped[str | None] = mapped_column(Text, comment="评估结论 / Assessment")


class EmergencyPlan(Filed, Base):
    """An emergency plan."""

    __tablename__ = "emergency_plan"
    __table_args__ = (
        UniqueConstraint("enterprise_id", "record_no"),
        Index("ix_emergency_plan_effective_on", "effective_on", "id"),
        {"comment": "应急预案 / emergency plans"},
    )

    name: Mapped[str] = mapped_column(Text, comment="预案名称 / Plan")
    kind: Mapped[int] = mapped_column(SmallInteger, comment="预案类型 / Kind of plan; code plan_kind")
    level: Mapped[int] = mapped_column(SmallInteger, comment="预案层级 / Level of the plan; code plan_level")
    version: Mapped[str] = mapped_column(Text, comment="版本 / Version")
    effective_on: Mapped[date] = mapped_column(Date, comment="生效日期 / In force from")
    expires_on: Mapped[date | None] = mapped_column(Date, comment="有效期至 / Valid until")
    filed: Mapped[bool | None] = mapped_column(Boolean, comment="已备案 / Filed")
    filed_on: Mapped[date | None] = mapped_column(Date, comment="备案日期 / Filed on")
    event_kind: Mapped[int | None] = mapped_column(SmallInteger, comment="适用事件类型 / Kind of event it is for; code event_kind")
    trigger_grade: Mapped[int | None] = mapped_column(SmallInteger, comment="启动等级 / Grade that starts it; code event_grade")
    scope: Mapped[str | None] = mapped_column(Text, comment="适用范围 / Scope")
    revised_for: Mapped[str | None] = mapped_column(Text, comment="修订原因 / Reason of the revision")


class EmergencySupply(Placed, Base):
    """Supplies kept for emergencies."""

    __tablename__ = "emergency_supply"
    __table_args__ = (
        UniqueConstraint("enterprise_id", "record_no"),
        Index("ix_emergency_supply_received_at", "received_at", "id"),
        {"comment": "应急物资 / supplies for emergencies"},
    )

    name: Mapped[str] = mapped_column(Text, comment="物资名称 / Item")
    kind: Mapped[int] = mapped_column(SmallInteger, comment="物资类别 / Kind of item; code supply_kind")
    quantity: Mapped[float] = mapped_column(Double, comment="数量 / Quantity")
    unit: Mapped[str] = mapped_column(Text, comment="单位 / Unit")
    status: Mapped[int] = mapped_column(SmallInteger, comment="物资状态 / Item state; code supply_status")
    least_quantity: Mapped[float | None] = mapped_column(Double, comment="最低储备 / Least stock")
    depot: Mapped[str | None] = mapped_column(Text, comment="仓库 / Depot")
    valid_until: Mapped[date | None] = mapped_column(Date, comment="有效期至 / Valid until")
    keeper: Mapped[str | None] = mapped_column(Text, comment="保管人 / Keeper; masked")
    keeper_phone: Mapped[str | None] = mapped_column(Text, comment="保管人电话 / Keeper's phone; masked")


class EmergencyTeam(Placed, Base):
    """A team for emergencies."""

    __tablename__ = "emergency_team"
    __table_args__ = (
        UniqueConstraint("enterprise_id", "record_no"),
        Index("ix_emergency_team_received_at", "received_at", "id"),
        {"comment": "应急队伍 / teams for emergencies"},
    )

    name: Mapped[str] = mapped_column(Text, comment="队伍名称 / Team")
    kind: Mapped[int] = mapped_column(SmallInteger, comment="队伍类型 / Kind of team; code team_kind")
    level: Mapped[int] = mapped_column(SmallInteger, comment="队伍层级 / Level of the team; code plan_level")
    headcount_n: Mapped[int] = mapped_column(Integer, comment="人数 / Headcount")
    status: Mapped[int] = mapped_column(SmallInteger, comment="队伍状态 / Team state; code team_status")
    on_duty_n: Mapped[int | None] = mapped_column(Integer, comment="在岗人数 / On duty")
    leader: Mapped[str | None] = mapped_column(Text, comment="队长 / Leader; masked")
    leader_phone: Mapped[str | None] = mapped_column(Text, comment="队长电话 / Leader's phone; masked")
    response_min: Mapped[float | None] = mapped_column(Double, comment="响应时间 / Response time; min")
    vehicles_n: Mapped[int | None] = mapped_column(Integer, comment="车辆数 / Vehicles")
    equipment: Mapped[str | None] = mapped_column(Text, comment="装备 / Equipment")
