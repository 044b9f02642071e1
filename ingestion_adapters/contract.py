"""The contract: what an enterprise sends, in our words and our units, one typed record a dataset.

Checking, the OpenAPI document, the human page and sample files are all made from these types.
Coordinates are CGCS2000 (EPSG:4490), longitude first. Codes are those of `portal/core/data/codes.csv`:
a field marked `dict` accepts only codes of that dictionary. Null and absent both mean unknown.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Code = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f]+$")]
Text = Annotated[str, Meta(max_length=200, pattern=r"^[^\x00-\x08\x0b-\x1f]*$")]
Uscc = Annotated[str, Meta(pattern=r"^[0-9A-HJ-NPQRTUWXY]{18}$", extra={"zh": "统一社会信用代码", "en": "Unified social credit code"})]
Lon = Annotated[float, Meta(ge=-180, le=180)]
Lat = Annotated[float, Meta(ge=-90, le=90)]
Instant = Annotated[str | int, Meta(extra={"zh": "时间：ISO 8601 带时区，或毫秒", "en": "ISO 8601 with offset, or ms since the epoch"})]


def coded(dictionary: str, zh: str, en: str) -> Meta:
    """Return the mark of a field that holds a code of one dictionary."""
    return Meta(extra={"dict": dictionary, "zh": zh, "en": en})


def said(zh: str, en: str, unit: str = "") -> Meta:
    """Return the mark that gives a field its words and unit."""
    return Meta(extra={"zh": zh, "en": en, "unit": unit})


class Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """A record of any dataset; fields that nobody declared are refused, not swallowed."""


class LineString(Record, tag="LineString", frozen=True):
    """A GeoJSON line: two or more [longitude, latitude] pairs."""

    coordinates: list[Annotated[list[float], Meta(min_length=2, max_length=3)]]


class Enterprise(Record, kw_only=True, frozen=True):
    """ENT: the enterprise's own profile; key `uscc`."""

    uscc: Uscc
    name: Annotated[str, Meta(min_length=1, max_length=200), said("企业名称", "Name")]
    kind: Annotated[int, coded("enterprise_kind", "企业类型", "Kind")]
    licence_no: Annotated[Text, said("许可证编号", "Licence number")]
    licence_expire: Annotated[date, said("许可证有效期至", "Licence valid until")]
    duty_phone: Annotated[Text, said("24小时值班电话", "24 h duty phone")]
    short_name: Annotated[Text | None, said("简称", "Short name")] = None
    safety_head: Annotated[Text | None, said("安全负责人", "Head of safety")] = None
    staff_n: Annotated[int | None, said("员工数", "Staff")] = None
    certified_n: Annotated[int | None, said("持证人数", "Certified staff")] = None


class _Object(Record, kw_only=True, frozen=True):
    src_code: Annotated[Code, said("企业编号", "The enterprise's own code")]
    name: Annotated[Text | None, said("名称", "Name")] = None
    status: Annotated[int, coded("life_status", "使用状态", "Status")] = 2


class Node(_Object, tag="NOD", tag_field="type", kw_only=True, frozen=True):
    """NET: a network node."""

    lon: Lon
    lat: Lat
    kind: Annotated[int, coded("node_kind", "节点类型", "Node kind")] = 0
    elevation_m: Annotated[float | None, said("地面高程", "Ground elevation", "m")] = None


