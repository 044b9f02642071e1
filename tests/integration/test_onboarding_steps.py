"""Onboarding from the application to the live key, by the people and the program it takes."""

from __future__ import annotations

import gzip
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from pypdf import PdfReader
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from ingestion_adapters.client import Client
from ingestion_adapters.http.docs_page import SAMPLES
from portal.accounts.rights import Role
from portal.config import Settings
from portal.core.actor import CITY
from portal.core.db import transaction
from tests.factories import make_enterprise
from tests.people import browser_of, make_person

DISTRICT = "990101"
FORM: dict[str, Any] = {
    "adcode": DISTRICT,
    "licence_no": "X-1",
    "licence_expire_on": "2030-01-01",
    "contact_name": "李工",
    "contact_phone": "13800000000",
    "system_name": "SCADA 3",
    "datasets": ["DAY"],
    "doors": ["http"],
    "planned_on": "2027-01-01",
}


class Cast:
    """A pending enterprise and the people around its application."""

    def __init__(self, app: Flask, settings: Settings) -> None:
        self.app, self.settings = app, settings
        with transaction(settings, CITY, worker=True) as session:
            firm, other = make_enterprise(session, status=0), make_enterprise(session)
            self.enterprise_id = firm.id
            people = {
                "manager": make_person(session, app, Role.ENTERPRISE_MANAGER, enterprise_id=firm.id),
                "stranger": make_person(session, app, Role.ENTERPRISE_MANAGER, enterprise_id=other.id),
                "district": make_person(session, app, Role.DISTRICT_REGULATOR, adcodes=[DISTRICT]),
                "elsewhere": make_person(session, app, Role.DISTRICT_REGULATOR, adcodes=["990102"]),
                "city": make_person(session, app, Role.CITY_REGULATOR),
            }
            self.browsers = {name: browser_of(session, app, user) for name, user in people.items()}

    def __getitem__(self, name: str) -> FlaskClient:
        return self.browsers[name]

    def apply(self, by: str = "manager", **more: Any) -> Any:
        form = FORM | {"enterprise": self.enterprise_id} | more
        return self[by].post("/intake/onboarding", data=form, content_type="multipart/form-data")

    def step(self, by: str, number: int, step: str, reason: str = "符合要求") -> int:
        return self[by].post(f"/intake/onboarding/{number}/steps/{step}", data={"reason": reason}).status_code

    def state(self, number: int) -> str:
        with transaction(self.settings, CITY) as session:
            return str(session.scalar(text("select state from onboarding where id = :n"), {"n": number}))

    def key(self, number: int, folder: Path, *, sandbox: bool) -> Client:
        page = self["manager"].post(f"/intake/onboarding/{number}/key").get_data(as_text=True)
        shown = re.search(r"X-App-Id</dt><dd>([0-9a-f]+)</dd><dt>[^<]+</dt><dd>([\w-]+)</dd>", page)
        assert shown, page[:2000]
        return Client("http://localhost", shown[1], shown[2], folder / f"{shown[1]}.db", sandbox=sandbox)


@pytest.fixture
def cast(app: Flask, settings: Settings) -> Cast:
    """Give a pending enterprise and its people."""
    return Cast(app, settings)


def number_of(answer: Any) -> int:
    assert answer.status_code == 302, answer.get_data(as_text=True)[:3000]
    return int(answer.headers["Location"].rpartition("/")[2])


def send(app: Flask, signer: Client, body: bytes, batch: str, **more: str) -> Any:
    path = f"{signer.ingest}/DAY"
    headers = signer.headers("POST", path, body) | {"Content-Type": "application/json", "X-Batch-Id": batch}
    return app.test_client().post(path, data=body, headers=headers | {k.replace("_", "-"): v for k, v in more.items()})


def rows(*records: dict[str, Any]) -> bytes:
    return json.dumps({"records": records}).encode()


def try_every_case(app: Flask, signer: Client) -> None:
    good = rows(SAMPLES["DailySupply"])
    assert send(app, signer, gzip.compress(good), "g", Content_Encoding="gzip").json["accepted"] == 1
    send(app, signer, rows(SAMPLES["DailySupply"] | {"sold_m3": -1}), "b")
    path = f"{signer.ingest}/DAY"
    headers = signer.headers("POST", path, good) | {"Content-Type": "application/json", "X-Batch-Id": "r"}
    for _ in range(2):
        last = app.test_client().post(path, data=good, headers=headers)
    assert last.json["code"] == "E_REPLAY"
    wrong = signer.headers("POST", path, good) | {"X-Sign": "0" * 64}
    assert app.test_client().post(path, data=good, headers=wrong).json["code"] == "E_SIGN"


