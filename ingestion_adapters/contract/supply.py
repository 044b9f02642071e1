"""DAY and MTH: gas volumes of a day, and the figures of a month from which the indicators are made."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from ingestion_adapters.contract.base import Filed, LongText, Record, figure, said

Count = int | None | UnsetType
Quantity = float | None | UnsetType


class DailySupply(Record, kw_only=True, frozen=True):
    """DAY: supply, sale and storage of one gas day; key `gas_day`."""

    gas_day: Annotated[date, said("气日", "Gas day")]
    purchased_m3: Annotated[float, Meta(ge=0), said("购入气量", "Purchased", "m³")]
    sold_m3: Annotated[float, Meta(ge=0), said("销售气量", "Sold", "m³")]
    stored_m3: Annotated[float | None, said("期末储气量", "In storage at the end", "m³")] = None
    linepack_m3: Annotated[float | None, said("期末管存", "Linepack at the end", "m³")] = None
    own_use_m3: Annotated[float | None, said("自用气量", "Own use", "m³")] = None
    max_hour_m3: Annotated[float | None, said("最大小时流量", "Peak hour", "m³/h")] = None


class MonthlyReport(Filed, kw_only=True, frozen=True):
    """MTH: the figures of one calendar month; key `month`; volumes at 20 °C and 101.325 kPa."""

    month: Annotated[str, Meta(pattern=r"^(19|20)\d\d-(0[1-9]|1[0-2])$"), said("月份", "Month")]
    purchased_m3: Annotated[float, figure("购入气量", "Purchased", "m³")]
    sold_m3: Annotated[float, figure("销售气量", "Sold", "m³")]
    own_use_m3: Annotated[Quantity, figure("自用气量", "Own use", "m³")] = UNSET
    linepack_change_m3: Annotated[Quantity, said("管存变化（期末减期初）", "Linepack, end less start", "m³")] = UNSET
    storage_m3: Annotated[Quantity, figure("储气能力", "Storage capacity", "m³")] = UNSET
    storage_required_m3: Annotated[Quantity, figure("应有储气能力", "Storage required", "m³")] = UNSET
    users_n: Annotated[Count, figure("用户数", "Users")] = UNSET
    pipe_km: Annotated[Quantity, figure("管网长度", "Pipe length", "km")] = UNSET
    users_to_check_n: Annotated[Count, figure("应安检户数", "Users due for a check")] = UNSET
    users_checked_n: Annotated[Count, figure("已安检户数", "Users checked")] = UNSET
    dangers_due_n: Annotated[Count, figure("应整改隐患数", "Hidden dangers due")] = UNSET
    dangers_on_time_n: Annotated[Count, figure("按期整改隐患数", "Rectified on time")] = UNSET
    major_due_n: Annotated[Count, figure("应整改重大隐患数", "Major hidden dangers due")] = UNSET
    major_done_n: Annotated[Count, figure("已整改重大隐患数", "Major hidden dangers rectified")] = UNSET
    patrol_plan_km: Annotated[Quantity, figure("计划巡检里程", "Patrol planned", "km")] = UNSET
    patrol_done_km: Annotated[Quantity, figure("完成巡检里程", "Patrol done", "km")] = UNSET
    survey_plan_km: Annotated[Quantity, figure("计划泄漏检测里程", "Leak survey planned", "km")] = UNSET
    survey_done_km: Annotated[Quantity, figure("完成泄漏检测里程", "Leak survey done", "km")] = UNSET
    leaks_n: Annotated[Count, figure("泄漏处数", "Leaks")] = UNSET
    leaks_on_time_n: Annotated[Count, figure("按时修复泄漏数", "Leaks repaired on time")] = UNSET
    leak_repair_h: Annotated[Quantity, figure("泄漏修复总时长", "Hours of leak repair", "h")] = UNSET
    detectors_due_n: Annotated[Count, figure("应装报警器户数（非居民）", "Detectors due (non-residential)")] = UNSET
    detectors_working_n: Annotated[Count, figure("报警器有效户数（非居民）", "Detectors working (non-residential)")] = (
        UNSET
    )
    third_party_damages_n: Annotated[Count, figure("第三方破坏次数", "Third-party damages")] = UNSET
    occupations_n: Annotated[Count, figure("占压处数", "Buildings over pipe")] = UNSET
    device_run_h: Annotated[Quantity, figure("设备运行时长", "Device running hours", "h")] = UNSET
    device_repair_h: Annotated[Quantity, figure("设备维修时长", "Device repair hours", "h")] = UNSET
    device_failures_n: Annotated[Count, figure("设备故障次数", "Device failures")] = UNSET
    outage_users_n: Annotated[Count, figure("停气户次", "Users cut off, summed")] = UNSET
    outage_user_h: Annotated[Quantity, figure("停气户时数", "User hours without gas", "h")] = UNSET
    calls_n: Annotated[Count, figure("应急出警次数", "Emergency calls")] = UNSET
    calls_on_time_n: Annotated[Count, figure("按时到达次数", "Arrived in time")] = UNSET
    events_n: Annotated[Count, figure("应报事件数", "Events to report")] = UNSET
    events_on_time_n: Annotated[Count, figure("按时报告事件数", "Events reported in time")] = UNSET
    drills_planned_n: Annotated[Count, figure("计划演练次数", "Drills planned")] = UNSET
    drills_held_n: Annotated[Count, figure("完成演练次数", "Drills held")] = UNSET
    repairs_n: Annotated[Count, figure("维修工单数", "Repair orders")] = UNSET
    repairs_on_time_n: Annotated[Count, figure("按时维修工单数", "Repairs on time")] = UNSET
    complaints_n: Annotated[Count, figure("投诉件数", "Complaints")] = UNSET
    complaints_on_time_n: Annotated[Count, figure("按时办结投诉数", "Complaints closed on time")] = UNSET
    satisfaction_pct: Annotated[Quantity, figure("满意率", "Satisfaction", "%", most=100)] = UNSET
    staff_to_train_n: Annotated[Count, figure("应持证人数", "Staff to be certified")] = UNSET
    staff_certified_n: Annotated[Count, figure("持证人数", "Certified staff")] = UNSET
    note: Annotated[LongText | None | UnsetType, said("说明", "Note")] = UNSET
