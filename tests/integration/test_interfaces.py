"""A version of the interface that will be retired says so: on its page, in every answer's headers and in the receipts."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import text

from ingestion_adapters.http.docs_page import SAMPLES
from ingestion_adapters.mqtt.envelope import read_message
from ingestion_adapters.mqtt.intake import take_message
from ingestion_adapters.mqtt_client import MqttClient
from ingestion_adapters.onboarding.interfaces import Announcement, announce_retirement, take_back_retirement
from ingestion_adapters.onboarding.notices import forget_notice
from portal.accounts.rights import Role
from portal.config import Settings
from portal.core.actor import CITY, Scope, cli_actor
from portal.core.clock import local, utc_now
from portal.core.db import transaction
from portal.core.errors import Conflict, Invalid
from tests.factories import make_enterprise
from tests.integration.test_dropbox import Drop, as_csv, drop, rows
from tests.integration.test_intake_api import Program
from tests.integration.test_mqtt import Sender
from tests.integration.test_pull import Source, Theirs, here, theirs
from tests.people import browser_of, make_person

__all__ = ["drop", "here", "theirs"]
WORDS = ("接口v1停用，请迁移至/api/v2", "Interface v1 will be retired, move to /api/v2")
WORDS_BACK = ("停用取消", "The retirement is taken back")


@pytest.fixture
def announced(settings: Settings) -> Iterator[str]:
    """Give the last day of service of v1, announced; taken back afterwards."""
    day = local(utc_now()).date() + timedelta(days=60)
    with transaction(settings, CITY) as session:
        given = Announcement(day, *WORDS, successor="/api/v2")
        announce_retirement(session, "v1", given, now=utc_now(), actor=cli_actor())
    forget_notice()
    yield day.isoformat()
    with transaction(settings, CITY) as session:
        take_back_retirement(session, "v1", Announcement(day, *WORDS_BACK), now=utc_now(), actor=cli_actor())
    forget_notice()


@pytest.mark.clause("7.2.4.1-d")
def test_a_retirement_is_told_in_headers_bodies_and_pages(
    app: Flask, settings: Settings, tmp_path: Path, announced: str
) -> None:
    program = Program(app, settings, tmp_path)
    for answer in (
        program.records("DAY", SAMPLES["DailySupply"]),
        program.call("GET", "/api/v1/receipts"),
        app.test_client().get("/api/v1/openapi.json"),
        app.test_client().post("/api/v1/ingest/DAY"),
    ):
        assert answer.headers["Deprecation"].startswith("@")
        assert answer.headers["Sunset"].endswith("GMT")
        assert '</api/v2>; rel="successor-version"' in answer.headers["Link"]
    told = program.records("DAY", SAMPLES["DailySupply"], batch="again").json["notice"]
    assert (told["version"], told["retires_on"], told["message"]) == ("v1", announced, WORDS[0])
    assert "v1" in app.test_client().get("/api/v1/docs").get_data(as_text=True)
    assert WORDS[0] in app.test_client().get("/api/v1/docs").get_data(as_text=True)


@pytest.mark.clause("7.2.4.1-d")
def test_who_has_read_it_and_which_program_was_told_is_recorded(
    app: Flask, settings: Settings, tmp_path: Path, announced: str
) -> None:
    program = Program(app, settings, tmp_path)
    program.records("DAY", SAMPLES["DailySupply"])
    with transaction(settings, CITY, worker=True) as session:
        manager = make_person(session, app, Role.ENTERPRISE_MANAGER, enterprise_id=program.enterprise_id)
        theirs, city = browser_of(session, app, manager), browser_of(session, app, make_person(session, app))
        notice = session.scalar(text("select notice_id from interface_version where version = 'v1'"))
    page = theirs.get("/intake/interfaces").get_data(as_text=True)
    assert WORDS[0] in page and "确认阅知" in page
    for _ in range(2):
        assert theirs.post(f"/intake/interfaces/notices/{notice}/read").status_code == 302
    seen = city.get("/intake/interfaces").get_data(as_text=True)
    assert manager.login in seen and program.signer.app_id in seen
    with transaction(settings, CITY) as session:
        reads = session.execute(
            text("select kind from interface_notice_read where notice_id = :n and enterprise_id = :e order by kind"),
            {"n": notice, "e": program.enterprise_id},
        ).scalars()
        assert list(reads) == ["person", "program"]


def test_enterprises_see_how_many_regulators_know_of_it_and_not_who(app: Flask, settings: Settings, announced: str) -> None:
    with transaction(settings, CITY, worker=True) as session:
        own = make_enterprise(session).id
        regulator, expert = make_person(session, app), make_person(session, app, Role.EVALUATOR, granted=[own])
        city, outside = browser_of(session, app, regulator), browser_of(session, app, expert)
        theirs = browser_of(session, app, make_person(session, app, Role.ENTERPRISE_MANAGER, enterprise_id=own))
        notice = session.scalar(text("select notice_id from interface_version where version = 'v1'"))
    for reader in (city, outside, outside):
        assert reader.post(f"/intake/interfaces/notices/{notice}/read").status_code == 302
        assert "您已确认阅知" in reader.get("/intake/interfaces").text
    page = theirs.get("/intake/interfaces").text
    assert "2人" in page and regulator.login not in page and expert.login not in page
    assert regulator.login in city.get("/intake/interfaces").text
    with transaction(settings, Scope(enterprise_ids=frozenset({own}))) as session:
        assert session.scalar(text("select count(*) from interface_notice_read where enterprise_id is null")) == 0


@pytest.mark.clause("7.2.4.1-d")
def test_receipts_of_mqtt_and_of_the_drop_folder_carry_the_notice(drop: Drop, settings: Settings, announced: str) -> None:
    drop.put("RT_1.csv", as_csv(rows()))
    assert drop.look() == 1
    told = drop.receipt("done", "RT_1.csv")["notice"]
    assert (told["retires_on"], told["message"]) == (announced, WORDS[0])
    sender = Sender(settings)
    client = MqttClient("127.0.0.1:1", sender.uscc, sender.app_id, sender.key, drop.path / ".q.db")
    topic, body = f"gas/{sender.uscc}/RT", json.dumps({"records": sender.rows()}).encode()
    given = dict(client.properties(topic, "m-1", gzip.compress(body)).UserProperty) | {"Accept-Language": "en"}
    outcome = take_message(settings, read_message(topic, gzip.compress(body), given, "application/json"))
    client.queue.close()
    assert (outcome.status, outcome.body["notice"]["message"]) == (200, WORDS[1])
    with transaction(settings, CITY) as session:
        wanted = text("select reader from interface_notice_read where kind = 'program' and enterprise_id = any(:e)")
        found = set(session.scalars(wanted, {"e": [drop.owner.id, sender.enterprise_id]}))
    assert found == {f"drop {drop.owner.id}", sender.app_id}


@pytest.mark.clause("7.2.4.1-d")
def test_a_server_that_is_asked_is_told_in_the_question(here: Settings, theirs: Theirs, announced: str) -> None:
    heard: list[str | None] = []
    theirs.odd = lambda handler: heard.append(handler.headers.get("Sunset")) is not None
    source = Source(here, theirs.url)
    source.turn()
    assert heard and str(heard[0]).endswith("GMT")
    wanted = "select count(*) from interface_notice_read where kind = 'program' and enterprise_id = :e"
    assert source.count(wanted) == 1 and source.last_run().ok


def test_nothing_is_said_while_no_retirement_is_announced(app: Flask, settings: Settings, tmp_path: Path) -> None:
    forget_notice()
    answer = Program(app, settings, tmp_path).records("DAY", SAMPLES["DailySupply"])
    assert "notice" not in answer.json
    assert "Sunset" not in answer.headers


def test_a_retirement_is_announced_ahead_and_taken_back_only_once(settings: Settings) -> None:
    soon = local(utc_now()).date() + timedelta(days=3)
    with pytest.raises(Invalid), transaction(settings, CITY) as session:
        announce_retirement(session, "v1", Announcement(soon, *WORDS), now=utc_now(), actor=cli_actor())
    with pytest.raises(Conflict), transaction(settings, CITY) as session:
        take_back_retirement(session, "v1", Announcement(soon, *WORDS_BACK), now=utc_now(), actor=cli_actor())


def test_only_the_city_announces(app: Flask, settings: Settings) -> None:
    with transaction(settings, CITY, worker=True) as session:
        district = browser_of(session, app, make_person(session, app, Role.DISTRICT_REGULATOR, adcodes=["990101"]))
    assert district.post("/intake/interfaces/v1/announce", data={"retires_on": "2030-01-01"}).status_code == 403
