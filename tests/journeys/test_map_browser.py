"""The one map in a real browser under the strict policy: it paints, selects, recolours, and asks nobody else."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page
from sqlalchemy import func
from sqlalchemy.orm import Session
from werkzeug.serving import make_server

from gis.crs import STORAGE_SRID
from portal.config import Settings
from portal.core.actor import CITY
from portal.core.db import transaction
from tests.factories import make_enterprise, make_pipe, make_point, make_station, place
from tests.people import cookie_for

PATIENCE_S = 90
# The stream of news is a process of its own, which does not run here.
ELSEWHERE = "/live"


@pytest.fixture(scope="module")
def address(app: Flask) -> Iterator[str]:
    """Serve the application on a free port."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join(10)


@pytest.fixture(scope="module")
def objects(settings: Settings) -> dict[str, Any]:
    """Add a pipe of 2 km that is drawn from afar, and a station with a point."""

    def work(session: Session) -> dict[str, Any]:
        enterprise = make_enterprise(session)
        line = func.ST_MakeLine(func.ST_MakePoint(112.49, 32.0), func.ST_MakePoint(112.51, 32.0))
        pipe = make_pipe(session, enterprise, pressure_class=4, geom=func.ST_SetSRID(line, STORAGE_SRID))
        station = make_station(session, enterprise, name="城南门站", geom=place(112.5, 32.002))
        make_station(session, enterprise, name="城北门站", geom=place(112.52, 32.02))
        make_point(session, enterprise, object_type="station", object_id=station.id, object_code=station.src_code)
        return {"pipe": pipe.id, "code": pipe.src_code, "station": station.id}

    with transaction(settings, CITY, worker=True) as session:
        return work(session)


@pytest.fixture
def page(app: Flask, settings: Settings, address: str, chromium: Browser) -> Iterator[Page]:
    """Give a page logged in as regulator that fails the test on any error or foreign request."""
    with transaction(settings, CITY, worker=True) as session:
        name, value = cookie_for(session, app)
    faults: list[str] = []
    context = chromium.new_context(viewport={"width": 1000, "height": 700}, locale="zh-CN")
    context.add_cookies([{"name": name, "value": value, "url": address}])
    opened = context.new_page()
    opened.on("pageerror", lambda error: faults.append(str(error)))
    opened.on("console", lambda said: faults.append(said.text) if _is_fault(said) else None)
    opened.on("request", lambda asked: faults.append(asked.url) if _is_foreign(asked.url, address) else None)
    yield opened
    context.close()
    assert faults == []


def _is_fault(said: Any) -> bool:
    return said.type == "error" and ELSEWHERE not in (said.location or {}).get("url", "")


def _is_foreign(url: str, address: str) -> bool:
    return not url.startswith((address, "data:", "blob:"))


def until(page: Page, found: Callable[[], object]) -> None:
    """Wait for something; polled from here because the policy forbids eval in the page."""
    end = time.monotonic() + PATIENCE_S
    while not found():
        assert time.monotonic() < end, "waited too long"
        page.wait_for_timeout(200)


@pytest.mark.timeout(240)
def test_map_paints_selects_and_recolours(page: Page, address: str, objects: dict[str, Any]) -> None:
    tiles: list[int] = []
    page.on("response", lambda answer: tiles.append(answer.status) if "/tiles/" in answer.url else None)
    page.goto(f"{address}/map#z=14&c=112.5,32.0&sel=pipe:{objects['pipe']}", wait_until="domcontentloaded")
    until(page, lambda: page.evaluate("document.documentElement.dataset.mapReady") == "1")
    assert tiles and set(tiles) <= {200, 204, 304}
    until(page, lambda: objects["code"] in page.inner_text("#drawer"))
    assert "次高压B" in page.inner_text("#drawer")
    assert "km" in page.inner_text("#map-legend")
    page.click("[data-colouring=year]")
    until(page, lambda: "k=year" in page.url)
    page.keyboard.press("Escape")
    until(page, lambda: not page.is_visible("#drawer"))
    assert f"sel=pipe:{objects['pipe']}" not in page.url


@pytest.mark.timeout(240)
def test_list_leads_to_the_map(page: Page, address: str, objects: dict[str, Any]) -> None:
    page.goto(f"{address}/map/list/station?q=城南", wait_until="domcontentloaded")
    page.click(f"a[href='/map#sel=station:{objects['station']}']")
    until(page, lambda: "城南门站" in (page.inner_text("#drawer") if page.is_visible("#drawer") else ""))
    until(page, lambda: "c=112.5" in page.url and "z=15" in page.url)
