"""Coordinate systems: the stored, metric and tile SRIDs, and the only code that converts between systems.

Everything is stored in CGCS2000 (EPSG:4490) with longitude first. GCJ-02 and BD-09 are the
offset systems of public web maps; they are accepted on import and never stored.
"""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from pyproj import CRS, Geod, Transformer
from pyproj.exceptions import CRSError
from pyproj.transformer import TransformerGroup

STORAGE_SRID = 4490
TILE_SRID = 3857

_KRASOVSKY_A_M = 6378245.0
_KRASOVSKY_EE = 0.00669342162296594323
_BD_STEP = np.pi * 3000.0 / 180.0
_INVERSE_ROUNDS = 6

# Frames that agree with CGCS2000 within a metre or better: their degrees are taken as they are.
_LIKE_CGCS2000 = (
    "china 2000",
    "china_2000",
    "cgcs",
    "wgs 84",
    "wgs_1984",
    "world geodetic system 1984",
    "etrs",
    "european terrestrial",
)
_GAUSS3_FIRST_CM, _GAUSS3_LAST_CM = 75, 135
_NORTHING_M = (1.5e6, 6.2e6)
_EASTING_M = (1.0e5, 9.0e5)
_ZONES = (13, 45)
_CHINA_LON, _CHINA_LAT = (72.0, 138.0), (0.8, 55.9)
_ELLIPSOID = Geod(a=6378137.0, rf=298.257222101)

Degrees = NDArray[np.float64]


class UnusableCrs(ValueError):
    """A coordinate system that cannot be used; `reason` is a key of the findings' words."""

    def __init__(self, reason: str, name: str) -> None:
        """Keep the reason and the name as the sender wrote it."""
        super().__init__(f"{reason}: {name}")
        self.reason, self.name = reason, name


@dataclass(frozen=True)
class CoordinateSystem:
    """A named system: `EPSG:n`, `GCJ02` or `BD09`; srid is None for the two offset systems."""

    name: str
    srid: int | None = None

    @property
    def geographic(self) -> bool:
        """Return whether its coordinates are degrees."""
        return self.srid is None or bool(_pyproj(self.srid).is_geographic)


def _swing(x: Degrees) -> Degrees:
    return np.asarray((20 * np.sin(6 * np.pi * x) + 20 * np.sin(2 * np.pi * x)) * 2 / 3, float)


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


@cache
def _pyproj(srid: int) -> CRS:
    return CRS.from_epsg(srid)


def parse_crs(text: str) -> CoordinateSystem:
    """Return the system a sender named, such as EPSG:4547, 4547, CGCS2000, WGS84, GCJ-02 or BD09.

    Raise UnusableCrs for an unknown name, a vertical or geocentric system, and for a datum with no
    published way to CGCS2000 (Xi'an 1980, Beijing 1954: their parameters are the survey office's).
    """
    word = re.sub(r"[\s_-]", "", text).upper()
    if word in ("GCJ02", "BD09"):
        return CoordinateSystem(word)
    named = {"CGCS2000": 4490, "WGS84": 4326, "CRS84": 4326}.get(word)
    found = re.fullmatch(r"(?:URN:OGC:DEF:CRS:)?(?:EPSG)?:*(\d{4,6})|URN:OGC:DEF:CRS:EPSG:[\d.]*:(\d{4,6})", word, re.A)
    if word.endswith(":CRS84"):
        named = 4326
    if named is None and found is None:
        raise UnusableCrs("crs_unknown", text)
    return _usable(named or int(found[1] or found[2]), text)  # type: ignore[index]  # one of both is set


def _usable(srid: int, text: str) -> CoordinateSystem:
    try:
        crs = _pyproj(srid)
    except CRSError as error:
        raise UnusableCrs("crs_unknown", text) from error
    if crs.is_compound:
        crs = crs.sub_crs_list[0]
        srid = crs.to_epsg() or srid
    if not (crs.is_geographic or crs.is_projected):
        raise UnusableCrs("crs_unknown", text)
    _to_storage(srid)
    return CoordinateSystem(f"EPSG:{srid}", srid)


def crs_from_wkt(wkt: str) -> CoordinateSystem:
    """Return the system a .prj or a layer states, found by its projection when it carries no EPSG number.

    Raise UnusableCrs when the text cannot be read or no EPSG system has that projection.
    """
    label = wkt.strip()[:60]
    try:
        crs = CRS.from_user_input(wkt.strip())
    except CRSError as error:
        raise UnusableCrs("crs_unknown", label) from error
    srid = crs.to_epsg(min_confidence=70) or _gauss_srid(crs) or crs.to_epsg(min_confidence=25)
    if srid is None:
        raise UnusableCrs("crs_unknown", crs.name or label)
    return _usable(srid, crs.name)


def _gauss_srid(crs: CRS) -> int | None:
    """Return the CGCS2000 Gauss-Kruger system with the projection parameters of `crs`, or None."""
    datum = crs.datum.name.casefold() if crs.datum else ""
    if not crs.is_projected or crs.coordinate_operation is None or not ("china" in datum or "cgcs" in datum):
        return None
    values = {parameter.name: parameter.value for parameter in crs.coordinate_operation.params}
    cm, east = values.get("Longitude of natural origin"), values.get("False easting")
    if not isinstance(cm, float | int) or not isinstance(east, float | int):
        return None
    if values.get("Scale factor at natural origin", 1.0) != 1.0:
        return None
    try:
        return gauss3_srid(cm, with_zone=east > 1e6)
    except UnusableCrs:
        return None


