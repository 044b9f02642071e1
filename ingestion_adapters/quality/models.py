"""Owns feed_state, feed_silence, feed_hour, quality_rule, quality_result, quality_score, quality_finding, reconciliation_claim …"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
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
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from portal.core.db import Base

AT = DateTime(timezone=True)


class FeedState(Base):
    """What is known of one enterprise's feed of one dataset at this moment; written by a job."""

    __tablename__ = "feed_state"
    __table_args__ = {"comment": "接入状态 / present state of each enterprise's feed of each dataset, written by a job"}

    enterprise_id: Mapped[int] = mapped_column(ForeignKey("enterprise.id", ondelete="RESTRICT"), primary_key=True, comment="sender")
    dataset: Mapped[str] = mapped_column(Text, primary_key=True, comment="dataset")
    interval_s: Mapped[int | None] = mapped_column(Integer, comment="declared interval, s; empty for what comes on events only")
    points: Mapped[int] = mapped_column(Integer, server_default="0", comment="points in use, RT only")
    expected_an_hour: Mapped[float | None] = mapped_column(Double, comment="rows an hour that the points' periods ask for, RT only")
    last_at: Mapped[datetime | None] = mapped_column(AT, comment="newest batch")
    state: Mapped[str] = mapped_column(Text, comment="running, silent, never or events")
    since: Mapped[datetime] = mapped_column(AT, comment="begin of this state; for silence the newest batch before it")
    checked_at: Mapped[datetime] = mapped_column(AT, server_default=func.now(), comment="when the job last looked")


class FeedSilence(Base):
    """One time in which a feed was silent longer than declared."""

    __tablename__ = "feed_silence"
    __table_args__ = (
        Index("uq_feed_silence_open", "enterprise_id", "dataset", unique=True, postgresql_where=text("ended_at is null")),
        Index("ix_feed_silence_noticed_at", "noticed_at"),
        {"comment": "接入中断 / silences of feeds, one row each"},
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True, comment="row number")
    enterprise_id: Mapped[int] = mapped_column(ForeignKey("enterprise.id", ondelete="RESTRICT"), comment="sender")
    dataset: Mapped[str] = mapped_column(Text, comment="dataset")
    interval_s: Mapped[int] = mapped_column(Integer, comment="declared interval at that time, s")
    began_at: Mapped[datetime] = mapped_column(AT, comment="newest batch before it")
    noticed_at: Mapped[datetime] = mapped_column(AT, comment="when the job noticed")
    ended_at: Mapped[datetime | None] = mapped_column(AT, comment="first batch after it")


class FeedHour(Base):
    """What a feed should have sent in an hour."""

    __tablename__ = "feed_hour"
    __table_args__ = {"comment": "应收 / rows expected of a feed in an hour, as its points were then"}

    enterprise_id: Mapped[int] = mapped_column(ForeignKey("enterprise.id", ondelete="RESTRICT"), primary_key=True, comment="sender")
    dataset: Mapped[str] = mapped_column(Text, primary_key=True, comment="dataset")
    hour: Mapped[datetime] = mapped_column(AT, primary_key=True, comment="begin of the hour")
    expected: Mapped[int] = mapped_column(BigInteger, comment="rows expected")


class QualityRule(Base):
    """One version of one rule; never changed once in force, followed by the next version."""

    __tablename__ = "quality_rule"
    __table_args__ = (
        UniqueConstraint("code", "version"),
        Index("uq_quality_rule_in_force", "code", unique=True, postgresql_where=text("state = 'in_force'")),
        CheckConstraint("state in ('proposed', 'in_force', 'retired', 'refused')", name="state"),
        CheckConstraint("quality between 1 and 6", name="quality"),
        CheckConstraint("decided_by is null or decided_by is distinct from proposed_by", name="four_eyes"),
        {"comment": "质量规则 / versions of the rules by which data are judged"},
    )

    id: Mapped[int] = mapped_column(Integer, Identity(), primary_key=True, comment="row number")
    code: Mapped[str] = mapped_column(Text, comment="name that stays over all versions")
    version: Mapped[int] = mapped_column(Integer, comment="1, 2, 3 …")
    quality: Mapped[int] = mapped_column(SmallInteger, comment="code data_quality: 1 authenticity to 6 exchangeability")
    dataset: Mapped[str] = mapped_column(Text, comment="dataset judged; * for each dataset received")
    kind: Mapped[str] = mapped_column(Text, comment="which evaluation in the code")
    parameters: Mapped[dict[str, Any]] = mapped_column(JSONB, comment="figures of the evaluation")
    weight: Mapped[float] = mapped_column(Double, comment="weight within its quality")
    severity: Mapped[int] = mapped_column(SmallInteger, comment="code alarm_level of its findings, 2 to 4")
    zh: Mapped[str] = mapped_column(Text, comment="what it asks for, in Chinese")
    en: Mapped[str] = mapped_column(Text, comment="what it asks for, in English")
    source: Mapped[str] = mapped_column(Text, comment="standard, or default")
    state: Mapped[str] = mapped_column(Text, comment="proposed, in_force, retired or refused")
    reason: Mapped[str] = mapped_column(Text, comment="why this version")
    valid_from: Mapped[datetime | None] = mapped_column(AT, comment="in force from")
    valid_to: Mapped[datetime | None] = mapped_column(AT, comment="in force until")
    proposed_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id", ondelete="RESTRICT"), comment="who proposed; empty when shipped")
    proposed_at: Mapped[datetime] = mapped_column(AT, server_default=func.now(), comment="proposed")
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id", ondelete="RESTRICT"), comment="the second person")
    decided_at: Mapped[datetime | None] = mapped_column(AT, comment="approved or refused")
    decision: Mapped[str | None] = mapped_column(Text, comment="what the second person said")


