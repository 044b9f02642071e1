"""The gas network as it stands today; owns gas_node, gas_pipe, gas_valve, gas_regulator, gas_station, gas_user, user_cell, network_change.

Former states lie in the tables `<name>_history`, written by a trigger at every change: the same
columns, with `valid_to` set. The natural key is the enterprise and its own code.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

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
from sqlalchemy.orm import Mapped, declared_attr, mapped_column

from gis.basemap.models import geometry
from portal.core.db import Base, Xid8

HISTORIED = ("gas_node", "gas_pipe", "gas_valve", "gas_regulator", "gas_station", "gas_user")


class NetworkObject:
    """Columns of every managed object."""

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True, comment="number inside the portal", sort_order=-20)
    src_code: Mapped[str] = mapped_column(Text, comment="the enterprise's own code", sort_order=-18)
    name: Mapped[str | None] = mapped_column(Text, comment="名称", sort_order=-17)
    adcode: Mapped[str | None] = mapped_column(Text, comment="district the object lies in", sort_order=-16)
    status: Mapped[int] = mapped_column(SmallInteger, server_default="2", comment="code life_status", sort_order=-15)
    receipt_id: Mapped[int | None] = mapped_column(BigInteger, comment="receipt of the batch that last changed it", sort_order=90)
    valid_from: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now(), comment="this state holds from", sort_order=91)
    valid_to: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), comment="until; always empty here, set in the history table", sort_order=92)

    @declared_attr
    def enterprise_id(cls) -> Mapped[int]:
        """Return the owning enterprise's column."""
        return mapped_column(ForeignKey("enterprise.id", ondelete="RESTRICT"), comment="owner", sort_order=-19)


class Node(NetworkObject, Base):
    """A node of the network."""

    __tablename__ = "gas_node"
    __table_args__ = (
        UniqueConstraint("enterprise_id", "src_code"),
        {"comment": "节点 / network nodes"},
    )

    kind: Mapped[int] = mapped_column(SmallInteger, server_default="0", comment="code node_kind")
    elevation_m: Mapped[float | None] = mapped_column(Double, comment="ground elevation, m")
    geom: Mapped[Any] = mapped_column(geometry("POINT"), comment="place, CGCS2000")


class Pipe(NetworkObject, Base):
    """A pipe segment between two nodes."""

    __tablename__ = "gas_pipe"
    __table_args__ = (
        UniqueConstraint("enterprise_id", "src_code"),
        Index("ix_gas_pipe_from_node_id", "from_node_id"),
        Index("ix_gas_pipe_to_node_id", "to_node_id"),
        Index("ix_gas_pipe_component", "component"),
        Index("ix_gas_pipe_enterprise_id_adcode", "enterprise_id", "adcode"),
        {"comment": "管段 / pipe segments"},
    )

    from_node_id: Mapped[int] = mapped_column(ForeignKey("gas_node.id", ondelete="RESTRICT"), comment="start node")
    to_node_id: Mapped[int] = mapped_column(ForeignKey("gas_node.id", ondelete="RESTRICT"), comment="end node")
    pressure_class: Mapped[int] = mapped_column(SmallInteger, comment="code pressure_class")
    material: Mapped[int] = mapped_column(SmallInteger, comment="code material")
    od_mm: Mapped[float] = mapped_column(Double, comment="outside diameter, mm")
    wall_mm: Mapped[float | None] = mapped_column(Double, comment="wall thickness, mm")
    design_p_mpa: Mapped[float | None] = mapped_column(Double, comment="design pressure, gauge MPa")
    mop_mpa: Mapped[float | None] = mapped_column(Double, comment="maximum operating pressure, gauge MPa")
    length_m: Mapped[float] = mapped_column(Double, comment="length along the line on the ellipsoid, m")
    length_said_m: Mapped[float | None] = mapped_column(Double, comment="length as the enterprise stated it, m")
    laying: Mapped[int | None] = mapped_column(SmallInteger, comment="code laying")
    depth_start_m: Mapped[float | None] = mapped_column(Double, comment="cover at the start, m")
    depth_end_m: Mapped[float | None] = mapped_column(Double, comment="cover at the end, m")
    coating: Mapped[int | None] = mapped_column(SmallInteger, comment="code coating")
    cp_kind: Mapped[int | None] = mapped_column(SmallInteger, comment="code cp_kind")
    joint: Mapped[int | None] = mapped_column(SmallInteger, comment="code joint")
    road_name: Mapped[str | None] = mapped_column(Text, comment="所在道路")
    install_year: Mapped[int | None] = mapped_column(SmallInteger, comment="year of installation")
    commissioned_on: Mapped[date | None] = mapped_column(Date, comment="投用日期")
    component: Mapped[int | None] = mapped_column(Integer, comment="connected part of the enterprise's network, from topology")
    fed: Mapped[bool | None] = mapped_column(Boolean, comment="reachable from a source through open valves")
    geom: Mapped[Any] = mapped_column(geometry("LINESTRING"), comment="centre line, CGCS2000")


