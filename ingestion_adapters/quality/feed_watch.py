"""The job that watches the feeds: state of each, silences noticed and ended, rows expected of each hour."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from ingestion_adapters.contract import DATASETS
from ingestion_adapters.models import Receipt
from ingestion_adapters.quality.feed_rules import Cadence, rows_an_hour, state_of, whole_hours
from ingestion_adapters.quality.models import FeedHour, FeedSilence, FeedState
from portal.accounts.models import Enterprise
from portal.core.live import announce
from portal.jobs.models import Parameter
from portal.operation.telemetry.models import Point

IN_USE = (2, 3)
HOURS_BACK = 31 * 24
PREFIX = "intake.every."
WORKING = 1
KEY = ("enterprise_id", "dataset")


@dataclass(frozen=True)
class _Seen:
    """What the doors and the registry know of an enterprise's feeds."""

    kind: int
    points: int
    shortest_s: int | None
    an_hour: float
    last: Mapping[str, datetime]


def cadence_in_force(session: Session) -> Cadence:
    """Return the declared intervals."""
    rows = session.execute(select(Parameter.key, Parameter.value).where(Parameter.key.like("intake.%")))
    figures: dict[str, float] = {row.key: row.value for row in rows}
    every = {name: round(figures.get(f"{PREFIX}{name.lower()}_h", 0) * 3600) for name in DATASETS}
    return Cadence(
        every_s=every,
        rt_least_s=int(figures.get(f"{PREFIX}rt_least_s", Cadence.rt_least_s)),
        silent_after=figures.get("intake.silent_after", Cadence.silent_after),
    )


def watch_feeds(session: Session, now: datetime) -> str:
    """Look at every feed: write its state, open or end its silence and tell the listeners."""
    cadence, known = cadence_in_force(session), _known(session)
    seen = _seen(session, first=not known)
    rows, changed = [], 0
    for enterprise_id, facts in seen.items():
        for dataset in DATASETS:
            before = known.get((enterprise_id, dataset))
            row = _state(facts, (enterprise_id, dataset), before, cadence, now)
            rows.append(row)
            if before is None or before.state != row["state"]:
                changed += 1
                _tell(session, row, before, now)
    _keep(session, rows)
    _expect(session, seen, now)
    return f"{len(rows)} feeds, {changed} changed"


def _keep(session: Session, rows: list[dict[str, Any]]) -> None:
    """Write the states of all feeds in one statement."""
    if rows:
        added = insert(FeedState).values(rows)
        renewed = {name: added.excluded[name] for name in rows[0] if name not in KEY}
        session.execute(added.on_conflict_do_update(index_elements=list(KEY), set_=renewed))
        session.expire_all()


def _known(session: Session) -> dict[tuple[int, str], FeedState]:
    return {(row.enterprise_id, row.dataset): row for row in session.scalars(select(FeedState))}


_NEWEST = text(
    "select e.id, d, (select h.last_at from intake_hour h where h.enterprise_id = e.id and h.dataset = d"
    " order by h.hour desc limit 1) from enterprise e cross join unnest(cast(:datasets as text[])) d"
)


def _seen(session: Session, *, first: bool) -> dict[int, _Seen]:
    last: dict[int, dict[str, datetime]] = {}
    rows = list(session.execute(_NEWEST, {"datasets": list(DATASETS)}))
    if first:  # receipts are many: they are asked once, for feeds that came before the counters
        asked = select(Receipt.enterprise_id, Receipt.dataset, func.max(Receipt.received_at))
        taken = asked.where(Receipt.status == "taken").group_by(Receipt.enterprise_id, Receipt.dataset)
        rows += list(session.execute(taken))
    for enterprise_id, dataset, at in rows:
        if at is not None:
            mine = last.setdefault(enterprise_id, {})
            mine[dataset] = max(at, mine.get(dataset, at))
    periods: dict[int, list[tuple[int, int]]] = {}
    counted = select(Point.enterprise_id, Point.period_s, func.count()).where(Point.status.in_(IN_USE))
    for enterprise_id, period_s, count in session.execute(counted.group_by(Point.enterprise_id, Point.period_s)):
        periods.setdefault(enterprise_id, []).append((period_s, count))
    found = {}
    for number, kind in session.execute(select(Enterprise.id, Enterprise.kind).where(Enterprise.status == WORKING)):
        mine = periods.get(number, [])
        found[number] = _Seen(
            kind,
            sum(count for _, count in mine),
            min((period for period, _ in mine), default=None),
            rows_an_hour(mine),
            last.get(number, {}),
        )
    return found


