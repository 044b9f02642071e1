"""Estimates of a shut-off plan against the worked examples, the order of care, masking, and what a plan does to pipes."""

from __future__ import annotations

import random

import numpy as np
import pytest

from gis.network.impact import impact_of, zone_of, zones_of
from gis.network.isolation import isolate
from portal.core.errors import Invalid
from portal.network.forms import At, parse_question
from portal.network.picture import box_of, picture_of
from portal.network.rules import (
    KINDS,
    Bore,
    Figures,
    compressibility,
    contents_of,
    kind_of_user,
    line_pack_nm3,
    masked_address,
    masked_code,
    outflow_kg_per_s,
    person_days,
    vent_minutes,
)
from tests.unit.test_isolation import Small, random_network

RING = [[112.5, 32], [112.51, 32], [112.5, 32.01], [112.5, 32]]
FIGURES = Figures(50.0, 0.8, 1.0, 288.15, 40.0, 4.0)


@pytest.mark.parametrize(
    ("bore_mm", "pressure_kpa", "kg_per_s"), [(20, 400, 0.272), (20, 200, 0.163), (20, 3, 0.0200), (5, 3, 0.00125), (100, 400, 6.80)]
)  # fmt: skip
def test_outflow_equals_the_worked_examples(bore_mm: float, pressure_kpa: float, kg_per_s: float) -> None:
    assert outflow_kg_per_s(pressure_kpa, bore_mm, 288.15) == pytest.approx(kg_per_s, rel=0.005)


@pytest.mark.parametrize(("absolute_kpa", "z"), [(500, 0.9876), (2500, 0.9420), (4100, 0.9098)])
def test_compressibility_equals_the_worked_examples(absolute_kpa: float, z: float) -> None:
    assert compressibility(absolute_kpa, 288.15) == pytest.approx(z, abs=0.0006)


def test_line_pack_equals_the_worked_example() -> None:
    # 20 km of 492 mm between 4.0 and 3.6 MPa hold 150,980 Nm³ with Z 0.92; Papay gives 0.913 there.
    assert line_pack_nm3(3802, 3904.7 - 101.325, 288.15) == pytest.approx(150_980 * 0.92 / 0.9135, rel=0.002)


def test_venting_follows_choked_flow_and_grows_with_the_volume() -> None:
    # From 400 to 200 kPa flow stays choked: V / (Cd·A·c) · ln(P0 / P1), which no step of the sum may miss by a per cent.
    high = Figures(50.0, 0.8, 200.0, 288.15, 40.0, 4.0)
    speed = 0.8 * np.pi * 0.05**2 / 4 * np.sqrt(1.3 * 8.314462618 * 288.15 / 0.01604 * (2 / 2.3) ** (2.3 / 0.3))
    exact = 100 / speed * np.log((400 + 101.325) / (200 + 101.325)) / 60
    assert vent_minutes(100, 400, high) == pytest.approx(exact, rel=0.01)
    assert vent_minutes(200, 400, FIGURES) == pytest.approx(2 * vent_minutes(100, 400, FIGURES))
    assert vent_minutes(100, 0.5, FIGURES) == 0 == vent_minutes(0, 400, FIGURES)


def test_contents_leave_out_what_is_not_known_and_say_so() -> None:
    pipes = [
        Bore(5, 1000.0, 219.1, 6.05, 0.3, None), Bore(5, 10.0, 110.0, None, None, None), Bore(5, 10.0, 110.0, 10.0, None, None),
    ]  # fmt: skip
    found = contents_of(pipes, FIGURES)
    assert (found.length_m, found.unmeasured, found.assumed, found.highest_kpa) == (1020.0, 1, 1, 400.0)
    assert found.volume_m3 == pytest.approx(np.pi * 0.207**2 / 4 * 1000 + np.pi * 0.09**2 / 4 * 10)
    assert contents_of([], FIGURES).vent_minutes == 0


def test_hospitals_and_schools_come_before_industry_and_homes() -> None:
    users = ((10, "张*"), (40, "云川**厂"), (20, "云川**小学"), (20, "第一**医院"), (20, None), (50, None))
    kinds = [kind_of_user(user_class, name) for user_class, name in users]
    assert sorted(kinds, key=KINDS.index) == ["hospital", "school", "welfare", "boiler", "industry", "residential"]
    assert kind_of_user(10, "医院家属院") == "residential" and kind_of_user(99, "") == "other"