class Pipe(_Object, tag="PIP", tag_field="type", kw_only=True, frozen=True):
    """NET: a pipe segment between two nodes."""

    from_node: Annotated[Code, said("起点点号", "From node")]
    to_node: Annotated[Code, said("终点点号", "To node")]
    pressure_class: Annotated[int, coded("pressure_class", "压力级别", "Pressure class")]
    material: Annotated[int, coded("material", "材质", "Material")]
    od_mm: Annotated[float, Meta(gt=0, le=2000), said("外径", "Outside diameter", "mm")]
    geom: LineString
    wall_mm: Annotated[float | None, said("壁厚", "Wall thickness", "mm")] = None
    design_p_mpa: Annotated[float | None, said("设计压力", "Design pressure", "MPa")] = None
    mop_mpa: Annotated[float | None, said("最高运行压力", "Maximum operating pressure", "MPa")] = None
    length_m: Annotated[float | None, said("长度", "Length", "m")] = None
    laying: Annotated[int | None, coded("laying", "敷设方式", "Laying")] = None
    depth_start_m: Annotated[float | None, said("起点埋深", "Depth at start", "m")] = None
    depth_end_m: Annotated[float | None, said("终点埋深", "Depth at end", "m")] = None
    coating: Annotated[int | None, coded("coating", "防腐层", "Coating")] = None
    cp_kind: Annotated[int | None, coded("cp_kind", "阴极保护", "Cathodic protection")] = None
    joint: Annotated[int | None, coded("joint", "连接方式", "Joint")] = None
    road_name: Annotated[Text | None, said("所在道路", "Road")] = None
    install_year: Annotated[int | None, said("建设年代", "Year of installation")] = None
    commission_date: Annotated[date | None, said("投用日期", "Commissioned on")] = None


class Valve(_Object, tag="VLV", tag_field="type", kw_only=True, frozen=True):
    """NET: a valve at a node."""

    node: Annotated[Code, said("所在节点", "Node")]
    lon: Lon
    lat: Lat
    dn_mm: Annotated[float, said("公称直径", "Nominal diameter", "mm")]
    kind: Annotated[int, coded("valve_kind", "阀门类型", "Valve kind")] = 1
    drive: Annotated[int, coded("valve_drive", "驱动方式", "Drive")] = 1
    remote: Annotated[bool, said("可远控", "Remote control")] = False
    normal_state: Annotated[int, coded("valve_state", "常态", "Normal state")] = 1
    current_state: Annotated[int, coded("valve_state", "当前状态", "Current state")] = 1


class Regulator(_Object, tag="REG", tag_field="type", kw_only=True, frozen=True):
    """NET: a regulator box, cabinet or station at a node."""

    node: Annotated[Code, said("所在节点", "Node")]
    lon: Lon
    lat: Lat
    form: Annotated[int, coded("regulator_form", "形式", "Form")]
    inlet_class: Annotated[int, coded("pressure_class", "进口压力级别", "Inlet class")]
    outlet_class: Annotated[int, coded("pressure_class", "出口压力级别", "Outlet class")]
    outlet_node: Annotated[Code | None, said("出口节点", "Outlet node")] = None
    p2_set_kpa: Annotated[float | None, said("出口设定压力", "Outlet set pressure", "kPa")] = None
    design_m3_per_h: Annotated[float | None, said("设计流量", "Design flow", "m³/h")] = None
    slam_shut: Annotated[bool, said("有切断阀", "Slam-shut fitted")] = True


class Station(_Object, tag="STA", tag_field="type", kw_only=True, frozen=True):
    """NET: a gas source, gate, storage, LNG, CNG, LPG, refuelling or regulating station."""

    lon: Lon
    lat: Lat
    kind: Annotated[int, coded("station_kind", "场站类型", "Station kind")]
    node: Annotated[Code | None, said("接入节点", "Node")] = None
    address: Annotated[Text | None, said("地址", "Address")] = None
    design_m3_per_h: Annotated[float | None, said("设计流量", "Design flow", "m³/h")] = None
    p_in_mpa: Annotated[float | None, said("进站压力", "Inlet pressure", "MPa")] = None
    p_out_mpa: Annotated[float | None, said("出站压力", "Outlet pressure", "MPa")] = None
    storage_m3: Annotated[float | None, said("储罐总容积", "Tank volume", "m³")] = None
    attended: Annotated[bool, said("有人值守", "Attended")] = True


class Point(_Object, tag="PNT", tag_field="type", kw_only=True, frozen=True):
    """NET: a monitoring point; its `src_code` is the `point` of RT readings."""

    object_code: Annotated[Code, said("所属对象编号", "Code of the object it belongs to")]
    measure: Annotated[int, coded("measure", "测量量", "Measure")]
    unit: Annotated[Text, said("单位", "Unit")]
    lon: Lon
    lat: Lat
    period_s: Annotated[int, Meta(ge=1, le=86400), said("上传周期", "Upload period", "s")] = 300
    range_low: Annotated[float | None, said("量程下限", "Range low")] = None
    range_high: Annotated[float | None, said("量程上限", "Range high")] = None
    low_low: Annotated[float | None, said("低低限", "Low-low limit")] = None
    low: Annotated[float | None, said("低限", "Low limit")] = None
    high: Annotated[float | None, said("高限", "High limit")] = None
    high_high: Annotated[float | None, said("高高限", "High-high limit")] = None


