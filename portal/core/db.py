"""The database: declarative base, engines, and the one boundary that commits.

Every transaction starts by handing the database the signed row scope of who acts; without it the
row policies show nothing. Services receive a session, flush, and never commit.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from sqlalchemy import Engine, MetaData, create_engine, text
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


@cache
def engine_for(url: str, pool_size: int = 8) -> Engine:
    """Return the engine of a database URL; one a process and URL."""
    return create_engine(
        url,
        pool_size=pool_size,
        max_overflow=8,
        pool_pre_ping=True,
        pool_timeout=2,
        connect_args={"connect_timeout": 3, "application_name": "ranjian"},
    )


@contextmanager
def transaction(settings: Settings, scope: Scope, *, worker: bool = False) -> Iterator[Session]:
    """Give a session whose rows are limited to `scope`; commit at the end, roll back on any error.

    `worker` takes the role of intake and jobs, which may write readings; the web role may not.
    """
    url = settings.worker_database_url if worker else settings.app_database_url
    with Session(engine_for(url), expire_on_commit=False) as session, session.begin():
        hand_over_scope(session, settings, scope)
        yield session


def hand_over_scope(session: Session, settings: Settings, scope: Scope) -> None:
    """Tell the database which rows this transaction may see, signed for this connection."""
    words = scope.as_text()
    # The driver knows the number of its backend: no round trip for it in every transaction.
    pid = session.connection().connection.driver_connection.get_backend_pid()  # type: ignore[union-attr]
    session.execute(
        text("select set_config('app.scope', :scope, true), set_config('app.scope_mac', :mac, true)"),
        {"scope": words, "mac": scope_mac(settings.scope_key, words, pid)},
    )


def scope_mac(key: str, words: str, pid: int) -> str:
    """Return the hex HMAC-SM3 that proves a scope to the database."""
    return hmac.new(key.encode(), f"{words}|{pid}".encode(), "sm3").hexdigest()
