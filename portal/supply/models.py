"""Gas volumes; owns daily_supply, monthly_report."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import BigInteger, Date, DateTime, Double, ForeignKey, Index, Integer, Text, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from portal.core.db import Base
from portal.registers.models import Filed


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


class MonthlyReport(Filed, Base):
    """The figures of one calendar month of an enterprise."""

    __tablename__ = "monthly_report"
    __table_args__ = (
        UniqueConstraint("enterprise_id", "record_no"),
        Index("ix_monthly_report_month", "month", "id"),
        {"comment": "月报 / figures of a month, volumes in m³ at 20 °C and 101.325 kPa"},
    )

    month: Mapped[date] = mapped_column(Date, comment="月份 / Month")
    purchased_m3: Mapped[float] = mapped_column(Double, comment="购入气量 / Purchased; m³")
    sold_m3: Mapped[float] = mapped_column(Double, comment="销售气量 / Sold; m³")
    own_use_m3: Mapped[float | None] = mapped_column(Double, comment="自用气量 / Own use; m³")
    linepack_change_m3: Mapped[float | None] = mapped_column(Double, comment="管存变化（期末减期初） / Linepack, end less start; m³")
    storage_m3: Mapped[float | None] = mapped_column(Double, comment="储气能力 / Storage capacity; m³")
    storage_required_m3: Mapped[float | None] = mapped_column(Double, comment="应有储气能力 / Storage required; m³")
    users_n: Mapped[int | None] = mapped_column(Integer, comment="用户数 / Users")
    pipe_km: Mapped[float | None] = mapped_column(Double, comment="管网长度 / Pipe length; km")
    users_to_check_n: Mapped[int | None] = mapped_column(Integer, comment="应安检户数 / Users due for a check")
    users_checked_n: Mapped[int | None] = mapped_column(Integer, comment="已安检户数 / Users checked")
    dangers_due_n: Mapped[int | None] = mapped_column(Integer, comment="应整改隐患数 / Hidden dangers due")
    dangers_on_time_n: Mapped[int | None] = mapped_column(Integer, comment="按期整改隐患数 / Rectified on time")
    major_due_n: Mapped[int | None] = mapped_column(Integer, comment="应整改重大隐患数 / Major hidden dangers due")
    major_done_n: Mapped[int | None] = mapped_column(Integer, comment="已整改重大隐患数 / Major hidden dangers rectified")
    patrol_plan_km: Mapped[float | None] = mapped_column(Double, comment="计划巡检里程 / Patrol planned; km")
    patrol_done_km: Mapped[float | None] = mapped_column(Double, comment="完成巡检里程 / Patrol done; km")
    survey_plan_km: Mapped[float | None] = mapped_column(Double, comment="计划泄漏检测里程 / Leak survey planned; km")
    survey_done_km: Mapped[float | None] = mapped_column(Double, comment="完成泄漏检测里程 / Leak survey done; km")
    leaks_n: Mapped[int | None] = mapped_column(Integer, comment="泄漏处数 / Leaks")
    leaks_on_time_n: Mapped[int | None] = mapped_column(Integer, comment="按时修复泄漏数 / Leaks repaired on time")
    leak_repair_h: Mapped[float | None] = mapped_column(Double, comment="泄漏修复总时长 / Hours of leak repair; h")
    detectors_due_n: Mapped[int | None] = mapped_column(Integer, comment="应装报警器户数（非居民） / Detectors due (non-residential)")
    detectors_working_n: Mapped[int | None] = mapped_column(Integer, comment="报警器有效户数（非居民） / Detectors working (non-residential)")
    third_party_damages_n: Mapped[int | None] = mapped_column(Integer, comment="第三方破坏次数 / Third-party damages")
    occupations_n: Mapped[int | None] = mapped_column(Integer, comment="占压处数 / Buildings over pipe")
    device_run_h: Mapped[float | None] = mapped_column(Double, comment="设备运行时长 / Device running hours; h")
    device_repair_h: Mapped[float | None] = mapped_column(Double, comment="设备维修时长 / Device repair hours; h")
    device_failures_n: Mapped[int | None] = mapped_column(Integer, comment="设备故障次数 / Device failures")
    outage_users_n: Mapped[int | None] = mapped_column(Integer, comment="停气户次 / Users cut off, summed")
    outage_user_h: Mapped[float | None] = mapped_column(Double, comment="停气户时数 / User hours without gas; h")
    calls_n: Mapped[int | None] = mapped_column(Integer, comment="应急出警次数 / Emergency calls")
    calls_on_time_n: Mapped[int | None] = mapped_column(Integer, comment="按时到达次数 / Arrived in time")
    events_n: Mapped[int | None] = mapped_column(Integer, comment="应报事件数 / Events to report")
    events_on_time_n: Mapped[int | None] = mapped_column(Integer, comment="按时报告事件数 / Events reported in time")
    drills_planned_n: Mapped[int | None] = mapped_column(Integer, comment="计划演练次数 / Drills planned")
    drills_held_n: Mapped[int | None] = mapped_column(Integer, comment="完成演练次数 / Drills held")
    repairs_n: Mapped[int | None] = mapped_column(Integer, comment="维修工单数 / Repair orders")
    repairs_on_time_n: Mapped[int | None] = mapped_column(Integer, comment="按时维修工单数 / Repairs on time")
    complaints_n: Mapped[int | None] = mapped_column(Integer, comment="投诉件数 / Complaints")
    complaints_on_time_n: Mapped[int | None] = mapped_column(Integer, comment="按时办结投诉数 / Complaints closed on time")
    satisfaction_pct: Mapped[float | None] = mapped_column(Double, comment="满意率 / Satisfaction; %")
    staff_to_train_n: Mapped[int | None] = mapped_column(Integer, comment="应持证人数 / Staff to be certified")
    staff_certified_n: Mapped[int | None] = mapped_column(Integer, comment="持证人数 / Certified staff")
    note: Mapped[str | None] = mapped_column(Text, comment="说明 / Note")
