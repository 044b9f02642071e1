"""Logging in and out: lock-out, server-side sessions, and who a session's token stands for."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from portal.accounts.models import LoginFailure, User, UserSession
from portal.accounts.passwords import hash_password, is_outdated, is_password, stranger_hash
from portal.accounts.people import mac_fits, password_expired
from portal.accounts.queries import failures_of_address, failures_of_login, user_by_login
from portal.accounts.rights import permissions_of, scope_of
from portal.accounts.rules import (
    FAILURES_AN_ACCOUNT,
    FAILURES_AN_ADDRESS,
    SessionTimes,
    is_login,
    locked_until,
    session_end,
)
from portal.audit.services import record
from portal.config import Settings
from portal.core.actor import Actor
from portal.core.crypto import PROVIDER
from portal.core.errors import NotFound
from portal.jobs.queries import parameter_figure

TOKEN_BYTES = 32
TOUCH_EVERY = timedelta(seconds=30)
AGENT_CHARS = 300
PASSWORD_DAYS_KEY = "password.days"
PASSWORD_DAYS = 90
NOT_A_LOGIN = "?"
NOBODY = Actor(kind="nobody", id=None, name="")


@dataclass(frozen=True)
class LoginOutcome:
    """What became of a login: a token and the person, or the code of the refusal."""

    token: str | None
    user: User | None
    refused: str = ""


@dataclass(frozen=True)
class Person:
    """Who uses the portal in this request."""

    actor: Actor
    login: str
    display_name: str
    must_change: bool


def log_in(
    session: Session,
    login: str,
    password: str,
    *,
    visitor: Actor,
    agent: str,
    now: datetime,
    settings: Settings,
) -> LoginOutcome:
    """Check a login and open a session; refused as `login_failed` or `login_locked`, never saying why.

    `visitor` carries address and request id. The caller commits in either case: failures are kept.
    """
    login = login.strip().lower()
    login = login if is_login(login) else NOT_A_LOGIN
    # One login at a time under a name: parallel guesses cannot slip past the count.
    session.execute(text("select pg_advisory_xact_lock(hashtextextended(:name, 1))"), {"name": login})
    user = user_by_login(session, login)
    if _is_locked(session, login, user, visitor.address, now):
        record(session, _as(visitor, user, login), "login", result="denied", after={"reason": "locked"})
        return LoginOutcome(None, None, "login_locked")
    right = is_password(password, user.password_hash if user else stranger_hash())
    reason = _refusal(user, right, now, settings)
    if user is None or reason:
        session.add(LoginFailure(login=login, address=visitor.address, at=now))
        action = "rights.tampered" if reason == "tampered" else "login"
        record(session, _as(visitor, user, login), action, result="failed", after={"reason": reason})
        return LoginOutcome(None, None, "login_failed")
    if is_outdated(user.password_hash):
        user.password_hash = hash_password(password)
    return LoginOutcome(_open_session(session, user, visitor=visitor, agent=agent, now=now), user)


def actor_of_token(
    session: Session, token: str, now: datetime, *, settings: Settings, address: str = "", request_id: str = ""
) -> Actor | None:
    """Return who a token stands for, or None when it stands for nobody any more."""
    visitor = Actor(kind="nobody", id=None, name="", address=address, request_id=request_id)
    person = person_of_token(session, token, now, settings=settings, visitor=visitor)
    return person.actor if person else None


def person_of_token(
    session: Session, token: str, now: datetime, *, settings: Settings, visitor: Actor = NOBODY, deed: bool = True
) -> Person | None:
    """Return the person of a token; end the session when its time, account or rights are over.

    `visitor` carries address and request id; only a deed of the person keeps the session from idling.
    """
    wanted = (
        select(UserSession, User, parameter_figure(PASSWORD_DAYS_KEY))
        .join(User, User.id == UserSession.user_id)
        .where(UserSession.token_sm3 == PROVIDER.sm3(token.encode()), UserSession.ended_at.is_(None))
    )
    found = session.execute(wanted).first()
    if found is None:
        return None
    login, user, days = found
    actor = actor_for(user, session_ref=login.ref, address=visitor.address, request_id=visitor.request_id)
    reason = session_end(
        SessionTimes(login.created_at, login.seen_at),
        now,
        idle_minutes=settings.idle_minutes,
        session_hours=settings.session_hours,
    ) or _account_end(user, now, settings)
    if reason:
        login.ended_at, login.end_reason = now, reason
        action = "rights.tampered" if reason == "tampered" else "session.end"
        record(
            session,
            actor,
            action,
            object_type="session",
            object_id=login.ref,
            after={"reason": reason},
        )
        return None
    if deed and now - login.seen_at >= TOUCH_EVERY:
        login.seen_at = now
    days = PASSWORD_DAYS if days is None else days
    return Person(
        actor=actor,
        login=user.login,
        display_name=user.display_name,
        must_change=user.must_change_password or password_expired(user.password_changed_at, now, days),
    )


def actor_for(user: User, *, session_ref: str = "", address: str = "", request_id: str = "") -> Actor:
    """Return a person as the one who acts, with permissions and scope of the role."""
    return Actor(
        kind="user",
        id=user.id,
        name=user.login,
        display_name=user.display_name,
        role=user.role,
        scope=scope_of(
            user.role,
            enterprise_id=user.enterprise_id,
            adcodes=user.adcodes,
            granted=user.granted_enterprise_ids,
        ),
        permissions=permissions_of(user.role),
        session_ref=session_ref,
        address=address,
        request_id=request_id,
        language=user.language,
        enterprise_id=user.enterprise_id,
    )


def log_out(session: Session, *, now: datetime, actor: Actor) -> None:
    """End the session that makes this request."""
    _end(session, UserSession.ref == actor.session_ref, now=now, reason="logout")
    record(session, actor, "logout", object_type="session", object_id=actor.session_ref)


def end_other_sessions(session: Session, *, now: datetime, actor: Actor) -> int:
    """End the actor's sessions elsewhere; return how many there were."""
    mine = (UserSession.user_id == actor.id) & (UserSession.ref != actor.session_ref)
    ended = _end(session, mine, now=now, reason="elsewhere")
    record(
        session,
        actor,
        "session.end_others",
        object_type="user",
        object_id=actor.id or "",
        after={"ended": ended},
    )
    return ended


