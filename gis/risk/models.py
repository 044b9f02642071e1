"""Risk of the network; owns risk_model, risk_factor, risk_segment, risk_change, risk_overbuild, risk_station, risk_building, risk_due, risk_run.

Everything but the models and the changes can be worked out again from the network, the base map and
what was filed. Rows are written by the thousand: keys into large tables carry no foreign key.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from geoalchemy2 import Geometry
from sqlalchemy import (
    ARRAY,
    BigInteger,
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
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from portal.core.db import Base

DRAFT, RELEASED, RETIRED = 1, 2, 3


class RiskModel(Base):
    """One version of the risk model."""

    __tablename__ = "risk_model"
    __table_args__ = (
        Index("uq_risk_model_one_released", "state", unique=True, postgresql_where=text("state = 2")),
        {"comment": "风险模型版本 / versions of the risk model: draft, then released, then retired"},
    )

    id: Mapped[int] = mapped_column(Integer, Identity(), primary_key=True, comment="version number")
    state: Mapped[int] = mapped_column(SmallInteger, server_default="1", comment="1 draft, 2 released, 3 retired")
    title: Mapped[str] = mapped_column(Text, comment="what the version is about")
    reason: Mapped[str] = mapped_column(Text, comment="why it was drawn up")
    based_on: Mapped[int | None] = mapped_column(Integer, comment="version it was drawn up from")
    drafted_by: Mapped[str] = mapped_column(Text, comment="who drew it up")
    drafted_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.now(), comment="last change of the draft"
    )
    rehearsal: Mapped[Any | None] = mapped_column(
        JSONB, comment="what-if over the whole city: km by colour before and after"
    )
    rehearsed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), comment="time of the what-if")
    released_by: Mapped[str | None] = mapped_column(Text, comment="who released it")
    released_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), comment="in force from")
    retired_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), comment="in force until")


class RiskFactor(Base):
    """One row of a version: a factor or a table of bands."""

    __tablename__ = "risk_factor"
    __table_args__ = (
        UniqueConstraint("model_id", "ordinal"),
        {"comment": "风险因子 / rows of a version: factor, weight, bands, source"},
    )

    model_id: Mapped[int] = mapped_column(
        ForeignKey("risk_model.id", ondelete="RESTRICT"), primary_key=True, comment="version"
    )
    key: Mapped[str] = mapped_column(Text, primary_key=True, comment="factor, for example age")
    ordinal: Mapped[int] = mapped_column(
        SmallInteger, comment="order; the place of a factor's part in risk_segment.parts"
    )
    weight: Mapped[float] = mapped_column(
        Double, comment="exponent of the multiplier; 1 as published, 0 leaves the factor out"
    )
    bands: Mapped[Any] = mapped_column(JSONB, comment="name -> figure: multipliers, rates or limits of bands")
    source: Mapped[str] = mapped_column(Text, comment="standard, paper, or default")


class RiskSegment(Base):
    """The risk of one pipe segment with everything it follows from."""

    __tablename__ = "risk_segment"
    __table_args__ = (
        Index("ix_risk_segment_colour", "colour", "score", "pipe_id"),
        Index("ix_risk_segment_score", "score", "pipe_id"),
        Index("ix_risk_segment_enterprise_id", "enterprise_id", "adcode"),
        {"comment": "管段风险 / risk of pipe segments: inputs, parts of each factor, colour, version"},
    )

    pipe_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False, comment="gas_pipe.id")
    enterprise_id: Mapped[int] = mapped_column(ForeignKey("enterprise.id", ondelete="RESTRICT"), comment="owner")
    adcode: Mapped[str | None] = mapped_column(Text, comment="district")
    cell_x: Mapped[int] = mapped_column(
        Integer, comment="column of the 1 km grid, easting / 1000 of the city's CGCS2000 zone"
    )
    cell_y: Mapped[int] = mapped_column(Integer, comment="row of the 1 km grid, northing / 1000")
    length_m: Mapped[float] = mapped_column(Double, comment="length, m")
    pressure_class: Mapped[int] = mapped_column(SmallInteger, comment="code pressure_class")
    material: Mapped[int] = mapped_column(SmallInteger, comment="code material")
    od_mm: Mapped[float] = mapped_column(Double, comment="outside diameter, mm")
    cp_kind: Mapped[int | None] = mapped_column(SmallInteger, comment="code cp_kind; empty when not filed")
    laying: Mapped[int | None] = mapped_column(SmallInteger, comment="code laying; empty when not filed")
    joint: Mapped[int | None] = mapped_column(SmallInteger, comment="code joint; empty when not filed")
    age_years: Mapped[int | None] = mapped_column(
        SmallInteger, comment="years since installation; empty when not filed"
    )
    works_n: Mapped[int] = mapped_column(Integer, comment="open works sites within the control zone")
    leaks_n: Mapped[int] = mapped_column(Integer, comment="leaks at the segment in the last 24 months")
    corrosion_n: Mapped[int] = mapped_column(Integer, comment="open hidden dangers of corrosion at the segment")
    settlement_n: Mapped[int] = mapped_column(Integer, comment="open hidden dangers of settlement at the segment")
    spaces_n: Mapped[int] = mapped_column(
        Integer,
        comment="open hidden dangers of adjacent underground spaces; 1 for a pipe in a trench or utility tunnel",
    )
    patrol_state: Mapped[int] = mapped_column(SmallInteger, comment="0 no track filed, 1 in time, 2 overdue")
    pressure_kpa: Mapped[float] = mapped_column(Double, comment="gauge pressure the consequence is worked out for, kPa")
    heat_radius_m: Mapped[float] = mapped_column(
        Double, comment="radius of heat: potential impact radius, below 0.4 MPa the jet fire of a hole; m"
    )
    radius_m: Mapped[float] = mapped_column(Double, comment="impact radius people are counted in, m")
    people_day: Mapped[int] = mapped_column(Integer, comment="people in the impact radius at 10:00")
    people_evening: Mapped[int] = mapped_column(Integer, comment="people in the impact radius at 20:00")
    people_night: Mapped[int] = mapped_column(Integer, comment="people in the impact radius at 02:00")
    buildings_n: Mapped[int] = mapped_column(Integer, comment="buildings touched by the impact radius")
    sensitive_n: Mapped[int] = mapped_column(Integer, comment="schools and hospitals touched by the impact radius")
    supply_households: Mapped[int | None] = mapped_column(
        Integer, comment="households in the section between valves; empty when the segment carries no gas"
    )
    parts: Mapped[list[int]] = mapped_column(
        ARRAY(Integer),
        comment="part of each factor in millionths of log10 of the rate, in the order of the version's factors",
    )
    log_rate: Mapped[int] = mapped_column(
        Integer, comment="sum of parts: log10 of failures a km and year, in millionths"
    )
    log_rate_low: Mapped[int] = mapped_column(Integer, comment="the same were every unknown input the best it can be")
    log_rate_high: Mapped[int] = mapped_column(Integer, comment="the same were every unknown input the worst it can be")
    unknown_n: Mapped[int] = mapped_column(SmallInteger, comment="factors whose input is not filed")
    expected: Mapped[float] = mapped_column(Double, comment="failures expected in a year: rate times length")
    likelihood: Mapped[int] = mapped_column(SmallInteger, comment="L, 1 to 5")
    c_people: Mapped[int] = mapped_column(SmallInteger, comment="consequence by people, 1 to 5")
    c_plus: Mapped[int] = mapped_column(
        SmallInteger, comment="addition for confined spaces, schools and hospitals, 0 or 1"
    )
    c_supply: Mapped[int] = mapped_column(
        SmallInteger, comment="consequence by households without gas, 1 to 5; 0 when unknown"
    )
    consequence: Mapped[int] = mapped_column(SmallInteger, comment="C, 1 to 5")
    score: Mapped[int] = mapped_column(SmallInteger, comment="L times C")
    colour: Mapped[int] = mapped_column(SmallInteger, comment="1 red, 2 orange, 3 yellow, 4 blue")
    colour_low: Mapped[int] = mapped_column(SmallInteger, comment="colour at log_rate_low")
    colour_high: Mapped[int] = mapped_column(SmallInteger, comment="colour at log_rate_high")
    hca: Mapped[int] = mapped_column(
        SmallInteger, comment="high consequence area: 0 none, 2 and 3 classes of GB 32167, 4 the city's rule"
    )
    hca_why: Mapped[int] = mapped_column(
        SmallInteger,
        comment="bits: 1 special place, 2 100 households within 200 m, 4 four storeys prevail, 8 underground space",
    )
    households_200m: Mapped[int | None] = mapped_column(
        Integer, comment="households within 200 m; high and sub-high pressure only"
    )
    model_id: Mapped[int] = mapped_column(Integer, comment="version of the model")
    computed_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), comment="worked out at")


class RiskChange(Base):
    """One change of a segment's colour."""

    __tablename__ = "risk_change"
    __table_args__ = (
        Index("ix_risk_change_pipe_id", "pipe_id", "at"),
        Index("ix_risk_change_at", "at"),
        {"comment": "风险变色记录 / changes of colour; insert only"},
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True, comment="row number")
    pipe_id: Mapped[int] = mapped_column(BigInteger, comment="gas_pipe.id")
    enterprise_id: Mapped[int] = mapped_column(ForeignKey("enterprise.id", ondelete="RESTRICT"), comment="owner")
    adcode: Mapped[str | None] = mapped_column(Text, comment="district")
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True), comment="when it was worked out")
    was: Mapped[int] = mapped_column(SmallInteger, comment="colour before")
    became: Mapped[int] = mapped_column(SmallInteger, comment="colour since")
    log_rate_was: Mapped[int] = mapped_column(Integer, comment="log10 of the rate before, in millionths")
    log_rate: Mapped[int] = mapped_column(Integer, comment="log10 of the rate since, in millionths")
    model_was: Mapped[int] = mapped_column(Integer, comment="version before")
    model_id: Mapped[int] = mapped_column(Integer, comment="version since")
    length_m: Mapped[float] = mapped_column(Double, comment="length of the segment, m")


