"""Figures of the running installation for a Prometheus server: intake, alarms, ledgers, queues, processes."""

from __future__ import annotations

import os
import xmlrpc.client
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4 as CONTENT_TYPE
from sqlalchemy import text
from sqlalchemy.orm import Session
from supervisor.xmlrpc import SupervisorTransport

from ingestion_adapters.contract import DATASETS
from portal.readiness import heartbeat_age_s, unsealed

__all__ = ["CONTENT_TYPE", "figures", "memory_by_process", "text_format"]

PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
PROC = Path("/proc")
# Each feed by the table's own key: years of hours, of which a question reads those of two days.
FEEDS = text("""
    select e.id, d.dataset, i.accepted, i.duplicate, i.rejected, i.batches, i.refused, i.last_at
    from enterprise e cross join unnest(cast(:datasets as text[])) as d(dataset)
    cross join lateral (
        select sum(h.accepted), sum(h.duplicate), sum(h.rejected), sum(h.batches), sum(h.refused), max(h.last_at)
        from intake_hour h
        where h.enterprise_id = e.id and h.dataset = d.dataset and h.hour >= :begin and h.hour < :end
    ) as i(accepted, duplicate, rejected, batches, refused, last_at)
    where i.last_at is not null order by 1, 2
""")
# A drop folder's file may name none.
FEED_DATASETS = (*DATASETS, "?")
SETTLED = timedelta(days=2)
FIRST_HOUR = datetime(2000, 1, 1, tzinfo=UTC)
OPEN_ALARMS = text("""
    select level, count(*) from alarm_now where cleared_at is null or acknowledged_at is null group by 1 order by 1
""")
QUEUES = text("""
    select 'import', count(*) from import_job where finished_at is null and state in ('waiting', 'reading', 'judging', 'storing')
    union all select 'rollup', count(*) from rollup_due
""")
NAMES = text("select id, short_name from enterprise")
NOW = text("select clock_timestamp()")
BACKEND = text("select pg_backend_pid()")
DATABASE_BYTES = text("select pg_database_size(current_database())")


class _Once:
    """Hands families that are ready to the library's writer."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self.families = list(families)

    def collect(self) -> Iterable[Metric]:
        """Return the families."""
        return self.families


def text_format(families: Iterable[Metric]) -> bytes:
    """Return families in Prometheus' text format 0.0.4."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Once(families))
    return generate_latest(registry)


def figures(session: Session) -> list[Metric]:
    """Return every figure of this moment; the session must see every row."""
    return [*_intake(session), *_duty(session), *_processes(session.scalar(BACKEND))]


@dataclass
class _Feed:
    """What one feed brought: rows accepted, known before and refused, batches taken and refused, and when last."""

    counts: list[int]
    last_at: datetime


Feeds = dict[tuple[int, str], _Feed]
# Hours long past never change: their sums are made once a day and database.
_settled: dict[str, tuple[datetime, Feeds]] = {}


def _feeds(session: Session, now: datetime) -> Feeds:
    """Return the sums of every feed since the beginning."""
    cut = now.replace(hour=0, minute=0, second=0, microsecond=0) - SETTLED
    place = session.get_bind().engine.url.render_as_string(hide_password=True)
    known = _settled.get(place)
    if known is None or known[0] != cut:
        known = _settled[place] = (cut, _between(session, FIRST_HOUR, cut))
    found = {feed: _Feed(list(past.counts), past.last_at) for feed, past in known[1].items()}
    for feed, new in _between(session, cut, now + SETTLED).items():
        past = found.get(feed)
        counts = [old + more for old, more in zip(past.counts, new.counts, strict=True)] if past else new.counts
        found[feed] = _Feed(counts, new.last_at)
    return found


def _between(session: Session, begin: datetime, end: datetime) -> Feeds:
    rows = session.execute(FEEDS, {"datasets": list(FEED_DATASETS), "begin": begin, "end": end})
    return {(row[0], row[1]): _Feed([int(count) for count in row[2:7]], row.last_at) for row in rows}


def _intake(session: Session) -> list[Metric]:
    rows = CounterMetricFamily(
        "ranjian_rows", "Rows taken in since the beginning by outcome", labels=["dataset", "outcome"]
    )
    receipts = CounterMetricFamily("ranjian_receipts", "Batches by status of their receipt", labels=["status"])
    age = GaugeMetricFamily(
        "ranjian_feed_age_seconds", "Seconds since the newest batch of a feed", labels=["enterprise", "dataset"]
    )
    sums: dict[tuple[str, str], int] = defaultdict(int)
    taken = refused = 0
    now: datetime = session.scalar(NOW)
    names = {number: name for number, name in session.execute(NAMES)}  # noqa: C416
    for (enterprise_id, dataset), feed in _feeds(session, now).items():
        *outcomes, batches, batches_refused = feed.counts
        for outcome, count in zip(("accepted", "duplicate", "rejected"), outcomes, strict=True):
            sums[dataset, outcome] += count
        taken, refused = taken + batches, refused + batches_refused
        age.add_metric([names[enterprise_id], dataset], (now - feed.last_at).total_seconds())
    for (dataset, outcome), count in sorted(sums.items()):
        rows.add_metric([dataset, outcome], count)
    receipts.add_metric(["taken"], taken)
    receipts.add_metric(["refused"], refused)
    return [rows, receipts, age]


