"""NET: nodes, pipes, valves, regulators, stations, points, devices and meters, references resolved."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import shapely
from msgspec import UNSET
from sqlalchemy import text
from sqlalchemy.orm import Session

from gis.crs import segment_lengths_m
from ingestion_adapters.checks import Finding, Stored, raw_text
from ingestion_adapters.contract import (
    Device,
    Meter,
    NetworkObject,
    Node,
    Pipe,
    Point,
    Regulator,
    Station,
    Valve,
)
from ingestion_adapters.store_bulk import (
    Target,
    as_text,
    districts_of,
    ids_of,
    points_as_text,
    upsert,
)
from ingestion_adapters.store_devices import Batch, store_devices
from ingestion_adapters.store_meters import store_meters

NETWORK_LOCK = 7301
_COMMON = ("src_code", "name", "adcode", "status", "geom")

NODES = Target("gas_node", (*_COMMON, "kind", "elevation_m"))
PIPES = Target(
    "gas_pipe",
    (
        *_COMMON,
        "from_node_id",
        "to_node_id",
        "pressure_class",
        "material",
        "od_mm",
        "wall_mm",
        "design_p_mpa",
        "mop_mpa",
        "length_m",
        "length_said_m",
        "laying",
        "depth_start_m",
        "depth_end_m",
        "coating",
        "cp_kind",
        "joint",
        "road_name",
        "install_year",
        "commissioned_on",
    ),
)
VALVES = Target("gas_valve", (*_COMMON, "node_id", "dn_mm", "kind", "drive", "remote", "normal_state", "current_state"))
REGULATORS = Target(
    "gas_regulator",
    (
        *_COMMON,
        "node_id",
        "outlet_node_id",
        "form",
        "inlet_class",
        "outlet_class",
        "p2_set_kpa",
        "design_m3_per_h",
        "slam_shut",
    ),
)
STATIONS = Target(
    "gas_station",
    (*_COMMON, "node_id", "kind", "address", "design_m3_per_h", "p_in_mpa", "p_out_mpa", "storage_m3", "attended"),
)
POINTS = Target(
    "point",
    (
        *_COMMON,
        "object_code",
        "object_type",
        "object_id",
        "measure",
        "unit",
        "period_s",
        "range_low",
        "range_high",
        "low_low",
        "low",
        "high",
        "high_high",
    ),
)
OWNERS = (
    ("station", "gas_station"),
    ("regulator", "gas_regulator"),
    ("valve", "gas_valve"),
    ("pipe", "gas_pipe"),
    ("node", "gas_node"),
)

Numbered = list[tuple[int, Any]]


def store_network(session: Session, enterprise_id: int, records: Sequence[NetworkObject], receipt_id: int) -> Stored:
    """Bring network objects in; those with unknown references or impossible geometry come back as findings."""
    session.execute(text("select pg_advisory_xact_lock(:a, :b)"), {"a": NETWORK_LOCK, "b": enterprise_id})
    findings: list[Finding] = []
    usable = without_repeats(records, lambda record: (type(record).__name__, record.src_code), findings)
    work = _Work(session, enterprise_id, receipt_id, findings)
    groups: dict[type, Numbered] = {}
    for index, record in usable:
        groups.setdefault(type(record), []).append((index, record))
    work.nodes(groups.get(Node, []))
    work.know_nodes(groups)
    work.pipes(groups.get(Pipe, []))
    work.at_node(VALVES, groups.get(Valve, []), _valve_row, ("node",))
    work.at_node(REGULATORS, groups.get(Regulator, []), _regulator_row, ("node", "outlet_node"))
    work.at_node(STATIONS, groups.get(Station, []), _station_row, ("node",))
    work.points(groups.get(Point, []))
    work.devices(groups.get(Device, []))
    work.meters(groups.get(Meter, []))
    return Stored(work.written, work.known, findings)


def without_repeats(records: Sequence[Any], key: Callable[[Any], Any], findings: list[Finding]) -> Numbered:
    """Return the records with their place, later ones of a repeated key refused as E_DUPLICATE_KEY."""
    seen: dict[Any, int] = {}
    kept: Numbered = []
    for index, record in enumerate(records):
        first = seen.setdefault(key(record), index)
        if first == index:
            kept.append((index, record))
            continue
        code = key(record)[-1]
        findings.append(
            about(
                record,
                index,
                "E_DUPLICATE_KEY",
                None,
                f"编号“{code}”在本批中重复",
                f"Code {code} occurs twice in this batch",
                "R1",
            )
        )
    return kept


def about(record: Any, index: int, code: str, field: str | None, zh: str, en: str, rule: str | None = None) -> Finding:
    """Return a finding about one typed record."""
    own = getattr(record, "src_code", None) or getattr(record, "user_no", None)
    return Finding(index, code, zh, en, field, own, rule, raw_text(plain(record)))


def plain(record: Any) -> dict[str, Any]:
    """Return a record's known fields as a dictionary."""
    return {
        name: plain(value) if hasattr(value, "__struct_fields__") else value
        for name in record.__struct_fields__
        if (value := getattr(record, name)) is not None and value is not UNSET
    }


