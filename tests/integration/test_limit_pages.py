"""The pages of alarm limits as people of each kind use them."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.accounts.rights import Role
from portal.core.clock import utc_now
from portal.operation.limits.models import LimitChange, LimitRule
from portal.operation.telemetry.models import Point
from portal.operation.telemetry.services import store_readings
from tests.factories import make_enterprise, make_point
from tests.people import browser_of, make_person
from tests.readings import block_of

LISTS = ("/operation/limits", "/operation/limits/export.csv", "/operation/limits/templates", "/operation/limits/changes",
         "/operation/limits?measure=1&unit=kPa&state=ruled&q=%25_%27&district=99%00&enterprise=999999999&after=zz",
         "/operation/limits/changes?state=9&after=x_y")  # fmt: skip
FIELDS = {"low_low": "1", "low": "1.5", "high": "2.9", "high_high": "3.5", "reason": "dropped too often"}


@dataclass(frozen=True)
class Stage:
    """A point with readings of the last day, and browsers."""

    point_id: int
    code: str
    officer: FlaskClient
    second: FlaskClient
    firm: FlaskClient


@pytest.fixture
def stage(committed: Any, app: Flask) -> Stage:
    """Give a point of an enterprise, two city regulators and the enterprise's safety officer."""

    def make(session: Session) -> tuple[Any, ...]:
        owner = make_enterprise(session)
        point = make_point(session, owner)
        hour = round((utc_now() - timedelta(hours=5)).timestamp() * 1000)
        values = [2.0, 2.95, 2.95, 2.0, 3.2, 2.0]
        block = block_of(point, [hour + 300_000 * each for each in range(6)], values)
        # Received as they were read: late ones would be judged as back-filled, and near ones as one alarm.
        store_readings(session, replace(block, received_at=utc_now() - timedelta(hours=4.5)))
        officer, second = (make_person(session, app, Role.CITY_REGULATOR) for _ in range(2))
        firm = make_person(session, app, Role.ENTERPRISE_SAFETY, enterprise_id=owner.id)
        return point.id, point.src_code, *(browser_of(session, app, each) for each in (officer, second, firm))

    return Stage(*committed(make))


def text_of(answer: Any, status: int = 200) -> str:
    """Return the page of an answer."""
    assert answer.status_code == status, answer.text[:2000]
    return str(answer.text)


def drafted(stage: Stage, browser: FlaskClient, **fields: str) -> str:
    """Draw up rules as a person; return the address of the change."""
    answer = browser.post(f"/operation/limits/points/{stage.point_id}", data=FIELDS | fields)
    assert answer.status_code == 302, answer.text[:2000]
    return str(answer.headers["Location"])


@pytest.mark.clause("7.2.8.2-f")
def test_lists_open_with_any_filter(stage: Stage) -> None:
    for address in LISTS:
        assert stage.officer.get(address).status_code == 200, address
    assert stage.code in text_of(stage.officer.get(f"/operation/limits?q={stage.code}"))


def test_a_point_goes_from_draft_over_rehearsal_to_release(stage: Stage, committed: Any) -> None:
    change = drafted(stage, stage.officer)
    assert "尚未演练" in text_of(stage.officer.get(change))
    assert stage.officer.post(f"{change}/release").status_code == 409
    assert stage.officer.post(f"{change}/rehearse").status_code == 302
    page = text_of(stage.officer.get(change))
    assert re.search(r"现行规则产生 1 条报警，新规则产生 2 条", page)
    assert "rehearsal-bars" in page
    assert stage.officer.get(f"{change}/progress").json == {"state": "done", "done": 1, "of": 1}
    assert "新增" in text_of(stage.officer.get(f"{change}/alarms.csv?outcome=added"))
    assert "已发布" in text_of(stage.officer.post(f"{change}/release", follow_redirects=True))
    shown = text_of(stage.officer.get(f"/operation/limits/points/{stage.point_id}"))
    assert "第 1 版" in shown
    assert "dropped too often" in shown

    def versions(session: Session) -> list[tuple[int, float]]:
        rows = session.scalars(select(LimitRule).where(LimitRule.point_id == stage.point_id))
        return [(row.state, row.content["high"]) for row in rows]

    assert committed(versions) == [(2, 2.9)]


@pytest.mark.clause("7.2.7.3-2_3")
def test_an_enterprise_drafts_but_releases_only_the_lower_levels(stage: Stage) -> None:
    change = drafted(stage, stage.firm, high_high="3.4")
    stage.firm.post(f"{change}/rehearse")
    assert "无权发布" in text_of(stage.firm.get(change))
    assert stage.firm.post(f"{change}/release").status_code == 403
    assert stage.second.post(f"{change}/release").status_code == 302
    own = drafted(stage, stage.firm, high_high="3.4", **{"silence-level": "4", "silence-after_s": "1800"})
    stage.firm.post(f"{own}/rehearse")
    assert stage.firm.post(f"{own}/release").status_code == 302


def test_what_contradicts_is_said_in_words_and_nothing_is_kept(stage: Stage, committed: Any) -> None:
    for fields, words in (
        ({"high": "9.5"}, "限值相互矛盾"), ({"high": "abc"}, "不是可测量的数值"), ({"reason": "x"}, None),
        ({"combined-level": "2", "combined-when": "this >"}, "组合条件无法识别"),
        ({"high": "3.0"}, "没有变化"),
    ):  # fmt: skip
        answer = stage.officer.post(f"/operation/limits/points/{stage.point_id}", data=FIELDS | fields)
        assert answer.status_code == 422, fields
        assert words is None or words in answer.text
    assert committed(lambda session: session.scalar(select(LimitRule.id).where(LimitRule.point_id == stage.point_id))) is None


def test_a_template_becomes_one_draft_of_many_points_and_can_be_withdrawn(stage: Stage, committed: Any) -> None:
    def unit(session: Session) -> None:
        session.get_one(Point, stage.point_id).unit = "kPa"

    committed(unit)
    form = {"template": "reg_low_outlet", "q": stage.code, "reason": "same everywhere"}
    answer = stage.officer.post("/operation/limits/templates", data=form)
    assert answer.status_code == 302
    change = str(answer.headers["Location"])
    assert stage.officer.post("/operation/limits/templates", data=form).status_code == 422
    assert stage.officer.post(f"{change}/withdraw").status_code == 302
    number = int(change.rsplit("/", 1)[1])
    assert committed(lambda session: session.get_one(LimitChange, number).state) == 4


def test_a_work_order_is_filed_once(stage: Stage) -> None:
    form = {"order_no": f"W-{stage.point_id}", "begins_at": "2026-11-30T08:00", "ends_at": "2026-11-30T10:00", "why": "valve exercise"}
    address = f"/operation/limits/points/{stage.point_id}/orders"
    assert stage.officer.post(address, data=form).status_code == 302
    assert stage.officer.post(address, data=form).status_code == 409
    assert stage.officer.post(address, data=form | {"order_no": "X", "ends_at": "2026-11-30T07:00"}).status_code == 422
    assert f"W-{stage.point_id}" in text_of(stage.officer.get(f"/operation/limits/points/{stage.point_id}"))