class QualityResult(Base):
    """What one rule found of one enterprise's day."""

    __tablename__ = "quality_result"
    __table_args__ = (
        Index("ix_quality_result_day", "day", "dataset"),
        {"comment": "规则结果 / checked and failed by rule, enterprise and day; made again when late data come"},
    )

    enterprise_id: Mapped[int] = mapped_column(ForeignKey("enterprise.id", ondelete="RESTRICT"), primary_key=True, comment="judged enterprise")
    day: Mapped[date] = mapped_column(Date, primary_key=True, comment="city day judged")
    rule_code: Mapped[str] = mapped_column(Text, primary_key=True, comment="quality_rule.code")
    dataset: Mapped[str] = mapped_column(Text, primary_key=True, comment="dataset judged")
    rule_id: Mapped[int] = mapped_column(ForeignKey("quality_rule.id", ondelete="RESTRICT"), comment="version that judged")
    quality: Mapped[int] = mapped_column(SmallInteger, comment="code data_quality")
    weight: Mapped[float] = mapped_column(Double, comment="weight of that version")
    checked: Mapped[float] = mapped_column(Double, comment="what was checked, in rows, objects or hours as the rule counts")
    failed: Mapped[float] = mapped_column(Double, comment="of these failed")
    objects: Mapped[int] = mapped_column(Integer, comment="objects judged")
    objects_failed: Mapped[int] = mapped_column(Integer, comment="objects with something failed")
    worst: Mapped[list[Any]] = mapped_column(JSONB, comment="the worst failing objects with their figures")
    computed_at: Mapped[datetime] = mapped_column(AT, server_default=func.now(), comment="computed")


class QualityScore(Base):
    """The score of one quality of one feed on one day."""

    __tablename__ = "quality_score"
    __table_args__ = (
        Index("ix_quality_score_day", "day"),
        {"comment": "质量评分 / scores 0 to 100 by enterprise, dataset, day and quality; quality 0 is all, dataset * the enterprise"},
    )

    enterprise_id: Mapped[int] = mapped_column(ForeignKey("enterprise.id", ondelete="RESTRICT"), primary_key=True, comment="judged enterprise")
    dataset: Mapped[str] = mapped_column(Text, primary_key=True, comment="dataset; * for all")
    day: Mapped[date] = mapped_column(Date, primary_key=True, comment="city day")
    quality: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False, comment="code data_quality; 0 for all")
    score: Mapped[float] = mapped_column(Double, comment="0 to 100")
    rules: Mapped[int] = mapped_column(Integer, comment="rules that had something to check")
    open_day: Mapped[bool] = mapped_column(server_default=text("false"), comment="the day was not over")
    computed_at: Mapped[datetime] = mapped_column(AT, server_default=func.now(), comment="computed")


class QualityDue(Base):
    """A day whose scores have to be made again."""

    __tablename__ = "quality_due"
    __table_args__ = {"comment": "days whose scores must be made again"}

    day: Mapped[date] = mapped_column(Date, primary_key=True, comment="city day")
    since: Mapped[datetime] = mapped_column(AT, server_default=func.clock_timestamp(), comment="when it fell due")


class PointDayPrint(Base):
    """The digest of a point's day, by which copied days are found."""

    __tablename__ = "point_day_print"
    __table_args__ = (
        Index("ix_point_day_print_print", "point_id", "print"),
        {"comment": "digests of the hourly figures of a point's day, to find copied days"},
    )

    point_id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False, comment="point.id")
    day: Mapped[date] = mapped_column(Date, primary_key=True, comment="city day")
    print: Mapped[int] = mapped_column(BigInteger, comment="digest of the hours' figures")


