"""Lines of pipes: checked for shape, turned into CGCS2000 degrees, or drawn between their nodes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.crs import row_frames, segment_lengths_m, storage_from
from ingestion_adapters.files.drafts import Draft, Judging
from ingestion_adapters.files.tables import Table

Floats = NDArray[np.float64]
_MAX_VERTICES = 100_000


def lines_of(table: Table, drafts: Sequence[Draft], judging: Judging) -> None:
    """Set `line` (n, 2) in degrees of every draft with a usable geometry, and note the others."""
    if table.system is None or table.shapes is None:
        return
    usable: list[tuple[Draft, Floats]] = []
    for draft, shape in zip(drafts, table.shapes, strict=True):
        line = _single_line(draft, shape, judging)
        if line is not None:
            usable.append((draft, shapely.get_coordinates(line)))
    if not usable:
        return
    wrong = _wrong_frames(usable, judging)
    places = np.concatenate([points for _, points in usable])
    lon, lat = storage_from(places[:, 0], places[:, 1], table.system)
    cuts = np.cumsum([len(points) for _, points in usable])[:-1]
    stored = np.split(np.column_stack([lon, lat]), cuts)
    for i, ((draft, points), line) in enumerate(zip(usable, stored, strict=True)):
        if i in wrong:
            continue
        if not np.isfinite(line).all() or (np.abs(line) > (180, 90)).any():
            judging.note(draft, "place_frame", facts={"x": f"{points[0, 0]:.10g}", "y": f"{points[0, 1]:.10g}"})
        else:
            _keep_line(draft, line, judging)


def _single_line(draft: Draft, shape: shapely.Geometry | None, judging: Judging) -> shapely.LineString | None:
    if shape is None or shape.is_empty:
        judging.note(draft, "line_empty")
        return None
    if shape.geom_type not in ("LineString", "MultiLineString", "LinearRing"):
        judging.note(draft, "line_kind", facts={"value": shape.geom_type, "words": "线", "words_en": "line"})
        return None
    count = int(shapely.get_num_coordinates(shape))
    if count > _MAX_VERTICES:
        judging.note(draft, "line_vertices", facts={"count": count, "limit": _MAX_VERTICES})
        return None
    if not np.isfinite(shapely.get_coordinates(shape)).all():
        judging.note(draft, "line_nan")
        return None
    return _merged(draft, shape, judging)


def _merged(draft: Draft, shape: shapely.Geometry, judging: Judging) -> shapely.LineString | None:
    if shape.geom_type == "MultiLineString":
        parts = len(shape.geoms)
        merged = shape.geoms[0] if parts == 1 else shapely.line_merge(shape)
        if merged.geom_type != "LineString":
            judging.note(draft, "line_parts", facts={"count": len(merged.geoms)})
            return None
        if parts > 1:
            judging.note(draft, "line_merged")
        shape = merged
    if shape.length == 0:
        judging.note(draft, "line_zero")
        return None
    if not shape.is_simple:
        judging.note(draft, "line_cross" if _crosses_itself(shape) else "line_touch")
    return shape


def _crosses_itself(line: shapely.LineString) -> bool:
    """Return whether two pieces of a line cross away from its vertices; through its own vertex it is a ring."""
    own = {tuple(point) for point in shapely.get_coordinates(line).tolist()}
    noded = {tuple(point) for point in shapely.get_coordinates(shapely.node(line)).tolist()}
    return bool(noded - own)


def _wrong_frames(usable: Sequence[tuple[Draft, Floats]], judging: Judging) -> set[int]:
    """Note lines whose vertices do not fit the frame of most lines; return their places in the list."""
    firsts = np.array([points[0] for _, points in usable])
    codes = row_frames(firsts[:, 0], firsts[:, 1])
    counts = np.bincount(codes, minlength=7)
    usual = int(counts.argmax())
    if usual == 0 or usual % 2 == 0 or counts[usual] * 2 <= len(usable):
        return set()
    wrong: set[int] = set()
    for i, (draft, points) in enumerate(usable):
        own = row_frames(points[:, 0], points[:, 1])
        odd = np.flatnonzero(own != usual)
        if odd.size:
            x, y = points[odd[0]]
            key = "xy_swapped" if own[odd[0]] == usual + 1 else "place_frame"
            judging.note(draft, key, facts={"x": f"{x:.10g}", "y": f"{y:.10g}"})
            wrong.add(i)
    return wrong


def _keep_line(draft: Draft, line: Floats, judging: Judging) -> None:
    length = float(segment_lengths_m(line[:, 0], line[:, 1]).sum())
    if length < judging.limits.zero_length_m:
        judging.note(draft, "line_zero")
        return
    if length > judging.limits.pipe_max_m:
        judging.note(draft, "line_long", facts={"value": f"{length / 1000:.0f}"})
    draft.values["line"], draft.values["measured_m"] = line, length


def draw_between(draft: Draft, start: tuple[float, float], end: tuple[float, float], judging: Judging) -> None:
    """Set the line of a pipe that came without one: straight between its nodes."""
    line = np.array([start, end])
    length = float(segment_lengths_m(line[:, 0], line[:, 1]).sum())
    if draft.values["from_node"] == draft.values["to_node"]:
        judging.note(draft, "line_loop", "to_node", {"value": draft.values["to_node"]})
        draft.values["line"] = line
        return
    if length < judging.limits.zero_length_m:
        judging.note(draft, "line_zero", "to_node")
        return
    if length > judging.limits.pipe_max_m:
        judging.note(draft, "line_long", "to_node", {"value": f"{length / 1000:.0f}"})
    draft.values["line"], draft.values["measured_m"] = line, length
