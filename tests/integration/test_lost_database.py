"""A connection that died while it rested, and texts no database takes: a plain answer, never a 500."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from typing import Any

import psycopg2
import psycopg2.errors
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DataError, IntegrityError, OperationalError
from sqlalchemy.orm import Session

from portal.accounts.rights import Rights, Role
from portal.accounts.services import create_user
from portal.config import Settings
from portal.core import db
from portal.core.actor import CITY, cli_actor
from portal.core.db import call, engine_for, transaction

PASSWORD = "Lost-Cable-7-Found"


@pytest.fixture
def client(app: Flask, committed: Callable[..., Any], settings: Settings) -> FlaskClient:
    """Give a regulator of the city, logged in."""
    login = f"l{secrets.token_hex(5)}"

    def work(session: Session) -> None:
        rights = Rights(Role.CITY_REGULATOR)
        user, _ = create_user(session, login, "赵敏", rights, settings=settings, actor=cli_actor(), password=PASSWORD)
        user.must_change_password = False

    committed(work)
    browser = app.test_client()
    assert browser.post("/login", data={"login": login, "password": PASSWORD}).status_code == 302
    return browser


@pytest.fixture
def end_connections(
    database: dict[str, str], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[], None]]:
    """Give a function that ends every connection to the database; later tests begin with new ones."""
    admin = create_engine(database["PORTAL_OWNER_DATABASE_URL"], isolation_level="AUTOCOMMIT")
    others = text(
        "select pg_terminate_backend(pid) from pg_stat_activity"
        " where datname = current_database() and pid <> pg_backend_pid()"
    )

    def end() -> None:
        with admin.connect() as connection:
            connection.execute(others)

    monkeypatch.setattr(db, "FRESH_S", 60.0)  # on a busy machine "a moment ago" may be seconds
    yield end
    admin.dispose()
    for url in (settings.app_database_url, settings.worker_database_url):
        engine_for(url).dispose()


def test_a_connection_lost_a_moment_ago_costs_one_refused_transaction(
    settings: Settings, end_connections: Callable[[], None]
) -> None:
    with transaction(settings, CITY) as session:
        session.execute(text("select 1"))
    end_connections()
    with pytest.raises(OperationalError) as lost, transaction(settings, CITY):
        pass
    assert isinstance(lost.value.orig, psycopg2.OperationalError)
    assert "app.scope_mac" not in str(lost.value.params)
    with transaction(settings, CITY) as session:
        assert session.scalar(text("select 1")) == 1


def test_a_page_says_that_the_database_is_away(client: FlaskClient, end_connections: Callable[[], None]) -> None:
    assert client.get("/operation/alarms").status_code == 200
    end_connections()
    away = client.get("/operation/alarms")
    assert (away.status_code, away.headers["Retry-After"]) == (503, "2")
    assert client.get("/operation/alarms").status_code == 200


def test_a_wrong_value_in_a_constant_statement_is_a_data_error_without_the_values(settings: Settings) -> None:
    with pytest.raises(DataError) as wrong, transaction(settings, CITY) as session:
        call(session, "select %s::int", ("planted-secret",))
    assert "planted-secret" not in str(wrong.value.params)


def test_a_nul_in_an_address_or_a_field_is_a_bad_request(client: FlaskClient) -> None:
    for address in ("/intake/quality/rules/%00", "/intake/quality/rules/a%00b"):
        assert client.get(address).status_code in (400, 404)


def test_the_pool_is_new_after_a_loss(settings: Settings, end_connections: Callable[[], None]) -> None:
    engine = engine_for(settings.app_database_url)
    with engine.connect(), engine.connect():
        pass
    end_connections()
    with pytest.raises(OperationalError), transaction(settings, CITY):
        pass
    assert engine.pool.checkedin() == 0  # type: ignore[attr-defined]


def test_who_is_a_moment_too_late_is_told_that_the_state_has_changed(app: Flask) -> None:
    late = IntegrityError("insert", None, psycopg2.errors.UniqueViolation())
    with app.test_request_context("/api/v1/anything"):
        answer = app.make_response(app.handle_user_exception(late))
    assert (answer.status_code, answer.get_json()["code"]) == (409, "known_already")
