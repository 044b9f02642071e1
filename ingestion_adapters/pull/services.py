"""Sources that the portal asks: entered, changed and stopped by administrators; every change is audited."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from ingestion_adapters.contract import DATASETS
from ingestion_adapters.pull.models import PullRun, PullSource
from ingestion_adapters.pull.rules import CURSOR_CHARS, PERIOD_S, allowed_from, header_usable, host_allowed, parts_of
from portal.accounts.queries import enterprise_by_id
from portal.audit.services import record
from portal.config import Settings
from portal.core.actor import Actor
from portal.core.crypto import PROVIDER
from portal.core.errors import Invalid, NotFound

RUNS_SHOWN = 100
HEADER_KEPT = ""


@dataclass(frozen=True)
class Wish:
    """What an administrator entered for a source; an empty header value keeps the one there is."""

    enterprise_id: int
    dataset: str
    url: str
    period_s: int
    header_name: str = ""
    header_value: str = HEADER_KEPT
    cursor: str = ""


def sources(session: Session) -> Sequence[PullSource]:
    """Return every source in scope, by enterprise."""
    return session.scalars(select(PullSource).order_by(PullSource.enterprise_id, PullSource.id)).all()


def source_by_id(session: Session, source_id: int, *, lock: bool = False) -> PullSource:
    """Return a source; raise NotFound."""
    wanted = select(PullSource).where(PullSource.id == min(source_id, 2**31 - 1))
    found = session.scalar(wanted.with_for_update() if lock else wanted)
    if found is None:
        raise NotFound("pull_source", source_id=source_id)
    return found


def runs_of(session: Session, source_id: int) -> Sequence[PullRun]:
    """Return the newest questions to a source."""
    wanted = select(PullRun).where(PullRun.source_id == source_id)
    return session.scalars(wanted.order_by(PullRun.id.desc()).limit(RUNS_SHOWN)).all()


def add_source(session: Session, wish: Wish, *, settings: Settings, now: datetime, actor: Actor) -> PullSource:
    """Enter a source; raise Invalid for what may not be asked."""
    enterprise_by_id(session, wish.enterprise_id)
    _check(wish, settings)
    made = PullSource(
        enterprise_id=wish.enterprise_id,
        dataset=wish.dataset,
        url=wish.url,
        period_s=wish.period_s,
        cursor=wish.cursor,
        next_at=now,
        created_at=now,
        updated_at=now,
        state="running",
    )
    session.add(made)
    session.flush()
    _set_header(made, wish, settings)
    session.flush()
    _audit(session, actor, "pull.add", made, None)
    return made


def change_source(
    session: Session, source_id: int, wish: Wish, *, settings: Settings, now: datetime, actor: Actor
) -> PullSource:
    """Change a source; its enterprise and dataset stay. Raise NotFound or Invalid."""
    found = source_by_id(session, source_id, lock=True)
    _check(wish, settings)
    before = _snapshot(found)
    found.url, found.period_s, found.cursor = wish.url, wish.period_s, wish.cursor
    found.failures, found.next_at, found.updated_at = 0, now, now
    _set_header(found, wish, settings)
    session.flush()
    _audit(session, actor, "pull.change", found, before)
    return found


def set_running(session: Session, source_id: int, running: bool, *, now: datetime, actor: Actor) -> PullSource:
    """Stop a source or let it run again; raise NotFound."""
    found = source_by_id(session, source_id, lock=True)
    before = _snapshot(found)
    found.state, found.updated_at = "running" if running else "stopped", now
    if running:
        found.next_at, found.failures = now, 0
    session.flush()
    _audit(session, actor, "pull.start" if running else "pull.stop", found, before)
    return found


def opened_header(source: PullSource, settings: Settings) -> tuple[str, str] | None:
    """Return the header to send along; raise ValueError when it was changed beside the portal."""
    if not source.header_name or not source.header_sealed:
        return None
    value = PROVIDER.unseal(settings.seal_key.encode(), source.header_sealed, _label(source))
    return source.header_name, value.decode()


def _label(source: PullSource) -> bytes:
    return f"pull_source|header|{source.id}".encode()


def _set_header(source: PullSource, wish: Wish, settings: Settings) -> None:
    if not wish.header_name:
        source.header_name = source.header_sealed = None
    elif wish.header_value:
        sealed = PROVIDER.seal(settings.seal_key.encode(), wish.header_value.encode(), _label(source))
        source.header_name, source.header_sealed = wish.header_name, sealed
    elif source.header_sealed:
        source.header_name = wish.header_name
    else:
        raise Invalid("pull_header")


def _check(wish: Wish, settings: Settings) -> None:
    if wish.dataset not in DATASETS:
        raise Invalid("E_DATASET")
    if parts_of(wish.url) is None:
        raise Invalid("pull_url")
    if not host_allowed(wish.url, allowed_from(settings.pull_hosts)):
        raise Invalid("pull_host")
    if not PERIOD_S[0] <= wish.period_s <= PERIOD_S[1]:
        raise Invalid("pull_period")
    if len(wish.cursor) > CURSOR_CHARS or not wish.cursor.isprintable():
        raise Invalid("pull_cursor")
    if wish.header_name and not header_usable(wish.header_name, wish.header_value or "kept"):
        raise Invalid("pull_header")


def _snapshot(source: PullSource) -> dict[str, Any]:
    return {
        "url": source.url,
        "dataset": source.dataset,
        "period_s": source.period_s,
        "cursor": source.cursor,
        "header": source.header_name,
        "state": source.state,
    }


def _audit(session: Session, actor: Actor, action: str, source: PullSource, before: dict[str, Any] | None) -> None:
    record(
        session,
        actor,
        action,
        object_type="pull_source",
        object_id=source.id,
        enterprise_id=source.enterprise_id,
        before=before,
        after=_snapshot(source),
    )
