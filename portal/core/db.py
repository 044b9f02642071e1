"""The database: declarative base, engines, and the one boundary that commits.

Every transaction starts by handing the database the signed row scope of who acts; without it the
row policies show nothing. Services receive a session, flush, and never commit.
"""

from __future__ import annotations

import hmac
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from functools import cache
from typing import Any

import psycopg2
from sqlalchemy import Engine, MetaData, create_engine, event
from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.types import UserDefinedType

from portal.config import Settings
from portal.core.actor import Scope

NAMING = {
    "ix": "ix_%(column_0_N_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """Base of every mapped table."""

    metadata = MetaData(naming_convention=NAMING)


class Xid8(UserDefinedType[int]):
    """PostgreSQL's 64-bit transaction id."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        """Return the type's name in SQL."""
        return "xid8"


FRESH_S = 2.0
SETTINGS = "settings"  # in a session's info: the settings its transaction came with


@cache
def engine_for(url: str, pool_size: int = 8) -> Engine:
    """Return the engine of a database URL; one a process and URL."""
    engine = create_engine(
        url,
        pool_size=pool_size,
        max_overflow=8,
        pool_timeout=2,
        connect_args={"connect_timeout": 3, "application_name": "ranjian"},
    )
    event.listen(engine, "checkout", _ping_when_rested)
    event.listen(engine, "checkin", _note_checkin)
    return engine


def _note_checkin(_: Any, record: Any) -> None:
    record.info["rested_since"] = time.monotonic()


def _ping_when_rested(connection: Any, record: Any, _: Any) -> None:
    """Ask a connection whether it lives, unless it answered a moment ago: a busy intake saves the round trip."""
    rested_since = record.info.get("rested_since")
    if rested_since is None or time.monotonic() - rested_since < FRESH_S:
        return
    try:
        with connection.cursor() as cursor:
            cursor.execute("select 1")
        connection.rollback()
    except psycopg2.Error as gone:
        raise DisconnectionError from gone


@contextmanager
def transaction(settings: Settings, scope: Scope, *, worker: bool = False) -> Iterator[Session]:
    """Give a session whose rows are limited to `scope`; commit at the end, roll back on any error.

    `worker` takes the role of intake and jobs, which may write readings; the web role may not.
    """
    url = settings.worker_database_url if worker else settings.app_database_url
    with Session(engine_for(url), expire_on_commit=False, info={SETTINGS: settings}) as session, session.begin():
        hand_over_scope(session, settings, scope)
        yield session


def hand_over_scope(session: Session, settings: Settings, scope: Scope) -> None:
    """Tell the database which rows this transaction may see, signed for this connection."""
    words = scope.as_text()
    # The driver knows the number of its backend: no round trip for it in every transaction.
    pid = session.connection().connection.driver_connection.get_backend_pid()  # type: ignore[union-attr]
    call(
        session,
        "select set_config('app.scope', %s, true), set_config('app.scope_mac', %s, true)",
        (words, scope_mac(settings.scope_key, words, pid)),
    )


def call(session: Session, statement: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Run a constant statement past the mapper, where each microsecond of a small batch counts; return its rows.

    What goes wrong is raised as the mapper raises it, without the values.
    """
    connection = session.connection()
    driver = connection.connection
    try:
        with closing(driver.cursor()) as cursor:
            cursor.execute(statement, values)
            return [tuple(row) for row in cursor.fetchall()] if cursor.description else []
    except psycopg2.Error as failed:
        if connection.dialect.is_disconnect(failed, driver.driver_connection, None):
            connection.invalidate(failed)
            # The others of the pool are as old and as dead.
            connection.engine.dispose()
        raise DBAPIError.instance(statement, None, failed, psycopg2.Error, hide_parameters=True) from failed


def scope_mac(key: str, words: str, pid: int) -> str:
    """Return the hex HMAC-SM3 that proves a scope to the database."""
    return hmac.new(key.encode(), f"{words}|{pid}".encode(), "sm3").hexdigest()
