"""Offset coordinate systems against published points, and that every way back leads home."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gis import crs

LON, LAT = st.floats(73, 135), st.floats(18, 53)


def test_gcj02_matches_the_published_point() -> None:
    lon, lat = crs.gcj02_from_cgcs2000(np.array([116.404]), np.array([39.915]))
    assert (lon[0], lat[0]) == pytest.approx((116.410244, 39.916404), abs=2e-6)


def test_bd09_matches_the_published_point() -> None:
    lon, lat = crs.bd09_from_gcj02(np.array([116.410244]), np.array([39.916404]))
    assert (lon[0], lat[0]) == pytest.approx((116.416627, 39.922700), abs=2e-6)


def test_points_outside_china_are_not_moved() -> None:
    lon, lat = crs.gcj02_from_cgcs2000(np.array([7.88]), np.array([48.46]))
    assert (lon[0], lat[0]) == (7.88, 48.46)


@given(LON, LAT)
def test_gcj02_there_and_back_stays_within_a_centimetre(lon: float, lat: float) -> None:
    back = crs.cgcs2000_from_gcj02(*crs.gcj02_from_cgcs2000(np.array([lon]), np.array([lat])))
    assert np.hypot(back[0][0] - lon, back[1][0] - lat) < 1e-7


@given(LON, LAT)
def test_bd09_there_and_back_stays_within_a_centimetre(lon: float, lat: float) -> None:
    back = crs.gcj02_from_bd09(*crs.bd09_from_gcj02(np.array([lon]), np.array([lat])))
    assert np.hypot(back[0][0] - lon, back[1][0] - lat) < 1e-7


@pytest.mark.parametrize(
    ("meridian", "plain", "zoned"),
    [(75, 4534, 4513), (111, 4546, 4525), (114, 4547, 4526), (120, 4549, 4528), (135, 4554, 4533)],
)
def test_a_three_degree_zone_has_its_epsg_number(meridian: float, plain: int, zoned: int) -> None:
    assert (crs.gauss3_srid(meridian), crs.gauss3_srid(meridian, with_zone=True)) == (plain, zoned)


@pytest.mark.parametrize("meridian", [72, 113, 138])
def test_a_meridian_without_a_zone_is_refused(meridian: float) -> None:
    with pytest.raises(crs.UnusableCrs):
        crs.gauss3_srid(meridian)


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("EPSG:4547", "EPSG:4547"),
        ("epsg:4490", "EPSG:4490"),
        ("CGCS2000", "EPSG:4490"),
        ("GCJ-02", "GCJ02"),
        ("gcj02", "GCJ02"),
        ("BD09", "BD09"),
        ("urn:ogc:def:crs:OGC:1.3:CRS84", "EPSG:4326"),
        ("urn:ogc:def:crs:EPSG::4547", "EPSG:4547"),
    ],
)
def test_a_system_is_known_by_its_usual_names(said: str, name: str) -> None:
    assert crs.parse_crs(said).name == name


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("EPSG:99999", "crs_unknown"),
        ("moon", "crs_unknown"),
        ("EPSG:5773", "crs_unknown"),
        ("EPSG:2383", "crs_datum"),
        ("EPSG:2437", "crs_datum"),
    ],
)
def test_an_unknown_system_or_one_without_public_parameters_is_refused(said: str, reason: str) -> None:
    with pytest.raises(crs.UnusableCrs) as caught:
        crs.parse_crs(said)
    assert caught.value.reason == reason


def test_a_prj_of_another_make_is_found_by_its_projection() -> None:
    wkt = (
        'PROJCS["CGCS2000_3_Degree_GK_Zone_39",GEOGCS["GCS_China_Geodetic_Coordinate_System_2000",DATUM["D_China_2000",'
        'SPHEROID["CGCS2000",6378137.0,298.257222101]],PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]],'
        'PROJECTION["Gauss_Kruger"],PARAMETER["False_Easting",39500000.0],PARAMETER["False_Northing",0.0],'
        'PARAMETER["Central_Meridian",117.0],PARAMETER["Scale_Factor",1.0],PARAMETER["Latitude_Of_Origin",0.0],UNIT["Meter",1.0]]'
    )
    assert crs.crs_from_wkt(wkt).name == "EPSG:4527"


def test_metres_of_a_zone_become_degrees_with_and_without_prefix() -> None:
    plain = crs.storage_from(np.array([493020.6]), np.array([2495300.0]), crs.parse_crs("EPSG:4547"))
    zoned = crs.storage_from(np.array([38493020.6]), np.array([2495300.0]), crs.parse_crs("EPSG:4526"))
    assert (plain[0][0], plain[1][0]) == pytest.approx((113.932143, 22.555366), abs=1e-6)
    assert zoned[0][0] == pytest.approx(plain[0][0], abs=1e-9)


def test_the_frame_of_survey_columns_is_seen_from_their_values() -> None:
    x, y = np.array([2495300.0, 2495305.1]), np.array([493020.6, 492926.0])
    assert crs.frame_of(x, y) == crs.Frame("metres", north_first=True)
    assert crs.frame_of(y, x) == crs.Frame("metres", north_first=False)
    assert crs.frame_of(x, y + 38e6) == crs.Frame("zoned", north_first=True, zone=38)
    assert crs.frame_of(np.array([22.5]), np.array([113.9])) == crs.Frame("degrees", north_first=True)
    assert crs.frame_of(np.array([7.88]), np.array([48.46])).kind == "other"
