"""Every route with every role: the permission table decides, nothing breaks, foreign objects do not exist.

Routes are read from the application, so a new one is covered without a word here; a route over a new
kind of object needs a maker in `foreign_objects` to be tried with an id of another enterprise.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from werkzeug.routing import Rule

from gis.risk.defaults import VERSION_1
from ingestion_adapters.models import ImportJob, Receipt
from ingestion_adapters.quality.models import QualityFinding
from ingestion_adapters.quality.ruleset import install_rules, rules_in_force
from portal.accounts.models import Enterprise
from portal.accounts.rights import PERMISSIONS, Role
from portal.config import Settings
from portal.core.actor import CITY, cli_actor
from portal.core.db import transaction
from portal.events.rules import Terms
from portal.events.services import Subject, open_case
from portal.network.models import ShutoffPlan
from portal.operation.alarms.models import Alarm, AlarmHold
from portal.operation.alarms.services import NewAlarm, raise_alarm
from portal.operation.desk.models import AlarmAttachment
from portal.operation.devices.models import Device, FirmwareCampaign
from portal.operation.limits.models import LimitChange
from portal.operation.meters.models import GasMeter
from portal.operation.outages.models import Outage
from portal.operation.stations.models import StationCamera
from portal.safety.risk.compute import compute_some
from reports.models import ReportOrder, SiteEvidence, SiteFinding
from reports.services import Order, make_report
from tests.factories import file_records, make_enterprise, make_pipe, make_point, make_station
from tests.people import browser_of, make_person

NOBODYS_ID = 987_654_321
PROGRAM = "program"
MONTH = date(2026, 10, 1)
ENDS_THE_LOGIN = {"accounts.leave"}
ENTERPRISE_ROLES = (Role.ENTERPRISE_MANAGER, Role.ENTERPRISE_SAFETY)
WORDS = {"layer": "pipe", "dataset": "RT", "action": "accept", "key": "no.such.figure"}
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


@dataclass(frozen=True)
class Stage:
    """Browsers of each role at enterprise A, and objects of enterprise B by the name of the route's variable."""

    browsers: dict[Role, FlaskClient]
    foreign: dict[str, int]
    layers: dict[str, int]


def foreign_objects(session: Session, other: Enterprise, settings: Settings) -> tuple[dict[str, int], dict[str, int]]:
    """Make objects of another enterprise; return ids by variable and by map layer."""
    now = datetime.now(UTC)
    point, pipe, station = make_point(session, other), make_pipe(session, other), make_station(session, other)
    compute_some(session, VERSION_1, now, [pipe.id])
    new = NewAlarm(
        enterprise_id=other.id, adcode="990101", source="rule", kind=1, level=2, point_id=point.id, raised_at=now
    )
    alarm, _ = raise_alarm(session, new, actor=cli_actor())
    subject = Subject(other.id, "990101", 2, "trial", alarm.id)
    case = open_case(session, subject, terms=Terms(1, 24, False), now=now, actor=cli_actor())
    receipt = Receipt(
        enterprise_id=other.id, dataset="NET", batch_id="b1", door="upload", status="taken", body_sm3="0" * 64,
        body_bytes=1, rows=1, accepted=1, duplicate=0, rejected=0,
    )  # fmt: skip
    job = ImportJob(enterprise_id=other.id, files=["a.csv"], folder="no-such-folder", state="done")
    report = make_report(session, Order("evaluation", other.id, MONTH), settings=settings, actor=cli_actor(), now=now)
    ordered = ReportOrder(kind="evaluation", enterprise_id=other.id, period=MONTH)
    proof = SiteEvidence(
        enterprise_id=other.id, name="a.pdf", media_type="application/pdf", sm3="0" * 64, content=b"%PDF-"
    )
    finding = SiteFinding(
        enterprise_id=other.id, period_from=MONTH, number=1, version=1, method="site", subject="x", result="x",
        verdict="agrees", found_by="x", found_at=now, place="x", entered_by="x",
    )  # fmt: skip
    device, meter, outage, campaign = things_of_the_field(other, now)
    camera = StationCamera(
        enterprise_id=other.id, adcode="990101", station_id=station.id, code="1", name="x", kind="hls", address="/x", set_by="x"
    )
    session.add_all([camera, receipt, job, ordered, proof, finding, device, meter, outage, campaign])
    limits = LimitChange(
        enterprise_id=other.id, adcode="990101", title="x", reason="trial", grade=2, points=1, drafted_by="x", drafted_at=now
    )
    session.add(limits)
    session.flush()
    by_name = {
        "point_id": point.id,
        "alarm_id": alarm.id,
        "device_id": device.id,
        "meter_id": meter.id,
        "outage_id": outage.id,
        "change_id": limits.id,
        "campaign_id": campaign.id,
        "case_id": case.id,
        "receipt_id": receipt.id,
        "job_id": job.id,
        "import_id": job.id,
        "report_id": report.id,
        "order_id": ordered.id,
        "evidence_id": proof.id,
        "finding_id": finding.id,
        "pipe_id": pipe.id,
        "station_id": station.id,
        "camera_id": camera.id,
        "task_id": quality_task(session, other, now),
        "hold_id": held_and_shown(session, alarm)[0],
        "attachment_id": held_and_shown(session, alarm)[1],
        "shutoff_id": shutoff_plan(session, other, pipe.id, case.id, now),
        **{f"{table}_id": number for table, number in file_records(session, other).items()},
    }
    return by_name, {"pipe": pipe.id, "station": station.id, "sensor": point.id, "alarm": alarm.id}


