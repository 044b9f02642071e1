"""Alarms: facts and events that are only ever inserted, and their rebuildable present state; owns alarm, alarm_event, alarm_now, alarm_hold, limit_watch."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from geoalchemy2 import Geometry
from sqlalchemy import (
    BigInteger,
    Boolean,
    DateTime,
    Double,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Text,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from gis.crs import STORAGE_SRID
from portal.core.db import Base, Xid8

ACTIONS = (
    "raise, escalate, acknowledge, clear, judge, note, case, disposal, latch, reset, shelve, unshelve, suppress, "
    "unsuppress, out_of_service, in_service, lock, unlock, group, ungroup, record, close"
)


class Alarm(Base):
    """The fact that something went wrong; never changed, never deleted."""

    __tablename__ = "alarm"
    __table_args__ = (
        Index("ix_alarm_raised_at", "raised_at"),
        Index("ix_alarm_enterprise_raised", "enterprise_id", "raised_at"),
        Index("ix_alarm_point_id", "point_id"),
        Index("ix_alarm_xid", "xid"),
        Index("uq_alarm_no", "enterprise_id", "alarm_no", unique=True, postgresql_where=text("alarm_no is not null")),
        {"comment": "报警 / alarms as facts; insert only, chained by ledger_seal"},
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True, comment="row number")
    enterprise_id: Mapped[int] = mapped_column(ForeignKey("enterprise.id", ondelete="RESTRICT"), comment="whose object")
    adcode: Mapped[str | None] = mapped_column(Text, comment="district")
    source: Mapped[str] = mapped_column(Text, comment="rule: raised by the portal; enterprise: pushed")
    alarm_no: Mapped[str | None] = mapped_column(Text, comment="the enterprise's own number")
    kind: Mapped[int] = mapped_column(SmallInteger, comment="code alarm_kind")
    level: Mapped[int] = mapped_column(SmallInteger, comment="code alarm_level at the time it was raised")
    point_id: Mapped[int | None] = mapped_column(ForeignKey("point.id", ondelete="RESTRICT"), comment="point")
    object_code: Mapped[str | None] = mapped_column(Text, comment="the enterprise's code of the object")
    limit_name: Mapped[str | None] = mapped_column(Text, comment="low_low, low, high or high_high")
    limit_value: Mapped[float | None] = mapped_column(Double, comment="limit in force, in unit")
    value: Mapped[float | None] = mapped_column(Double, comment="value that broke it, in unit")
    unit: Mapped[str | None] = mapped_column(Text, comment="unit")
    text_said: Mapped[str | None] = mapped_column(Text, comment="description given by the enterprise")
    raised_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), comment="source time")
    received_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now(), comment="when the portal knew")
    historical: Mapped[bool] = mapped_column(Boolean, server_default=text("false"), comment="补报: from back-filled data, no sound")
    receipt_id: Mapped[int | None] = mapped_column(BigInteger, comment="receipt of the batch that brought it")
    correlation_id: Mapped[Any] = mapped_column(Uuid, server_default=text("gen_random_uuid()"), comment="kept through alarm, case and event")
    geom: Mapped[Any] = mapped_column(Geometry("POINT", srid=STORAGE_SRID, spatial_index=True), nullable=True, comment="place, CGCS2000")
    xid: Mapped[int] = mapped_column(Xid8, server_default=text("pg_current_xact_id()"), comment="writing transaction")
    row_sm3: Mapped[bytes] = mapped_column(LargeBinary, server_default=text("''::bytea"), comment="SM3 of the row, set by trigger")


class AlarmEvent(Base):
    """One transition of an alarm; never changed, never deleted."""

    __tablename__ = "alarm_event"
    __table_args__ = (
        Index("ix_alarm_event_alarm_id", "alarm_id", "id"),
        Index("ix_alarm_event_xid", "xid"),
        Index("ix_alarm_event_at", "at", "id"),
        {"comment": "报警流转 / what happened to an alarm; insert only, chained by ledger_seal"},
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True, comment="row number")
    alarm_id: Mapped[int] = mapped_column(ForeignKey("alarm.id", ondelete="RESTRICT"), comment="alarm")
    enterprise_id: Mapped[int] = mapped_column(Integer, comment="as in alarm, for the row policy")
    adcode: Mapped[str | None] = mapped_column(Text, comment="as in alarm")
    action: Mapped[str] = mapped_column(Text, comment=ACTIONS)
    state: Mapped[int] = mapped_column(SmallInteger, comment="code alarm_state afterwards")
    level: Mapped[int | None] = mapped_column(SmallInteger, comment="code alarm_level afterwards, when it changed")
    verdict: Mapped[int | None] = mapped_column(SmallInteger, comment="code alarm_verdict, when judged")
    value: Mapped[float | None] = mapped_column(Double, comment="value at that time")
    note: Mapped[str | None] = mapped_column(Text, comment="what was said or done")
    from_state: Mapped[int | None] = mapped_column(SmallInteger, comment="code alarm_state before; empty when raised")
    quality: Mapped[int | None] = mapped_column(SmallInteger, comment="quality code of the value, when one led to it")
    ref_id: Mapped[int | None] = mapped_column(BigInteger, comment="what it refers to: hold, root alarm or handling record")
    until_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), comment="end of the hold, when it has one")
    actor_kind: Mapped[str] = mapped_column(Text, comment="user, program, job")
    actor_id: Mapped[int | None] = mapped_column(Integer, comment="who")
    actor_name: Mapped[str] = mapped_column(Text, comment="name at that time")
    happened_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), comment="source time of the transition")
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.clock_timestamp(), comment="when it was written")
    xid: Mapped[int] = mapped_column(Xid8, server_default=text("pg_current_xact_id()"), comment="writing transaction")
    row_sm3: Mapped[bytes] = mapped_column(LargeBinary, server_default=text("''::bytea"), comment="SM3 of the row, set by trigger")


class AlarmNow(Base):
    """The present state of an alarm; a projection that can be rebuilt from alarm and alarm_event."""

    __tablename__ = "alarm_now"
    __table_args__ = (
        Index(
            "uq_alarm_now_open",
            "point_id",
            "kind",
            unique=True,
            postgresql_where=text("cleared_at is null and point_id is not null and not historical"),
        ),
        Index(
            "ix_alarm_now_open", "level", "raised_at",
            postgresql_where=text("(cleared_at is null or acknowledged_at is null or latched) and not historical"),
        ),
        Index("ix_alarm_now_raised", "raised_at", "alarm_id"),
        Index("ix_alarm_now_enterprise", "enterprise_id", "raised_at", "alarm_id"),
        Index("ix_alarm_now_district", "adcode", "raised_at", "alarm_id"),
        Index("ix_alarm_now_kind", "kind", "raised_at", "alarm_id"),
        Index("ix_alarm_now_level", "level", "raised_at", "alarm_id"),
        Index("ix_alarm_now_state", "state", "raised_at", "alarm_id"),
        Index("ix_alarm_now_verdict", "verdict", "raised_at", "alarm_id"),
        Index("ix_alarm_now_person", "acknowledged_by", "raised_at", "alarm_id", postgresql_where=text("acknowledged_by is not null")),
        Index("ix_alarm_now_object", "object_code", "raised_at", "alarm_id"),
        Index("ix_alarm_now_point", "point_id", "raised_at", "alarm_id"),
        Index("ix_alarm_now_root", "root_id", postgresql_where=text("root_id is not null")),
        Index("ix_alarm_now_held", "hold", "hold_id", postgresql_where=text("hold is not null")),
        {"comment": "present state of alarms, rebuilt from alarm and alarm_event"},
    )

    alarm_id: Mapped[int] = mapped_column(ForeignKey("alarm.id", ondelete="RESTRICT"), primary_key=True, autoincrement=False, comment="alarm")
    enterprise_id: Mapped[int] = mapped_column(Integer, comment="as in alarm")
    adcode: Mapped[str | None] = mapped_column(Text, comment="as in alarm")
    point_id: Mapped[int | None] = mapped_column(Integer, comment="as in alarm")
    kind: Mapped[int] = mapped_column(SmallInteger, comment="code alarm_kind")
    level: Mapped[int] = mapped_column(SmallInteger, comment="code alarm_level, raised by escalation")
    historical: Mapped[bool] = mapped_column(Boolean, comment="as in alarm")
    state: Mapped[int] = mapped_column(SmallInteger, comment="code alarm_state")
    verdict: Mapped[int] = mapped_column(SmallInteger, server_default="0", comment="code alarm_verdict")
    raised_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), comment="as in alarm")
    acknowledged_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), comment="first acknowledgement")
    acknowledged_by: Mapped[str | None] = mapped_column(Text, comment="who acknowledged")
    cleared_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), comment="value back within deadband")
    case_id: Mapped[int | None] = mapped_column(BigInteger, comment="supervision case it led to")
    peak_value: Mapped[float | None] = mapped_column(Double, comment="worst value so far, in unit")
    object_code: Mapped[str | None] = mapped_column(Text, comment="as in alarm")
    said: Mapped[str] = mapped_column(Text, server_default="", comment="words the alarm is found by: object, number, description, point")
    latched: Mapped[bool] = mapped_column(Boolean, server_default=text("false"), comment="stays until it is reset by hand")
    hold: Mapped[int | None] = mapped_column(SmallInteger, comment="code alarm_hold_kind while it is held back")
    hold_id: Mapped[int | None] = mapped_column(BigInteger, comment="hold that holds it back; empty when its root alarm does")
    held_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), comment="when the hold ends by itself")
    held_level: Mapped[int | None] = mapped_column(SmallInteger, comment="level it had when it was shelved; a graver one brings it back")
    root_id: Mapped[int | None] = mapped_column(BigInteger, comment="alarm of the same cause that stands for it on the desk")
    closed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), comment="closed with its handling record")


class AlarmHold(Base):
    """A time during which alarms of a point or object are held back; they are stored all the same."""

    __tablename__ = "alarm_hold"
    __table_args__ = (
        Index("ix_alarm_hold_active", "enterprise_id", "point_id", postgresql_where=text("ended_at is null")),
        Index("ix_alarm_hold_begun", "begun_at", "id"),
        {"comment": "报警搁置、检修、锁定 / alarms of a point or object held back for a time; stored all the same"},
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True, comment="row number")
    enterprise_id: Mapped[int] = mapped_column(ForeignKey("enterprise.id", ondelete="RESTRICT"), comment="whose object")
    adcode: Mapped[str | None] = mapped_column(Text, comment="district")
    kind: Mapped[int] = mapped_column(SmallInteger, comment="code alarm_hold_kind")
    point_id: Mapped[int | None] = mapped_column(ForeignKey("point.id", ondelete="RESTRICT"), comment="point whose alarms are held back")
    object_code: Mapped[str | None] = mapped_column(Text, comment="object whose alarms are held back, when there is no point")
    alarm_kind: Mapped[int | None] = mapped_column(SmallInteger, comment="only alarms of this code alarm_kind; empty for all")
    alarm_id: Mapped[int | None] = mapped_column(ForeignKey("alarm.id", ondelete="RESTRICT"), comment="alarm it began with")
    level: Mapped[int] = mapped_column(SmallInteger, comment="gravest level held back by shelving; a graver alarm ends it")
    reason: Mapped[str] = mapped_column(Text, comment="why")
    permit_no: Mapped[str | None] = mapped_column(Text, comment="number of the work permit, for maintenance")
    begun_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), comment="since when")
    expires_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), comment="when it ends by itself")
    begun_by: Mapped[str] = mapped_column(Text, comment="who, name at that time")
    begun_by_id: Mapped[int | None] = mapped_column(Integer, comment="who")
    ended_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), comment="when it ended")
    ended_by: Mapped[str | None] = mapped_column(Text, comment="who ended it")
    outcome: Mapped[str | None] = mapped_column(Text, comment="expired, released by hand, or worse: ended by a graver alarm")
    end_reason: Mapped[str | None] = mapped_column(Text, comment="what was said when it was released")


class LimitWatch(Base):
    """What the limit check remembers of a point between batches."""

    __tablename__ = "limit_watch"
    __table_args__ = (
        Index("ix_limit_watch_since", "since", postgresql_where=text("since is not null")),
        {"comment": "memory of the limit check, one row a point off normal"},
    )

    point_id: Mapped[int] = mapped_column(ForeignKey("point.id", ondelete="RESTRICT"), primary_key=True, autoincrement=False, comment="point")
    limit_name: Mapped[str | None] = mapped_column(Text, comment="limit being broken: low_low, low, high, high_high")
    since: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), comment="source time since which it is broken or back")
    alarm_id: Mapped[int | None] = mapped_column(BigInteger, comment="open alarm, when the on-delay has passed")
    judged_to: Mapped[datetime] = mapped_column(DateTime(timezone=True), comment="source time up to which readings were judged")
    memory: Mapped[Any] = mapped_column(JSONB, nullable=True, comment="limit held, last good value, checks pending or active, alarm of each kind")
