"""Questions to the network over HTTP: plans, stuck valves, borders, traces, zones, files, handing over, bad input."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from openpyxl import load_workbook
from sqlalchemy import text
from sqlalchemy.orm import Session

from gis.network.fresh import Keeper, known_grid, version_of
from gis.network.models import GasUser, Pipe, Regulator, Valve
from portal.accounts.models import Enterprise
from portal.accounts.rights import Role
from portal.config import Settings
from portal.core.actor import CITY
from portal.core.db import transaction
from tests.factories import make_enterprise, make_node, make_pipe, make_station, place
from tests.people import browser_of, make_person

FRESH_WITHIN_S = 5.0


@dataclass(frozen=True)
class Street:
    """A main of six pipes from a gate through two enterprises, with browsers of people who look at it."""

    pipes: list[int]
    valves: dict[str, int]
    users: dict[str, int]
    station: int
    owners: tuple[int, int]
    city: FlaskClient
    district: FlaskClient
    ours: FlaskClient
    theirs: FlaskClient
    expert: FlaskClient


def _valve(session: Session, owner: Enterprise, node: int, code: str, adcode: str, **given: Any) -> int:
    values = {"dn_mm": 200.0, "kind": 1, "drive": 1, "normal_state": 1, "current_state": 1}
    made = Valve(
        enterprise_id=owner.id, src_code=code, node_id=node, adcode=adcode, geom=place(112.5 + node % 7 / 1000, 32.0),
        **values | given,
    )  # fmt: skip
    session.add(made)
    session.flush()
    return made.id


def _user(session: Session, owner: Enterprise, node: int, code: str, user_class: int, name: str, adcode: str) -> int:
    made = GasUser(
        enterprise_id=owner.id, src_code=code, node_id=node, user_class=user_class, name=name, adcode=adcode,
        address="云川市江北区滨江路12号3栋", households=1, geom=place(112.503123, 32.001234),
    )  # fmt: skip
    session.add(made)
    session.flush()
    return made.id


def build(session: Session, app: Flask) -> Street:
    """Lay the street: gate - A - B - C | D - E - F, valves at B, C, D and E, the border between C and D."""
    ours, theirs = make_enterprise(session), make_enterprise(session)
    owner = [ours, ours, ours, theirs, theirs, theirs, theirs]
    code = [("990101" if each is ours else "990102") for each in owner]
    nodes = [
        make_node(session, owner[i], src_code=f"Q{ours.id}N{i}", lon=112.5 + i / 1000, adcode=code[i]).id
        for i in range(7)
    ]
    pipes = [
        make_pipe(
            session, owner[i + 1] if i >= 2 else ours, src_code=f"Q{ours.id}P{i}", from_node_id=nodes[i],
            to_node_id=nodes[i + 1], wall_mm=14.6, adcode=code[min(i + 1, 6)], road_name="滨江路",
        ).id
        for i in range(6)
    ]  # fmt: skip
    station = make_station(session, ours, src_code=f"Q{ours.id}S", node_id=nodes[0]).id
    valves = {
        name: _valve(session, owner[at], nodes[at], f"Q{ours.id}V{name}", code[at], **more)
        for name, at, more in (("B", 1, {"remote": True}), ("C", 2, {}), ("D", 3, {}), ("E", 4, {}))
    }
    users = {
        "hospital": _user(session, theirs, nodes[6], "U-000001", 20, "云川**医院", "990102"),
        "home": _user(session, theirs, nodes[6], "U-0000012345", 10, "张三丰", "990102"),
        "school": _user(session, ours, nodes[2], "U-000003", 20, "云川**小学", "990101"),
        "plant": _user(session, theirs, nodes[5], "U-000004", 40, "云川**厂", "990102"),
    }

    def of(role: Role, **more: Any) -> FlaskClient:
        return browser_of(session, app, make_person(session, app, role, **more))

    return Street(
        pipes=pipes, valves=valves, users=users, station=station, owners=(ours.id, theirs.id),
        city=of(Role.CITY_REGULATOR), district=of(Role.DISTRICT_REGULATOR, adcodes=["990102"]),
        ours=of(Role.ENTERPRISE_SAFETY, enterprise_id=ours.id),
        theirs=of(Role.ENTERPRISE_SAFETY, enterprise_id=theirs.id), expert=of(Role.AUDITOR),
    )  # fmt: skip


@pytest.fixture(scope="module")
def street(app: Flask, settings: Settings) -> Iterator[Street]:
    """Give the street, committed."""
    with transaction(settings, CITY, worker=True) as session:
        made = build(session, app)
    yield made


def ask(browser: FlaskClient, address: str, *, status: int = 200) -> Any:
    """Return the JSON of an address that must answer so."""
    answer = browser.get(address, headers={"Accept": "application/json"})
    assert answer.status_code == status, answer.get_data(as_text=True)[:600]
    return answer.get_json()


def codes(rows: list[dict[str, Any]]) -> list[str]:
    """Return the last letter of each code."""
    return [row["code"][-1] for row in rows]


@pytest.mark.clause("7.2.5.2-ab_2", "7.2.7.6-i_5")
def test_a_plan_names_valves_in_order_and_who_loses_gas(street: Street) -> None:
    told = ask(street.city, f"/network/isolation.json?at=pipe:{street.pipes[2]}")
    assert codes(told["valves"]) == ["C"]
    kinds = {row["kind"]: row["users"] for row in told["lost"]["by_kind"]}
    assert kinds == {"hospital": 1, "industry": 1, "residential": 1}
    assert [row["kind"] for row in told["lost"]["special"]] == ["hospital", "industry"]
    assert told["segment"]["pipes"] == 1 and told["segment"]["volume_m3"] > 0
    assert told["segment"]["gas_nm3"] > told["segment"]["volume_m3"] and told["segment"]["vent_minutes"] > 0
    assert told["relight"]["kinds"] == ["hospital", "industry", "residential"]
    assert told["relight"]["person_days"] == pytest.approx(1 / 40 + 2 / 4, abs=0.05)
    assert not told["crosses_border"] and told["enterprises"] == sorted(street.owners)


def test_a_stuck_valve_gives_the_next_best_plan(street: Street) -> None:
    told = ask(street.city, f"/network/isolation.json?at=pipe:{street.pipes[2]}&stuck={street.valves['C']}&plans=1")
    assert codes(told["valves"]) == ["B"] and told["valves"][0]["effort"] == 0
    assert codes(told["stuck"]) == ["C"]
    assert {row["kind"] for row in told["lost"]["by_kind"]} == {"hospital", "school", "industry", "residential"}
    both = f"{street.valves['C']},{street.valves['B']}"
    worse = ask(street.city, f"/network/isolation.json?at=pipe:{street.pipes[2]}&stuck={both}")
    assert worse["valves"] == [] and [row["id"] for row in worse["sources_to_stop"]] == [street.station]


def test_plans_are_ranked_by_readiness_and_the_gentlest_is_shown(street: Street) -> None:
    told = ask(street.city, f"/network/isolation.json?at=pipe:{street.pipes[2]}&plans=1")
    ranked = told["plans"]
    assert [row["plan"] for row in ranked] == list(range(1, len(ranked) + 1)) and len(ranked) >= 2
    assert ranked[0]["on_site"] == 0  # the remote valve B is the readiest
    assert next(row for row in ranked if row["keeps_most"])["plan"] == told["plan"]
    other = ask(street.city, f"/network/isolation.json?at=pipe:{street.pipes[2]}&plan=1")
    assert codes(other["valves"]) == ["B"]


def test_two_places_are_shut_off_at_once(street: Street) -> None:
    both = f"pipe:{street.pipes[1]},pipe:{street.pipes[4]}"
    told = ask(street.city, f"/network/isolation.json?at={both}")
    assert [row["id"] for row in told["at"]] == [street.pipes[1], street.pipes[4]]
    assert codes(told["valves"]) == ["B"] and told["segment"]["pipes"] >= 2


def test_valves_users_and_stations_can_be_asked_about(street: Street) -> None:
    at_valve = ask(street.city, f"/network/isolation.json?at=valve:{street.valves['D']}")
    assert codes(at_valve["valves"]) == ["C"]
    at_user = ask(street.city, f"/network/isolation.json?at=user:{street.users['hospital']}")
    assert codes(at_user["valves"]) == ["E"]
    assert ask(street.city, f"/network/isolation.json?at=station:{street.station}")["sources_to_stop"]


@pytest.mark.clause("5.1-5e_1")
def test_an_enterprise_sees_its_own_objects_and_that_the_plan_crosses_a_border(street: Street) -> None:
    # The pipe is theirs, the valve to close ours: they learn that, not its code.
    told = ask(street.theirs, f"/network/isolation.json?at=pipe:{street.pipes[2]}&plans=1&geo=1")
    assert told["valves"] == [] and told["crosses_border"] and told["enterprises"] == [street.owners[1]]
    assert not [name for name in ("VB", "VC", "P0", "P1") if f"Q{street.owners[0]}{name}" in str(told)]
    assert all(plan["valves"] <= 1 for plan in told["plans"])
    mine = ask(street.ours, f"/network/isolation.json?at=pipe:{street.pipes[1]}")
    assert codes(mine["valves"]) == ["B"] and mine["crosses_border"]
    assert {row["kind"] for row in mine["lost"]["by_kind"]} == {"school"}
    ask(street.ours, f"/network/isolation.json?at=pipe:{street.pipes[2]}", status=404)
    ask(street.theirs, f"/network/isolation.json?at=pipe:{street.pipes[2]}&stuck={street.valves['C']}", status=404)
    district = ask(street.district, f"/network/isolation.json?at=pipe:{street.pipes[3]}")
    assert codes(district["valves"]) == ["D"] and not district["crosses_border"]


def test_personal_data_of_homes_are_masked_everywhere(street: Street) -> None:
    at = f"at=pipe:{street.pipes[2]}"
    for form in ("csv", "geojson", "xlsx"):
        answer = street.city.get(f"/network/isolation/users.{form}?{at}")
        assert answer.status_code == 200
        said = _text_of(answer.data) if form == "xlsx" else answer.get_data(as_text=True)
        assert "张*" in said and "张三丰" not in said and "U-0000012345" not in said and "2345" in said
        assert said.count("12号3栋") == 2  # of the hospital and the plant, not of the home
        assert "112.503123" in said and "112.503," in said.replace(" ", "").replace("112.503]", "112.503,")


def _text_of(content: bytes) -> str:
    rows = load_workbook(io.BytesIO(content), read_only=True).worksheets[0].iter_rows(values_only=True)
    return "\n".join(",".join(str(cell) for cell in row) + "," for row in rows)


def test_every_export_is_in_the_audit(street: Street, owner: Session) -> None:
    count = text("select count(*) from audit_entry where object_type = :kind")
    before = owner.scalar(count, {"kind": "shutoff_valves"})
    owner.rollback()
    answer = street.city.get(f"/network/isolation/valves.csv?at=pipe:{street.pipes[2]}")
    assert answer.status_code == 200 and f"Q{street.owners[0]}VC" in answer.get_data(as_text=True)
    assert street.city.get(f"/network/isolation/pipes.geojson?at=pipe:{street.pipes[2]}").get_json()["features"]
    assert owner.scalar(count, {"kind": "shutoff_valves"}) == (before or 0) + 1


def test_the_sheet_is_drawn_from_the_data_and_becomes_a_pdf(street: Street) -> None:
    at = f"at=pipe:{street.pipes[2]}"
    page = street.city.get(f"/network/isolation/print?{at}").get_data(as_text=True)
    assert "<svg" in page and f"Q{street.owners[0]}VC" in page and "云川**医院" in page
    paper = street.city.get(f"/network/isolation.pdf?{at}")
    assert paper.status_code == 200 and paper.data.startswith(b"%PDF")


@pytest.mark.clause("7.2.5.2-ab_2")
def test_a_plan_handed_over_opens_one_urgent_case_and_is_kept_as_told(street: Street, owner: Session) -> None:
    address = f"/network/isolation/handover?at=pipe:{street.pipes[4]}"
    first, again = street.city.post(address), street.city.post(address)
    assert first.status_code == 302 and first.headers["Location"] == again.headers["Location"]
    page = street.city.get(first.headers["Location"])
    assert page.status_code == 200 and f"Q{street.owners[0]}VE" in page.get_data(as_text=True)
    row = owner.execute(
        text(
            "select p.sm3, c.case_class, c.level, c.enterprise_id from shutoff_plan p "
            "join supervision_case c on c.id = p.case_id where p.object_id = :pipe"
        ),
        {"pipe": street.pipes[4]},
    ).all()
    owner.rollback()
    assert [tuple(each)[1:] for each in row] == [(1, 1, street.owners[1])]
    assert street.ours.get(first.headers["Location"]).status_code == 404
    theirs = street.theirs.get(first.headers["Location"])
    assert theirs.status_code == 302 and "/network/isolation/print" in theirs.headers["Location"]
    assert street.theirs.post(address).status_code == 403
    with pytest.raises(Exception, match="append|insert only|refuse|not be changed|cannot"):
        owner.execute(text("update shutoff_plan set made_by = 'x'"))
    owner.rollback()


def test_traces_and_zones_answer_with_geometry(street: Street) -> None:
    down = ask(street.city, f"/network/trace.json?at=pipe:{street.pipes[3]}&way=down")
    assert down["users"] == 3 and down["pipes"] == 2 and [row["id"] for row in down["sources"]] == [street.station]
    up = ask(street.city, f"/network/trace.json?at=user:{street.users['hospital']}&way=up")
    assert up["pipes"] == 6 and any(each["properties"]["part"] == "traced" for each in up["geo"]["features"])
    zone = ask(street.city, f"/network/zone.json?at=valve:{street.valves['D']}")
    assert zone["fed"] and zone["pipes"] == 6 and zone["sources_inside"] == 1
    mine = ask(street.ours, f"/network/trace.json?at=pipe:{street.pipes[1]}&way=down")
    assert mine["crosses_border"] and mine["users"] == 1


def test_panels_carry_words_and_what_to_draw(street: Street) -> None:
    for address in (
        f"/network/isolation/panel?at=pipe:{street.pipes[2]}&stuck={street.valves['C']}",
        f"/network/trace/panel?at=pipe:{street.pipes[2]}&way=sources",
        f"/network/zone/panel?at=pipe:{street.pipes[2]}",
    ):
        told = ask(street.city, address)
        assert "data-net-panel" in told["html"] and told["geo"]["features"] and len(told["box"]) == 4


BAD = (
    ("", 422, "network_place_needed"),
    ("at=pipe", 422, "network_place_unreadable"),
    ("at=moon:1", 422, "network_place_unreadable"),
    ("at=pipe:0", 422, "network_place_unreadable"),
    ("at=pipe:-5", 422, "network_place_unreadable"),
    ("at=pipe:99999999999999999999", 422, "network_place_unreadable"),
    ("at=pipe:%00", 422, "network_place_unreadable"),
    ("at=pipe:1%27%3Bdrop", 422, "network_place_unreadable"),
    ("at=pipe:987654321", 404, "map_object"),
    ("at=pipe:1,pipe:2,pipe:3,pipe:4,pipe:5,pipe:6", 422, "network_places_too_many"),
    ("at=pipe:{fed}&stuck=x", 422, "network_valves_unreadable"),
    ("at=pipe:{fed}&stuck=987654321", 404, "network_valve_not_there"),
    ("at=pipe:{fed}&plan=9", 422, "network_plan_unknown"),
)


@pytest.mark.parametrize(("words", "status", "code"), BAD)
def test_what_cannot_be_read_gets_words_and_a_code(street: Street, words: str, status: int, code: str) -> None:
    told = ask(street.city, f"/network/isolation.json?{words.format(fed=street.pipes[2])}", status=status)
    assert told["code"] == code and told["detail"]


def test_odd_but_stored_networks_never_break(street: Street, committed: Callable[..., Any], settings: Settings) -> None:
    def odd(session: Session) -> dict[str, int]:
        owner = make_enterprise(session)
        here, there = (make_node(session, owner, src_code=f"ODD{i}", lon=112.6 + i / 1000).id for i in range(2))
        lone = make_pipe(session, owner, src_code="ODDP", from_node_id=here, to_node_id=there)
        loop = make_pipe(session, owner, src_code="ODDL", from_node_id=here, to_node_id=here)
        flat = make_pipe(session, owner, src_code="ODDZ", from_node_id=here, to_node_id=there, length_m=0.0)
        gone = make_pipe(session, owner, src_code="ODDG", from_node_id=here, to_node_id=there, status=7)
        return {"lone": lone.id, "loop": loop.id, "flat": flat.id, "gone": gone.id}

    made = committed(odd)
    wait_until_fresh(settings)
    for name, code in (
        ("lone", "network_unfed"), ("loop", "network_unfed"), ("flat", "network_unfed"), ("gone", "network_not_connected"),
    ):  # fmt: skip
        assert ask(street.city, f"/network/isolation.json?at=pipe:{made[name]}", status=422)["code"] == code
    assert (
        ask(street.city, f"/network/trace.json?at=pipe:{made['lone']}&way=up", status=422)["code"]
        == "network_unfed_trace"
    )
    assert ask(street.city, f"/network/zone.json?at=pipe:{made['loop']}")["fed"] is False
    assert ask(street.city, "/network/trace.json?at=pipe:1&way=around", status=422)["code"] == "network_way_unknown"


def wait_until_fresh(settings: Settings) -> float:
    """Wait until the held graph is of the stored version; return how long it took, s."""
    began = time.monotonic()
    while True:
        with transaction(settings, CITY) as session:
            stored = version_of(session)
        if known_grid(settings).version == stored:
            return time.monotonic() - began
        assert time.monotonic() - began < 30
        time.sleep(0.1)


def test_a_valve_closed_by_an_enterprise_is_in_the_answer_within_five_seconds(
    street: Street, committed: Callable[..., Any]
) -> None:
    address = f"/network/isolation.json?at=pipe:{street.pipes[5]}"
    assert codes(ask(street.city, address)["valves"]) == ["E"]
    close = text("update gas_valve set current_state = :state where id = :id")
    committed(lambda session: session.execute(close, {"state": 0, "id": street.valves["E"]}))
    try:
        began = time.monotonic()
        while street.city.get(address).status_code == 200:
            assert time.monotonic() - began < FRESH_WITHIN_S
            time.sleep(0.2)
        assert ask(street.city, address, status=422)["code"] == "network_unfed"
    finally:
        committed(lambda session: session.execute(close, {"state": 1, "id": street.valves["E"]}))
    began = time.monotonic()
    while street.city.get(address).status_code != 200:
        assert time.monotonic() - began < FRESH_WITHIN_S
        time.sleep(0.2)


def test_the_graph_is_not_loaded_again_while_nothing_changes(settings: Settings, street: Street) -> None:
    keeper = Keeper()
    first = keeper.grid(settings)
    keeper._asked_at -= 10
    assert keeper.grid(settings) is first


def test_a_regulator_is_shut_off_at_its_inlet(
    street: Street, committed: Callable[..., Any], settings: Settings
) -> None:
    def add(session: Session) -> int:
        node = session.execute(
            text("select to_node_id, enterprise_id from gas_pipe where id = :p"), {"p": street.pipes[5]}
        ).one()
        made = Regulator(
            enterprise_id=node.enterprise_id, src_code="QREG", node_id=node.to_node_id, form=2, inlet_class=5,
            outlet_class=7, adcode="990102", geom=place(),
        )  # fmt: skip
        session.add(made)
        session.flush()
        return made.id

    number = committed(add)
    wait_until_fresh(settings)
    told = ask(street.city, f"/network/isolation.json?at=regulator:{number}")
    assert codes(told["valves"]) == ["E"] and told["lost"]["regulators"] == 1


def test_who_may_not_see_the_map_asks_nothing(street: Street) -> None:
    for address in ("/network/isolation.json?at=pipe:1", "/network/atlas", "/network/zone.json?at=pipe:1"):
        assert street.expert.get(address).status_code == 403


def test_a_pipe_laid_this_moment_is_in_the_answer_at_once(street: Street, committed: Callable[..., Any]) -> None:
    known = ask(street.city, f"/network/isolation.json?at=pipe:{street.pipes[5]}")

    def lay(session: Session) -> int:
        beside = session.get_one(Pipe, street.pipes[5])
        ends = {"from_node_id": beside.from_node_id, "to_node_id": beside.to_node_id}
        return make_pipe(session, session.get_one(Enterprise, beside.enterprise_id), src_code="JUSTLAID", **ends).id

    fresh = committed(lay)
    try:
        assert codes(ask(street.city, f"/network/isolation.json?at=pipe:{fresh}")["valves"]) == codes(known["valves"])
    finally:
        committed(lambda session: session.execute(text("update gas_pipe set status = 7 where id = :id"), {"id": fresh}))
