"""Late readings at the door of the pipeline: those that need approval are kept apart, the others go on."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
from sqlalchemy import and_, func, select, text
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from ingestion_adapters.backfill.models import BackfillHeld, BackfillRequest
from ingestion_adapters.backfill.rules import DAY_MS, Decision, Flags, Judged, Kept, Limits, Numbers, judge_late, packed
from ingestion_adapters.checks import Finding, clean_text, raw_text
from ingestion_adapters.instants import ReadTimes, instants_ms
from ingestion_adapters.store_readings import ABSURD, FLAGS, YEAR_MS, RawReadings, intake_figures
from portal.core.codes import dictionaries

LIMITS_KEPT_S = 5.0
_LETTERS = {number: letter for letter, number in FLAGS.items()}
_limits: list[tuple[float, Limits, float]] = []


def limits_in_force(session: Session) -> tuple[Limits, float]:
    """Return the limits and the years beyond which nothing is taken, remembered for five seconds."""
    if not _limits or time.monotonic() - _limits[0][0] > LIMITS_KEPT_S:
        figures = intake_figures(session)
        days = session.scalar(text("select value from parameter where key = 'intake.approval_days'"))
        found = Limits(figures.automatic_days, float(days) if days is not None else Limits.approval_days)
        _limits[:] = [(time.monotonic(), found, figures.oldest_years)]
    return _limits[0][1], _limits[0][2]


def forget_limits() -> None:
    """Ask for the limits again with the next batch."""
    _limits.clear()


def hold_back(
    session: Session, enterprise_id: int, raw: RawReadings, receipt_id: int, *, now: datetime
) -> tuple[RawReadings, list[Finding]]:
    """Return the readings that go on, and a finding for each that was kept for approval instead."""
    if not isinstance(raw.t, np.ndarray):
        raw = replace(raw, t=ReadTimes(raw.t))
    limits, years = limits_in_force(session)
    (ts_ms, readable), now_ms = instants_ms(raw.t), round(now.timestamp() * 1000)
    late = readable & (ts_ms < now_ms - limits.automatic_days * DAY_MS) & (ts_ms >= now_ms - YEAR_MS * years)
    if not late.any():
        return raw, []
    late &= _sound(session, enterprise_id, raw, late)
    judged = judge_late(ts_ms, now_ms, limits, decisions_of(session, enterprise_id))
    judged = Judged(judged.noted & late, judged.held & late)
    if judged.noted.any():
        _open(session, enterprise_id, "noted", ts_ms[judged.noted])
    if not judged.held.any():
        return raw, []
    request_id = _open(session, enterprise_id, "asked", ts_ms[judged.held])
    _keep(session, enterprise_id, receipt_id, kept_from(raw, ts_ms, judged.held), now)
    findings = [_finding(raw, place, limits, request_id) for place in np.flatnonzero(judged.held).tolist()]
    return _without(raw, ~judged.held), findings


def _sound(session: Session, enterprise_id: int, raw: RawReadings, late: Flags) -> Flags:
    """Return which readings would be stored at once were they not late; what is wrong is refused as ever."""
    codes = sorted({raw.points[place] for place in np.unique(raw.which[late]).tolist()})
    rows = session.scalars(
        text("select src_code from point where enterprise_id = :e and src_code = any(:codes)"),
        {"e": enterprise_id, "codes": [code for code in codes if "\x00" not in code]},
    )
    found = set(rows)
    known = np.fromiter((code in found for code in raw.points), bool, len(raw.points))
    return known[raw.which] & (np.abs(raw.v) < ABSURD) & np.isin(raw.q, list(dictionaries()["quality"]))


def decisions_of(session: Session, enterprise_id: int) -> list[Decision]:
    """Return what was decided on an enterprise's late readings, oldest first."""
    rows = session.execute(
        select(BackfillRequest.begin_at, BackfillRequest.end_at, BackfillRequest.state)
        .where(BackfillRequest.enterprise_id == enterprise_id, BackfillRequest.state.in_(("approved", "refused")))
        .order_by(BackfillRequest.decided_at, BackfillRequest.id)
    )
    return [Decision(_ms(begin), _ms(end), state == "approved") for begin, end, state in rows]


def _ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)


def instant(ms: int) -> datetime:
    """Return an instant."""
    return datetime.fromtimestamp(ms / 1000, UTC)


def _open(session: Session, enterprise_id: int, state: str, ts_ms: Numbers) -> int:
    """Open the request that a late delivery is, or widen the one that is open; return its number."""
    begin, end = instant(int(ts_ms.min())), instant(int(ts_ms.max()))
    added = upsert(BackfillRequest).values(
        enterprise_id=enterprise_id, begin_at=begin, end_at=end, state=state, opened_how="delivery", opened_by=""
    )
    known = added.on_conflict_do_update(
        index_elements=["enterprise_id", "state"],
        index_where=and_(BackfillRequest.opened_how == "delivery", BackfillRequest.state.in_(("noted", "asked"))),
        set_={
            "begin_at": func.least(BackfillRequest.begin_at, added.excluded.begin_at),
            "end_at": func.greatest(BackfillRequest.end_at, added.excluded.end_at),
        },
    )
    return int(session.scalar(known.returning(BackfillRequest.id)) or 0)


def kept_from(raw: RawReadings, ts_ms: Numbers, keep: Flags) -> Kept:
    """Return some readings as they wait."""
    at = np.flatnonzero(keep)
    return Kept(
        [raw.points[place] for place in raw.which[at].tolist()],
        ts_ms[at].tolist(),
        raw.v[at].tolist(),
        raw.q[at].tolist(),
        raw.f[at].tolist(),
        raw.numbers[at].tolist(),
    )


def _keep(session: Session, enterprise_id: int, receipt_id: int, kept: Kept, now: datetime) -> None:
    session.add(
        BackfillHeld(
            enterprise_id=enterprise_id,
            receipt_id=receipt_id,
            begin_at=instant(min(kept.t)),
            end_at=instant(max(kept.t)),
            rows=len(kept.t),
            rows_left=len(kept.t),
            body=packed(kept),
            held_at=now,
        )
    )
    session.flush()


def _without(raw: RawReadings, keep: Flags) -> RawReadings:
    at = np.flatnonzero(keep)
    return replace(
        raw,
        which=raw.which[at],
        t=raw.t[at] if isinstance(raw.t, np.ndarray) else [raw.t[n] for n in at.tolist()],
        v=raw.v[at],
        q=raw.q[at],
        f=raw.f[at],
        numbers=raw.numbers[at],
    )


def _finding(raw: RawReadings, place: int, limits: Limits, request_id: int) -> Finding:
    point, t = raw.points[int(raw.which[place])], raw.t[place]
    row = {"point": point, "t": t if isinstance(t, str) else int(t), "v": float(raw.v[place])}
    row |= {"q": int(raw.q[place]), "f": _LETTERS[int(raw.f[place])]}
    return Finding(
        row=int(raw.numbers[place]),
        code="E_TOO_OLD",
        zh=f"迟到超过自动接收时限（{limits.approval_days:g}天以上须审批），已留存，待审批后入库（补传申请{request_id}）",
        en=f"Later than taken automatically (over {limits.approval_days:g} days needs approval): kept, stored once "
        f"approved (back-fill request {request_id})",
        field="t",
        object_code=clean_text(point, 64),
        raw=raw_text(row),
    )
