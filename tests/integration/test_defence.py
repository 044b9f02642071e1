"""Intake defends itself: quotas, automatic cut-off of a key, and nobody else is touched."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import text

from ingestion_adapters.defence.rules import Limits
from ingestion_adapters.defence.services import release_key, set_quota
from ingestion_adapters.http import auth
from portal.accounts.rights import Role
from portal.config import Settings
from portal.core.actor import CITY, cli_actor
from portal.core.clock import utc_now
from portal.core.db import transaction
from portal.core.errors import Conflict, Invalid
from tests.integration.test_intake_api import Program
from tests.people import browser_of, make_person

STATION = {"type": "STA", "src_code": "S", "kind": 2, "lon": 104.06, "lat": 30.65}


@pytest.fixture
def program(app: Flask, settings: Settings, tmp_path: Path) -> Program:
    """Give a program of a new enterprise."""
    return Program(app, settings, tmp_path)


def wrong(program: Program, times: int) -> list[int]:
    """Send requests with a wrong signature; return their statuses."""
    found = []
    for _ in range(times):
        headers = program.signer.headers("GET", "/api/v1/orders", b"") | {"X-Sign": secrets.token_hex(32)}
        found.append(program.app.test_client().get("/api/v1/orders", headers=headers).status_code)
    return found


@pytest.mark.clause("8.8-9")
def test_wrong_signatures_at_a_rate_cut_the_key_and_nobody_else(
    app: Flask, settings: Settings, tmp_path: Path, program: Program
) -> None:
    other = Program(app, settings, tmp_path)
    assert program.records("NET", STATION).status_code == 200

    assert set(wrong(program, 20)) == {401}

    assert program.records("NET", STATION).status_code == 401
    assert other.records("NET", STATION).status_code == 200
    with transaction(settings, CITY, worker=True) as session:
        row = session.execute(
            text("select action, kind, hits, receipts_day, samples from key_incident where enterprise_id = :e"),
            {"e": program.enterprise_id},
        ).one()
        audited = session.scalar(
            text("select count(*) from audit_entry where action = 'key.cut' and enterprise_id = :e"),
            {"e": program.enterprise_id},
        )
    assert (row.action, row.kind, row.hits, row.receipts_day) == ("cut", "signature", 20, 1)
    assert len(row.samples) == 20 and row.samples[0]["address"]
    assert audited == 1
    assert program.count("select count(*) from gas_station where enterprise_id = :e") == 1


@pytest.mark.clause("8.8-9")
def test_a_key_is_given_free_by_a_person_with_a_reason(settings: Settings, program: Program) -> None:
    wrong(program, 20)
    with transaction(settings, CITY, worker=True) as session:
        key_id = session.scalar(text("select id from api_key where enterprise_id = :e"), {"e": program.enterprise_id})
    with pytest.raises(Invalid), transaction(settings, CITY, worker=True) as session:
        release_key(session, key_id, reason=" ", now=utc_now(), actor=cli_actor())

    with transaction(settings, CITY, worker=True) as session:
        release_key(session, key_id, reason="程序已修复", now=utc_now(), actor=cli_actor())
    auth._keys.clear()

    assert program.records("NET", STATION).status_code == 200
    with pytest.raises(Conflict), transaction(settings, CITY, worker=True) as session:
        release_key(session, key_id, reason="再次解除", now=utc_now(), actor=cli_actor())


def test_a_few_wrong_signatures_cut_nothing(program: Program) -> None:
    wrong(program, 19)
    assert program.records("NET", STATION).status_code == 200


def test_who_is_over_its_quota_waits_and_then_goes_on(settings: Settings, program: Program) -> None:
    with transaction(settings, CITY, worker=True) as session:
        limits = Limits(rows_per_s=10, burst_rows=5, requests_per_s=100)
        set_quota(session, program.enterprise_id, limits, reason="试验配额", now=utc_now(), actor=cli_actor())
    first = program.records("NET", *({**STATION, "src_code": f"S{n}"} for n in range(12)))
    assert first.status_code == 200, first.json

    later = program.records("NET", STATION)

    assert (later.status_code, later.json["code"]) == (429, "E_QUOTA")
    assert int(later.headers["Retry-After"]) >= 1
    assert later.content_type == "application/problem+json"
    assert program.count("select count(*) from gas_station where enterprise_id = :e") == 12


def test_a_stranger_does_not_learn_that_a_sender_waits(settings: Settings, program: Program) -> None:
    with transaction(settings, CITY, worker=True) as session:
        limits = Limits(rows_per_s=0.1, burst_rows=1, requests_per_s=100)
        set_quota(session, program.enterprise_id, limits, reason="试验配额", now=utc_now(), actor=cli_actor())
    assert program.records("NET", STATION, {**STATION, "src_code": "S2"}).status_code == 200
    browser, elsewhere = program.app.test_client(), {"REMOTE_ADDR": "192.0.2.9"}
    stranger = {"X-App-Id": program.signer.app_id}
    assert browser.get("/api/v1/orders", headers=stranger, environ_base=elsewhere).status_code == 401
    signed = program.signer.headers("GET", "/api/v1/orders", b"")
    assert browser.get("/api/v1/orders", headers=signed, environ_base=elsewhere).status_code == 429


def test_going_on_beyond_the_quota_cuts_the_key(settings: Settings, program: Program) -> None:
    with transaction(settings, CITY, worker=True) as session:
        limits = Limits(rows_per_s=0.1, burst_rows=1, requests_per_s=100)
        set_quota(session, program.enterprise_id, limits, reason="试验配额", now=utc_now(), actor=cli_actor())
    assert program.records("NET", STATION, {**STATION, "src_code": "S2"}).status_code == 200
    flood = [program.call("GET", "/api/v1/orders").status_code for _ in range(600)]
    assert set(flood) == {429}
    assert program.call("GET", "/api/v1/orders").status_code == 401
    assert program.count("select count(*) from key_incident where enterprise_id = :e and kind = 'flood'") == 1


def test_incidents_cannot_be_changed_or_removed(settings: Settings, program: Program) -> None:
    wrong(program, 20)
    for statement in ("update key_incident set hits = 0", "delete from key_incident"):
        with (
            pytest.raises(Exception, match="never changed|permission denied"),
            transaction(settings, CITY, worker=True) as session,
        ):
            session.execute(text(statement))


def test_the_page_shows_the_quota_and_the_incident(app: Flask, settings: Settings, program: Program) -> None:
    assert program.records("NET", STATION).status_code == 200
    wrong(program, 20)
    with transaction(settings, CITY, worker=True) as session:
        browser = browser_of(session, app, make_person(session, app, Role.SECURITY_ADMIN))
    page = browser.get("/admin/defence")
    assert page.status_code == 200
    assert program.signer.app_id in page.text
    assert "签名错误" in page.text
