"""An enterprise from its application to its first live push, with the people and the program it takes."""

from __future__ import annotations

import gzip
import json
import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from ingestion_adapters.client import Client
from ingestion_adapters.http.docs_page import SAMPLES
from tests.journeys.conftest import Watched
from tests.journeys.people import enter
from tests.journeys.stack import Stack
from tests.journeys.test_networks_in import new_enterprise

pytestmark = pytest.mark.timeout(600)
DISTRICT = "990101"
DAY = SAMPLES["DailySupply"]
Cast = dict[str, Page]


@pytest.fixture(scope="module")
def firm(portal_server: Stack) -> str:
    """Give the credit code of an enterprise that is not connected yet."""
    return new_enterprise(portal_server)


@pytest.fixture(scope="module")
def cast(
    chromium: Browser, portal_server: Stack, firm: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Cast]:
    """Give a page of each person: the enterprise's manager, the district's and the city's regulator."""
    options = {
        "enterprise_manager": ("--enterprise", firm),
        "district_regulator": ("--district", DISTRICT),
        "city_regulator": (),
    }
    contexts = {role: Watched(chromium, portal_server, tmp_path_factory.mktemp(role)) for role in options}
    pages = {role: context.page() for role, context in contexts.items()}
    for role, more in options.items():
        enter(portal_server, pages[role], role, role, *more)
    yield pages
    for context in contexts.values():
        context.close()
    assert not [found for context in contexts.values() for found in context.verdict()]


def new_key(page: Page, folder: Path, server: Stack, *, sandbox: bool) -> Client:
    """Press the button for a key and return the client that holds it."""
    page.click("form[action$='/key'] button")
    shown = page.locator("section.card", has=page.locator("[data-copy]")).locator("dd")
    app_id, key = shown.nth(0).inner_text(), shown.nth(1).inner_text()
    return Client(server.url, app_id, key, folder / f"{app_id}.db", sandbox=sandbox)


def raw_push(client: Client, body: bytes, *, batch: str, wrong: bool = False, twice: bool = False) -> int:
    """Send one signed request as it is, wrongly signed or twice; return the last status."""
    path = f"{client.ingest}/DAY"
    headers = client.headers("POST", path, body) | {"Content-Type": "application/json", "X-Batch-Id": batch}
    if wrong:
        headers["X-Sign"] = "0" * 64
    status = 0
    for _ in range(2 if twice else 1):
        request = urllib.request.Request(client.base_url + path, data=body, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                status = answer.status
        except urllib.error.HTTPError as refused:
            status = refused.code
    return status


def test_from_the_application_to_the_first_live_push(
    cast: Cast, portal_server: Stack, firm: str, tmp_path: Path
) -> None:
    manager, district, city = cast["enterprise_manager"], cast["district_regulator"], cast["city_regulator"]
    address = apply(manager, tmp_path)
    review(district, address, "district_pass")
    review(city, address, "city_pass")

    manager.goto(address)
    trial = new_key(manager, tmp_path, portal_server, sandbox=True)
    good = json.dumps({"records": [DAY]}).encode()
    trial.push("DAY", [DAY])
    assert trial.flush()[0].body["sandbox"] is True
    manager.goto(address + "/report")
    assert manager.get_by_text("仍有必测项未通过").count() == 1
    assert raw_push(trial, json.dumps({"records": [DAY | {"sold_m3": -1}]}).encode(), batch="bad") == 422
    assert raw_push(trial, good, batch="again", twice=True) == 401
    assert raw_push(trial, good, batch="wrong", wrong=True) == 401
    manager.reload()
    manager.get_by_role("button", name="申请上线").click()
    manager.wait_for_url(re.compile(r"/intake/onboarding/\d+$"))

    review(city, address, "live_pass")
    manager.goto(address)
    live = new_key(manager, tmp_path, portal_server, sandbox=False)
    live.push("DAY", [DAY])
    (answer,) = live.flush()
    assert (answer.status, answer.body["accepted"]) == (200, 1)
    manager.goto(f"/intake/receipts/{answer.body['receipt_id']}")
    assert firm and manager.get_by_text("DAY", exact=True).count() >= 1


def apply(page: Page, folder: Path) -> str:
    """Fill the application in and send it; return its address."""
    paper = folder / "许可证.pdf"
    paper.write_bytes(b"%PDF-1.7\n" + gzip.compress(b"x"))
    page.goto("/intake/onboarding/new")
    place = page.locator("#a-d")
    if place.evaluate("each => each.tagName") == "INPUT":
        place.fill(DISTRICT)
    else:
        place.select_option(DISTRICT)
    for field, value in {
        "l": "云燃经001",
        "x": "2031-12-31",
        "c": "李工",
        "p": "13800000000",
        "s": "SCADA 3",
        "g": "2031-01-01",
    }.items():
        page.fill(f"#a-{field}", value)
    page.check("input[name=datasets][value=DAY]")
    page.set_input_files("#a-f-licence", paper)
    page.get_by_role("button", name="提交申请").click()
    page.wait_for_url(re.compile(r"/intake/onboarding/\d+$"))
    return page.url


def review(page: Page, address: str, step: str) -> None:
    """Take a reviewing step on an application's page."""
    page.goto(address)
    page.fill(f"#s-{step}", "材料齐全，同意")
    page.click(f"form[action$='/steps/{step}'] button")
    page.locator(f"form[action$='/steps/{step}']").wait_for(state="detached")


def test_a_mapping_is_tried_and_saved_on_its_page(cast: Cast) -> None:
    page = cast["enterprise_manager"]
    page.goto("/intake/mappings")
    page.select_option("#m-d", "DAY")
    page.locator("form[method=get] button").click()
    page.fill("input[name='from.gas_day']", "日期")
    page.fill("input[name='from.sold_m3']", "售气")
    page.select_option("select[name='unit.sold_m3']", "万m3")
    page.fill("#m-m", '[{"日期": "2026-11-02", "售气": 2, "purchased_m3": 30000}]')
    page.click("button[value=try]")
    assert "20000" in page.locator("#tried").inner_text()
    page.click("button[value=save]")
    page.get_by_text("第 1 版已保存").wait_for()
    assert page.locator("input[name='from.sold_m3']").input_value() == "售气"
