"""Hydraulics of the stored network: regulators, closed valves, lost sources and readings."""

from __future__ import annotations

import numpy as np
import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from gis.hydraulics.demand import first_classes
from gis.hydraulics.scenario import Measured, Scenario, Solved, solve_scenario
from gis.hydraulics.stored import Figures, StoredFlow, load_flow
from gis.hydraulics.zones import FeedState, Trouble
from gis.network.graph_queries import load_grid
from gis.network.models import GasUser, Regulator, Valve
from portal.accounts.models import Enterprise
from tests.factories import make_enterprise, make_node, make_pipe, make_station, place

HOMES = frozenset({10, 11})
CLASSES = {known.user_class: known for known, _ in first_classes()}
NOON = 12


def loaded(db: Session) -> StoredFlow:
    return load_flow(db, load_grid(db), HOMES)


def solved(db: Session, scenario: Scenario | None = None, measured: Measured | None = None) -> Solved:
    return solve_scenario(loaded(db), Figures(classes=CLASSES), scenario or Scenario(hour=NOON), measured or Measured())


def pressure_at(found: Solved, node: int) -> float:
    place_of = found.stored.grid.position("node", node)
    assert place_of is not None
    return float(found.outcome.pressure_kpa[place_of])


def user(db: Session, owner: Enterprise, node: int, code: str, user_class: int) -> GasUser:
    made = GasUser(
        enterprise_id=owner.id, src_code=code, node_id=node, user_class=user_class, households=1, geom=place()
    )
    db.add(made)
    db.flush()
    return made


def town(db: Session) -> tuple[Enterprise, dict[str, int]]:
    """Lay a gate, a main with a valve, a regulator to a street of homes, and a second main in parallel with a valve."""
    owner = make_enterprise(db)
    nodes = {name: make_node(db, owner, src_code=f"HY{owner.id}{name}").id for name in "GABCDEL"}
    for begin, end in ("GA", "AB", "BC", "GD", "DC", "EL"):
        low = begin == "E"
        make_pipe(
            db, owner, src_code=f"HY{owner.id}{begin}{end}", from_node_id=nodes[begin], to_node_id=nodes[end],
            pressure_class=7 if low else 5, wall_mm=14.6, length_m=200.0,
        )  # fmt: skip
    make_station(db, owner, src_code=f"HY{owner.id}S", node_id=nodes["G"], p_out_mpa=0.3)
    for code, at in (("VB", "B"), ("VD", "D")):
        db.add(
            Valve(
                enterprise_id=owner.id, src_code=f"HY{owner.id}{code}", node_id=nodes[at], dn_mm=150, kind=1, drive=1,
                normal_state=1, current_state=1, geom=place(),
            )
        )  # fmt: skip
    db.add(
        Regulator(
            enterprise_id=owner.id, src_code=f"HY{owner.id}R", node_id=nodes["C"], outlet_node_id=nodes["E"], form=3,
            inlet_class=5, outlet_class=7, p2_set_kpa=2.6, design_m3_per_h=400, geom=place(),
        )
    )  # fmt: skip
    db.flush()
    user(db, owner, nodes["C"], f"HY{owner.id}U1", 40)
    user(db, owner, nodes["L"], f"HY{owner.id}U2", 10)
    return owner, nodes


def valve(db: Session, owner: Enterprise, code: str) -> int:
    return int(db.query(Valve.id).filter_by(src_code=f"HY{owner.id}{code}").scalar())


def test_homes_behind_a_regulator_draw_from_the_main_and_balances_close(db: Session) -> None:
    _, nodes = town(db)
    found = solved(db)
    assert pressure_at(found, nodes["E"]) == pytest.approx(2.6)
    assert 200 < pressure_at(found, nodes["C"]) < 300 > pressure_at(found, nodes["A"])
    taken = CLASSES[40].in_hour(NOON) + CLASSES[10].in_hour(NOON)
    here = found.feeds.index(("station", found.stored.stations[-1].number))
    assert found.outcome.feed_flow_m3_per_h[here] == pytest.approx(taken, abs=0.01)
    assert np.nanmax(np.abs(found.outcome.residual_m3_per_h)) < 0.1


def test_closing_one_valve_sends_gas_the_other_way_and_closing_both_leaves_words(db: Session) -> None:
    owner, nodes = town(db)
    before, one = solved(db), solved(db, Scenario(NOON, closed=(valve(db, owner, "VB"),)))
    assert pressure_at(one, nodes["C"]) < pressure_at(before, nodes["C"])
    both = solved(db, Scenario(NOON, closed=(valve(db, owner, "VB"), valve(db, owner, "VD"))))
    assert np.isnan(pressure_at(both, nodes["C"])) and np.isnan(pressure_at(both, nodes["L"]))
    assert pressure_at(both, nodes["A"]) > 200
    assert {each.trouble for each in both.outcome.problems} == {Trouble.NO_SOURCE}


def test_a_lost_source_and_a_source_without_pressure_leave_no_number(db: Session) -> None:
    owner, nodes = town(db)
    station = next(each for each in loaded(db).stations if each.enterprise_id == owner.id)
    lost = solved(db, Scenario(NOON, lost=(station.number,)))
    assert np.isnan(pressure_at(lost, nodes["A"]))
    db.execute(text("update gas_station set p_out_mpa = null where id = :id"), {"id": station.number})
    blind = solved(db)
    assert np.isnan(pressure_at(blind, nodes["A"]))
    assert ("station", station.number) in blind.basis.without_set


def test_demand_is_scaled_to_what_the_gates_of_an_enterprise_measure(db: Session) -> None:
    owner, _ = town(db)
    found = solved(db, Scenario(NOON, factor=2.0), Measured({owner.id: 100.0}))
    here = np.flatnonzero(found.stored.owner == owner.id)
    assert found.network.demand_m3_per_h[here].sum() == pytest.approx(200.0)
    assert found.basis.scale[owner.id] > 0


def test_a_store_sends_what_it_measures_and_holds_pressure_only_when_asked(db: Session) -> None:
    owner, nodes = town(db)
    store = make_station(db, owner, src_code=f"HY{owner.id}LNG", node_id=nodes["D"], kind=4, p_out_mpa=0.31).id
    sends = solved(db, Scenario(NOON), Measured({}, {store: 5.0}))
    serves = solved(db, Scenario(NOON, serving=(store,)))
    gate = next(each.number for each in sends.stored.stations if each.kind == 2 and each.enterprise_id == owner.id)
    given = dict(zip(sends.feeds, sends.outcome.feed_flow_m3_per_h, strict=True))
    taken = CLASSES[40].in_hour(NOON) + CLASSES[10].in_hour(NOON)
    assert given["station", gate] == pytest.approx(taken - 5.0, abs=0.01)
    assert pressure_at(serves, nodes["D"]) == pytest.approx(310.0)
    back = dict(zip(serves.feeds, serves.outcome.feed_state, strict=True))
    assert back["station", gate] == FeedState.SHUT
