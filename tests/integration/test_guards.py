"""What the database itself forbids: forged scopes, changed ledgers, foreign rows."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from portal.audit.services import record
from portal.config import Settings
from portal.core.actor import CITY, Scope, cli_actor
from portal.core.db import transaction
from tests.factories import make_enterprise, make_pipe

LEDGERS = ("audit_entry", "alarm", "alarm_event", "receipt", "rejection", "ledger_seal", "case_step", "report")


@pytest.mark.clause("9.2.2.3")
def test_a_forged_scope_sees_nothing(settings: Settings) -> None:
    with transaction(settings, CITY, worker=True) as session:
        make_pipe(session, make_enterprise(session))
    with transaction(settings, Scope()) as session:
        session.execute(text("select set_config('app.scope', '*', true)"))
        assert session.scalar(text("select count(*) from gas_pipe")) == 0


def test_an_enterprise_sees_its_own_pipes_only(settings: Settings) -> None:
    with transaction(settings, CITY, worker=True) as session:
        ours, theirs = make_enterprise(session), make_enterprise(session)
        make_pipe(session, ours)
        make_pipe(session, theirs)
    with transaction(settings, Scope(enterprise_ids=frozenset({ours.id}))) as session:
        owners = session.scalars(text("select distinct enterprise_id from gas_pipe")).all()
    assert owners == [ours.id]


@pytest.mark.clause("7.2.7.3-4e_3")
@pytest.mark.parametrize("ledger", LEDGERS)
def test_no_role_can_empty_a_ledger(owner: Session, ledger: str) -> None:
    owner.execute(text("set session_replication_role = replica"))
    with pytest.raises(DBAPIError, match="never changed or removed"):
        owner.execute(text(f"truncate {ledger} cascade"))


@pytest.mark.clause("7.2.7.3-4e_3")
@pytest.mark.parametrize("verb", ["delete from audit_entry", "update audit_entry set action = 'x'"])
def test_even_the_superuser_cannot_change_a_ledger_row(settings: Settings, owner: Session, verb: str) -> None:
    with transaction(settings, CITY, worker=True) as session:
        record(session, cli_actor(), "test.act")
    with pytest.raises(DBAPIError, match="never changed or removed"):
        owner.execute(text(verb))


@pytest.mark.parametrize("ledger", LEDGERS)
def test_the_application_may_neither_change_nor_delete_a_ledger(settings: Settings, ledger: str) -> None:
    for verb in (f"delete from {ledger}", f"update {ledger} set id = id"):
        with pytest.raises(DBAPIError, match="permission denied"), transaction(settings, CITY) as session:
            session.execute(text(verb))


def test_a_changed_pipe_leaves_its_former_state_in_history(db: Session) -> None:
    pipe = make_pipe(db, make_enterprise(db))
    db.execute(text("update gas_pipe set material = 20 where id = :id"), {"id": pipe.id})
    before = db.execute(
        text("select material, valid_to is not null from gas_pipe_history where id = :id"), {"id": pipe.id}
    ).one()
    assert tuple(before) == (21, True)


def test_the_web_role_cannot_read_readings_past_the_view(settings: Settings) -> None:
    with pytest.raises(DBAPIError, match="permission denied"), transaction(settings, CITY) as session:
        session.execute(text("select count(*) from reading"))