class Valve(NetworkObject, Base):
    """A valve at a node."""

    __tablename__ = "gas_valve"
    __table_args__ = (
        UniqueConstraint("enterprise_id", "src_code"),
        Index("ix_gas_valve_node_id", "node_id"),
        {"comment": "阀门 / valves"},
    )

    node_id: Mapped[int] = mapped_column(ForeignKey("gas_node.id", ondelete="RESTRICT"), comment="node it sits at")
    dn_mm: Mapped[float] = mapped_column(Double, comment="nominal diameter, mm")
    kind: Mapped[int] = mapped_column(SmallInteger, comment="code valve_kind")
    drive: Mapped[int] = mapped_column(SmallInteger, comment="code valve_drive")
    remote: Mapped[bool] = mapped_column(Boolean, server_default=text("false"), comment="remote control")
    normal_state: Mapped[int] = mapped_column(SmallInteger, comment="code valve_state")
    current_state: Mapped[int] = mapped_column(SmallInteger, comment="code valve_state")
    geom: Mapped[Any] = mapped_column(geometry("POINT"), comment="place, CGCS2000")


class Regulator(NetworkObject, Base):
    """A regulator box, cabinet, station or underground regulator."""

    __tablename__ = "gas_regulator"
    __table_args__ = (
        UniqueConstraint("enterprise_id", "src_code"),
        Index("ix_gas_regulator_node_id", "node_id"),
        {"comment": "调压设施 / regulators"},
    )

    node_id: Mapped[int] = mapped_column(ForeignKey("gas_node.id", ondelete="RESTRICT"), comment="inlet node")
    outlet_node_id: Mapped[int | None] = mapped_column(ForeignKey("gas_node.id", ondelete="RESTRICT"), comment="outlet node")
    form: Mapped[int] = mapped_column(SmallInteger, comment="code regulator_form")
    inlet_class: Mapped[int] = mapped_column(SmallInteger, comment="code pressure_class")
    outlet_class: Mapped[int] = mapped_column(SmallInteger, comment="code pressure_class")
    p2_set_kpa: Mapped[float | None] = mapped_column(Double, comment="outlet set pressure, gauge kPa")
    design_m3_per_h: Mapped[float | None] = mapped_column(Double, comment="design flow, m³/h")
    slam_shut: Mapped[bool] = mapped_column(Boolean, server_default=text("true"), comment="slam-shut fitted")
    geom: Mapped[Any] = mapped_column(geometry("POINT"), comment="place, CGCS2000")


