"""A program that stops is one line and one alarm, with no page open; its return ends both."""

from __future__ import annotations

import secrets
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page
from sqlalchemy import text

from ingestion_adapters.client import Client
from portal.config import Settings
from portal.core.actor import CITY
from portal.core.db import transaction
from tests.journeys.people import enter
from tests.journeys.stack import Stack
from tests.journeys.test_main_job import new_uscc

pytestmark = pytest.mark.timeout(480)
POINTS = 12
PLACE = {"lon": 112.51, "lat": 32.01}
NOTICED_WITHIN_S = 150


def ask(settings: Settings, sql: str, **facts: Any) -> list[Any]:
    """Return rows over the whole city."""
    with transaction(settings, CITY, worker=True) as session:
        return list(session.execute(text(sql), facts))


def deliver(program: Client, dataset: str, records: list[dict[str, Any]]) -> None:
    """Send records and see that they are taken."""
    program.push(dataset, records)
    answers = program.flush()
    assert [answer.status for answer in answers] == [200], answers


def send(program: Client, codes: list[str]) -> None:
    """Send one reading of every point."""
    now = datetime.now(UTC).isoformat()
    deliver(program, "RT", [{"point": code, "t": now, "v": 2.5} for code in codes])


@pytest.mark.clause("7.2.3.1-t_1")
def test_a_stopped_program_is_one_line_and_one_alarm(portal_server: Stack, page: Page, tmp_path: Path) -> None:
    settings = Settings.from_env({**portal_server.env, "PORTAL_LOG_LEVEL": "ERROR"})
    uscc = new_uscc()
    made = portal_server.command("enterprise", "create", uscc, "--name", "中断试验燃气有限公司", "--short-name", f"Z{uscc[-6:]}")
    program = Client(portal_server.url, *made.stdout.split(), tmp_path / "queue.db")
    codes = [f"ZD-{n:02}" for n in range(POINTS)]
    ask(settings, "update parameter set value = 20 where key in ('outage.link_s', 'outage.point_least_s') returning key")
    deliver(
        program,
        "NET",
        [
            {"type": "STA", "src_code": "ZD", "kind": 3, **PLACE},
            *(
                {"type": "PNT", "src_code": code, "object_code": "ZD", "measure": 1, "unit": "kPa", "period_s": 5, **PLACE}
                for code in codes
            ),
        ],
    )
    send(program, codes)

    found = wait_for(settings, uscc, "ended_at is null and alarm_id is not null")
    assert [(row.level, row.points) for row in found] == [(4, POINTS)]
    alarms = "select count(*) from alarm a join enterprise e on e.id = a.enterprise_id where e.uscc = :u and a.kind in (20, 21)"
    assert ask(settings, alarms, u=uscc)[0][0] == 1
    enter(portal_server, page, "city_regulator", f"监管{secrets.token_hex(2)}")
    page.goto("/operation/outages")
    assert page.locator("#outage-rows table").first.locator("tbody tr", has_text=found[0].subject).count() == 1
    page.goto("/")
    assert page.locator("#home-outages li", has_text=found[0].subject).count() == 1

    for _ in range(3):
        send(program, codes)
        time.sleep(4)
    back = wait_for(settings, uscc, "outcome = 'recovered'")
    assert len(back) >= 1
    assert ask(settings, alarms, u=uscc)[0][0] >= 1


def wait_for(settings: Settings, uscc: str, condition: str) -> list[Any]:
    """Return the outages of an enterprise that fit a condition, as soon as there is one."""
    deadline = time.monotonic() + NOTICED_WITHIN_S
    while True:
        found = ask(
            settings,
            f"select o.* from outage o join enterprise e on e.id = o.enterprise_id where e.uscc = :u and {condition} order by o.id",
            u=uscc,
        )
        if found or time.monotonic() > deadline:
            return found
        time.sleep(2)
