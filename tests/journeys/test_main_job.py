"""The main job on the real server: from an enterprise's push over alarm and case to the inspector's PDF."""

from __future__ import annotations

import csv
import io
import os
import re
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page
from pypdf import PdfReader
from sqlalchemy import text

from ingestion_adapters.client import Client
from portal.accounts.rules import USCC_ALPHABET, USCC_WEIGHTS
from portal.config import Settings
from portal.core.actor import CITY
from portal.core.db import transaction
from portal.operation.telemetry.rollup import roll_up
from tests.journeys.conftest import Watched
from tests.journeys.looks import picture
from tests.journeys.stack import ROOT, Stack

pytestmark = pytest.mark.timeout(480)
SERIES = ROOT / "tests" / "data" / "opengrid" / "gas_weather_hourly.csv"
HOURS = 200
# The series is heat power in W; natural gas carries about 10 kWh/m³.
W_PER_M3_PER_H = 10_000
STATION, POINT = "CZ-01", "CZ-01.FT101"
PLACE = {"lon": 112.51, "lat": 32.01}
SEEN_WITHIN_S = 2.0


@dataclass
class Story:
    """What the steps hand on to each other."""

    server: Stack
    settings: Settings
    folder: Path
    uscc: str
    short_name: str
    login: str = ""
    password: str = ""
    program: Any = None
    case_id: int = 0
    alarm_id: int = 0
    report_id: int = 0
    pdf: Path = Path()
    values: list[tuple[datetime, float]] = field(default_factory=list)

    def ask(self, sql: str, **facts: Any) -> list[Any]:
        """Return the rows of a question to the database, over the whole city."""
        with transaction(self.settings, CITY, worker=True) as session:
            number = session.scalar(text("select id from enterprise where uscc = :uscc"), {"uscc": self.uscc})
            return list(session.execute(text(sql), {"e": number, **facts}).all())


def new_uscc() -> str:
    """Return a credit code with its check character."""
    body = "91990100MA" + "".join(secrets.choice("0123456789ABCDEFGH") for _ in range(7))
    total = sum(weight * USCC_ALPHABET.index(sign) for weight, sign in zip(USCC_WEIGHTS, body, strict=True))
    return body + USCC_ALPHABET[-total % 31]


@pytest.fixture(scope="module")
def story(portal_server: Stack, tmp_path_factory: pytest.TempPathFactory) -> Story:
    """Give the story that the tests of this file tell in their order."""
    settings = Settings.from_env({**portal_server.env, "PORTAL_LOG_LEVEL": "ERROR"})
    uscc = new_uscc()
    return Story(portal_server, settings, tmp_path_factory.mktemp("story"), uscc, f"J{uscc[-6:]}")


@pytest.fixture(scope="module")
def regulator(chromium: Browser, portal_server: Stack, story: Story) -> Iterator[Page]:
    """Give the regulator's page, kept over the steps; nothing foreign and nothing wrong may happen in it."""
    watched = Watched(chromium, portal_server, story.folder)
    yield watched.page()
    watched.close()
    assert not watched.verdict()


def gas_by_hour(now: datetime) -> list[tuple[datetime, float]]:
    """Return the last hours of the real series in m³/h, moved so that its newest hour is the last full one."""
    with SERIES.open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))[-HOURS:]
    last = now.replace(minute=0, second=0, microsecond=0)
    flows = [sum(float(row[name]) for name in ("gas_313b", "gas_d5a7", "gas_ba14")) / W_PER_M3_PER_H for row in rows]
    return [(last - timedelta(hours=HOURS - 1 - place), round(flow, 4)) for place, flow in enumerate(flows)]


