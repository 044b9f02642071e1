"""NET and USR: the network and the users it supplies."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from msgspec import Meta

from ingestion_adapters.contract.base import (
    Code,
    Instant,
    Lat,
    LineString,
    Lon,
    Record,
    Text,
    coded,
    figure,
    moment,
    said,
)


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


class DeviceCertificate(Record, kw_only=True, frozen=True):
    """A certificate or check report of a device; it is kept years beyond the device."""

    kind: Annotated[int, coded("device_certificate_kind", "证书类别", "Kind of certificate")]
    number: Annotated[Code, said("证书编号", "Number of the certificate")]
    issuer: Annotated[Text | None, said("发证机构", "Issued by")] = None
    issued_on: Annotated[date | None, said("发证日期", "Issued on")] = None
    expires_on: Annotated[date | None, said("有效期至", "Holds until")] = None
    result: Annotated[Text | None, said("结论", "Conclusion")] = None
    document_sm3: Annotated[
        Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")] | None, said("证书文件SM3", "SM3 of the document")
    ] = None


class Device(_Object, tag="DEV", tag_field="type", kw_only=True, frozen=True):
    """NET: a sensor, controller, gateway or terminal; a field left out keeps what was sent before."""

    kind: Annotated[int, coded("device_kind", "设备类别", "Device kind")]
    object_code: Annotated[Code | None, said("所属对象编号", "Code of the object it belongs to")] = None
    points: Annotated[Annotated[list[Code], Meta(max_length=500)] | None, said("所供测点", "Points it feeds")] = None
    gateway: Annotated[Code | None, said("所属网关编号", "Gateway it sends through")] = None
    lon: Lon | None = None
    lat: Lat | None = None
    platform: Annotated[Text | None, said("转发的物联网平台", "IoT platform that relays it")] = None
    platform_id: Annotated[Text | None, said("平台内设备标识", "Identifier on that platform")] = None
    model: Annotated[Text | None, said("型号", "Model")] = None
    maker: Annotated[Text | None, said("厂家", "Maker")] = None
    serial: Annotated[Text | None, said("出厂编号", "Serial number")] = None
    range_low: Annotated[float | None, said("量程下限", "Range low")] = None
    range_high: Annotated[float | None, said("量程上限", "Range high")] = None
    unit: Annotated[Text | None, said("单位", "Unit")] = None
    accuracy_percent: Annotated[float | None, figure("精度", "Accuracy", "%", most=100)] = None
    comm: Annotated[int | None, coded("comm_kind", "通信方式", "Communication")] = None
    period_s: Annotated[Annotated[int, Meta(ge=1, le=31_622_400)] | None, said("采集周期", "Sampling period", "s")] = None
    upload_s: Annotated[Annotated[int, Meta(ge=1, le=31_622_400)] | None, said("上传周期", "Upload period", "s")] = None
    heartbeat_s: Annotated[Annotated[int, Meta(ge=1, le=31_622_400)] | None, said("心跳周期", "Heartbeat", "s")] = None
    power: Annotated[int | None, coded("power_kind", "供电方式", "Power supply")] = None
    battery_percent: Annotated[float | None, figure("电池电量", "Battery charge", "%", most=100)] = None
    installed_on: Annotated[date | None, said("安装日期", "Installed on")] = None
    install_place: Annotated[Text | None, said("安装位置", "Place of installation")] = None
    calibrated_on: Annotated[date | None, said("上次检定日期", "Last calibrated on")] = None
    calibration_due_on: Annotated[date | None, said("下次检定日期", "Calibration due on")] = None
    certificates: Annotated[
        Annotated[list[DeviceCertificate], Meta(max_length=50)] | None, said("证书", "Certificates")
    ] = None
    firmware: Annotated[Text | None, said("固件版本", "Firmware version")] = None
    firmware_result: Annotated[int | None, coded("upgrade_result", "升级结果", "Result of the upgrade")] = None
    state: Annotated[int | None, coded("sensor_state", "运行状态", "Live state")] = None
    state_at: Annotated[Instant | None, moment("状态时间", "Time of that state", past=True)] = None
    key_device: Annotated[bool | None, said("关键设备", "Key equipment")] = None
    controlled: Annotated[bool | None, said("被控设备", "Controlled device")] = None
    intelligent: Annotated[bool | None, said("智能设备", "Intelligent device")] = None
    one_key_shut: Annotated[bool | None, said("具备应急一键关停", "Emergency one-key shut-off")] = None
    replaces: Annotated[Code | None, said("替换的设备编号", "Device it replaces")] = None
    changed_at: Annotated[Instant | None, moment("状态变更时间", "Time of the change of status", past=True)] = None
    changed_by: Annotated[Text | None, said("变更责任人", "Person responsible for it")] = None
    change_reason: Annotated[Text | None, said("变更原因", "Reason for it")] = None
    change_document: Annotated[Text | None, said("变更依据文件", "Document it rests on")] = None
    run_h: Annotated[float | None, figure("累计运行", "Running hours", "h")] = None
    standby_h: Annotated[float | None, figure("累计备用", "Standby hours", "h")] = None
    repair_h: Annotated[float | None, figure("累计检修", "Maintenance hours", "h")] = None
    op_count: Annotated[int | None, figure("动作次数", "Operations")] = None
    trip_count: Annotated[int | None, figure("事故动作次数", "Accident operations")] = None


class Meter(Record, tag="MTR", tag_field="type", kw_only=True, frozen=True):
    """NET: the gas meter of a user; its `src_code` is the `point` of RT readings of its counter, m³."""

    src_code: Annotated[Code, said("燃气表编号", "Meter code")]
    kind: Annotated[int, coded("meter_kind", "表型", "Meter kind")]
    user_no: Annotated[Code | None, said("用户编号", "User number")] = None
    status: Annotated[int, coded("life_status", "使用状态", "Status")] = 2
    qmax_m3_per_h: Annotated[float | None, figure("最大流量", "Largest flow", "m³/h")] = None
    digits: Annotated[int, Meta(ge=3, le=10), said("字轮整数位数", "Whole digits of the counter")] = 5
    comm: Annotated[int | None, coded("comm_kind", "通信方式", "Communication")] = None
    maker: Annotated[Text | None, said("厂家", "Maker")] = None
    model: Annotated[Text | None, said("型号", "Model")] = None
    serial: Annotated[Text | None, said("出厂编号", "Serial number")] = None
    installed_on: Annotated[date | None, said("安装日期", "Installed on")] = None
    expires_on: Annotated[date | None, said("到期日期", "To be replaced by")] = None
    valve_state: Annotated[int, coded("valve_state", "表内阀状态", "State of its valve")] = 1


NetworkObject = Node | Pipe | Valve | Regulator | Station | Point | Device | Meter


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
