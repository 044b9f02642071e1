"""Ordered reports: placed on the page, made by the job, progress seen from outside, lost by no restart."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select, text

from portal.accounts.models import User
from portal.accounts.rights import Role
from portal.accounts.services import actor_for
from portal.config import Settings
from portal.core.clock import utc_now
from portal.core.errors import Upstream
from reports import orders, services
from reports.models import Report, ReportOrder
from reports.orders import LOCK_SPACE, place_order, work_off
from reports.services import Order
from tests.factories import make_enterprise
from tests.people import browser_of, make_person

MONTH = date(2026, 10, 1)
Committed = Callable[..., Any]


@pytest.fixture
def quick_pdf(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set one small page instead of the whole report: these tests are about the queue."""
    true_pages = services.render_pdf
    monkeypatch.setattr(services, "render_pdf", lambda html: true_pages(f"<title>{hash(html)}</title>"))


@pytest.fixture
def officer(committed: Committed, app: Flask) -> tuple[FlaskClient, User, int]:
    """Give the browser of a city regulator, the person, and an enterprise to evaluate."""

    def enter(session: Any) -> Any:
        person = make_person(session, app, Role.CITY_REGULATOR)
        return browser_of(session, app, person), person, make_enterprise(session).id

    return committed(enter)


def placed(committed: Committed, officer: Any, **given: Any) -> int:
    """Place an order and return its number."""
    _, person, enterprise_id = officer
    wanted = Order("evaluation", given.get("enterprise_id", enterprise_id), MONTH, given.get("language", "zh_CN"))
    return int(committed(lambda s: place_order(s, wanted, actor=actor_for(person), now=utc_now()).id))


def state_of(committed: Committed, order_id: int) -> ReportOrder:
    """Return an order as it stands."""
    found: ReportOrder = committed(lambda session: session.get_one(ReportOrder, order_id))
    return found


@pytest.mark.clause("10.2-7c")
def test_the_form_answers_at_once_and_the_report_arrives_by_itself(
    officer: Any, committed: Committed, settings: Settings, quick_pdf: None
) -> None:
    browser, _, enterprise_id = officer
    answer = browser.post("/reports", data={"enterprise": enterprise_id, "period": "2026-10"})
    assert answer.status_code == 303
    address = answer.headers["Location"]
    page = browser.get(address).get_data(as_text=True)
    assert 'hx-trigger="every 1s"' in page and "0 %" in page
    assert browser.get(f"{address}/progress").status_code == 200
    assert work_off(settings).endswith("reports")
    arrived = browser.get(f"{address}/progress")
    assert arrived.headers["HX-Redirect"] == browser.get(address).headers["Location"]
    assert browser.get(arrived.headers["HX-Redirect"]).status_code == 200
    assert arrived.headers["HX-Redirect"] in browser.get("/reports").get_data(as_text=True)


def test_progress_is_seen_from_outside_while_the_report_is_made(
    officer: Any, committed: Committed, settings: Settings, monkeypatch: pytest.MonkeyPatch, quick_pdf: None
) -> None:
    browser, order_id = officer[0], placed(committed, officer)
    seen: list[tuple[str, int, str]] = []
    render = services.render_pdf

    def watched(html: str) -> bytes:
        order = state_of(committed, order_id)
        seen.append((order.step, order.percent, browser.get(f"/reports/orders/{order_id}/progress").get_data(True)))
        return render(html)

    monkeypatch.setattr(services, "render_pdf", watched)
    work_off(settings)
    ((step, percent, page),) = seen
    assert (step, percent) == ("pages", 55)
    assert "55 %" in page


def test_a_failure_is_told_in_words_and_archives_nothing(
    officer: Any, committed: Committed, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(html: str) -> bytes:
        raise Upstream("report_took_too_long")

    monkeypatch.setattr(services, "render_pdf", fail)
    order_id = placed(committed, officer)
    work_off(settings)
    page = officer[0].get(f"/reports/orders/{order_id}/progress").get_data(as_text=True)
    assert "notice-bad" in page and "hx-get" not in page
    assert state_of(committed, order_id).error == "report_took_too_long"
    assert committed(lambda s: s.scalar(select(func.count()).where(Report.enterprise_id == officer[2]))) == 0


def test_an_order_of_a_worker_that_died_is_begun_again(
    officer: Any, committed: Committed, settings: Settings, quick_pdf: None
) -> None:
    order_id = placed(committed, officer)
    left = "update report_order set state = 'making', step = 'pages', percent = 55, attempts = 1 where id = :id"
    committed(lambda s: s.execute(text(left), {"id": order_id}))
    work_off(settings)
    order = state_of(committed, order_id)
    assert (order.state, order.attempts, order.report_id is not None) == ("done", 2, True)


def test_what_dies_every_time_is_given_up(officer: Any, committed: Committed, settings: Settings) -> None:
    order_id = placed(committed, officer)
    committed(lambda s: s.execute(text("update report_order set attempts = 3 where id = :id"), {"id": order_id}))
    work_off(settings)
    assert state_of(committed, order_id).error == "report_gave_up"


def test_two_workers_make_a_report_once(
    officer: Any, committed: Committed, settings: Settings, quick_pdf: None
) -> None:
    order_id = placed(committed, officer)
    workers = [threading.Thread(target=work_off, args=(settings,)) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(120)
    assert committed(lambda s: s.scalar(select(func.count()).where(Report.enterprise_id == officer[2]))) == 1
    assert state_of(committed, order_id).state == "done"


def test_an_order_another_worker_holds_is_left_alone(
    officer: Any, committed: Committed, settings: Settings, db: Any
) -> None:
    order_id = placed(committed, officer)
    db.execute(select(func.pg_advisory_xact_lock(LOCK_SPACE, order_id)))
    orders._work_on(settings, order_id)
    assert state_of(committed, order_id).state == "waiting"
    db.rollback()


def test_the_same_order_twice_is_one(officer: Any, committed: Committed) -> None:
    assert placed(committed, officer) == placed(committed, officer)
    assert placed(committed, officer, language="en") != placed(committed, officer)


@pytest.mark.parametrize("path", ["/reports/orders/999999999", "/reports/orders/99999999999999999999/progress"])
def test_an_unknown_order_is_not_found(officer: Any, path: str) -> None:
    assert officer[0].get(path).status_code == 404