def network_of(highest: float) -> list[dict[str, Any]]:
    """Return a gate station with one flow meter whose limits lie above a series."""
    return [
        {"type": "NOD", "src_code": "J-01", **PLACE},
        {"type": "STA", "src_code": STATION, "name": "城东门站", "kind": 2, "node": "J-01", **PLACE},
        {
            "type": "PNT", "src_code": POINT, "name": "出站流量", "object_code": STATION, "measure": 2, "unit": "m³/h",
            "period_s": 3600, "range_low": 0.0, "range_high": round(highest * 4, 3), "high": round(highest * 2, 3),
            "high_high": round(highest * 3, 3), **PLACE,
        },
    ]  # fmt: skip


def test_an_enterprise_and_a_regulator_are_registered_by_command(story: Story) -> None:
    made = story.server.command(
        "enterprise", "create", story.uscc, "--name", "旅程试验燃气有限公司", "--short-name", story.short_name
    )
    app_id, key = made.stdout.split()
    story.program = Client(story.server.url, app_id, key, story.folder / "queue.db")
    login = f"j{secrets.token_hex(4)}"
    made = story.server.command("user", "create", login, "--name", "王监管", "--role", "city_regulator")
    story.login, story.password = made.stdout.split()
    assert story.login == login


@pytest.mark.clause("5.1-5e_1")
def test_the_regulator_logs_in_and_must_choose_a_password(story: Story, regulator: Page) -> None:
    regulator.goto("/map")
    assert "/login" in regulator.url
    sign_in(regulator, story)
    assert regulator.url.endswith("/account/password")
    chosen = f"Yx9!{secrets.token_urlsafe(12)}"
    for name, value in (("old", story.password), ("new", chosen), ("again", chosen)):
        regulator.fill(f"#{name}", value)
    regulator.click("form[action='/account/password'] button")
    regulator.wait_for_url("**/account")
    story.password = chosen
    regulator.goto("/")
    assert regulator.locator("h1").count() == 1


def sign_in(page: Page, story: Story) -> None:
    """Fill and send the login form."""
    page.fill("#login", story.login)
    page.fill("#password", story.password)
    page.click("form[action='/login'] button[type=submit]")
    page.wait_for_url(lambda url: "/login" not in url)


@pytest.mark.clause("6.2-b_1")
def test_the_enterprise_pushes_its_station_and_its_real_hours(story: Story) -> None:
    now = datetime.now(UTC)
    story.values = gas_by_hour(now)
    story.program.push("NET", network_of(max(value for _, value in story.values)))
    rows = [{"point": POINT, "t": at.isoformat(), "v": value, "f": "B"} for at, value in story.values]
    story.program.push("RT", rows)
    network, readings = story.program.flush()
    assert (network.status, network.body["accepted"]) == (200, 3), network.body
    assert (readings.status, readings.body["accepted"], readings.body["rejected"]) == (200, HOURS, 0), readings.body
    stored = story.ask(
        "select round(sum(r.value)::numeric, 3), count(*) from reading r "
        "join point p on p.id = r.point_id where p.enterprise_id = :e"
    )
    assert float(stored[0][0]) == pytest.approx(sum(value for _, value in story.values), abs=0.01)
    assert stored[0][1] == HOURS
    assert story.ask("select count(*) from alarm where enterprise_id = :e")[0][0] == 0


@pytest.mark.clause("5.1-4b_1")
def test_a_value_over_the_limit_reaches_the_open_page_without_a_reload(story: Story, regulator: Page) -> None:
    with regulator.expect_response("**/live*"):
        regulator.goto("/operation/alarms")
    regulator.evaluate("document.documentElement.dataset.sameDocument = '1'")
    over = round(max(value for _, value in story.values) * 3.5, 3)
    story.program.push("RT", [{"point": POINT, "t": datetime.now(UTC).isoformat(), "v": over}])
    began = time.monotonic()
    answer = story.program.flush()[0]
    assert (answer.status, answer.body["accepted"]) == (200, 1), answer.body
    row = regulator.locator("#alarm-rows tr", has_text=STATION)
    row.first.wait_for()
    took = time.monotonic() - began
    print(f"push_to_open_page_s={took:.3f}")  # noqa: T201  # a figure that the run shows
    assert regulator.locator("html").get_attribute("data-same-document") == "1"
    assert row.count() == 1
    # Two seconds hold on a machine of its own; where others compute as well, waiting for a core is not ours.
    assert took < SEEN_WITHIN_S * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


