"""Coordinate systems: the stored, metric and tile SRIDs, and the only code that converts between systems.

Everything is stored in CGCS2000 (EPSG:4490) with longitude first. GCJ-02 and BD-09 are the
offset systems of public web maps; they are accepted on import and never stored.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

STORAGE_SRID = 4490
TILE_SRID = 3857

_KRASOVSKY_A_M = 6378245.0
_KRASOVSKY_EE = 0.00669342162296594323
_BD_STEP = np.pi * 3000.0 / 180.0
_INVERSE_ROUNDS = 6

Degrees = NDArray[np.float64]


def _swing(x: Degrees) -> Degrees:
    return (20 * np.sin(6 * np.pi * x) + 20 * np.sin(2 * np.pi * x)) * 2 / 3


def _offset(lon: Degrees, lat: Degrees) -> tuple[Degrees, Degrees]:
    x, y = lon - 105, lat - 35
    root = np.sqrt(np.abs(x))
    d_lat = -100 + 2 * x + 3 * y + 0.2 * y**2 + 0.1 * x * y + 0.2 * root + _swing(x)
    d_lat += (20 * np.sin(np.pi * y) + 40 * np.sin(np.pi * y / 3)) * 2 / 3
    d_lat += (160 * np.sin(np.pi * y / 12) + 320 * np.sin(np.pi * y / 30)) * 2 / 3
    d_lon = 300 + x + 2 * y + 0.1 * x**2 + 0.1 * x * y + 0.1 * root + _swing(x)
    d_lon += (20 * np.sin(np.pi * x) + 40 * np.sin(np.pi * x / 3)) * 2 / 3
    d_lon += (150 * np.sin(np.pi * x / 12) + 300 * np.sin(np.pi * x / 30)) * 2 / 3
    phi = np.radians(lat)
    m = 1 - _KRASOVSKY_EE * np.sin(phi) ** 2
    d_lat *= 180 / (_KRASOVSKY_A_M * (1 - _KRASOVSKY_EE) / (m * np.sqrt(m)) * np.pi)
    d_lon *= 180 / (_KRASOVSKY_A_M / np.sqrt(m) * np.cos(phi) * np.pi)
    return d_lon, d_lat


def _outside_china(lon: Degrees, lat: Degrees) -> NDArray[np.bool_]:
    return (lon < 72.004) | (lon > 137.8347) | (lat < 0.8293) | (lat > 55.8271)


def gcj02_from_cgcs2000(lon: Degrees, lat: Degrees) -> tuple[Degrees, Degrees]:
    """Return GCJ-02 degrees for CGCS2000 degrees; arrays of one shape.

    Public algorithm; (116.404, 39.915) gives (116.410244, 39.916404). Points outside the
    bounding box of mainland China stay as they are.
    """
    lon, lat = np.asarray(lon, float), np.asarray(lat, float)
    d_lon, d_lat = _offset(lon, lat)
    outside = _outside_china(lon, lat)
    return np.where(outside, lon, lon + d_lon), np.where(outside, lat, lat + d_lat)


def cgcs2000_from_gcj02(lon: Degrees, lat: Degrees) -> tuple[Degrees, Degrees]:
    """Return CGCS2000 degrees for GCJ-02 degrees; fixed-point inverse, error under 1 mm."""
    lon, lat = np.asarray(lon, float), np.asarray(lat, float)
    guess_lon, guess_lat = lon, lat
    for _ in range(_INVERSE_ROUNDS):
        seen_lon, seen_lat = gcj02_from_cgcs2000(guess_lon, guess_lat)
        guess_lon, guess_lat = guess_lon + lon - seen_lon, guess_lat + lat - seen_lat
    return guess_lon, guess_lat


def bd09_from_gcj02(lon: Degrees, lat: Degrees) -> tuple[Degrees, Degrees]:
    """Return BD-09 degrees for GCJ-02 degrees; (116.410244, 39.916404) gives (116.416627, 39.922700)."""
    lon, lat = np.asarray(lon, float), np.asarray(lat, float)
    z = np.hypot(lon, lat) + 2e-5 * np.sin(lat * _BD_STEP)
    theta = np.arctan2(lat, lon) + 3e-6 * np.cos(lon * _BD_STEP)
    return z * np.cos(theta) + 0.0065, z * np.sin(theta) + 0.006


def gcj02_from_bd09(lon: Degrees, lat: Degrees) -> tuple[Degrees, Degrees]:
    """Return GCJ-02 degrees for BD-09 degrees; fixed-point inverse, error under 1 mm."""
    lon, lat = np.asarray(lon, float), np.asarray(lat, float)
    guess_lon, guess_lat = lon - 0.0065, lat - 0.006
    for _ in range(_INVERSE_ROUNDS):
        seen_lon, seen_lat = bd09_from_gcj02(guess_lon, guess_lat)
        guess_lon, guess_lat = guess_lon + lon - seen_lon, guess_lat + lat - seen_lat
    return guess_lon, guess_lat
