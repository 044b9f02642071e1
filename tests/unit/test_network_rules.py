"""Rules R3-R6 and R17-R19 on single pipes, and topology rules R13-R15 on small networks."""

from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gis.network import rules, topology
from gis.network.rules import Limits, PipeFacts

TODAY = date(2026, 6, 1)
LIMITS = Limits()


def pipe(**values: object) -> PipeFacts:
    return PipeFacts(**{"pressure_class": 5, "material": 11, "od_mm": 323.9, **values})  # type: ignore[arg-type]


def keys(facts: PipeFacts, limits: Limits = LIMITS) -> list[tuple[str, str]]:
    return [(problem.rule, problem.key) for problem in rules.pipe_problems(facts, limits, TODAY)]


@pytest.mark.parametrize(
    ("pressure_mpa", "expected"),
    [
        (4.0, 1),
        (2.5, 2),
        (1.6, 3),
        (0.8, 4),
        (0.4, 5),
        (0.41, 4),
        (0.2, 6),
        (0.01, 6),
        (0.009, 7),
        (0.0, 7),
        (4.1, None),
    ],
)
def test_class_of_a_pressure_follows_table_6_1_6(pressure_mpa: float, expected: int | None) -> None:
    assert rules.class_of_pressure(pressure_mpa) == expected


def test_ten_kilopascal_are_low_pressure_when_the_limit_says_so() -> None:
    assert rules.class_of_pressure(0.01, lp_inclusive=True) == 7


@given(st.floats(0, 4.0))
def test_every_city_pressure_has_exactly_one_class(pressure_mpa: float) -> None:
    fitting = [c for c in rules.CLASS_BOUNDS_MPA if rules.in_class(pressure_mpa, c, lp_inclusive=False)]
    assert len(fitting) == 1


def test_a_sound_pipe_has_no_problem() -> None:
    assert keys(pipe(design_p_mpa=0.4, mop_mpa=0.35, depth_start_m=1.2, install_year=2010, coating=1)) == []


def test_design_pressure_outside_its_class_breaks_r4() -> None:
    assert keys(pipe(design_p_mpa=0.6)) == [("R4", "pressure_class")]


def test_operating_pressure_above_design_breaks_r3() -> None:
    assert keys(pipe(design_p_mpa=0.4, mop_mpa=0.45)) == [("R3", "pressure_order")]


def test_a_coated_pe_pipe_breaks_r5() -> None:
    assert keys(pipe(material=22, od_mm=110, coating=1)) == [("R5", "pe_coating")]


def test_a_pe_pipe_without_coating_is_sound() -> None:
    assert keys(pipe(material=22, od_mm=110, coating=7)) == []


def test_pe_in_high_pressure_breaks_r4() -> None:
    assert keys(pipe(material=21, od_mm=110, pressure_class=2)) == [("R4", "pe_high_pressure")]


def test_an_impossible_diameter_breaks_r6_and_an_odd_one_is_only_noted() -> None:
    assert keys(pipe(od_mm=20000)) == [("R6", "diameter_range")]
    assert keys(pipe(material=22, od_mm=115)) == [("R6", "diameter_unlisted")]


@pytest.mark.parametrize(("year", "expected"), [(1949, "year_old"), (2027, "year_future")])
def test_a_year_before_1950_or_ahead_breaks_r18(year: int, expected: str) -> None:
    assert keys(pipe(install_year=year)) == [("R18", expected)]


@pytest.mark.parametrize(
    ("depth", "expected"),
    [(0.25, "depth_near"), (7.0, "depth_near"), (0.0, "depth_range"), (15.0, "depth_range"), (-1.0, "depth_range")],
)
def test_depth_slightly_outside_is_noted_and_far_outside_breaks_r19(depth: float, expected: str) -> None:
    assert keys(pipe(depth_start_m=depth)) == [("R19", expected)]


def test_a_pipe_on_a_bridge_has_no_depth_to_judge() -> None:
    assert keys(pipe(depth_start_m=-3.0, laying=7)) == []


def test_a_stated_length_within_two_per_cent_is_sound() -> None:
    assert rules.length_problem(102.0, 100.0, chord=False, limits=LIMITS) is None


def test_a_length_in_the_wrong_unit_breaks_r17() -> None:
    problem = rules.length_problem(0.1, 100.0, chord=False, limits=LIMITS)
    assert problem is not None and problem.key == "length_wrong"


def test_a_pipe_may_be_longer_than_the_chord_between_its_ends() -> None:
    assert rules.length_problem(150.0, 100.0, chord=True, limits=LIMITS) is None
    assert rules.length_problem(60.0, 100.0, chord=True, limits=LIMITS) is not None


def test_ends_within_five_centimetres_share_a_node() -> None:
    nodes = topology.snap_ends(np.array([0, 0.03, 10.0, 10.2]), np.array([0, 0.03, 0, 0]))
    assert nodes.tolist() == [0, 0, 1, 2]


def line_of_five() -> topology.Graph:
    return topology.Graph(5, np.array([0, 1, 2, 3]), np.array([1, 2, 3, 4]))


def test_the_largest_part_of_a_network_is_part_zero() -> None:
    graph = topology.Graph(5, np.array([0, 2, 3]), np.array([1, 3, 4]))
    assert topology.components(graph).tolist() == [1, 1, 0, 0, 0]


def test_a_closed_valve_leaves_what_lies_behind_it_without_supply() -> None:
    fed = topology.supplied_nodes(line_of_five(), np.array([0]), closed_nodes=np.array([2]))
    assert fed.tolist() == [True, True, False, False, False]


def test_without_a_source_nothing_is_supplied() -> None:
    assert not topology.supplied_nodes(line_of_five(), np.array([], np.int64)).any()


def test_a_class_change_is_told_unless_a_regulator_stands_there() -> None:
    classes = np.array([5, 5, 7, 7])
    assert topology.class_changes(line_of_five(), classes, np.array([], np.int64)).tolist() == [2]
    assert topology.class_changes(line_of_five(), classes, np.array([2])).size == 0