class RiskOverbuild(Base):
    """A building over a pipe or in its protection zone."""

    __tablename__ = "risk_overbuild"
    __table_args__ = (
        Index("ix_risk_overbuild_enterprise_id", "enterprise_id", "adcode"),
        {"comment": "疑似占压 / buildings over pipes or in their protection zone, a hint to be confirmed"},
    )

    pipe_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False, comment="gas_pipe.id")
    building_id: Mapped[int] = mapped_column(
        BigInteger, primary_key=True, autoincrement=False, comment="base_building.id"
    )
    enterprise_id: Mapped[int] = mapped_column(
        ForeignKey("enterprise.id", ondelete="RESTRICT"), comment="owner of the pipe"
    )
    adcode: Mapped[str | None] = mapped_column(Text, comment="district")
    hard: Mapped[bool] = mapped_column(comment="whether the building stands on the pipe itself")
    distance_m: Mapped[float] = mapped_column(Double, comment="from the outside of the pipe, m; 0 on the pipe")
    length_m: Mapped[float] = mapped_column(Double, comment="length of pipe under the building, m")


class RiskStation(Base):
    """The major hazard of one station."""

    __tablename__ = "risk_station"
    __table_args__ = (
        Index("ix_risk_station_enterprise_id", "enterprise_id", "adcode"),
        {"comment": "场站重大危险源 / major hazard of stations, GB 18218"},
    )

    station_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False, comment="gas_station.id")
    enterprise_id: Mapped[int] = mapped_column(ForeignKey("enterprise.id", ondelete="RESTRICT"), comment="owner")
    adcode: Mapped[str | None] = mapped_column(Text, comment="district")
    storage_m3: Mapped[float] = mapped_column(Double, comment="tank volume, m³")
    fill: Mapped[float] = mapped_column(Double, comment="share filled at most; 1 for gas under pressure")
    density_t_per_m3: Mapped[float] = mapped_column(Double, comment="density of what is stored, t/m³")
    stock_t: Mapped[float] = mapped_column(Double, comment="q, most that is stored, t")
    critical_t: Mapped[float] = mapped_column(Double, comment="Q, critical quantity, t")
    people_500m: Mapped[int] = mapped_column(Integer, comment="people within 500 m at the fullest hour")
    alpha: Mapped[float] = mapped_column(Double, comment="correction for people outside")
    beta: Mapped[float] = mapped_column(Double, comment="correction for the substance")
    s: Mapped[float] = mapped_column(Double, comment="q / Q")
    r: Mapped[float] = mapped_column(Double, comment="alpha times beta times q / Q")
    level: Mapped[int] = mapped_column(SmallInteger, comment="1 to 4; 0 when no major hazard")
    computed_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), comment="worked out at")


