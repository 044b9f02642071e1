"""The states of a proposed correction, its values, and what a change of the enterprise's own value means."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.proposals.fields import FIELDS, BadValue, field_of, read_value, same
from portal.proposals.forms import parse_place
from portal.proposals.rules import (
    ACCEPTED,
    ACTIONS,
    APPLIED,
    PLACE,
    PROPOSED,
    REFUSED,
    STATES,
    WITHDRAWN,
    Look,
    Refused,
    after,
    look,
)

CODES = {21: "PE100", 10: "钢"}
CHANGES = {"material": {"was": 21, "wanted": 10}, "od_mm": {"was": 160.0, "wanted": 110.0}}


def test_a_proposal_is_accepted_and_then_carried_out_by_the_data() -> None:
    assert after(after(PROPOSED, "accept"), "follow") == APPLIED


@pytest.mark.parametrize(
    ("state", "action", "become"),
    [
        (PROPOSED, "refuse", REFUSED), (ACCEPTED, "refuse", REFUSED), (PROPOSED, "take", APPLIED), (ACCEPTED, "take", APPLIED),
        (PROPOSED, "follow", APPLIED), (PROPOSED, "withdraw", WITHDRAWN), (ACCEPTED, "withdraw", WITHDRAWN),
    ],
)  # fmt: skip
def test_what_may_become_of_it(state: int, action: str, become: int) -> None:
    assert after(state, action, "现场核实") == become


@given(state=st.sampled_from([REFUSED, APPLIED, WITHDRAWN]), action=st.sampled_from(ACTIONS))
def test_what_is_settled_stays_settled(state: int, action: str) -> None:
    with pytest.raises(Refused, match="proposal_state"):
        after(state, action, "现场核实")


@pytest.mark.parametrize("action", ["refuse", "withdraw"])
def test_refusing_and_taking_back_need_a_reason(action: str) -> None:
    with pytest.raises(Refused, match="proposal_reason"):
        after(PROPOSED, action, "  ")


def test_every_state_is_reached_and_unknown_acts_are_none() -> None:
    assert {PROPOSED, *(after(PROPOSED, action, "因") for action in ACTIONS)} == set(STATES)
    with pytest.raises(Refused, match="proposal_action"):
        after(PROPOSED, "delete")


def test_a_value_that_is_neither_was_nor_wanted_is_a_conflict() -> None:
    assert look(CHANGES, {"material": 21, "od_mm": 160.0}, None) == Look(False)
    assert look(CHANGES, {"material": 10, "od_mm": 160.0}, None) == Look(False)
    assert look(CHANGES, {"material": 10, "od_mm": 125.0}, None) == Look(False, {"od_mm": 125.0})
    assert look(CHANGES, {"material": 10, "od_mm": 110.0}, None) == Look(True)


@pytest.mark.parametrize(
    ("moved", "expected"),
    [((0.0, 8.0), Look(False)), ((8.0, 0.2), Look(True)), ((3.14, 6.0), Look(False, {PLACE: 3.1}))],
)
def test_a_place_is_followed_within_half_a_metre(moved: tuple[float, float], expected: Look) -> None:
    assert look({}, {}, moved) == expected


@pytest.mark.parametrize(
    ("layer", "name", "text", "value"),
    [
        ("pipe", "material", "10", 10), ("pipe", "od_mm", "110.5", 110.5), ("pipe", "install_year", "1998", 1998),
        ("valve", "remote", "1", True), ("pipe", "road_name", " 滨江路 ", "滨江路"),
    ],
)  # fmt: skip
def test_values_are_read_as_their_field(layer: str, name: str, text: str, value: object) -> None:
    assert read_value(field_of(layer, name), text, CODES) == value


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("material", "77"), ("od_mm", "-3"), ("od_mm", "nan"), ("od_mm", "inf"), ("install_year", "1998.5"),
        ("od_mm", "';--"), ("road_name", "x" * 121),
    ],
)  # fmt: skip
def test_values_that_cannot_be_are_refused(name: str, text: str) -> None:
    with pytest.raises(BadValue, match=name):
        read_value(field_of("pipe", name), text, CODES)


def test_no_correction_names_what_the_portal_works_out_or_who_owns_it() -> None:
    forbidden = {"id", "enterprise_id", "adcode", "receipt_id", "valid_from", "valid_to", "component", "fed", "m", "src_code", "length_m"}
    assert not forbidden & {each.name for fields in FIELDS.values() for each in fields}


def test_equal_numbers_are_the_same_however_they_are_kept() -> None:
    assert same(110, 110.0) and same(0.1 + 0.2, 0.3) and not same(None, 0) and not same("a", "b")


def test_places_are_read_and_what_is_none_is_refused() -> None:
    from portal.core.errors import Invalid

    assert parse_place("112.5, 32.0 ; 112.6,32.1") == [(112.5, 32.0), (112.6, 32.1)]
    for text in ("112.5", "a,b", "112.5,95", "1,2,3", "nan,1"):
        with pytest.raises(Invalid, match="proposal_place"):
            parse_place(text)
