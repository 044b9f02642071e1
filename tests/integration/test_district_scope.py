"""A district's regulator sees receipts, volumes, reports and findings of the enterprises that serve the district."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from gis.crs import STORAGE_SRID
from gis.network.models import GasUser
from ingestion_adapters.models import Receipt
from portal.accounts.rights import Role
from portal.config import Settings
from portal.core.actor import CITY, Scope, cli_actor
from portal.core.db import transaction
from reports.findings import FindingForm, new_finding, record_finding
from reports.services import Order, make_report
from tests.factories import make_enterprise, make_pipe, make_station
from tests.people import browser_of, make_person

MONTH = date(2026, 10, 1)
NOW = datetime(2026, 11, 25, 4, tzinfo=UTC)
HERE, ELSEWHERE = "990107", "990108"
TABLES = (
    "receipt", "rejection", "daily_supply", "intake_hour", "report", "site_finding", "site_evidence",
    "enterprise_certificate", "enterprise_person", "quality_score", "reconciliation_claim", "feed_hour",
)  # fmt: skip
Committed = Callable[..., Any]


@dataclass(frozen=True)
class Firms:
    """Enterprises with a main, a station or a user in the district, without any, and with an abandoned main there."""

    main: int
    station: int
    user: int
    elsewhere: int
    abandoned: int

    @property
    def serving(self) -> set[int]:
        """Return those that serve the district."""
        return {self.main, self.station, self.user}


@pytest.fixture(scope="module")
def firms(settings: Settings) -> Firms:
    """Make the five enterprises, each with one row of everything."""
    with transaction(settings, Scope(whole_city=True), worker=True) as session:
        made = [make_enterprise(session) for _ in range(5)]
        main, station, user, elsewhere, abandoned = made
        make_pipe(session, main, adcode=HERE)
        make_station(session, station, adcode=HERE)
        place = func.ST_SetSRID(func.ST_MakePoint(112.5, 32.0), STORAGE_SRID)
        session.add(GasUser(enterprise_id=user.id, src_code="U1", adcode=HERE, user_class=1, geom=place))
        make_pipe(session, elsewhere, adcode=ELSEWHERE)
        make_pipe(session, abandoned, adcode=HERE, status=6)
        for each in made:
            one_of_each(session, each.id, settings)
        return Firms(*(each.id for each in made))


def one_of_each(session: Session, enterprise_id: int, settings: Settings) -> None:
    """Give an enterprise a receipt with a refused row, a day's volumes, an intake hour, a report and a finding."""
    receipt = Receipt(
        enterprise_id=enterprise_id, dataset="NET", batch_id="b1", door="upload", status="taken", body_sm3="0" * 64,
        body_bytes=1, rows=1, accepted=0, duplicate=0, rejected=1,
    )  # fmt: skip
    session.add(receipt)
    session.flush()
    known = {"e": enterprise_id, "r": receipt.id, "at": NOW}
    for statement in (
        "insert into rejection (receipt_id, enterprise_id, row, code, message_zh, message_en)"
        " values (:r, :e, 1, 'E_SCHEMA', '', '')",
        "insert into daily_supply (enterprise_id, gas_day, purchased_m3, sold_m3, own_use_m3, receipt_id)"
        " values (:e, '2026-10-01', 1, 1, 0, :r)",
        "insert into enterprise_certificate (enterprise_id, record_no, kind, receipt_id) values (:e, 'Z1', 2, :r)",
        "insert into enterprise_person (enterprise_id, record_no, name, duty, receipt_id) values (:e, 'P1', '张*', 1, :r)",
        "insert into quality_score (enterprise_id, dataset, day, quality, score, rules)"
        " values (:e, '*', '2026-10-01', 0, 90, 1)",
        "insert into reconciliation_claim (enterprise_id, day, dataset, batches, rows, sm3, app_id)"
        " values (:e, '2026-10-01', 'NET', 1, 1, '', 'a')",
        "insert into feed_hour (enterprise_id, dataset, hour, expected)"
        " values (:e, 'NET', date_trunc('hour', cast(:at as timestamptz)), 1)",
        "insert into intake_hour (enterprise_id, dataset, hour) values (:e, 'NET', date_trunc('hour', cast(:at as timestamptz)))",
    ):
        session.execute(text(statement), known)
    form = FindingForm("site", "x", "x", "agrees", "x", NOW, "x")
    place = new_finding(enterprise_id, MONTH)
    record_finding(session, form, before=place, evidence=("a.pdf", b"%PDF-"), actor=cli_actor(), now=NOW)
    order = Order("evaluation", enterprise_id, MONTH)
    make_report(session, order, settings=settings, actor=cli_actor(), now=NOW)


