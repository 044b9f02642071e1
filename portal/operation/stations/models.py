"""Process pictures and cameras of stations; owns station_slot and station_camera."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from portal.core.db import Base


class StationSlot(Base):
    """Which point fills a place of a station's process picture, where a person decided it."""

    __tablename__ = "station_slot"
    __table_args__ = (
        UniqueConstraint("station_id", "slot"),
        {"comment": "工艺图点位 / which point fills a place of a station's process picture, where a person decided it"},
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True, comment="row number")
    enterprise_id: Mapped[int] = mapped_column(ForeignKey("enterprise.id", ondelete="RESTRICT"), comment="owner of the station, for the row policy")
    adcode: Mapped[str | None] = mapped_column(Text, comment="as in the station, for the row policy")
    station_id: Mapped[int] = mapped_column(ForeignKey("gas_station.id", ondelete="RESTRICT"), comment="station")
    slot: Mapped[str] = mapped_column(Text, comment="place of the picture, as its description names it")
    point_id: Mapped[int | None] = mapped_column(ForeignKey("point.id", ondelete="RESTRICT"), comment="point shown there; empty shows that there is none")
    set_by: Mapped[str] = mapped_column(Text, comment="who decided it")
    valid_from: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now(), comment="this state holds from")
    valid_to: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), comment="until; always empty here, set in station_slot_history")


class StationCamera(Base):
    """A camera of a station with the address of its stream."""

    __tablename__ = "station_camera"
    __table_args__ = (
        UniqueConstraint("enterprise_id", "code"),
        CheckConstraint("kind in ('hls', 'webrtc')", name="kind"),
        Index("ix_station_camera_station_id", "station_id", "ordinal", "id"),
        {"comment": "场站摄像机 / cameras of stations with the address of their stream"},
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True, comment="row number")
    enterprise_id: Mapped[int] = mapped_column(ForeignKey("enterprise.id", ondelete="RESTRICT"), comment="owner of the station, for the row policy")
    adcode: Mapped[str | None] = mapped_column(Text, comment="as in the station, for the row policy")
    station_id: Mapped[int] = mapped_column(ForeignKey("gas_station.id", ondelete="RESTRICT"), comment="station")
    code: Mapped[str] = mapped_column(Text, comment="device number, GB/T 28181 where it has one")
    name: Mapped[str] = mapped_column(Text, comment="name")
    place: Mapped[str | None] = mapped_column(Text, comment="where it stands")
    kind: Mapped[str] = mapped_column(Text, comment="hls: a playlist; webrtc: an address that takes offers (WHEP)")
    address: Mapped[str] = mapped_column(Text, comment="address of the stream on the intranet")
    ordinal: Mapped[int] = mapped_column(Integer, server_default=text("0"), comment="order on the wall")
    in_use: Mapped[bool] = mapped_column(Boolean, server_default=text("true"), comment="shown on the wall; a camera taken down stays with its history")
    set_by: Mapped[str] = mapped_column(Text, comment="who entered it")
    valid_from: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now(), comment="this state holds from")
    valid_to: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), comment="until; always empty here, set in station_camera_history")
