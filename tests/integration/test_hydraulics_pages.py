"""Hydraulics over HTTP: figures and words, scope, tables and files, kept scenarios with a case, comparison, bad input."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from gis.network.models import GasUser, Regulator, Valve
from portal.accounts.rights import Role
from portal.config import Settings
from portal.core.actor import CITY
from portal.core.db import transaction
from tests.factories import make_enterprise, make_node, make_pipe, make_station, place
from tests.people import browser_of, make_person

BASE = "/network/hydraulics"


@dataclass(frozen=True)
class Line:
    """A gate, a main through two enterprises with a valve at their border, a regulator and homes at its end."""

    codes: dict[str, str]
    valve: int
    station: int
    nodes: list[int]
    city: FlaskClient
    ours: FlaskClient
    theirs: FlaskClient
    auditor: FlaskClient


@pytest.fixture(scope="module")
def line(app: Flask, settings: Settings) -> Iterator[Line]:
    """Give the line, committed."""
    with transaction(settings, CITY, worker=True) as session:
        ours, theirs = make_enterprise(session), make_enterprise(session)
        owner, mark = [ours, ours, ours, theirs, theirs, theirs], f"HP{ours.id}"
        nodes = [
            make_node(session, owner[i], src_code=f"{mark}N{i}", lon=112.7 + i / 1000, elevation_m=20.0).id
            for i in range(6)
        ]
        for i in (0, 1, 2, 4):
            make_pipe(
                session, owner[i + 1], src_code=f"{mark}P{i}", from_node_id=nodes[i], to_node_id=nodes[i + 1],
                wall_mm=14.6, length_m=400.0, pressure_class=7 if i == 4 else 5, road_name="临江路",
            )  # fmt: skip
        station = make_station(session, ours, src_code=f"{mark}S", node_id=nodes[0], p_out_mpa=0.3).id
        shut = Valve(
            enterprise_id=theirs.id, src_code=f"{mark}V", node_id=nodes[2], dn_mm=150, kind=1, drive=1, normal_state=1,
            current_state=1, geom=place(),
        )  # fmt: skip
        session.add(shut)
        session.add(Regulator(
            enterprise_id=theirs.id, src_code=f"{mark}R", node_id=nodes[3], outlet_node_id=nodes[4], form=3,
            inlet_class=5, outlet_class=7, p2_set_kpa=2.6, design_m3_per_h=400, geom=place(),
        ))  # fmt: skip
        for code, who, node, kind in (("U1", ours, nodes[1], 40), ("U2", theirs, nodes[5], 10)):
            session.add(GasUser(
                enterprise_id=who.id, src_code=f"{mark}{code}", node_id=node, user_class=kind, households=3, geom=place(),
            ))  # fmt: skip
        session.flush()

        def of(role: Role, **more: Any) -> FlaskClient:
            return browser_of(session, app, make_person(session, app, role, **more))

        made = Line(
            {"ours": f"{mark}P0", "theirs": f"{mark}P2"}, shut.id, station, nodes, of(Role.CITY_DISPATCHER),
            of(Role.ENTERPRISE_SAFETY, enterprise_id=ours.id), of(Role.ENTERPRISE_SAFETY, enterprise_id=theirs.id),
            of(Role.AUDITOR),
        )  # fmt: skip
    yield made


def ask(browser: FlaskClient, address: str, *, status: int = 200) -> Any:
    answer = browser.get(f"{BASE}{address}", headers={"Accept": "application/json"})
    assert answer.status_code == status, answer.get_data(as_text=True)[:600]
    return answer.get_json()


def page(browser: FlaskClient, address: str) -> str:
    answer = browser.get(f"{BASE}{address}")
    assert answer.status_code == 200, answer.get_data(as_text=True)[:600]
    return answer.get_data(as_text=True)


def test_closing_the_border_valve_is_told_in_words_and_never_as_a_number(line: Line) -> None:
    before, after = (
        ask(line.theirs, "/solve.json?hour=12"),
        ask(line.theirs, f"/solve.json?hour=12&closed={line.valve}"),
    )
    assert before["users_without"] == 0 and before["problems"] == []
    assert after["users_without"] == 1 and after["households_without"] == 3
    assert {each["trouble"] for each in after["problems"]} == {"no_source"}
    assert all(each["words"] for each in after["problems"])
    geo = ask(line.theirs, f"/solve.json?hour=12&closed={line.valve}&geo=1")["geo"]["features"]
    cut = next(each["properties"] for each in geo if each["properties"]["code"] == line.codes["theirs"])
    assert (cut["band"], cut["kpa"], cut["flow"]) == ("none", None, None)


def test_an_enterprise_sees_its_own_pipes_and_counts_only(line: Line) -> None:
    ours, theirs = (page(each, "/table?hour=12&kind=pipes") for each in (line.ours, line.theirs))
    assert line.codes["ours"] in ours and line.codes["theirs"] not in ours
    assert line.codes["theirs"] in theirs and line.codes["ours"] not in theirs
    csv = page(line.ours, "/table.csv?hour=12&kind=nodes")
    assert f"{line.codes['ours'][:-2]}N0" in csv and f"{line.codes['ours'][:-2]}N5" not in csv
    # Another's valve or station cannot be named in a scenario.
    assert ask(line.ours, f"/solve.json?closed={line.valve}", status=404)["code"] == "hydraulic_valve"
    assert ask(line.theirs, f"/solve.json?lost={line.station}", status=404)["code"] == "hydraulic_station"
    assert line.auditor.get(BASE).status_code == 403


def test_every_page_shows_the_scenario(line: Line) -> None:
    shown = page(line.city, f"?hour=12&closed={line.valve}")
    assert "hy-line hy-none" in shown and "无气源" in shown
    assert "调压设施之后" in page(line.city, f"/profile?hour=12&from={line.nodes[0]}&to={line.nodes[5]}")
    users = page(line.city, f"/table?hour=12&kind=users&closed={line.valve}")
    assert "无稳态解" in users
    panel = ask(line.city, "/panel?hour=12")
    assert panel["geo"]["features"] and "hydraulics-panel" in panel["html"]


def test_a_lost_source_leaves_hours(line: Line) -> None:
    lost = page(line.city, f"/hours?hour=12&lost={line.station}")
    assert "可用" in lost and "没有分区失去供气" not in lost
    assert "没有分区失去供气" in page(line.city, "/hours?hour=12")


def test_a_kept_scenario_keeps_its_results_when_the_network_changes(line: Line, settings: Settings) -> None:
    kept = line.city.post(
        f"{BASE}/scenarios?hour=12&closed={line.valve}",
        data={"name": "关闭界阀", "note": "演练"},
        follow_redirects=False,
    )
    assert kept.status_code == 302
    address = kept.headers["Location"].removeprefix(BASE)
    number = address.rpartition("/")[2]
    assert "关闭界阀" in page(line.city, address) and "关闭界阀" in page(line.city, "/scenarios")
    compared = page(line.city, f"/compare?a=now&b={number}&kind=pipes")
    assert line.codes["theirs"] in compared
    csv = page(line.city, f"/compare.csv?a={number}&b={number}")
    assert csv.strip().count("\n") == 0
    # Enterprises do not see what the city keeps, and nobody changes it.
    assert line.theirs.get(f"{BASE}{address}").status_code == 404
    with transaction(settings, CITY) as session, pytest.raises(Exception, match="permission denied"):
        session.execute(text("update hydraulic_scenario set name = 'x'"))
    assert line.ours.post(f"{BASE}/scenarios?hour=12", data={"name": "x"}).status_code == 403


MANY = ",".join(map(str, range(1, 300)))


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ("/solve.json?factor=-1", "hydraulic_factor"), ("/solve.json?factor=x", "hydraulic_factor"),
        ("/solve.json?hour=24", "hydraulic_hour"), ("/solve.json?hour=abc", "hydraulic_hour"),
        ("/solve.json?closed=1;drop", "hydraulic_numbers"), (f"/solve.json?closed={MANY}", "hydraulic_numbers"),
        ("/profile?from=%3Cscript%3E", "hydraulic_path"), ("/profile?from=999999999&to=1", "hydraulic_no_path"),
        ("/compare?a=zz&b=now", "hydraulic_scenario"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_with_a_code(line: Line, address: str, code: str) -> None:
    assert ask(line.city, address, status=422)["code"] == code


def test_an_odd_page_or_order_gives_the_nearest_there_is(line: Line) -> None:
    assert "共" in page(line.city, "/table?kind=zzz&sort=zzz&page=99999")
    assert ask(line.city, "/compare?a=999999&b=now", status=404)["code"] == "hydraulic_scenario"
