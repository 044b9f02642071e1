"""The list of uploads and the findings of one: every page is reached, none is repeated."""

from __future__ import annotations

import html
import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from ingestion_adapters.files import jobs as jobs_of_files
from ingestion_adapters.models import ImportJob
from portal.config import Settings
from portal.core.actor import CITY
from portal.core.clock import utc_now
from portal.core.db import transaction
from portal.core.paging import PAGE_ROWS
from tests.factories import make_enterprise
from tests.people import browser_of, make_person

UPLOADS = PAGE_ROWS + 5
FINDINGS = 230


@pytest.fixture(scope="module")
def jobs(settings: Settings) -> list[int]:
    """Give the numbers of more uploads than a page holds; the last one has many findings."""
    with transaction(settings, CITY, worker=True) as session:
        firm = make_enterprise(session)
        rows = [{"file": "a.csv", "row": n, "object": f"GD{n}", "field": "x", "rule": "R1", "code": "E_RANGE",
                 "message": "", "message_zh": "超出范围", "message_en": "out of range"} for n in range(FINDINGS)]  # fmt: skip
        made = [
            ImportJob(enterprise_id=firm.id, files=["a.csv"], folder=f"uploads/{n}", state="done", dry_run=True)
            for n in range(UPLOADS)
        ]
        made[-1].result = {
            "rows": FINDINGS,
            "accepted": 0,
            "quarantined": FINDINGS,
            "crs": "EPSG:4490",
            "findings": rows,
        }
        session.add_all(made)
        session.flush()
        return [job.id for job in made]


@pytest.fixture
def browser(settings: Settings, app: Flask) -> FlaskClient:
    """Give the browser of a regulator."""
    with transaction(settings, CITY) as session:
        return browser_of(session, app, make_person(session, app))


def onward(words: str, rel: str) -> str | None:
    """Return the address of the page after or before."""
    found = re.search(rf'href="([^"]+)" rel="{rel}"', words)
    return html.unescape(found.group(1)) if found else None


def test_every_upload_is_on_one_page_of_the_list(browser: FlaskClient, jobs: list[int]) -> None:
    seen: list[int] = []
    address: str | None = "/intake/imports"
    while address:
        words = browser.get(address).get_data(as_text=True)
        seen += [int(each) for each in re.findall(r'<a href="/intake/imports/(\d+)">', words)]
        last, address = address, onward(words, "next")
    assert len(seen) == len(set(seen))
    assert set(jobs) <= set(seen)
    back = onward(browser.get(last).get_data(as_text=True), "prev")
    assert back
    assert browser.get(back).status_code == 200


def test_every_finding_is_on_one_page_of_its_upload(browser: FlaskClient, jobs: list[int]) -> None:
    seen: list[str] = []
    address: str | None = f"/intake/imports/{jobs[-1]}"
    while address:
        words = browser.get(address).get_data(as_text=True)
        seen += re.findall(r">(GD\d+)<", words)
        address = onward(words, "next")
    assert seen == [f"GD{n}" for n in range(FINDINGS)]


@pytest.mark.parametrize(
    "query", ["findings=99999", "findings=-3", "findings=x", "after=1_2_3", "after=９_1", "before=9" * 9]
)
def test_nonsense_in_an_address_still_shows_a_page(browser: FlaskClient, jobs: list[int], query: str) -> None:
    assert browser.get(f"/intake/imports/{jobs[-1]}?{query}").status_code == 200
    assert browser.get(f"/intake/imports?{query}").status_code == 200


def test_a_delivery_that_breaks_the_intake_holds_up_no_other(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, app: Flask
) -> None:
    with transaction(settings, CITY, worker=True) as session:
        firm, person = make_enterprise(session), make_person(session, app)
        given = {"enterprise_id": firm.id, "user_id": person.id, "dataset": "DAY", "state": "waiting", "dry_run": True}
        broken = ImportJob(files=["gone.csv"], folder="uploads/gone", **given)
        sound = ImportJob(files=["day.csv"], folder="uploads/sound", **given)
        session.add_all([broken, sound])
        session.flush()
        numbers = (broken.id, sound.id)
    folder = settings.data_dir / "uploads" / "sound"
    folder.mkdir(parents=True)
    (folder / "day.csv").write_text("gas_day,purchased_m3,sold_m3\n2026-11-01,2,1\n", encoding="utf-8")
    monkeypatch.setattr(jobs_of_files.Settings, "from_env", lambda: settings)
    with transaction(settings, CITY, worker=True) as session:
        jobs_of_files.import_waiting(session, utc_now())
    with transaction(settings, CITY) as session:
        found = [session.get_one(ImportJob, number) for number in numbers]
        assert [(each.state, each.note) for each in found] == [("failed", "unexpected"), ("done", None)]
