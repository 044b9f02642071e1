"""A regulator corrects a pipe beside the enterprise's value, the enterprise takes it over, a past day still shows the former."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import create_engine, func, text
from sqlalchemy.orm import Session

from gis.crs import STORAGE_SRID
from portal.config import Settings
from portal.core.actor import CITY
from portal.core.clock import local, utc_now
from portal.core.db import transaction
from tests.factories import make_enterprise, make_node, make_pipe
from tests.journeys.conftest import Watched
from tests.journeys.people import enter
from tests.journeys.stack import Stack

pytestmark = pytest.mark.timeout(300)
LON, LAT = 112.83, 32.03  # a street of its own, apart from what other journeys lay
KNOWN_FOR = timedelta(days=60)


def lay(settings: Settings, owner_url: str) -> tuple[int, str]:
    """Lay one pipe that was known for two months; return its number and the credit code of its enterprise."""

    def work(session: Session) -> tuple[int, str]:
        own = make_enterprise(session)
        nodes = [make_node(session, own, lon=LON + i / 500, lat=LAT) for i in range(2)]
        line = func.ST_GeomFromText(f"LINESTRING({LON} {LAT}, {LON + 0.002} {LAT})", STORAGE_SRID)
        ends = {"from_node_id": nodes[0].id, "to_node_id": nodes[1].id, "geom": line}
        return make_pipe(session, own, material=30, road_name="更正路", **ends).id, own.uscc

    with transaction(settings, CITY, worker=True) as session:
        found = work(session)
    engine = create_engine(owner_url)
    with Session(engine) as session, session.begin():
        session.execute(text("update gas_pipe set valid_from = :t where id = :id"), {"t": utc_now() - KNOWN_FOR, "id": found[0]})
    engine.dispose()
    return found


@pytest.mark.clause("6.2-e_1")
def test_a_correction_is_taken_over_and_the_former_value_stays_on_its_day(
    portal_server: Stack, page: Page, chromium: Browser, tmp_path: Path
) -> None:
    settings = Settings.from_env({**portal_server.env, "PORTAL_LOG_LEVEL": "ERROR"})
    pipe, uscc = lay(settings, portal_server.env["PORTAL_OWNER_DATABASE_URL"])
    enter(portal_server, page, "city_regulator", "市级监管员")
    page.goto(f"/map#sel=pipe:{pipe}&z=16&c={LON + 0.001},{LAT}")
    page.click("#drawer a[href^='/proposals/new']")
    page.select_option("[name='v.material']", "21")
    page.fill("[name=reason]", "开挖见证为PE管")
    page.click("form[method=post] button.btn-p:has-text('提出')")
    expect(page.locator("h1")).to_have_text("更正建议")
    address = page.url

    other = Watched(chromium, portal_server, tmp_path)
    owner = other.page()
    enter(portal_server, owner, "enterprise_manager", "企业负责人", "--enterprise", uscc)
    owner.goto(address)
    expect(owner.locator("mark.pr-new")).to_have_text("PE100")
    owner.click("button[value=take]")
    expect(owner.locator("ol.timeline")).to_contain_text("已采纳为企业数据")
    other.close()
    assert not other.verdict()

    yesterday = (local(utc_now()) - timedelta(days=1)).date().isoformat()
    page.goto(f"/map?asof={yesterday}#sel=pipe:{pipe}&z=16&c={LON + 0.001},{LAT}")
    expect(page.locator("#asof-banner")).to_contain_text(yesterday)
    expect(page.locator("#drawer dl.kv")).to_contain_text("灰口铸铁")
    page.click("#asof-banner a")
    expect(page.locator("#drawer dl.kv").first).to_contain_text("PE100")
    page.click("#drawer a[href$='/versions']")
    expect(page.locator(".pr-diff").first).to_contain_text("灰口铸铁")
