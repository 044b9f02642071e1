"""Enterprises and the keys of their programs: registering, making, rotating and revoking."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from portal.accounts.models import ApiKey, Enterprise
from portal.accounts.queries import enterprise_by_id
from portal.accounts.rules import is_uscc
from portal.audit.services import record
from portal.config import Settings
from portal.core.actor import Actor
from portal.core.codes import dictionaries
from portal.core.crypto import PROVIDER
from portal.core.errors import Conflict, Invalid, NotFound

KEY_BYTES = 32
APP_ID_BYTES = 8
KEYS_AT_ONCE = 2
OVERLAP = timedelta(days=7)


@dataclass(frozen=True)
class NewKey:
    """A key just made; the only moment it can be read."""

    id: int
    app_id: str
    key: str


def create_enterprise(
    session: Session, uscc: str, name: str, short_name: str, *, kind: int, actor: Actor
) -> Enterprise:
    """Register an enterprise; raise Invalid for a wrong code, Conflict for a known one."""
    uscc, name, short_name = uscc.strip().upper(), name.strip(), short_name.strip()
    if not is_uscc(uscc):
        raise Invalid("uscc_wrong", uscc=uscc)
    if kind not in dictionaries()["enterprise_kind"] or not name or not short_name:
        raise Invalid("enterprise_incomplete")
    known = or_(Enterprise.uscc == uscc, Enterprise.short_name == short_name)
    if session.scalar(select(Enterprise.id).where(known)) is not None:
        raise Conflict("enterprise_known", uscc=uscc, short_name=short_name)
    made = Enterprise(uscc=uscc, name=name, short_name=short_name, kind=kind)
    session.add(made)
    session.flush()
    after: dict[str, Any] = {"uscc": uscc, "name": name, "short_name": short_name, "kind": kind}
    record(
        session,
        actor,
        "enterprise.create",
        object_type="enterprise",
        object_id=made.id,
        enterprise_id=made.id,
        after=after,
    )
    return made


def make_key(session: Session, enterprise_id: int, *, settings: Settings, now: datetime, actor: Actor) -> NewKey:
    """Make a key for an enterprise's program; raise Conflict when two are valid already."""
    enterprise_by_id(session, enterprise_id)
    if len(_valid_keys(session, enterprise_id, now)) >= KEYS_AT_ONCE:
        raise Conflict("key_two_valid", enterprise_id=enterprise_id)
    return _new_key(session, enterprise_id, settings=settings, now=now, actor=actor)


def rotate_key(session: Session, enterprise_id: int, *, settings: Settings, now: datetime, actor: Actor) -> NewKey:
    """Make a new key; the newest old one stays valid for a week, older ones end at once."""
    enterprise_by_id(session, enterprise_id)
    for place, old in enumerate(_valid_keys(session, enterprise_id, now)):
        before = _snapshot(old)
        ends = now + OVERLAP if place == 0 else now
        old.valid_until = ends if old.valid_until is None else min(old.valid_until, ends)
        session.flush()
        record(
            session,
            actor,
            "key.retire",
            object_type="api_key",
            object_id=old.id,
            enterprise_id=enterprise_id,
            before=before,
            after=_snapshot(old),
        )
    return _new_key(session, enterprise_id, settings=settings, now=now, actor=actor)


def revoke_key(session: Session, enterprise_id: int, key_id: int, *, now: datetime, actor: Actor) -> None:
    """Cut a key off at once; raise NotFound for another enterprise's, Conflict when it is cut off."""
    wanted = select(ApiKey).where(ApiKey.id == key_id, ApiKey.enterprise_id == enterprise_id)
    found = session.scalar(wanted.with_for_update())
    if found is None:
        raise NotFound("api_key", key_id=key_id)
    if found.revoked_at is not None:
        raise Conflict("key_revoked", key_id=key_id)
    before = _snapshot(found)
    found.revoked_at = now
    session.flush()
    record(
        session,
        actor,
        "key.revoke",
        object_type="api_key",
        object_id=key_id,
        enterprise_id=enterprise_id,
        before=before,
        after=_snapshot(found),
    )


def key_label(app_id: str) -> bytes:
    """Return the label that binds a sealed key to its app id."""
    return f"api_key|{app_id}".encode()


def open_key(sealed: str, app_id: str, settings: Settings) -> bytes:
    """Return the key of a sealed one; raise ValueError when it was changed or moved to another app id."""
    return PROVIDER.unseal(settings.seal_key.encode(), sealed, key_label(app_id))


def _new_key(session: Session, enterprise_id: int, *, settings: Settings, now: datetime, actor: Actor) -> NewKey:
    app_id, key = secrets.token_hex(APP_ID_BYTES), secrets.token_urlsafe(KEY_BYTES)
    sealed = PROVIDER.seal(settings.seal_key.encode(), key.encode(), key_label(app_id))
    made = ApiKey(enterprise_id=enterprise_id, app_id=app_id, key_sealed=sealed, created_at=now)
    session.add(made)
    session.flush()
    record(
        session,
        actor,
        "key.make",
        object_type="api_key",
        object_id=made.id,
        enterprise_id=enterprise_id,
        after=_snapshot(made),
    )
    return NewKey(made.id, app_id, key)


def _valid_keys(session: Session, enterprise_id: int, now: datetime) -> list[ApiKey]:
    wanted = select(ApiKey).where(
        ApiKey.enterprise_id == enterprise_id,
        ApiKey.revoked_at.is_(None),
        or_(ApiKey.valid_until.is_(None), ApiKey.valid_until > now),
    )
    return list(session.scalars(wanted.order_by(ApiKey.id.desc()).with_for_update()))


def _snapshot(key: ApiKey) -> dict[str, Any]:
    return {
        "app_id": key.app_id,
        "valid_until": key.valid_until.isoformat() if key.valid_until else None,
        "revoked_at": key.revoked_at.isoformat() if key.revoked_at else None,
    }
