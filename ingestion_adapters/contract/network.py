"""NET and USR: the network and the users it supplies."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from msgspec import Meta

from ingestion_adapters.contract.base import Code, Lat, LineString, Lon, Record, Text, coded, said


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