class QualityFinding(Base):
    """Something a rule found wrong with one object: a task of the enterprise until the rule passes."""

    __tablename__ = "quality_finding"
    __table_args__ = (
        Index("uq_quality_finding_open", "rule_code", "enterprise_id", "object_key", unique=True, postgresql_where=text("state <> 'closed'")),
        Index("ix_quality_finding_enterprise_id", "enterprise_id", "state", "last_day"),
        CheckConstraint("state in ('open', 'answered', 'waived', 'closed')", name="state"),
        CheckConstraint("waived_by is null or waived_by is distinct from waive_asked_by", name="four_eyes"),
        {"comment": "质量问题 / what a rule found wrong; a task until the rule passes on newer data"},
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True, comment="row number")
    task_no: Mapped[str] = mapped_column(Text, unique=True, comment="number on letters: ZL{yyyymmdd}{seq}")
    enterprise_id: Mapped[int] = mapped_column(ForeignKey("enterprise.id", ondelete="RESTRICT"), comment="whose data")
    rule_id: Mapped[int] = mapped_column(ForeignKey("quality_rule.id", ondelete="RESTRICT"), comment="version that last found it")
    rule_code: Mapped[str] = mapped_column(Text, comment="quality_rule.code")
    quality: Mapped[int] = mapped_column(SmallInteger, comment="code data_quality")
    severity: Mapped[int] = mapped_column(SmallInteger, comment="code alarm_level")
    dataset: Mapped[str] = mapped_column(Text, comment="dataset")
    object_kind: Mapped[str] = mapped_column(Text, comment="point, pipe, user, feed or day")
    object_key: Mapped[str] = mapped_column(Text, comment="kind and number, one open finding each")
    object_id: Mapped[int | None] = mapped_column(BigInteger, comment="number of the point, pipe …")
    object_code: Mapped[str] = mapped_column(Text, comment="the enterprise's own code, or the dataset")
    begin_at: Mapped[datetime | None] = mapped_column(AT, comment="begin of what is wrong")
    end_at: Mapped[datetime | None] = mapped_column(AT, comment="end of what is wrong")
    figures: Mapped[dict[str, Any]] = mapped_column(JSONB, comment="the figures of the last time")
    first_day: Mapped[date] = mapped_column(Date, comment="first day it was found on")
    last_day: Mapped[date] = mapped_column(Date, comment="newest day it was found on")
    days: Mapped[int] = mapped_column(Integer, server_default="1", comment="times it was found")
    state: Mapped[str] = mapped_column(Text, server_default="open", comment="open, answered, waived or closed")
    opened_at: Mapped[datetime] = mapped_column(AT, server_default=func.now(), comment="opened")
    due_at: Mapped[datetime] = mapped_column(AT, comment="limit for the enterprise, working hours counted")
    answered_at: Mapped[datetime | None] = mapped_column(AT, comment="last reply")
    waive_asked_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id", ondelete="RESTRICT"), comment="who asked to waive it")
    waived_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id", ondelete="RESTRICT"), comment="the second person")
    waived_until: Mapped[date | None] = mapped_column(Date, comment="last day it is waived for")
    closed_at: Mapped[datetime | None] = mapped_column(AT, comment="when the rule passed")
    closed_by_day: Mapped[date | None] = mapped_column(Date, comment="day on whose data the rule passed")


class QualityStep(Base):
    """One step of a finding; insert only."""

    __tablename__ = "quality_step"
    __table_args__ = (
        Index("ix_quality_step_finding_id", "finding_id", "id"),
        {"comment": "质量问题流程 / steps of a finding; insert only"},
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True, comment="row number")
    finding_id: Mapped[int] = mapped_column(ForeignKey("quality_finding.id", ondelete="RESTRICT"), comment="finding")
    enterprise_id: Mapped[int] = mapped_column(Integer, comment="as in the finding, for the row policy")
    action: Mapped[str] = mapped_column(Text, comment="open, again, reply, ask_waive, waive, keep, resume, close")
    note: Mapped[str | None] = mapped_column(Text, comment="what was said")
    actor_kind: Mapped[str] = mapped_column(Text, comment="user, program, job")
    actor_id: Mapped[int | None] = mapped_column(Integer, comment="who")
    actor_name: Mapped[str] = mapped_column(Text, comment="name at that time")
    at: Mapped[datetime] = mapped_column(AT, server_default=func.clock_timestamp(), comment="when")


class ReconciliationClaim(Base):
    """What an enterprise says it sent of one dataset on one day; insert only, the newest counts."""

    __tablename__ = "reconciliation_claim"
    __table_args__ = (
        Index("ix_reconciliation_claim_enterprise_id", "enterprise_id", "day", "dataset", "id"),
        {"comment": "对账申报 / what enterprises say they sent; insert only, the newest counts"},
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True, comment="row number")
    enterprise_id: Mapped[int] = mapped_column(ForeignKey("enterprise.id", ondelete="RESTRICT"), comment="sender")
    day: Mapped[date] = mapped_column(Date, comment="city day of sending")
    dataset: Mapped[str] = mapped_column(Text, comment="dataset")
    batches: Mapped[int] = mapped_column(Integer, comment="batches sent")
    rows: Mapped[int] = mapped_column(BigInteger, comment="rows sent")
    sm3: Mapped[str] = mapped_column(Text, comment="SM3 over the bodies' SM3s, hex")
    batch_ids: Mapped[list[str] | None] = mapped_column(JSONB, comment="the batches' numbers, when given")
    app_id: Mapped[str] = mapped_column(Text, comment="key that signed it")
    at: Mapped[datetime] = mapped_column(AT, server_default=func.clock_timestamp(), comment="when it came")
