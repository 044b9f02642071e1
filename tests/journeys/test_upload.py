"""A delivery through the upload page: tried, read, downloaded, stored, and found again on the map."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.journeys.conftest import Watched
from tests.journeys.people import enter
from tests.journeys.stack import ROOT, Stack
from tests.journeys.test_networks_in import new_enterprise, stored

pytestmark = pytest.mark.timeout(480)
SAMPLES = ROOT / "tests" / "data" / "enterprise_samples"
TABLES = [SAMPLES / "管线表_gbk.csv", SAMPLES / "管点表_gbk.csv"]
PLANTED = {each["管线编号"] for each in json.loads((SAMPLES / "expected.json").read_text("utf-8"))["defects"]}
GOOD_PIPE = (
    "select p.src_code, count(*) over () from gas_pipe p join enterprise e on e.id = p.enterprise_id "
    "where e.uscc = :uscc order by p.src_code limit 1"
)


@pytest.fixture(scope="module")
def sender(portal_server: Stack) -> str:
    """Give the credit code of an enterprise that has delivered nothing yet."""
    return new_enterprise(portal_server)


@pytest.fixture(scope="module")
def officer(chromium: Browser, portal_server: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """Give the page of a regulator, kept over the steps."""
    watched = Watched(chromium, portal_server, tmp_path_factory.mktemp("officer"))
    page = watched.page()
    enter(portal_server, page, "city_regulator", "赵接收")
    yield page
    watched.close()
    assert not watched.verdict()


def test_a_delivery_that_does_not_say_its_coordinate_system_is_asked_for_it(officer: Page, sender: str) -> None:
    send(officer, sender, system="", trial=True)
    officer.locator("#a-c").wait_for()
    assert officer.locator("#a-c option", has_text="EPSG:4547").count()


def test_a_trial_shows_preview_and_findings_and_stores_nothing(
    officer: Page, portal_server: Stack, sender: str, tmp_path: Path
) -> None:
    send(officer, sender, system="EPSG:4547", trial=True)
    officer.locator("svg.preview").wait_for()
    assert officer.locator("svg.preview path:not(.dot)").count() > 100
    assert officer.locator("svg.preview .waits").count()
    whole = seen_part(officer)
    officer.click("[data-zoom-by='2']")
    closer = seen_part(officer)
    assert closer[2] == whole[2] / 2
    officer.locator("svg.preview").press("ArrowRight")
    assert seen_part(officer)[0] > closer[0]
    officer.click("[data-zoom-by='0']")
    assert seen_part(officer) == whole
    assert "EPSG:4547" in officer.locator(".kpis").inner_text()
    words = officer.locator("#findings").inner_text()
    assert all(code in words for code in PLANTED)
    with officer.expect_download() as waiting:
        officer.click("a[href$='/findings.csv']")
    waiting.value.save_as(tmp_path / "findings.csv")
    lines = (tmp_path / "findings.csv").read_text("utf-8-sig")
    assert all(code in lines for code in PLANTED)


def seen_part(page: Page) -> list[float]:
    """Return which part of the picture is seen: x, y, width, height."""
    return [float(word) for word in str(page.locator("svg.preview").get_attribute("viewBox")).split()]


def send(page: Page, sender: str, *, system: str, trial: bool) -> None:
    """Send the two survey tables of a delivery and open what is said about them."""
    page.goto("/intake/upload")
    page.select_option("#u-e", label=f"管网试验{sender[-5:]}")
    page.set_input_files("#u-f", TABLES)
    page.select_option("#u-c", system)
    page.set_checked("input[name=dry_run]", trial)
    page.click("form[action='/intake/upload'] button")
    page.wait_for_url(re.compile(r"/intake/imports/\d+$"))


def test_the_good_rows_are_stored_and_seen_on_the_map(officer: Page, portal_server: Stack, sender: str) -> None:
    officer.click("form[action$='/again'] button")
    to_map = officer.locator("a[href^='/map#']")
    to_map.wait_for()
    code, pipes = stored(portal_server, GOOD_PIPE, sender)
    assert pipes == 554 - len(PLANTED)
    with officer.expect_response(lambda answer: "/tiles/pipe/" in answer.url and answer.status == 200):
        to_map.click()
    officer.locator("html[data-map-ready='1']").wait_for(state="attached")
    officer.fill("#q", str(code))
    officer.locator("#suggest a", has_text=str(code)).first.click()
    officer.locator("#drawer h2", has_text=str(code)).wait_for()


def test_every_upload_is_in_the_list(officer: Page, sender: str) -> None:
    officer.goto("/intake/imports")
    assert officer.locator("tbody tr", has_text=f"N{sender[-6:]}").count() == 3
