"""The risk pages as people of each kind meet them."""

from __future__ import annotations

from typing import Any

import mapbox_vector_tile
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.orm import Session

from gis.risk.defaults import VERSION_1
from gis.tiles.queries import tile_of
from portal.accounts.models import User
from portal.accounts.rights import Role
from portal.config import Settings
from portal.core.clock import utc_now
from portal.safety.risk.compute import compute_some
from tests.factories import make_enterprise, make_pipe
from tests.people import browser_of, make_person

PAGES = (
    "/safety/risk", "/safety/risk/segments", "/safety/risk/overbuilds", "/safety/risk/works", "/safety/risk/stations",
    "/safety/risk/calibration", "/safety/risk/models", "/safety/risk/segments/export.csv", "/safety/risk/overbuilds/export.csv",
)  # fmt: skip
ODD = (
    "/safety/risk/segments?colour=x&class=99999999999&material=-1&view=nothing&cell=1_2_3&after=zz&before=9_",
    "/safety/risk/segments?q=%25_%27%22%3Cscript%3E%5C", "/safety/risk/segments?cell=-999999_999999&after=999_999999999999999999",
    "/safety/risk/segments?district=99%00&enterprise=999999999", "/safety/risk/overbuilds?from=999999999",
)  # fmt: skip


@pytest.fixture
def stored(committed: Any) -> dict[str, int]:
    """Give a segment of an enterprise, worked out."""

    def make(session: Session) -> dict[str, int]:
        owner = make_enterprise(session)
        pipe = make_pipe(session, owner, material=30, install_year=1985)
        compute_some(session, VERSION_1, utc_now(), [pipe.id])
        return {"pipe": pipe.id, "enterprise": owner.id}

    return dict(committed(make))


def reader(committed: Any, app: Flask, role: Role, **given: Any) -> FlaskClient:
    """Return the browser of a new person of a role."""

    def make(session: Session) -> tuple[User, FlaskClient]:
        person = make_person(session, app, role, **given)
        return person, browser_of(session, app, person)

    return committed(make)[1]


@pytest.mark.parametrize("address", PAGES)
def test_every_page_opens_for_a_regulator(address: str, stored: dict[str, int], committed: Any, app: Flask) -> None:
    assert reader(committed, app, Role.CITY_REGULATOR).get(address).status_code == 200


@pytest.mark.parametrize("address", ODD)
def test_odd_questions_are_answered_with_a_page(
    address: str, stored: dict[str, int], committed: Any, app: Flask
) -> None:
    assert reader(committed, app, Role.CITY_REGULATOR).get(address).status_code == 200


def test_a_segment_opens_for_its_enterprise_and_is_missing_for_another(
    stored: dict[str, int], committed: Any, app: Flask
) -> None:
    address = f"/safety/risk/segments/{stored['pipe']}"
    own = reader(committed, app, Role.ENTERPRISE_SAFETY, enterprise_id=stored["enterprise"])
    assert own.get(address).status_code == 200
    other = committed(make_enterprise)
    assert reader(committed, app, Role.ENTERPRISE_SAFETY, enterprise_id=other.id).get(address).status_code == 404
    assert own.get("/safety/risk/segments/9223372036854775807").status_code == 404


def test_a_tile_carries_colour_and_score(stored: dict[str, int], committed: Any, app: Flask) -> None:
    z, x, y = tile_of(112.5005, 32.0, 15)
    answer = reader(committed, app, Role.CITY_REGULATOR).get(f"/tiles/risk/{z}/{x}/{y}.mvt")
    assert answer.status_code == 200
    found = {
        each["properties"]["id"]: each["properties"]
        for each in mapbox_vector_tile.decode(answer.data)["risk"]["features"]
    }
    assert found[stored["pipe"]]["rc"] in (1, 2, 3, 4)
    assert found[stored["pipe"]]["rs"] >= 1


def test_a_draft_is_rehearsed_by_the_regulator_and_released_by_the_security_administrator(
    stored: dict[str, int], committed: Any, app: Flask, settings: Settings
) -> None:
    regulator, secure = reader(committed, app, Role.CITY_REGULATOR), reader(committed, app, Role.SECURITY_ADMIN)
    made = regulator.post("/safety/risk/models", data={"title": "铸铁", "reason": "上调铸铁失效率"})
    address = made.headers["Location"]
    assert regulator.post(address, data={"f.base.grey": "5", "w.age": "0.8"}).status_code == 302
    assert regulator.post(address, data={"f.base.grey": "many"}).status_code == 422
    assert secure.post(f"{address}/release").status_code == 409
    assert regulator.post(f"{address}/release").status_code == 403
    assert secure.post(f"{address}/rehearse").status_code == 403
    assert regulator.post(f"{address}/rehearse").status_code == 302
    page = regulator.get(address).get_data(as_text=True)
    assert "推演" in page
    assert secure.post(f"{address}/release").status_code == 302
    assert secure.post(f"{address}/release").status_code == 409

    def kept(session: Session) -> list[str]:
        acts = text("select action from audit_entry where object_type = 'risk_model' order by id")
        return list(session.scalars(acts))

    assert committed(kept) == ["risk_model.draft", "risk_model.change", "risk_model.rehearse", "risk_model.release"]
    assert regulator.get("/safety/risk/models/999999").status_code == 404


def test_who_may_not_read_safety_sees_no_risk(committed: Any, app: Flask) -> None:
    browser = reader(committed, app, Role.AUDITOR)
    for address in PAGES:
        assert browser.get(address).status_code == 403
