"""EVT and DRL: incidents, repairs and stops of supply; drills, plans, supplies and teams."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from ingestion_adapters.contract.base import (
    Code,
    Filed,
    Instant,
    LongText,
    Placed,
    Text,
    coded,
    figure,
    moment,
    personal,
    said,
)
from ingestion_adapters.contract.safety import Chosen, Count, Day, Pictures, Quantity, Story, Truth, When, Words


class Incident(Placed, kw_only=True, frozen=True):
    """EVT: an incident, an emergency repair or a stop of supply; key `event_no`.

    Of a planned stop `occurred_at` is its planned begin, and it is sent at least 48 hours ahead.
    """

    event_no: Annotated[Code, said("事件编号", "Event number")]
    sort: Annotated[int, coded("event_sort", "事件性质", "Sort of event")]
    kind: Annotated[int, coded("event_kind", "事件类型", "Kind of event")]
    occurred_at: Annotated[
        Instant, moment("发生时间", "Occurred at")
    ]
    status: Annotated[int, coded("event_status", "处置状态", "Response state")]
    description: Annotated[LongText, Meta(min_length=1), said("事件经过", "Course")]
    grade: Annotated[Chosen, coded("event_grade", "事件等级", "Grade")] = UNSET
    source: Annotated[Chosen, coded("event_source", "信息来源", "Reported through")] = UNSET
    cause: Annotated[Chosen, coded("event_cause", "原因", "Cause")] = UNSET
    dead_n: Annotated[Count, figure("死亡", "Dead")] = UNSET
    missing_n: Annotated[Count, figure("失踪", "Missing")] = UNSET
    serious_n: Annotated[Count, figure("重伤", "Seriously injured")] = UNSET
    light_n: Annotated[Count, figure("轻伤", "Lightly injured")] = UNSET
    poisoned_n: Annotated[Count, figure("中毒", "Poisoned")] = UNSET
    casualties_n: Annotated[Count, figure("伤亡合计", "Casualties in all")] = UNSET
    trapped_n: Annotated[Count, figure("被困", "Trapped")] = UNSET
    evacuated_n: Annotated[Count, figure("疏散", "Evacuated")] = UNSET
    loss_wan: Annotated[Quantity, figure("直接经济损失", "Direct loss", "万元")] = UNSET
    households_n: Annotated[Count, figure("停气户数", "Households without gas")] = UNSET
    area_m2: Annotated[Quantity, figure("影响面积", "Area affected", "m²")] = UNSET
    stop_area: Annotated[Story, said("停气范围", "Area without gas")] = UNSET
    noticed_at: Annotated[When, moment("停气公告时间", "Public notice at", past=True)] = UNSET
    planned_end_at: Annotated[When, moment("计划恢复时间", "Planned restoration")] = UNSET
    verified_at: Annotated[When, moment("核实时间", "Verified at", past=True)] = UNSET
    dispatched_at: Annotated[When, moment("派出时间", "Dispatched at", past=True)] = UNSET
    arrived_at: Annotated[When, moment("到达时间", "Arrived at", past=True)] = UNSET
    isolated_at: Annotated[When, moment("关阀时间", "Isolated at", past=True)] = UNSET
    repaired_at: Annotated[When, moment("修复时间", "Repaired at", past=True)] = UNSET
    restored_at: Annotated[When, moment("恢复供气时间", "Gas restored at", past=True)] = UNSET
    ended_at: Annotated[When, moment("响应终止时间", "Response ended at", past=True)] = UNSET
    measures: Annotated[Story, said("处置措施", "Measures taken")] = UNSET
    alarm_no: Annotated[Code | None | UnsetType, said("关联报警编号", "Alarm it began with")] = UNSET
    photos: Annotated[Pictures, said("照片", "Photos")] = UNSET


class Drill(Placed, tag="DRL", tag_field="type", kw_only=True, frozen=True):
    """DRL: an emergency drill; key `drill_no`."""

    drill_no: Annotated[Code, said("演练编号", "Drill number")]
    name: Annotated[Text, Meta(min_length=1), said("演练名称", "Drill")]
    kind: Annotated[int, coded("drill_kind", "演练方式", "Kind of drill")]
    planned_on: Annotated[date, said("计划日期", "Planned for")]
    status: Annotated[int, coded("drill_status", "演练状态", "Drill state")]
    plan_no: Annotated[Code | None | UnsetType, said("依据预案编号", "Plan exercised")] = UNSET
    held_at: Annotated[When, moment("开始时间", "Held at", past=True)] = UNSET
    ended_at: Annotated[When, moment("结束时间", "Ended at", past=True)] = UNSET
    scenario: Annotated[Story, said("情景", "Scenario")] = UNSET
    participants_n: Annotated[Count, figure("参演人数", "Participants")] = UNSET
    departments: Annotated[Words, said("参演单位", "Units taking part")] = UNSET
    score: Annotated[Quantity, figure("评分", "Score", most=100)] = UNSET
    problems_n: Annotated[Count, figure("发现问题数", "Problems found")] = UNSET
    improved_n: Annotated[Count, figure("已改进数", "Problems cured")] = UNSET
    summary: Annotated[Story, said("评估结论", "Assessment")] = UNSET


class EmergencyPlan(Filed, tag="PLN", tag_field="type", kw_only=True, frozen=True):
    """DRL: an emergency plan; key `plan_no`."""

    plan_no: Annotated[Code, said("预案编号", "Plan number")]
    name: Annotated[Text, Meta(min_length=1), said("预案名称", "Plan")]
    kind: Annotated[int, coded("plan_kind", "预案类型", "Kind of plan")]
    level: Annotated[int, coded("plan_level", "预案层级", "Level of the plan")]
    version: Annotated[Text, said("版本", "Version")]
    effective_on: Annotated[date, said("生效日期", "In force from")]
    expires_on: Annotated[Day, said("有效期至", "Valid until")] = UNSET
    filed: Annotated[Truth, said("已备案", "Filed")] = UNSET
    filed_on: Annotated[Day, said("备案日期", "Filed on")] = UNSET
    event_kind: Annotated[Chosen, coded("event_kind", "适用事件类型", "Kind of event it is for")] = UNSET
    trigger_grade: Annotated[Chosen, coded("event_grade", "启动等级", "Grade that starts it")] = UNSET
    scope: Annotated[Story, said("适用范围", "Scope")] = UNSET
    revised_for: Annotated[Words, said("修订原因", "Reason of the revision")] = UNSET


class EmergencySupply(Placed, tag="MAT", tag_field="type", kw_only=True, frozen=True):
    """DRL: supplies kept for emergencies; key `item_no`."""

    item_no: Annotated[Code, said("物资编号", "Item number")]
    name: Annotated[Text, Meta(min_length=1), said("物资名称", "Item")]
    kind: Annotated[int, coded("supply_kind", "物资类别", "Kind of item")]
    quantity: Annotated[float, figure("数量", "Quantity")]
    unit: Annotated[Text, said("单位", "Unit")]
    status: Annotated[int, coded("supply_status", "物资状态", "Item state")]
    least_quantity: Annotated[Quantity, figure("最低储备", "Least stock")] = UNSET
    depot: Annotated[Words, said("仓库", "Depot")] = UNSET
    valid_until: Annotated[Day, said("有效期至", "Valid until")] = UNSET
    keeper: Annotated[Words, personal("name", "保管人", "Keeper")] = UNSET
    keeper_phone: Annotated[Words, personal("phone", "保管人电话", "Keeper's phone")] = UNSET


class EmergencyTeam(Placed, tag="TEA", tag_field="type", kw_only=True, frozen=True):
    """DRL: a team for emergencies; key `team_no`."""

    team_no: Annotated[Code, said("队伍编号", "Team number")]
    name: Annotated[Text, Meta(min_length=1), said("队伍名称", "Team")]
    kind: Annotated[int, coded("team_kind", "队伍类型", "Kind of team")]
    level: Annotated[int, coded("plan_level", "队伍层级", "Level of the team")]
    headcount_n: Annotated[int, figure("人数", "Headcount")]
    status: Annotated[int, coded("team_status", "队伍状态", "Team state")]
    on_duty_n: Annotated[Count, figure("在岗人数", "On duty")] = UNSET
    leader: Annotated[Words, personal("name", "队长", "Leader")] = UNSET
    leader_phone: Annotated[Words, personal("phone", "队长电话", "Leader's phone")] = UNSET
    response_min: Annotated[Quantity, figure("响应时间", "Response time", "min")] = UNSET
    vehicles_n: Annotated[Count, figure("车辆数", "Vehicles")] = UNSET
    equipment: Annotated[Story, said("装备", "Equipment")] = UNSET


ReadinessRecord = Drill | EmergencyPlan | EmergencySupply | EmergencyTeam
