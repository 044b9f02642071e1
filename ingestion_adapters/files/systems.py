"""The coordinate system of a table: stated by the file, declared by the sender, seen from the numbers, or asked."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import CRS

from gis.crs import CoordinateSystem, Frame, UnusableCrs, crs_from_wkt, frame_of, parse_crs, zone_srid
from ingestion_adapters.files.findings import Finding, Where, say
from ingestion_adapters.files.tables import Table
from ingestion_adapters.files.values import Unreadable, number, text_of

Floats = NDArray[np.float64]
_SAMPLE = 20_000
_EAST_WORDS = ("经度", "lon", "lng", "longitude", "东坐标", "横坐标")


@dataclass
class Resolved:
    """What was settled for a delivery: names, why, and what must be asked."""

    names: list[str] = field(default_factory=list)
    evidence_zh: list[str] = field(default_factory=list)
    evidence_en: list[str] = field(default_factory=list)
    needs_crs: bool = False
    suggestions: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


@dataclass(frozen=True)
class Axes:
    """The two coordinate columns of a table: which one is east, and the frame their numbers fit."""

    north_first: bool
    frame: Frame


def xy_of(table: Table) -> tuple[Floats, Floats]:
    """Return the numbers of the columns X and Y in the file's order; NaN where there is none."""
    columns = [table.column("x"), table.column("y")]
    arrays = []
    for column in columns:
        values = np.full(len(table.rows), np.nan)
        if column is not None:
            for i, row in enumerate(table.rows):
                cell = row[column.index] if column.index < len(row) else None
                try:
                    values[i] = number(cell) if text_of(cell) else np.nan
                except Unreadable:
                    continue
        arrays.append(values)
    return arrays[0], arrays[1]


def has_place(table: Table) -> bool:
    """Return whether a table carries coordinates of its own."""
    return table.shapes is not None or (table.column("x") is not None and table.column("y") is not None)


def axes_of(table: Table) -> Axes:
    """Return which column is north, by the range of the values; the header decides where the values cannot."""
    first, second = xy_of(table)
    good = np.isfinite(first) & np.isfinite(second)
    frame = frame_of(first[good][:_SAMPLE], second[good][:_SAMPLE])
    if frame.kind != "other":
        return Axes(frame.north_first, frame)
    column = table.column("y")
    named = column is not None and any(word in column.header.casefold() for word in _EAST_WORDS)
    return Axes(named, frame)


def _sample(table: Table) -> tuple[Floats, Floats, Frame]:
    """Return some coordinates, east first, and their frame."""
    if table.shapes is not None:
        points = shapely.get_coordinates(table.shapes[:2000])
        points = points[np.isfinite(points).all(axis=1)][:_SAMPLE]
        return points[:, 0], points[:, 1], frame_of(points[:, 0], points[:, 1])
    first, second = xy_of(table)
    axes = axes_of(table)
    east, north = (second, first) if axes.north_first else (first, second)
    good = np.isfinite(east) & np.isfinite(north)
    return east[good], north[good], axes.frame


def resolve(tables: list[Table], declared: str | None) -> Resolved:
    """Set the system of every table that has coordinates; what stays open is asked, never guessed."""
    done = Resolved()
    try:
        said = parse_crs(declared) if declared else None
    except UnusableCrs as error:
        done.findings.append(say(error.reason, Where("--crs"), {"name": error.name}))
        done.needs_crs = True
        return done
    for table in tables:
        if has_place(table) and table.rows and not table.refused:
            _resolve_one(table, said, done)
    return done


def _resolve_one(table: Table, said: CoordinateSystem | None, done: Resolved) -> None:
    where = Where(table.file)
    east, north, frame = _sample(table)
    try:
        stated = _stated(table)
    except UnusableCrs as error:
        if said is None or error.reason == "crs_datum":
            _refuse(table, done, say(error.reason, where, {"name": error.name}))
            return
        stated = None
    if stated and said and not _same(stated, said):
        _refuse(table, done, say("crs_conflict", where, {"said": said.name, "name": stated.name}))
        return
    system = stated or said
    if system is None and frame.kind == "zoned" and frame.zone is not None:
        system = _from_zone(frame.zone, done)
    if system is None:
        _ask(table, frame, done)
        return
    problem = _misfit(system, frame, east, north, where)
    if problem is not None:
        _refuse(table, done, problem)
        return
    table.system = system
    _tell(table, system, stated is not None, said is not None, done)


def _stated(table: Table) -> CoordinateSystem | None:
    text = table.stated_crs
    if not text:
        return None
    return crs_from_wkt(text) if "[" in text else parse_crs(text)


