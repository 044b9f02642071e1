"""Asks the sources that are due; the answer and the cursor behind it are kept in one transaction."""

from __future__ import annotations

import logging
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from ingestion_adapters.doors import Door, door_actor, in_transaction, refused_whole, take
from ingestion_adapters.http.bodies import Refused
from ingestion_adapters.intake import Answer
from ingestion_adapters.onboarding.notices import ToldProgram, headers_of, note_told, notice_in_force
from ingestion_adapters.pull.answers import Page, page_of
from ingestion_adapters.pull.fetch import Fetched, NotFetched, ask
from ingestion_adapters.pull.models import PullRun, PullSource
from ingestion_adapters.pull.rules import Allowed, allowed_from, next_question
from ingestion_adapters.pull.services import opened_header
from ingestion_adapters.receipts import Batch
from ingestion_adapters.signing import sm3_hex
from portal.config import Settings
from portal.core.actor import CITY
from portal.core.clock import utc_now
from portal.core.db import transaction
from portal.core.errors import Conflict

log = logging.getLogger(__name__)
AT_ONCE = 4
SOURCES_A_TURN = 8
PAGES_A_TURN = 10
CLAIM_S = 150
RUNS_KEPT = timedelta(days=30)


@dataclass(frozen=True)
class Claimed:
    """A source as it was when its question began."""

    id: int
    enterprise_id: int
    dataset: str
    url: str
    cursor: str
    header: tuple[str, str] | None


class Overtaken(Exception):
    """The source was changed while it was asked; its answer is dropped and asked for again."""


def pull_due(session: Session, now: datetime) -> str:
    """Ask every source that is due, a few a turn; nothing while no host is allowed."""
    settings = Settings.from_env()
    allowed = allowed_from(settings.pull_hosts)
    if not allowed:
        return "off"
    with ThreadPoolExecutor(AT_ONCE) as together:
        asked = sum(together.map(lambda _: _ask_some(settings, allowed), range(AT_ONCE)))
    return f"{asked} asked"


def _ask_some(settings: Settings, allowed: Allowed) -> int:
    """Ask one due source after the other, so that a slow server holds up only one of several askers."""
    asked = 0
    while asked < SOURCES_A_TURN and (claimed := claim(settings)) is not None:
        asked += 1
        for _ in range(PAGES_A_TURN):
            if not pull_once(settings, claimed, allowed):
                break
            claimed = _again(settings, claimed)
    return asked


def claim(settings: Settings) -> Claimed | None:
    """Return the source that is due longest and keep others from asking it meanwhile; None when none is due."""
    now = utc_now()
    with transaction(settings, CITY, worker=True) as session:
        wanted = select(PullSource).where(PullSource.state == "running", PullSource.next_at <= now)
        source = session.scalar(wanted.order_by(PullSource.next_at).limit(1).with_for_update(skip_locked=True))
        if source is None:
            return None
        source.next_at = now + timedelta(seconds=CLAIM_S)
        try:
            return _as_claimed(source, settings)
        except ValueError:
            log.error("pull_header_changed_beside_portal", extra={"source": source.id})
            source.state, source.last_error = "stopped", "pull_header_changed"
            return None


def _again(settings: Settings, before: Claimed) -> Claimed:
    with transaction(settings, CITY, worker=True) as session:
        return _as_claimed(session.get_one(PullSource, before.id), settings)


def _as_claimed(source: PullSource, settings: Settings) -> Claimed:
    header = opened_header(source, settings)
    return Claimed(source.id, source.enterprise_id, source.dataset, source.url, source.cursor, header)


def pull_once(settings: Settings, claimed: Claimed, allowed: Allowed) -> bool:
    """Ask once and take the answer in; return whether the server said that more waits."""
    began, now = time.monotonic(), utc_now()
    door = Door(settings, door_actor("job", claimed.enterprise_id, f"pull {claimed.id}"), now)
    run = PullRun(source_id=claimed.id, enterprise_id=claimed.enterprise_id, at=now, ok=False, took_ms=0)
    try:
        notice = notice_in_force(settings)
        fetched = ask(claimed.url, claimed.cursor, claimed.header, allowed, headers_of(notice) if notice else None)
    except NotFetched as failed:
        run.status, run.error = failed.status, failed.why
        _keep_failure(door, claimed, run, began)
        return False
    run.status = fetched.status
    if notice is not None:  # it answered a question that carried the notice
        note_told(settings, notice, ToldProgram(door.actor.name, claimed.enterprise_id))
    return _take(door, claimed, fetched, run, began)


