"""What enterprises tell of themselves; owns enterprise_profile, enterprise_certificate, enterprise_person."""

from __future__ import annotations

from datetime import date

from sqlalchemy import Boolean, Date, Double, Index, Integer, SmallInteger, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from portal.core.db import Base
from portal.registers.models import Filed


class EnterpriseProfile(Filed, Base):
    """What an enterprise tells of itself beside its registration."""

    __tablename__ = "enterprise_profile"
    __table_args__ = (
        UniqueConstraint("enterprise_id", "record_no"),
        {"comment": "企业概况 / profiles of enterprises"},
    )

    licence_scope: Mapped[str | None] = mapped_column(Text, comment="许可经营范围 / Licensed business")
    legal_person: Mapped[str | None] = mapped_column(Text, comment="法定代表人 / Legal representative; masked")
    safety_head_phone: Mapped[str | None] = mapped_column(Text, comment="安全负责人电话 / Phone of the head of safety; masked")
    safety_staff_n: Mapped[int | None] = mapped_column(Integer, comment="专职安全人员数 / Safety staff")
    users_n: Mapped[int | None] = mapped_column(Integer, comment="用户数 / Users")
    pipe_km: Mapped[float | None] = mapped_column(Double, comment="管网长度 / Pipe length; km")
    plan_filed: Mapped[bool | None] = mapped_column(Boolean, comment="应急预案已备案 / Emergency plan filed")
    control_system: Mapped[str | None] = mapped_column(Text, comment="监控系统及遵循标准 / Control system and standards met")
    redundancy: Mapped[str | None] = mapped_column(Text, comment="冗余配置 / Redundancy")
    backup_centre: Mapped[str | None] = mapped_column(Text, comment="备用监控中心 / Backup control centre")
    backup_switched_on: Mapped[date | None] = mapped_column(Date, comment="备用中心上次切换演练 / Last switch drill of the backup centre")


class EnterpriseCertificate(Filed, Base):
    """A licence or certificate of an enterprise."""

    __tablename__ = "enterprise_certificate"
    __table_args__ = (
        UniqueConstraint("enterprise_id", "kind", "record_no"),
        Index("ix_enterprise_certificate_expires_on", "expires_on"),
        {"comment": "企业证照 / licences and certificates"},
    )

    listed: Mapped[bool] = mapped_column(Boolean, server_default=text("true"), comment="在最新清单中 / Stands in the latest list")
    kind: Mapped[int] = mapped_column(SmallInteger, comment="证照类型 / Kind of certificate; code certificate_kind")
    expires_on: Mapped[date | None] = mapped_column(Date, comment="有效期至 / Valid until")
    name: Mapped[str | None] = mapped_column(Text, comment="证照名称 / Certificate")
    issuer: Mapped[str | None] = mapped_column(Text, comment="发证机关 / Issued by")
    issued_on: Mapped[date | None] = mapped_column(Date, comment="发证日期 / Issued on")


class EnterprisePerson(Filed, Base):
    """One of an enterprise's people, masked."""

    __tablename__ = "enterprise_person"
    __table_args__ = (
        UniqueConstraint("enterprise_id", "record_no"),
        {"comment": "从业人员 / people of enterprises, masked"},
    )

    listed: Mapped[bool] = mapped_column(Boolean, server_default=text("true"), comment="在最新清单中 / Stands in the latest list")
    name: Mapped[str] = mapped_column(Text, comment="姓名 / Person; masked")
    duty: Mapped[int] = mapped_column(SmallInteger, comment="岗位 / Duty; code person_duty")
    team: Mapped[str | None] = mapped_column(Text, comment="班组 / Team")
    phone: Mapped[str | None] = mapped_column(Text, comment="联系电话 / Phone; masked")
    certificate: Mapped[str | None] = mapped_column(Text, comment="从业资格 / Qualification")
    certificate_no: Mapped[str | None] = mapped_column(Text, comment="资格证编号 / Qualification number; masked")
    certificate_expires_on: Mapped[date | None] = mapped_column(Date, comment="资格有效期至 / Qualified until")
    terminal_id: Mapped[str | None] = mapped_column(Text, comment="终端编号 / Terminal")
    in_service: Mapped[bool | None] = mapped_column(Boolean, comment="在岗 / In service")