def _same(one: CoordinateSystem, other: CoordinateSystem) -> bool:
    if one.name == other.name:
        return True
    if one.srid is None or other.srid is None:
        return False
    if {one.srid, other.srid} <= {4490, 4326, 4258}:
        return True
    first, second = CRS.from_epsg(one.srid), CRS.from_epsg(other.srid)
    return bool(first.is_projected and second.is_projected and first.to_dict() == second.to_dict())


def _refuse(table: Table, done: Resolved, finding: Finding) -> None:
    table.refused = True
    done.findings.append(finding)


def _from_zone(zone: int, done: Resolved) -> CoordinateSystem | None:
    try:
        srid = zone_srid(zone)
    except UnusableCrs:
        return None
    done.evidence_zh.append(f"横坐标带带号 {zone}，框架按法定的 CGCS2000")
    done.evidence_en.append(f"the easting carries zone prefix {zone}; the frame is taken as the statutory CGCS2000")
    return CoordinateSystem(f"EPSG:{srid}", srid)


def _ask(table: Table, frame: Frame, done: Resolved) -> None:
    done.needs_crs = True
    if frame.kind == "metres":
        zh = "坐标像 3 度带高斯投影米制坐标，但看不出中央经线；请声明，如 EPSG:4547（114°E）"
        en = "they look like metres of a Gauss zone of unknown central meridian; declare it, such as EPSG:4547 (114°E)"
        options = [f"EPSG:{srid}" for srid in range(4545, 4551)]
    elif frame.kind == "degrees":
        zh = "坐标是经纬度，但文件未说明是 CGCS2000/WGS84 还是 GCJ-02、BD-09；请声明"
        en = "they are degrees, but the file does not say whether CGCS2000/WGS 84, GCJ-02 or BD-09; declare which"
        options = ["EPSG:4490", "EPSG:4326", "GCJ02", "BD09"]
    else:
        zh, en, options = (
            "坐标值不符合任何可辨认的坐标系；请声明",
            "the numbers fit no system that can be told; declare it",
            [],
        )
    done.suggestions += [option for option in options if option not in done.suggestions]
    done.findings.append(say("crs_needed", Where(table.file), {"value": zh, "value_en": en}))
    table.refused = True


def _misfit(system: CoordinateSystem, frame: Frame, east: Floats, north: Floats, where: Where) -> Finding | None:
    if east.size == 0:
        return None
    facts: dict[str, object] = {"name": system.name, "x": f"{east[0]:.10g}", "y": f"{north[0]:.10g}"}
    if system.geographic:
        wrong = (np.abs(east) > 180) | (np.abs(north) > 90)
        offset = system.srid is None and frame.kind != "degrees"
        return say("crs_values", where, facts) if wrong.mean() > 0.5 or offset else None
    crs = CRS.from_epsg(system.srid or 0)
    if frame.kind == "degrees" or (np.abs(east) <= 180).mean() > 0.5:
        return say("crs_values", where, facts)
    if not crs.name.startswith("CGCS2000"):
        return None
    zoned = "zone" in crs.name
    if frame.kind == "zoned" and frame.zone is not None:
        meant = f"EPSG:{zone_srid(frame.zone)}" if 13 <= frame.zone <= 45 else ""
        if meant != system.name:
            return say("crs_zone", where, {"zone": frame.zone, "said": system.name, "name": meant})
    return say("crs_values", where, facts) if zoned != (frame.kind == "zoned") else None


def _tell(table: Table, system: CoordinateSystem, stated: bool, said: bool, done: Resolved) -> None:
    if system.name not in done.names:
        done.names.append(system.name)
    label = table.file
    if any(line.startswith(f"{label}：") for line in done.evidence_zh):
        return
    if stated:
        done.evidence_zh.append(f"{label}：文件自带 {system.name}")
        done.evidence_en.append(f"{label}: stated by the file as {system.name}")
    elif said:
        done.evidence_zh.append(f"{label}：交付方声明 {system.name}")
        done.evidence_en.append(f"{label}: declared by the sender as {system.name}")
    if table.shapes is None:
        _tell_axes(table, done)


def _tell_axes(table: Table, done: Resolved) -> None:
    axes = axes_of(table)
    x, y = table.column("x"), table.column("y")
    if x is None or y is None:
        return
    north, east = (x, y) if axes.north_first else (y, x)
    zh = f"“{north.header}”为北（纬），“{east.header}”为东（经），按取值范围认定"
    en = f"“{north.header}” is north (latitude), “{east.header}” is east (longitude), told by the range of the values"
    done.findings.append(say("axes_shown", Where(table.file), {"value": zh, "value_en": en}))
    done.evidence_zh.append(zh)
    done.evidence_en.append(en)