def _state(
    facts: _Seen, feed: tuple[int, str], before: FeedState | None, cadence: Cadence, now: datetime
) -> dict[str, Any]:
    """Return the present state of a feed as a row."""
    enterprise_id, dataset = feed
    times = [at for at in (facts.last.get(dataset), before.last_at if before else None) if at]
    last_at = min(max(times), now) if times else None
    interval_s = cadence.interval_s(dataset, facts.shortest_s, facts.kind)
    state = state_of(last_at, interval_s, now, cadence.silent_after)
    since = before.since if before is not None and before.state == state else now
    return {
        "enterprise_id": enterprise_id,
        "dataset": dataset,
        "interval_s": interval_s,
        "points": facts.points if dataset == "RT" else 0,
        "expected_an_hour": facts.an_hour if dataset == "RT" and facts.points else None,
        "last_at": last_at,
        "state": state,
        "since": last_at if state == "silent" and last_at else since,
        "checked_at": now,
    }


def _tell(session: Session, row: dict[str, Any], before: FeedState | None, now: datetime) -> None:
    """Keep the begin or end of a silence and tell the listeners; a feed seen for the first time is news when silent."""
    if before is None and row["state"] != "silent":
        return
    feed = (row["enterprise_id"], row["dataset"])
    _note_silence(session, feed, row["state"], row["last_at"], row["interval_s"], now)
    announce(session, "intake", feed[0], enterprise_id=feed[0], adcode=None)


def _note_silence(
    session: Session, feed: tuple[int, str], state: str, last_at: datetime | None, interval_s: int | None, now: datetime
) -> None:
    """Open one line for a feed that fell silent; end it with the first batch after."""
    enterprise_id, dataset = feed
    if state == "silent" and last_at and interval_s:
        row = insert(FeedSilence).values(
            enterprise_id=enterprise_id, dataset=dataset, interval_s=interval_s, began_at=last_at, noticed_at=now
        )
        session.execute(row.on_conflict_do_nothing())
        return
    session.execute(
        update(FeedSilence)
        .where(
            FeedSilence.enterprise_id == enterprise_id, FeedSilence.dataset == dataset, FeedSilence.ended_at.is_(None)
        )
        .values(ended_at=last_at or now)
    )


def _expect(session: Session, seen: Mapping[int, _Seen], now: datetime) -> None:
    """Write what the running hour should bring; hours that nobody counted yet get the present figure."""
    session.execute(
        text(
            "insert into feed_hour (enterprise_id, dataset, hour, expected) select e, 'RT', h, n"
            " from unnest(cast(:enterprises as int[]), cast(:rows as bigint[])) as f(e, n),"
            " unnest(cast(:hours as timestamptz[])) as h"
            " on conflict (enterprise_id, dataset, hour) do update set expected = excluded.expected"
            " where feed_hour.hour = :running and feed_hour.expected <> excluded.expected"
        ),
        _figures(session, seen, now),
    )


def _figures(session: Session, seen: Mapping[int, _Seen], now: datetime) -> dict[str, Any]:
    known = session.scalar(select(func.max(FeedHour.hour)))
    hours: Iterable[datetime] = whole_hours(now, HOURS_BACK)
    running = whole_hours(now, 1)[0]
    if known is not None:
        hours = [hour for hour in hours if hour >= known]
    mine = {number: round(facts.an_hour) for number, facts in seen.items() if facts.points}
    return {
        "enterprises": list(mine),
        "rows": list(mine.values()),
        "hours": list(hours),
        "running": running,
    }
