"""The schedule: every job in one table, with when, what, why and who cares for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger
from sqlalchemy import text
from sqlalchemy.orm import Session

from ingestion_adapters.backfill.release import release_approved
from ingestion_adapters.dropbox.jobs import take_dropped
from ingestion_adapters.files.jobs import import_waiting
from ingestion_adapters.mapping.jobs import retire_raw
from ingestion_adapters.notices import send_notices
from ingestion_adapters.pull.jobs import forget_pull_runs, pull_due
from ingestion_adapters.quality.engine import score_quality
from ingestion_adapters.quality.feed_watch import watch_feeds
from ingestion_adapters.upward.jobs import collect_upward, forget_bodies, send_upward
from portal.audit.sealing import LEDGERS, seal
from portal.cockpit.board import note_index
from portal.core.clock import CITY_ZONE
from portal.events.services import urge_overdue
from portal.flows.limit_clock import watch_flat_lines, watch_limits
from portal.flows.outage_watch import watch_outages
from portal.network.borders.jobs import match_borders
from portal.network.jobs import compute_atlas
from portal.operation.desk.jobs import tend_alarms
from portal.operation.devices.jobs import count_operations
from portal.operation.escalation.jobs import notify_alarms
from portal.operation.limits.rehearsal import rehearse_waiting
from portal.operation.meters.numbers import index_codes
from portal.operation.meters.packing import make_meter_months, pack_meters, retire_meters
from portal.operation.telemetry.newest import fold_waiting
from portal.operation.telemetry.packing import pack_due
from portal.operation.telemetry.retention import retire_due
from portal.operation.telemetry.rollup import roll_up, roll_up_days
from portal.proposals.jobs import follow_proposals
from portal.safety.risk.jobs import grade_risk, recompute_risk
from reports.orders import make_waiting
from reports.services import make_monthly

PARTITIONS_AHEAD = 3
NONCE_KEPT_S = 660


@dataclass(frozen=True)
class Job:
    """One scheduled job; `kept` jobs leave a row for each slot and run a slot only once."""

    name: str
    trigger: BaseTrigger
    slot_s: int
    work: Callable[[Session, datetime], Any]
    why: str
    kept: bool = True


def seal_ledgers(session: Session, now: datetime) -> str:
    """Chain the newest rows of every ledger."""
    rows = {ledger: seal(session, ledger) for ledger in LEDGERS}
    return str({ledger: count for ledger, count in rows.items() if count})


def make_partitions(session: Session, now: datetime) -> str:
    """Make the reading partitions of today and the days ahead, and of the month of meter readings."""
    make_meter_months(session, now)
    for ahead in range(PARTITIONS_AHEAD + 1):
        session.execute(text("select ensure_reading_day(:day)"), {"day": (now + timedelta(days=ahead)).date()})
    for day in (now.date(), (now + timedelta(days=32)).date()):
        session.execute(text("select ensure_reading_month(:day)"), {"day": day})
    return f"{PARTITIONS_AHEAD} days ahead"


def forget_nonces(session: Session, now: datetime) -> str:
    """Forget nonces that the time window refuses anyway."""
    gone = session.execute(
        text("delete from nonce_used where at < :limit"), {"limit": now - timedelta(seconds=NONCE_KEPT_S)}
    )
    return f"{gone.rowcount} forgotten"  # type: ignore[attr-defined]


def every(seconds: int) -> IntervalTrigger:
    """Return a trigger each so many seconds."""
    return IntervalTrigger(seconds=seconds)


def cron(expression: str) -> CronTrigger:
    """Return a trigger by a five-field cron expression in city time."""
    return CronTrigger.from_crontab(expression, timezone=CITY_ZONE)


SCHEDULE: tuple[Job, ...] = (
    Job("seal_ledgers", every(1), 1, seal_ledgers, "bounds how long a row is not yet chained", kept=False),
    Job("fold_latest", every(5), 5, fold_waiting, "newest values left by a process that was ended", kept=False),
    Job("roll_up", every(15), 15, roll_up, "hourly figures follow late readings", kept=False),
    Job("roll_up_days", every(120), 120, roll_up_days, "daily figures follow their hours", kept=False),
    Job("pack_readings", cron("*/10 * * * *"), 600, pack_due, "closed days take a tenth of the room"),
    Job("retire_readings", cron("40 4 * * *"), 3600, retire_due, "readings and hours beyond the years kept go, audited"),
    Job("pack_meters", cron("5-59/10 * * * *"), 600, pack_meters, "batches of a closed day of meters become one row a block"),
    Job("retire_meters", cron("45 4 * * *"), 3600, retire_meters, "meter readings beyond the years kept go, audited"),
    Job("index_meter_codes", every(60), 60, index_codes, "codes of meters are found without the database", kept=False),
    Job("import_waiting", every(2), 2, import_waiting, "uploads are judged while their sender watches", kept=False),
    Job("make_reports", every(2), 2, make_waiting, "an ordered report is made while its reader watches", kept=False),
    Job("drop_folders", every(2), 2, take_dropped, "files of enterprises that send no messages", kept=False),
    Job("pull_sources", every(5), 5, pull_due, "asks enterprises that cannot send", kept=False),
    Job("release_backfill", every(20), 20, release_approved, "approved late readings are stored", kept=False),
    Job("retire_raw_messages", cron("35 4 * * *"), 3600, retire_raw, "keeps messages as sent for parameter intake.raw_days"),
    Job("forget_pull_runs", cron("20 4 * * *"), 3600, forget_pull_runs, "keeps 30 days of questions"),
    Job("collect_upward", every(30), 30, collect_upward, "what the province gets is queued when it happens", kept=False),
    Job("send_upward", every(5), 5, send_upward, "queued batches go up until the province has them", kept=False),
    Job("forget_upward_bodies", cron("50 4 * * *"), 3600, forget_bodies, "bytes taken long ago make room"),
    Job("watch_feeds", every(15), 15, watch_feeds, "a silent feed is noticed within two of its intervals", kept=False),
    Job("score_quality", every(60), 60, score_quality, "scores follow the data, late ones too", kept=False),
    Job("watch_limits", every(15), 15, watch_limits, "silence of a point and delays end without a new reading", kept=False),
    Job("watch_flat_lines", every(300), 300, watch_flat_lines, "a stuck sensor sends readings and says nothing", kept=False),
    Job("rehearse_limits", every(2), 2, rehearse_waiting, "changed rules meet the past before they are released", kept=False),
    Job("watch_outages", every(30), 30, watch_outages, "silence is located and told once, whoever looks", kept=False),
    Job("tend_alarms", every(5), 5, tend_alarms, "holds end by themselves, alarms of one cause become one line", kept=False),
    Job("notify_alarms", every(5), 5, notify_alarms, "an alarm nobody has seen goes up by the roster", kept=False),
    Job("send_notices", every(5), 5, send_notices, "mails and calls about alarms leave, and are tried again", kept=False),
    Job("recompute_risk", every(15), 15, recompute_risk, "a colour follows its inputs within a minute", kept=False),
    Job("grade_risk", cron("20 3 * * *"), 3600, grade_risk, "pipes grow older, leaks are forgotten, patrols fall due"),
    Job("count_operations", cron("12 * * * *"), 3600, count_operations, "operations of devices follow their positions"),
    Job("compute_atlas", cron("*/10 * * * *"), 600, compute_atlas, "the worst places follow a change of the network"),
    Job("note_safety_index", cron("*/30 * * * *"), 1800, note_index, "the cockpit tells how the index went"),
    Job("match_borders", every(5), 5, match_borders, "findings between enterprises follow the network", kept=False),
    Job("follow_proposals", every(30), 30, follow_proposals, "a correction an enterprise took over is noticed", kept=False),
    Job("urge_overdue", every(60), 60, urge_overdue, "reminds before and at the limit of a case", kept=False),
    Job("make_partitions", cron("7 * * * *"), 3600, make_partitions, "a reading never waits for its day"),
    Job("forget_nonces", every(60), 60, forget_nonces, "keeps the nonce table small", kept=False),
    Job("monthly_evaluation", cron("0 3 2 * *"), 3600, make_monthly, "last month's evaluations are ready on the 2nd"),
)


def job_named(name: str) -> Job:
    """Return a job; raise KeyError for an unknown name."""
    return {job.name: job for job in SCHEDULE}[name]
