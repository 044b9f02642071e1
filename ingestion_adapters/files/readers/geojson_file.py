"""GeoJSON: strict JSON, features to cells and WKB; a missing coordinate system stays missing."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import orjson
import shapely
from shapely.geometry import LineString, MultiLineString, Point

from ingestion_adapters.files.raw import MAX_ROWS, Cell, Grid, Note, Refused, Reply
from ingestion_adapters.files.readers.text import decode


def read(path: Path) -> Reply:
    """Return one grid; raise Refused for anything but a FeatureCollection in strict JSON."""
    data = path.read_bytes().removeprefix(b"\xef\xbb\xbf")
    if not data.strip(b"\x00 \t\r\n"):
        raise Refused("file_empty")
    document, notes = _parse(data)
    features = document.get("features") if isinstance(document, dict) else None
    if not isinstance(features, list) or document.get("type") != "FeatureCollection":
        raise Refused("json_kind")
    if len(features) > MAX_ROWS:
        raise Refused("file_rows", limit=MAX_ROWS)
    columns = _columns(features)
    rows: list[list[Cell]] = []
    wkb: list[bytes | None] = []
    has_z = False
    for feature in features:
        feature = feature if isinstance(feature, dict) else {}
        properties = feature.get("properties")
        values: dict[str, Any] = properties if isinstance(properties, dict) else {}
        rows.append([_plain(values.get(name)) for name in columns])
        shape = _shape(feature.get("geometry"))
        has_z |= shape is not None and bool(shape.has_z)
        wkb.append(None if shape is None else shapely.to_wkb(shape, output_dimension=2))
    numbers = list(range(1, len(rows) + 1))
    grid = Grid("", rows, numbers, columns=columns, wkb=wkb, crs=_crs(document), has_z=has_z)
    return Reply([grid], notes)


def _parse(data: bytes) -> tuple[Any, list[Note]]:
    notes: list[Note] = []
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        decoded = decode(data)
        if decoded.broken:
            raise Refused("encoding_bad") from None
        data = "".join(decoded.lines).encode("utf-8")
        notes.append(Note("encoding_guess", facts={"name": decoded.encoding.upper()}))
    try:
        return orjson.loads(data), notes
    except orjson.JSONDecodeError as error:
        raise Refused("json_bad", reason=str(error)[:120]) from error


def _columns(features: list[Any]) -> list[str]:
    names: dict[str, None] = {}
    for feature in features:
        values = feature.get("properties") if isinstance(feature, dict) else None
        if isinstance(values, dict):
            names.update(dict.fromkeys(values))
    return list(names)[:500]


def _plain(value: Any) -> Cell:
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, int | float):
        return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 1e15 else value
    return orjson.dumps(value).decode()[:500]


def _crs(document: dict[str, Any]) -> str:
    member = document.get("crs")
    values = member.get("properties") if isinstance(member, dict) else None
    name = values.get("name") if isinstance(values, dict) else None
    return name if isinstance(name, str) else ""


def _numbers(pairs: Any) -> list[tuple[float, ...]] | None:
    if not isinstance(pairs, list):
        return None
    points = []
    for pair in pairs:
        if not isinstance(pair, list) or len(pair) < 2 or not all(_is_number(value) for value in pair[:3]):
            return None
        points.append(tuple(float(value) for value in pair[:3]))
    if len({len(point) for point in points}) > 1:
        return [point[:2] for point in points]
    return points


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _shape(geometry: Any) -> shapely.Geometry | None:
    """Return a point or line; an empty line for a geometry without usable coordinates, None for none at all."""
    if not isinstance(geometry, dict):
        return None
    kind, coordinates = geometry.get("type"), geometry.get("coordinates")
    if kind == "Point":
        points = _numbers([coordinates])
        return Point(points[0]) if points else Point()
    if kind == "LineString":
        points = _numbers(coordinates)
        return LineString(points) if points and len(points) > 1 else LineString()
    if kind == "MultiLineString":
        parts = [_numbers(part) for part in coordinates] if isinstance(coordinates, list) else []
        lines = [LineString(part) for part in parts if part and len(part) > 1]
        return MultiLineString(lines) if lines and len(lines) == len(parts) else LineString()
    if kind in ("Polygon", "MultiPolygon", "MultiPoint", "GeometryCollection"):
        return shapely.Polygon([(0, 0), (0, 1), (1, 0)])  # only its kind is told to the sender
    return LineString()