def _take(door: Door, claimed: Claimed, fetched: Fetched, run: PullRun, began: float) -> bool:
    digest = sm3_hex(fetched.body)
    number = sm3_hex(f"{claimed.id}|{claimed.cursor}|{digest}".encode())[:40]
    name = f"pull {claimed.id}"
    batch = Batch(claimed.enterprise_id, claimed.dataset, f"pull-{number}", "pull", digest, len(fetched.body), name)
    try:
        page = page_of(claimed.dataset, fetched.body, fetched.encoding, claimed.cursor)
    except Refused as no:
        outcome = refused_whole(door, batch, no)
        run.receipt_id, run.error = outcome.body["receipt_id"], f"{no.code} {no.reason}"
        _keep_failure(door, claimed, run, began)
        return False

    def keep(session: Session, answer: Answer) -> None:
        run.ok, run.rows, run.accepted, run.rejected = True, page.rows, answer.accepted, answer.rejected
        run.receipt_id, run.took_ms = answer.receipt_id, _ms(began)
        session.add(run)
        _move_cursor(session, claimed, page, door.now)

    if not page.rows:
        in_transaction(door, lambda session: _keep_empty(session, claimed, page, run, began))
        return page.more
    try:
        outcome = take(door, batch, lambda: page.payload, last=keep)
    except Overtaken:
        log.info("pull_overtaken", extra={"source": claimed.id})
        return False
    if not outcome.taken:
        run.receipt_id, run.error = outcome.body.get("receipt_id"), outcome.body["code"]
        _keep_failure(door, claimed, run, began)
        return False
    return page.more


def _keep_empty(session: Session, claimed: Claimed, page: Page, run: PullRun, began: float) -> None:
    """Note an answer without records; there is nothing to receipt."""
    run.ok, run.took_ms = True, _ms(began)
    session.add(run)
    _move_cursor(session, claimed, page, run.at)


def _move_cursor(session: Session, claimed: Claimed, page: Page, now: datetime) -> None:
    wanted = select(PullSource).where(PullSource.id == claimed.id).with_for_update()
    source = session.scalars(wanted).one()
    if (source.cursor, source.url) != (claimed.cursor, claimed.url):
        raise Overtaken
    source.cursor, source.failures, source.last_error, source.last_at = page.cursor, 0, None, now
    source.next_at = now if page.more else next_question(now, source.period_s, 0)


def _keep_failure(door: Door, claimed: Claimed, run: PullRun, began: float) -> None:
    run.took_ms = _ms(began)

    def work(session: Session) -> None:
        session.add(run)
        source = session.scalars(select(PullSource).where(PullSource.id == claimed.id).with_for_update()).one()
        source.failures, source.last_error = source.failures + 1, run.error
        source.next_at = next_question(door.now, source.period_s, source.failures)

    in_transaction(door, work)
    log.warning("pull_failed", extra={"source": claimed.id, "why": run.error, "status": run.status})


def _ms(began: float) -> int:
    return round((time.monotonic() - began) * 1000)


def forget_pull_runs(session: Session, now: datetime) -> str:
    """Forget questions older than 30 days; their receipts stay."""
    gone = session.execute(delete(PullRun).where(PullRun.at < now - RUNS_KEPT))
    return f"{gone.rowcount} forgotten"  # type: ignore[attr-defined]


def ask_now(session: Session, source_id: int, now: datetime) -> None:
    """Let a source be asked in the next turn."""
    changed = session.execute(
        update(PullSource).where(PullSource.id == source_id, PullSource.state == "running").values(next_at=now)
    )
    if not changed.rowcount:  # type: ignore[attr-defined]
        raise Conflict("pull_stopped", source_id=source_id)
