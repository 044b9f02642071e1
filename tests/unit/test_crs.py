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
