"""Fixtures: a throw-away PostGIS, a database of one's own, the application, and a person of each role."""

from __future__ import annotations

import fcntl
import hashlib
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck
from hypothesis import settings as examples
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session
from xdist.scheduler import LoadFileScheduling

from portal.config import Settings
from portal.core.actor import CITY
from portal.core.db import engine_for, hand_over_scope, transaction
from portal.foreign_database import urls_for

ROOT = Path(__file__).parents[1]
KNOWN_MARKS = {line.split("\t")[0] for line in (ROOT / "docs" / "clauses.tsv").read_text("utf-8").splitlines()}
# On a machine that runs three suites of tests at once, how long an example takes tells nothing.
examples.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
examples.load_profile("busy")
# What takes minutes begins first, so that no runner is left alone with it at the end; the longest first.
LONG = (
    "journeys", "test_corpus", "test_every_route", "test_faults", "test_reports", "test_intake_openapi", "test_agreements",
    "test_district_scope", "test_every_door", "test_mqtt", "test_house",
)  # fmt: skip


# Journeys share an installation with those of their half; two halves, for two runners.
OTHER_HALF = ("test_accessible", "test_outage", "test_quality_finding", "test_shut_off", "test_trends_stations", "test_upload")


class OneAfterTheOther(LoadFileScheduling):
    """Hands whole files to a runner, and the journeys in two halves: each half drives an installation."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.split("::", 1)[0]
        if not file.startswith("tests/journeys/"):
            return file
        return "journeys, other half" if Path(file).stem in OTHER_HALF else "journeys"


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> OneAfterTheOther:
    """Return how tests are dealt out to runners."""
    return OneAfterTheOther(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse a test that claims a clause which the standard does not have; begin with what takes longest."""
    order = {name: place for place, name in enumerate(LONG)}
    items.sort(key=lambda item: min(order.get(name, len(LONG)) for name in (item.path.parent.name, item.path.stem)))
    for item in items:
        for mark in item.iter_markers("clause"):
            for clause in mark.args:
                if clause not in KNOWN_MARKS:
                    raise pytest.UsageError(f"{item.nodeid} names an unknown clause: {clause}")


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


@pytest.fixture(scope="session")
def database() -> Iterator[dict[str, str]]:
    """Give the settings of a freshly migrated database of one's own, dropped at the end."""
    with migrated_database(f"test_{os.getpid()}") as made:
        yield made


@pytest.fixture(scope="session")
def settings(database: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Give the settings of the test installation."""
    folder = tmp_path_factory.mktemp("data")
    return Settings.from_env(
        {**database, "PORTAL_DATA_DIR": str(folder), "PORTAL_DEMO": "0", "PORTAL_LOG_LEVEL": "ERROR"}
    )


@pytest.fixture
def db(settings: Settings) -> Iterator[Session]:
    """Give a session over the whole city that is rolled back at the end."""
    with Session(engine_for(settings.worker_database_url), expire_on_commit=False) as session:
        session.begin()
        hand_over_scope(session, settings, CITY)
        yield session
        session.rollback()


@pytest.fixture
def committed(settings: Settings) -> Callable[..., object]:
    """Give a function that runs `work(session)` in a committed transaction over the whole city."""

    def run(work: Callable[[Session], object]) -> object:
        with transaction(settings, CITY, worker=True) as session:
            return work(session)

    return run


@pytest.fixture
def owner(database: dict[str, str]) -> Iterator[Session]:
    """Give a session of the superuser, to try what even the application's owner must not be able to do."""
    engine = create_engine(database["PORTAL_OWNER_DATABASE_URL"])
    with Session(engine) as session:
        yield session
        session.rollback()
    engine.dispose()


@pytest.fixture(scope="session")
def app(settings: Settings) -> Flask:
    """Give the application."""
    from portal.app import create_app

    made = create_app(settings)
    made.config["WTF_CSRF_ENABLED"] = False
    return made


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """Give a browser without a login."""
    return app.test_client()


@pytest.fixture
def now() -> datetime:
    """Give one fixed instant."""
    return datetime(2026, 11, 25, 4, 0, tzinfo=UTC)
