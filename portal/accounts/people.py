"""People's accounts: creating, disabling, resetting, changing rights and passwords; the seal over rights."""

from __future__ import annotations

import hmac
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session

from portal.accounts.models import PastPassword, User, UserSession
from portal.accounts.passwords import (
    PAST_REFUSED,
    broken_rules,
    hash_password,
    is_password,
    is_reused,
    one_time_password,
)
from portal.accounts.queries import enterprise_by_id, past_hashes, user_by_id, user_by_login
from portal.accounts.rights import Rights, rights_problems, rights_text
from portal.accounts.rules import is_login
from portal.audit.services import record
from portal.config import Settings
from portal.core.actor import Actor
from portal.core.crypto import PROVIDER
from portal.core.errors import Conflict, Invalid, NotAllowed


def create_user(
    session: Session,
    login: str,
    display_name: str,
    rights: Rights,
    *,
    settings: Settings,
    actor: Actor,
    password: str | None = None,
) -> tuple[User, str]:
    """Create an account; return it with its password, a one-time one unless given, to be changed first.

    Raise Invalid for a bad login or rights, Conflict for a login that exists.
    """
    login = login.strip().lower()
    if not is_login(login):
        raise Invalid("login_shape")
    if user_by_login(session, login) is not None:
        raise Conflict("login_taken", login=login)
    _check_rights(session, rights)
    given = password or one_time_password()
    user = User(
        login=login,
        display_name=display_name.strip(),
        password_hash=hash_password(given),
        must_change_password=True,
        language="zh_CN",
    )
    _set_rights(user, rights, settings)
    session.add(user)
    session.flush()
    record(
        session,
        actor,
        "user.create",
        object_type="user",
        object_id=user.id,
        enterprise_id=user.enterprise_id,
        after=snapshot(user),
    )
    return user, given


def change_rights(
    session: Session,
    user_id: int,
    rights: Rights,
    *,
    settings: Settings,
    now: datetime,
    actor: Actor,
) -> User:
    """Give a person another role or scope and end the sessions; raise NotAllowed for one's own account."""
    user = _other(session, user_id, actor)
    _check_rights(session, rights)
    before = snapshot(user)
    _set_rights(user, rights, settings)
    _end_sessions(session, user_id, now, "rights")
    _recorded(session, user, before, "user.rights", actor)
    return user


def disable_user(session: Session, user_id: int, *, now: datetime, actor: Actor) -> User:
    """Close an account and end its sessions; raise NotAllowed for one's own, Conflict when closed."""
    user = _other(session, user_id, actor)
    if user.disabled_at is not None:
        raise Conflict("user_disabled", user_id=user_id)
    before = snapshot(user)
    user.disabled_at = now
    _end_sessions(session, user_id, now, "disabled")
    _recorded(session, user, before, "user.disable", actor)
    return user


def enable_user(session: Session, user_id: int, *, actor: Actor) -> User:
    """Open a closed account again; raise NotAllowed for one's own, Conflict when open."""
    user = _other(session, user_id, actor)
    if user.disabled_at is None:
        raise Conflict("user_enabled", user_id=user_id)
    before = snapshot(user)
    user.disabled_at = None
    _recorded(session, user, before, "user.enable", actor)
    return user


def reset_password(session: Session, user_id: int, *, now: datetime, actor: Actor) -> tuple[User, str]:
    """Give another person a one-time password, shown once; end the sessions and any lock."""
    user = _other(session, user_id, actor)
    before = snapshot(user)
    password = one_time_password()
    _set_password(session, user, password, now)
    user.must_change_password = True
    # The count of failures begins anew after a success; a reset counts as one.
    user.last_login_at = now
    _end_sessions(session, user_id, now, "password")
    _recorded(session, user, before, "user.reset", actor)
    return user, password