def test_the_same_push_again_raises_nothing_twice(story: Story) -> None:
    over = round(max(value for _, value in story.values) * 3.6, 3)
    story.program.push("RT", [{"point": POINT, "t": datetime.now(UTC).isoformat(), "v": over}])
    assert story.program.flush()[0].status == 200
    found = story.ask("select alarm_id, level, case_id from alarm_now where enterprise_id = :e")
    assert len(found) == 1
    story.alarm_id, level, story.case_id = found[0]
    assert level == 1
    assert story.case_id


def test_the_alarm_is_acknowledged_with_a_note(story: Story, regulator: Page) -> None:
    regulator.locator("#alarm-rows").get_by_role("link", name=STATION, exact=True).click()
    regulator.wait_for_url(f"**/operation/alarms/{story.alarm_id}")
    regulator.fill("#ack-note", "已电话核实，值班人员到场")
    regulator.click("form[action$='/acknowledge'] button")
    regulator.locator("#ack-note").wait_for(state="detached")
    assert "已电话核实" in regulator.locator("#alarm-live").inner_text()


@pytest.mark.clause("5.1-4b_2")
def test_the_case_is_accepted_and_dispatched(story: Story, regulator: Page) -> None:
    regulator.click(f"a[href='/events/cases/{story.case_id}']")
    regulator.wait_for_url(f"**/events/cases/{story.case_id}")
    step(regulator, "accept")
    step(regulator, "dispatch", "note", "两小时内查明出站流量突增原因并回复")


def step(page: Page, action: str, name: str = "note", words: str = "") -> None:
    """Take one step of a case on its page and wait until the page shows the next state."""
    form = page.locator(f"form[action$='/{action}']")
    if words:
        page.fill(f"#{action}-{name}", words)
    form.locator("button").click()
    form.wait_for(state="detached")


def test_the_enterprise_reads_the_order_and_replies(story: Story) -> None:
    orders = story.program.get("/api/v1/orders")
    mine = [order for order in orders.body["orders"] if order["id"] == story.case_id]
    assert len(mine) == 1
    assert mine[0]["instruction"] == "两小时内查明出站流量突增原因并回复"
    path = f"/api/v1/orders/{story.case_id}/replies"
    assert story.program.post(path, {"text": "流量计接头松动，已更换并复测正常"}).status == 201
    assert story.program.post(path, {"text": "again"}).status == 409


def test_the_case_is_verified_and_closed(story: Story, regulator: Page) -> None:
    regulator.reload()
    assert "流量计接头松动" in regulator.locator("main").inner_text()
    step(regulator, "verify", "note", "现场照片与复测曲线一致")
    step(regulator, "close", "finding", "设备缺陷，已消除")
    assert story.ask("select state from supervision_case where id = :c", c=story.case_id)[0][0] == 70
    assert "设备缺陷，已消除" in regulator.locator("main").inner_text()


@pytest.mark.clause("5.1-5e_3")
def test_each_step_is_in_the_audit_by_name(story: Story) -> None:
    rows = story.ask(
        "select action, actor_kind, actor_name from audit_entry where (object_type = 'case' and object_id = :c) "
        "or (object_type = 'alarm' and object_id = :a) order by id",
        c=str(story.case_id),
        a=str(story.alarm_id),
    )
    acts = [row.action for row in rows]
    by_user = ["alarm.acknowledge", "case.accept", "case.dispatch", "case.verify", "case.close"]
    wanted = ["case.open", *by_user[:3], "case.reply", *by_user[3:]]
    assert [act for act in acts if act in wanted] == wanted
    kinds = {row.action: row.actor_kind for row in rows}
    assert {kinds[act] for act in by_user} == {"user"}
    assert kinds["case.reply"] == "program"
    verdict = story.server.command("audit", "verify")
    assert verdict.returncode == 0
    assert story.server.command("alarms", "verify").returncode == 0


