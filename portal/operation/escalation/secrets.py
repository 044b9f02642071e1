"""The keys that sign calls of webhooks: sealed at rest, bound to the person they belong to."""

from __future__ import annotations

from portal.config import Settings
from portal.core.crypto import PROVIDER
from portal.core.errors import Invalid

KEY_CHARS = (16, 200)


def sealed_secret(user_id: int, key: str, settings: Settings) -> str:
    """Return a webhook's key sealed; an empty text stays one. Raise Invalid for one that is too short or too long."""
    if not key:
        return ""
    if not KEY_CHARS[0] <= len(key) <= KEY_CHARS[1]:
        raise Invalid("contact_key", least=KEY_CHARS[0], most=KEY_CHARS[1])
    return PROVIDER.seal(settings.seal_key.encode(), key.encode(), _label(user_id))


def opened_secret(user_id: int, sealed: str, settings: Settings) -> bytes:
    """Return a webhook's key; raise ValueError when it was moved to somebody else or changed."""
    return PROVIDER.unseal(settings.seal_key.encode(), sealed, _label(user_id))


def _label(user_id: int) -> bytes:
    return f"notice webhook|{user_id}".encode()
