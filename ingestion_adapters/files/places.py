"""Places of nodes and devices: columns or points to CGCS2000 degrees, with swapped, absurd and far places refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from gis.crs import Frame, row_frames, storage_from
from gis.network.rules import Limits
from ingestion_adapters.files.drafts import Draft, Judging
from ingestion_adapters.files.findings import Where, say
from ingestion_adapters.files.systems import axes_of, xy_of
from ingestion_adapters.files.tables import Table

Floats = NDArray[np.float64]
_M_PER_DEGREE_LON = 111_319.49
_M_PER_DEGREE_LAT = 110_574.0
_FRAME_CODES = {"metres": 1, "zoned": 3, "degrees": 5}


def plane_m(lon: Floats, lat: Floats, lat0: float) -> tuple[Floats, Floats]:
    """Return metres on a plane that touches at latitude lat0; good to 0.3 % within a city, for tolerances only."""
    return lon * _M_PER_DEGREE_LON * np.cos(np.radians(lat0)), lat * _M_PER_DEGREE_LAT


def distance_m(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Return the distance in metres between two near places in degrees."""
    east = (one[0] - other[0]) * _M_PER_DEGREE_LON * np.cos(np.radians(one[1]))
    return float(np.hypot(east, (one[1] - other[1]) * _M_PER_DEGREE_LAT))


def place_drafts(table: Table, drafts: Sequence[Draft], judging: Judging) -> None:
    """Set `lon` and `lat` of every draft that has a usable place, and note the others."""
    if table.system is None:
        return
    if table.shapes is not None:
        east, north = _from_points(table, drafts, judging)
        frame, turned = _frame_of_points(east, north), False
    else:
        first, second = xy_of(table)
        axes = axes_of(table)
        frame, turned = axes.frame, axes.north_first
        east, north = (second, first) if turned else (first, second)
    wrong = _note_frames(drafts, (east, north), frame, turned, judging)
    lon, lat = storage_from(east, north, table.system)
    _note_same_frame_but_nowhere(drafts, lon, lat, wrong, judging)
    for i, draft in enumerate(drafts):
        if np.isfinite(lon[i]) and np.isfinite(lat[i]) and not wrong[i] and abs(lat[i]) <= 90 and abs(lon[i]) <= 180:
            draft.values["lon"], draft.values["lat"] = float(lon[i]), float(lat[i])


def _frame_of_points(east: Floats, north: Floats) -> Frame:
    codes = row_frames(east, north)
    counts = np.bincount(codes, minlength=7)
    best = int(counts[1:].argmax()) + 1
    kinds = {1: "metres", 3: "zoned", 5: "degrees"}
    return Frame(kinds[best]) if counts[best] * 2 > codes.size and best in kinds else Frame("other")


def _from_points(table: Table, drafts: Sequence[Draft], judging: Judging) -> tuple[Floats, Floats]:
    east, north = np.full(len(drafts), np.nan), np.full(len(drafts), np.nan)
    for i, (draft, shape) in enumerate(zip(drafts, table.shapes if table.shapes is not None else [], strict=True)):
        if shape is None or shape.is_empty:
            judging.note(draft, "line_empty")
        elif shape.geom_type != "Point":
            facts = {"value": shape.geom_type, "words": "点", "words_en": "point"}
            judging.note(draft, "line_kind", facts=facts)
        elif not np.isfinite([shape.x, shape.y]).all():
            judging.note(draft, "line_nan")
        else:
            east[i], north[i] = shape.x, shape.y
    return east, north


def _note_frames(
    drafts: Sequence[Draft], xy: tuple[Floats, Floats], frame: Frame, turned: bool, judging: Judging
) -> NDArray[np.bool_]:
    """Note rows that do not fit the frame of most rows, telling the swapped ones; return which."""
    east, north = xy
    wrong = ~(np.isfinite(east) & np.isfinite(north))
    wanted = _FRAME_CODES.get(frame.kind)
    if wanted is None:
        return wrong
    codes = row_frames(east, north)
    for i in np.flatnonzero(~wrong & (codes != wanted)).tolist():
        x, y = (north[i], east[i]) if turned else (east[i], north[i])
        key = "xy_swapped" if codes[i] == wanted + 1 else "place_frame"
        judging.note(drafts[i], key, "x", {"x": f"{x:.10g}", "y": f"{y:.10g}"})
        wrong[i] = True
    return wrong


