"""The demo city: its map, its networks and its users hold together, and one seed gives one city."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections import Counter, deque
from datetime import date
from functools import cache
from typing import TypeVar

import msgspec
import numpy as np
import pytest
import shapely

from gis.network.rules import Limits, PipeFacts, pipe_problems
from ingestion_adapters.checks import Finding, judge_row
from ingestion_adapters.contract import Node, Pipe, Point, Record, Regulator, Station, User, Valve
from ingestion_adapters.demo import city
from ingestion_adapters.demo.dataset import records
from ingestion_adapters.demo.frame import length_m, tile_offset
from ingestion_adapters.demo.identity import ENTERPRISES, org_check_digit, uscc_check_digit

T = TypeVar("T")
KEYS = tuple(enterprise.key for enterprise in ENTERPRISES)


@cache
def net(key: str) -> tuple[Record, ...]:
    """Return the network records of one enterprise."""
    return tuple(records(key, "NET"))


def of_type(key: str, kind: type[T]) -> list[T]:
    """Return the records of one type."""
    return [record for record in net(key) if isinstance(record, kind)]


def test_base_map_has_the_size_of_a_city() -> None:
    roads, areas = list(city.roads()), list(city.greens())
    assert 5500 <= len(roads) <= 6500
    assert {road.klass for road in roads} == {"express", "arterial", "secondary", "local"}
    assert len(list(city.buildings())) >= 8000
    assert sum(area.kind == "park" for area in areas) >= 45


def test_districts_cover_the_city_without_overlap() -> None:
    shapes = [shapely.Polygon(district.ring) for district in city.districts()]
    assert len(shapes) == 10
    assert all(shape.is_valid for shape in shapes)
    whole = shapely.union_all(shapes).area
    assert sum(shape.area for shape in shapes) == pytest.approx(whole, rel=0.005)


def test_district_labels_lie_inside_and_codes_are_invented() -> None:
    for district in city.districts():
        assert shapely.Polygon(district.ring).contains(shapely.Point(district.label))
        assert district.adcode.startswith("9901")


def test_no_building_stands_in_water() -> None:
    plan = city.city_plan()
    assert not shapely.intersects(plan.terrain.wet(), shapely.polygons(plan.buildings.rings)).any()


def test_credit_codes_have_valid_check_digits() -> None:
    weights = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
    alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    assert uscc_check_digit("91350100M000100Y4") == "3"
    for enterprise in ENTERPRISES:
        code = enterprise.uscc
        total = sum(w * alphabet.index(c) for w, c in zip(weights, code[:17], strict=True))
        assert alphabet.index(code[17]) == (31 - total % 31) % 31
        assert code[16] == org_check_digit(code[8:16])


def test_organisation_check_digit_matches_the_standard() -> None:
    assert org_check_digit("D2143569") == "X"


@pytest.mark.parametrize("key", KEYS)
def test_every_record_passes_the_intake_checks(key: str) -> None:
    for dataset in ("ENT", "NET", "DAY"):
        for index, record in enumerate(records(key, dataset)):
            judged = judge_row(msgspec.json.decode(msgspec.json.encode(record)), index, dataset)
            assert not isinstance(judged, Finding), judged


@pytest.mark.parametrize("key", KEYS)
def test_quality_rules_find_nothing_in_the_pipes(key: str) -> None:
    for pipe in of_type(key, Pipe):
        facts = PipeFacts(**{name: getattr(pipe, name) for name in PipeFacts.__dataclass_fields__})
        assert pipe_problems(facts, Limits(), date(2026, 11, 25)) == [], pipe


@pytest.mark.parametrize("key", KEYS)
def test_codes_are_unique_and_references_known(key: str) -> None:
    codes = [record.src_code for record in net(key)]
    assert len(set(codes)) == len(codes)
    nodes = {node.src_code for node in of_type(key, Node)}
    known = set(codes)
    for pipe in of_type(key, Pipe):
        assert {pipe.from_node, pipe.to_node} <= nodes
    for device in (*of_type(key, Valve), *of_type(key, Station)):
        beside = isinstance(device, Station) and device.node is None and device.kind in (5, 6)
        assert beside or device.node in nodes
    assert all(point.object_code in known for point in of_type(key, Point))


@pytest.mark.parametrize("key", KEYS)
def test_pipe_ends_lie_on_their_nodes(key: str) -> None:
    place = {node.src_code: [node.lon, node.lat] for node in of_type(key, Node)}
    for pipe in of_type(key, Pipe):
        assert pipe.geom.coordinates[0] == place[pipe.from_node]
        assert pipe.geom.coordinates[-1] == place[pipe.to_node]


@pytest.mark.parametrize("key", KEYS)
def test_every_node_is_supplied_from_a_source(key: str) -> None:
    ways: dict[str, list[str]] = {}
    for pipe in of_type(key, Pipe):
        ways.setdefault(pipe.from_node, []).append(pipe.to_node)
        ways.setdefault(pipe.to_node, []).append(pipe.from_node)
    for regulator in of_type(key, Regulator):
        assert regulator.outlet_node is not None
        ways[regulator.node].append(regulator.outlet_node)
    source = next(station.node for station in of_type(key, Station) if station.kind == 1)
    assert source is not None
    reached, queue = {source}, deque([source])
    while queue:
        for other in ways[queue.popleft()]:
            if other not in reached:
                reached.add(other)
                queue.append(other)
    assert reached == {node.src_code for node in of_type(key, Node)}


@pytest.mark.parametrize("key", KEYS)
def test_pressure_class_changes_only_across_regulators(key: str) -> None:
    classes: dict[str, set[int]] = {}
    for pipe in of_type(key, Pipe):
        for node in (pipe.from_node, pipe.to_node):
            classes.setdefault(node, set()).add(pipe.pressure_class)
    assert all(len(found) == 1 for found in classes.values())
    for regulator in of_type(key, Regulator):
        assert classes[regulator.node] == {regulator.inlet_class}
        assert classes[regulator.outlet_node or ""] == {regulator.outlet_class}
        assert regulator.inlet_class < regulator.outlet_class


@pytest.mark.parametrize("key", KEYS)
def test_a_broken_medium_pipe_is_shut_in_by_few_valves(key: str) -> None:
    stops = {valve.node for valve in of_type(key, Valve)}
    pipes = [pipe for pipe in of_type(key, Pipe) if pipe.pressure_class <= 6]
    at: dict[str, list[int]] = {}
    for number, pipe in enumerate(pipes):
        for node in (pipe.from_node, pipe.to_node):
            at.setdefault(node, []).append(number)
    lost = []
    for start in range(0, len(pipes), 7):
        swept, queue = {start}, deque([start])
        while queue:
            pipe = pipes[queue.popleft()]
            for node in {pipe.from_node, pipe.to_node} - stops:
                fresh = set(at[node]) - swept
                swept |= fresh
                queue.extend(fresh)
        lost.append(sum(pipes[number].length_m or 0 for number in swept))
    assert max(lost) < 6500
    assert float(np.median(lost)) < 2500


def test_totals_stand_near_the_figures() -> None:
    pipes = [pipe for key in KEYS for pipe in of_type(key, Pipe)]
    length = Counter[str]()
    for pipe in pipes:
        family = (
            "pe" if pipe.material in (20, 21) else "iron" if pipe.material in (30, 31) else "steel"
        )
        length[family] += pipe.length_m or 0
    total = sum(length.values())
    assert 370_000 <= total <= 430_000
    assert length["pe"] / total == pytest.approx(0.75, abs=0.01)
    assert length["iron"] / total == pytest.approx(0.03, abs=0.005)
    assert 800 <= sum(len(of_type(key, Valve)) for key in KEYS) <= 1000
    assert sum(len(of_type(key, Point)) for key in KEYS) == 1500
    kinds = Counter(s.kind for key in KEYS for s in of_type(key, Station))
    assert (kinds[2], kinds[4], kinds[3]) == (3, 2, 1)
    assert {pipe.install_year for pipe in pipes} >= {1986, 2025}


def test_stated_lengths_agree_with_the_geometry() -> None:
    pyproj = pytest.importorskip("pyproj")
    geod = pyproj.Geod(ellps="GRS80")
    for pipe in of_type("YCRQ", Pipe)[::5]:
        lon, lat = np.array(pipe.geom.coordinates).T
        assert geod.line_length(lon, lat) == pytest.approx(pipe.length_m, rel=0.01, abs=0.05)


def test_eighty_thousand_users_hang_on_known_nodes() -> None:
    users = [(key, user) for key in KEYS for user in records(key, "USR")]
    assert len(users) == 80_000
    nodes = {key: {node.src_code for node in of_type(key, Node)} for key in KEYS}
    regulators = {key: {r.src_code for r in of_type(key, Regulator)} for key in KEYS}
    classes = Counter[int]()
    for key, user in users:
        assert isinstance(user, User)
        assert user.node in nodes[key]
        assert user.regulator in regulators[key]
        classes[user.user_class] += 1
    assert classes[10] + classes[11] > 75_000
    assert set(classes) >= {10, 11, 20, 30, 31, 40, 41, 50}


def test_two_tiles_share_no_code_and_no_place() -> None:
    first = {record.src_code for record in net("YCRQ")}
    both = [record.src_code for record in records("YCRQ", "NET", scale=2)]
    assert len(both) == 2 * len(first)
    assert len(set(both)) == len(both)
    assert len({tile_offset(tile) for tile in range(100)}) == 100
    assert len({district.adcode for district in city.districts(100)}) == 1000


def digest() -> str:
    """Return a sum over everything the city says."""
    total = hashlib.sha256()
    for key in KEYS:
        for record in net(key):
            total.update(msgspec.json.encode(record))
        for record in list(records(key, "USR"))[::50]:
            total.update(msgspec.json.encode(record))
    total.update(city.city_plan().buildings.rings.tobytes())
    return total.hexdigest()


def test_another_process_makes_the_same_city() -> None:
    code = f"import runpy; print(runpy.run_path({__file__!r})['digest']())"
    other = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert other.stdout.strip() == digest()


def test_a_line_is_as_long_as_its_steps() -> None:
    assert length_m(np.array([[0, 0], [3, 4], [3, 10]])) == 11