def test_the_evaluation_is_made_and_downloaded_on_the_page(story: Story, regulator: Page) -> None:
    ahead = datetime.now(UTC) + timedelta(minutes=2)
    with transaction(story.settings, CITY, worker=True) as session:
        while not roll_up(session, ahead).startswith("0 "):
            pass
    regulator.goto("/reports")
    number = story.ask("select id from enterprise where uscc = :u", u=story.uscc)[0][0]
    regulator.select_option("#m-enterprise", str(number))
    began = time.monotonic()
    regulator.click("form[action='/reports'][method=post] button")
    regulator.wait_for_url(re.compile(r"/reports/\d+$"))
    print(f"report_made_s={time.monotonic() - began:.2f}")  # noqa: T201  # a figure that the run shows
    story.report_id = int(regulator.url.rsplit("/", 1)[1])
    with regulator.expect_download() as waiting:
        regulator.click(f"a[href='/reports/{story.report_id}.pdf']")
    story.pdf = story.folder / "evaluation.pdf"
    waiting.value.save_as(story.pdf)
    assert story.pdf.read_bytes().startswith(b"%PDF-")


@pytest.mark.clause("10.2-8d")
def test_the_figures_in_the_file_are_those_of_the_database(story: Story) -> None:
    reader = PdfReader(io.BytesIO(story.pdf.read_bytes()))
    words = "\n".join(page.extract_text() for page in reader.pages)
    assert "旅程试验燃气有限公司" in words
    assert len(reader.pages) >= 4
    (begin, until), = story.ask(
        "select (snapshot->'period'->>'begin')::timestamptz, (snapshot->'period'->>'until')::timestamptz "
        "from report where id = :r",
        r=story.report_id,
    )
    (counted,), = story.ask(
        "select count(*) from reading r join point p on p.id = r.point_id "
        "where p.enterprise_id = :e and r.ts >= :b and r.ts < :u",
        b=begin,
        u=until,
    )
    assert counted > 0
    found = re.search(r"D2\s+\D*?([\d,]+)\s+([\d,]+)\s+[\d.]+\s*%", words)
    assert found, words
    assert int(found.group(2).replace(",", "")) == counted


@pytest.mark.clause("10.2-7c")
def test_a_true_file_is_told_from_a_changed_one(story: Story, regulator: Page) -> None:
    good = story.pdf.read_bytes()
    changed = story.folder / "changed.pdf"
    place = len(good) // 2
    changed.write_bytes(good[:place] + bytes([good[place] ^ 1]) + good[place + 1 :])
    assert story.server.command("report", "verify", story.pdf).returncode == 0
    refused = story.server.command("report", "verify", changed, must=False)
    assert refused.returncode == 1
    assert "CHANGED" in refused.stderr
    for file, tone in ((story.pdf, "ok"), (changed, "bad")):
        regulator.goto("/reports/verify")
        regulator.set_input_files("#file", file)
        regulator.click("form[action='/reports/verify'] button")
        regulator.locator(f"section .notice-{tone}").wait_for()


@pytest.mark.clause("5.1-4d_1")
def test_pages_are_sound_in_both_themes_and_on_a_phone(story: Story, regulator: Page) -> None:
    pages = {
        "home": "/",
        "alarms": "/operation/alarms?view=all",
        "alarm": f"/operation/alarms/{story.alarm_id}",
        "case": f"/events/cases/{story.case_id}",
        "reports": "/reports",
        "report": f"/reports/{story.report_id}",
    }
    wrong = [each for name, address in pages.items() for each in picture(regulator, address, name, story.folder)]
    assert not wrong


def test_the_login_page_is_sound(watched: Watched, story: Story) -> None:
    assert not picture(watched.page(), "/login", "login", story.folder)
