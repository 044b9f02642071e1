"""The worst pipes of the network, proposed valves, plans handed over; owns network_atlas, valve_proposal, shutoff_plan."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from geoalchemy2 import Geometry
from sqlalchemy import (
    JSON,
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
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from gis.crs import STORAGE_SRID
from portal.core.db import Base


class AtlasRow(Base):
    """One of the worst places of an enterprise's network."""

    __tablename__ = "network_atlas"
    __table_args__ = (
        UniqueConstraint("enterprise_id", "sort", "place"),
        {"comment": "管网薄弱图谱 / the worst pipes of each enterprise by users lost, and parts without supply"},
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True, comment="row number")
    enterprise_id: Mapped[int] = mapped_column(
        ForeignKey("enterprise.id", ondelete="RESTRICT"), comment="owner of the pipe"
    )
    adcode: Mapped[str | None] = mapped_column(Text, comment="district of the pipe")
    sort: Mapped[str] = mapped_column(Text, comment="segment: lost when shut off; unfed: a part no source feeds")
    place: Mapped[int] = mapped_column(Integer, comment="1 the worst of its owner and sort")
    pipe_id: Mapped[int] = mapped_column(BigInteger, comment="a pipe of it, to find it by")
    pipe_code: Mapped[str] = mapped_column(Text, comment="the enterprise's own code of that pipe")
    road_name: Mapped[str | None] = mapped_column(Text, comment="road of that pipe")
    pressure_class: Mapped[int] = mapped_column(SmallInteger, comment="code pressure_class of that pipe")
    pipes: Mapped[int] = mapped_column(Integer, comment="pipes shut off together, or pipes of the part")
    length_m: Mapped[float] = mapped_column(Double, comment="their length, m")
    users: Mapped[int] = mapped_column(Integer, comment="users without gas")
    households: Mapped[int] = mapped_column(Integer, comment="households without gas")
    special_users: Mapped[int] = mapped_column(Integer, comment="of these neither residential nor commercial")
    valves: Mapped[int] = mapped_column(Integer, comment="valves to close")
    on_site: Mapped[int] = mapped_column(Integer, comment="of these somebody must go to")
    source_stopped: Mapped[bool] = mapped_column(Boolean, comment="valves are not enough: a source has to stop")
    bridge: Mapped[bool] = mapped_column(Boolean, comment="that pipe lies on no loop")
    computed_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), comment="when it was worked out")


class ValveProposal(Base):
    """One more valve: where it parts a section, and the users without gas before and after."""

    __tablename__ = "valve_proposal"
    __table_args__ = (
        UniqueConstraint("enterprise_id", "place"),
        {"comment": "加阀建议 / where one more valve keeps gas for most users, derived from the network"},
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True, comment="row number")
    enterprise_id: Mapped[int] = mapped_column(
        ForeignKey("enterprise.id", ondelete="RESTRICT"), comment="owner of the pipe"
    )
    adcode: Mapped[str | None] = mapped_column(Text, comment="district of the pipe")
    place: Mapped[int] = mapped_column(Integer, comment="1 the most helpful of its owner")
    pipe_id: Mapped[int] = mapped_column(BigInteger, comment="pipe to put the valve into")
    pipe_code: Mapped[str] = mapped_column(Text, comment="the enterprise's own code of that pipe")
    road_name: Mapped[str | None] = mapped_column(Text, comment="road of that pipe")
    pressure_class: Mapped[int] = mapped_column(SmallInteger, comment="code pressure_class of that pipe")
    section_pipe_id: Mapped[int] = mapped_column(BigInteger, comment="a pipe of the section it parts, as in network_atlas")
    section_length_m: Mapped[float] = mapped_column(Double, comment="length of the section, m")
    users_before: Mapped[int] = mapped_column(Integer, comment="users without gas when the section is struck today")
    users_start_side: Mapped[int] = mapped_column(Integer, comment="users without gas when it is struck on the side of the pipe's start")
    users_end_side: Mapped[int] = mapped_column(Integer, comment="users without gas when it is struck on the side of the pipe's end")
    users_after: Mapped[float] = mapped_column(Double, comment="users without gas on average along the section, each metre counted alike")
    sure: Mapped[bool] = mapped_column(Boolean, comment="no other pipe of the section can help more")
    geom: Mapped[Any] = mapped_column(Geometry("POINT", srid=STORAGE_SRID, spatial_index=False), comment="middle of the pipe, CGCS2000")
    computed_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), comment="when it was worked out")


class ShutoffPlan(Base):
    """A shut-off plan as it was handed over with a supervision case; insert only."""

    __tablename__ = "shutoff_plan"
    __table_args__ = (
        Index("ix_shutoff_plan_case_id", "case_id"),
        Index("ix_shutoff_plan_object_id", "object_id", "object_type"),
        {"comment": "关阀方案移交 / shut-off plans as handed over to emergency command; insert only"},
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True, comment="row number")
    enterprise_id: Mapped[int] = mapped_column(
        ForeignKey("enterprise.id", ondelete="RESTRICT"), comment="owner of the place struck"
    )
    adcode: Mapped[str | None] = mapped_column(Text, comment="district of the place struck")
    object_type: Mapped[str] = mapped_column(Text, comment="layer of the place struck")
    object_id: Mapped[int] = mapped_column(BigInteger, comment="number of the place struck")
    question: Mapped[str] = mapped_column(Text, comment="places, stuck valves and plan as they stand in an address")
    told: Mapped[dict[str, Any]] = mapped_column(JSON, comment="the plan as it was handed over")
    sm3: Mapped[str] = mapped_column(Text, comment="SM3 of the plan as stored")
    case_id: Mapped[int] = mapped_column(
        ForeignKey("supervision_case.id", ondelete="RESTRICT"), comment="supervision case it was handed over with"
    )
    incident_no: Mapped[str | None] = mapped_column(Text, comment="number of the enterprise's incident it belongs to")
    seen_scope: Mapped[str] = mapped_column(Text, comment="scope it was told for; others see it told anew")
    made_by: Mapped[str] = mapped_column(Text, comment="who handed it over")
    made_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), comment="when")
