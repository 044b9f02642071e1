"""Fixtures: a throw-away PostGIS, a database of one's own, the application, and a person of each role."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck
from hypothesis import settings as examples
from sqlalchemy import create_engine
from sqlalchemy.orm import Session
from xdist.scheduler import LoadFileScheduling

from portal.config import Settings
from portal.core.actor import CITY
from portal.core.db import engine_for, hand_over_scope, transaction
from tests.databases import migrated_database

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
