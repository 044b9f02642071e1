"""The scheduler: one process, one leader, each slot of each job run once and in its own transaction."""

from __future__ import annotations

import logging
import os
import sys
from datetime import UTC, datetime
from typing import Any

from apscheduler.schedulers.blocking import BlockingScheduler
from sqlalchemy import create_engine, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import SQLAlchemyError

from portal.config import Settings
from portal.core.actor import CITY
from portal.core.clock import CITY_ZONE, utc_now
from portal.core.db import transaction
from portal.core.errors import PortalError
from portal.core.logs import start_logging
from portal.core.memory import give_back_memory
from portal.jobs.models import JobRun
from portal.readiness import HEARTBEAT
from portal.schedule import SCHEDULE, Job, job_named

LEADER_LOCK = 727100
BEAT_S = 5
log = logging.getLogger(__name__)


def run_job(settings: Settings, job: Job, slot: datetime) -> bool:
    """Run one slot of a job unless it was run; return whether it was. Failures are kept with the slot."""
    note, ok = "", True
    with transaction(settings, CITY, worker=True) as session:
        if job.kept and not _claimed(session, job.name, slot):
            return False
        try:
            with session.begin_nested():
                note = job.work(session, utc_now())
        except (SQLAlchemyError, PortalError, ValueError, OSError) as failed:
            ok, note = False, f"{type(failed).__name__}: {failed}"[:500]
            log.error("job_failed", extra={"job": job.name}, exc_info=failed)
        if job.kept:
            session.query(JobRun).filter_by(job=job.name, slot=slot).update(
                {"ended_at": utc_now(), "ok": ok, "note": note}
            )
    return True


def _claimed(session: Any, name: str, slot: datetime) -> bool:
    wanted = insert(JobRun).values(job=name, slot=slot).on_conflict_do_nothing().returning(JobRun.id)
    return session.scalar(wanted) is not None


def beat(settings: Settings, leading_since: datetime) -> None:
    """Keep a sign of life: the end of the scheduler's own run moves while it leads."""
    now = utc_now()
    told = insert(JobRun).values(
        job=HEARTBEAT, slot=leading_since, ended_at=now, ok=True, note=f"process {os.getpid()}"
    )
    with transaction(settings, CITY, worker=True) as session:
        session.execute(told.on_conflict_do_update(index_elements=["job", "slot"], set_={"ended_at": now}))


def _slot(job: Job, now: datetime) -> datetime:
    seconds = int(now.timestamp())
    return datetime.fromtimestamp(seconds - seconds % job.slot_s, UTC)


def run_forever() -> None:
    """Wait to become the leader, then run the schedule until stopped."""
    give_back_memory()
    settings = Settings.from_env()
    start_logging(settings.log_level)
    logging.getLogger("apscheduler").setLevel(logging.WARNING)  # its line a second says nothing new
    engine = create_engine(settings.worker_database_url, isolation_level="AUTOCOMMIT", pool_size=1)
    leader = engine.connect()
    leader.execute(text("set idle_session_timeout = 0"))
    leader.execute(text("set lock_timeout = 0"))
    leader.execute(text("select pg_advisory_lock(:lock)"), {"lock": LEADER_LOCK})
    scheduler, leading_since = BlockingScheduler(timezone=CITY_ZONE), utc_now()
    beat(settings, leading_since)
    # After days of standstill the first reading must not wait for the hour's turn.
    run_job(settings, job_named("make_partitions"), leading_since)

    def still_leading() -> None:
        try:
            leader.execute(text("select 1"))
            beat(settings, leading_since)
        except SQLAlchemyError:
            log.error("leadership_lost")
            sys.stdout.flush()
            scheduler.shutdown(wait=False)

    scheduler.add_job(still_leading, "interval", seconds=BEAT_S, max_instances=1, coalesce=True)
    for job in SCHEDULE:
        scheduler.add_job(
            lambda job=job: run_job(settings, job, _slot(job, utc_now())),
            id=job.name,
            max_instances=1,
            coalesce=True,
            misfire_grace_time=job.slot_s,
            trigger=job.trigger,
        )
    scheduler.start()


if __name__ == "__main__":
    run_forever()
