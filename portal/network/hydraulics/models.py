"""What users take by class, and scenarios as they were worked out; owns hydraulic_class, hydraulic_scenario."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    ARRAY,
    JSON,
    REAL,
    BigInteger,
    Boolean,
    DateTime,
    Double,
    ForeignKey,
    Identity,
    Index,
    Integer,
    SmallInteger,
    Text,
)
from sqlalchemy.orm import Mapped, mapped_column

from portal.core.db import Base


class HydraulicClass(Base):
    """What a user of a class takes, hour by hour."""

    __tablename__ = "hydraulic_class"
    __table_args__ = ({"comment": "用户用气量 / what a user of each class takes in hydraulic calculations"},)

    user_class: Mapped[int] = mapped_column(
        SmallInteger, primary_key=True, autoincrement=False, comment="code user_class"
    )
    daily_m3: Mapped[float] = mapped_column(Double, comment="m³ a day (0 °C, 101.325 kPa) of one user or household")
    per_household: Mapped[bool] = mapped_column(Boolean, comment="counted by households, not by users")
    hour_share: Mapped[list[float]] = mapped_column(ARRAY(Double), comment="share of the day in each hour 0 to 23")
    source: Mapped[str] = mapped_column(Text, comment="where the figures come from")


class HydraulicScenario(Base):
    """A what-if as it was worked out; insert only."""

    __tablename__ = "hydraulic_scenario"
    __table_args__ = (
        Index("ix_hydraulic_scenario_case_id", "case_id"),
        {"comment": "水力工况 / hydraulic scenarios with their results as worked out; insert only"},
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True, comment="row number")
    enterprise_id: Mapped[int | None] = mapped_column(
        ForeignKey("enterprise.id", ondelete="RESTRICT"), comment="enterprise of who kept it; empty for an authority"
    )
    adcode: Mapped[str | None] = mapped_column(Text, comment="district of who kept it; empty for the city")
    name: Mapped[str] = mapped_column(Text, comment="名称")
    note: Mapped[str | None] = mapped_column(Text, comment="备注")
    question: Mapped[str] = mapped_column(Text, comment="closed valves, stations, factor and hour as in an address")
    told: Mapped[dict[str, Any]] = mapped_column(JSON, comment="figures and problems of the whole network")
    network_change: Mapped[str] = mapped_column(Text, comment="version of the network it was worked out on")
    node_ids: Mapped[list[int]] = mapped_column(ARRAY(BigInteger), comment="gas_node.id of each pressure")
    pressure_kpa: Mapped[list[float]] = mapped_column(ARRAY(REAL), comment="gauge kPa; NaN without a steady state")
    residual_m3_per_h: Mapped[list[float]] = mapped_column(ARRAY(REAL), comment="what is left of each node's balance")
    pipe_ids: Mapped[list[int]] = mapped_column(ARRAY(BigInteger), comment="gas_pipe.id of each flow")
    flow_m3_per_h: Mapped[list[float]] = mapped_column(
        ARRAY(REAL), comment="m³/h at 0 °C from the pipe's start; NaN without a steady state"
    )
    velocity_m_per_s: Mapped[list[float]] = mapped_column(ARRAY(REAL), comment="m/s at the mean pressure of the pipe")
    sm3: Mapped[str] = mapped_column(Text, comment="SM3 of question, figures and results")
    case_id: Mapped[int | None] = mapped_column(
        ForeignKey("supervision_case.id", ondelete="RESTRICT"), comment="supervision case it is kept with"
    )
    seen_scope: Mapped[str] = mapped_column(
        Text, comment="scope it was told for; only who has the same, or the city, sees it"
    )
    owner_id: Mapped[int | None] = mapped_column(Integer, comment="app_user.id of who kept it")
    made_by: Mapped[str] = mapped_column(Text, comment="who kept it")
    made_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), comment="when")