def seen(settings: Settings, scope: Scope, table: str, of: Firms) -> set[int]:
    """Return which of the five enterprises' rows a scope shows."""
    with transaction(settings, scope) as session:
        rows = session.execute(
            text(f"select distinct enterprise_id from {table} where enterprise_id = any(:ids)"),
            {"ids": [of.main, of.station, of.user, of.elsewhere, of.abandoned]},
        )
        return set(rows.scalars())


@pytest.mark.clause("4.12_2")
@pytest.mark.parametrize("table", TABLES)
def test_rows_of_enterprises_follow_the_scope_of_who_asks(settings: Settings, firms: Firms, table: str) -> None:
    everybody = {firms.main, firms.station, firms.user, firms.elsewhere, firms.abandoned}
    expected = {
        Scope(whole_city=True): everybody,
        Scope(adcodes=frozenset({HERE})): firms.serving,
        Scope(adcodes=frozenset({ELSEWHERE})): {firms.elsewhere},
        Scope(adcodes=frozenset({HERE, ELSEWHERE})): firms.serving | {firms.elsewhere},
        Scope(adcodes=frozenset({"990199"})): set(),
        Scope(enterprise_ids=frozenset({firms.main})): {firms.main},
        Scope(): set(),
    }
    assert {scope: seen(settings, scope, table, firms) for scope in expected} == expected


def test_a_district_reads_and_does_not_write(settings: Settings, firms: Firms) -> None:
    district = Scope(adcodes=frozenset({HERE}))
    for statement in (
        "insert into report_order (kind, enterprise_id, period) values ('evaluation', :e, '2026-10-01')",
        "insert into site_evidence (enterprise_id, name, media_type, sm3, content) values (:e, 'x', 'x', 'x', 'x')",
        "update daily_supply set sold_m3 = 2 where enterprise_id = :e returning 1",
    ):
        try:
            with transaction(settings, district, worker=True) as session:
                assert session.execute(text(statement), {"e": firms.main}).first() is None
        except DBAPIError as refused:
            assert "row-level security" in str(refused)


def test_the_web_role_writes_nothing_that_enterprises_file(settings: Settings, firms: Firms) -> None:
    for statement in (
        "update enterprise_person set name = '李*' where enterprise_id = :e",
        "insert into monthly_report (enterprise_id, record_no, month, purchased_m3, sold_m3, receipt_id)"
        " values (:e, '2026-10', '2026-10-01', 1, 1, 1)",
    ):
        with pytest.raises(DBAPIError, match="permission denied"), transaction(settings, CITY) as session:
            session.execute(text(statement), {"e": firms.main})


