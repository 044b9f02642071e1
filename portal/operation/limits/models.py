"""Versions of the rules of points, their rehearsal and release, templates and work orders; owns limit_change, limit_rule, limit_rehearsal_alarm, limit_template, operation_order."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
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

DRAFT, RELEASED, RETIRED, WITHDRAWN = 1, 2, 3, 4


class LimitChange(Base):
    """A change of the rules of one or many points: drafted, rehearsed, then released as one."""

    __tablename__ = "limit_change"
    __table_args__ = (
        CheckConstraint("state in (1, 2, 4)", name="state"),
        CheckConstraint("grade between 1 and 4", name="grade"),
        CheckConstraint(
            "state <> 2 or grade > 1 or (released_by_id is not null and released_by_id is distinct from drafted_by_id)", name="four_eyes"
        ),
        Index("ix_limit_change_drafted_at", "drafted_at", "id"),
        Index("ix_limit_change_due", "id", postgresql_where=text("rehearsal_state in ('waiting', 'running')")),
        {"comment": "限值变更 / changes of rules of points: draft, rehearsal over the past, release"},
    )

    id: Mapped[int] = mapped_column(Integer, Identity(), primary_key=True, comment="number of the change")
    enterprise_id: Mapped[int | None] = mapped_column(ForeignKey("enterprise.id", ondelete="RESTRICT"), comment="whose points; empty when of several")
    adcode: Mapped[str | None] = mapped_column(Text, comment="district of the points; empty when of several")
    state: Mapped[int] = mapped_column(SmallInteger, server_default="1", comment="1 draft, 2 released, 4 withdrawn")
    title: Mapped[str] = mapped_column(Text, comment="what it is about")
    reason: Mapped[str] = mapped_column(Text, comment="why")
    template_key: Mapped[str | None] = mapped_column(Text, comment="limit_template it was made from")
    grade: Mapped[int] = mapped_column(SmallInteger, comment="gravest code alarm_level that it sets, changes or removes")
    points: Mapped[int] = mapped_column(Integer, comment="number of points")
    drafted_by: Mapped[str] = mapped_column(Text, comment="who drew it up")
    drafted_by_id: Mapped[int | None] = mapped_column(Integer, comment="app_user.id of that person")
    drafted_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), comment="last change of the draft")
    rehearsal_state: Mapped[str | None] = mapped_column(Text, comment="waiting, running, done or failed; empty when not rehearsed")
    rehearsal_days: Mapped[int | None] = mapped_column(SmallInteger, comment="days replayed")
    rehearsed_points: Mapped[int] = mapped_column(Integer, server_default="0", comment="points replayed so far")
    rehearsal: Mapped[Any] = mapped_column(JSONB, nullable=True, comment="counts of alarms added, removed, kept, changed and missed, and readings replayed")
    rehearsed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), comment="end of the rehearsal")
    released_by: Mapped[str | None] = mapped_column(Text, comment="who released it")
    released_by_id: Mapped[int | None] = mapped_column(Integer, comment="app_user.id of that person")
    released_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), comment="when it was released or withdrawn")


class LimitRule(Base):
    """One version of the rules of one point."""

    __tablename__ = "limit_rule"
    __table_args__ = (
        UniqueConstraint("point_id", "version"),
        CheckConstraint("state between 1 and 4", name="state"),
        Index("uq_limit_rule_released", "point_id", unique=True, postgresql_where=text("state = 2")),
        Index("uq_limit_rule_draft", "point_id", unique=True, postgresql_where=text("state = 1")),
        Index("ix_limit_rule_change_id", "change_id"),
        Index("ix_limit_rule_enterprise_id", "enterprise_id", "state"),
        {"comment": "测点限值规则 / versions of the rules of points; the released one goes before what the enterprise filed"},
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True, comment="row number")
    change_id: Mapped[int] = mapped_column(ForeignKey("limit_change.id", ondelete="RESTRICT"), comment="change it is part of")
    point_id: Mapped[int] = mapped_column(ForeignKey("point.id", ondelete="RESTRICT"), comment="point")
    enterprise_id: Mapped[int] = mapped_column(Integer, comment="as in the point, for the row policy")
    adcode: Mapped[str | None] = mapped_column(Text, comment="as in the point, for the row policy")
    version: Mapped[int] = mapped_column(Integer, comment="1, 2, 3 … of the point")
    state: Mapped[int] = mapped_column(SmallInteger, server_default="1", comment="1 draft, 2 released, 3 retired, 4 withdrawn")
    content: Mapped[Any] = mapped_column(JSONB, comment="limits, seasons, hours, delays, deadbands and checks, in the point's unit")
    former: Mapped[Any] = mapped_column(JSONB, comment="rules in force when it was drawn up")
    valid_from: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), comment="in force from")
    valid_to: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), comment="in force until")


class LimitRehearsalAlarm(Base):
    """One alarm that a rehearsal found, under the rules in force or under the changed ones."""

    __tablename__ = "limit_rehearsal_alarm"
    __table_args__ = (
        Index("ix_limit_rehearsal_alarm_change_id", "change_id", "outcome", "id"),
        {"comment": "演练报警 / alarms of a rehearsal: added, removed, kept, changed or missed"},
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True, comment="row number")
    change_id: Mapped[int] = mapped_column(ForeignKey("limit_change.id", ondelete="RESTRICT"), comment="change rehearsed")
    point_id: Mapped[int] = mapped_column(Integer, comment="point")
    enterprise_id: Mapped[int] = mapped_column(Integer, comment="as in the point, for the row policy")
    adcode: Mapped[str | None] = mapped_column(Text, comment="as in the point, for the row policy")
    outcome: Mapped[str] = mapped_column(Text, comment="added, removed, kept, changed; missed: removed though it was judged true")
    kind: Mapped[int] = mapped_column(SmallInteger, comment="code alarm_kind")
    level: Mapped[int] = mapped_column(SmallInteger, comment="code alarm_level under the rules that raise it")
    limit_name: Mapped[str] = mapped_column(Text, comment="limit or check that raises it")
    value: Mapped[float | None] = mapped_column(Double, comment="value that raises it, in the point's unit")
    raised_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), comment="source time of the raising")
    cleared_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), comment="source time of the end; empty when it goes on")
    historical: Mapped[bool] = mapped_column(Boolean, server_default=text("false"), comment="from late readings")
    alarm_id: Mapped[int | None] = mapped_column(BigInteger, comment="alarm that was raised in truth")


class LimitTemplate(Base):
    """Default rules of a kind of point, with their source."""

    __tablename__ = "limit_template"
    __table_args__ = {"comment": "限值模板 / default rules by kind of point: configuration with its source"}

    key: Mapped[str] = mapped_column(Text, primary_key=True, comment="name of the template")
    zh: Mapped[str] = mapped_column(Text, comment="kind of point, in Chinese")
    en: Mapped[str] = mapped_column(Text, comment="kind of point, in English")
    measure: Mapped[int] = mapped_column(SmallInteger, comment="code measure it suits")
    unit: Mapped[str] = mapped_column(Text, comment="unit it suits and its limits are in")
    content: Mapped[Any] = mapped_column(JSONB, comment="rules as in limit_rule.content")
    source: Mapped[str] = mapped_column(Text, comment="standard, or default")
    sort: Mapped[int] = mapped_column(SmallInteger, comment="order on screen")


class OperationOrder(Base):
    """A work order that covers an object for a time: its states may change without an alarm."""

    __tablename__ = "operation_order"
    __table_args__ = (
        UniqueConstraint("enterprise_id", "order_no"),
        CheckConstraint("ends_at > begins_at", name="span"),
        Index("ix_operation_order_object", "enterprise_id", "object_code", "ends_at"),
        {"comment": "作业单 / work orders under which an object's state may change; insert only"},
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True, comment="row number")
    enterprise_id: Mapped[int] = mapped_column(ForeignKey("enterprise.id", ondelete="RESTRICT"), comment="whose object")
    adcode: Mapped[str | None] = mapped_column(Text, comment="as in the point, for the row policy")
    object_code: Mapped[str] = mapped_column(Text, comment="the enterprise's code of the object")
    order_no: Mapped[str] = mapped_column(Text, comment="number of the order")
    begins_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), comment="from")
    ends_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), comment="until")
    reason: Mapped[str] = mapped_column(Text, comment="what is done")
    filed_by: Mapped[str] = mapped_column(Text, comment="who filed it")
    filed_by_id: Mapped[int | None] = mapped_column(Integer, comment="app_user.id of that person")
    filed_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now(), comment="when it was filed")