def change_password(session: Session, user_id: int, old: str, new: str, *, now: datetime, actor: Actor) -> None:
    """Change one's own password and end the sessions elsewhere.

    Raise Invalid with the code password_wrong, password_used or that of the first broken rule.
    """
    user = user_by_id(session, user_id, lock=True)
    if not is_password(old, user.password_hash):
        raise Invalid("password_wrong")
    broken = broken_rules(new, login=user.login, display_name=user.display_name)
    if broken:
        raise Invalid(broken[0], rules=broken)
    past = [user.password_hash, *past_hashes(session, user.id, PAST_REFUSED - 1)]
    if is_reused(new, past):
        raise Invalid("password_used")
    before = snapshot(user)
    _set_password(session, user, new, now)
    user.must_change_password = False
    _end_sessions(session, user.id, now, "password", but=actor.session_ref)
    _recorded(session, user, before, "user.password", actor)


def set_language(session: Session, user_id: int, language: str, *, actor: Actor) -> None:
    """Keep the language in which a person reads the portal."""
    user = user_by_id(session, user_id, lock=True)
    before = snapshot(user)
    user.language = language
    _recorded(session, user, before, "user.language", actor)


def password_expired(changed_at: datetime, now: datetime, days: float) -> bool:
    """Return whether a password is older than it may be; 0 days means never."""
    return days > 0 and now - changed_at > timedelta(days=days)


def rights_mac(user: User, settings: Settings) -> str:
    """Return the hex HMAC-SM3 over a person's login, role and scope."""
    words = rights_text(
        user.login,
        user.role,
        enterprise_id=user.enterprise_id,
        adcodes=user.adcodes,
        granted=user.granted_enterprise_ids,
        granted_until=user.granted_until,
    )
    return PROVIDER.hmac_sm3(settings.seal_key.encode(), words.encode()).hex()


def mac_fits(user: User, settings: Settings) -> bool:
    """Return whether a person's rights are as the portal wrote them."""
    return hmac.compare_digest(user.rights_mac.encode(), rights_mac(user, settings).encode())


def snapshot(user: User) -> dict[str, Any]:
    """Return an account as the audit keeps it: no password, no hash."""
    return {
        "login": user.login,
        "display_name": user.display_name,
        "role": user.role,
        "enterprise_id": user.enterprise_id,
        "adcodes": list(user.adcodes),
        "granted_enterprise_ids": list(user.granted_enterprise_ids),
        "granted_until": user.granted_until.isoformat() if user.granted_until else None,
        "language": user.language,
        "must_change_password": user.must_change_password,
        "password_changed_at": user.password_changed_at.isoformat() if user.password_changed_at else None,
        "disabled": user.disabled_at is not None,
    }


def _other(session: Session, user_id: int, actor: Actor) -> User:
    if actor.kind == "user" and actor.id == user_id:
        raise NotAllowed("own_account")
    return user_by_id(session, user_id, lock=True)


def _check_rights(session: Session, rights: Rights) -> None:
    problems = rights_problems(
        rights.role,
        enterprise_id=rights.enterprise_id,
        adcodes=rights.adcodes,
        granted=rights.granted_enterprise_ids,
    )
    if problems:
        raise Invalid(problems[0])
    named = [
        *rights.granted_enterprise_ids,
        *([rights.enterprise_id] if rights.enterprise_id else []),
    ]
    for enterprise_id in named:
        enterprise_by_id(session, enterprise_id)


def _set_rights(user: User, rights: Rights, settings: Settings) -> None:
    user.role = rights.role
    user.enterprise_id = rights.enterprise_id
    user.adcodes = list(rights.adcodes)
    user.granted_enterprise_ids = list(rights.granted_enterprise_ids)
    user.granted_until = rights.granted_until
    user.rights_mac = rights_mac(user, settings)


def _set_password(session: Session, user: User, password: str, now: datetime) -> None:
    session.add(PastPassword(user_id=user.id, password_hash=user.password_hash, at=now))
    user.password_hash = hash_password(password)
    user.password_changed_at = now


def _end_sessions(session: Session, user_id: int, now: datetime, reason: str, but: str = "") -> None:
    session.execute(
        update(UserSession)
        .where(UserSession.user_id == user_id, UserSession.ended_at.is_(None), UserSession.ref != but)
        .values(ended_at=now, end_reason=reason)
    )


def _recorded(session: Session, user: User, before: dict[str, Any], action: str, actor: Actor) -> None:
    session.flush()
    record(
        session,
        actor,
        action,
        object_type="user",
        object_id=user.id,
        enterprise_id=user.enterprise_id,
        before=before,
        after=snapshot(user),
    )