def end_session(session: Session, ref: str, *, now: datetime, actor: Actor, own_only: bool) -> None:
    """End one session by its name; raise NotFound for an ended, unknown or (when asked) foreign one."""
    which = UserSession.ref == ref
    if own_only:
        which &= UserSession.user_id == actor.id
    if not _end(session, which, now=now, reason="elsewhere"):
        raise NotFound("session", ref=ref)
    record(
        session,
        actor,
        "session.end",
        object_type="session",
        object_id=ref,
        after={"reason": "elsewhere"},
    )


def _is_locked(session: Session, login: str, user: User | None, address: str, now: datetime) -> bool:
    since = user.last_login_at if user else None
    of_login = failures_of_login(session, login, now, since=since, count=FAILURES_AN_ACCOUNT)
    of_address = failures_of_address(session, address, now, count=FAILURES_AN_ADDRESS) if address else []
    locks = (
        locked_until(of_login, FAILURES_AN_ACCOUNT),
        locked_until(of_address, FAILURES_AN_ADDRESS),
    )
    return any(lock is not None and now < lock for lock in locks)


def _refusal(user: User | None, right: bool, now: datetime, settings: Settings) -> str:
    if user is None:
        return "unknown"
    return (_account_end(user, now, settings) or "") if right else "password"


def _account_end(user: User, now: datetime, settings: Settings) -> str | None:
    if not mac_fits(user, settings):
        return "tampered"
    if user.disabled_at is not None:
        return "disabled"
    if user.granted_until is not None and user.granted_until <= now:
        return "grant"
    return None


def _as(visitor: Actor, user: User | None, login: str) -> Actor:
    if user is not None:
        return actor_for(user, address=visitor.address, request_id=visitor.request_id)
    return Actor(kind="nobody", id=None, name=login, address=visitor.address, request_id=visitor.request_id)


def _open_session(session: Session, user: User, *, visitor: Actor, agent: str, now: datetime) -> str:
    token, ref = secrets.token_urlsafe(TOKEN_BYTES), secrets.token_hex(6)
    session.add(
        UserSession(
            token_sm3=PROVIDER.sm3(token.encode()),
            ref=ref,
            user_id=user.id,
            created_at=now,
            seen_at=now,
            address=visitor.address,
            agent=agent.replace("\x00", "")[:AGENT_CHARS],
        )
    )
    user.last_login_at = now
    actor = actor_for(user, session_ref=ref, address=visitor.address, request_id=visitor.request_id)
    record(session, actor, "login", object_type="session", object_id=ref)
    return token


def _end(session: Session, which: object, *, now: datetime, reason: str) -> int:
    change = update(UserSession).where(which, UserSession.ended_at.is_(None))  # type: ignore[arg-type]
    ended = session.execute(change.values(ended_at=now, end_reason=reason).returning(UserSession.ref))
    return len(ended.all())
