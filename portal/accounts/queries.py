"""Reads of enterprises, people, sessions and keys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Row, or_, select
from sqlalchemy.orm import Session

from portal.accounts.models import ApiKey, Enterprise, LoginFailure, PastPassword, User, UserSession
from portal.accounts.rules import FAILURE_WINDOW, LOCK_TIME
from portal.core.errors import NotFound

PAGE_ROWS = 50


@dataclass(frozen=True)
class KeyFacts:
    """A key of an enterprise's program, without the key."""

    id: int
    app_id: str
    created_at: datetime
    valid_until: datetime | None
    revoked_at: datetime | None
    used_at: datetime | None
    algorithm: str = "HMAC-SM3"
    public_key: str | None = None

    def is_valid(self, now: datetime) -> bool:
        """Return whether the key may still sign."""
        return self.revoked_at is None and (self.valid_until is None or self.valid_until > now)


def user_by_login(session: Session, login: str) -> User | None:
    """Return the person with a login name, or None."""
    return session.scalar(select(User).where(User.login == login))


def user_by_id(session: Session, user_id: int, *, lock: bool = False) -> User:
    """Return a person, locked until the transaction ends when asked; raise NotFound."""
    wanted = select(User).where(User.id == user_id)
    found = session.scalar(wanted.with_for_update() if lock else wanted)
    if found is None:
        raise NotFound("user", user_id=user_id)
    return found


def users(session: Session, *, words: str = "", role: int | None = None, after: str = "") -> Sequence[User]:
    """Return up to a page of people and one more, by login name after `after`."""
    wanted = select(User).where(User.login > after).order_by(User.login).limit(PAGE_ROWS + 1)
    if words:
        part = f"%{_plain(words)}%"
        wanted = wanted.where(or_(User.login.ilike(part), User.display_name.ilike(part)))
    if role is not None:
        wanted = wanted.where(User.role == role)
    return session.scalars(wanted).all()


def past_hashes(session: Session, user_id: int, count: int) -> list[str]:
    """Return the hashes of a person's former passwords, newest first."""
    wanted = select(PastPassword.password_hash).where(PastPassword.user_id == user_id)
    return list(session.scalars(wanted.order_by(PastPassword.id.desc()).limit(count)))


def failures_of_login(
    session: Session, login: str, now: datetime, *, since: datetime | None, count: int
) -> list[datetime]:
    """Return when logins under this name last failed, newest first, after the last success."""
    wanted = select(LoginFailure.at).where(LoginFailure.login == login)
    if since is not None:
        wanted = wanted.where(LoginFailure.at > since)
    wanted = wanted.where(LoginFailure.at > now - FAILURE_WINDOW - LOCK_TIME)
    return list(session.scalars(wanted.order_by(LoginFailure.at.desc()).limit(count)))


def failures_of_address(session: Session, address: str, now: datetime, *, count: int) -> list[datetime]:
    """Return when logins from this address last failed, newest first."""
    wanted = select(LoginFailure.at).where(
        LoginFailure.address == address, LoginFailure.at > now - FAILURE_WINDOW - LOCK_TIME
    )
    return list(session.scalars(wanted.order_by(LoginFailure.at.desc()).limit(count)))


def sessions_of(session: Session, user_id: int, now: datetime, session_hours: int) -> Sequence[UserSession]:
    """Return a person's sessions that have not ended, newest use first."""
    wanted = select(UserSession).where(
        UserSession.user_id == user_id,
        UserSession.ended_at.is_(None),
        UserSession.created_at > now - timedelta(hours=session_hours),
    )
    return session.scalars(wanted.order_by(UserSession.seen_at.desc())).all()


def open_sessions(
    session: Session, now: datetime, *, idle_minutes: int, session_hours: int
) -> Sequence[Row[tuple[UserSession, User]]]:
    """Return everybody's living sessions with their people, newest use first, up to 500."""
    wanted = (
        select(UserSession, User)
        .join(User, User.id == UserSession.user_id)
        .where(
            UserSession.ended_at.is_(None),
            UserSession.created_at > now - timedelta(hours=session_hours),
            UserSession.seen_at > now - timedelta(minutes=idle_minutes),
        )
    )
    return session.execute(wanted.order_by(UserSession.seen_at.desc()).limit(500)).all()


def enterprises(session: Session) -> Sequence[Enterprise]:
    """Return every enterprise by short name."""
    return session.scalars(select(Enterprise).order_by(Enterprise.short_name)).all()


def enterprise_by_id(session: Session, enterprise_id: int) -> Enterprise:
    """Return an enterprise; raise NotFound."""
    found = session.get(Enterprise, enterprise_id)
    if found is None:
        raise NotFound("enterprise", enterprise_id=enterprise_id)
    return found


def enterprise_named(session: Session, name: str) -> Enterprise:
    """Return the enterprise with this credit code, short name or name; raise NotFound."""
    wanted = select(Enterprise).where(
        or_(Enterprise.uscc == name.upper(), Enterprise.short_name == name, Enterprise.name == name)
    )
    found = session.scalars(wanted.order_by(Enterprise.id)).first()
    if found is None:
        raise NotFound("enterprise", name=name)
    return found


def keys_of(session: Session, enterprise_id: int) -> list[KeyFacts]:
    """Return the keys of an enterprise, newest first, without the keys themselves."""
    wanted = select(
        ApiKey.id,
        ApiKey.app_id,
        ApiKey.created_at,
        ApiKey.valid_until,
        ApiKey.revoked_at,
        ApiKey.used_at,
        ApiKey.algorithm,
        ApiKey.public_key,
    ).where(ApiKey.enterprise_id == enterprise_id)
    return [KeyFacts(*row) for row in session.execute(wanted.order_by(ApiKey.id.desc()))]


def _plain(words: str) -> str:
    """Return words with the signs of LIKE made harmless."""
    return words.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")
