"""A main is hit: the pipe is chosen on the map, shut off with one valve stuck, printed, exported and handed over."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook
from playwright.sync_api import Page
from pypdf import PdfReader
from sqlalchemy import text
from sqlalchemy.orm import Session

from gis.network.models import GasUser, Valve
from portal.config import Settings
from portal.core.actor import CITY
from portal.core.db import transaction
from tests.factories import make_enterprise, make_node, make_pipe, make_station, place
from tests.journeys.people import enter
from tests.journeys.stack import Stack

pytestmark = pytest.mark.timeout(480)
PATIENCE_S = 90
STREET = 112.7  # a longitude of its own, apart from what other journeys lay
LAT = 32.0


def lay(session: Session) -> dict[str, Any]:
    """Lay a main of five pipes from a gate, with a valve at each node between and users at its end."""
    owner = make_enterprise(session)
    mark = f"J{owner.id}"
    nodes = [make_node(session, owner, src_code=f"{mark}N{i}", lon=STREET + i / 500, lat=LAT).id for i in range(6)]
    pipes = [
        make_pipe(
            session, owner, src_code=f"{mark}P{i}", from_node_id=nodes[i], to_node_id=nodes[i + 1], wall_mm=14.6,
            road_name="抢险路",
        ).id
        for i in range(5)
    ]  # fmt: skip
    make_station(session, owner, src_code=f"{mark}S", node_id=nodes[0], geom=place(STREET, LAT), p_out_mpa=0.3)
    for i in range(1, 5):
        session.add(
            Valve(
                enterprise_id=owner.id, src_code=f"{mark}V{i}", node_id=nodes[i], dn_mm=200, kind=1, drive=1, normal_state=1,
                current_state=1, adcode="990101", remote=i == 1, geom=place(STREET + i / 500, LAT),
            )
        )  # fmt: skip
    for number, (kind, name) in enumerate(((20, "云川**医院"), (10, "李*"))):
        session.add(
            GasUser(
                enterprise_id=owner.id, src_code=f"{mark}U{number}", node_id=nodes[5], user_class=kind, name=name,
                adcode="990101", address="云川市江北区抢险路8号2栋", geom=place(STREET + 0.01, LAT),
            )
        )  # fmt: skip
    session.flush()
    drawn = (
        "update gas_pipe p set geom = ST_MakeLine(a.geom, b.geom) from gas_node a, gas_node b "
        "where a.id = p.from_node_id and b.id = p.to_node_id and p.enterprise_id = :e"
    )
    session.execute(text(drawn), {"e": owner.id})
    return {"mark": mark, "pipes": pipes, "owner": owner.id}


def until(page: Page, found: Callable[[], object], what: str) -> None:
    """Wait for something; polled from here because the policy forbids eval in the page."""
    end = time.monotonic() + PATIENCE_S
    while not found():
        assert time.monotonic() < end, f"waited too long for {what}"
        page.wait_for_timeout(200)


def saved(page: Page, link: str, folder: Path) -> Path:
    """Follow a link that hands out a file; return where it was kept."""
    with page.expect_download() as waiting:
        page.click(link)
    path = folder / waiting.value.suggested_filename
    waiting.value.save_as(path)
    return path


@pytest.mark.clause("7.2.5.2-ab_2", "7.2.7.6-i_5")
def test_a_pipe_is_shut_off_with_a_valve_stuck_printed_exported_and_handed_over(
    portal_server: Stack, page: Page, tmp_path: Path
) -> None:
    settings = Settings.from_env({**portal_server.env, "PORTAL_LOG_LEVEL": "ERROR"})
    with transaction(settings, CITY, worker=True) as session:
        made = lay(session)
    mark, pipe = made["mark"], made["pipes"][2]
    enter(portal_server, page, "city_regulator", "周抢险")
    page.goto(f"/map#sel=pipe:{pipe}", wait_until="domcontentloaded")
    until(page, lambda: page.evaluate("document.documentElement.dataset.mapReady") == "1", "the map")
    page.wait_for_selector("#drawer [data-net=isolate]")
    page.focus("#drawer [data-net=isolate]")
    page.keyboard.press("Enter")
    page.wait_for_selector("[data-net-panel=isolate]")
    assert page.locator(".net-valves li").all_inner_texts()[0].split()[1] == f"{mark}V2"
    assert "医院" in page.inner_text(".net-kinds") and f"at=pipe:{pipe}" in page.url

    page.click(".net-valves [data-net-stuck]")
    until(page, lambda: f"{mark}V1" in page.inner_text("#drawer") and "stuck=" in page.url, "the next best plan")
    assert f"{mark}V2" in page.inner_text(".net-stuck")
    shared = page.url

    page.click(".net-files summary")
    listed = load_workbook(saved(page, ".net-files a[href*='users.xlsx']", tmp_path)).worksheets[0]
    names = [row[1] for row in listed.iter_rows(min_row=2, values_only=True)]
    assert sorted(names) == ["云川**医院", "李*"]
    assert "抢险路8号2栋" not in [row[4] for row in listed.iter_rows(min_row=2, values_only=True) if row[1] == "李*"]
    assert f"{mark}V1" in saved(page, ".net-files a[href*='valves.csv']", tmp_path).read_text("utf-8-sig")
    paper = PdfReader(saved(page, ".net-files a[href*='isolation.pdf']", tmp_path))
    assert f"{mark}V1" in "".join(each.extract_text() for each in paper.pages)

    with page.context.expect_page() as opening:
        page.click("a[href*='/network/isolation/print']")
    sheet = opening.value
    sheet.wait_for_selector("svg.picture")
    assert f"{mark}V1" in sheet.inner_text("main") and "抢险路" in sheet.inner_text("main")
    sheet.close()

    page.goto("about:blank")
    page.goto(shared, wait_until="domcontentloaded")
    until(
        page,
        lambda: page.locator(".net-stuck").count() and f"{mark}V1" in page.inner_text(".net-valves"),
        "the same plan",
    )
    page.click("form[action*=handover] button")
    page.click("#confirm [value=yes]")
    page.wait_for_url("**/network/plans/*")
    assert f"{mark}V1" in page.inner_text("main")
    with transaction(settings, CITY, worker=True) as session:
        case = session.execute(
            text(
                "select c.case_class, c.title from shutoff_plan p join supervision_case c on c.id = p.case_id where p.object_id = :p"
            ),
            {"p": pipe},
        ).one()
    assert case.case_class == 1 and f"{mark}P2" in case.title


def test_a_trace_and_a_zone_are_drawn_and_end_with_the_drawer(portal_server: Stack, page: Page) -> None:
    settings = Settings.from_env({**portal_server.env, "PORTAL_LOG_LEVEL": "ERROR"})
    with transaction(settings, CITY, worker=True) as session:
        made = lay(session)
    enter(portal_server, page, "city_regulator", "周追踪")
    page.goto(f"/map?net=trace&at=pipe:{made['pipes'][1]}&way=down", wait_until="domcontentloaded")
    page.wait_for_selector("[data-net-panel=trace]")
    assert "云川" not in page.inner_text("[data-net-panel=trace]") and f"{made['mark']}S" in page.inner_text("#drawer")
    page.goto(f"/map?net=zone&at=pipe:{made['pipes'][1]}", wait_until="domcontentloaded")
    page.wait_for_selector("[data-net-panel=zone]")
    page.click("#drawer .drawer-close")
    until(page, lambda: "net=" not in page.url, "the question to leave the address")


@pytest.mark.clause("7.3.1.5-b")
def test_a_plan_leads_to_what_happens_to_pressures_and_back_to_the_map(portal_server: Stack, page: Page) -> None:
    settings = Settings.from_env({**portal_server.env, "PORTAL_LOG_LEVEL": "ERROR"})
    with transaction(settings, CITY, worker=True) as session:
        made = lay(session)
    enter(portal_server, page, "city_regulator", "周水力")
    page.goto(f"/map?net=isolate&at=pipe:{made['pipes'][2]}", wait_until="domcontentloaded")
    page.click("#drawer a[href*='/network/hydraulics?closed=']")
    page.wait_for_selector(".hy-problems")
    assert f"{made['mark']}N" in page.inner_text(".hy-problems") and "无气源" in page.inner_text(".hy-problems")
    assert page.locator(".hy-line.hy-none").count() and page.locator(".hy-line.hy-4").count()
    page.click("main a[href*='/map?net=hydraulics']")
    page.wait_for_selector("#drawer [data-hydraulics-panel]")
    until(page, lambda: page.evaluate("document.documentElement.dataset.hydraulicsReady"), "the pipes to be drawn")
