"""Process pictures: sound descriptions, points that find their instrument, states that hide nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from portal.core.codes import dictionaries
from portal.core.errors import Invalid
from portal.operation.stations.forms import parse_camera
from portal.operation.stations.pictures import picture_of, pictures
from portal.operation.stations.rules import Candidate, bound, filled_share, moves, state_of

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
FACE = (164, 66)


def overlap(one: tuple[float, float], other: tuple[float, float]) -> bool:
    """Return whether two instruments cover one another."""
    return abs(one[0] - other[0]) < FACE[0] and abs(one[1] - other[1]) < FACE[1]


@pytest.mark.parametrize("key", sorted(pictures()))
def test_a_picture_names_each_slot_once_and_no_instrument_covers_another(key: str) -> None:
    picture = pictures()[key]
    keys = [slot.key for slot in picture.slots]
    assert len(set(keys)) == len(keys)
    assert all(slot.measure in dictionaries()["measure"] for slot in picture.slots)
    assert all(
        0 <= s.at[0] <= picture.size[0] - FACE[0] and 0 <= s.at[1] <= picture.size[1] - FACE[1] for s in picture.slots
    )
    covering = [(a.key, b.key) for n, a in enumerate(picture.slots) for b in picture.slots[:n] if overlap(a.at, b.at)]
    assert not covering
    assert {pipe["flow"] for pipe in picture.pipes if "flow" in pipe} <= set(keys)
    assert {part["slot"] for part in picture.parts if "slot" in part} <= set(keys)


@pytest.mark.clause("6.2-k_2")
def test_gate_storage_regulator_lng_cng_and_lpg_have_their_own_picture() -> None:
    own = {picture_of(kind).key for kind in (2, 3, 8, 4, 5, 6)}
    assert own == {"gate", "storage", "regulator", "lng", "cng", "lpg"}
    assert all(picture_of(kind).slots for kind in dictionaries()["station_kind"])


def gate_points() -> list[Candidate]:
    """Return the points of a gate and of the regulator at its node."""
    return [
        Candidate(1, 1, "出站压力", "Z1.PI.02"), Candidate(2, 1, "进站压力", "Z1.PI.01"), Candidate(3, 3, "计量区可燃气体", "Z1.AI.02"),
        Candidate(4, 3, "站区可燃气体", "Z1.AI.01"), Candidate(5, 1, "进口压力", "R1.PI.01", own=False),
        Candidate(6, 13, "过滤器压差", "R1.PD.01", own=False),
    ]  # fmt: skip


def test_points_find_their_instrument_by_measure_and_name() -> None:
    found = bound(picture_of(2).slots, gate_points(), {})
    assert found["inlet_pressure"] == 2 and found["outlet_pressure"] == 1
    assert found["gas_1"] == 4 and found["gas_2"] == 3 and found["filter_dp"] == 6
    assert len(set(found.values())) == len(found)


def test_what_a_person_decided_goes_first_even_that_there_is_none() -> None:
    found = bound(picture_of(2).slots, gate_points(), {"inlet_pressure": 5, "gas_1": None, "outlet_pressure": 999})
    assert found["inlet_pressure"] == 5 and "gas_1" not in found and "outlet_pressure" not in found


def test_a_value_is_good_stale_bad_or_none() -> None:
    fresh, old = NOW - timedelta(seconds=30), NOW - timedelta(hours=1)
    assert state_of(fresh, 192, 1.0, 60, NOW) == "good"
    assert state_of(fresh, 24, 1.0, 60, NOW) == "bad"
    assert state_of(fresh, 192, None, 60, NOW) == "bad"
    assert state_of(old, 24, 1.0, 60, NOW) == "stale"
    assert state_of(None, None, None, 60, NOW) == "none"


def test_only_a_good_flow_above_noise_moves_the_picture() -> None:
    assert moves(120.0, "good", 0, 1000)
    assert not moves(3.0, "good", 0, 1000) and not moves(120.0, "stale", 0, 1000) and not moves(None, "good", 0, 1000)
    assert filled_share(30, 0, 40) == 0.75 and filled_share(99, 0, 40) == 1.0 and filled_share(1, None, 40) is None


@pytest.mark.parametrize(
    "address",
    [
        "http://evil.example/a.m3u8",
        "javascript:alert(1)",
        "//evil.example/a",
        "http://u:p@10.0.0.5:8080/a",
        "http://[x/a",
        "rtsp://10.0.0.5/a",
    ],
)
def test_a_camera_plays_from_listed_hosts_only(address: str) -> None:
    said = {"code": "1", "name": "入口", "kind": "hls", "address": address}
    with pytest.raises(Invalid):
        parse_camera(said, frozenset({"http://10.0.0.5:8080"}))
    assert (
        parse_camera(said | {"address": "http://10.0.0.5:8080/a.m3u8"}, frozenset({"http://10.0.0.5:8080"})).kind
        == "hls"
    )
    assert parse_camera(said | {"address": "/static/a.m3u8"}, frozenset()).address == "/static/a.m3u8"
