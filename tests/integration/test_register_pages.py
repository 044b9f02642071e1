"""The registers on screen: lists, filters, paging, export, one record with its history, and only what one may see."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.orm import Session

from ingestion_adapters.checks import judge_row
from ingestion_adapters.deliveries import Delivery
from ingestion_adapters.samples import SAMPLES
from ingestion_adapters.stores import STORES
from portal.accounts.models import Enterprise
from portal.accounts.rights import Role
from portal.core.actor import cli_actor
from portal.core.clock import utc_now
from tests.factories import file_records, make_enterprise, make_pipe
from tests.people import browser_of, make_person

Committed = Callable[[Callable[[Session], object]], object]
LISTS = (
    "/safety/hidden-dangers",
    "/safety/works",
    "/safety/patrols",
    "/safety/checks",
    "/emergency/incidents",
    "/emergency/drills",
    "/emergency/plans",
    "/emergency/supplies",
    "/emergency/teams",
    "/supply/monthly",
)


def send(session: Session, enterprise: Enterprise, dataset: str, *rows: dict[str, object]) -> None:
    judged = [judge_row(row, index, dataset) for index, row in enumerate(rows)]
    stored = STORES[dataset](session, Delivery(enterprise.id, 1, utc_now(), cli_actor()), judged)
    assert stored.rejections == []


@pytest.fixture
def filed(committed: Committed) -> Enterprise:
    """Give an enterprise that filed one record of every kind."""

    def work(session: Session) -> Enterprise:
        own = make_enterprise(session)
        file_records(session, own)
        return own

    return committed(work)  # type: ignore[return-value]


@pytest.fixture
def browser(app: Flask, committed: Committed) -> Callable[..., FlaskClient]:
    """Give a function that logs somebody in."""

    def enter(role: Role, enterprise: Enterprise | None = None, adcodes: list[str] | None = None) -> FlaskClient:
        def work(session: Session) -> FlaskClient:
            number = enterprise.id if enterprise else None
            return browser_of(session, app, make_person(session, app, role, enterprise_id=number, adcodes=adcodes))

        return committed(work)  # type: ignore[return-value]

    return enter


@pytest.mark.parametrize("path", LISTS)
def test_a_list_shows_ones_own_records_and_no_others(
    committed: Committed, browser: Callable[..., FlaskClient], filed: Enterprise, path: str
) -> None:
    stranger = committed(make_enterprise)
    mine = browser(Role.ENTERPRISE_MANAGER, filed).get(path)
    theirs = browser(Role.ENTERPRISE_MANAGER, stranger).get(path)
    assert (mine.status_code, theirs.status_code) == (200, 200)
    assert "<table" in mine.text
    assert "<table" not in theirs.text
    assert "企业尚未上报此类记录" in theirs.text


@pytest.mark.parametrize("path", LISTS)
def test_every_view_and_filter_of_a_list_answers(
    browser: Callable[..., FlaskClient], filed: Enterprise, path: str
) -> None:
    from portal.emergency.routes import REGISTERS as EMERGENCY
    from portal.safety.routes import REGISTERS as SAFETY
    from portal.supply.register import MONTHS

    client = browser(Role.ENTERPRISE_MANAGER, filed)
    (register,) = [each for each in (*SAFETY, *EMERGENCY, MONTHS) if path.endswith(each.path)]
    for view in register.views:
        assert client.get(f"{path}?view={view.key}").status_code == 200
    narrow = "&".join(f"{name}=1" for name in register.filters)
    wild = "q=%25_%00'&since=2026-01-01&until=x&district=abc&enterprise=99999999999&after=1_1&view=nichts"
    for query in (narrow, wild, f"{narrow}&since=2026-05-01&until=2026-07-01&q=x"):
        assert client.get(f"{path}?{query}").status_code == 200


def test_a_list_turns_its_pages_and_exports_them_all(
    committed: Committed, browser: Callable[..., FlaskClient], filed: Enterprise
) -> None:
    base = {name: value for name, value in SAMPLES["HiddenDanger"].items() if name != "object_code"}
    rows = [base | {"hazard_no": f"=H{number:03d}", "deadline": None} for number in range(120)]
    committed(lambda session: send(session, filed, "HAZ", *rows))
    client, seen, address = browser(Role.ENTERPRISE_MANAGER, filed), set(), "/safety/hidden-dangers"
    pages = 0
    while address:
        page = client.get(address).text
        pages += 1
        seen |= {part.split("<")[0] for part in page.split("=H")[1:]}
        following = (
            page.partition('rel="next"')[0].rpartition('href="')[2].partition('"')[0] if 'rel="next"' in page else ""
        )
        address = following.replace("&amp;", "&")
    assert (pages, len({each for each in seen if each.isdigit()})) == (3, 120)
    export = client.get("/safety/hidden-dangers/export.csv")
    cells = list(csv.reader(io.StringIO(export.data.decode("utf-8-sig"))))
    assert len(cells) == 122
    assert "'=H000" in {row[1] for row in cells}
    kept = text("select after from audit_entry where action = 'register.export' and object_type = 'hidden_danger'")
    assert committed(lambda session: session.scalars(kept).all())[-1] == {"rows": 121}


def test_a_month_list_turns_its_pages(
    committed: Committed, browser: Callable[..., FlaskClient], filed: Enterprise
) -> None:
    months = [f"{year}-{month:02d}" for year in range(2021, 2026) for month in range(1, 13)]
    committed(
        lambda session: send(
            session, filed, "MTH", *({"month": m, "purchased_m3": 1.0, "sold_m3": 1.0} for m in months)
        )
    )
    client = browser(Role.ENTERPRISE_MANAGER, filed)
    page = client.get("/supply/monthly").text
    following = page.partition('rel="next"')[0].rpartition('href="')[2].partition('"')[0].replace("&amp;", "&")
    second = client.get(following).text
    assert "2026-05" in page and "2021-01" in second and "2026-05" not in second
    back = second.partition('rel="prev"')[0].rpartition('href="')[2].partition('"')[0].replace("&amp;", "&")
    assert "2026-05" in client.get(back).text


def test_a_record_shows_its_words_and_its_former_state(
    committed: Committed, browser: Callable[..., FlaskClient], filed: Enterprise
) -> None:
    base = {name: value for name, value in SAMPLES["HiddenDanger"].items() if name != "object_code"}
    committed(lambda session: send(session, filed, "HAZ", base | {"status": 5, "measures": "已拆除<b>"}))
    number = committed(
        lambda session: session.scalar(text("select id from hidden_danger where enterprise_id = :e"), {"e": filed.id})
    )
    page = browser(Role.CITY_REGULATOR).get(f"/safety/hidden-dangers/{number}").text
    assert "已通知整改 → 整改中" in page
    assert "已拆除&lt;b&gt;" in page and "<b>" not in page.partition("已拆除")[2][:20]
    assert "/map#z=17&amp;c=104.06590,30.65780" in page


@pytest.mark.clause("4.12_2")
def test_a_district_officer_sees_the_districts_records_only(
    committed: Committed, browser: Callable[..., FlaskClient]
) -> None:
    def work(session: Session) -> None:
        own = make_enterprise(session)
        make_pipe(session, own, src_code="P1", adcode="990103")
        make_pipe(session, own, src_code="P2", adcode="990104")
        base = {name: value for name, value in SAMPLES["HiddenDanger"].items() if name not in ("lon", "lat")}
        rows = [base | {"hazard_no": f"D-{code}", "object_code": code} for code in ("P1", "P2")]
        send(session, own, "HAZ", *rows)

    committed(work)
    page = browser(Role.DISTRICT_REGULATOR, adcodes=["990103"]).get("/safety/hidden-dangers").text
    assert "D-P1" in page and "D-P2" not in page


@pytest.mark.clause("4.12_2")
def test_a_district_officer_sees_the_months_of_enterprises_that_serve_the_district(
    committed: Committed, browser: Callable[..., FlaskClient]
) -> None:
    def work(session: Session) -> list[Enterprise]:
        here, elsewhere = make_enterprise(session), make_enterprise(session)
        for own, adcode in ((here, "990105"), (elsewhere, "990106")):
            make_pipe(session, own, adcode=adcode)
            file_records(session, own)
        return [here, elsewhere]

    here, elsewhere = committed(work)  # type: ignore[misc]
    client = browser(Role.DISTRICT_REGULATOR, adcodes=["990105"])
    for path in ("/supply/monthly", "/emergency/plans", "/emergency/drills", "/emergency/teams"):
        rows = client.get(path).text.partition("<tbody>")[2]
        assert here.short_name in rows and elsewhere.short_name not in rows, path


def test_the_drawer_of_a_pipe_shows_what_was_filed_about_it(
    committed: Committed, browser: Callable[..., FlaskClient]
) -> None:
    def work(session: Session) -> int:
        own = make_enterprise(session)
        pipe = make_pipe(session, own, src_code="GD0001")
        here = {"lon": 112.5004, "lat": 32.0001}
        for dataset, name in (("HAZ", "HiddenDanger"), ("EXC", "WorksSite"), ("PAT", "Patrol"), ("EVT", "Incident")):
            send(session, own, dataset, SAMPLES[name] | here)
        return pipe.id

    number = committed(work)
    page = browser(Role.CITY_REGULATOR).get(f"/map/object/pipe/{number}").text
    for words in (
        "未销号隐患",
        "50米内的施工",
        "最近巡检",
        "YH20260601-003",
        "SG2026-0017",
        "XJ20260601-012",
        "SJ20260601-001",
    ):
        assert words in page


def test_an_enterprises_page_shows_certificates_and_people(
    committed: Committed, browser: Callable[..., FlaskClient], filed: Enterprise
) -> None:
    row = SAMPLES["Enterprise"] | {"uscc": filed.uscc}
    row["certificates"] = [
        {"kind": 1, "no": "OLD", "expires_on": "2020-01-01"},
        {"kind": 2, "no": "NEW", "expires_on": "2099-01-01"},
        {"kind": 3, "no": "OPEN"},
    ]
    committed(lambda session: send(session, filed, "ENT", row))
    page = browser(Role.CITY_REGULATOR).get(f"/admin/enterprises/{filed.id}").text
    assert "已过期" in page and "有效" in page and "未注明有效期" in page
    assert "P0001" in page and "139****0101" in page
    assert "未申报备用监控中心" not in page


def test_dictionaries_are_searched_and_exported(committed: Committed, browser: Callable[..., FlaskClient]) -> None:
    client = browser(Role.CITY_REGULATOR)
    assert "重大隐患" in client.get("/admin/dictionaries?name=hazard_level").text
    found = client.get("/admin/dictionaries?q=定向钻").text
    assert "works_method" in found and "laying" in found
    assert client.get("/admin/dictionaries?name=nichts").status_code == 404
    assert "没有代码表包含这些文字" in client.get("/admin/dictionaries?q=zzzz").text
    rows = list(csv.reader(io.StringIO(client.get("/admin/dictionaries/export.csv").data.decode("utf-8-sig"))))
    assert ["hazard_level", "3", "重大隐患", "Major hidden danger", "", "2026-01-01", "", "default"] in rows
    kept = text("select count(*) from audit_entry where action = 'register.export' and object_type = 'dict_entry'")
    assert committed(lambda session: session.scalar(kept)) == 1


def test_a_changed_word_of_a_dictionary_keeps_the_former(owner: Session, browser: Callable[..., FlaskClient]) -> None:
    owner.execute(text("update dict_entry set zh = '一般险情' where dict = 'event_grade' and code = 4"))
    former = (
        owner.execute(text("select zh from dict_entry_history where dict = 'event_grade' and code = 4")).scalars().all()
    )
    assert former == ["一般"]


@pytest.mark.parametrize("kind", ["csv", "json"])
def test_sample_files_are_handed_out(client: FlaskClient, kind: str) -> None:
    answer = client.get(f"/api/v1/docs/samples/HAZ.{kind}")
    assert answer.status_code == 200 and "YH20260601-003" in answer.text
    assert client.get("/api/v1/docs/samples/XYZ.csv").status_code == 404
    assert client.get("/api/v1/docs/samples/HAZ.exe").status_code == 404