def quality_task(session: Session, other: Enterprise, now: datetime) -> int:
    """Return the number of a quality finding of another enterprise."""
    install_rules(session, now)
    rule = rules_in_force(session)[0]
    made = QualityFinding(
        task_no=f"ZL{other.id}", enterprise_id=other.id, rule_id=rule.id, rule_code=rule.code, quality=rule.quality,
        severity=rule.severity, dataset="RT", object_kind="feed", object_key="feed:RT", object_code="RT", figures={},
        first_day=MONTH, last_day=MONTH, due_at=now,
    )  # fmt: skip
    session.add(made)
    session.flush()
    return made.id


def held_and_shown(session: Session, alarm: Alarm) -> tuple[int, int]:
    """Return the numbers of a hold and an attachment of an alarm of another enterprise."""
    now = datetime.now(UTC)
    hold = AlarmHold(
        enterprise_id=alarm.enterprise_id, adcode=alarm.adcode, kind=4, alarm_id=alarm.id, level=4, reason="x",
        begun_at=now, expires_at=now, begun_by="x", ended_at=now,
    )  # fmt: skip
    paper = AlarmAttachment(
        alarm_id=alarm.id, enterprise_id=alarm.enterprise_id, adcode=alarm.adcode, name="a.pdf",
        media_type="application/pdf", sm3="0" * 64, content=b"%PDF-", by_name="x",
    )  # fmt: skip
    session.add_all([hold, paper])
    session.flush()
    return hold.id, paper.id


def shutoff_plan(session: Session, other: Enterprise, pipe_id: int, case_id: int, now: datetime) -> int:
    """Return the number of a shut-off plan handed over for a pipe of another enterprise."""
    told = {"at": [], "stuck": [], "plan": 1, "valves": [], "sources_to_stop": [], "crosses_border": False, "enterprises": []}
    segment = {"pipes": 1, "roads": [], "pressure_classes": [5], "length_m": 1.0, "volume_m3": 0.0, "gas_nm3": 0.0,
               "vent_minutes": 0.0, "highest_kpa": 0.0, "unmeasured": 0, "assumed": 0}  # fmt: skip
    lost = {"pipes": 0, "length_m": 0.0, "users": 0, "households": 0, "by_kind": [], "special": [], "special_more": 0,
            "regulators": 0, "regulators_in_order": []}  # fmt: skip
    relight = {"valves": [], "regulators": [], "kinds": [], "person_days": 0.0, "homes_a_person_day": 40.0,
               "others_a_person_day": 4.0}  # fmt: skip
    kept = told | {"segment": segment, "lost": lost, "relight": relight, "geo": {"features": []}}
    made = ShutoffPlan(
        enterprise_id=other.id, adcode="990101", object_type="pipe", object_id=pipe_id, question=f"at=pipe:{pipe_id}",
        told=kept, sm3="0" * 64, case_id=case_id, seen_scope="*", made_by="x", made_at=now,
    )  # fmt: skip
    session.add(made)
    session.flush()
    return made.id


