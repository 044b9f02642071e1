"""HAZ, EXC, PAT and CHK: hidden dangers, works of third parties, patrols and household checks."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from ingestion_adapters.contract.base import (
    Code,
    Filed,
    Instant,
    LineString,
    LongText,
    Photos,
    Placed,
    Record,
    Text,
    coded,
    figure,
    moment,
    personal,
    said,
)

When = Instant | None | UnsetType
Words = Text | None | UnsetType
Story = LongText | None | UnsetType
Day = date | None | UnsetType
Count = int | None | UnsetType
Quantity = float | None | UnsetType
Chosen = int | None | UnsetType
Truth = bool | None | UnsetType
Items = Annotated[list[int], Meta(max_length=50)]
Pictures = Photos | None | UnsetType


class HiddenDanger(Placed, kw_only=True, frozen=True):
    """HAZ: a hidden danger from its finding to its close-out; key `hazard_no`."""

    hazard_no: Annotated[Code, said("隐患编号", "Hidden danger number")]
    level: Annotated[int, coded("hazard_level", "隐患等级", "Danger level")]
    source: Annotated[int, coded("hazard_source", "隐患来源", "Found through")]
    category: Annotated[int, coded("hazard_category", "隐患类别", "Category")]
    description: Annotated[LongText, Meta(min_length=1), said("隐患描述", "Description")]
    found_at: Annotated[Instant, moment("发现时间", "Found at", past=True)]
    status: Annotated[int, coded("hazard_status", "整改状态", "Rectification state")]
    sub_category: Annotated[Chosen, coded("hazard_subcategory", "隐患小类", "Subcategory")] = UNSET
    major_item: Annotated[Chosen, coded("major_hazard_item", "重大隐患判定条款", "Criterion of a major danger")] = UNSET
    clause: Annotated[Words, said("依据条款", "Clause relied on")] = UNSET
    user_no: Annotated[Code | None | UnsetType, said("用户编号", "User number")] = UNSET
    deadline: Annotated[Day, said("整改期限", "Rectify by")] = UNSET
    responsible: Annotated[Words, personal("name", "整改责任人", "Person responsible")] = UNSET
    measures: Annotated[Story, said("整改措施", "Measures")] = UNSET
    funds_wan: Annotated[Quantity, figure("整改资金", "Funds", "万元")] = UNSET
    emergency_plan: Annotated[Story, said("应急预案", "Emergency plan")] = UNSET
    interim_control: Annotated[Story, said("临时管控措施", "Interim control")] = UNSET
    rectification: Annotated[Story, said("整改情况", "What was done")] = UNSET
    rectified_at: Annotated[When, moment("整改完成时间", "Rectified at", past=True)] = UNSET
    verifier: Annotated[Words, personal("name", "复核人", "Verified by")] = UNSET
    verified_at: Annotated[When, moment("复核时间", "Verified at", past=True)] = UNSET
    closed_at: Annotated[When, moment("销号时间", "Closed out at", past=True)] = UNSET
    photos_before: Annotated[Pictures, said("整改前照片", "Photos before")] = UNSET
    photos_after: Annotated[Pictures, said("整改后照片", "Photos after")] = UNSET


class WorksOperation(Record, kw_only=True, frozen=True):
    """EXC: a person or machine at work on a site; key `operation_no` within the site."""

    operation_no: Annotated[Code, said("作业记录编号", "Operation number")]
    kind: Annotated[int, coded("works_operation", "作业类别", "Person or machine")]
    who: Annotated[Text, personal("name", "人员或机具操作人", "Person or operator")]
    begun_at: Annotated[Instant, moment("作业开始时间", "Operation begun at", past=True)]
    ended_at: Annotated[When, moment("作业结束时间", "Operation ended at", past=True)] = UNSET
    machine: Annotated[Words, said("机具", "Machine")] = UNSET
    work: Annotated[Words, said("作业内容", "Work done")] = UNSET


class WorksSite(Placed, kw_only=True, frozen=True):
    """EXC: works of a third party near the network; key `site_no`."""

    site_no: Annotated[Code, said("施工点编号", "Works site number")]
    project: Annotated[Text, Meta(min_length=1), said("工程名称", "Project")]
    method: Annotated[int, coded("works_method", "施工方式", "Method")]
    found_at: Annotated[Instant, moment("发现或告知时间", "Found or notified at", past=True)]
    status: Annotated[int, coded("works_status", "施工状态", "Works state")]
    begins_on: Annotated[date, said("开工日期", "Begins on")]
    ends_on: Annotated[Day, said("计划完工日期", "Planned end")] = UNSET
    builder: Annotated[Words, said("施工单位", "Builder")] = UNSET
    contact: Annotated[Words, personal("name", "施工联系人", "Builder's contact")] = UNSET
    contact_phone: Annotated[Words, personal("phone", "施工联系电话", "Builder's phone")] = UNSET
    permit_no: Annotated[Words, said("施工许可编号", "Permit number")] = UNSET
    distance_m: Annotated[Quantity, figure("距燃气管道", "Distance to the pipe", "m")] = UNSET
    depth_m: Annotated[Quantity, figure("开挖深度", "Depth of excavation", "m")] = UNSET
    disclosed: Annotated[Truth, said("已安全技术交底", "Briefed on the pipes")] = UNSET
    plan_signed: Annotated[Truth, said("保护方案已签订", "Protection plan signed")] = UNSET
    guarded: Annotated[Truth, said("现场监护", "Guarded on site")] = UNSET
    guardian: Annotated[Words, personal("name", "监护人", "Guardian")] = UNSET
    completed_at: Annotated[When, moment("完工时间", "Completed at", past=True)] = UNSET
    closed_at: Annotated[When, moment("销项时间", "Signed off at", past=True)] = UNSET
    photos: Annotated[Pictures, said("照片", "Photos")] = UNSET
    operations: Annotated[
        Annotated[list[WorksOperation], Meta(max_length=2000)] | UnsetType,
        said("人员机具作业记录", "People and machines at work"),
    ] = UNSET


class Patrol(Placed, kw_only=True, frozen=True):
    """PAT: a patrol or a leak survey; key `task_no`."""

    task_no: Annotated[Code, said("任务编号", "Task number")]
    kind: Annotated[int, coded("patrol_kind", "巡检类型", "Kind of patrol")]
    begun_at: Annotated[Instant, moment("开始时间", "Begun at", past=True)]
    status: Annotated[int, coded("patrol_status", "任务状态", "Task state")]
    ended_at: Annotated[When, moment("结束时间", "Ended at", past=True)] = UNSET
    method: Annotated[Chosen, coded("patrol_method", "巡检方式", "Patrolled by")] = UNSET
    inspector: Annotated[Words, personal("name", "巡检员", "Inspector")] = UNSET
    team: Annotated[Words, said("班组", "Team")] = UNSET
    route: Annotated[Words, said("线路", "Route")] = UNSET
    planned_km: Annotated[Quantity, figure("计划里程", "Planned length", "km")] = UNSET
    patrolled_km: Annotated[Quantity, figure("巡检里程", "Patrolled length", "km")] = UNSET
    valid_km: Annotated[Quantity, figure("有效里程", "Length covered", "km")] = UNSET
    points_planned_n: Annotated[Count, figure("应到点数", "Points planned")] = UNSET
    points_done_n: Annotated[Count, figure("到位点数", "Points reached")] = UNSET
    findings_n: Annotated[Count, figure("发现问题数", "Findings")] = UNSET
    leaks_n: Annotated[Count, figure("泄漏处数", "Leaks")] = UNSET
    most_ppm: Annotated[Quantity, figure("最高浓度", "Highest concentration", "ppm")] = UNSET
    instrument: Annotated[Words, said("检测仪器编号", "Instrument")] = UNSET
    track: Annotated[LineString | None | UnsetType, said("巡检轨迹", "Track")] = UNSET
    note: Annotated[Story, said("说明", "Note")] = UNSET


class HouseholdCheck(Filed, kw_only=True, frozen=True):
    """CHK: a safety check in a user's rooms; key `check_no`."""

    check_no: Annotated[Code, said("安检编号", "Check number")]
    user_no: Annotated[Code, said("用户编号", "User number")]
    checked_at: Annotated[Instant, moment("安检时间", "Checked at", past=True)]
    result: Annotated[int, coded("check_result", "安检结果", "Result of the check")]
    inspector: Annotated[Words, personal("name", "安检员", "Inspector")] = UNSET
    hazards_n: Annotated[Count, figure("隐患数", "Hidden dangers found")] = UNSET
    fixed_n: Annotated[Count, figure("当场整改数", "Fixed on the spot")] = UNSET
    hazards: Annotated[Items | None | UnsetType, coded("user_hazard", "隐患项目", "Dangers found")] = UNSET
    environment_ok: Annotated[Truth, said("用气环境合格", "Environment in order")] = UNSET
    pipe_ok: Annotated[Truth, said("户内管道合格", "Pipe in order")] = UNSET
    meter_ok: Annotated[Truth, said("燃气表合格", "Meter in order")] = UNSET
    appliance_ok: Annotated[Truth, said("燃具合格", "Appliances in order")] = UNSET
    safety_device_ok: Annotated[Truth, said("安全装置合格", "Safety devices in order")] = UNSET
    tightness_ok: Annotated[Truth, said("气密性合格", "Gas tight")] = UNSET
    notice_given: Annotated[Truth, said("已书面告知", "Told in writing")] = UNSET
    signed: Annotated[Truth, said("用户已签字", "Signed by the user")] = UNSET
    gas_stopped: Annotated[Truth, said("已停气", "Supply stopped")] = UNSET
    next_check_on: Annotated[Day, said("下次安检日期", "Next check on")] = UNSET
    photos: Annotated[Pictures, said("照片", "Photos")] = UNSET
    note: Annotated[Story, said("说明", "Note")] = UNSET