def test_relighting_counts_homes_and_other_users_apart() -> None:
    assert person_days({"residential": (80, 400), "catering": (2, 2)}, FIGURES) == pytest.approx(10.5)


def test_what_is_personal_of_a_home_is_masked() -> None:
    assert masked_address("云川市江北区滨江路12号3栋2单元", residential=True) == "云川市江北区滨江路*"
    assert masked_address("云川市江北区滨江路12号", residential=False) == "云川市江北区滨江路12号"
    assert (masked_code("U0001234", residential=True), masked_code("U0001234", residential=False)) == (
        "****1234",
        "U0001234",
    )
    assert masked_address(None, residential=True) == ""


def test_a_question_is_read_and_written_the_same() -> None:
    given = {"at": "pipe:12,valve:7", "stuck": "3,4,3", "plan": "2"}
    read = parse_question(given)
    assert read.places == (At("pipe", 12), At("valve", 7)) and read.stuck == (3, 4) and read.plan == 2
    assert parse_question(read.args()) == read
    for bad in (
        {},
        {"at": "pipe:x"},
        {"at": "pipe:1", "plan": "0"},
        {"at": "pipe:１"},
        {"at": "pipe:1", "stuck": "1;2"},
    ):
        with pytest.raises(Invalid):
            parse_question(bad)


def gas_in(small: Small, shut: set[int], sources: set[int]) -> set[int]:
    return {pipe for pipe in range(len(small.pipes)) if small.gas_in(pipe, shut, sources)}


def test_lost_pipes_users_and_zones_equal_a_search_on_random_networks() -> None:
    pick, compared = random.Random(4), 0
    for _ in range(700):
        small = random_network(pick)
        grid = small.grid()
        sources = set(small.sources)
        pipes = [pipe for pipe in range(len(small.pipes)) if grid.fed_pipes[pipe]]
        if not pipes:
            continue
        plan = isolate(grid, [pick.choice(pipes)])
        found = impact_of(grid, plan)
        shut, after = small.shut_nodes(), small.shut_nodes(frozenset(plan.valves))
        kept = sources - set(plan.sources_to_stop)
        drained = set(plan.segment.tolist())
        lost = (gas_in(small, shut, sources) - gas_in(small, after, kept)) - drained
        assert set(found.pipes.tolist()) == lost
        dry = small.supplied(shut, sources) - small.supplied(after, kept)
        assert set(found.users.tolist()) == {i for i, node in enumerate(small.users) if node in dry}
        compared += 1
    assert compared > 250


def test_a_zone_is_joined_by_open_valves_and_ends_at_regulators() -> None:
    small = Small(
        6, [(0, 1), (1, 2), (3, 4)], [0], valves=[(1, False, True), (2, True, True)], regulators=[(1, 3)], users=[4]
    )
    grid = small.grid()
    zones = zones_of(grid)
    high, low = zone_of(grid, zones, 0), zone_of(grid, zones, 4)
    assert high.pipes.tolist() == [0, 1] and high.closed_valves.tolist() == [1] and high.outlets.tolist() == [0]
    assert low.pipes.tolist() == [2] and low.inlets.tolist() == [0] and not len(low.closed_valves)


def test_the_picture_holds_everything_and_escapes_what_others_wrote() -> None:
    features = [
        {
            "properties": {"part": "segment"},
            "geometry": {"type": "LineString", "coordinates": [[112.5, 32], [112.51, 32]]},
        },
        {"properties": {"part": "valve", "order": 1}, "geometry": {"type": "Point", "coordinates": [112.5, 32]}},
        {
            "properties": {"part": "wash"},
            "geometry": {"type": "Polygon", "coordinates": [RING]},
        },
    ]
    drawn = picture_of(
        features, {"road": ['{"type":"LineString","coordinates":[[112.5,32],[112.52,32.01]]}']}, "<script>"
    )
    assert (
        drawn.startswith("<svg")
        and ">1</text>" in drawn
        and "<script>" not in drawn
        and " km</text>" in drawn
        or " m</text>" in drawn
    )
    assert picture_of([], {}, "") == "" and box_of([]) is None
