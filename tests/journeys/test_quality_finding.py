"""A quality finding to its closing: bad readings come, a rule finds them, the enterprise answers and sends better ones."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page
from sqlalchemy import text

from ingestion_adapters.client import Client
from ingestion_adapters.quality.engine import score_quality
from portal.config import Settings
from portal.core.actor import CITY
from portal.core.clock import day_bounds, local, utc_now
from portal.core.db import transaction
from portal.operation.telemetry.rollup import roll_up
from tests.journeys.conftest import Watched
from tests.journeys.looks import picture
from tests.journeys.people import enter
from tests.journeys.stack import Stack
from tests.journeys.test_main_job import PLACE, new_uscc

pytestmark = pytest.mark.timeout(480)
POINT, PERIOD_S = "QZ-01.PT101", 900
JOBS_WITHIN_S = 200
DAY = local(utc_now()).date() - timedelta(days=1)


class Sender:
    """An enterprise with one gauge, its program, and the jobs that follow its data."""

    def __init__(self, server: Stack, folder: Path) -> None:
        """Register the enterprise and send its gauge."""
        self.settings = Settings.from_env({**server.env, "PORTAL_LOG_LEVEL": "ERROR"})
        uscc = new_uscc()
        self.name = f"Q{uscc[-6:]}"
        made = server.command("enterprise", "create", uscc, "--name", f"质量试验{uscc[-5:]}", "--short-name", self.name)
        app_id, key = made.stdout.split()
        self.program = Client(server.url, app_id, key, folder / "queue.db")
        gauge = {"type": "PNT", "src_code": POINT, "name": "出站压力", "object_code": "QZ-01", "measure": 1, "unit": "kPa"}
        more = {"period_s": PERIOD_S, "range_low": 0.0, "range_high": 10.0, **PLACE}
        station = {"type": "STA", "src_code": "QZ-01", "name": "城西门站", "kind": 2, "node": "Q-01", **PLACE}
        self.send("NET", [{"type": "NOD", "src_code": "Q-01", **PLACE}, station, gauge | more])

    def send(self, dataset: str, records: list[dict[str, Any]]) -> None:
        """Push records that must all be taken."""
        self.program.push(dataset, records)
        for answer in self.program.flush():
            assert (answer.status, answer.body.get("rejected")) == (200, 0), answer.body

    def day(self, quality: int, flag: str, until: str) -> None:
        """Send yesterday's readings, of one quality, and help the jobs until the finding has a state."""
        begin = day_bounds(DAY)[0]
        rows = []
        for n in range(86_400 // PERIOD_S):
            at: datetime = begin + timedelta(seconds=n * PERIOD_S)
            rows.append({"point": POINT, "t": at.isoformat(), "v": 2.4 + (n * 37 % 41) / 400, "q": quality, "f": flag})
        self.send("RT", rows)
        end = time.monotonic() + JOBS_WITHIN_S
        while self.state() != until and time.monotonic() < end:
            # The portal's own scheduler runs them too; whichever comes first does the work.
            for job in (roll_up, score_quality):
                with transaction(self.settings, CITY, worker=True) as session:
                    job(session, utc_now() + timedelta(minutes=1))
            time.sleep(0.5)

    def state(self) -> str:
        """Return the state of the newest finding on bad readings."""
        asked = text(
            "select f.state from quality_finding f join enterprise e on e.id = f.enterprise_id"
            " where e.short_name = :name and f.rule_code = 'RT-VALID' order by f.id desc limit 1"
        )
        with transaction(self.settings, CITY, worker=True) as session:
            return session.scalar(asked, {"name": self.name}) or ""

    def number(self) -> int:
        """Return the enterprise's number, by which lists are narrowed."""
        with transaction(self.settings, CITY, worker=True) as session:
            asked = text("select id from enterprise where short_name = :name")
            return int(session.execute(asked, {"name": self.name}).scalar_one())


@pytest.fixture(scope="module")
def sender(portal_server: Stack, tmp_path_factory: pytest.TempPathFactory) -> Sender:
    """Give the enterprise of this story."""
    return Sender(portal_server, tmp_path_factory.mktemp("quality"))


@pytest.fixture(scope="module")
def officer(chromium: Browser, portal_server: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """Give the page of a regulator, kept over the steps."""
    watched = Watched(chromium, portal_server, tmp_path_factory.mktemp("officer"))
    page = watched.page()
    enter(portal_server, page, "city_regulator", "周质量")
    yield page
    watched.close()
    assert not watched.verdict()


@pytest.mark.clause("9.2.2.4")
def test_bad_readings_lead_from_the_score_to_the_finding_in_two_clicks(officer: Page, sender: Sender) -> None:
    sender.day(quality=0, flag="B", until="open")
    assert sender.state() == "open"
    officer.goto(f"/intake/quality?day={DAY}")
    row = officer.locator("tr", has=officer.get_by_role("link", name=sender.name, exact=True))
    row.locator("td[data-l='准确性'] a").click()
    failing = officer.locator("tr", has_text=POINT).first
    failing.wait_for()
    failing.get_by_role("link", name="查看").click()
    officer.locator("#finding-rows tr", has_text=POINT).locator("td.lead a").click()
    officer.locator("#finding .tag", has_text="待整改").wait_for()
    assert "不可人工关闭" in officer.locator("main").inner_text()


def test_the_program_reads_the_task_and_answers_but_the_finding_stays(officer: Page, sender: Sender) -> None:
    found = sender.program.get("/api/v1/quality/findings").body["findings"]
    task = next(each for each in found if each["rule"] == "RT-VALID")
    answer = sender.program.post(f"/api/v1/quality/findings/{task['id']}/replies", {"text": "变送器接线松动，已紧固并重传"})
    assert answer.status == 201
    officer.locator("#finding .tag", has_text="已答复待验证").wait_for()
    assert sender.state() == "answered"


@pytest.mark.clause("7.2.3.1-t_2")
def test_better_readings_of_the_same_day_close_it_before_the_officers_eyes(officer: Page, sender: Sender) -> None:
    sender.day(quality=192, flag="R", until="closed")
    assert sender.state() == "closed"
    officer.locator("#finding .tag", has_text="新数据验证关闭").wait_for()
    officer.goto(f"/intake/quality?day={DAY}")
    row = officer.locator("tr", has=officer.get_by_role("link", name=sender.name, exact=True))
    assert row.locator("td[data-l='准确性']").inner_text().strip() == "100.0"


def test_arrow_keys_move_through_the_hours_of_the_monitor(officer: Page, sender: Sender) -> None:
    officer.goto(f"/intake?enterprise={sender.number()}")
    lead = officer.locator("[data-grid] tbody tr", has_text=sender.name).filter(has_text="RT").locator("th a")
    lead.focus()
    officer.keyboard.press("ArrowRight")
    cell = officer.locator("a.heat:focus")
    assert cell.count() == 1 and sender.name in (cell.get_attribute("aria-label") or "")
    officer.keyboard.press("Enter")
    officer.wait_for_url("**/intake/receipts?*hour=*")
    assert officer.locator("tbody tr").count() >= 1


@pytest.mark.parametrize("name", ["intake", "intake/quality", "intake/quality/findings", "intake/quality/rules", "intake/reconciliation"])
def test_the_pages_are_sound_in_both_themes_and_on_a_phone(officer: Page, sender: Sender, name: str, tmp_path: Path) -> None:
    assert not picture(officer, f"/{name}", name.replace("/", "-"), tmp_path)