def _note_same_frame_but_nowhere(
    drafts: Sequence[Draft], lon: Floats, lat: Floats, wrong: NDArray[np.bool_], judging: Judging
) -> None:
    bad = ~wrong & ~(np.isfinite(lon) & np.isfinite(lat) & (np.abs(lat) <= 90) & (np.abs(lon) <= 180))
    for i in np.flatnonzero(bad).tolist():
        judging.note(
            drafts[i], "place_frame", "x", {"x": drafts[i].values.get("x", ""), "y": drafts[i].values.get("y", "")}
        )


def spread_limit(lon: Floats, lat: Floats, limits: Limits) -> tuple[float, float, float]:
    """Return the middle of a delivery (degrees) and how far in metres a place may lie from it (R16)."""
    middle = float(np.median(lon)), float(np.median(lat))
    east, north = plane_m(lon - middle[0], lat - middle[1], middle[1])
    usual = float(np.median(np.hypot(east, north))) if lon.size else 0.0
    return *middle, max(limits.spread_floor_m, limits.spread_factor * usual)


def inside(point: tuple[float, float], area: tuple[float, float, float, float]) -> bool:
    """Return whether a place (lon, lat) lies in west, south, east, north."""
    return area[0] <= point[0] <= area[2] and area[1] <= point[1] <= area[3]


def look_elsewhere(middle: tuple[float, float], judging: Judging) -> None:
    """Put the city's area aside, and say so, when the delivery as a whole lies elsewhere (R16).

    An enterprise may deliver what it runs in the next city; refusing every row would say nothing about any of them.
    """
    area = judging.limits.area
    if area is not None and not inside(middle, area):
        judging.limits = replace(judging.limits, area=None)
        facts = {"x": f"{middle[0]:.4f}", "y": f"{middle[1]:.4f}"}
        judging.findings.append(say("delivery_elsewhere", Where(""), facts))


def note_far(drafts: Sequence[Draft], middle: tuple[float, float, float], judging: Judging) -> None:
    """Refuse drafts far from the rest of the delivery or outside the city (R16)."""
    area = judging.limits.area
    for draft in drafts:
        lon, lat = draft.values.get("lon"), draft.values.get("lat")
        if lon is None or lat is None:
            continue
        _note_far_point(draft, (lon, lat), middle, area, judging)


def _note_far_point(
    draft: Draft,
    point: tuple[float, float],
    middle: tuple[float, float, float],
    area: tuple[float, float, float, float] | None,
    judging: Judging,
) -> None:
    lon, lat = point
    gap = distance_m((middle[0], middle[1]), point)
    if area is not None and not inside(point, area):
        judging.note(draft, "place_area", facts={"x": f"{lon:.6f}", "y": f"{lat:.6f}"})
    elif gap > middle[2]:
        judging.note(draft, "place_far", facts={"distance": f"{gap / 1000:.0f}"})


def note_far_line(draft: Draft, line: Floats, middle: tuple[float, float, float], judging: Judging) -> None:
    """Refuse a line of which any vertex is far from the rest or outside the city (R16)."""
    east, north = plane_m(line[:, 0] - middle[0], line[:, 1] - middle[1], middle[1])
    worst = int(np.argmax(np.hypot(east, north)))
    _note_far_point(draft, (float(line[worst, 0]), float(line[worst, 1])), middle, judging.limits.area, judging)


def note_same_place(drafts: Sequence[Draft], judging: Judging) -> None:
    """Note nodes that share a place with an earlier node (R13)."""
    placed = [draft for draft in drafts if "lon" in draft.values and not draft.waits]
    if len(placed) < 2:
        return
    lon, lat = (np.array([draft.values[name] for draft in placed]) for name in ("lon", "lat"))
    points = np.column_stack(plane_m(lon, lat, float(np.median(lat))))
    pairs = cKDTree(points).query_pairs(judging.limits.snap_m, output_type="ndarray")
    told: set[int] = set()
    for one, other in sorted(map(tuple, pairs.tolist())):
        if other not in told and placed[one].code != placed[other].code:
            told.add(other)
            judging.note(placed[other], "place_same", "src_code", {"value": placed[one].code})