def crosses_itself(line: shapely.LineString) -> bool:
    """Return whether a line cuts itself between its vertices; passing a vertex twice is a loop of a real street."""
    if line.is_simple:
        return False
    own = {tuple(vertex) for vertex in shapely.get_coordinates(line).tolist()}
    return any(tuple(vertex) not in own for vertex in shapely.get_coordinates(shapely.node(line)).tolist())


def unknown_reference(record: Any, index: int, field: str, code: str) -> Finding:
    """Return the finding for a reference to an object nobody sent."""
    return about(
        record,
        index,
        "E_UNKNOWN_OBJECT",
        field,
        f"“{field}”引用的对象“{code}”不存在",
        f"{field}: object {code} is unknown",
        "R7",
    )


class _Work:
    """One batch on its way into the tables: node numbers known so far, and counts."""

    def __init__(self, session: Session, enterprise_id: int, receipt_id: int, findings: list[Finding]) -> None:
        self.session, self.enterprise_id, self.receipt_id = session, enterprise_id, receipt_id
        self.findings = findings
        self.node_ids: dict[str, int] = {}
        self.written = self.known = 0

    def put(self, target: Target, rows: list[tuple[Any, ...]]) -> None:
        written, known = upsert(self.session, target, self.enterprise_id, self.receipt_id, rows)
        self.written += written
        self.known += known

    def common(self, items: Numbered) -> list[tuple[Any, ...]]:
        lon = np.array([record.lon for _, record in items], float)
        lat = np.array([record.lat for _, record in items], float)
        districts = districts_of(self.session, lon, lat)
        shapes = points_as_text(lon, lat)
        return [
            (record.src_code, record.name, district, record.status, shape)
            for (_, record), district, shape in zip(items, districts, shapes, strict=True)
        ]

    def nodes(self, items: Numbered) -> None:
        heads = self.common(items)
        self.put(NODES, [(*head, node.kind, node.elevation_m) for head, (_, node) in zip(heads, items, strict=True)])

    def know_nodes(self, groups: dict[type, Numbered]) -> None:
        wanted: set[str] = set()
        for items in groups.values():
            for _, record in items:
                for field in ("from_node", "to_node", "node", "outlet_node"):
                    code = getattr(record, field, None)
                    if code is not None:
                        wanted.add(code)
        self.node_ids = ids_of(self.session, "gas_node", self.enterprise_id, wanted)

    def resolved(self, items: Numbered, fields: tuple[str, ...]) -> Numbered:
        kept: Numbered = []
        for index, record in items:
            codes = [(field, getattr(record, field)) for field in fields]
            lost = [(field, code) for field, code in codes if code is not None and code not in self.node_ids]
            if lost:
                self.findings.append(unknown_reference(record, index, *lost[0]))
            else:
                kept.append((index, record))
        return kept

    def at_node(
        self,
        target: Target,
        items: Numbered,
        tail: Callable[[Any, dict[str, int]], tuple[Any, ...]],
        fields: tuple[str, ...],
    ) -> None:
        kept = self.resolved(items, fields)
        heads = self.common(kept)
        self.put(target, [(*head, *tail(record, self.node_ids)) for head, (_, record) in zip(heads, kept, strict=True)])

    def pipes(self, items: Numbered) -> None:
        kept: Numbered = []
        lines = []
        for index, pipe in self.resolved(items, ("from_node", "to_node")):
            line = shapely.LineString([pair[:2] for pair in pipe.geom.coordinates])
            if crosses_itself(line):
                self.findings.append(about(pipe, index, "E_GEOMETRY", "geom", "管线自相交", "The line crosses itself"))
                continue
            kept.append((index, pipe))
            lines.append(line)
        middles = shapely.line_interpolate_point(lines, 0.5, normalized=True) if lines else []
        districts = districts_of(self.session, shapely.get_x(middles), shapely.get_y(middles)) if lines else []
        shapes = as_text(lines) if lines else []
        rows = [
            (pipe.src_code, pipe.name, district, pipe.status, shape, *_pipe_row(pipe, self.node_ids, line))
            for (_, pipe), district, shape, line in zip(kept, districts, shapes, lines, strict=True)
        ]
        self.put(PIPES, rows)

    def points(self, items: Numbered) -> None:
        owners = self.owners({record.object_code for _, record in items})
        for index, record in items:
            if record.object_code not in owners:
                lost = unknown_reference(record, index, "object_code", record.object_code)
                self.findings.append(replace(lost, severity="warning"))
        heads = self.common(items)
        self.put(POINTS, [(*head, *_point_row(point, owners)) for head, (_, point) in zip(heads, items, strict=True)])

    def devices(self, items: Numbered) -> None:
        owners = self.owners({record.object_code for _, record in items if record.object_code})
        for index, record in items:
            if record.object_code and record.object_code not in owners:
                lost = unknown_reference(record, index, "object_code", record.object_code)
                self.findings.append(replace(lost, severity="warning"))
        batch = Batch(self.session, self.enterprise_id, self.receipt_id, self.findings)
        self._count(store_devices(batch, items, owners))

    def meters(self, items: Numbered) -> None:
        self._count(store_meters(self.session, self.enterprise_id, self.receipt_id, items, self.findings))

    def _count(self, done: tuple[int, int]) -> None:
        self.written += done[0]
        self.known += done[1]

    def owners(self, codes: set[str]) -> dict[str, tuple[str, int]]:
        found: dict[str, tuple[str, int]] = {}
        for kind, table in OWNERS:
            for code, number in ids_of(self.session, table, self.enterprise_id, codes - found.keys()).items():
                found[code] = (kind, number)
        return found


