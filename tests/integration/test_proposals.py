"""Proposed corrections on PostGIS: beside the value, answered, followed, in conflict; who sees and may do what."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.orm import Session

from gis.network.models import Pipe, Valve
from portal.accounts.rights import Rights, Role
from portal.config import Settings
from portal.core.actor import CITY, Actor, Scope
from portal.core.clock import utc_now
from portal.core.db import transaction
from portal.core.errors import Conflict, Invalid, NotAllowed, NotFound
from portal.proposals.jobs import follow_proposals
from portal.proposals.models import Proposal
from portal.proposals.services import Wish, answer, answer_many, propose, withdraw
from tests.factories import make_enterprise, make_node, make_pipe, place
from tests.integration.test_tiles_map import log_in

REGULATOR = Actor("user", None, "city", scope=CITY, permissions=frozenset({"proposal.make"}))


def speaker(enterprise_id: int) -> Actor:
    return Actor("user", None, "owner", scope=Scope(enterprise_ids=frozenset({enterprise_id})), enterprise_id=enterprise_id)


def wish(pipe: Pipe, **values: str) -> Wish:
    return Wish("pipe", "现场核实", object_id=pipe.id, values=values)


@pytest.fixture
def pipe(db: Session) -> Pipe:
    return make_pipe(db, make_enterprise(db))


def steps(db: Session, proposal: Proposal) -> list[str]:
    rows = db.scalars(text("select action from network_proposal_step where proposal_id = :id order by id"), {"id": proposal.id})
    return list(rows)


def test_a_proposal_stands_beside_the_value_and_changes_nothing(db: Session, pipe: Pipe) -> None:
    made = propose(db, wish(pipe, material="10", od_mm="110"), now=utc_now(), actor=REGULATOR)
    db.refresh(pipe)
    assert (pipe.material, pipe.od_mm) == (21, 160.0)
    assert made.changes == {"material": {"was": 21, "wanted": 10}, "od_mm": {"was": 160.0, "wanted": 110.0}}
    assert (made.state, made.enterprise_id, made.object_code) == (1, pipe.enterprise_id, pipe.src_code)
    assert steps(db, made) == ["propose"]
    audit = text("select count(*) from audit_entry where action = 'proposal.propose' and object_id = :id")
    assert db.scalar(audit, {"id": str(made.id)}) == 1


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({}, "proposal_nothing"), ({"material": "21"}, "proposal_nothing"), ({"material": "77"}, "proposal_value"),
        ({"fed": "1"}, "proposal_value"),
    ],
)
def test_what_changes_nothing_or_cannot_be_is_refused(db: Session, pipe: Pipe, values: dict[str, str], code: str) -> None:
    with pytest.raises(Invalid, match=code):
        propose(db, wish(pipe, **values), now=utc_now(), actor=REGULATOR)


def test_two_proposals_on_one_object_do_not_run_at_once(db: Session, pipe: Pipe) -> None:
    first = propose(db, wish(pipe, material="10"), now=utc_now(), actor=REGULATOR)
    with pytest.raises(Conflict, match="proposal_running"):
        propose(db, wish(pipe, od_mm="110"), now=utc_now(), actor=REGULATOR)
    withdraw(db, first.id, "有误", now=utc_now(), actor=REGULATOR)
    assert propose(db, wish(pipe, od_mm="110"), now=utc_now(), actor=REGULATOR).state == 1


def test_an_accepted_proposal_is_applied_when_the_data_carry_it(db: Session, pipe: Pipe) -> None:
    made = propose(db, wish(pipe, material="10"), now=utc_now(), actor=REGULATOR)
    answer(db, made.id, "accept", "", now=utc_now(), actor=speaker(pipe.enterprise_id))
    follow_proposals(db, utc_now())
    assert made.state == 2
    pipe.material = 10
    db.flush()
    follow_proposals(db, utc_now())
    assert (made.state, made.applied_how) == (4, "push")
    assert steps(db, made) == ["propose", "accept", "follow"]


def test_a_value_changed_meanwhile_is_a_conflict_that_must_be_confirmed(db: Session, pipe: Pipe) -> None:
    made = propose(db, wish(pipe, material="10"), now=utc_now(), actor=REGULATOR)
    pipe.material = 20
    db.flush()
    for _ in range(2):
        follow_proposals(db, utc_now())
    assert made.conflicts == {"material": 20} and steps(db, made) == ["propose", "conflict"]
    owner = speaker(pipe.enterprise_id)
    with pytest.raises(Conflict, match="proposal_conflict"):
        answer(db, made.id, "take", "", now=utc_now(), actor=owner)
    answer(db, made.id, "take", "已核对", confirmed=True, now=utc_now(), actor=owner)
    db.refresh(pipe)
    assert pipe.material == 10 and (made.state, made.applied_how, made.conflicts) == (4, "answer", {})


def test_taking_over_moves_the_object_and_history_keeps_the_former_value(db: Session) -> None:
    enterprise = make_enterprise(db)
    node = make_node(db, enterprise)
    facts = {"dn_mm": 100, "kind": 1, "drive": 1, "normal_state": 1, "current_state": 1}
    valve = Valve(enterprise_id=enterprise.id, src_code="V-1", adcode="990101", node_id=node.id, geom=place(), **facts)
    db.add(valve)
    db.flush()
    given = Wish("valve", "实为关闭", object_id=valve.id, values={"current_state": "0"}, place=[(112.5005, 32.0)])
    made = propose(db, given, now=utc_now(), actor=REGULATOR)
    answer(db, made.id, "take", "", now=utc_now(), actor=speaker(enterprise.id))
    there = text("select current_state, round(ST_X(geom)::numeric, 4)::float8 from gas_valve where id = :id")
    assert tuple(db.execute(there, {"id": valve.id}).one()) == (0, 112.5005)
    former = db.scalar(text("select current_state from gas_valve_history where id = :id"), {"id": valve.id})
    assert former == 1


def test_a_place_far_away_is_refused(db: Session, pipe: Pipe) -> None:
    far = Wish("pipe", "位置偏移", object_id=pipe.id, place=[(112.6, 32.0), (112.61, 32.0)])
    with pytest.raises(Invalid, match="proposal_far"):
        propose(db, far, now=utc_now(), actor=REGULATOR)


def test_a_missing_object_is_found_in_the_data_that_come_later(db: Session) -> None:
    enterprise = make_enterprise(db)
    since = utc_now()
    given = Wish("valve", "现场有阀门", enterprise_id=enterprise.id, values={"dn_mm": "100"}, place=[(112.7, 32.2)])
    made = propose(db, given, now=since, actor=REGULATOR)
    with pytest.raises(Conflict, match="proposal_missing_taken"):
        answer(db, made.id, "take", "", now=utc_now(), actor=speaker(enterprise.id))
    follow_proposals(db, utc_now())
    assert made.object_id is None
    node = make_node(db, enterprise, lon=112.7, lat=32.2)
    facts = {"dn_mm": 100, "kind": 1, "drive": 1, "normal_state": 1, "current_state": 1, "valid_from": utc_now()}
    valve = Valve(enterprise_id=enterprise.id, src_code="V-NEW", node_id=node.id, geom=place(112.70003, 32.2), **facts)
    db.add(valve)
    db.flush()
    follow_proposals(db, utc_now())
    assert (made.object_id, made.object_code, made.state) == (valve.id, "V-NEW", 4)


def test_only_the_owner_answers_and_only_the_scope_sees(db: Session, pipe: Pipe) -> None:
    made = propose(db, wish(pipe, material="10"), now=utc_now(), actor=REGULATOR)
    stranger = speaker(make_enterprise(db).id)
    with pytest.raises(NotFound):
        answer(db, made.id, "accept", "", now=utc_now(), actor=stranger)
    with pytest.raises(NotAllowed):
        answer(db, made.id, "accept", "", now=utc_now(), actor=REGULATOR)
    with pytest.raises(NotFound):
        propose(db, wish(pipe, od_mm="110"), now=utc_now(), actor=stranger)


def test_several_are_answered_alike_and_what_does_not_fit_is_left(db: Session) -> None:
    enterprise = make_enterprise(db)
    made = [propose(db, wish(make_pipe(db, enterprise), material="10"), now=utc_now(), actor=REGULATOR) for _ in range(3)]
    withdraw(db, made[0].id, "有误", now=utc_now(), actor=REGULATOR)
    done, left = answer_many(db, [each.id for each in made], "accept", "", now=utc_now(), actor=speaker(enterprise.id))
    assert (done, left) == (2, ["proposal_state"])


@dataclass
class Town:
    """A pipe with a running proposal, and who looks."""

    pipe: int
    proposal: int
    clients: dict[str, FlaskClient]


@pytest.fixture(scope="module")
def town(app: Flask, settings: Settings) -> Town:
    def committed(work: Callable[[Session], Any]) -> Any:
        with transaction(settings, CITY, worker=True) as session:
            return work(session)

    def rows(session: Session) -> tuple[int, int, int, int]:
        own, other = make_enterprise(session), make_enterprise(session)
        pipe = make_pipe(session, own)
        made = propose(session, wish(pipe, material="10"), now=utc_now(), actor=REGULATOR)
        return own.id, other.id, pipe.id, made.id

    own, other, pipe, proposal = committed(rows)
    roles = {
        "city": Rights(Role.CITY_REGULATOR), "own": Rights(Role.ENTERPRISE_MANAGER, enterprise_id=own),
        "other": Rights(Role.ENTERPRISE_MANAGER, enterprise_id=other), "safety": Rights(Role.ENTERPRISE_SAFETY, enterprise_id=own),
    }  # fmt: skip
    return Town(pipe, proposal, {name: log_in(app, settings, committed, rights) for name, rights in roles.items()})


def test_pages_show_it_to_both_sides_and_to_nobody_else(town: Town) -> None:
    path = f"/proposals/{town.proposal}"
    assert all(town.clients[who].get(path).status_code == 200 for who in ("city", "own", "safety"))
    assert town.clients["other"].get(path).status_code == 404
    assert town.clients["city"].get(f"/proposals/new?layer=pipe&id={town.pipe}").status_code == 200
    assert town.clients["own"].get(f"/proposals/new?layer=pipe&id={town.pipe}").status_code == 403
    assert town.clients["safety"].post(f"{path}/answer", data={"action": "accept"}).status_code == 403
    assert town.clients["own"].post(f"{path}/answer", data={"action": "refuse"}).status_code == 422
    for query in ("", "?state=9", "?state=1&layer=pipe&q=%25%27", "?after=1_1&state=x"):
        assert town.clients["city"].get(f"/proposals{query}").status_code == 200
    assert town.clients["own"].get("/proposals/export.csv").status_code == 200


def test_the_drawer_names_it_and_the_map_draws_it(town: Town) -> None:
    drawer = town.clients["own"].get(f"/map/object/pipe/{town.pipe}").data
    assert f"/proposals/{town.proposal}".encode() in drawer
    assert town.clients["city"].get(f"/map/object/proposal/{town.proposal}").status_code == 200
    assert town.clients["other"].get(f"/map/object/proposal/{town.proposal}").status_code == 404
    assert town.clients["city"].get(f"/map/object/pipe/{town.pipe}/versions").status_code == 200
    assert town.clients["other"].get(f"/map/object/pipe/{town.pipe}/versions").status_code == 404