def test_a_district_sees_no_steps_of_another_districts_application(settings: Settings, firms: Firms) -> None:
    with transaction(settings, CITY, worker=True) as session:
        for adcode, state in ((HERE, "withdrawn"), (ELSEWHERE, "applied")):
            number = session.scalar(
                text(
                    "insert into onboarding (enterprise_id, adcode, state, licence_no, licence_expire_on, contact_name,"
                    " contact_phone, system_name, datasets, doors, planned_on) values (:e, :a, :s, 'x', '2030-01-01',"
                    " 'x', 'x', 'x', '{RT}', '{http}', '2026-12-01') returning id"
                ),
                {"e": firms.main, "a": adcode, "s": state},
            )
            session.execute(
                text(
                    "insert into onboarding_step (onboarding_id, enterprise_id, step, reason, actor_name)"
                    " values (:n, :e, 'apply', :a, 'x')"
                ),
                {"n": number, "e": firms.main, "a": adcode},
            )
    for adcode in (HERE, ELSEWHERE):
        with transaction(settings, Scope(adcodes=frozenset({adcode}))) as session:
            assert session.scalars(text("select reason from onboarding_step")).all() == [adcode]


@pytest.mark.parametrize("role", [Role.SYSTEM_ADMIN, Role.CITY_REGULATOR, Role.DISTRICT_REGULATOR])
def test_people_of_an_enterprise_show_to_those_whose_reach_it_lies_in(
    committed: Committed, app: Flask, firms: Firms, role: Role
) -> None:
    def enter(session: Session) -> FlaskClient:
        adcodes = [HERE] if role == Role.DISTRICT_REGULATOR else None
        return browser_of(session, app, make_person(session, app, role, adcodes=adcodes))

    browser = committed(enter)
    for firm in (firms.main, firms.elsewhere):
        page = browser.get(f"/admin/enterprises/{firm}")
        within = role == Role.CITY_REGULATOR or (role == Role.DISTRICT_REGULATOR and firm == firms.main)
        assert (page.status_code, "张*" in page.text) == (200, within)


def test_a_forged_scope_shows_nothing(settings: Settings, firms: Firms) -> None:
    with transaction(settings, Scope()) as session:
        session.execute(text("select set_config('app.scope', :s, true)"), {"s": f"d:{HERE}"})
        assert session.scalar(text("select cardinality(scope_served_enterprises())")) == 0
        assert session.scalar(text("select count(*) from report")) == 0


@pytest.mark.clause("4.12_2")
@pytest.mark.parametrize("role", list(Role), ids=lambda role: role.name.lower())
def test_every_role_sees_the_reports_of_its_reach(
    committed: Committed, app: Flask, settings: Settings, firms: Firms, role: Role
) -> None:
    def enter(session: Session) -> FlaskClient:
        person = make_person(
            session,
            app,
            role,
            enterprise_id=firms.main if role in (Role.ENTERPRISE_MANAGER, Role.ENTERPRISE_SAFETY) else None,
            adcodes=[HERE] if role == Role.DISTRICT_REGULATOR else None,
            granted=[firms.main] if role in (Role.EXPERT, Role.EVALUATOR) else None,
        )
        return browser_of(session, app, person)

    browser = committed(enter)
    ids = committed(lambda s: {row[0]: row[1] for row in s.execute(text("select enterprise_id, id from report"))})
    reach = {
        Role.CITY_REGULATOR: set(firms.__dict__.values()), Role.CITY_DISPATCHER: set(firms.__dict__.values()),
        Role.DISTRICT_REGULATOR: firms.serving, Role.ENTERPRISE_MANAGER: {firms.main}, Role.ENTERPRISE_SAFETY: {firms.main},
        Role.EVALUATOR: {firms.main},
    }  # fmt: skip
    for enterprise_id in firms.__dict__.values():
        status = browser.get(f"/reports/{ids[enterprise_id]}").status_code
        visible = enterprise_id in reach[role] if role in reach else None
        assert status == {True: 200, False: 404, None: 403}[visible], (role, enterprise_id)


def test_the_condition_is_asked_once_a_query(settings: Settings, firms: Firms) -> None:
    with transaction(settings, Scope(adcodes=frozenset({HERE}))) as session:
        plan = "\n".join(session.scalars(text("explain select id from receipt")))
        assert "InitPlan" in plan
        assert session.scalar(select(func.cardinality(func.scope_served_enterprises()))) >= 3
