"""Readings that were approved go through the pipeline, each batch under its first receipt."""

from __future__ import annotations

from datetime import datetime

import numpy as np
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from ingestion_adapters.backfill.holding import decisions_of, instant
from ingestion_adapters.backfill.models import BackfillHeld
from ingestion_adapters.backfill.rules import Kept, Limits, judge_late, packed, unpacked
from ingestion_adapters.checks import Stored
from ingestion_adapters.receipts import write_findings
from ingestion_adapters.store_readings import RawReadings, take_readings
from portal.core.actor import Actor, Scope

BATCHES_A_TURN, ROWS_A_TURN = 200, 200_000
# Of what waits only a decision lets anything in, however old or young it is.
_NOTHING_ALONE = Limits(automatic_days=-36_500, approval_days=-36_500)


def release_approved(session: Session, now: datetime) -> str:
    """Store waiting readings whose span was approved meanwhile, as far as one turn goes."""
    done = rows = 0
    for held in _candidates(session):
        if rows >= ROWS_A_TURN:
            break
        stored = _release(session, held, now)
        done, rows = done + (stored > 0), rows + stored
    return f"{done} batches, {rows} rows"


def _candidates(session: Session) -> list[BackfillHeld]:
    """Return the waiting batches that an approved span touches, oldest first, locked."""
    numbers = session.scalars(
        text(
            "select h.id from backfill_held h where h.rows_left > 0 and exists (select 1 from backfill_request r"
            " where r.enterprise_id = h.enterprise_id and r.state = 'approved' and r.begin_at <= h.end_at"
            " and r.end_at >= h.begin_at and r.decided_at > coalesce(h.released_at, '-infinity'))"
            " order by h.id limit :most"
        ),
        {"most": BATCHES_A_TURN},
    ).all()
    wanted = select(BackfillHeld).where(BackfillHeld.id.in_(numbers)).order_by(BackfillHeld.id)
    return list(session.scalars(wanted.with_for_update(skip_locked=True)))


def _release(session: Session, held: BackfillHeld, now: datetime) -> int:
    kept = unpacked(held.body)
    ts_ms = np.asarray(kept.t, np.int64)
    judged = judge_late(ts_ms, round(now.timestamp() * 1000), _NOTHING_ALONE, decisions_of(session, held.enterprise_id))
    go, stay = kept.part(~judged.held), kept.part(judged.held)
    held.released_at = now
    if go.t:
        stored = _stored(session, held, go, now)
        errors = [each for each in stored.rejections if each.severity == "error"]
        held.accepted += stored.accepted
        held.duplicate += stored.duplicate
        held.rejected += len(errors)
        write_findings(session, held.receipt_id, held.enterprise_id, stored.rejections)
        held.rows_left, held.body = len(stay.t), packed(stay)
        if stay.t:
            held.begin_at, held.end_at = instant(min(stay.t)), instant(max(stay.t))
    session.flush()
    return len(go.t)


def _stored(session: Session, held: BackfillHeld, go: Kept, now: datetime) -> Stored:
    own = Scope(enterprise_ids=frozenset({held.enterprise_id}))
    actor = Actor(kind="job", id=None, name="backfill", scope=own, enterprise_id=held.enterprise_id)
    size = len(go.t)
    raw = RawReadings(
        points=go.points,
        which=np.arange(size),
        t=np.asarray(go.t, np.int64),
        v=np.asarray(go.v, float),
        q=np.asarray(go.q, np.int64),
        f=np.asarray(go.f, np.int16),
        numbers=np.asarray(go.numbers, np.int64),
    )
    return take_readings(session, held.enterprise_id, raw, held.receipt_id, now=now, actor=actor)
