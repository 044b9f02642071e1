"""Two maps under a bar, past time, what is near, and the risk of pipes, in a real browser and from the keyboard."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page

from tests.journeys.test_map_browser import address, objects, page, until  # noqa: F401  # fixtures

FRAME_MS = 200


def flag(page: Page, name: str) -> str | None:  # noqa: F811
    return str(page.evaluate(f"document.documentElement.dataset.{name} ?? ''"))


@pytest.mark.timeout(240)
def test_the_map_is_compared_and_taken_back_in_time_from_the_keyboard(page: Page, address: str, objects: dict[str, Any]) -> None:  # noqa: F811
    page.goto(f"{address}/map#z=14&c=112.5,32.0&v=60&k2=year", wait_until="domcontentloaded")
    until(page, lambda: flag(page, "compareReady") == "1")
    assert page.input_value("#compare-right") == "year"
    page.focus("#map-swipe")
    page.keyboard.press("ArrowLeft")
    until(page, lambda: "v=58" in page.url and "k2=year" in page.url)
    page.keyboard.press("Escape")
    until(page, lambda: "v=58" not in page.url and not page.is_visible("#map-swipe"))
    page.focus("#map-times")
    page.keyboard.press("Enter")
    until(page, lambda: flag(page, "timesReady") == "1" and "w=24h&t=" in page.url)
    last = int(page.input_value("#map-times-range"))
    page.focus("#map-times-range")
    page.keyboard.press("ArrowLeft")
    until(page, lambda: int(page.input_value("#map-times-range")) == last - 1)
    assert "告警" in str(page.get_attribute("#map-times-range", "aria-valuetext"))
    assert float(flag(page, "timesFrame") or "") <= FRAME_MS
    page.keyboard.press("Escape")
    until(page, lambda: "w=24h" not in page.url and not page.is_visible("#map-times-panel"))


@pytest.mark.timeout(240)
def test_a_refused_place_is_explained_and_neighbours_come_all_the_same(page: Page, address: str, objects: dict[str, Any]) -> None:  # noqa: F811
    page.goto(f"{address}/map#z=15&c=112.5,32.0", wait_until="domcontentloaded")
    until(page, lambda: flag(page, "mapReady") == "1")
    page.click("#map-me")
    until(page, lambda: "浏览器未获准提供位置" in page.inner_text("#toasts"))
    page.click("#toasts .btn")
    until(page, lambda: page.is_visible("[data-near=station]"))
    page.click("[data-near=station]")
    until(page, lambda: page.get_attribute("[data-near=station]", "aria-pressed") == "true")
    assert "城南门站" in page.inner_text(".map-near-list") and "北" in page.inner_text(".map-near-list")
    page.click(f".map-near-list a[href='/map#sel=station:{objects['station']}']")
    until(page, lambda: f"sel=station:{objects['station']}" in page.url)


@pytest.mark.timeout(240)
def test_risk_colours_the_map_and_has_its_page(page: Page, address: str, objects: dict[str, Any]) -> None:  # noqa: F811
    page.goto(f"{address}/map#z=14&c=112.5,32.0", wait_until="domcontentloaded")
    until(page, lambda: flag(page, "mapReady") == "1")
    page.focus("#map-colouring [aria-checked=true]")
    page.keyboard.press("ArrowRight")
    until(page, lambda: "k=risk" in page.url)
    assert "重大" in page.inner_text("#map-legend")
    page.goto(f"{address}/safety/risk", wait_until="domcontentloaded")
    page.focus("a[href^='/safety/risk/segments']")
    page.keyboard.press("Enter")
    until(page, lambda: "/safety/risk/segments" in page.url and page.locator("h1").count() == 1)
