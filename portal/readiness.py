"""Whether the installation does its duty: schema, spatial index, seals, scheduler, partitions and room on the disk."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from portal.jobs.queries import parameter_value

# The scheduler's own row among the runs: one each time it begins to lead, its end moves while it lives.
HEARTBEAT = "scheduler"
MIGRATIONS = Path(__file__).parents[1] / "migrations" / "versions"
# When each ledger's row came in, as the portal's own clock says.
LEDGER_TIMES = {"audit_entry": "at", "alarm": "received_at", "alarm_event": "at", "receipt": "received_at"}
SEAL_AGE_S, HEARTBEAT_AGE_S, DISK_FREE_SHARE = 60.0, 30.0, 0.05

VERSION = text("select version_num from alembic_version")
LEAKPROOF = text("select bool_and(proleakproof) from pg_proc where proname = 'geometry_overlaps' and pronargs = 2")
UNSEALED = """
    select '{ledger}', coalesce(extract(epoch from clock_timestamp() - min({at})), 0)::float, count(*)
    from {ledger} where xid >= coalesce((select xid_to from ledger_seal where ledger = '{ledger}'
                                         order by seq desc limit 1), '0'::xid8)
"""
HEARTBEAT_AGE = text(
    "select extract(epoch from clock_timestamp() - max(ended_at))::float from job_run where job = :job"
)


@dataclass(frozen=True)
class Check:
    """One condition of readiness: what was found and the most or least that is allowed."""

    name: str
    ok: bool
    found: Any
    limit: Any = None


@dataclass(frozen=True)
class Waiting:
    """Rows of one ledger that no seal covers yet; `age_s` is the age of the oldest, 0 when there is none."""

    ledger: str
    age_s: float
    rows: int


def unsealed(session: Session) -> list[Waiting]:
    """Return of every ledger what waits for its seal; needs a session that sees every row."""
    parts = [UNSEALED.format(ledger=ledger, at=at) for ledger, at in LEDGER_TIMES.items()]
    return [Waiting(*row) for row in session.execute(text(" union all ".join(parts)))]


def heartbeat_age_s(session: Session) -> float | None:
    """Return the seconds since the scheduler's last sign of life; None when it never ran."""
    found = session.scalar(HEARTBEAT_AGE, {"job": HEARTBEAT})
    return None if found is None else float(found)


def missing_partitions(session: Session, today: date) -> list[str]:
    """Return the day partitions of today and tomorrow (UTC) that readings would miss."""
    names = [f"reading_{today + timedelta(days=ahead):%Y%m%d}" for ahead in (0, 1)]
    wanted = text("select name from unnest(cast(:names as text[])) name where to_regclass('public.' || name) is null")
    return list(session.scalars(wanted, {"names": names}))


@cache
def newest_schema() -> str | None:
    """Return the number of the newest migration of this tree: the one no other builds on; None when there are two."""
    texts = [path.read_text("utf-8") for path in MIGRATIONS.glob("*.py")]
    made = {found for each in texts for found in re.findall(r'^revision\b[^=]*= "(\w+)"', each, re.MULTILINE)}
    built_on = {found for each in texts for found in re.findall(r'^down_revision\b[^=]*= "(\w+)"', each, re.MULTILINE)}
    newest = made - built_on
    return newest.pop() if len(newest) == 1 else None


def checks(session: Session, *, data_dir: Path, now: datetime) -> list[Check]:
    """Return every condition of readiness; the session must see every row."""
    version, leakproof = session.scalar(VERSION), bool(session.scalar(LEAKPROOF))
    seal_limit = parameter_value(session, "ready.seal_age_s", SEAL_AGE_S)
    beat_limit = parameter_value(session, "ready.heartbeat_age_s", HEARTBEAT_AGE_S)
    disk_limit = parameter_value(session, "ready.disk_free_share", DISK_FREE_SHARE)
    waiting = {each.ledger: round(each.age_s, 1) for each in unsealed(session)}
    beat = heartbeat_age_s(session)
    missing = missing_partitions(session, now.date())
    disk = shutil.disk_usage(data_dir if data_dir.exists() else Path.cwd())
    free = disk.free / disk.total
    return [
        Check("schema", version == newest_schema(), version, newest_schema()),
        Check("spatial_index", leakproof, leakproof),
        Check("seal_age_s", max(waiting.values()) <= seal_limit, waiting, seal_limit),
        Check("heartbeat_age_s", beat is not None and beat <= beat_limit, beat and round(beat, 1), beat_limit),
        Check("missing_partitions", not missing, missing),
        Check("disk_free_share", free >= disk_limit, round(free, 3), disk_limit),
    ]
