"""The pages of alarms and cases: what each role sees and may do, and the work to the end by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from portal.accounts.rights import Role
from portal.core.actor import Actor, Scope
from portal.core.db import engine_for
from portal.flows.alarm_intake import take_in_alarm
from portal.operation.alarms.models import AlarmNow
from portal.operation.alarms.rules import PushedAlarm
from tests.factories import make_enterprise, make_station
from tests.people import browser_of, make_person


@dataclass(frozen=True)
class Scene:
    """One alarm of one enterprise, and people before their browsers."""

    alarm_id: int
    case_id: int
    city: FlaskClient
    firm: FlaskClient
    stranger: FlaskClient
    evaluator: FlaskClient


@pytest.fixture(scope="module")
def scene(app: Flask, settings: Any) -> Scene:
    """Give a pushed urgent alarm with its case, and four browsers."""
    from portal.core.actor import CITY
    from portal.core.db import transaction

    with transaction(settings, CITY, worker=True) as session:
        return _staged(session, app)


def _staged(session: Session, app: Flask) -> Scene:
    firm, other = make_enterprise(session), make_enterprise(session)
    station = make_station(session, firm)
    program = Actor(
        kind="program", id=None, name="app", scope=Scope(enterprise_ids=frozenset({firm.id}))
    )
    push = PushedAlarm(
        enterprise_id=firm.id, alarm_no="=cmd|1", kind=16, level=1, raised_at=datetime.now(UTC),
        object_code=station.src_code, text="=HYPERLINK(1)",
    )  # fmt: skip
    outcome = take_in_alarm(session, push, now=datetime.now(UTC), actor=program)

    def browser(role: Role, enterprise_id: int | None = None) -> FlaskClient:
        return browser_of(session, app, make_person(session, app, role, enterprise_id=enterprise_id))

    return Scene(
        alarm_id=outcome.alarm_id,
        case_id=outcome.case_id or 0,
        city=browser(Role.CITY_REGULATOR),
        firm=browser(Role.ENTERPRISE_SAFETY, firm.id),
        stranger=browser(Role.ENTERPRISE_SAFETY, other.id),
        evaluator=browser(Role.EVALUATOR),
    )


def test_pages_follow_the_scope_and_the_role(scene: Scene) -> None:
    alarm, case = f"/operation/alarms/{scene.alarm_id}", f"/events/cases/{scene.case_id}"
    for path in (alarm, case):
        seen = [each.get(path).status_code for each in (scene.city, scene.firm, scene.stranger)]
        assert seen == [200, 200, 404]
        assert scene.evaluator.get(path).status_code == 403
    assert f"/operation/alarms/{scene.alarm_id}" in scene.firm.get("/operation/alarms").text
    assert f"/operation/alarms/{scene.alarm_id}" not in scene.stranger.get("/operation/alarms").text


def test_the_list_narrows_pages_and_survives_nonsense(scene: Scene) -> None:
    dated = "since=2026-01-01T00:00&district=990101"
    for query in ("level=1&q=S", "view=all&state=1", "view=back", dated):
        assert scene.city.get(f"/operation/alarms?{query}").status_code == 200
    numbers = "level=x&state=99999999999&kind=-1"
    for query in (numbers, "after=1_2_3", "after=999999999999999999_1", "since=zz&q=%00%25_"):
        assert scene.city.get(f"/operation/alarms?{query}").status_code == 200
    assert scene.city.get("/events/cases?view=nothing&level=x&before=1_1").status_code == 200


@pytest.mark.parametrize("path", ["/operation/alarms", "/events/cases"])
def test_a_list_asks_at_most_four_questions(scene: Scene, settings: Any, path: str) -> None:
    asked: list[str] = []

    def note(*args: Any) -> None:
        asked.append(args[2])

    engine = engine_for(settings.app_database_url)
    event.listen(engine, "before_cursor_execute", note)
    try:
        assert scene.city.get(path).status_code == 200
    finally:
        event.remove(engine, "before_cursor_execute", note)
    rows = [each for each in asked if "alarm_now" in each or "supervision_case" in each or "enterprise" in each]
    assert len(rows) <= 4 + 1  # and one for the bell


def test_the_export_holds_no_formula(scene: Scene) -> None:
    answer = scene.city.get("/operation/alarms/export.csv")
    assert answer.content_type.startswith("text/csv")
    assert "'=HYPERLINK(1)" in answer.text
    assert ",=HYPERLINK" not in answer.text


def test_the_count_names_the_newest_urgent_alarm(scene: Scene) -> None:
    answer = scene.firm.get("/operation/alarms/count").get_json()
    assert answer["open"] == 1
    assert answer["latest"]["id"] == scene.alarm_id
    nothing = {"latest": None, "levels": {}, "open": 0, "held": 0, "urgent": 0}
    assert scene.stranger.get("/operation/alarms/count").get_json() == nothing


def test_an_english_reader_gets_english_pages(
    scene: Scene, app: Flask, committed: Callable[..., Any]
) -> None:
    def english(session: Session) -> FlaskClient:
        person = make_person(session, app)
        person.language = "en"
        return browser_of(session, app, person)

    reader = committed(english)
    assert "Awaiting acceptance" in reader.get(f"/events/cases/{scene.case_id}").text
    assert "Gas concentration high" in reader.get(f"/operation/alarms/{scene.alarm_id}").text


def test_an_officer_and_the_enterprise_bring_a_case_to_its_end(
    scene: Scene, committed: Callable[..., Any]
) -> None:
    alarm, case = f"/operation/alarms/{scene.alarm_id}", f"/events/cases/{scene.case_id}"

    def post(who: FlaskClient, path: str, **form: Any) -> int:
        return who.post(path, data=form).status_code

    assert post(scene.firm, f"{alarm}/acknowledge", note="x") == 403
    assert post(scene.city, f"{alarm}/acknowledge", note="") == 422
    assert post(scene.city, f"{alarm}/acknowledge", note="已通知") == 302
    assert post(scene.city, f"{alarm}/acknowledge", note="已通知") == 409
    assert post(scene.city, f"{alarm}/judge", verdict="1", note="属实") == 302
    assert post(scene.city, f"{case}/dance", note="x") == 404
    assert post(scene.city, f"{case}/close", finding="x") == 409
    assert post(scene.firm, f"{case}/accept") == 403
    assert post(scene.city, f"{case}/accept") == 302
    assert post(scene.city, f"{case}/dispatch", note="请处置") == 302
    assert post(scene.city, f"{case}/extend", note="缺件", hours="x") == 422
    assert post(scene.stranger, f"{case}/reply", text="x") == 404
    assert post(scene.firm, f"{case}/reply", text="已处置") == 302
    assert post(scene.city, f"{case}/return", note="补照片") == 302
    assert post(scene.firm, f"{case}/reply", text="已补") == 302
    assert post(scene.city, f"{case}/verify", note="属实") == 302
    assert post(scene.firm, f"{case}/close", finding="x") == 403
    assert post(scene.city, f"{case}/close", finding="处置到位") == 302
    page = scene.city.get(case).text
    assert "处置到位" in page
    state = committed(
        lambda session: session.scalar(select(AlarmNow.state).where(AlarmNow.alarm_id == scene.alarm_id))
    )
    assert state == 2


def test_batch_acknowledgement_passes_over_what_is_done(scene: Scene) -> None:
    form = {"id": [str(scene.alarm_id)], "note": "已阅"}
    assert scene.city.post("/operation/alarms/acknowledge", data=form).status_code == 302
    assert scene.city.post("/operation/alarms/acknowledge", data={"note": "x"}).status_code == 422
