"""The map's tools in a real browser: select by box and polygon, take it away, measure, keep, print, find by pinyin."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page
from pyproj import Geod
from sqlalchemy import func

from gis.crs import STORAGE_SRID
from portal.config import Settings
from portal.core.actor import CITY
from portal.core.db import transaction
from tests.factories import make_enterprise, make_pipe, make_station, place
from tests.journeys.test_map_browser import address, page, until  # noqa: F401  # fixtures

WAY = [[112.49, 32.0], [112.51, 32.0], [112.51, 32.01]]


@pytest.fixture(scope="module")
def pipe(settings: Settings) -> dict[str, Any]:
    """Add a pipe of two kilometres and a station, with names to be found."""
    with transaction(settings, CITY, worker=True) as session:
        enterprise = make_enterprise(session)
        line = func.ST_SetSRID(func.ST_MakeLine(func.ST_MakePoint(112.49, 32.0), func.ST_MakePoint(112.51, 32.0)), STORAGE_SRID)
        made = make_pipe(session, enterprise, pressure_class=4, name="紫藤街次高压B9段", geom=line)
        make_station(session, enterprise, geom=place(112.5, 32.004))
        make_station(session, enterprise, geom=place(112.53, 32.03))
        return {"id": made.id, "code": made.src_code}


def opened(page: Page, url: str) -> None:  # noqa: F811
    page.goto(url, wait_until="domcontentloaded")
    until(page, lambda: page.evaluate("document.documentElement.dataset.mapReady") == "1")


def drag(page: Page) -> None:  # noqa: F811
    page.mouse.move(420, 250)
    page.mouse.down()
    page.mouse.move(600, 400, steps=4)
    page.mouse.move(760, 520, steps=4)
    page.mouse.up()


@pytest.mark.timeout(300)
def test_a_box_is_drawn_counted_taken_away_and_opened_from_disk(
    page: Page, address: str, pipe: dict[str, Any], chromium: Browser, tmp_path: Path  # noqa: F811
) -> None:
    opened(page, f"{address}/map#z=13&c=112.5,32.0")
    page.click("#map-box")
    drag(page)
    until(page, lambda: page.is_visible("[data-area-export]"))
    assert "次高压" in page.inner_text("#drawer") and "a=112." in page.url
    page.select_option("#take-format", "html")
    with page.expect_download() as taken:
        page.click("[data-area-export] .btn-p")
    file = tmp_path / "map.html"
    taken.value.save_as(file)
    asked: list[str] = []
    alone = chromium.new_context(offline=True)
    offline = alone.new_page()
    offline.on("request", lambda request: asked.append(request.url))
    faults: list[str] = []
    offline.on("pageerror", lambda error: faults.append(str(error)))
    offline.goto(file.as_uri())
    until(offline, lambda: offline.locator("canvas").count() > 0)
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == [] and faults == []
    assert "严禁外传" in offline.inner_text(".about")
    alone.close()
    page.reload(wait_until="domcontentloaded")
    until(page, lambda: page.is_visible("[data-area-export]"))


@pytest.mark.timeout(240)
def test_a_polygon_is_closed_by_the_keyboard_and_left_by_escape(page: Page, address: str, pipe: dict[str, Any]) -> None:  # noqa: F811
    opened(page, f"{address}/map#z=13&c=112.5,32.0")
    page.click("#map-polygon")
    for x, y in ((430, 250), (760, 260), (700, 520)):
        page.mouse.click(x, y)
        page.wait_for_timeout(400)
    page.focus("#map canvas")
    page.keyboard.press("Enter")
    until(page, lambda: page.is_visible("#drawer .drawer-head[data-area]"))
    page.keyboard.press("Escape")
    until(page, lambda: not page.is_visible("#drawer") and "a=" not in page.url.split("#")[1])


@pytest.mark.timeout(240)
def test_lengths_and_areas_are_those_of_the_ellipsoid(page: Page, address: str) -> None:  # noqa: F811
    page.goto(f"{address}/search", wait_until="domcontentloaded")
    length, area = page.evaluate(
        "(way) => import('/static/js/map/geodesy.mjs').then(({ lengthM, areaM2 }) => [lengthM(way), areaM2(way)])", WAY
    )
    ellipsoid = Geod(a=6378137.0, rf=298.257222101)
    lons, lats = [each[0] for each in WAY], [each[1] for each in WAY]
    assert length == pytest.approx(ellipsoid.line_length(lons, lats), abs=1e-4)
    assert area == pytest.approx(abs(ellipsoid.polygon_area_perimeter(lons, lats)[0]), rel=1e-7)


@pytest.mark.timeout(240)
def test_a_view_is_kept_found_again_and_printed(page: Page, address: str, pipe: dict[str, Any]) -> None:  # noqa: F811
    opened(page, f"{address}/map#z=13&c=112.5,32.0&k=material")
    page.click("#map-marks")
    page.fill("#map-mark-name", "紫藤街一带")
    page.click("#map-marks-form .btn")
    until(page, lambda: "紫藤街一带" in page.inner_text("#map-marks-list"))
    assert "k=material" in str(page.get_attribute("#map-marks-list a", "href"))
    page.click("[data-close-marks]")
    page.click("#map-print")
    form = page.locator("#map-print-form")
    # The browser would show the sheet in a viewer of its own: send the same fields, and look at the answer.
    form.evaluate("(form) => form.addEventListener('submit', (event) => event.preventDefault())")
    page.click("#map-print-form .btn-p")
    sent = form.evaluate("(form) => Object.fromEntries(new FormData(form))")
    assert sent["theme"] == "material" and sent["look"] == page.evaluate("document.documentElement.dataset.theme")
    west, south, east, north = (float(part) for part in sent["view"].split(","))
    assert west < 112.5 < east and south < 32.0 < north and "pipe" in sent["layers"].split(",")
    kind, size = form.evaluate(
        "(form) => fetch(form.action, { method: 'POST', body: new FormData(form) })"
        ".then(async (answer) => [answer.headers.get('Content-Type'), (await answer.blob()).size])"
    )
    assert kind == "application/pdf" and size > 5_000


@pytest.mark.timeout(240)
def test_a_pipe_is_found_by_pinyin_from_the_keyboard(page: Page, address: str, pipe: dict[str, Any]) -> None:  # noqa: F811
    page.goto(f"{address}/", wait_until="domcontentloaded")
    page.keyboard.press("Control+k")
    page.keyboard.type("zitengjie")
    until(page, lambda: page.locator("#suggest a").count() > 0)
    assert pipe["code"] in page.inner_text("#suggest")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    until(page, lambda: pipe["code"] in (page.inner_text("#drawer") if page.is_visible("#drawer") else ""))
