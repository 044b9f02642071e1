"""Enterprises, people, sessions and keys; owns enterprise, app_user, password_past, user_session, login_failure, api_key."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import (
    ARRAY,
    Boolean,
    CheckConstraint,
    Date,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Text,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from portal.core.db import Base


class Enterprise(Base):
    """A gas enterprise under supervision."""

    __tablename__ = "enterprise"
    __table_args__ = {"comment": "燃气企业 / gas enterprise under supervision"}

    id: Mapped[int] = mapped_column(Integer, Identity(), primary_key=True, comment="number inside the portal")
    uscc: Mapped[str] = mapped_column(Text, unique=True, comment="统一社会信用代码, 18 characters")
    name: Mapped[str] = mapped_column(Text, comment="企业名称")
    short_name: Mapped[str] = mapped_column(Text, unique=True, comment="简称, usable on the command line")
    kind: Mapped[int] = mapped_column(SmallInteger, comment="code enterprise_kind")
    status: Mapped[int] = mapped_column(SmallInteger, server_default="1", comment="code enterprise_status")
    licence_no: Mapped[str | None] = mapped_column(Text, comment="燃气经营许可证编号")
    licence_expire_on: Mapped[date | None] = mapped_column(Date, comment="许可证有效期至")
    duty_phone: Mapped[str | None] = mapped_column(Text, comment="24 h duty phone")
    safety_head_masked: Mapped[str | None] = mapped_column(Text, comment="安全负责人, masked")
    staff_n: Mapped[int | None] = mapped_column(Integer, comment="number of staff")
    certified_n: Mapped[int | None] = mapped_column(Integer, comment="number of certified staff")
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now(), comment="registered")
    updated_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now(), comment="last change")


class User(Base):
    """A person with a login; never deleted, only disabled."""

    __tablename__ = "app_user"
    __table_args__ = (
        CheckConstraint("login = lower(login)", name="login_lower"),
        {"comment": "账号 / a person's account; disabled, never deleted, its number never reused"},
    )

    id: Mapped[int] = mapped_column(Integer, Identity(), primary_key=True, comment="number inside the portal")
    login: Mapped[str] = mapped_column(Text, unique=True, comment="login name, lower case")
    display_name: Mapped[str] = mapped_column(Text, comment="name shown on screen")
    password_hash: Mapped[str] = mapped_column(Text, comment="argon2id hash")
    role: Mapped[int] = mapped_column(SmallInteger, comment="code role")
    enterprise_id: Mapped[int | None] = mapped_column(ForeignKey("enterprise.id", ondelete="RESTRICT"), comment="own enterprise of an enterprise's people")
    adcodes: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"), comment="districts of a district regulator, GB/T 2260")
    granted_enterprise_ids: Mapped[list[int]] = mapped_column(ARRAY(Integer), server_default=text("'{}'"), comment="enterprises an expert or evaluator was invited to")
    granted_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), comment="end of an evaluator's or expert's grant")
    language: Mapped[str] = mapped_column(Text, server_default="zh_CN", comment="zh_CN or en")
    must_change_password: Mapped[bool] = mapped_column(Boolean, server_default=text("true"), comment="forced change at next login")
    password_changed_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now(), comment="last password change")
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now(), comment="account made")
    disabled_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), comment="account closed")
    last_login_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), comment="last successful login")
    rights_mac: Mapped[str] = mapped_column(Text, server_default="", comment="HMAC-SM3 over login, role and scope, checked at load")


class PastPassword(Base):
    """A former password's hash."""

    __tablename__ = "password_past"
    __table_args__ = {"comment": "former passwords; the last ones may not be used again"}

    id: Mapped[int] = mapped_column(Integer, Identity(), primary_key=True, comment="row number")
    user_id: Mapped[int] = mapped_column(ForeignKey("app_user.id", ondelete="RESTRICT"), index=True, comment="whose")
    password_hash: Mapped[str] = mapped_column(Text, comment="argon2id hash")
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now(), comment="replaced at")


class UserSession(Base):
    """A login on one browser."""

    __tablename__ = "user_session"
    __table_args__ = {"comment": "server-side sessions; the cookie holds a token whose SM3 is the key here"}

    token_sm3: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True, comment="SM3 of the token in the cookie")
    ref: Mapped[str] = mapped_column(Text, unique=True, comment="short name of the session in audit and logs")
    user_id: Mapped[int] = mapped_column(ForeignKey("app_user.id", ondelete="RESTRICT"), index=True, comment="whose")
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now(), comment="logged in")
    seen_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now(), comment="last request")
    ended_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), comment="ended")
    end_reason: Mapped[str | None] = mapped_column(Text, comment="logout, idle, expired, elsewhere, password")
    address: Mapped[str] = mapped_column(Text, server_default="", comment="network address at login")
    agent: Mapped[str] = mapped_column(Text, server_default="", comment="browser at login")


class LoginFailure(Base):
    """A failed login."""

    __tablename__ = "login_failure"
    __table_args__ = (
        Index("ix_login_failure_login_at", "login", "at"),
        Index("ix_login_failure_address_at", "address", "at"),
        {"comment": "failed logins; counted for lock-out"},
    )

    id: Mapped[int] = mapped_column(Integer, Identity(), primary_key=True, comment="row number")
    login: Mapped[str] = mapped_column(Text, comment="login name as tried, lower case")
    address: Mapped[str] = mapped_column(Text, comment="network address")
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now(), comment="when")


class ApiKey(Base):
    """A key with which an enterprise's program signs."""

    __tablename__ = "api_key"
    __table_args__ = (
        CheckConstraint(
            "algorithm = 'HMAC-SM3' and public_key is null or algorithm = 'SM2-SM3' and public_key is not null",
            name="algorithm",
        ),
        {"comment": "keys of enterprises' programs; two of each algorithm may be valid at once for rotation"},
    )

    id: Mapped[int] = mapped_column(Integer, Identity(), primary_key=True, comment="row number")
    enterprise_id: Mapped[int] = mapped_column(ForeignKey("enterprise.id", ondelete="RESTRICT"), index=True, comment="whose")
    app_id: Mapped[str] = mapped_column(Text, unique=True, comment="X-App-Id")
    algorithm: Mapped[str] = mapped_column(Text, server_default="HMAC-SM3", comment="X-Sign-Alg: HMAC-SM3 or SM2-SM3")
    public_key: Mapped[str | None] = mapped_column(Text, unique=True, comment="SM2 public key 04||x||y in hex, to be shown; empty for HMAC-SM3")
    sandbox: Mapped[bool] = mapped_column(Boolean, server_default=text("false"), comment="opens the sandbox only, nothing live")
    key_sealed: Mapped[str] = mapped_column(Text, comment="secret or public key, SM4-GCM under the portal's seal key, bound to app id and algorithm")
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now(), comment="made")
    valid_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), comment="ends, set at rotation")
    revoked_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), comment="cut off")
    cut_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), comment="cut off by the portal itself, until given free")
    used_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), comment="last accepted request")
