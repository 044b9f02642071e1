"""The ledgers on PostGIS: digests, seals, and every way of tampering found and named."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from portal.accounts.rights import Role
from portal.audit.models import AuditEntry
from portal.audit.sealing import LEDGERS, seal, verify
from portal.audit.services import record
from portal.config import Settings
from portal.core.actor import CITY, cli_actor
from portal.core.db import transaction
from tests.integration.test_accounts import PASSWORD, make_person

SEAL_TRIES = 300
ROOT = Path(__file__).parents[2]


def seal_all(settings: Settings, ledger: str = "audit_entry") -> None:
    """Seal until nothing waits: any running transaction of the cluster, in any database, holds the horizon."""
    waits = text(
        f"select exists (select 1 from {ledger} where xid >= coalesce("
        f"(select xid_to from ledger_seal where ledger = '{ledger}' order by seq desc limit 1), '0'))"
    )
    for _ in range(SEAL_TRIES):
        with transaction(settings, CITY, worker=True) as session:
            seal(session, ledger)
        with transaction(settings, CITY, worker=True) as session:
            if not session.scalar(waits):
                return
        time.sleep(0.1)
    pytest.fail("another transaction of the cluster ran for 30 seconds")


def written(settings: Settings, count: int = 3) -> list[int]:
    """Write acts, seal them, and return their numbers."""
    mark = os.urandom(6).hex()
    with transaction(settings, CITY, worker=True) as session:
        for number in range(count):
            record(session, cli_actor(), "test.act", object_type=mark, object_id=number, after={"n": number})
    seal_all(settings)
    with transaction(settings, CITY, worker=True) as session:
        wanted = select(AuditEntry.id).where(AuditEntry.object_type == mark).order_by(AuditEntry.id)
        return list(session.scalars(wanted))


def unlocked(owner: Session) -> None:
    """Take the guards away as only a superuser can; the session is rolled back afterwards."""
    for trigger in ("append_only", "ledger_row_digest"):
        owner.execute(text(f"alter table audit_entry disable trigger {trigger}"))


@pytest.mark.clause("9.2.2.8")
def test_untouched_ledgers_are_intact_and_fully_sealed(settings: Settings) -> None:
    written(settings)
    for ledger in LEDGERS:
        seal_all(settings, ledger)
    with transaction(settings, CITY, worker=True) as session:
        verdicts = {ledger: verify(session, ledger) for ledger in LEDGERS}
    assert all(each.intact for each in verdicts.values()), verdicts
    assert verdicts["audit_entry"].rows >= 3
    assert verdicts["audit_entry"].seals >= 1


def test_digest_does_not_depend_on_the_session(db: Session, settings: Settings) -> None:
    written(settings, 1)
    db.execute(text("set local timezone = 'Asia/Shanghai'"))
    db.execute(text("set local extra_float_digits = -5"))
    db.execute(text("set local datestyle = 'German'"))
    assert verify(db, "audit_entry").intact


def test_writer_cannot_choose_transaction_or_digest(db: Session) -> None:
    forged = text(
        "insert into audit_entry (actor_kind, actor_name, action, xid, row_sm3) "
        "values ('cli', 'x', 'test.forged', '7', 'abc') returning xid::text::bigint, length(row_sm3)"
    )
    xid, length = db.execute(forged).one()
    assert xid == db.scalar(text("select pg_current_xact_id()::text::bigint"))
    assert length == 32


def test_rows_of_a_running_transaction_wait_for_their_seal(settings: Settings) -> None:
    seal_all(settings)
    with transaction(settings, CITY, worker=True) as slow:
        record(slow, cli_actor(), "test.slow")
        number = slow.scalar(text("select max(id) from audit_entry"))
        with transaction(settings, CITY, worker=True) as quick:
            record(quick, cli_actor(), "test.quick")
        with transaction(settings, CITY, worker=True) as session:
            assert seal(session, "audit_entry") == 0
    seal_all(settings)
    with transaction(settings, CITY, worker=True) as session:
        assert verify(session, "audit_entry").intact
        assert session.get(AuditEntry, number) is not None


@pytest.mark.clause("9.2.2.8")
def test_altered_row_is_named(settings: Settings, owner: Session) -> None:
    numbers = written(settings)
    unlocked(owner)
    owner.execute(text("update audit_entry set actor_name = 'somebody' where id = :id"), {"id": numbers[1]})
    broken = verify(owner, "audit_entry").first_broken
    assert broken is not None
    assert (broken.kind, broken.row_id) == ("altered", numbers[1])


def test_row_altered_with_its_digest_is_found(settings: Settings, owner: Session) -> None:
    numbers = written(settings, 1)
    unlocked(owner)
    change = "update audit_entry set actor_name = 'somebody' where id = :id"
    owner.execute(text(change), {"id": numbers[0]})
    digest = "update audit_entry t set row_sm3 = digest(convert_to(ledger_canonical(t), 'UTF8'), 'sm3') where id = :id"
    owner.execute(text(digest), {"id": numbers[0]})
    broken = verify(owner, "audit_entry").first_broken
    assert broken is not None
    assert (broken.kind, broken.row_id) == ("altered", numbers[0])


def test_deleted_row_is_named(settings: Settings, owner: Session) -> None:
    numbers = written(settings)
    unlocked(owner)
    owner.execute(text("delete from audit_entry where id = :id"), {"id": numbers[1]})
    broken = verify(owner, "audit_entry").first_broken
    assert broken is not None
    assert (broken.kind, broken.row_id) == ("missing", numbers[1])


def test_row_slipped_in_is_named(settings: Settings, owner: Session) -> None:
    numbers = written(settings)
    unlocked(owner)
    slipped = text(
        "insert into audit_entry (actor_kind, actor_name, action, xid) select 'cli', 'x', 'test.slipped', xid "
        "from audit_entry where id = :id returning id"
    )
    number = owner.scalar(slipped, {"id": numbers[0]})
    digest = "update audit_entry t set row_sm3 = digest(convert_to(ledger_canonical(t), 'UTF8'), 'sm3') where id = :id"
    owner.execute(text(digest), {"id": number})
    broken = verify(owner, "audit_entry").first_broken
    assert broken is not None
    assert (broken.kind, broken.row_id) == ("inserted", number)


def test_seal_taken_from_the_middle_is_found(settings: Settings, owner: Session) -> None:
    written(settings)
    written(settings)
    owner.execute(text("alter table ledger_seal disable trigger append_only"))
    last = owner.scalar(text("select max(seq) from ledger_seal where ledger = 'audit_entry'"))
    cut = text("delete from ledger_seal where ledger = 'audit_entry' and seq = :seq")
    owner.execute(cut, {"seq": last - 1})
    broken = verify(owner, "audit_entry").first_broken
    assert broken is not None
    assert (broken.kind, broken.seal) == ("seal", last - 1)


def test_command_says_intact_and_names_a_broken_row(
    settings: Settings, database: dict[str, str], owner: Session
) -> None:
    numbers = written(settings)
    code = (
        "import sys; from portal.audit.commands import audit; audit.main(args=['verify', '--json'], prog_name='audit')"
    )
    run = [str(ROOT / ".venv" / "bin" / "python"), "-c", code]
    env = {**os.environ, **database}
    good = subprocess.run(run, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert good.returncode == 0, good.stderr
    assert {each["ledger"] for each in json.loads(good.stdout)} == set(LEDGERS)
    owner.execute(text("alter table audit_entry disable trigger append_only"))
    owner.execute(text("update audit_entry set result = 'x' where id = :id"), {"id": numbers[0]})
    owner.commit()
    bad = subprocess.run(run, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60, check=False)
    owner.execute(text("update audit_entry set result = 'done' where id = :id"), {"id": numbers[0]})
    owner.execute(text("alter table audit_entry enable always trigger append_only"))
    owner.commit()
    assert bad.returncode == 1
    assert f"row {numbers[0]}, altered" in bad.stderr


def test_auditor_filters_reads_exports_and_verifies(app: Flask, settings: Settings) -> None:
    with transaction(settings, CITY, worker=True) as session:
        auditor = make_person(session, settings, Role.AUDITOR)
        record(session, cli_actor("=cmd()"), "test.formula", object_type="x", before={"a": 1}, after={"a": 2})
        number = session.scalar(text("select max(id) from audit_entry where action = 'test.formula'"))
    client = app.test_client()
    client.post("/login", data={"login": auditor.login, "password": PASSWORD})
    today = datetime.now(UTC).date().isoformat()
    page = client.get(f"/admin/audit?action=test.formula&result=done&since=2020-01-01&until={today[:4]}-12-31")
    assert f"/admin/audit/{number}" in page.text
    assert client.get("/admin/audit?since=x&before=-1&who=%00").status_code == 200
    entry = client.get(f"/admin/audit/{number}")
    assert entry.status_code == 200
    assert client.get(f"/admin/audit/{2**70}").status_code == 404
    answer = client.get("/admin/audit/export.csv?action=test.formula")
    rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert {row["actor_name"] for row in rows} == {"'=cmd()"}
    assert client.post("/admin/audit/verify").status_code == 200
    with transaction(settings, CITY, worker=True) as session:
        mine = select(AuditEntry.action).where(AuditEntry.actor_id == auditor.id)
        done = set(session.scalars(mine))
    assert {"login", "audit.export", "audit.verify"} <= done
