"""The printed map of a report: districts, water and an enterprise's mains by pressure class, as SVG."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from reports.charts import FONT, INK, INK_2, PRESSURE
from reports.queries import map_pipes

TOLERANCE_DEG = 0.0002
WIDTH, HEIGHT, KEY = 1700.0, 1420.0, 76.0
STROKE = {1: 9.0, 2: 8.0, 3: 7.0, 4: 6.0, 5: 4.5, 6: 3.0, 7: 1.6}
M_PER_DEG = 111_320.0


@dataclass(frozen=True)
class Sheet:
    """How degrees become places on the sheet: equidistant, true at the middle latitude."""

    west: float
    north: float
    per_deg_x: float
    per_deg_y: float
    shift_x: float
    shift_y: float

    def place(self, lon: float, lat: float) -> tuple[float, float]:
        """Return x and y in SVG units."""
        x = self.shift_x + (lon - self.west) * self.per_deg_x
        return x, self.shift_y + (self.north - lat) * self.per_deg_y


def network_map(session: Session, enterprise_id: int, *, language: str, class_words: dict[int, str]) -> str:
    """Return the map of an enterprise's mains as SVG, or an empty text when it has none."""
    pipes = [
        (row["pressure_class"], json.loads(row["shape"]))
        for row in map_pipes(session, enterprise_id, TOLERANCE_DEG)
        if row["shape"]
    ]
    spots = [spot for _, shape in pipes for line in _lines_of(shape) for spot in line]
    if not spots:
        return ""
    sheet = _sheet(spots)
    name = "name_en" if language.startswith("en") else "name_zh"
    parts = [f'<rect width="{WIDTH:g}" height="{HEIGHT:g}" fill="#f2f4f7"/>']
    parts += _areas(session, sheet)
    parts += [_mains(sheet, code, shape) for code, shape in pipes]
    parts += _district_names(session, sheet, name)
    parts += _stations(session, sheet, enterprise_id)
    parts.append(_scale(sheet))
    parts.append(_key([code for code, _ in pipes], class_words))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH:g} {HEIGHT + KEY:g}" class="map" role="img">'
        f"{''.join(parts)}</svg>"
    )


def _sheet(spots: Sequence[Sequence[float]]) -> Sheet:
    west, east = min(s[0] for s in spots), max(s[0] for s in spots)
    south, north = min(s[1] for s in spots), max(s[1] for s in spots)
    flat = math.cos(math.radians((south + north) / 2))
    wide, tall = max(east - west, 0.004) * flat, max(north - south, 0.004)
    scale = min((WIDTH - 120) / wide, (HEIGHT - 120) / tall)
    return Sheet(west, north, scale * flat, scale, (WIDTH - wide * scale) / 2, (HEIGHT - tall * scale) / 2)


def _lines_of(shape: dict[str, Any]) -> Iterable[list[list[float]]]:
    if shape["type"] == "LineString":
        return [shape["coordinates"]]
    if shape["type"] in ("MultiLineString", "Polygon"):
        return list(shape["coordinates"])
    if shape["type"] == "MultiPolygon":
        return [ring for polygon in shape["coordinates"] for ring in polygon]
    return []


def _path(sheet: Sheet, shape: dict[str, Any], *, closed: bool) -> str:
    runs = []
    for line in _lines_of(shape):
        spots = " ".join("{:.1f} {:.1f}".format(*sheet.place(lon, lat)) for lon, lat, *_ in line)
        runs.append(f"M{spots}{'Z' if closed else ''}")
    return "".join(runs)


def _areas(session: Session, sheet: Sheet) -> list[str]:
    """Return water and the outlines of the districts."""
    water = session.execute(
        text("select ST_AsGeoJSON(ST_Simplify(geom, :tolerance), 5) from base_water"),
        {"tolerance": TOLERANCE_DEG},
    ).scalars()
    parts = [f'<path d="{_path(sheet, json.loads(shape), closed=True)}" fill="#c9dff2"/>' for shape in water if shape]
    districts = session.execute(
        text("select ST_AsGeoJSON(ST_Simplify(geom, :tolerance), 5) from base_district"),
        {"tolerance": TOLERANCE_DEG},
    ).scalars()
    parts += [
        f'<path d="{_path(sheet, json.loads(shape), closed=True)}" fill="none" stroke="#8fa3c0" '
        'stroke-width="3" stroke-dasharray="14 8"/>'
        for shape in districts
        if shape
    ]
    return parts


