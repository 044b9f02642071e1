"""Migrations: prepares roles and extensions as superuser, then works as the role that owns the tables."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from alembic import context
from geoalchemy2 import alembic_helpers
from sqlalchemy import create_engine, inspect, text

from migrations.seed import seed
from portal.all_models import metadata

PREPARE = Path(__file__).with_name("sql") / "prepare.sql"
PASSWORDS = (("ranjian_app", "APP_PASSWORD"), ("ranjian_worker", "WORKER_PASSWORD"))


def _ours(item: Any, name: str | None, kind: str, reflected: bool, compared: Any) -> bool:
    if kind == "index" and name is not None and name.endswith(("_trgm", "_begin")):
        return False
    if kind == "table" and reflected and compared is None:
        return name in metadata.tables
    return bool(alembic_helpers.include_object(item, name, kind, reflected, compared))


def _prepare(connection: Any) -> None:
    connection.exec_driver_sql(PREPARE.read_text(encoding="utf-8").replace("%", "%%"))
    for role, variable in PASSWORDS:
        secret = os.environ.get(variable)
        if secret:
            quoted = connection.scalar(text("select quote_literal(:secret)"), {"secret": secret})
            connection.exec_driver_sql(f"alter role {role} login password {quoted}".replace("%", "%%"))
    connection.exec_driver_sql("set lock_timeout = '4s'")
    connection.exec_driver_sql("set role ranjian_owner")


def run() -> None:
    """Upgrade or compare with the connection of PORTAL_OWNER_DATABASE_URL."""
    engine = create_engine(os.environ["PORTAL_OWNER_DATABASE_URL"])
    with engine.connect() as connection:
        _prepare(connection)
        connection.commit()
        connection.exec_driver_sql("set role ranjian_owner")
        context.configure(
            connection=connection,
            target_metadata=metadata,
            include_object=_ours,
            process_revision_directives=alembic_helpers.writer,
            render_item=alembic_helpers.render_item,
            transaction_per_migration=True,
        )
        with context.begin_transaction():
            context.run_migrations()
        connection.commit()
        if context.is_offline_mode() or "guard" not in inspect(connection).get_schema_names():
            return
        seed(connection)
        connection.commit()


run()
