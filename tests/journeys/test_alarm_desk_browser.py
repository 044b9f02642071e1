"""The duty officer's minutes at the desk: keyboard, one winner, honest answers, shelving, sound and light, phone."""

from __future__ import annotations

import secrets
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from portal.config import Settings
from portal.core.actor import CITY, Actor
from portal.core.clock import utc_now
from portal.core.db import transaction
from portal.operation.alarms.services import NewAlarm, acknowledge_alarm, raise_alarm
from tests.factories import make_enterprise, make_point
from tests.journeys.conftest import Watched
from tests.journeys.looks import unsound
from tests.journeys.people import enter
from tests.journeys.stack import Stack

pytestmark = pytest.mark.timeout(480)
OTHER = Actor(kind="user", id=None, name="同事", scope=CITY)
PAGES = ("/operation/alarms/performance", "/operation/duty", "/operation/duty/notices", "/operation/alarms/holds")


def raised(settings: Settings, **given: Any) -> tuple[int, int]:
    """Raise an alarm of a point of a new enterprise, or of a known one; return alarm and enterprise."""
    with transaction(settings, CITY, worker=True) as session:
        firm = given.pop("firm", None) or make_enterprise(session).id
        values = {"adcode": "990101", "source": "rule", "kind": 11, "level": 2, "raised_at": utc_now(), "unit": "kPa"}
        return raise_alarm(session, NewAlarm(firm, **values | given), actor=OTHER)[0].id, firm


@pytest.mark.clause("7.2.7.3-4c_2", "7.2.8.2-c", "7.2.7.3-4d")
def test_a_duty_officer_works_the_desk_by_keyboard(watched: Watched, portal_server: Stack, tmp_path: Path) -> None:
    settings = Settings.from_env({**portal_server.env, "PORTAL_LOG_LEVEL": "ERROR"})
    mark, page = f"DK{secrets.token_hex(2)}", watched.page()
    with transaction(settings, CITY, worker=True) as session:
        own = make_enterprise(session)
        point, firm = make_point(session, own).id, own.id
    more = {"firm": firm, "value": 9.0}
    raised(settings, object_code=f"{mark}-C", raised_at=utc_now() - timedelta(minutes=50), kind=13, **more)
    second, _ = raised(settings, object_code=f"{mark}-B", raised_at=utc_now() - timedelta(minutes=45), kind=14, **more)
    first, _ = raised(settings, object_code=f"{mark}-A", raised_at=utc_now() - timedelta(minutes=5), point_id=point, **more)
    enter(portal_server, page, "city_regulator", f"值班{mark}")
    page.goto(f"/operation/alarms?q={mark}")
    expect(page.locator("tr[data-row]")).to_have_count(3)
    assert unsound(page) == []

    page.locator("h1").click()
    page.keyboard.press("j")
    panel = page.locator("#desk-panel")
    expect(panel.locator("[data-alarm]")).to_have_attribute("data-alarm", str(first))
    expect(panel).to_contain_text("处置要点")
    page.keyboard.press("a")
    expect(page.locator("#ack-note")).to_be_focused()
    page.keyboard.type("已电话核实")
    panel.locator("[data-desk=acknowledge] button").click()
    expect(page.locator(f"tr[data-row='{first}']")).to_contain_text("已确认")
    expect(page.locator("#toasts")).to_contain_text("已确认")
    page.locator("h1").click()
    page.keyboard.press("s")
    expect(page.locator("#hold-reason")).to_be_focused()
    page.keyboard.type("仪表调试")
    page.screenshot(path=tmp_path / "desk-panel.png")
    panel.locator("[data-desk=hold] button").click()
    expect(page.locator("tr[data-row]")).to_have_count(2)

    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    page.locator(f"tr[data-row='{second}'] td:nth-child(3)").click()
    page.fill("#ack-note", "我来")
    with transaction(settings, CITY, worker=True) as session:
        acknowledge_alarm(session, second, note="x", now=utc_now(), actor=OTHER)
    panel.locator("[data-desk=acknowledge] button").click()
    expect(page.locator("#toasts")).to_contain_text("同事")

    page.goto(f"/operation/alarms?q={mark}")
    third = page.locator("tr[data-unseen] input[name=id]")
    third.check()
    page.evaluate(
        "(id) => { const box = document.querySelector('tr[data-unseen] input[name=id]').cloneNode(); box.value = id;"
        " document.querySelector('#alarm-batch').append(box); box.checked = true; box.ariaLabel = 'x'; }",
        str(second),
    )
    page.fill("#batch-note", "一并确认")
    page.locator(".desk-batch button").click()
    expect(page.locator("#batch-answer")).to_contain_text("同事")
    expect(page.locator("#batch-answer")).to_contain_text("共2条，完成1条")

    page.locator("#siren").click()
    expect(page.locator("#siren")).to_have_attribute("data-state", "on")
    urgent, _ = raised(settings, firm=firm, object_code=f"{mark}-U", level=1, kind=12, value=1.0)
    expect(page.locator(f"tr[data-row='{urgent}']")).to_be_visible()
    expect(page.locator("html")).to_have_class("alarm-light")
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"/operation/alarms?q={mark}")
    assert unsound(page) == []
    page.locator(f"tr[data-row='{urgent}'] .row-open").click()
    page.fill("#ack-note", "手机确认")
    page.screenshot(path=tmp_path / "desk-phone.png")
    panel.locator("[data-desk=acknowledge] button").click()
    expect(page.locator("html")).not_to_have_class("alarm-light")
    page.set_viewport_size({"width": 1366, "height": 768})
    for address in PAGES:
        page.goto(address)
        assert unsound(page) == []
    watched.wrong = [each for each in watched.wrong if "409" not in each]
