"""Areas that people draw on a map: read from text, judged before any query, measured on the ellipsoid; pure."""

from __future__ import annotations

import math
from dataclasses import dataclass

from pyproj import Geod
from shapely import Polygon, make_valid
from shapely.validation import explain_validity

POINTS_MOST = 1000
# A point takes at most this many characters, so a longer text is refused before it is taken apart.
TEXT_MOST = POINTS_MOST * 64
CORNERS_LEAST = 3
ELLIPSOID = Geod(a=6378137.0, rf=298.257222101)

Box = tuple[float, float, float, float]


class BadArea(ValueError):
    """An area that cannot be used; `reason` is an error code of the map's sentences, `facts` go into the sentence."""

    def __init__(self, reason: str, **facts: object) -> None:
        """Keep the reason and what its sentence needs."""
        super().__init__(reason)
        self.reason, self.facts = reason, facts


@dataclass(frozen=True)
class Area:
    """A simple polygon in CGCS2000 degrees, longitude first; `box` when it is one."""

    points: tuple[tuple[float, float], ...]
    is_box: bool

    @property
    def polygon(self) -> Polygon:
        """Return the polygon."""
        return Polygon(self.points)

    @property
    def bounds(self) -> Box:
        """Return west, south, east, north."""
        west, south, east, north = self.polygon.bounds
        return west, south, east, north

    def text(self) -> str:
        """Return the form used in addresses: two corners of a box, or the corners of a polygon."""
        west, south, east, north = self.bounds
        corners = ((west, south), (east, north)) if self.is_box else self.points
        return ";".join(f"{lon:.6f},{lat:.6f}" for lon, lat in corners)

    def area_m2(self) -> float:
        """Return the area on the ellipsoid."""
        return abs(ELLIPSOID.geometry_area_perimeter(self.polygon)[0])

    def perimeter_m(self) -> float:
        """Return the length of the outline on the ellipsoid."""
        return float(ELLIPSOID.geometry_area_perimeter(self.polygon)[1])


def parse_area(text: str) -> Area:
    """Return the area of `lon,lat;lon,lat;…`: two corners of a box, or three and more of a polygon.

    Raise BadArea: area_unreadable, area_few_corners, area_many_points, area_not_degrees, area_crosses_itself, area_empty.
    """
    if text.count(";") >= POINTS_MOST or len(text) > TEXT_MOST:
        raise BadArea("area_many_points", most=POINTS_MOST, found=text.count(";") + 1)
    points = [_point(part) for part in text.split(";") if part.strip()]
    if len(points) > CORNERS_LEAST and points[0] == points[-1]:
        points.pop()
    if len(points) < 2:
        raise BadArea("area_few_corners")
    is_box = len(points) == 2
    if is_box:
        (west, south), (east, north) = points
        points = [(west, south), (east, south), (east, north), (west, north)]
    found = Area(tuple(points), is_box)
    shape = found.polygon
    if shape.area == 0 and make_valid(shape).area == 0:
        raise BadArea("area_empty")
    if not shape.is_valid:
        raise BadArea("area_crosses_itself", where=explain_validity(shape).rpartition("[")[2].rstrip("]"))
    return found


def _point(text: str) -> tuple[float, float]:
    try:
        lon, lat = (float(part) for part in text.split(","))
    except ValueError as error:
        raise BadArea("area_unreadable", value=text[:40]) from error
    if not (math.isfinite(lon) and math.isfinite(lat) and abs(lon) <= 180 and abs(lat) <= 90):
        raise BadArea("area_not_degrees", value=text[:40])
    return lon, lat


def boxes_meet(one: Box, other: Box) -> bool:
    """Return whether two boxes have a point in common."""
    return one[0] <= other[2] and other[0] <= one[2] and one[1] <= other[3] and other[1] <= one[3]
