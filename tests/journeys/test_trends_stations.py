"""The desk lays points over one another, watches a station live, opens an instrument's trend by key, and looks through a camera."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from ingestion_adapters.client import Client
from tests.journeys.people import enter
from tests.journeys.stack import Stack
from tests.journeys.test_main_job import new_uscc

pytestmark = pytest.mark.timeout(480)
PLACE = {"lon": 112.53, "lat": 32.02}
POINTS = (("进站压力", 1, "MPa"), ("出站压力", 1, "MPa"), ("瞬时流量", 2, "m³/h"))
SPIKE, STREAM, NO_STREAM = 3.875, "/static/demo/stream/test.m3u8", "/static/icons/favicon.svg"


class Gate:
    """A gate station of an enterprise whose program runs."""

    def __init__(self, server: Stack, folder: Path) -> None:
        """Register the enterprise, its station and its points."""
        uscc = new_uscc()
        made = server.command("enterprise", "create", uscc, "--name", f"趋势试验{uscc[-5:]}", "--short-name", uscc[-6:])
        self.program = Client(server.url, *made.stdout.split(), folder / "queue.db")
        self.code, self.name = f"QS{uscc[-5:]}", f"趋势{uscc[-5:]}门站"
        points = [
            {"type": "PNT", "src_code": self.point(n), "name": name, "object_code": self.code, "measure": measure, "unit": unit,
             "period_s": 60, "range_low": 0, "range_high": 5000 if measure == 2 else 4, "high": 3.0, **PLACE}
            for n, (name, measure, unit) in enumerate(POINTS)
        ]  # fmt: skip
        self.push("NET", [{"type": "STA", "src_code": self.code, "name": self.name, "kind": 2, **PLACE}, *points])

    def point(self, number: int) -> str:
        """Return the code of a point."""
        return f"{self.code}.PI.{number + 1:02}"

    def push(self, dataset: str, records: list[dict[str, Any]]) -> None:
        """Send records and see that they are taken."""
        self.program.push(dataset, records)
        assert [answer.status for answer in self.program.flush()] == [200]

    def read(self, number: int, value: float, minutes_ago: float = 0, quality: int = 192) -> dict[str, Any]:
        """Return one reading of a point."""
        at = datetime.now(UTC) - timedelta(minutes=minutes_ago)
        return {"point": self.point(number), "t": at.isoformat(), "v": value, "q": quality}


@pytest.fixture
def gate(portal_server: Stack, tmp_path: Path) -> Gate:
    """Give a gate with three hours of readings: a spike, and doubtful ones."""
    made = Gate(portal_server, tmp_path)
    rows = [made.read(0, 2.4 + minute % 7 / 100, minute, 24 if 60 <= minute < 80 else 192) for minute in range(180, 2, -1)]
    rows[40]["v"] = SPIKE
    made.push("RT", rows + [made.read(1, 1.5, 200), made.read(2, 1234.0, 1)])
    return made


def drawn(page: Page, times: int) -> None:
    """Wait until the curves were drawn so many times."""
    expect(page.locator("#trends")).to_have_attribute("data-drawn", re.compile(rf"^([{times}-9]|\d\d+)$"))


@pytest.mark.clause("6.2-k_2", "7.2.3.4-b_2")
def test_from_a_curve_to_the_station_and_its_camera(portal_server: Stack, page: Page, gate: Gate) -> None:
    enter(portal_server, page, "city_regulator", "趋势员")
    page.goto("/operation/trends?span=6h")
    page.fill("#find", gate.name)
    page.locator(".hit-main", has_text="进站压力").wait_for()
    page.press("#find", "Enter")
    drawn(page, 1)
    row = page.locator("tr[data-point][data-role=own]").first
    expect(row).to_contain_text("3.875")
    assert f"p={row.get_attribute('data-point')}" in page.url
    page.locator(".pane-plot").focus()
    page.keyboard.press("Home")
    expect(page.locator("#announcer")).to_contain_text("进站压力")
    box = page.locator(".pane-plot .u-over").bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] * 0.55, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.95, box["y"] + 60, steps=4)
    page.mouse.up()
    drawn(page, 2)
    assert re.search(r"from=\d+&to=\d+", page.url)
    page.reload()
    drawn(page, 1)
    expect(page.locator("tr[data-point]")).to_have_count(1)

    page.goto(f"/operation/stations?q={gate.name}")
    page.locator(".station", has_text=gate.name).click()
    inlet, outlet = page.locator("[data-slot=inlet_pressure]"), page.locator("[data-slot=outlet_pressure]")
    expect(outlet).to_have_class(re.compile("is-stale"))
    expect(outlet.locator(".word")).to_contain_text("陈旧")
    expect(page.locator("[data-flow=flow].on").first).to_be_attached()
    gate.push("RT", [gate.read(0, 2.222), gate.read(1, 1.444)])
    expect(inlet.locator(".figure")).to_have_text("2.222")
    expect(outlet).to_have_class(re.compile("is-good"))
    station = page.url.rsplit("/", 1)[1].split("?")[0]
    for number, address in enumerate((STREAM, NO_STREAM)):
        page.goto(f"/operation/stations/{station}")
        page.click("#cameras summary")
        for field, value in (("code", f"{gate.code}-{number}"), ("name", f"机位{number}"), ("address", address)):
            page.fill(f"#c-{field}", value)
        page.click("#cameras form.stack button")
        page.locator("#cameras", has_text=f"机位{number}").wait_for()
    page.goto(f"/operation/video?station={station}")
    expect(page.locator(".tile").nth(0)).to_have_attribute("data-state", "live")
    expect(page.locator(".tile").nth(1)).to_contain_text("摄像机无应答")

    page.goto(f"/operation/stations/{station}")
    page.locator("[data-slot=inlet_pressure]").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/operation/trends?p=*")
    drawn(page, 1)
