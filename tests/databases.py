"""Databases for tests: a throw-away PostGIS or a given server, and freshly migrated databases on it."""

from __future__ import annotations

import fcntl
import hashlib
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from sqlalchemy import create_engine, text

from portal.core.db import engine_for
from portal.foreign_database import urls_for

ROOT = Path(__file__).parents[1]


def _read_secrets(path: Path) -> dict[str, str]:
    pairs = (line.split("=", 1) for line in path.read_text("utf-8").splitlines() if "=" in line)
    return dict(pairs)


def _template_name() -> str:
    digest = hashlib.sha256()
    for path in sorted((ROOT / "migrations").rglob("*.py")) + sorted((ROOT / "migrations").rglob("*.sql")):
        digest.update(path.read_bytes())
    digest.update((ROOT / "portal" / "audit" / "sql" / "row_digest.sql").read_bytes())
    for data in ("codes.csv", "parameters.csv"):
        digest.update((ROOT / "portal" / "core" / "data" / data).read_bytes())
    return "template_" + digest.hexdigest()[:16]


def _with_database(url: str, name: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}")) if "://" in url else url


def _secrets_of(url: str) -> dict[str, str]:
    """Return settings on an existing server: the same ones each time, since its roles outlive a run."""

    def word(what: str) -> str:
        return hashlib.sha256(f"{what} of {url}".encode()).hexdigest()[:40]

    app, worker = word("APP_PASSWORD"), word("WORKER_PASSWORD")
    keys = {name: word(name) for name in ("PORTAL_SECRET_KEY", "PORTAL_SCOPE_KEY", "PORTAL_SEAL_KEY")}
    return {"APP_PASSWORD": app, "WORKER_PASSWORD": worker} | keys | urls_for(url, app, worker)


def _server() -> dict[str, str]:
    """Return the settings of the server under test: PORTAL_TEST_DATABASE_URL, or a cluster that is thrown away."""
    if foreign := os.environ.get("PORTAL_TEST_DATABASE_URL"):
        return _secrets_of(foreign)
    folder = Path(os.environ.get("PORTAL_TEST_DIR", ROOT / "var" / "test"))
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("w") as lock:  # several runners of one suite share the cluster
        fcntl.flock(lock, fcntl.LOCK_EX)
        subprocess.run([ROOT / "script" / "cluster", "start", "--throwaway", folder], check=True, timeout=120)
    return _read_secrets(folder / "secrets.env")


@contextmanager
def migrated_database(name: str) -> Iterator[dict[str, str]]:
    """Give the settings of a freshly migrated database, dropped at the end."""
    secrets = _server()
    owner = secrets["PORTAL_OWNER_DATABASE_URL"]
    template = _template_name()
    admin = create_engine(_with_database(owner, "postgres"), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text("select pg_advisory_lock(42)"))
        known = connection.scalar(text("select 1 from pg_database where datname = :n"), {"n": template})
        if not known:
            connection.execute(text(f"drop database if exists {template}_making with (force)"))
            connection.execute(text(f"create database {template}_making"))
            made = {**os.environ, **secrets, "PORTAL_OWNER_DATABASE_URL": _with_database(owner, f"{template}_making")}
            subprocess.run(
                [ROOT / ".venv" / "bin" / "alembic", "upgrade", "head"], cwd=ROOT, env=made, check=True, timeout=120
            )
            connection.execute(text(f"alter database {template}_making rename to {template}"))
        connection.execute(text(f"drop database if exists {name} with (force)"))
        connection.execute(text(f"create database {name} template {template}"))
        connection.execute(text("select pg_advisory_unlock(42)"))
    yield {key: _with_database(value, name) for key, value in secrets.items()}
    engine_for.cache_clear()
    with admin.connect() as connection:
        connection.execute(text(f"drop database if exists {name} with (force)"))
        if "PORTAL_TEST_DATABASE_URL" in os.environ:
            connection.execute(text("select pg_advisory_lock(42)"))
            connection.execute(text(f"drop database if exists {template}"))
            connection.execute(text("select pg_advisory_unlock(42)"))
    admin.dispose()
