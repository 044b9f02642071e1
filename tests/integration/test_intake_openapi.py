"""The OpenAPI document is true: generated requests, signed and unsigned, get documented answers and never a 5xx."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from ingestion_adapters.client import Client
from ingestion_adapters.contract import DATASETS
from portal.accounts.keys import make_key
from portal.config import Settings
from portal.core.actor import cli_actor
from portal.core.clock import utc_now
from tests.factories import make_enterprise

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class Signing:
    """A program's side as WSGI middleware: signs each request that passes, whatever its body."""

    def __init__(self, app: Wsgi, signer: Client) -> None:
        self.app, self.signer = app, signer

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        size = int(environ.get("CONTENT_LENGTH") or 0)
        body = environ["wsgi.input"].read(size) if size else b""
        environ["wsgi.input"], environ["CONTENT_LENGTH"] = io.BytesIO(body), str(len(body))
        target = environ.get("RAW_URI") or environ["REQUEST_URI"]
        for name, value in self.signer.headers(environ["REQUEST_METHOD"], target, body).items():
            environ["HTTP_" + name.upper().replace("-", "_")] = value
        return self.app(environ, start)


@pytest.fixture(scope="session")
def signed_api(app: Flask, settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Give the schema of the application behind a signing program."""
    from portal.core.actor import CITY
    from portal.core.db import transaction

    with transaction(settings, CITY, worker=True) as session:
        own = make_enterprise(session)
        key = make_key(session, own.id, settings=settings, now=utc_now(), actor=cli_actor())
    folder: Path = tmp_path_factory.mktemp("queue")
    signer = Client("http://localhost", key.app_id, key.key, folder / "queue.db")
    return schemathesis.openapi.from_wsgi("/api/v1/openapi.json", Signing(app, signer))


def every_operation(schema: Any, number: int, check: Callable[[Any], None]) -> None:
    """Check `number` generated requests of every operation of a schema."""
    for found in schema.get_all_operations():
        operation = found.ok()

        @examples(
            max_examples=number, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
        )
        @given(case=operation.as_strategy())
        def try_one(case: Any) -> None:
            check(case)

        try_one()


def test_the_document_names_every_address_of_programs(app: Flask, signed_api: Any) -> None:
    named = {path.replace("{", "<").replace("}", ">") for path in signed_api.raw_schema["paths"]}
    named = {re.sub(r"/ingest/[A-Z]+$", "/ingest/<dataset>", path) for path in named}
    rules = [rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/api/v1/")]
    people = {"/api/v1/docs", "/api/v1/docs/samples/<dataset>.<kind>"}
    assert {re.sub(r"<\w+:", "<", rule.rule) for rule in rules} - people == named
    for prefix in ("/api/v1/ingest/", "/api/v1/sandbox/ingest/"):
        assert {prefix + dataset for dataset in DATASETS} <= signed_api.raw_schema["paths"].keys()


def test_signed_requests_get_documented_answers(signed_api: Any) -> None:
    every_operation(signed_api, 12, lambda case: case.call_and_validate(checks=CHECKS))


@pytest.fixture(scope="session")
def open_api(app: Flask) -> Any:
    """Give the schema of the application itself."""
    return schemathesis.openapi.from_wsgi("/api/v1/openapi.json", app)


def test_unsigned_requests_are_refused_as_documented(open_api: Any) -> None:
    def check(case: Any) -> None:
        assert case.call_and_validate(checks=CHECKS).status_code in (200, 401)

    every_operation(open_api, 3, check)
