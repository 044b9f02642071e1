"""Borders between enterprises on PostGIS: findings, who sees what, joints that gas crosses, undo, files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from gis.borders.models import BorderFinding, BorderRun
from gis.borders.run import run_matching
from gis.crs import STORAGE_SRID
from gis.network.graph_queries import load_grid
from portal.accounts.rights import Rights, Role
from portal.config import Settings
from portal.core.actor import CITY, Actor, Scope, cli_actor
from portal.core.clock import utc_now
from portal.core.db import transaction
from portal.core.errors import NotFound
from portal.network.borders.forms import Filter
from portal.network.borders.jobs import make_run
from portal.network.borders.queries import findings_page
from portal.network.borders.services import act, ask_run
from tests.factories import make_enterprise, make_node, make_pipe
from tests.integration.test_tiles_map import log_in

LAT, STEP = 31.5, 0.001


@dataclass
class Border:
    """Pipes of two enterprises that meet: a gap, a jump and a double pipe; and a third enterprise far away."""

    a: int
    b: int
    c: int
    nodes: tuple[int, int]
    clients: dict[str, FlaskClient]


def lay(session: Session, owner: Any, spots: list[tuple[float, float]], **given: Any) -> Any:
    """Lay a pipe along places with nodes at its ends."""
    nodes = [make_node(session, owner, lon=lon, lat=lat) for lon, lat in (spots[0], spots[-1])]
    line = "LINESTRING(" + ", ".join(f"{lon} {lat}" for lon, lat in spots) + ")"
    values = {"from_node_id": nodes[0].id, "to_node_id": nodes[1].id, "geom": func.ST_GeomFromText(line, STORAGE_SRID)}
    return make_pipe(session, owner, **values | given)


@pytest.fixture(scope="module")
def border(app: Flask, settings: Settings) -> Border:
    def committed(work: Callable[[Session], Any]) -> Any:
        with transaction(settings, CITY, worker=True) as session:
            return work(session)

    def rows(session: Session) -> tuple[int, int, int, tuple[int, int]]:
        a, b, c = make_enterprise(session), make_enterprise(session), make_enterprise(session)
        one = lay(session, a, [(112.5, LAT), (112.501, LAT)], adcode="990101", src_code="A-GAP")
        other = lay(session, b, [(112.50102, LAT), (112.502, LAT)], adcode="990102", src_code="B-GAP", od_mm=110.0)
        lay(session, a, [(112.51, LAT), (112.511, LAT)], adcode="990101", src_code="A-JUMP")
        lay(session, b, [(112.51102, LAT), (112.512, LAT)], adcode="990102", pressure_class=6)
        lay(session, a, [(112.52, LAT), (112.521, LAT)], adcode="990101", src_code="A-DOUBLE")
        lay(session, b, [(112.52, LAT + 2e-5), (112.521, LAT + 2e-5)], adcode="990102", pressure_class=7)
        lay(session, c, [(113.5, LAT), (113.501, LAT)], adcode="990103")
        run_matching(session, utc_now())
        return a.id, b.id, c.id, (one.to_node_id, other.from_node_id)

    a, b, c, nodes = committed(rows)
    roles = {
        "city": Rights(Role.CITY_REGULATOR), "dispatcher": Rights(Role.CITY_DISPATCHER),
        **{name: Rights(Role.ENTERPRISE_MANAGER, enterprise_id=number) for name, number in (("a", a), ("b", b), ("c", c))},
    }  # fmt: skip
    return Border(a, b, c, nodes, {name: log_in(app, settings, committed, rights) for name, rights in roles.items()})


def own(session: Session, border: Border) -> dict[str, BorderFinding]:
    """Return the findings between the two enterprises by kind."""
    between = (BorderFinding.enterprise_a_id == border.a, BorderFinding.enterprise_b_id == border.b)
    found = session.scalars(select(BorderFinding).where(*between))
    return {each.kind: each for each in found}


def party(border: Border, which: str) -> Actor:
    number = getattr(border, which)
    scope, may = Scope(enterprise_ids=frozenset({number})), frozenset({"border.say"})
    return Actor("user", None, which, scope=scope, permissions=may, enterprise_id=number)


def test_a_gap_a_jump_and_a_double_pipe_are_found_with_their_parts(db: Session, border: Border) -> None:
    found = own(db, border)
    assert set(found) == {"gap", "jump", "double"}
    gap = found["gap"]
    assert (gap.object_a_id, gap.object_b_id) == border.nodes and 1.8 < gap.distance_m < 2.0
    assert set(gap.parts) == {"distance", "direction", "diameter", "material", "pressure_class"} and 0.7 < gap.score < 1
    assert 80 < found["double"].overlap_m < 100 and found["jump"].score == 0


def test_a_second_run_finds_nothing_new_and_says_what_is_gone(db: Session, border: Border) -> None:
    assert run_matching(db, utc_now())["new"] == 0
    db.execute(text("update gas_pipe set status = 7 where src_code = 'A-DOUBLE'"))
    assert run_matching(db, utc_now())["gone"] == 1
    assert own(db, border)["double"].gone_at is not None


def test_only_parties_and_the_city_see_a_finding(db: Session, border: Border) -> None:
    def seen(scope: Scope) -> set[str]:
        return {row.BorderFinding.kind for row in findings_page(db, scope, Filter(enterprise_id=border.a))[0]}

    assert seen(CITY) == seen(Scope(enterprise_ids=frozenset({border.a}))) == {"gap", "jump", "double"}
    assert seen(Scope(adcodes=frozenset({"990102"}))) == {"gap", "jump", "double"}
    assert seen(Scope(enterprise_ids=frozenset({border.c}))) == set() == seen(Scope())


def test_the_row_policy_hides_a_finding_even_without_the_query(settings: Settings, border: Border) -> None:
    for number, count in ((border.a, 3), (border.c, 0)):
        with transaction(settings, Scope(enterprise_ids=frozenset({number}))) as session:
            assert session.scalar(select(func.count()).select_from(BorderFinding)) == count


def test_of_the_other_side_only_what_lies_beside_the_place_is_kept(db: Session, border: Border) -> None:
    facts = own(db, border)["gap"].facts["b"]
    assert set(facts) == {"code", "pipe", "pressure_class", "material", "od_mm", "road", "lines"}
    lons = [lon for line in facts["lines"] for lon, _ in line]
    assert max(lons) - min(lons) < 0.0007


def test_gas_crosses_a_joint_both_confirm_and_no_longer_once_undone(db: Session, border: Border) -> None:
    finding, now = own(db, border)["gap"], utc_now()

    def parts() -> bool:
        stored = load_grid(db)
        one, other = (stored.position("node", number) for number in border.nodes)
        return bool(stored.grid.cell[one] == stored.grid.cell[other])

    marks = text("select count(*) from network_change where xid = pg_current_xact_id()")
    assert not parts()
    act(db, finding.id, "say_yes", "", now=now, actor=party(border, "a"))
    assert not parts()
    act(db, finding.id, "say_yes", "", now=now, actor=party(border, "b"))
    assert parts() and finding.decided_by == "both" and db.scalar(marks) == 1
    grid = load_grid(db).grid
    assert np.isfinite(grid.network.pipes.length_m).all()
    act(db, finding.id, "undo", "", now=now, actor=party(border, "b"))
    assert not parts() and finding.state == 1 and finding.say_a is None
    steps = db.execute(text("select action, side from border_step where finding_id = :id order by id"), {"id": finding.id}).all()
    assert [tuple(step) for step in steps] == [("say_yes", "a"), ("say_yes", "b"), ("undo", "b")]
    audit = text("select count(*) from audit_entry where object_type = 'border_finding' and object_id = :id")
    assert db.scalar(audit, {"id": str(finding.id)}) == 3


def test_who_is_no_party_finds_nothing_to_decide(db: Session, border: Border) -> None:
    with pytest.raises(NotFound, match="border_finding"):
        act(db, own(db, border)["gap"].id, "say_yes", "", now=utc_now(), actor=party(border, "c"))


def test_pages_answer_each_role_within_its_part(border: Border, settings: Settings) -> None:
    with transaction(settings, CITY) as session:
        gap = own(session, border)["gap"]
        number, code = gap.id, gap.facts["a"]["code"].encode()
    page = border.clients["a"].get("/network/borders?kind=gap&order=distance")
    assert page.status_code == 200 and code in page.data and b"<svg class=\"bd-pic\"" in page.data
    assert b"A-GAP" in border.clients["b"].get(f"/network/borders/{number}").data
    assert border.clients["c"].get(f"/network/borders/{number}").status_code == 404
    assert b"bd-pic" not in border.clients["c"].get("/network/borders").data
    assert border.clients["dispatcher"].post(f"/network/borders/{number}", data={"action": "join", "reason": "x"}).status_code == 403
    assert border.clients["city"].post(f"/network/borders/{number}", data={"action": "join"}).status_code == 409
    for form in ("csv", "xlsx", "geojson"):
        assert border.clients["b"].get(f"/network/borders/export.{form}").status_code == 200
    assert border.clients["city"].get("/network/borders?from=999999999&q=%25%27&state=99").status_code == 200


def test_a_run_asked_for_tells_how_far_it_is_and_what_it_found(settings: Settings, border: Border) -> None:
    with transaction(settings, CITY, worker=True) as session:
        first = ask_run(session, now=utc_now(), actor=cli_actor()).id
        assert ask_run(session, now=utc_now(), actor=cli_actor()).id == first
    assert "findings" in make_run(settings, first)
    with transaction(settings, CITY) as session:
        run = session.get_one(BorderRun, first)
        assert (run.state, run.percent, run.step) == ("done", 100, "done") and run.pipes and run.found
    assert border.clients["city"].get("/network/borders/run").status_code == 200