class Station(NetworkObject, Base):
    """A station."""

    __tablename__ = "gas_station"
    __table_args__ = (
        UniqueConstraint("enterprise_id", "src_code"),
        {"comment": "场站 / stations and sources"},
    )

    node_id: Mapped[int | None] = mapped_column(ForeignKey("gas_node.id", ondelete="RESTRICT"), comment="node it feeds")
    kind: Mapped[int] = mapped_column(SmallInteger, comment="code station_kind")
    address: Mapped[str | None] = mapped_column(Text, comment="地址")
    design_m3_per_h: Mapped[float | None] = mapped_column(Double, comment="design flow, m³/h")
    p_in_mpa: Mapped[float | None] = mapped_column(Double, comment="inlet pressure, gauge MPa")
    p_out_mpa: Mapped[float | None] = mapped_column(Double, comment="outlet pressure, gauge MPa")
    storage_m3: Mapped[float | None] = mapped_column(Double, comment="tank volume, m³")
    attended: Mapped[bool] = mapped_column(Boolean, server_default=text("true"), comment="attended")
    geom: Mapped[Any] = mapped_column(geometry("POINT"), comment="place, CGCS2000")


class GasUser(NetworkObject, Base):
    """A user of gas; src_code is the user number."""

    __tablename__ = "gas_user"
    __table_args__ = (
        UniqueConstraint("enterprise_id", "src_code"),
        Index("ix_gas_user_m", "m"),
        Index("ix_gas_user_regulator_id", "regulator_id"),
        Index("ix_gas_user_valid_from", "valid_from", postgresql_using="brin", postgresql_with={"pages_per_range": "32", "autosummarize": "on"}),
        Index("ix_gas_user_enterprise_id_adcode", "enterprise_id", "adcode"),
        {"comment": "用户 / gas users; src_code is the user number"},
    )

    user_class: Mapped[int] = mapped_column(SmallInteger, comment="code user_class")
    address: Mapped[str | None] = mapped_column(Text, comment="address down to the building")
    regulator_id: Mapped[int | None] = mapped_column(ForeignKey("gas_regulator.id", ondelete="RESTRICT"), comment="regulator that supplies it")
    node_id: Mapped[int | None] = mapped_column(ForeignKey("gas_node.id", ondelete="RESTRICT"), comment="node it is connected to")
    households: Mapped[int] = mapped_column(Integer, server_default="1", comment="households behind this user")
    detector: Mapped[bool] = mapped_column(Boolean, server_default=text("false"), comment="gas detector fitted")
    last_check_on: Mapped[date | None] = mapped_column(Date, comment="last household check")
    m: Mapped[int] = mapped_column(BigInteger, server_default="0", comment="Morton code at level 24 in Web Mercator, set by trigger; a tile is one range")
    geom: Mapped[Any] = mapped_column(geometry("POINT"), comment="place, CGCS2000")


class UserCell(Base):
    """Users of one owner and district in one cell of the map; derived by triggers of gas_user."""

    __tablename__ = "user_cell"
    __table_args__ = {"comment": "用户聚合格网 / users not removed, counted in cells of the map; derived from gas_user by trigger"}

    level: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False, comment="zoom level at which the cell is a tile, 13 to 19")
    cell: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False, comment="Morton code of the cell at that level")
    enterprise_id: Mapped[int] = mapped_column(
        ForeignKey("enterprise.id", ondelete="CASCADE"), primary_key=True, autoincrement=False, comment="owner of the users"
    )
    adcode: Mapped[str] = mapped_column(Text, primary_key=True, comment="district of the users; empty when unknown")
    n: Mapped[int] = mapped_column(Integer, comment="number of users")


class NetworkChange(Base):
    """A transaction that changed the network; written by a trigger of each table above."""

    __tablename__ = "network_change"
    __table_args__ = {"comment": "网络变更 / transactions that changed the network, by which a graph held in memory knows that it is old"}

    xid: Mapped[int] = mapped_column(Xid8(), primary_key=True, comment="transaction that changed the network")
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.clock_timestamp(), comment="when")
    begun: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now(), comment="when its transaction began")
    part: Mapped[int] = mapped_column(SmallInteger, server_default="7", comment="what changed, a sum: 1 the network, 2 users written, 4 users removed")
