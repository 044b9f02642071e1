"""Every page of the portal, dark on a desk and light on a phone: axe-core finds nothing serious."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page

from ingestion_adapters.client import Client
from tests.journeys.axe import findings_in_all_looks
from tests.journeys.conftest import Watched
from tests.journeys.people import enter
from tests.journeys.stack import ROOT, Stack
from tests.journeys.test_main_job import new_uscc

pytestmark = pytest.mark.timeout(900)
SAMPLES = ROOT / "tests" / "data" / "enterprise_samples"
PLACE = {"lon": 112.51, "lat": 32.01}
ROLES = ("city_regulator", "system_admin", "security_admin", "auditor")
# What is fetched by pages or programs, and downloads.
NO_PAGE = re.compile(
    r"^/(api/v1/(?!docs)|live|healthz|readyz|metrics|static/|tiles/|home/freshness|search/suggest|map/(alarms|counts|object)"
    r"|operation/alarms/count|operation/points/\d+/series|operation/trends/(points|data)|operation/stations/\d+/values)|\.(csv|json|pdf|xlsx|zip)$|/progress$"
)
# Every page below must have been met on the way; more are met as they are linked.
KNOWN = {
    "/", "/map", "/map/list/<layer>", "/search", "/operation/alarms", "/operation/alarms/<int:alarm_id>",
    "/operation/points/<int:point_id>", "/events/cases", "/events/cases/new", "/events/cases/<int:case_id>", "/intake",
    "/intake/upload", "/intake/imports", "/intake/imports/<int:job_id>", "/intake/receipts",
    "/intake/receipts/<int:receipt_id>", "/reports", "/reports/<int:report_id>", "/reports/verify", "/evaluation",
    "/api/v1/docs", "/account", "/account/password", "/account/sessions", "/admin/enterprises",
    "/admin/enterprises/<int:enterprise_id>", "/admin/dictionaries", "/admin/users", "/admin/users/new",
    "/admin/users/<int:user_id>", "/admin/jobs", "/admin/sessions", "/admin/parameters", "/admin/audit",
    "/admin/audit/<int:entry_id>", "/safety/hidden-dangers", "/safety/works", "/safety/patrols", "/safety/checks",
    "/emergency/incidents", "/emergency/drills", "/emergency/plans", "/emergency/supplies", "/emergency/teams",
    "/supply/monthly", "/cockpit", "/cockpit/index",
}  # fmt: skip
LINKS = (
    """() => [...document.querySelectorAll("a[href^='/']:not([download])")].map((each) => each.getAttribute("href"))"""
)
met: set[str] = set()


def routes() -> list[tuple[str, re.Pattern[str]]]:
    """Return the addresses that are read, with what fits them; the plain ones first."""
    lines = (ROOT / "docs" / "routes.txt").read_text("utf-8").splitlines()
    rules = [line.removeprefix("GET ") for line in lines if line.startswith("GET ")]
    found = []
    for rule in sorted(rules, key=lambda rule: "<" in rule):
        parts = re.split(r"(<[^>]+>)", rule)
        fits = "".join((r"\d+" if "int:" in part else "[^/]+") if "<" in part else re.escape(part) for part in parts)
        found.append((rule, re.compile(f"^{fits}$")))
    return found


def route_of(address: str) -> str | None:
    """Return the route of the page at an address, None when it is no page of ours."""
    path = urlsplit(address).path
    if NO_PAGE.search(path):
        return None
    return next((rule for rule, fits in routes() if fits.match(path)), None)


@pytest.fixture(scope="module")
def city(portal_server: Stack) -> Stack:
    """Give the portal with something to show on each page."""
    uscc = new_uscc()
    made = portal_server.command(
        "enterprise", "create", uscc, "--name", f"无障碍{uscc[-5:]}", "--short-name", uscc[-6:]
    )
    app_id, key = made.stdout.split()
    portal_server.command(
        "network",
        "import",
        SAMPLES / "管线表_gbk.csv",
        SAMPLES / "管点表_gbk.csv",
        "--enterprise",
        uscc,
        "--crs",
        "EPSG:4547",
    )
    point: dict[str, Any] = {
        "type": "PNT", "src_code": "WZ-1.PT1", "name": "出站压力", "object_code": "WZ-1", "measure": 1, "unit": "kPa",
        "period_s": 60, "range_low": 0.0, "range_high": 900.0, "high": 300.0, "high_high": 400.0, **PLACE,
    }  # fmt: skip
    station = {"type": "STA", "src_code": "WZ-1", "name": "无障碍门站", "kind": 2, "node": "WZ-N", **PLACE}
    program = Client(portal_server.url, app_id, key, portal_server.data / f"axe-{uscc[-6:]}.db")
    program.push("NET", [{"type": "NOD", "src_code": "WZ-N", **PLACE}, station, point])
    program.push("RT", [{"point": "WZ-1.PT1", "t": datetime.now(UTC).isoformat(), "v": 450.0}])
    assert [answer.status for answer in program.flush()] == [200, 200]
    month = f"{datetime.now(UTC):%Y-%m}"
    out = portal_server.data / "axe.pdf"
    portal_server.command("report", "make", "evaluation", "--enterprise", uscc, "--period", month, "--out", out)
    return portal_server


@pytest.fixture
def visitor(chromium: Browser, city: Stack, request: pytest.FixtureRequest, tmp_path: Any) -> Iterator[Page]:
    """Give the page of somebody of the role that the test names; nothing wrong may happen in it."""
    watched = Watched(chromium, city, tmp_path)
    page = watched.page()
    enter(city, page, request.param, "周无碍")
    yield page
    watched.close()
    assert not watched.verdict()


@pytest.mark.parametrize(("visitor", "role"), [(role, role) for role in ROLES], indirect=["visitor"])
def test_axe_finds_nothing_serious_on_the_way(visitor: Page, role: str) -> None:
    if role == "city_regulator":
        upload(visitor)
        order_a_report(visitor)
    wrong: list[str] = []
    waiting = ["/", "/search?q=WZ"]
    seen: set[str] = set()  # the home page is another one for each role, and every page leads back to it
    while waiting:
        address = waiting.pop(0)
        route = route_of(address)
        if route is None or route in met or route in seen:
            continue
        seen.add(route)
        visitor.set_viewport_size({"width": 1366, "height": 768})
        visitor.goto(address)
        if route == "/map":
            visitor.locator("html[data-map-ready='1']").wait_for(state="attached")
        if address != "/":
            met.add(route)
        waiting += visitor.evaluate(LINKS)
        wrong += findings_in_all_looks(visitor)
    assert not wrong, "\n".join(wrong)


def test_every_known_page_was_met() -> None:
    assert met, "this test follows those above"
    assert sorted(KNOWN - met - {"/"}) == []


def upload(page: Page) -> None:
    """Send a delivery in a trial, so that there is an upload with findings to look at."""
    page.goto("/intake/upload")
    page.set_input_files("#u-f", [SAMPLES / "管线表_gbk.csv", SAMPLES / "管点表_gbk.csv"])
    page.select_option("#u-c", "EPSG:4547")
    page.check("input[name=dry_run]")
    page.click("form[action='/intake/upload'] button")
    page.locator("svg.preview").wait_for()


def order_a_report(page: Page) -> None:
    """Ask for an evaluation, so that there is an order to look at."""
    page.goto("/reports")
    page.click("form[action='/reports'][method=post] button")
    page.wait_for_url(re.compile(r"/reports/(orders/)?\d+$"))


@pytest.mark.parametrize("visitor", ["city_regulator"], indirect=True)
def test_axe_finds_nothing_serious_in_what_opens(visitor: Page, city: Stack) -> None:
    visitor.goto("/operation/alarms")
    number = visitor.locator("#alarm-rows input[name=id]").first.get_attribute("value")
    visitor.goto(f"/map#sel=alarm:{number}")
    visitor.locator("#drawer h2").wait_for()
    wrong = findings_in_all_looks(visitor)
    visitor.set_viewport_size({"width": 1366, "height": 768})
    visitor.goto("/")
    visitor.fill("#q", "WZ-1")
    visitor.locator("#suggest a").first.wait_for()
    wrong += findings_in_all_looks(visitor)
    visitor.set_viewport_size({"width": 1366, "height": 768})
    visitor.click(".user-menu > summary")
    wrong += findings_in_all_looks(visitor)
    assert not wrong, "\n".join(wrong)


def test_axe_finds_nothing_serious_before_one_is_known(watched: Watched) -> None:
    page = watched.page()
    page.goto("/login")
    wrong = findings_in_all_looks(page)
    assert not wrong, "\n".join(wrong)
