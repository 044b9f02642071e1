"""Areas drawn on a map: what is read, what is refused and in which words, and their size on the ellipsoid."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Geod

from gis.areas import POINTS_MOST, BadArea, boxes_meet, parse_area
from portal.home.masking import masked_address, masked_number


def refusal(text: str) -> str:
    with pytest.raises(BadArea) as caught:
        parse_area(text)
    return caught.value.reason


def test_two_corners_are_a_box_and_three_a_polygon() -> None:
    box = parse_area("112.5,32.0;112.4,31.9")
    assert box.is_box and box.bounds == (112.4, 31.9, 112.5, 32.0)
    assert parse_area(box.text()).bounds == box.bounds
    ring = parse_area("112.4,31.9;112.5,31.9;112.5,32.0;112.4,31.9")
    assert not ring.is_box and len(ring.points) == 3
    assert parse_area(ring.text()).polygon.equals(ring.polygon)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "area_few_corners"),
        ("112.5,32", "area_few_corners"),
        ("a,b;c,d", "area_unreadable"),
        ("112.5;32", "area_unreadable"),
        ("112.5,32,1;112.6,33,1", "area_unreadable"),
        ("nan,32;112.6,33", "area_not_degrees"),
        ("inf,32;112.6,33", "area_not_degrees"),
        ("32,112.5;33,112.6", "area_not_degrees"),
        ("112.5,32;112.5,33", "area_empty"),
        ("112.4,32;112.5,32;112.6,32", "area_empty"),
        ("112.4,31.9;112.5,32.0;112.5,31.9;112.4,32.0", "area_crosses_itself"),
        (";".join(["112.5,32.0"] * (POINTS_MOST + 1)), "area_many_points"),
        ("112.5,32.0;" * 100_000, "area_many_points"),
        ("1" * 10_000_000, "area_many_points"),
    ],
)
def test_what_is_no_area_is_refused_for_its_reason(text: str, reason: str) -> None:
    assert refusal(text) == reason


def test_size_is_measured_on_the_ellipsoid() -> None:
    area = parse_area("112.4,31.9;112.6,32.1")
    whole, around = Geod(ellps="GRS80").geometry_area_perimeter(area.polygon)
    assert area.area_m2() == pytest.approx(abs(whole)) and area.perimeter_m() == pytest.approx(around)


def test_boxes_meet_only_where_they_have_a_point_in_common() -> None:
    assert boxes_meet((0, 0, 2, 2), (1, 1, 3, 3)) and boxes_meet((0, 0, 1, 1), (1, 1, 2, 2))
    assert not boxes_meet((112.4, -32.1, 112.6, -31.9), (112.0, 31.5, 113.0, 32.5))


@given(st.text(alphabet="0123456789.,;-e ab", max_size=200))
def test_no_text_makes_it_fail_otherwise(text: str) -> None:
    try:
        parse_area(text)
    except BadArea as bad:
        assert bad.reason.startswith("area_")


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("云川市城中区兰石巷269号16栋", "云川市城中区兰石巷***"),
        ("滨江路１号", "滨江路***"),
        ("幸福小区二单元301", "幸福小区***"),
        ("云川市门站", "云川市门站"),
        (None, ""),
    ],
)
def test_an_address_ends_at_its_street(address: str | None, shown: str) -> None:
    assert masked_address(address) == shown


def test_a_number_shows_its_last_signs_only() -> None:
    assert masked_number("3701020001234") == "****1234"
    assert masked_number("U1") == "****1" and masked_number("7") == "****"
