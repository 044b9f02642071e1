"""The usual push in one round trip: the same rows as the longer way leaves, whole or not at all, within the scope."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

import ingestion_adapters.http.express as express
import ingestion_adapters.intake as intake
from ingestion_adapters.http.docs_page import SAMPLES
from ingestion_adapters.http.express import Express
from portal.config import Settings
from portal.core.actor import Scope
from portal.core.db import transaction
from tests.integration.test_intake_api import NODE, Program, reading

LEFT = """
select string_agg(concat_ws(' ', n, ts, value, quality, flag), ',' order by n, ts) from (
  select 'reading' as n, ts, value, quality, flag from reading where point_id in (select id from point where enterprise_id = :e)
  union all
  select 'latest', ts, value, quality, flag from latest where point_id in (select id from point where enterprise_id = :e)
) as kept
"""
COUNTED = """
select string_agg(concat_ws(' ', rows, accepted, duplicate, rejected, status), ',' order by id) from receipt
where enterprise_id = :e and dataset = 'RT'
"""
HOURS = """
select sum(batches), sum(rows), sum(accepted), sum(duplicate), sum(rejected) from intake_hour
where enterprise_id = :e and dataset = 'RT'
"""


@pytest.fixture
def answered(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Give a list that grows by the way of each push: `express`, or `application`."""
    ways: list[str] = []
    taken = Express._taken

    def noted(self: Express, environ: Any, usual: Any, start: Any) -> Any:
        answer = taken(self, environ, usual, start)
        ways.append("application" if answer is None else "express")
        return answer

    monkeypatch.setattr(Express, "_taken", noted)
    yield ways


def program_with_point(app: Flask, settings: Settings, folder: Path) -> Program:
    """Return a program of a new enterprise with one point, whose key the process remembers."""
    made = Program(app, settings, folder)
    assert (
        made.records("NET", NODE, NODE | {"src_code": "J0002"}, SAMPLES["Station"], SAMPLES["Point"]).status_code == 200
    )
    return made


def left_by(program: Program) -> list[Any]:
    """Return what an enterprise's pushes left."""
    scope = Scope(enterprise_ids=frozenset({program.enterprise_id}))
    with transaction(program.settings, scope, worker=True) as session:
        session.execute(text("select fold_latest()"))
        return [tuple(session.execute(text(sql), {"e": program.enterprise_id}).one()) for sql in (LEFT, COUNTED, HOURS)]


@pytest.mark.clause("7.2.4.1-a")
def test_both_ways_leave_the_same_rows(
    app: Flask, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answered: list[str]
) -> None:
    one, two = reading(30), reading(20, value=301.5)
    pushes = [
        [one, two, two, reading(10, value=1e15)],
        [two, reading(12, value=302.0)],
        [one | {"v": 305.0, "f": "R"}],
        [one, {"point": "NONE", "t": one["t"], "v": 1.0}],
    ]
    left = []
    for at_once in (True, False):
        program = program_with_point(app, settings, tmp_path)
        monkeypatch.setattr(intake, "ROWS_AT_ONCE", 2000 if at_once else 0)
        monkeypatch.setattr(express, "MOST_BYTES", 2**20 if at_once else 0)
        said = [program.records("RT", *rows) for rows in pushes]
        left.append(
            (left_by(program), [(each.status_code, each.json["accepted"], each.json["duplicate"]) for each in said])
        )
    assert left[0] == left[1]
    assert "express" in answered


def test_a_batch_and_a_nonce_are_taken_once(
    app: Flask, settings: Settings, tmp_path: Path, answered: list[str]
) -> None:
    program = program_with_point(app, settings, tmp_path)
    body = json.dumps({"records": [reading(30)]}).encode()
    first, again = (program.push("RT", body, "batch-1") for _ in range(2))
    assert (first.json["accepted"], again.json["replayed"]) == (1, True)
    assert first.json["receipt_id"] == again.json["receipt_id"]
    other = program.push("RT", json.dumps({"records": [reading(20)]}).encode(), "batch-1")
    assert (other.status_code, other.json["code"], answered) == (
        409,
        "E_BATCH_CONFLICT",
        ["express", "express", "application"],
    )
    path, body = "/api/v1/ingest/RT", json.dumps({"records": [reading(15)]}).encode()
    signed = program.signer.headers("POST", path, body) | {"Content-Type": "application/json"}
    statuses = [
        app.test_client().open(path, method="POST", data=body, headers=signed | {"X-Batch-Id": batch}).status_code
        for batch in ("n-1", "n-2")
    ]
    assert statuses == [200, 401]
    assert (
        program.count("select count(*) from receipt where enterprise_id = :e and dataset = 'RT' and status = 'taken'")
        == 2
    )


def test_what_is_not_usual_goes_the_longer_way(
    app: Flask, settings: Settings, tmp_path: Path, answered: list[str]
) -> None:
    program = program_with_point(app, settings, tmp_path)
    late = program.records("RT", reading(2 * 86400))
    assert (late.status_code, late.json["accepted"], answered) == (200, 1, ["express"])
    wrong = program.push("RT", b'{"records": [', "odd-1")
    assert (wrong.status_code, wrong.json["code"]) == (400, "E_SCHEMA")
    forged = program.push("RT", b'{"records": []}', X_Sign="0" * 64)
    assert (forged.status_code, forged.json["code"]) == (401, "E_SIGN")
    english = program.push("RT", json.dumps({"records": [reading(5, q=7)]}).encode(), Accept_Language="en")
    assert (english.status_code, english.json["rejections"][0]["message"][:7]) == (422, "Quality")
    assert english.headers["Content-Security-Policy"] and english.headers["X-Request-Id"]


def test_the_function_takes_readings_of_the_scope_only(settings: Settings, app: Flask, tmp_path: Path) -> None:
    mine, other = (program_with_point(app, settings, tmp_path) for _ in range(2))
    call = text(
        "select outcome from take_readings(:e, 'x', 'http', null, null, now(), 0, '', 0, 0, 0, 0, 0, false, '{}', '{}', '{}',"
        " '{}', '{}', null, '{}', 'later')"
    )
    scope = Scope(enterprise_ids=frozenset({mine.enterprise_id}))
    with (
        pytest.raises(ProgrammingError, match="outside the scope"),
        transaction(settings, scope, worker=True) as session,
    ):
        session.execute(call, {"e": other.enterprise_id})
    with pytest.raises(ProgrammingError, match="permission denied"), transaction(settings, scope) as session:
        session.execute(call, {"e": mine.enterprise_id})
