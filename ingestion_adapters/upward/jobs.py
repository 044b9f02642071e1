"""Collects what is owed, makes batches of it, and sends them until the superior has them."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

import orjson
from sqlalchemy import insert, select, text, update
from sqlalchemy.orm import Session, aliased

from ingestion_adapters.pull.rules import Allowed, allowed_from
from ingestion_adapters.upward.models import Superior, UpwardAttempt, UpwardBatch, UpwardItem
from ingestion_adapters.upward.post import Said, Target, post
from ingestion_adapters.upward.records import owed_since
from ingestion_adapters.upward.rules import ending_of, pause
from ingestion_adapters.upward.services import opened_key
from portal.config import Settings
from portal.core.actor import CITY
from portal.core.clock import utc_now
from portal.core.db import transaction
from portal.core.live import announce

log = logging.getLogger(__name__)
BATCH_ROWS = 200
BATCHES_A_TURN = 20
CLAIM = timedelta(seconds=90)
ITEMS_AT_ONCE = 500
ERROR_CHARS = 300


def collect_upward(session: Session, now: datetime) -> str:
    """Queue the newest state of what superiors get, and put waiting items into batches."""
    items = batches = 0
    running = select(Superior).where(Superior.state == "running").order_by(Superior.id)
    # One collector a superior: what is newest of a record is asked before it is queued.
    for superior in session.scalars(running.with_for_update(skip_locked=True)):
        items += _queue(session, superior, now)
        batches += sum(_make_batches(session, superior, dataset, now) for dataset in superior.sends)
    return f"{items} records, {batches} batches"


def _queue(session: Session, superior: Superior, now: datetime) -> int:
    """Queue the records whose newest queued state is another; one that went back to a former state goes up again."""
    owed = {(each.dataset, each.object_key): each for each in owed_since(session, superior.sends, now)}
    newest = _newest(session, superior.id, list(owed))
    rows = [
        {
            "superior_id": superior.id,
            "dataset": each.dataset,
            "object_key": each.object_key,
            "content_sm3": each.content_sm3,
            "record": each.record,
        }
        for place, each in owed.items()
        if newest.get(place) != each.content_sm3
    ]
    for start in range(0, len(rows), ITEMS_AT_ONCE):
        session.execute(insert(UpwardItem), rows[start : start + ITEMS_AT_ONCE])
    return len(rows)


def _newest(session: Session, superior_id: int, places: list[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """Return dataset and key -> SM3 of the state that was queued last."""
    rows = session.execute(
        text(
            "select w.dataset, w.object_key, i.content_sm3"
            " from unnest(cast(:datasets as text[]), cast(:keys as text[])) as w(dataset, object_key)"
            " cross join lateral (select u.content_sm3 from upward_item u where u.superior_id = :superior"
            "  and u.dataset = w.dataset and u.object_key = w.object_key order by u.id desc limit 1) i"
        ),
        {"superior": superior_id, "datasets": [each[0] for each in places], "keys": [each[1] for each in places]},
    )
    return {(row.dataset, row.object_key): row.content_sm3 for row in rows}


def _make_batches(session: Session, superior: Superior, dataset: str, now: datetime) -> int:
    made = 0
    while items := list(
        session.scalars(
            select(UpwardItem)
            .where(UpwardItem.superior_id == superior.id, UpwardItem.dataset == dataset, UpwardItem.batch_no.is_(None))
            .order_by(UpwardItem.id)
            .limit(BATCH_ROWS)
            .with_for_update()
        )
    ):
        body = orjson.dumps({"records": [item.record for item in items]})
        batch = UpwardBatch(
            superior_id=superior.id,
            dataset=dataset,
            batch_id=f"up{superior.id}-{dataset}-{items[0].id}-{items[-1].id}",
            rows=len(items),
            body=body,
            body_sm3=hashlib.new("sm3", body).hexdigest(),
            created_at=now,
            next_at=now,
        )
        session.add(batch)
        session.flush()
        numbers = [item.id for item in items]
        session.execute(update(UpwardItem).where(UpwardItem.id.in_(numbers)).values(batch_no=batch.id))
        made += 1
    return made


@dataclass(frozen=True)
class Claimed:
    """A batch that this turn sends; without a target when the superior's key does not open."""

    id: int
    dataset: str
    batch_id: str
    body: bytes
    target: Target | None


