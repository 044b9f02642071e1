"""Alarms are never deleted: not with their device or enterprise, not by a purge, not by a downgrade, by nobody."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from ingestion_adapters.mapping.jobs import retire_raw
from ingestion_adapters.pull.jobs import forget_pull_runs
from ingestion_adapters.upward.jobs import forget_bodies
from portal.core.actor import CITY, cli_actor
from portal.core.clock import utc_now
from portal.operation.alarms.services import NewAlarm, raise_alarm
from portal.operation.desk.services import Handling, write_record
from portal.operation.meters.packing import retire_meters
from portal.operation.telemetry.retention import retire_due
from portal.schedule import forget_nonces
from tests.factories import make_enterprise, make_point

ROOT = Path(__file__).parents[2]
COUNTED = """
select (select count(*) from alarm), (select count(*) from alarm_event), (select count(*) from alarm_now),
       (select count(*) from alarm_record)
"""
TABLES = ("alarm", "alarm_event", "alarm_record", "alarm_attachment")


@pytest.fixture
def known(committed: Callable[..., Any]) -> dict[str, int]:
    """Give an alarm of years ago with a record, at a point with a device, and the numbers of all."""

    def stage(session: Session) -> dict[str, int]:
        firm = make_enterprise(session)
        point = make_point(session, firm)
        device = session.scalar(
            text(
                "insert into device (enterprise_id, adcode, src_code, kind) values (:e, '990101', :c, 1) returning id"
            ),
            {"e": firm.id, "c": f"D{firm.id}"},
        )
        feeds = text("insert into device_point (point_id, device_id, enterprise_id) values (:p, :d, :e)")
        session.execute(feeds, {"p": point.id, "d": device, "e": firm.id})
        old = utc_now().replace(year=utc_now().year - 7, day=1)
        new = NewAlarm(firm.id, "990101", "rule", 11, 1, old, point_id=point.id)
        alarm = raise_alarm(session, new, actor=cli_actor())[0]
        actor = cli_actor()
        assert actor.scope == CITY
        write_record(session, alarm.id, Handling("李工", "误碰", "复位", "正常"), now=utc_now(), actor=actor)
        return {"enterprise": firm.id, "point": point.id, "device": device or 0, "alarm": alarm.id}

    found: dict[str, int] = committed(stage)
    return found


@pytest.mark.clause("7.2.7.3-4e_3")
def test_nobody_deletes_an_alarm_nor_what_it_hangs_on(
    known: dict[str, int], owner: Session, committed: Callable[..., Any]
) -> None:
    def counted(session: Session) -> tuple[int, ...]:
        return tuple(session.execute(text(COUNTED)).one())

    before = committed(counted)
    for name in ("enterprise", "point", "device"):
        with pytest.raises(DBAPIError):
            owner.execute(text(f"delete from {name} where id = :n"), {"n": known[name]})
        owner.rollback()
    for name in TABLES:
        with pytest.raises(DBAPIError):
            owner.execute(text(f"delete from {name}"))
            owner.execute(text(f"truncate {name} cascade"))
        owner.rollback()
    assert committed(counted) == before
    for purge in (retire_raw, forget_pull_runs, forget_bodies, retire_meters, retire_due, forget_nonces):
        committed(lambda session, job=purge: job(session, utc_now()))
    assert committed(counted) == before


@pytest.mark.clause("7.2.7.3-4e_3")
def test_a_migration_downgrade_leaves_every_alarm(
    known: dict[str, int], database: dict[str, str], committed: Callable[..., Any]
) -> None:
    count = text(COUNTED)
    before = committed(lambda session: tuple(session.execute(count).one()))
    done = subprocess.run(
        [ROOT / ".venv" / "bin" / "alembic", "downgrade", "-1"],
        cwd=ROOT, env={**os.environ, **database}, capture_output=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode != 0
    assert committed(lambda session: tuple(session.execute(count).one())) == before
