"""The intake pages: feeds, receipts and findings, within the reader's scope only."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.orm import Session

from ingestion_adapters.intake import Rows, accept_message
from ingestion_adapters.receipts import Batch
from portal.accounts.rights import Rights, Role
from portal.accounts.services import create_user
from portal.config import Settings
from portal.core.actor import cli_actor
from portal.core.clock import utc_now
from portal.operation.outages.models import Outage
from tests.factories import make_enterprise

PASSWORD = "Kelp-river-82"
Committed = Callable[..., object]


@pytest.fixture
def receipt(committed: Committed) -> tuple[int, str]:
    """Give a receipt with three findings, one of them with a formula as code, and its enterprise's name."""

    def work(session: Session) -> tuple[int, str]:
        own = make_enterprise(session)
        batch = Batch(own.id, "NET", "pages", "http", "0" * 64, 10, "app")
        rows = Rows([{"type": "NOD", "src_code": "=1+1", "lon": 999.0, "lat": 1.0}, {"type": "NOD"}, "x<b>"])
        return accept_message(session, batch, rows, now=utc_now(), actor=cli_actor()).receipt_id, own.short_name

    return committed(work)  # type: ignore[return-value]


@pytest.fixture
def enter(app: Flask, committed: Committed, settings: Settings) -> Callable[..., FlaskClient]:
    """Give a function that logs a new person in."""

    def work(session: Session, role: Role, language: str, own: bool) -> str:
        login = f"p{secrets.token_hex(5)}"
        rights = Rights(role, enterprise_id=make_enterprise(session).id if own else None)
        user, _ = create_user(session, login, "赵敏", rights, settings=settings, actor=cli_actor(), password=PASSWORD)
        user.must_change_password, user.language = False, language
        return login

    def logged_in(role: Role, language: str = "zh_CN", *, own: bool = False) -> FlaskClient:
        login = committed(lambda session: work(session, role, language, own))
        client = app.test_client()
        assert client.post("/login", data={"login": login, "password": PASSWORD}).status_code == 302
        return client

    return logged_in


@pytest.mark.parametrize("language", ["zh_CN", "en"])
def test_pages_show_and_download(
    enter: Callable[..., FlaskClient], receipt: tuple[int, str], committed: Committed, language: str
) -> None:
    number, name = receipt
    client = enter(Role.CITY_REGULATOR, language)
    for path in ("/intake", "/intake/receipts", "/intake/receipts?trouble=1&dataset=NET", f"/intake/receipts/{number}"):
        page = client.get(path)
        assert page.status_code == 200, path
        assert "x<b>" not in page.text
    assert name in client.get("/intake").text
    download = client.get(f"/intake/receipts/{number}/findings.csv").get_data().decode("utf-8-sig")
    assert download.count("\r\n") == 4 and "'=1+1" in download and "E_CRS" in download
    exported = committed(
        lambda s: s.scalar(
            text("select count(*) from audit_entry where action = 'receipt.export' and object_id = :n"),
            {"n": str(number)},
        )
    )
    assert exported == 1


def test_others_do_not_see_it(enter: Callable[..., FlaskClient], receipt: tuple[int, str]) -> None:
    number, name = receipt
    stranger = enter(Role.ENTERPRISE_MANAGER, own=True)
    assert stranger.get(f"/intake/receipts/{number}").status_code == 404
    assert stranger.get(f"/intake/receipts/{number}/findings.csv").status_code == 404
    assert name not in stranger.get("/intake").text
    assert name not in stranger.get("/intake/receipts").text
    assert enter(Role.AUDITOR).get("/intake").status_code == 403


def test_the_monitor_shows_open_outages_beside_the_silences(enter: Callable[..., FlaskClient], committed: Committed) -> None:
    def silent(session: Session) -> tuple[int, int]:
        own, begun = make_enterprise(session), utc_now() - timedelta(hours=3)
        words = {"enterprise_id": own.id, "points": 12, "silent": 12, "limit_s": 300, "began_at": begun, "noticed_at": begun}
        link = Outage(level=4, subject=own.short_name, **words)
        session.add_all([link, Outage(level=3, subject="GW<1>", subject_id=7, device_id=7, **words)])
        session.flush()
        return own.id, link.id

    own, number = committed(silent)  # type: ignore[misc]
    page = enter(Role.CITY_REGULATOR).get(f"/intake?enterprise={own}").text
    assert "当前数据中断" in page and f"/operation/outages/{number}" in page and "企业链路" in page
    assert "GW&lt;1&gt;" in page
    assert "当前数据中断" not in enter(Role.ENTERPRISE_MANAGER, own=True).get("/intake").text
    committed(lambda s: s.execute(text("update outage set ended_at = now() where enterprise_id = :e"), {"e": own}) and None)
    assert "当前数据中断" not in enter(Role.CITY_REGULATOR).get(f"/intake?enterprise={own}").text
