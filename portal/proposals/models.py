"""Corrections proposed beside the enterprise's value and their steps; owns network_proposal, network_proposal_step."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from geoalchemy2 import Geometry
from sqlalchemy import BigInteger, DateTime, ForeignKey, Identity, Index, SmallInteger, Text, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from gis.crs import STORAGE_SRID
from portal.core.db import Base


class Proposal(Base):
    """One proposed correction of an object, or of an object that is missing."""

    __tablename__ = "network_proposal"
    __table_args__ = (
        Index("ix_network_proposal_object", "layer", "object_id"),
        Index("ix_network_proposal_running", "enterprise_id", postgresql_where=text("state in (1, 2)")),
        {"comment": "管网更正建议 / corrections a regulator proposes beside the enterprise's value"},
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True, comment="row number")
    enterprise_id: Mapped[int] = mapped_column(
        ForeignKey("enterprise.id", ondelete="RESTRICT"), comment="owner of the object"
    )
    adcode: Mapped[str | None] = mapped_column(Text, comment="district of the object")
    layer: Mapped[str] = mapped_column(Text, comment="pipe, valve, regulator, station or user")
    object_id: Mapped[int | None] = mapped_column(
        BigInteger, comment="the object; empty while a missing one is proposed"
    )
    object_code: Mapped[str] = mapped_column(
        Text, server_default="", comment="the enterprise's own code of the object, empty for a missing one"
    )
    changes: Mapped[dict[str, Any]] = mapped_column(
        JSONB, comment="column -> was (the enterprise's value then) and wanted"
    )
    reason: Mapped[str] = mapped_column(Text, comment="why, in words")
    state: Mapped[int] = mapped_column(
        SmallInteger, server_default="1", comment="1 proposed, 2 accepted, 3 refused, 4 applied, 5 withdrawn"
    )
    conflicts: Mapped[dict[str, Any]] = mapped_column(
        JSONB, server_default=text("'{}'::jsonb"), comment="column -> value the enterprise gave it meanwhile"
    )
    proposed_by: Mapped[str] = mapped_column(Text, comment="who proposed it")
    proposed_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), comment="when")
    answered_by: Mapped[str | None] = mapped_column(Text, comment="who answered for the enterprise")
    answered_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), comment="when")
    answer: Mapped[str | None] = mapped_column(Text, comment="the enterprise's words")
    applied_how: Mapped[str | None] = mapped_column(
        Text,
        comment="push: the enterprise's data carried it; answer: applied as the enterprise's value when it answered",
    )
    applied_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), comment="when it became the value")
    was_shape: Mapped[Any] = mapped_column(
        Geometry("GEOMETRY", srid=STORAGE_SRID, spatial_index=False),
        nullable=True,
        comment="place at that time, CGCS2000",
    )
    shape: Mapped[Any] = mapped_column(
        Geometry("GEOMETRY", srid=STORAGE_SRID, spatial_index=False),
        nullable=True,
        comment="wanted place, CGCS2000; empty when it stays",
    )
    geom: Mapped[Any] = mapped_column(
        Geometry("POINT", srid=STORAGE_SRID, spatial_index=True), comment="where the map shows it, CGCS2000"
    )


class ProposalStep(Base):
    """What happened to a proposal; insert only."""

    __tablename__ = "network_proposal_step"
    __table_args__ = (
        Index("ix_network_proposal_step_proposal_id", "proposal_id", "id"),
        {"comment": "管网更正建议流转 / what happened to a proposed correction; insert only"},
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True, comment="row number")
    proposal_id: Mapped[int] = mapped_column(ForeignKey("network_proposal.id", ondelete="RESTRICT"), comment="proposal")
    enterprise_id: Mapped[int] = mapped_column(
        ForeignKey("enterprise.id", ondelete="RESTRICT"), comment="owner of the object, for the row policy"
    )
    adcode: Mapped[str | None] = mapped_column(Text, comment="district of the object, for the row policy")
    action: Mapped[str] = mapped_column(Text, comment="propose, accept, refuse, take, withdraw, follow, conflict")
    state: Mapped[int] = mapped_column(SmallInteger, comment="state afterwards")
    reason: Mapped[str] = mapped_column(Text, server_default="", comment="why, in words")
    facts: Mapped[dict[str, Any]] = mapped_column(
        JSONB, server_default=text("'{}'::jsonb"), comment="of a conflict the values found"
    )
    actor_name: Mapped[str] = mapped_column(Text, comment="who, name at that time")
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.clock_timestamp(), comment="when")