def things_of_the_field(other: Enterprise, now: datetime) -> tuple[Device, GasMeter, Outage, FirmwareCampaign]:
    """Return a device, a meter, an outage and a firmware campaign of another enterprise."""
    device = Device(enterprise_id=other.id, src_code="D1", kind=1, adcode="990101")
    meter = GasMeter(enterprise_id=other.id, src_code="M1", kind=4, adcode="990101")
    outage = Outage(
        enterprise_id=other.id, adcode="990101", level=2, subject="D1", points=1, silent=1, limit_s=900, began_at=now,
        noticed_at=now,
    )  # fmt: skip
    campaign = FirmwareCampaign(
        enterprise_id=other.id, title="x", maker="x", model="x", target="2", due_on=MONTH, reason="x", opened_by="x"
    )
    return device, meter, outage, campaign


@pytest.fixture(scope="module")
def stage(app: Flask, settings: Settings) -> Stage:
    """Give the browsers of every role and the objects of a stranger."""
    with transaction(settings, CITY, worker=True) as session:
        ours, other = make_enterprise(session), make_enterprise(session)
        browsers = {}
        for role in Role:
            user = make_person(
                session,
                app,
                role,
                enterprise_id=ours.id if role in ENTERPRISE_ROLES else None,
                adcodes=["990102"] if role == Role.DISTRICT_REGULATOR else None,
            )
            browsers[role] = browser_of(session, app, user)
        foreign, layers = foreign_objects(session, other, settings)
    return Stage(browsers, foreign, layers)


def routes(app: Flask) -> Iterator[tuple[Rule, str, str]]:
    """Give rule, method and permission of every route but static files."""
    for rule in sorted(app.url_map.iter_rules(), key=lambda each: (each.rule, each.endpoint)):
        if rule.endpoint.endswith("static"):
            continue
        for method in METHODS:
            if method in (rule.methods or ()):
                yield rule, method, str(getattr(app.view_functions[rule.endpoint], "permission", ""))


def address(app: Flask, rule: Rule, ids: dict[str, int], number: int = NOBODYS_ID, **words: str) -> str:
    """Return an address of a route: known ids by name, `number` for other numbers, a word for other variables."""
    values: dict[str, object] = {}
    for name in rule.arguments:
        kind = type(rule._converters[name]).__name__
        if kind == "IntegerConverter":
            values[name] = ids.get(name, number)
        elif kind == "FloatConverter":
            values[name] = 1.5
        elif kind == "UUIDConverter":
            values[name] = "00000000-0000-4000-8000-000000000000"
        else:
            values[name] = words.get(name) or WORDS.get(name, "x")
    with app.test_request_context():
        return app.url_map.bind("localhost").build(rule.endpoint, values, method=None, force_external=False)


def status_of(client: FlaskClient, method: str, url: str, **how: str) -> int:
    """Return the status of a call; a stream is closed at its head."""
    answer = client.open(url, method=method, headers=how)
    answer.close()
    return answer.status_code


@pytest.mark.clause("5.1-5e_1")
def test_no_route_is_without_permission(app: Flask) -> None:
    known = {"public", PROGRAM} | set().union(*PERMISSIONS.values())
    assert {permission for _, _, permission in routes(app)} <= known


def answered(rule: Rule, status: int) -> bool:
    """Return whether a route did its duty; readiness without a scheduler and streams without their process say 503."""
    return status < 500 or (status == 503 and rule.endpoint in ("health.readyz", "live.stream"))


@pytest.mark.clause("5.1-5e_1")
def test_visitor_reaches_public_routes_only(app: Flask) -> None:
    client, wrong = app.test_client(), []
    for rule, method, permission in routes(app):
        url = address(app, rule, {}, number=1)
        answer = client.open(url, method=method)
        asked = answer.status_code == 401 or answer.headers.get("Location", "").startswith("/login")
        fits = answered(rule, answer.status_code) if permission == "public" else asked
        if not fits:
            wrong.append((method, url, answer.status_code))
    assert wrong == []


