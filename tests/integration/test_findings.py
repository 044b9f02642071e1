"""On-site findings: entered with source marks, kept in versions, in the snapshot and in part five of the report."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from pypdf import PdfReader
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from portal.accounts.rights import Role
from portal.config import Settings
from portal.core.actor import cli_actor
from portal.core.crypto import sm3_hex
from portal.core.errors import Invalid
from reports.builders.evaluation import collect, snapshot_digest
from reports.findings import FindingForm, current_findings, new_finding, record_finding
from reports.models import SiteFinding
from reports.services import Order, make_report
from tests.factories import make_enterprise
from tests.people import browser_of, make_person

MONTH = date(2026, 10, 1)
NOW = datetime(2026, 11, 25, 4, tzinfo=UTC)
PHOTO = b"\xff\xd8\xff\xe0" + bytes(range(200))
FORM = {
    "method": "questionnaire", "subject": "居民安检入户情况问卷", "result": "回收问卷412份，入户安检率92.5 %，高于系统台账",
    "verdict": "differs", "found_by": "李敏、王强", "found_at": "2026-10-21T14:30", "place": "清河街道办",
}  # fmt: skip
Committed = Callable[..., Any]


def entered(session: Session, enterprise_id: int, **changed: str) -> SiteFinding:
    """Enter a finding of October."""
    form = FindingForm.parse(FORM | changed, NOW)
    place = new_finding(enterprise_id, MONTH)
    return record_finding(session, form, before=place, evidence=("照片.jpg", PHOTO), actor=cli_actor(), now=NOW)


def row_of(snapshot: dict[str, Any], indicator: str) -> dict[str, Any]:
    """Return the row of one indicator."""
    found: dict[str, Any] = next(each for each in snapshot["indicators"] if each["id"] == indicator)
    return found


@pytest.mark.clause("10.2-6d", "10.2-6e")
def test_a_value_found_offline_counts_when_it_was_chosen_and_names_its_source(db: Session) -> None:
    firm = make_enterprise(db)
    bare = collect(db, firm.id, MONTH, now=NOW).snapshot()
    assert (row_of(bare, "S1")["value"], row_of(bare, "S1")["mark"]) == (None, "online")
    entered(db, firm.id, indicator="S1", field_value="92.5", unit="%")
    beside = collect(db, firm.id, MONTH, now=NOW).snapshot()
    assert (row_of(beside, "S1")["value"], row_of(beside, "S1")["field_value"]) == (None, 92.5)
    entered(db, firm.id, indicator="S1", field_value="92.5", unit="%", counts="1")
    counted = collect(db, firm.id, MONTH, now=NOW).snapshot()
    row = row_of(counted, "S1")
    assert (row["value"], row["mark"], row["finding"]) == (92.5, "questionnaire", 2)
    assert counted["total"]["score"] is not None
    assert len({snapshot_digest(each) for each in (bare, beside, counted)}) == 3


@pytest.mark.clause("10.2-6d")
def test_a_correction_is_a_new_version_and_the_old_one_stays(db: Session) -> None:
    firm = make_enterprise(db)
    first = entered(db, firm.id)
    form = replace(FindingForm.parse(FORM | {"result": "复核后入户安检率91 %"}, NOW), reason="样本重复剔除")
    second = record_finding(db, form, before=first, evidence=None, actor=cli_actor(), now=NOW)
    assert (second.number, second.version, second.evidence_id) == (first.number, 2, first.evidence_id)
    assert [row["result"] for row in current_findings(db, firm.id, MONTH)] == ["复核后入户安检率91 %"]
    with pytest.raises(Invalid, match="reason_needed"):
        record_finding(db, replace(form, reason=""), before=second, evidence=None, actor=cli_actor(), now=NOW)
    gone = replace(form, withdrawn=True, reason="核实对象有误")
    record_finding(db, gone, before=second, evidence=None, actor=cli_actor(), now=NOW)
    assert current_findings(db, firm.id, MONTH) == []
    kept = db.scalars(select(SiteFinding.result).where(SiteFinding.enterprise_id == firm.id).order_by(SiteFinding.id))
    assert kept.all()[0] == FORM["result"]


def test_findings_and_evidence_are_never_changed_or_removed(committed: Committed, owner: Session) -> None:
    made = committed(lambda session: entered(session, make_enterprise(session).id).id)
    for statement in (
        "update site_finding set result = 'x' where id = :id", "delete from site_finding where id = :id",
        "delete from site_evidence where id > :id - 1000",
    ):  # fmt: skip
        with pytest.raises(DBAPIError):
            committed(lambda session, said=statement: session.execute(text(said), {"id": made}))
        with pytest.raises(DBAPIError):
            owner.execute(text(statement), {"id": made})
        owner.rollback()


def squeezed(pdf: bytes) -> str:
    """Return the words of a PDF without white space."""
    return re.sub(r"\s+", "", "".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages))


@pytest.mark.clause("10.2-8e", "10.2-6d")
def test_part_five_of_the_pdf_states_findings_or_that_there_are_none(db: Session, settings: Settings) -> None:
    firm = make_enterprise(db)
    order = Order("evaluation", firm.id, MONTH)
    without = make_report(db, order, settings=settings, actor=cli_actor(), now=NOW)
    entered(db, firm.id, indicator="S1", field_value="92.5", unit="%", counts="1")
    made = make_report(db, order, settings=settings, actor=cli_actor(), now=NOW)
    words = squeezed(made.pdf)
    for said in (
        FORM["subject"],
        FORM["found_by"],
        FORM["place"],
        "问卷调查",
        "2026-10-2114:30",
        "照片.jpg",
        sm3_hex(PHOTO)[:16],
    ):
        assert re.sub(r"\s+", "", said) in words, said
    assert "没有" in squeezed(without.pdf) or "未登记" in squeezed(without.pdf)
    assert FORM["subject"] not in squeezed(without.pdf)
    assert (without.version, made.version) == (1, 2)
    assert snapshot_digest(without.snapshot) == without.snapshot_sm3 != made.snapshot_sm3


@pytest.mark.clause("10.2-6d")
def test_an_evaluator_enters_and_corrects_a_finding_on_the_page(committed: Committed, app: Flask) -> None:
    def enter(session: Session) -> tuple[FlaskClient, int]:
        firm = make_enterprise(session)
        person = make_person(session, app, Role.EVALUATOR, granted=[firm.id])
        return browser_of(session, app, person), firm.id

    browser, firm_id = committed(enter)
    form = FORM | {"enterprise": str(firm_id), "month": "2026-10", "evidence": (io.BytesIO(PHOTO), "../照片.jpg")}
    answer = browser.post("/evaluation/findings", data=form, content_type="multipart/form-data")
    assert answer.status_code == 303
    page = browser.get(answer.headers["Location"]).get_data(as_text=True)
    assert FORM["subject"] in page and "照片.jpg" in page and "../" not in page
    address = re.search(r"/evaluation/findings/\d+", page)
    proof = re.search(r"/evaluation/evidence/\d+", page)
    assert address and proof
    assert browser.get(proof[0]).data == PHOTO
    corrected = browser.post(address[0], data=FORM | {"result": "改正", "reason": "录入有误"}, follow_redirects=True)
    words = corrected.get_data(as_text=True)
    assert "V2" in words and "V1" in words and FORM["result"] in words
    assert browser.post(address[0], data=FORM).status_code == 422


@pytest.mark.parametrize(
    "changed",
    [
        {"method": "rumour"}, {"verdict": ""}, {"subject": " "}, {"found_by": ""}, {"place": ""}, {"found_at": "soon"},
        {"found_at": "2999-01-01T00:00"}, {"field_value": "NaN"}, {"field_value": "1e99"}, {"field_value": "七"},
        {"indicator": "Z9"}, {"counts": "1"}, {"counts": "1", "indicator": "S1", "field_value": "101"},
    ],
)  # fmt: skip
def test_an_incomplete_finding_is_refused_in_words(changed: dict[str, str]) -> None:
    with pytest.raises(Invalid):
        FindingForm.parse(FORM | changed, NOW)


@pytest.mark.parametrize("content", [b"MZ" + bytes(50), b"<svg onload=1>", b"\xff\xd8\xff" + bytes(8 * 1024 * 1024)])
def test_evidence_is_a_photo_or_a_pdf_of_a_bearable_size(db: Session, content: bytes) -> None:
    form, place = FindingForm.parse(FORM, NOW), new_finding(make_enterprise(db).id, MONTH)
    with pytest.raises(Invalid, match="evidence_wrong"):
        record_finding(db, form, before=place, evidence=("a.jpg", content), actor=cli_actor(), now=NOW)


def test_people_of_the_enterprise_read_and_strangers_see_nothing(committed: Committed, app: Flask) -> None:
    def enter(session: Session) -> tuple[SiteFinding, int, list[FlaskClient]]:
        firm, other = make_enterprise(session), make_enterprise(session)
        made = entered(session, firm.id)
        people = [
            make_person(session, app, Role.ENTERPRISE_MANAGER, enterprise_id=firm.id),
            make_person(session, app, Role.ENTERPRISE_MANAGER, enterprise_id=other.id),
            make_person(session, app, Role.EVALUATOR, granted=[other.id]),
        ]
        return made, firm.id, [browser_of(session, app, each) for each in people]

    made, firm_id, (own, stranger, evaluator) = committed(enter)
    pages = [f"/evaluation/findings/{made.id}", f"/evaluation/evidence/{made.evidence_id}"]
    assert [own.get(page).status_code for page in pages] == [200, 200]
    assert own.post(pages[0], data=FORM | {"reason": "不应允许"}).status_code == 403
    for browser in (stranger, evaluator):
        assert [browser.get(page).status_code for page in pages] == [404, 404]
        assert FORM["subject"] not in browser.get(f"/evaluation/findings?enterprise={firm_id}&month=2026-10").get_data(
            as_text=True
        )
    form = FORM | {"enterprise": str(firm_id), "month": "2026-10", "reason": "不应允许"}
    assert [evaluator.post(to, data=form).status_code for to in ("/evaluation/findings", pages[0])] == [404, 404]
