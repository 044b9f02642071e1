"""Devices in the field: register, life cycle, certificates, firmware campaigns and counted operations."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from geoalchemy2 import Geometry
from sqlalchemy import (
    BigInteger,
    Boolean,
    Date,
    DateTime,
    Double,
    ForeignKey,
    Identity,
    Index,
    Integer,
    SmallInteger,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from gis.crs import STORAGE_SRID
from portal.core.db import Base

PATTERN = "text_pattern_ops"


class Device(Base):
    """A sensor, controller, gateway or terminal of an enterprise."""

    __tablename__ = "device"
    __table_args__ = (
        UniqueConstraint("enterprise_id", "src_code"),
        # Filters are walked in the order of numbers, so that a page ends as soon as it is full.
        Index("ix_device_code", "src_code", postgresql_ops={"src_code": PATTERN}),
        Index("ix_device_serial", "serial", postgresql_ops={"serial": PATTERN}),
        Index("ix_device_enterprise", "enterprise_id", "id"),
        Index("ix_device_kind", "kind", "id"),
        Index("ix_device_status", "status", "id"),
        Index("ix_device_state", "state", "id"),
        Index("ix_device_maker", "maker", "model", "id"),
        Index("ix_device_adcode", "adcode", "id"),
        Index("ix_device_due", "calibration_due_on", "id", postgresql_where=text("calibration_due_on is not null")),
        Index("ix_device_object", "object_type", "object_id", postgresql_where=text("object_id is not null")),
        Index("ix_device_gateway", "gateway_id", postgresql_where=text("gateway_id is not null")),
        {"comment": "设备 / devices: sensors, controllers, gateways, terminals; former states in device_history"},
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True, comment="number inside the portal")
    enterprise_id: Mapped[int] = mapped_column(ForeignKey("enterprise.id", ondelete="RESTRICT"), comment="owner")
    src_code: Mapped[str] = mapped_column(Text, comment="the enterprise's own device code")
    name: Mapped[str | None] = mapped_column(Text, comment="名称")
    adcode: Mapped[str | None] = mapped_column(Text, comment="district it lies in")
    status: Mapped[int] = mapped_column(SmallInteger, server_default="2", comment="code life_status")
    kind: Mapped[int] = mapped_column(SmallInteger, comment="code device_kind")
    object_code: Mapped[str | None] = mapped_column(Text, comment="the enterprise's code of the object it belongs to")
    object_type: Mapped[str | None] = mapped_column(Text, comment="station, regulator, valve, pipe, node or empty when unknown")
    object_id: Mapped[int | None] = mapped_column(BigInteger, comment="number of that object")
    gateway_code: Mapped[str | None] = mapped_column(Text, comment="the enterprise's code of the gateway it sends through")
    gateway_id: Mapped[int | None] = mapped_column(BigInteger, comment="device.id of that gateway")
    platform: Mapped[str | None] = mapped_column(Text, comment="IoT platform that relays it")
    platform_id: Mapped[str | None] = mapped_column(Text, comment="its identifier on that platform")
    model: Mapped[str | None] = mapped_column(Text, comment="型号")
    maker: Mapped[str | None] = mapped_column(Text, comment="厂家")
    serial: Mapped[str | None] = mapped_column(Text, comment="出厂编号")
    range_low: Mapped[float | None] = mapped_column(Double, comment="lower end of its range, in unit")
    range_high: Mapped[float | None] = mapped_column(Double, comment="upper end of its range, in unit")
    unit: Mapped[str | None] = mapped_column(Text, comment="unit of its range")
    accuracy_percent: Mapped[float | None] = mapped_column(Double, comment="accuracy, % of span")
    comm: Mapped[int | None] = mapped_column(SmallInteger, comment="code comm_kind")
    period_s: Mapped[int | None] = mapped_column(Integer, comment="sampling period, s")
    upload_s: Mapped[int | None] = mapped_column(Integer, comment="upload period, s")
    heartbeat_s: Mapped[int | None] = mapped_column(Integer, comment="heartbeat, s")
    power: Mapped[int | None] = mapped_column(SmallInteger, comment="code power_kind")
    battery_percent: Mapped[float | None] = mapped_column(Double, comment="charge of the battery, %")
    installed_on: Mapped[date | None] = mapped_column(Date, comment="安装日期")
    install_place: Mapped[str | None] = mapped_column(Text, comment="安装位置")
    calibrated_on: Mapped[date | None] = mapped_column(Date, comment="last calibration")
    calibration_due_on: Mapped[date | None] = mapped_column(Date, comment="next calibration is due")
    firmware: Mapped[str | None] = mapped_column(Text, comment="firmware version it reports")
    firmware_result: Mapped[int | None] = mapped_column(SmallInteger, comment="code upgrade_result of the last upgrade")
    firmware_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), comment="when the portal first heard of this version")
    state: Mapped[int | None] = mapped_column(SmallInteger, comment="code sensor_state as reported")
    state_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), comment="time of that state")
    key_device: Mapped[bool] = mapped_column(Boolean, server_default=text("false"), comment="关键设备")
    controlled: Mapped[bool] = mapped_column(Boolean, server_default=text("false"), comment="被控设备: operations are counted")
    intelligent: Mapped[bool] = mapped_column(Boolean, server_default=text("false"), comment="智能设备")
    one_key_shut: Mapped[bool] = mapped_column(Boolean, server_default=text("false"), comment="has an emergency one-key shut-off")
    replaces_code: Mapped[str | None] = mapped_column(Text, comment="code of the device it replaced")
    replaced_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), comment="when another device took its place, or it was removed")
    run_h: Mapped[float | None] = mapped_column(Double, comment="running hours the enterprise reports")
    standby_h: Mapped[float | None] = mapped_column(Double, comment="standby hours the enterprise reports")
    repair_h: Mapped[float | None] = mapped_column(Double, comment="maintenance hours the enterprise reports")
    op_count: Mapped[int | None] = mapped_column(BigInteger, comment="normal operations the enterprise reports")
    trip_count: Mapped[int | None] = mapped_column(BigInteger, comment="accident operations the enterprise reports")
    geom: Mapped[Any] = mapped_column(Geometry("POINT", srid=STORAGE_SRID, spatial_index=True), nullable=True, comment="place, CGCS2000")
    receipt_id: Mapped[int | None] = mapped_column(BigInteger, comment="receipt of the batch that last changed it")
    valid_from: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now(), comment="this state holds from")
    valid_to: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), comment="until; always empty here, set in device_history")


class DevicePoint(Base):
    """Which device feeds a point."""

    __tablename__ = "device_point"
    __table_args__ = (
        Index("ix_device_point_device_id", "device_id"),
        {"comment": "测点的设备 / the device that feeds a point"},
    )

    point_id: Mapped[int] = mapped_column(ForeignKey("point.id", ondelete="RESTRICT"), primary_key=True, autoincrement=False, comment="point")
    device_id: Mapped[int] = mapped_column(ForeignKey("device.id", ondelete="RESTRICT"), comment="device that feeds it")
    enterprise_id: Mapped[int] = mapped_column(Integer, comment="owner, for the row policy")
    adcode: Mapped[str | None] = mapped_column(Text, comment="as in the device, for the row policy")


class DeviceStep(Base):
    """One step in the life of a device; never changed, never deleted."""

    __tablename__ = "device_step"
    __table_args__ = (
        Index("ix_device_step_device_id", "device_id", "at", "id"),
        Index("ix_device_step_at", "at", "id"),
        {"comment": "设备全生命周期 / steps in the life of devices with time, person and reason; insert only"},
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True, comment="row number")
    device_id: Mapped[int] = mapped_column(ForeignKey("device.id", ondelete="RESTRICT"), comment="device")
    enterprise_id: Mapped[int] = mapped_column(Integer, comment="owner, for the row policy")
    adcode: Mapped[str | None] = mapped_column(Text, comment="as in the device, for the row policy")
    from_status: Mapped[int | None] = mapped_column(SmallInteger, comment="code life_status before; empty when it was registered")
    to_status: Mapped[int] = mapped_column(SmallInteger, comment="code life_status afterwards")
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True), comment="when it happened")
    said_by: Mapped[str | None] = mapped_column(Text, comment="person responsible, masked by the sender")
    reason: Mapped[str | None] = mapped_column(Text, comment="why")
    document: Mapped[str | None] = mapped_column(Text, comment="number of the document it rests on")
    receipt_id: Mapped[int | None] = mapped_column(BigInteger, comment="receipt of the batch that told it")
    received_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.clock_timestamp(), comment="when the portal knew")


class DeviceCertificate(Base):
    """A certificate or check report of a device; kept years beyond the device."""

    __tablename__ = "device_certificate"
    __table_args__ = (
        UniqueConstraint("device_id", "kind", "number"),
        Index("ix_device_certificate_expires_on", "expires_on", "id"),
        {"comment": "设备证书 / certificates and check reports; kept at least five years after the device was replaced"},
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True, comment="row number")
    device_id: Mapped[int] = mapped_column(ForeignKey("device.id", ondelete="RESTRICT"), comment="device")
    enterprise_id: Mapped[int] = mapped_column(Integer, comment="owner, for the row policy")
    adcode: Mapped[str | None] = mapped_column(Text, comment="as in the device, for the row policy")
    kind: Mapped[int] = mapped_column(SmallInteger, comment="code device_certificate_kind")
    number: Mapped[str] = mapped_column(Text, comment="number of the certificate")
    issuer: Mapped[str | None] = mapped_column(Text, comment="who issued it")
    issued_on: Mapped[date | None] = mapped_column(Date, comment="issued")
    expires_on: Mapped[date | None] = mapped_column(Date, comment="holds until")
    result: Mapped[str | None] = mapped_column(Text, comment="conclusion")
    document_sm3: Mapped[str | None] = mapped_column(Text, comment="SM3 of the document at the enterprise")
    receipt_id: Mapped[int | None] = mapped_column(BigInteger, comment="receipt of the batch that brought it")
    received_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now(), comment="when it came in")


class DeviceDay(Base):
    """Operations of a controlled device on one day, counted from readings of its position."""

    __tablename__ = "device_day"
    __table_args__ = (
        Index("ix_device_day_day", "day"),
        {"comment": "设备动作次数 / operations a day, derived from readings of positions and from alarms"},
    )

    device_id: Mapped[int] = mapped_column(ForeignKey("device.id", ondelete="RESTRICT"), primary_key=True, autoincrement=False, comment="device")
    day: Mapped[date] = mapped_column(Date, primary_key=True, comment="day of the city")
    enterprise_id: Mapped[int] = mapped_column(Integer, comment="owner, for the row policy")
    adcode: Mapped[str | None] = mapped_column(Text, comment="as in the device, for the row policy")
    operations: Mapped[int] = mapped_column(Integer, comment="changes between open and closed")
    accidents: Mapped[int] = mapped_column(Integer, comment="of these within ten minutes of a valve or pressure alarm of its object")


class FirmwareCampaign(Base):
    """A firmware version that devices of one maker and model should reach; watched, never pushed."""

    __tablename__ = "firmware_campaign"
    __table_args__ = (
        Index("ix_firmware_campaign_open", "due_on", postgresql_where=text("closed_at is null")),
        {"comment": "固件升级任务 / target versions of a model, watched by what enterprises report"},
    )

    id: Mapped[int] = mapped_column(Integer, Identity(), primary_key=True, comment="row number")
    enterprise_id: Mapped[int | None] = mapped_column(ForeignKey("enterprise.id", ondelete="RESTRICT"), comment="whose devices; empty for all enterprises")
    title: Mapped[str] = mapped_column(Text, comment="title")
    maker: Mapped[str] = mapped_column(Text, comment="maker of the devices concerned")
    model: Mapped[str] = mapped_column(Text, comment="model of the devices concerned")
    target: Mapped[str] = mapped_column(Text, comment="version to reach")
    due_on: Mapped[date] = mapped_column(Date, comment="to be reached by")
    reason: Mapped[str] = mapped_column(Text, comment="why")
    opened_by: Mapped[str] = mapped_column(Text, comment="who opened it")
    opened_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now(), comment="opened")
    closed_by: Mapped[str | None] = mapped_column(Text, comment="who closed it")
    closed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), comment="closed")
