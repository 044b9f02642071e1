"""Networks as enterprises deliver them: imported by command, judged, stored, shown on the map."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page
from sqlalchemy import text

from portal.config import Settings
from portal.core.actor import CITY
from portal.core.db import transaction
from tests.journeys.conftest import PATIENCE_MS, Watched
from tests.journeys.stack import ROOT, Stack
from tests.journeys.test_main_job import new_uscc

pytestmark = pytest.mark.timeout(480)
DATA = ROOT / "tests" / "data"
SAMPLES = DATA / "enterprise_samples"
PLANTED = json.loads((SAMPLES / "expected.json").read_text("utf-8"))
UNKNOWN_NODE = "unknown start node"
DELIVERIES = {
    "csv": (("管线表_gbk.csv", "管点表_gbk.csv"), "EPSG:4547"),
    "xlsx": (("管网普查成果.xlsx",), "EPSG:4547"),
    "shape": (("RQGX_shp_no_cpg.zip",), None),
    "geojson": (("pipes_gcj02.geojson",), "GCJ02"),
}
SUMS = (
    "select count(*), coalesce(sum(length_m), 0) / 1000, min(st_srid(geom)), max(st_srid(geom)) from gas_pipe p "
    "join enterprise e on e.id = p.enterprise_id where e.uscc = :uscc"
)


def new_enterprise(server: Stack) -> str:
    """Register an enterprise and return its credit code."""
    uscc = new_uscc()
    server.command("enterprise", "create", uscc, "--name", f"管网试验{uscc[-5:]}", "--short-name", f"N{uscc[-6:]}")
    return uscc


def stored(server: Stack, sql: str, uscc: str) -> tuple[object, ...]:
    """Return the row of a question about one enterprise."""
    with transaction(Settings.from_env({**server.env, "PORTAL_LOG_LEVEL": "ERROR"}), CITY, worker=True) as session:
        return tuple(session.execute(text(sql), {"uscc": uscc}).one())


@pytest.mark.clause("6.2-d_3")
@pytest.mark.parametrize("name", DELIVERIES)
def test_a_delivery_comes_in_but_for_its_planted_defects(portal_server: Stack, tmp_path: Path, name: str) -> None:
    files, crs = DELIVERIES[name]
    uscc, report = new_enterprise(portal_server), tmp_path / "report.json"
    words: list[str | Path] = ["network", "import", *(SAMPLES / file for file in files), "--enterprise", uscc]
    portal_server.command(*words, *(("--crs", crs) if crs else ()), "--report", report)
    # Lines alone have no table of points from which a node could be missing.
    with_points = name in ("csv", "xlsx")
    planted = {each["管线编号"] for each in PLANTED["defects"] if with_points or each["kind"] != UNKNOWN_NODE}
    said = json.loads(report.read_text("utf-8"))
    assert {finding["object"] for finding in said["findings"]} == planted
    assert said["quarantined"] == len(planted)
    assert said["accepted"] == said["rows"] - len(planted)
    pipes, km, lowest, highest = stored(portal_server, SUMS, uscc)
    assert pipes == PLANTED["clean_pipes"] - len(planted)
    assert (lowest, highest) == (4490, 4490)
    whole = PLANTED["total_length_km_excluding_duplicate"]
    # Tables of points and lines give the chords of the routes; the drawn formats give the routes.
    assert (0.8 if with_points else 0.97) * whole < float(str(km)) <= 1.001 * whole


@pytest.fixture(scope="module")
def town(portal_server: Stack) -> str:
    """Import the real grid of a town; return the enterprise's credit code."""
    uscc = new_enterprise(portal_server)
    portal_server.command("network", "import", DATA / "schutterwald" / "schutterwald.gpkg", "--enterprise", uscc)
    return uscc


def test_the_grid_of_a_real_town_comes_in_as_one_network(portal_server: Stack, town: str) -> None:
    pipes, km, *srids = stored(portal_server, SUMS, town)
    assert (pipes, srids) == (2559, [4490, 4490])
    assert float(str(km)) == pytest.approx(101.1, rel=0.02)
    said = json.loads(portal_server.command("network", "check", "--enterprise", town, "--json").stdout)
    assert (said["pipes"], said["parts"], said["unfed"]) == (2559, 1, 0)


@pytest.fixture(scope="module")
def inspector(chromium: Browser, portal_server: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """Give the page of a regulator who has logged in for the first time."""
    watched = Watched(chromium, portal_server, tmp_path_factory.mktemp("inspector"))
    page = watched.page()
    login = f"n{secrets.token_hex(4)}"
    made = portal_server.command("user", "create", login, "--name", "李巡查", "--role", "city_regulator").stdout.split()
    page.goto("/login")
    page.fill("#login", login)
    page.fill("#password", made[1])
    page.click("form[action='/login'] button[type=submit]")
    chosen = f"Zq7!{secrets.token_urlsafe(12)}"
    for name, value in (("old", made[1]), ("new", chosen), ("again", chosen)):
        page.fill(f"#{name}", value)
    page.click("form[action='/account/password'] button")
    page.wait_for_url("**/account")
    yield page
    watched.close()
    assert not watched.verdict()


def test_refused_rows_can_be_read_and_downloaded(portal_server: Stack, inspector: Page, tmp_path: Path) -> None:
    uscc = new_enterprise(portal_server)
    files = [SAMPLES / name for name in DELIVERIES["csv"][0]]
    portal_server.command("network", "import", *files, "--enterprise", uscc, "--crs", "EPSG:4547")
    sql = (
        "select r.id from receipt r join enterprise e on e.id = r.enterprise_id "
        "where e.uscc = :uscc order by r.id desc limit 1"
    )
    (receipt,) = stored(portal_server, sql, uscc)
    inspector.goto(f"/intake/receipts/{receipt}")
    words = inspector.locator("main").inner_text()
    planted = [each["管线编号"] for each in PLANTED["defects"]]
    assert all(code in words for code in planted)
    with inspector.expect_download() as waiting:
        inspector.click("a[href$='/findings.csv']")
    target = tmp_path / "findings.csv"
    waiting.value.save_as(target)
    lines = target.read_text("utf-8-sig")
    assert all(code in lines for code in planted)


@pytest.mark.clause("6.2-e_1")
def test_the_town_is_drawn_on_the_map_from_our_own_tiles(inspector: Page, town: str) -> None:
    tiles: list[str] = []
    drawn = lambda answer: "/tiles/pipe/" in answer.url and answer.status == 200  # noqa: E731
    inspector.on("response", lambda answer: tiles.append(answer.url) if drawn(answer) else None)
    began = time.monotonic()
    inspector.goto("/map#z=14&c=7.88700,48.45600")
    inspector.locator("html[data-map-ready='1']").wait_for(timeout=2 * PATIENCE_MS, state="attached")
    print(f"map_ready_s={time.monotonic() - began:.1f}")  # noqa: T201  # a figure that the run shows
    assert tiles
    assert inspector.locator("canvas").count() >= 1
