"""Enterprises and the keys of their programs: registering, making, rotating and revoking.

HMAC-SM3 keys are made here and shown once; of SM2 key pairs only the public key ever comes here.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from portal.accounts.models import ApiKey, Enterprise
from portal.accounts.queries import enterprise_by_id
from portal.accounts.rules import LONGEST_OVERLAP, OVERLAP, is_uscc
from portal.audit.services import record
from portal.config import Settings
from portal.core.actor import Actor
from portal.core.codes import dictionaries
from portal.core.crypto import PROVIDER
from portal.core.crypto_sm2 import public_point, sm2_available
from portal.core.errors import Conflict, Invalid, NotFound

KEY_BYTES = 32
APP_ID_BYTES = 8
KEYS_AT_ONCE = 2
HMAC_SM3 = "HMAC-SM3"
SM2_SM3 = "SM2-SM3"


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


def make_key(
    session: Session, enterprise_id: int, *, settings: Settings, now: datetime, actor: Actor, sandbox: bool = False
) -> NewKey:
    """Make a key for an enterprise's program; raise Conflict when two are valid already.

    A key made for the `sandbox` opens nothing live; it is counted apart.
    """
    enterprise_by_id(session, enterprise_id)
    if len(_valid_keys(session, enterprise_id, HMAC_SM3, now, sandbox=sandbox)) >= KEYS_AT_ONCE:
        raise Conflict("key_two_valid", enterprise_id=enterprise_id)
    return _new_key(session, enterprise_id, settings=settings, now=now, actor=actor, sandbox=sandbox)


def rotate_key(
    session: Session,
    enterprise_id: int,
    *,
    settings: Settings,
    now: datetime,
    actor: Actor,
    overlap: timedelta = OVERLAP,
) -> NewKey:
    """Make a new key; the newest old one stays valid for the overlap, older ones end at once; raise Invalid."""
    _check_overlap(overlap)
    enterprise_by_id(session, enterprise_id)
    _retire(session, enterprise_id, HMAC_SM3, overlap=overlap, now=now, actor=actor)
    return _new_key(session, enterprise_id, settings=settings, now=now, actor=actor)


@dataclass(frozen=True)
class Sm2Key:
    """A public key as an enterprise hands it in, and how long the key before it stays valid."""

    public_key: str
    overlap: timedelta = OVERLAP


def register_sm2_key(
    session: Session, enterprise_id: int, key: Sm2Key, *, settings: Settings, now: datetime, actor: Actor
) -> str:
    """Register an SM2 public key and return its app id; the SM2 key before it ends after the overlap.

    Raise Invalid for anything but a point of the curve, Conflict for a key that was registered before.
    """
    _check_overlap(key.overlap)
    enterprise_by_id(session, enterprise_id)
    if not sm2_available():
        raise Invalid("sm2_not_offered")
    if "PRIVATE KEY" in key.public_key:
        raise Invalid("sm2_key_private")
    try:
        point = public_point(key.public_key).hex()
    except ValueError as wrong:
        raise Invalid("sm2_key_wrong", reason=str(wrong)) from wrong
    if session.scalar(select(ApiKey.id).where(ApiKey.public_key == point)) is not None:
        raise Conflict("sm2_key_known")
    _retire(session, enterprise_id, SM2_SM3, overlap=key.overlap, now=now, actor=actor)
    app_id = secrets.token_hex(APP_ID_BYTES)
    made = ApiKey(
        enterprise_id=enterprise_id,
        app_id=app_id,
        algorithm=SM2_SM3,
        public_key=point,
        key_sealed=_sealed(bytes.fromhex(point), app_id, SM2_SM3, settings),
        created_at=now,
    )
    _keep_key(session, made, actor)
    return app_id


def _check_overlap(overlap: timedelta) -> None:
    if not timedelta(0) <= overlap <= LONGEST_OVERLAP:
        raise Invalid("key_overlap_wrong", days=LONGEST_OVERLAP.days)


def _retire(
    session: Session, enterprise_id: int, algorithm: str, *, overlap: timedelta, now: datetime, actor: Actor
) -> None:
    """Let the newest valid key of an algorithm end after the overlap and older ones at once."""
    for place, old in enumerate(_valid_keys(session, enterprise_id, algorithm, now)):
        before = _snapshot(old)
        ends = now + overlap if place == 0 else now
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


def key_label(app_id: str, algorithm: str = HMAC_SM3, *, sandbox: bool = False) -> bytes:
    """Return the label that binds a sealed key to its app id, its algorithm and what it opens.

    A public key that somebody turned into a secret one, or a sandbox key into a live one, by a change in the
    table must not open.
    """
    label = f"api_key|{app_id}" if algorithm == HMAC_SM3 else f"api_key|{algorithm}|{app_id}"
    return (f"sandbox|{label}" if sandbox else label).encode()


def open_key(
    sealed: str, app_id: str, settings: Settings, algorithm: str = HMAC_SM3, *, sandbox: bool = False
) -> bytes:
    """Return the key of a sealed one; raise ValueError when it was changed or moved to another app id or use."""
    return PROVIDER.unseal(settings.seal_key.encode(), sealed, key_label(app_id, algorithm, sandbox=sandbox))


def _sealed(key: bytes, app_id: str, algorithm: str, settings: Settings) -> str:
    return PROVIDER.seal(settings.seal_key.encode(), key, key_label(app_id, algorithm))


def _new_key(
    session: Session, enterprise_id: int, *, settings: Settings, now: datetime, actor: Actor, sandbox: bool = False
) -> NewKey:
    app_id, key = secrets.token_hex(APP_ID_BYTES), secrets.token_urlsafe(KEY_BYTES)
    label = key_label(app_id, sandbox=sandbox)
    made = ApiKey(
        enterprise_id=enterprise_id,
        app_id=app_id,
        key_sealed=PROVIDER.seal(settings.seal_key.encode(), key.encode(), label),
        created_at=now,
        algorithm=HMAC_SM3,
        sandbox=sandbox,
    )
    _keep_key(session, made, actor)
    return NewKey(made.id, app_id, key)


def _keep_key(session: Session, made: ApiKey, actor: Actor) -> None:
    session.add(made)
    session.flush()
    record(
        session,
        actor,
        "key.make",
        object_type="api_key",
        object_id=made.id,
        enterprise_id=made.enterprise_id,
        after=_snapshot(made),
    )


def _valid_keys(
    session: Session, enterprise_id: int, algorithm: str, now: datetime, *, sandbox: bool = False
) -> list[ApiKey]:
    wanted = select(ApiKey).where(
        ApiKey.enterprise_id == enterprise_id,
        ApiKey.algorithm == algorithm,
        ApiKey.sandbox.is_(sandbox),
        ApiKey.revoked_at.is_(None),
        or_(ApiKey.valid_until.is_(None), ApiKey.valid_until > now),
    )
    return list(session.scalars(wanted.order_by(ApiKey.id.desc()).with_for_update()))


def _snapshot(key: ApiKey) -> dict[str, Any]:
    return {
        "app_id": key.app_id,
        "algorithm": key.algorithm,
        "sandbox": bool(key.sandbox),
        "valid_until": key.valid_until.isoformat() if key.valid_until else None,
        "revoked_at": key.revoked_at.isoformat() if key.revoked_at else None,
    }
