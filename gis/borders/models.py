"""What was found between enterprises and what was decided of it; owns border_finding, border_step, border_run."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from geoalchemy2 import Geometry
from sqlalchemy import BigInteger, DateTime, Double, ForeignKey, Identity, Index, Integer, SmallInteger, Text, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from gis.crs import STORAGE_SRID
from portal.core.db import Base

# States of a finding.
OPEN, JOINED, DISMISSED = 1, 2, 3


class BorderFinding(Base):
    """A place where the networks of two enterprises do not fit; of what fits, the proposed joint."""

    __tablename__ = "border_finding"
    __table_args__ = (
        Index("uq_border_finding_places", "kind", "object_a_id", "object_b_id", unique=True),
        Index("ix_border_finding_enterprises", "enterprise_a_id", "enterprise_b_id"),
        {"comment": "企业管网衔接 / places where networks of two enterprises meet, with what was decided of them"},
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True, comment="row number")
    kind: Mapped[str] = mapped_column(
        Text, comment="gap: ends that fit; double: pipes side by side; jump: pressure classes meet"
    )
    enterprise_a_id: Mapped[int] = mapped_column(
        ForeignKey("enterprise.id", ondelete="RESTRICT"), comment="one enterprise, the smaller number"
    )
    enterprise_b_id: Mapped[int] = mapped_column(
        ForeignKey("enterprise.id", ondelete="RESTRICT"), comment="the other enterprise"
    )
    adcode_a: Mapped[str | None] = mapped_column(Text, comment="district on one side")
    adcode_b: Mapped[str | None] = mapped_column(Text, comment="district on the other side")
    object_a_id: Mapped[int] = mapped_column(BigInteger, comment="node (gap, jump) or pipe (double) on one side")
    object_b_id: Mapped[int] = mapped_column(BigInteger, comment="the same on the other side")
    pipe_a_id: Mapped[int] = mapped_column(BigInteger, comment="pipe on one side")
    pipe_b_id: Mapped[int] = mapped_column(BigInteger, comment="pipe on the other side")
    facts: Mapped[dict[str, Any]] = mapped_column(
        JSONB, comment="of side a and b: code, pressure class, material, diameter, road and the line within 60 m"
    )
    distance_m: Mapped[float] = mapped_column(Double, comment="how far the two are apart, m")
    overlap_m: Mapped[float] = mapped_column(Double, server_default="0", comment="how long they run side by side, m")
    score: Mapped[float] = mapped_column(Double, comment="how well the ends fit, 0 to 1; 0 where nothing is proposed")
    parts: Mapped[dict[str, float]] = mapped_column(
        JSONB, comment="parts of the score: distance, direction, diameter, material, pressure_class"
    )
    state: Mapped[int] = mapped_column(SmallInteger, server_default="1", comment="1 open, 2 joined, 3 dismissed")
    say_a: Mapped[str | None] = mapped_column(Text, comment="what enterprise a says of the joint: yes, no")
    say_b: Mapped[str | None] = mapped_column(Text, comment="what enterprise b says of the joint: yes, no")
    decided_by: Mapped[str | None] = mapped_column(Text, comment="both or city, once joined or dismissed")
    decided_at: Mapped[datetime | None] = mapped_column(
        DateTime(timezone=True), comment="when it was joined or dismissed"
    )
    first_seen_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), comment="run that found it first")
    last_seen_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), comment="newest run that found it")
    gone_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), comment="run that found it no longer")
    geom: Mapped[Any] = mapped_column(
        Geometry("POINT", srid=STORAGE_SRID, spatial_index=True), comment="the place, CGCS2000"
    )


class BorderStep(Base):
    """What somebody said of or did to a finding; insert only."""

    __tablename__ = "border_step"
    __table_args__ = (
        Index("ix_border_step_finding_id", "finding_id", "id"),
        {"comment": "企业管网衔接处理 / what was said and decided of a finding; insert only"},
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True, comment="row number")
    finding_id: Mapped[int] = mapped_column(ForeignKey("border_finding.id", ondelete="RESTRICT"), comment="finding")
    action: Mapped[str] = mapped_column(Text, comment="say_yes, say_no, join, dismiss, undo")
    side: Mapped[str] = mapped_column(Text, comment="a, b or city")
    state: Mapped[int] = mapped_column(SmallInteger, comment="state afterwards")
    reason: Mapped[str] = mapped_column(Text, server_default="", comment="why, in words")
    actor_name: Mapped[str] = mapped_column(Text, comment="who, name at that time")
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.clock_timestamp(), comment="when")


class BorderRun(Base):
    """One matching of all borders, by hand or by the clock."""

    __tablename__ = "border_run"
    __table_args__ = {"comment": "企业管网衔接分析 / runs of the matching, with how far they are"}

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True, comment="row number")
    asked_by: Mapped[str] = mapped_column(Text, comment="who asked, or the job")
    asked_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), comment="when")
    state: Mapped[str] = mapped_column(Text, server_default="waiting", comment="waiting, running, done, failed")
    step: Mapped[str] = mapped_column(Text, server_default="", comment="read, ends, double, store, done")
    percent: Mapped[int] = mapped_column(Integer, server_default="0", comment="how far it is")
    started_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), comment="begun")
    ended_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), comment="ended")
    pipes: Mapped[int | None] = mapped_column(Integer, comment="pipes looked at")
    found: Mapped[dict[str, int] | None] = mapped_column(JSONB, comment="findings by kind")
    new: Mapped[int | None] = mapped_column(Integer, comment="findings not known before")
    gone: Mapped[int | None] = mapped_column(Integer, comment="findings that are no longer there")
    error: Mapped[str | None] = mapped_column(Text, comment="code of what went wrong")