def _pipe_row(pipe: Pipe, node_ids: dict[str, int], line: Any) -> tuple[Any, ...]:
    lon, lat = shapely.get_coordinates(line).T
    return (
        node_ids[pipe.from_node],
        node_ids[pipe.to_node],
        pipe.pressure_class,
        pipe.material,
        pipe.od_mm,
        pipe.wall_mm,
        pipe.design_p_mpa,
        pipe.mop_mpa,
        round(float(segment_lengths_m(lon, lat).sum()), 3),
        pipe.length_m,
        pipe.laying,
        pipe.depth_start_m,
        pipe.depth_end_m,
        pipe.coating,
        pipe.cp_kind,
        pipe.joint,
        pipe.road_name,
        pipe.install_year,
        pipe.commission_date,
    )


def _valve_row(valve: Valve, node_ids: dict[str, int]) -> tuple[Any, ...]:
    return (
        node_ids[valve.node],
        valve.dn_mm,
        valve.kind,
        valve.drive,
        valve.remote,
        valve.normal_state,
        valve.current_state,
    )


def _regulator_row(item: Regulator, node_ids: dict[str, int]) -> tuple[Any, ...]:
    outlet = node_ids[item.outlet_node] if item.outlet_node else None
    return (
        node_ids[item.node],
        outlet,
        item.form,
        item.inlet_class,
        item.outlet_class,
        item.p2_set_kpa,
        item.design_m3_per_h,
        item.slam_shut,
    )


def _station_row(item: Station, node_ids: dict[str, int]) -> tuple[Any, ...]:
    node = node_ids[item.node] if item.node else None
    return (
        node,
        item.kind,
        item.address,
        item.design_m3_per_h,
        item.p_in_mpa,
        item.p_out_mpa,
        item.storage_m3,
        item.attended,
    )


def _point_row(point: Point, owners: dict[str, tuple[str, int]]) -> tuple[Any, ...]:
    kind, number = owners.get(point.object_code, (None, None))
    return (
        point.object_code,
        kind,
        number,
        point.measure,
        point.unit,
        point.period_s,
        point.range_low,
        point.range_high,
        point.low_low,
        point.low,
        point.high,
        point.high_high,
    )
