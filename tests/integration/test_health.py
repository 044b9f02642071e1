"""Readiness says no for each duty that is not done; the figures are those of the tables and the processes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text
from sqlalchemy.orm import Session

from portal import metrics
from portal.audit.models import AuditEntry
from portal.config import Settings
from portal.core.clock import utc_now
from portal.jobs.models import JobRun, Parameter
from portal.metrics import memory_by_process
from portal.readiness import HEARTBEAT, checks, missing_partitions
from portal.schedule import make_partitions, seal_ledgers
from portal.scheduler import beat
from tests.factories import make_enterprise

Committed = Callable[..., object]
LEADING_SINCE = utc_now()


def failing(session: Session, folder: Path) -> list[str]:
    """Return the names of the conditions that do not hold."""
    return [each.name for each in checks(session, data_dir=folder, now=utc_now()) if not each.ok]


@pytest.fixture
def duties_done(settings: Settings, committed: Committed) -> Iterator[None]:
    """Do once what the scheduler does all the time; take the sign of life back at the end."""
    committed(lambda session: make_partitions(session, utc_now()))
    committed(lambda session: seal_ledgers(session, utc_now()))
    beat(settings, LEADING_SINCE)
    yield
    committed(lambda session: session.query(JobRun).filter_by(job=HEARTBEAT).update({"ended_at": utc_now()}))


@pytest.mark.usefixtures("duties_done")
def test_the_portal_is_ready_when_every_duty_is_done(client: FlaskClient) -> None:
    answer = client.get("/readyz")
    assert answer.status_code == 200, answer.json
    assert answer.json is not None
    assert answer.json["state"] == "ready"
    assert answer.json["failing"] == []
    assert set(answer.json["seal_age_s"]) == {"audit_entry", "alarm", "alarm_event", "receipt"}
    assert answer.json["limits"]["seal_age_s"] == 60


@pytest.mark.usefixtures("duties_done")
def test_a_silent_scheduler_makes_the_portal_not_ready(client: FlaskClient, committed: Committed) -> None:
    long_ago = {"ended_at": utc_now() - timedelta(seconds=31)}
    committed(lambda session: session.query(JobRun).filter_by(job=HEARTBEAT).update(long_ago))
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json is not None
    assert answer.json["failing"] == ["heartbeat_age_s"]
    assert answer.json["heartbeat_age_s"] >= 31


@pytest.mark.usefixtures("duties_done")
def test_an_old_row_without_a_seal_makes_the_portal_not_ready(db: Session, tmp_path: Path) -> None:
    assert failing(db, tmp_path) == []
    old = utc_now() - timedelta(seconds=61)
    db.add(AuditEntry(at=old, actor_kind="job", actor_name="test", action="login"))
    db.flush()
    assert failing(db, tmp_path) == ["seal_age_s"]


@pytest.mark.usefixtures("duties_done")
def test_the_limits_are_configuration(db: Session, tmp_path: Path) -> None:
    db.get_one(Parameter, "ready.seal_age_s").value = 120
    db.add(AuditEntry(at=utc_now() - timedelta(seconds=61), actor_kind="job", actor_name="test", action="login"))
    db.flush()
    assert failing(db, tmp_path) == []
    db.get_one(Parameter, "ready.disk_free_share").value = 1.01
    db.flush()
    assert failing(db, tmp_path) == ["disk_free_share"]


@pytest.mark.usefixtures("duties_done")
def test_a_day_without_partition_makes_the_portal_not_ready(db: Session, tmp_path: Path) -> None:
    assert missing_partitions(db, utc_now().date()) == []
    later = utc_now() + timedelta(days=400)
    assert missing_partitions(db, later.date()) == [f"reading_{later + timedelta(days=n):%Y%m%d}" for n in (0, 1)]
    found = {each.name: each.ok for each in checks(db, data_dir=tmp_path, now=later)}
    assert found["missing_partitions"] is False


def test_each_start_of_the_scheduler_keeps_one_row(settings: Settings, db: Session) -> None:
    began = utc_now()
    beat(settings, began)
    beat(settings, began)
    rows = db.query(JobRun).filter_by(job=HEARTBEAT, slot=began).all()
    assert len(rows) == 1
    assert rows[0].ended_at is not None
    assert rows[0].ended_at >= began


def figures_of(client: FlaskClient) -> dict[str, dict[tuple[tuple[str, str], ...], float]]:
    """Return every sample of the figures by name and labels."""
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert answer.content_type.startswith("text/plain; version=0.0.4")
    found: dict[str, dict[tuple[tuple[str, str], ...], float]] = {}
    for family in text_string_to_metric_families(answer.get_data(as_text=True)):
        for sample in family.samples:
            found.setdefault(sample.name, {})[tuple(sorted(sample.labels.items()))] = sample.value
    return found


def test_the_figures_are_those_of_the_tables(client: FlaskClient, committed: Committed) -> None:
    def batches(session: Session) -> None:
        sender = make_enterprise(session).id
        session.execute(
            text(
                "insert into intake_hour (enterprise_id, dataset, hour, batches, rows, accepted, rejected, refused, last_at) "
                "values (:sender, 'RT', date_trunc('hour', now()), 3, 40, 37, 3, 2, now() - interval '90 s')"
            ),
            {"sender": sender},
        )

    before = figures_of(client)
    committed(batches)
    after = figures_of(client)
    accepted, taken = (("dataset", "RT"), ("outcome", "accepted")), (("status", "taken"),)
    assert after["ranjian_rows_total"][accepted] - before.get("ranjian_rows_total", {}).get(accepted, 0) == 37
    assert after["ranjian_receipts_total"][taken] - before["ranjian_receipts_total"][taken] == 3
    assert any(90 <= age < 100 for age in after["ranjian_feed_age_seconds"].values())
    assert after["ranjian_database_bytes"][()] > 1_000_000
    assert after["ranjian_queue_depth"].keys() == {(("queue", "import"),), (("queue", "rollup"),)}
    assert after["ranjian_process_memory_bytes"][(("program", "web"),)] > 10_000_000


def test_hours_long_past_are_summed_once_a_day(client: FlaskClient, committed: Committed) -> None:
    hours = text(
        "insert into intake_hour (enterprise_id, dataset, hour, batches, accepted, last_at)"
        " select :sender, 'USR', h, 1, 10, h from generate_series(date_trunc('day', now()) - interval '40 days',"
        " date_trunc('hour', now()), interval '1 hour') h"
    )
    accepted = (("dataset", "USR"), ("outcome", "accepted"))
    sender = committed(lambda session: session.execute(hours, {"sender": make_enterprise(session).id}).rowcount)
    metrics._settled.clear()
    first = figures_of(client)["ranjian_rows_total"][accepted]
    assert first >= 10 * int(sender)
    more = text(
        "update intake_hour set accepted = accepted + 1 where dataset = 'USR' and hour = date_trunc('hour', now())"
    )
    changed = committed(lambda session: session.execute(more).rowcount)
    assert figures_of(client)["ranjian_rows_total"][accepted] == first + changed
    assert len(metrics._settled) == 1


def test_figures_are_refused_to_another_machine(client: FlaskClient) -> None:
    assert client.get("/metrics", environ_base={"REMOTE_ADDR": "192.0.2.7"}).status_code == 403
    assert client.get("/metrics", headers={"X-Forwarded-For": "192.0.2.7"}).status_code == 403
    assert client.get("/metrics", headers={"X-Forwarded-For": "127.0.0.1"}).status_code == 200


def test_memory_is_counted_without_a_supervisor() -> None:
    assert sum(memory_by_process()["web"]) > 10_000_000
