"""Entering, changing and stopping superiors, and sending a batch once more."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from ingestion_adapters.pull.rules import allowed_from, host_allowed, parts_of
from ingestion_adapters.upward.models import Superior, UpwardBatch
from ingestion_adapters.upward.records import COLLECTORS
from portal.audit.services import record
from portal.config import Settings
from portal.core.actor import Actor
from portal.core.crypto import PROVIDER
from portal.core.errors import Conflict, Invalid, NotFound

NAME_CHARS = 60
APP_ID_CHARS = 64
KEY_CHARS = (16, 200)


@dataclass(frozen=True)
class Wish:
    """A superior as a form gives it; an empty key keeps the one there is."""

    name: str
    base_url: str
    app_id: str
    key: str
    sends: list[str]


def put_superior(
    session: Session, wish: Wish, *, superior_id: int | None, settings: Settings, now: datetime, actor: Actor
) -> Superior:
    """Enter or change a superior; raise Invalid for what cannot be used, NotFound for an unknown one."""
    _check(wish, settings)
    found = Superior() if superior_id is None else superior_of(session, superior_id)
    if superior_id is None and not wish.key:
        raise Invalid("upward_key")
    taken = select(Superior.id).where(Superior.name == wish.name, Superior.id != (superior_id or 0))
    if session.scalar(taken) is not None:
        raise Conflict("upward_name_taken")
    moved = superior_id is not None and (found.name, found.app_id) != (wish.name, wish.app_id)
    if moved and not wish.key:
        raise Invalid("upward_key")
    before = None if superior_id is None else _snapshot(found)
    found.name, found.base_url, found.app_id, found.sends = wish.name, wish.base_url, wish.app_id, wish.sends
    if wish.key:
        label = _label(found)
        found.key_sealed = PROVIDER.seal(settings.seal_key.encode(), wish.key.encode(), label)
    found.updated_at = now
    session.add(found)
    session.flush()
    _audit(session, actor, "superior.put", found, before)
    return found


def set_state(session: Session, superior_id: int, state: str, *, now: datetime, actor: Actor) -> None:
    """Stop or start forwarding to a superior; what is owed keeps waiting."""
    found = superior_of(session, superior_id)
    before = _snapshot(found)
    found.state, found.updated_at = state, now
    session.flush()
    _audit(session, actor, f"superior.{'start' if state == 'running' else 'stop'}", found, before)


def send_again(session: Session, batch_no: int, *, now: datetime, actor: Actor) -> None:
    """Let a waiting or refused batch be sent at once; raise Conflict for one that was taken."""
    batch = session.scalar(select(UpwardBatch).where(UpwardBatch.id == batch_no).with_for_update())
    if batch is None:
        raise NotFound("upward_batch")
    if batch.state == "taken":
        raise Conflict("upward_taken")
    batch.state, batch.next_at, batch.ended_at = "waiting", now, None
    record(session, actor, "upward.again", object_type="upward_batch", object_id=batch_no)


def superior_of(session: Session, superior_id: int) -> Superior:
    """Return a superior, locked; raise NotFound."""
    found = session.scalar(select(Superior).where(Superior.id == superior_id).with_for_update())
    if found is None:
        raise NotFound("superior")
    return found


def opened_key(superior: Superior, settings: Settings) -> bytes:
    """Return the key of a superior; raise ValueError when it was moved to another name or app id."""
    return PROVIDER.unseal(settings.seal_key.encode(), superior.key_sealed, _label(superior))


def _check(wish: Wish, settings: Settings) -> None:
    if not 0 < len(wish.name) <= NAME_CHARS or not _plain(wish.app_id):
        raise Invalid("upward_name")
    if parts_of(wish.base_url) is None or not host_allowed(wish.base_url, allowed_from(settings.upward_hosts)):
        raise Invalid("upward_host")
    if wish.key and not KEY_CHARS[0] <= len(wish.key) <= KEY_CHARS[1]:
        raise Invalid("upward_key")
    if not wish.sends or not set(wish.sends) <= set(COLLECTORS):
        raise Invalid("upward_sends")


def _plain(app_id: str) -> bool:
    """Return whether an app id may stand in a header."""
    return 0 < len(app_id) <= APP_ID_CHARS and app_id.isascii() and app_id.isprintable()


def _label(superior: Superior) -> bytes:
    return f"superior|{superior.name}|{superior.app_id}".encode()


def _snapshot(found: Superior) -> dict[str, Any]:
    return {name: getattr(found, name) for name in ("name", "base_url", "app_id", "sends", "state")}


def _audit(session: Session, actor: Actor, action: str, found: Superior, before: dict[str, Any] | None) -> None:
    record(session, actor, action, object_type="superior", object_id=found.id, before=before, after=_snapshot(found))
