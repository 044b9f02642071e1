"""A regulator sees a week's curve under limits being typed, rehearses the change and releases it."""

from __future__ import annotations

import re
import secrets
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from portal.config import Settings
from portal.core.actor import CITY
from portal.core.clock import utc_now
from portal.core.db import transaction
from portal.operation.telemetry.services import store_readings
from tests.factories import make_enterprise, make_point
from tests.journeys.people import enter
from tests.journeys.stack import Stack
from tests.readings import block_of

pytestmark = pytest.mark.timeout(180)


@pytest.mark.clause("7.2.8.2-f")
def test_a_change_of_limits_is_seen_rehearsed_and_released(portal_server: Stack, page: Page) -> None:
    settings = Settings.from_env({**portal_server.env, "PORTAL_LOG_LEVEL": "ERROR"})
    with transaction(settings, CITY, worker=True) as session:
        point = make_point(session, make_enterprise(session))
        begin = round((utc_now() - timedelta(hours=20)).timestamp() * 1000)
        values = [2.0 + (0.95 if each % 40 < 3 else 0.0) for each in range(230)]
        store_readings(session, block_of(point, [begin + 300_000 * each for each in range(230)], values))
        number = point.id
    enter(portal_server, page, "city_regulator", f"监管{secrets.token_hex(2)}")
    page.goto(f"/operation/limits/points/{number}")
    told = page.locator("[data-limits-told]")
    expect(told).to_contain_text("· 上限 0 %")
    page.fill("#r-high", "2.9")
    expect(told).to_contain_text(re.compile(r"· 上限 [1-9]"))
    page.fill("#r-reason", "试验：高峰抬升须报警")
    page.click("form[data-limits-form] .form-foot button")
    page.wait_for_url("**/operation/limits/changes/*")
    page.click("[data-limits-rehearse]")
    expect(page.locator("svg.rehearsal-bars rect.added").first).to_be_visible()
    page.click("button[data-confirm]")
    page.click("#confirm [value=yes]")
    expect(page.locator("dl.kv")).to_contain_text("已发布")