def gauss3_srid(central_meridian: float, *, with_zone: bool = False) -> int:
    """Return the EPSG number of a CGCS2000 3-degree zone; 114 gives 4547, with zone prefix 4526."""
    index, rest = divmod(central_meridian - _GAUSS3_FIRST_CM, 3)
    if rest or not _GAUSS3_FIRST_CM <= central_meridian <= _GAUSS3_LAST_CM:
        raise UnusableCrs("crs_unknown", f"CM {central_meridian}")
    return int(index) + (4513 if with_zone else 4534)


def zone_srid(zone: int) -> int:
    """Return the EPSG number of a zone prefix: 25-45 are 3-degree zones (38 is 4526), 13-23 6-degree (20 is 4498)."""
    if 25 <= zone <= 45:
        return 4513 + zone - 25
    if 13 <= zone <= 23:
        return 4491 + zone - 13
    raise UnusableCrs("crs_unknown", f"zone {zone}")


@cache
def _to_storage(srid: int) -> Transformer:
    """Return the transformer to CGCS2000 degrees, longitude first; raise UnusableCrs when only a guess exists."""
    crs = _pyproj(srid)
    geodetic = crs.geodetic_crs
    datum = (crs.datum.name if crs.datum else "").casefold()
    if any(word in datum for word in _LIKE_CGCS2000):
        return Transformer.from_crs(crs, geodetic, always_xy=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a finer grid that is not installed is no reason to refuse
        ways = TransformerGroup(crs, CRS.from_epsg(4326), always_xy=True).transformers
    usable = [way for way in ways if "ballpark" not in way.description.casefold()]
    if not usable or any(word in datum for word in ("xian 1980", "beijing 1954")):
        raise UnusableCrs("crs_datum", crs.name)
    return usable[0]


def storage_from(x: Degrees, y: Degrees, system: CoordinateSystem) -> tuple[Degrees, Degrees]:
    """Return CGCS2000 longitude and latitude of points given east (or longitude) first; NaN where impossible."""
    x, y = np.asarray(x, float), np.asarray(y, float)
    if system.name == "BD09":
        return cgcs2000_from_gcj02(*gcj02_from_bd09(x, y))
    if system.name == "GCJ02":
        return cgcs2000_from_gcj02(x, y)
    lon, lat = _to_storage(system.srid or STORAGE_SRID).transform(x, y)
    lon, lat = np.asarray(lon, float), np.asarray(lat, float)
    good = np.isfinite(lon) & np.isfinite(lat)
    return np.where(good, lon, np.nan), np.where(good, lat, np.nan)


@cache
def _to_grid(srid: int) -> Transformer:
    return Transformer.from_crs(CRS.from_epsg(STORAGE_SRID), _pyproj(srid), always_xy=True)


def grid_metres(lon: Degrees, lat: Degrees, *, middle: float) -> tuple[Degrees, Degrees]:
    """Return easting and northing in metres of CGCS2000 degrees, in the 3-degree zone nearest to a longitude.

    Lengths in the zone are true to 4 in 10,000 up to 1.5 degrees from its meridian.
    """
    meridian = min(max(3 * round(middle / 3), _GAUSS3_FIRST_CM), _GAUSS3_LAST_CM)
    x, y = _to_grid(gauss3_srid(meridian)).transform(lon, lat)
    return np.asarray(x, float), np.asarray(y, float)


@dataclass(frozen=True)
class Frame:
    """What two columns of numbers look like: `degrees`, `metres`, `zoned` (easting with zone prefix) or `other`.

    `north_first` says that the first column is northing or latitude; `zone` is the prefix of a zoned easting.
    """

    kind: str
    north_first: bool = False
    zone: int | None = None


def _within(values: Degrees, span: tuple[float, float]) -> NDArray[np.bool_]:
    return (values >= span[0]) & (values <= span[1])


def _zoned(values: Degrees) -> NDArray[np.bool_]:
    zone = np.floor(values / 1e6)
    return _within(zone, _ZONES) & _within(values - zone * 1e6, _EASTING_M)


def row_frames(first: Degrees, second: Degrees) -> NDArray[np.int8]:
    """Return for each row 0 other, 1/2 metres, 3/4 zoned metres, 5/6 degrees in China; even = north first."""
    frames = np.zeros(first.shape, np.int8)
    for turned, (east, north) in enumerate(((first, second), (second, first))):
        frames[_within(east, _EASTING_M) & _within(north, _NORTHING_M)] = 1 + turned
        frames[_zoned(east) & _within(north, _NORTHING_M)] = 3 + turned
        frames[_within(east, _CHINA_LON) & _within(north, _CHINA_LAT) & ~_within(east, _CHINA_LAT)] = 5 + turned
    return frames


def frame_of(first: Degrees, second: Degrees) -> Frame:
    """Return the frame most rows of two columns fit; `other` when no frame fits more than half of them."""
    frames = row_frames(first, second)
    counts = np.bincount(frames, minlength=7)
    best = int(counts[1:].argmax()) + 1
    if counts[best] * 2 <= frames.size:
        return Frame("other")
    kind = ("metres", "zoned", "degrees")[(best - 1) // 2]
    north_first = best % 2 == 0
    if kind != "zoned":
        return Frame(kind, north_first)
    east = (second if north_first else first)[frames == best]
    return Frame(kind, north_first, int(np.median(np.floor(east / 1e6))))


def segment_lengths_m(lon: Degrees, lat: Degrees) -> Degrees:
    """Return the ellipsoidal length in metres of each step between consecutive points; shape (n - 1,)."""
    if lon.size < 2:
        return np.zeros(0)
    _, _, steps = _ELLIPSOID.inv(lon[:-1], lat[:-1], lon[1:], lat[1:])
    return np.asarray(steps, float)