def _duty(session: Session) -> list[Metric]:
    alarms = GaugeMetricFamily(
        "ranjian_open_alarms", "Alarms not cleared or not acknowledged by level", labels=["level"]
    )
    for level, count in session.execute(OPEN_ALARMS):
        alarms.add_metric([str(level)], count)
    queues = GaugeMetricFamily("ranjian_queue_depth", "What waits for a job of the scheduler", labels=["queue"])
    for queue, count in session.execute(QUEUES):
        queues.add_metric([queue], count)
    unsealed_rows = GaugeMetricFamily("ranjian_unsealed_rows", "Ledger rows not yet in a seal", labels=["ledger"])
    unsealed_age = GaugeMetricFamily(
        "ranjian_unsealed_age_seconds", "Age of the oldest ledger row not yet in a seal", labels=["ledger"]
    )
    for each in unsealed(session):
        unsealed_rows.add_metric([each.ledger], each.rows)
        unsealed_age.add_metric([each.ledger], each.age_s)
    found: list[Metric] = [alarms, queues, unsealed_rows, unsealed_age]
    beat = heartbeat_age_s(session)
    if beat is not None:
        found.append(
            GaugeMetricFamily(
                "ranjian_scheduler_heartbeat_age_seconds", "Seconds since the scheduler's last sign of life", value=beat
            )
        )
    size = GaugeMetricFamily("ranjian_database_bytes", "Size of the database", value=session.scalar(DATABASE_BYTES))
    return [*found, size]


def _processes(backend: int | None = None) -> list[Metric]:
    memory = GaugeMetricFamily(
        "ranjian_process_memory_bytes",
        "Resident memory of a program with its children, shared segments left out",
        labels=["program"],
    )
    number = GaugeMetricFamily("ranjian_processes", "Processes of a program", labels=["program"])
    for program, sizes in sorted(memory_by_process(backend).items()):
        memory.add_metric([program], sum(sizes))
        number.add_metric([program], len(sizes))
    return [memory, number]


def memory_by_process(backend: int | None = None) -> dict[str, list[int]]:
    """Return the own bytes of each process under each of the supervisor's programs; without one, of this process.

    `backend` is a process of the database: one on this machine is found by it whoever started it.
    """
    roots = _programs() or {os.getpid(): "web"}
    parents = {pid: parent for pid in _pids() if (parent := _parent(pid)) is not None}
    if backend in parents and _name(parents[backend]) == "postgres":
        roots[parents[backend]] = "database"
    found: dict[str, list[int]] = defaultdict(list)
    for pid in parents:
        above: int | None = pid
        while above and above not in roots:
            above = parents.get(above)
        if above and (size := _own_bytes(pid)):
            found[roots[above]].append(size)
    return dict(found)


def _programs() -> dict[int, str]:
    """Return the supervisor's running programs by process id; nothing where no supervisor runs."""
    server = os.environ.get("SUPERVISOR_SERVER_URL", "")
    if not server.startswith("unix://"):
        return {}
    proxy = xmlrpc.client.ServerProxy("http://127.0.0.1", transport=SupervisorTransport(None, None, server))
    try:
        known = proxy.supervisor.getAllProcessInfo()
    except (OSError, xmlrpc.client.Error):
        return {}
    return {int(each["pid"]): str(each["name"]) for each in known if each["pid"]}  # type: ignore[union-attr,index]


def _pids() -> list[int]:
    return [int(entry.name) for entry in PROC.iterdir() if entry.name.isdigit()]


def _parent(pid: int) -> int | None:
    try:
        return int((PROC / str(pid) / "stat").read_text("utf-8").rpartition(")")[2].split()[1])
    except (OSError, ValueError, IndexError):
        return None


def _name(pid: int) -> str:
    try:
        return (PROC / str(pid) / "comm").read_text("utf-8").strip()
    except OSError:
        return ""


def _own_bytes(pid: int) -> int:
    """Return resident minus shared memory: every process of the database maps the same buffers."""
    try:
        _, resident, shared, *_ = (PROC / str(pid) / "statm").read_text("utf-8").split()
    except (OSError, ValueError):
        return 0
    return (int(resident) - int(shared)) * PAGE_BYTES