NetworkObject = Node | Pipe | Valve | Regulator | Station | Point


class User(Record, kw_only=True, frozen=True):
    """USR: a gas user, without personal data beyond what supervision needs; key `user_no`."""

    user_no: Annotated[Code, said("用户编号", "User number")]
    user_class: Annotated[int, coded("user_class", "用户类别", "User class")]
    lon: Lon
    lat: Lat
    name_masked: Annotated[Text | None, said("脱敏名称", "Masked name")] = None
    address: Annotated[Text | None, said("地址（到楼栋）", "Address down to the building")] = None
    regulator: Annotated[Code | None, said("供气调压器编号", "Regulator that supplies it")] = None
    node: Annotated[Code | None, said("接入节点", "Node")] = None
    households: Annotated[int, Meta(ge=1, le=100000), said("户数", "Households")] = 1
    detector: Annotated[bool, said("已装报警器", "Detector fitted")] = False
    last_check: Annotated[date | None, said("上次入户安检", "Last household check")] = None
    status: Annotated[int, coded("user_status", "状态", "Status")] = 1


class Reading(Record, kw_only=True, frozen=True):
    """RT: one reading of one point; key point and time."""

    point: Annotated[Code, said("测点编号", "Point code")]
    t: Instant
    v: Annotated[float, said("数值", "Value")]
    q: Annotated[int, coded("quality", "质量码", "Quality code")] = 192
    f: Annotated[
        Literal["N", "B", "M", "E", "R"],
        said("标志：N 原始 B 补传 M 人工 E 估计 R 修正", "N native, B back-filled, M manual, E estimated, R revised"),
    ] = "N"


class AlarmPush(Record, kw_only=True, frozen=True):
    """ALM: an alarm of the enterprise's own system and, in later messages, what became of it; key `alarm_no`."""

    alarm_no: Annotated[Code, said("报警编号", "Alarm number")]
    kind: Annotated[int, coded("alarm_kind", "报警类型", "Alarm kind")]
    level: Annotated[int, coded("alarm_level", "级别", "Level")]
    raised_at: Annotated[Instant, said("发生时间", "Raised at")]
    point: Annotated[Code | None, said("测点编号", "Point code")] = None
    object_code: Annotated[Code | None, said("对象编号", "Object code")] = None
    value: Annotated[float | None, said("数值", "Value")] = None
    limit: Annotated[float | None, said("限值", "Limit")] = None
    text: Annotated[Text | None, said("描述", "Description")] = None
    cleared_at: Annotated[Instant | None, said("恢复时间", "Cleared at")] = None
    disposal: Annotated[Text | None, said("处置情况", "What was done")] = None
    lon: Lon | None = None
    lat: Lat | None = None


class DailySupply(Record, kw_only=True, frozen=True):
    """DAY: supply, sale and storage of one gas day; key `gas_day`."""

    gas_day: Annotated[date, said("气日", "Gas day")]
    purchased_m3: Annotated[float, Meta(ge=0), said("购入气量", "Purchased", "m³")]
    sold_m3: Annotated[float, Meta(ge=0), said("销售气量", "Sold", "m³")]
    stored_m3: Annotated[float | None, said("期末储气量", "In storage at the end", "m³")] = None
    linepack_m3: Annotated[float | None, said("期末管存", "Linepack at the end", "m³")] = None
    own_use_m3: Annotated[float | None, said("自用气量", "Own use", "m³")] = None
    max_hour_m3: Annotated[float | None, said("最大小时流量", "Peak hour", "m³/h")] = None


DATASETS: dict[str, type] = {
    "ENT": Enterprise,
    "NET": NetworkObject,  # type: ignore[dict-item]  # a union of tagged records
    "USR": User,
    "RT": Reading,
    "ALM": AlarmPush,
    "DAY": DailySupply,
}