def send_upward(session: Session, now: datetime) -> str:
    """Send the batches that are due; nothing while no host is allowed."""
    settings = Settings.from_env()
    allowed = allowed_from(settings.upward_hosts)
    if not allowed:
        return "off"
    return f"{send_due(settings, allowed, now)} taken"


def send_due(settings: Settings, allowed: Allowed, now: datetime) -> int:
    """Send due batches one by one, each result kept in its own transaction; return how many were taken."""
    taken = 0
    for _ in range(BATCHES_A_TURN):
        with transaction(settings, CITY, worker=True) as session:
            claimed = _claim(session, settings, now)
        if claimed is None:
            break
        if claimed.target is None:
            continue
        said = post(claimed.target, claimed.dataset, claimed.batch_id, claimed.body, allowed)
        with transaction(settings, CITY, worker=True) as session:
            taken += note_answer(session, claimed.id, said, utc_now())
    return taken


def _claim(session: Session, settings: Settings, now: datetime) -> Claimed | None:
    """Take the oldest due batch; a sender that dies gives it back after the claim.

    A batch waits for the one before it of its dataset, so that no former state arrives after a later one. One
    superior whose key does not open is passed over until a person enters the key again.
    """
    before = aliased(UpwardBatch)
    ahead = select(before.id).where(
        before.superior_id == UpwardBatch.superior_id,
        before.dataset == UpwardBatch.dataset,
        before.state == "waiting",
        before.id < UpwardBatch.id,
    )
    found = session.execute(
        select(UpwardBatch, Superior)
        .join(Superior, Superior.id == UpwardBatch.superior_id)
        .where(UpwardBatch.state == "waiting", UpwardBatch.next_at <= now, Superior.state == "running")
        .where(~ahead.exists())
        .order_by(UpwardBatch.id)
        .limit(1)
        .with_for_update(of=UpwardBatch, skip_locked=True)
    ).first()
    if found is None:
        return None
    batch, superior = found
    batch.next_at = now + CLAIM
    try:
        key = opened_key(superior, settings)
    except ValueError:
        log.error("superior_key_changed_beside_portal", extra={"superior": superior.id})
        batch.last_error = "upward_key_changed"
        return Claimed(batch.id, batch.dataset, batch.batch_id, b"", None)
    target = Target(superior.base_url, superior.app_id, key)
    return Claimed(batch.id, batch.dataset, batch.batch_id, bytes(batch.body), target)


def note_answer(session: Session, batch_no: int, said: Said, now: datetime) -> bool:
    """Keep what was answered and say when the next attempt is; return whether the batch was taken."""
    batch = session.scalars(select(UpwardBatch).where(UpwardBatch.id == batch_no).with_for_update()).one()
    session.add(UpwardAttempt(batch_no=batch_no, status=said.status, said=said.words, took_ms=said.took_ms, at=now))
    if batch.state != "waiting":
        return False
    batch.attempts += 1
    batch.state = ending_of(said.status, has_receipt="receipt_id" in said.body)
    if batch.state == "waiting":
        batch.last_error, batch.next_at = _error_of(said), now + pause(batch.attempts)
    else:
        batch.ended_at, batch.receipt = now, said.body or {"status": said.status, "said": said.words}
        batch.last_error = "" if batch.state == "taken" else _error_of(said)
    announce(session, "task", batch_no, enterprise_id=None, adcode=None)
    return batch.state == "taken"


def _error_of(said: Said) -> str:
    """Return what is kept of a failed attempt: the answer, or the code of why there was none."""
    return f"{said.status} {said.words}"[:ERROR_CHARS].strip() if said.status else said.words


def forget_bodies(session: Session, now: datetime) -> str:
    """Empty the bytes of batches taken long ago; items, sums and receipts stay."""
    done = session.execute(
        text(
            "update upward_batch set body = ''::bytea where state = 'taken' and ended_at < :limit and length(body) > 0"
        ),
        {"limit": now - timedelta(days=400)},
    )
    return f"{done.rowcount} emptied"  # type: ignore[attr-defined]
