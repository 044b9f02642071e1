"""Agreements on evaluations: written by one side, confirmed by the other, and what evaluations make of them; photos."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image
from pypdf import PdfReader
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from portal.accounts.rights import Role
from portal.config import Settings
from portal.core.actor import cli_actor
from reports.builders.evaluation import collect
from reports.findings import FindingForm, new_finding, record_finding
from reports.services import Order, make_report
from tests.agreement_form import form
from tests.factories import make_enterprise
from tests.integration.test_reports import MONTH, NOW, city, squeezed
from tests.people import browser_of, make_person

Committed = Callable[..., Any]


@pytest.fixture
def parties(app: Flask, committed: Committed) -> tuple[int, FlaskClient, FlaskClient]:
    """Give an enterprise, the browser of the city and that of the enterprise."""

    def make(session: Session) -> tuple[int, FlaskClient, FlaskClient]:
        own = make_enterprise(session).id
        person = make_person(session, app, Role.ENTERPRISE_MANAGER, enterprise_id=own)
        return own, browser_of(session, app, make_person(session, app)), browser_of(session, app, person)

    found: tuple[int, FlaskClient, FlaskClient] = committed(make)
    return found


def version(session: Session, enterprise_id: int) -> int:
    return int(
        session.scalar(text("select max(id) from evaluation_agreement where enterprise_id = :e"), {"e": enterprise_id})
    )


@pytest.mark.clause("10.2-6b")
def test_an_agreement_holds_when_both_sides_confirmed_it(
    parties: tuple[int, FlaskClient, FlaskClient], committed: Committed
) -> None:
    number, officer, firm = parties
    page = f"/evaluation/agreements/{number}"
    assert "统一指标" in officer.get(page).text
    terms = form(weight_D1="15.56", weight_S5="5.56", month="2026-10", grade_A="92")
    assert officer.post(page, data=terms | {"weight_D1": "99"}).status_code == 422
    assert officer.post(page, data=terms).status_code == 303
    first = committed(lambda session: version(session, number))
    assert officer.post(f"/evaluation/agreements/versions/{first}/confirm").status_code == 409
    before = committed(lambda session: collect(session, number, MONTH, now=NOW).snapshot())
    assert (before["agreement"], before["grades"]["A"]) == (None, 90)
    assert "待企业确认" in firm.get("/evaluation/agreements").text
    assert firm.post(f"/evaluation/agreements/versions/{first}/confirm").status_code == 303
    after = committed(lambda session: collect(session, number, MONTH, now=NOW).snapshot())
    weight = next(each for each in after["indicators"] if each["id"] == "D1")
    assert (weight["weight"], weight["source"], after["grades"]["A"]) == (15.56, "agreement", 92)
    assert [each["party"] for each in after["agreement"]["confirmed"]] == ["city", "enterprise"]
    earlier = committed(lambda session: collect(session, number, date(2026, 9, 1), now=NOW).snapshot())
    assert earlier["agreement"] is None
    assert firm.post(page, data=terms | {"weight_D1": "6.56", "weight_S5": "14.56"}).status_code == 303
    assert firm.post(f"/evaluation/agreements/versions/{first}/confirm").status_code == 409
    still = committed(lambda session: collect(session, number, MONTH, now=NOW).snapshot())
    assert still["agreement"]["version"] == 1
    text_of = firm.get(page).text
    assert "V2" in text_of and "未确认" in text_of and "双方已确认" not in text_of


def test_nobody_else_settles_and_nothing_is_changed_afterwards(
    parties: tuple[int, FlaskClient, FlaskClient], app: Flask, committed: Committed
) -> None:
    number, officer, _ = parties
    other = committed(lambda session: make_enterprise(session).id)
    stranger = committed(
        lambda session: browser_of(
            session, app, make_person(session, app, Role.ENTERPRISE_MANAGER, enterprise_id=other)
        )
    )
    page = f"/evaluation/agreements/{number}"
    assert officer.post(page, data=form(month="2026-10")).status_code == 303
    own = committed(lambda session: version(session, number))
    assert stranger.get(page).status_code == 404
    assert stranger.post(page, data=form(month="2026-10")).status_code == 404
    assert stranger.post(f"/evaluation/agreements/versions/{own}/confirm").status_code == 404
    assert officer.post("/evaluation/agreements/99999999999", data=form(month="2026-10")).status_code == 404
    with pytest.raises(DBAPIError):
        committed(lambda session: session.execute(text("update evaluation_agreement set note = 'x'")))
    with pytest.raises(DBAPIError):
        committed(lambda session: session.execute(text("delete from evaluation_consent")))


def photo() -> bytes:
    """Return a JPEG with a position in it, as a phone makes one."""
    picture, made = Image.effect_mandelbrot((640, 480), (-2, -1, 1, 1), 60).convert("RGB"), io.BytesIO()
    facts = Image.Exif()
    facts[0x010F] = "SECRETPHONE"
    picture.save(made, "JPEG", exif=facts)
    return made.getvalue()


@pytest.mark.clause("10.2-8e")
def test_the_report_shows_the_photos_without_what_the_camera_adds(db: Session, settings: Settings) -> None:
    enterprise_id, _ = city(db)
    given = {
        "method": "site", "verdict": "defect", "subject": "调压箱锈蚀", "result": "箱体锈穿", "found_by": "王工",
        "found_at": "2026-10-20T10:00", "place": "东湖路", "indicator": "",
    }  # fmt: skip
    for name, content in (("a.jpg", photo()), ("b.jpg", b"\xff\xd8\xffnothing"), ("c.pdf", b"%PDF-1.4 x")):
        record_finding(
            db, FindingForm.parse(given, NOW), before=new_finding(enterprise_id, MONTH), evidence=(name, content),
            actor=cli_actor(), now=NOW,
        )  # fmt: skip
    order = Order("evaluation", enterprise_id, MONTH)
    made = make_report(db, order, settings=settings, actor=cli_actor(), now=NOW)
    pages = PdfReader(io.BytesIO(made.pdf)).pages
    shown = [page for page in pages if "现场照片" in squeezed(page.extract_text())]
    assert len(shown) == 1 and [len(page.images) for page in shown] == [1]
    assert b"SECRETPHONE" not in made.pdf and b"SECRETPHONE" in photo()