def _mains(sheet: Sheet, code: int, shape: dict[str, Any]) -> str:
    return (
        f'<path d="{_path(sheet, shape, closed=False)}" fill="none" stroke="{PRESSURE.get(code, "#66768c")}" '
        f'stroke-width="{STROKE.get(code, 2.0)}" stroke-linejoin="round" stroke-linecap="round"/>'
    )


def _stations(session: Session, sheet: Sheet, enterprise_id: int) -> list[str]:
    found = session.execute(
        text(
            "select coalesce(name, src_code) as name, ST_X(geom) as lon, ST_Y(geom) as lat from gas_station"
            " where enterprise_id = :enterprise_id and status in (2, 3) order by kind, src_code limit 40"
        ),
        {"enterprise_id": enterprise_id},
    )
    parts = []
    for row in found:
        x, y = sheet.place(row.lon, row.lat)
        parts.append(
            f'<rect x="{x - 13:.1f}" y="{y - 13:.1f}" width="26" height="26" rx="5" '
            'fill="#101c2e" stroke="#ffffff" stroke-width="4"/>'
        )
        parts.append(_label(x + 22, y + 9, row.name, 27, INK, "start"))
    return parts


def _district_names(session: Session, sheet: Sheet, column: str) -> list[str]:
    found = session.execute(
        text("select name_zh, name_en, ST_X(label) as lon, ST_Y(label) as lat from base_district")
    ).mappings()
    parts = []
    for row in found:
        x, y = sheet.place(row["lon"], row["lat"])
        if 60 < x < WIDTH - 60 and 40 < y < HEIGHT - 40:
            parts.append(_label(x, y, row[column], 32, "#4b5c75", "middle"))
    return parts


def _key(codes: Sequence[int], class_words: dict[int, str]) -> str:
    """Return the legend in a strip below the map."""
    shown = sorted(set(codes))
    step = min(330.0, (WIDTH - 40) / len(shown))
    y = HEIGHT + KEY / 2
    parts = [f'<rect x="0" y="{HEIGHT:g}" width="{WIDTH:g}" height="{KEY:g}" fill="#ffffff"/>']
    for place, code in enumerate(shown):
        x = 24 + place * step
        look = f'stroke="{PRESSURE.get(code, "#66768c")}" stroke-width="{max(STROKE.get(code, 2.0), 3.0)}"'
        parts.append(f'<line x1="{x:.0f}" y1="{y:g}" x2="{x + 60:.0f}" y2="{y:g}" {look}/>')
        parts.append(_label(x + 74, y + 9, class_words.get(code, str(code)), 26, INK_2, "start"))
    return "".join(parts)


def _scale(sheet: Sheet) -> str:
    """Return scale bar and north arrow."""
    length_m = _round_length(300 / sheet.per_deg_y * M_PER_DEG)
    long = length_m / M_PER_DEG * sheet.per_deg_y
    x, y = WIDTH - 60 - long, HEIGHT - 44
    said = f"{length_m / 1000:g} km" if length_m >= 1000 else f"{length_m:g} m"
    bar = f"M{x:.0f} {y - 14} V{y} H{x + long:.0f} V{y - 14}"
    return (
        f'<path d="{bar}" fill="none" stroke="{INK}" stroke-width="4"/>'
        + _label(x + long / 2, y - 14, said, 27, INK, "middle")
        + f'<path d="M{WIDTH - 70} 100 l22 64 l-22 -16 l-22 16 Z" fill="{INK}"/>'
        + _label(WIDTH - 70, 90, "N", 34, INK, "middle")
    )


def _round_length(length_m: float) -> float:
    size = 10.0 ** math.floor(math.log10(length_m))
    return max(step * size for step in (1, 2, 5) if step * size <= length_m)


def _label(x: float, y: float, said: str, size: float, colour: str, anchor: str) -> str:
    common = f'x="{x:.1f}" y="{y:.1f}" font-size="{size:g}" font-family="{FONT}" text-anchor="{anchor}"'
    return (
        f'<text {common} fill="none" stroke="#ffffff" stroke-width="7" stroke-linejoin="round">{escape(said)}</text>'
        f'<text {common} fill="{colour}">{escape(said)}</text>'
    )
