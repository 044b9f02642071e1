"""A case that an officer opens by hand: what it takes over, what it refuses, and who may."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from portal.accounts.rights import Role
from portal.config import Settings
from portal.core.actor import CITY
from portal.core.db import transaction
from tests.factories import make_enterprise, make_pipe
from tests.people import browser_of, make_person

GENERAL = "3"


@dataclass
class Place:
    """An enterprise with one pipe."""

    enterprise_id: int
    name: str
    pipe_id: int
    code: str


@pytest.fixture
def place(settings: Settings) -> Place:
    """Give an enterprise with one pipe in district 990101."""
    with transaction(settings, CITY, worker=True) as session:
        firm = make_enterprise(session)
        pipe = make_pipe(session, firm)
        return Place(firm.id, firm.short_name, pipe.id, pipe.src_code)


def browser(settings: Settings, app: Flask, role: Role, adcodes: list[str] | None = None) -> FlaskClient:
    """Give the browser of somebody of a role."""
    with transaction(settings, CITY) as session:
        return browser_of(session, app, make_person(session, app, role, adcodes=adcodes))


def fields(place: Place, **changed: str) -> dict[str, str]:
    """Return the filled form."""
    filled = {
        "enterprise": str(place.enterprise_id), "object": place.code, "level": "3", "class": GENERAL,
        "title": "占压未整改", "said": "现场见违章搭建",
    }  # fmt: skip
    return filled | changed


def test_the_form_shows_each_deadline_and_knows_the_object_of_the_map(
    settings: Settings, app: Flask, place: Place
) -> None:
    page = browser(settings, app, Role.CITY_REGULATOR).get(f"/events/cases/new?layer=pipe&id={place.pipe_id}")
    words = page.get_data(as_text=True)
    assert page.status_code == 200
    assert f'value="{place.code}"' in words
    assert re.search(rf'value="{place.enterprise_id}" selected', words)
    assert "21 工作小时" in words
    assert len(re.findall(r'name="class"', words)) == 5


def test_a_case_takes_object_district_and_deadline_over(settings: Settings, app: Flask, place: Place) -> None:
    answer = browser(settings, app, Role.CITY_REGULATOR).post("/events/cases", data=fields(place))
    assert answer.status_code == 302
    number = int(answer.location.rsplit("/", 1)[1])
    with transaction(settings, CITY) as session:
        asked = "select c.*, s.note, a.action as audited from supervision_case c join case_step s on s.case_id = c.id "
        asked += "join audit_entry a on a.object_type = 'case' and a.object_id = c.id::text where c.id = :c"
        case = session.execute(text(asked), {"c": number}).one()
    assert (case.enterprise_id, case.adcode, case.level, case.case_class) == (place.enterprise_id, "990101", 3, 3)
    assert case.title == f"占压未整改 {place.code}"
    assert (case.note, case.audited) == ("现场见违章搭建", "case.open")
    assert case.alarm_id is None
    assert (case.due_at - case.opened_at).days >= 2


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"object": "NOWHERE-1"}, "没有编码为 NOWHERE-1 的对象"),
        ({"class": "9"}, "请选择督导类型"),
        ({"level": ""}, "请选择级别"),
        ({"title": "  "}, ""),
    ],
)
def test_what_does_not_fit_is_said_and_the_form_keeps_its_words(
    settings: Settings, app: Flask, place: Place, changed: dict[str, str], sentence: str
) -> None:
    answer = browser(settings, app, Role.CITY_REGULATOR).post("/events/cases", data=fields(place, **changed))
    words = answer.get_data(as_text=True)
    assert answer.status_code == 400
    assert sentence in words
    assert "现场见违章搭建" in words


def test_a_district_opens_cases_of_its_own_area_only(settings: Settings, app: Flask, place: Place) -> None:
    here = browser(settings, app, Role.DISTRICT_REGULATOR, ["990101"])
    elsewhere = browser(settings, app, Role.DISTRICT_REGULATOR, ["990102"])
    assert here.post("/events/cases", data=fields(place)).status_code == 302
    assert elsewhere.post("/events/cases", data=fields(place)).status_code in (400, 404)
    assert here.post("/events/cases", data=fields(place, object="")).status_code == 400


def test_only_officers_open_cases(settings: Settings, app: Flask, place: Place) -> None:
    evaluator = browser(settings, app, Role.EVALUATOR)
    assert evaluator.get(f"/events/cases/new?object={quote(place.code)}").status_code == 403
    assert evaluator.post("/events/cases", data=fields(place)).status_code == 403