@pytest.mark.clause("5.1-5e_1")
@pytest.mark.parametrize("role", list(Role), ids=lambda role: role.name.lower())
def test_role_reaches_what_its_permissions_say(app: Flask, stage: Stage, role: Role) -> None:
    client, wrong = stage.browsers[role], []
    for rule, method, permission in routes(app):
        allowed = permission in PERMISSIONS[role]
        if allowed and rule.endpoint in ENDS_THE_LOGIN:
            continue
        url = address(app, rule, {})
        # A refusal as JSON is the same refusal without a page drawn around it: three thousand of them take a while.
        status = status_of(client, method, url, **({} if allowed else {"Accept": "application/json"}))
        if permission == PROGRAM:
            fits = status == 401
        elif permission == "public":
            fits = answered(rule, status)
        elif allowed:
            fits = answered(rule, status) and status != 401
        else:
            fits = status == 403
        if not fits:
            wrong.append((method, url, permission, status))
    assert wrong == []


@pytest.mark.parametrize("number", [0, 1, 2**31, 2**63 - 1, 2**63, 2**70])
def test_absurd_numbers_break_nothing(app: Flask, stage: Stage, number: int) -> None:
    wrong = []
    for rule, method, permission in routes(app):
        if method != "GET" or not rule.arguments:
            continue
        for role in (Role.CITY_REGULATOR, Role.SYSTEM_ADMIN, Role.AUDITOR):
            if permission in PERMISSIONS[role]:
                status = status_of(stage.browsers[role], method, address(app, rule, {}, number=number))
                if status >= 500:
                    wrong.append((rule.rule, role.name, status))
    assert wrong == []


def foreign_addresses(app: Flask, stage: Stage) -> Iterator[tuple[str, str, str]]:
    """Give method, address and permission of every route over an object of the other enterprise."""
    for rule, method, permission in routes(app):
        if rule.rule.startswith("/map/object/"):
            for layer, number in stage.layers.items():
                yield method, address(app, rule, {"object_id": number}, layer=layer), permission
        elif stage.foreign.keys() & rule.arguments and permission != PROGRAM:
            yield method, address(app, rule, stage.foreign), permission


@pytest.mark.clause("4.12_2")
@pytest.mark.parametrize(
    "role",
    [*ENTERPRISE_ROLES, Role.DISTRICT_REGULATOR, Role.EXPERT, Role.EVALUATOR],
    ids=lambda role: role.name.lower(),
)
def test_object_of_another_enterprise_does_not_exist(app: Flask, stage: Stage, role: Role) -> None:
    wrong = []
    for method, url, permission in foreign_addresses(app, stage):
        status = status_of(stage.browsers[role], method, url)
        # A form may be judged before its object is looked for; that tells nothing about the object.
        hidden = {404} if method == "GET" else {404, 422, 403}
        if status not in (hidden if permission in PERMISSIONS[role] else {403}):
            wrong.append((method, url, status))
    assert wrong == []


def test_the_same_objects_exist_for_the_city(app: Flask, stage: Stage) -> None:
    client = stage.browsers[Role.CITY_REGULATOR]
    pages = [url for method, url, permission in foreign_addresses(app, stage) if method == "GET"]
    # Only a mapped batch is kept as sent; alarms and points have no versions; no border was matched here.
    absent = re.compile(r"/sent$|/map/object/(alarm|sensor)/\d+/versions$|^/network/borders/\d+$")
    pages = [url for url in pages if not absent.search(url)]
    found = {url: status_of(client, "GET", url) for url in pages}
    assert len(found) >= 6
    assert {url: status for url, status in found.items() if status in (401, 403, 404) or status >= 500} == {}


def test_ended_login_reaches_nothing(app: Flask, settings: Settings) -> None:
    with transaction(settings, CITY, worker=True) as session:
        user = make_person(session, app)
        client = browser_of(session, app, user)
    assert client.get("/account").status_code == 200
    with transaction(settings, CITY, worker=True) as session:
        session.merge(user).disabled_at = datetime.now(UTC) - timedelta(seconds=1)
    assert client.get("/account").status_code == 302
