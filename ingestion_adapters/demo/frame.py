"""The city's local frame: metres from its centre, tiles of the pattern, seeded chance."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Metres = NDArray[np.float64]
Degrees = NDArray[np.float64]

SEED = 990100
CENTRE_LON, CENTRE_LAT = 112.5, 32.0
TILE_WIDTH_M, TILE_HEIGHT_M = 36_000.0, 36_000.0
MAX_SCALE = 100
_DECIMALS = 7


def random_for(seed: int, stream: int) -> np.random.Generator:
    """Return the chance of one part of the city; parts do not disturb each other."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, stream])))


def checked_scale(scale: int) -> int:
    """Return the scale; raise ValueError outside 1..100."""
    if not 1 <= scale <= MAX_SCALE:
        raise ValueError(f"scale must be 1..{MAX_SCALE}, not {scale}")
    return scale


def tile_offset(tile: int) -> tuple[float, float]:
    """Return the metres by which a tile is moved; tiles wind around tile 0 in a square spiral."""
    x = y = 0
    dx, dy, leg, walked, turns = 1, 0, 1, 0, 0
    for _ in range(tile):
        x, y, walked = x + dx, y + dy, walked + 1
        if walked == leg:
            dx, dy, walked, turns = -dy, dx, 0, turns + 1
            leg += turns % 2 == 0
    return x * TILE_WIDTH_M, y * TILE_HEIGHT_M


def metres_per_degree(lat: Degrees) -> tuple[Degrees, Degrees]:
    """Return metres per degree of longitude and of latitude on the ellipsoid."""
    phi = np.radians(lat)
    lon = 111412.84 * np.cos(phi) - 93.5 * np.cos(3 * phi) + 0.118 * np.cos(5 * phi)
    lat_m = 111132.92 - 559.82 * np.cos(2 * phi) + 1.175 * np.cos(4 * phi)
    return lon, lat_m


_, _METRES_PER_LAT = metres_per_degree(np.float64(CENTRE_LAT))


def lonlat_from_metres(xy: Metres, tile: int = 0) -> Degrees:
    """Return CGCS2000 degrees, longitude first, to 1 cm, for metres of the frame."""
    xy = np.asarray(xy, float)
    shift_x, shift_y = tile_offset(tile)
    lat = CENTRE_LAT + (xy[..., 1] + shift_y) / _METRES_PER_LAT
    per_lon, _ = metres_per_degree(lat)
    lon = CENTRE_LON + (xy[..., 0] + shift_x) / per_lon
    return np.round(np.stack([lon, lat], axis=-1), _DECIMALS)


def length_m(line: Metres) -> float:
    """Return the length of a line given in metres; (n, 2)."""
    return float(np.hypot(*np.diff(np.asarray(line, float), axis=0).T).sum())


def elevation_m(xy: Metres) -> NDArray[np.float64]:
    """Return the ground's height above the sea: a river plain that rises to hills in the west."""
    x, y = xy[..., 0], xy[..., 1]
    plain = 31 + 2.4 * np.sin(x / 2900 + 0.4) + 1.9 * np.cos(y / 2300)
    return plain + 0.0009 * np.maximum(0, -x - 4000) + 0.0007 * np.maximum(0, y - 5000)