class RiskBuilding(Base):
    """Who is in a building at which hour."""

    __tablename__ = "risk_building"
    __table_args__ = {"comment": "建筑人口 / people in buildings by hour, with the outline in metres"}

    building_id: Mapped[int] = mapped_column(
        BigInteger, primary_key=True, autoincrement=False, comment="base_building.id"
    )
    sensitive: Mapped[int] = mapped_column(SmallInteger, comment="1 school or hospital")
    storeys: Mapped[int] = mapped_column(SmallInteger, comment="storeys from the height")
    households: Mapped[int] = mapped_column(Integer, comment="households of gas users inside")
    people_day: Mapped[int] = mapped_column(Integer, comment="people at 10:00")
    people_evening: Mapped[int] = mapped_column(Integer, comment="people at 20:00")
    people_night: Mapped[int] = mapped_column(Integer, comment="people at 02:00")
    geom: Mapped[Any] = mapped_column(
        Geometry("POLYGON", spatial_index=True), comment="outline in metres of the city's CGCS2000 zone"
    )


class RiskDue(Base):
    """Something whose risk is to be worked out again."""

    __tablename__ = "risk_due"
    __table_args__ = {
        "comment": "what changed since the last working out; written by triggers, emptied by the job recompute_risk"
    }

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True, comment="row number")
    kind: Mapped[str] = mapped_column(Text, comment="pipe, works, patrol, users, station, buildings, model")
    object_id: Mapped[int] = mapped_column(
        BigInteger, server_default="0", comment="its number; for users a Morton cell of level 20"
    )
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now(), comment="changed at")


class RiskRun(Base):
    """One working out."""

    __tablename__ = "risk_run"
    __table_args__ = {"comment": "runs of the risk computation"}

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True, comment="row number")
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True), comment="when")
    whole: Mapped[bool] = mapped_column(comment="whether every segment was worked out")
    model_id: Mapped[int] = mapped_column(Integer, comment="version of the model")
    segments_n: Mapped[int] = mapped_column(Integer, comment="segments worked out")
    changed_n: Mapped[int] = mapped_column(Integer, comment="segments whose colour changed")
    waited_s: Mapped[float] = mapped_column(Double, comment="age of the oldest change taken, s")
    took_ms: Mapped[int] = mapped_column(Integer, comment="time it took, ms")
