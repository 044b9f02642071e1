"""Who may connect to the broker: the valid keys of all enterprises, written where the broker reads them."""

from __future__ import annotations

import logging

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from ingestion_adapters.mqtt.broker import Login, password_of, reload, write_logins
from ingestion_adapters.signing import HMAC_SM3
from portal.accounts.keys import open_key
from portal.accounts.models import ApiKey, Enterprise
from portal.config import Settings
from portal.core.actor import CITY
from portal.core.clock import utc_now
from portal.core.db import transaction

log = logging.getLogger(__name__)


def logins(session: Session, settings: Settings) -> list[Login]:
    """Return a login for each valid key."""
    wanted = (
        select(ApiKey, Enterprise.uscc)
        .join(Enterprise, Enterprise.id == ApiKey.enterprise_id)
        .where(
            ApiKey.revoked_at.is_(None),
            ApiKey.cut_at.is_(None),
            ApiKey.sandbox.is_(False),
            or_(ApiKey.valid_until.is_(None), ApiKey.valid_until > utc_now()),
        )
    )
    found = []
    for key, uscc in session.execute(wanted):
        try:
            found.append(Login(key.app_id, uscc, _password(key, settings)))
        except ValueError:
            log.error("key_changed_beside_portal", extra={"key_id": key.id})
    return found


def login_of(session: Session, settings: Settings, app_id: str) -> Login | None:
    """Return the login of one valid key, None when there is none."""
    return next((each for each in logins(session, settings) if each.app_id == app_id), None)


def sync_access(settings: Settings, *, again: bool = False) -> bool:
    """Write who may connect; let the broker read it when it changed or `again`. Return whether the broker knows."""
    with transaction(settings, CITY, worker=True) as session:
        found = logins(session, settings)
    changed = write_logins(settings.data_dir, found)
    return reload(settings.data_dir) if changed or again else True


def _password(key: ApiKey, settings: Settings) -> str:
    secret = b""
    if key.algorithm == HMAC_SM3:
        secret = open_key(key.key_sealed, key.app_id, settings, key.algorithm)
    return password_of(key.app_id, key.algorithm, secret, settings.seal_key)