@pytest.mark.clause("7.2.4.1-b")
def test_from_the_application_to_the_first_live_push(cast: Cast, tmp_path: Path) -> None:
    paper = (io.BytesIO(b"%PDF-1.7 licence"), "许可证.pdf")
    number = number_of(cast.apply(paper_licence=paper))
    assert cast.step("district", number, "district_pass") == 302
    assert cast.step("city", number, "city_pass") == 302
    signer = cast.key(number, tmp_path, sandbox=True)
    assert cast.state(number) == "testing"
    assert cast.step("manager", number, "ask_live") == 422
    try_every_case(cast.app, signer)
    report = cast["manager"].get(f"/intake/onboarding/{number}/report").get_data(as_text=True)
    assert "E_SCHEMA" in report
    made = cast["manager"].get(f"/intake/onboarding/{number}/report.pdf")
    assert made.mimetype == "application/pdf" and made.data.startswith(b"%PDF") and len(made.data) > 10_000
    words = "".join(page.extract_text() for page in PdfReader(io.BytesIO(made.data)).pages)
    assert "测试报告" in words and "E_SCHEMA" in words
    assert cast.step("manager", number, "ask_live") == 302
    assert cast.step("manager", number, "live_pass") == 403
    assert cast.step("city", number, "live_pass") == 302
    live = cast.key(number, tmp_path, sandbox=False)
    assert send(cast.app, live, rows(SAMPLES["DailySupply"]), "1").json["accepted"] == 1
    assert cast["manager"].post(f"/intake/onboarding/{number}/key").status_code == 409
    with transaction(cast.settings, CITY) as session:
        status = session.scalar(text("select status from enterprise where id = :e"), {"e": cast.enterprise_id})
        acts = session.scalars(
            text("select action from audit_entry where enterprise_id = :e and action like 'onboarding.%' order by id"),
            {"e": cast.enterprise_id},
        ).all()
    assert status == 1
    steps = ("apply", "district_pass", "city_pass", "sandbox_key", "ask_live", "live_pass", "live_key")
    assert acts == [f"onboarding.{step}" for step in steps]


def test_a_refusal_needs_a_reason_and_the_enterprise_may_apply_again(cast: Cast) -> None:
    number = number_of(cast.apply())
    assert cast.step("district", number, "district_refuse", "") == 422
    assert cast.step("district", number, "district_refuse", "材料不全") == 302
    page = cast["manager"].get(f"/intake/onboarding/{number}").get_data(as_text=True)
    assert "材料不全" in page
    again = number_of(cast.apply())
    assert again != number
    assert cast.apply().status_code == 409


def test_only_the_right_people_see_and_move_an_application(cast: Cast) -> None:
    number = number_of(cast.apply())
    assert cast["stranger"].get(f"/intake/onboarding/{number}").status_code == 404
    assert cast["elsewhere"].get(f"/intake/onboarding/{number}").status_code == 404
    assert cast.step("elsewhere", number, "district_pass") == 404
    assert cast.step("city", number, "district_pass") == 403
    assert cast.step("manager", number, "district_pass") == 403
    assert cast.step("city", number, "city_pass") == 409
    assert cast.apply("stranger").status_code == 404


def test_a_clerk_who_entered_an_application_may_not_review_it(cast: Cast) -> None:
    number = number_of(cast.apply("city"))
    assert cast.step("district", number, "district_pass") == 302
    assert cast.step("city", number, "city_pass") == 403
    assert cast.state(number) == "district_passed"


def test_documents_are_kept_with_their_digest_and_read_as_downloads_only(cast: Cast) -> None:
    assert cast.apply(paper_licence=(io.BytesIO(b"<html>"), "x.pdf")).status_code == 422
    number = number_of(cast.apply(paper_licence=(io.BytesIO(b"%PDF-1.7 y"), "许可证.pdf")))
    page = cast["district"].get(f"/intake/onboarding/{number}").get_data(as_text=True)
    place = re.search(rf"/intake/onboarding/{number}/documents/\d+", page)
    assert place
    answer = cast["district"].get(place[0])
    assert (answer.data, answer.mimetype) == (b"%PDF-1.7 y", "application/octet-stream")
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert cast["stranger"].get(place[0]).status_code == 404


def test_a_refused_application_leaves_no_paper_on_the_disk(cast: Cast) -> None:
    number_of(cast.apply(paper_licence=(io.BytesIO(b"%PDF-1.7 one"), "许可证.pdf")))
    folder = Path(cast.settings.data_dir) / "onboarding"
    before = set(folder.iterdir())
    again = cast.apply(paper_licence=(io.BytesIO(b"%PDF-1.7 two"), "许可证.pdf"))
    assert again.status_code == 409
    assert set(folder.iterdir()) == before


def test_deadlines_are_working_days(cast: Cast) -> None:
    number = number_of(cast.apply())
    with transaction(cast.settings, CITY) as session:
        row = session.execute(text("select applied_at, due_at from onboarding where id = :n"), {"n": number}).one()
    assert 2 <= (row.due_at - row.applied_at).days <= 12


def test_steps_are_never_changed(cast: Cast) -> None:
    number_of(cast.apply())
    with pytest.raises(DBAPIError), transaction(cast.settings, CITY, worker=True) as session:
        session.execute(text("update onboarding_step set reason = 'x'"))
