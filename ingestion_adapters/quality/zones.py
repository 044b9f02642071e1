"""Pressure zones: pipes joined without a regulator between, with the gauges that feed and end them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import numpy as np
from sqlalchemy import text

from ingestion_adapters.quality.gather import View, points_of_day
from ingestion_adapters.quality.verdicts import Fact, Parameters
from portal.core.units import kpa_from_mpa

PRESSURE = 1
HOURS_LEAST = 12
USUAL_DAYS, USUAL_DAYS_LEAST = 14, 5


def zone_of_node(view: View) -> dict[int, int]:
    """Return node -> zone; pipes in use join nodes, regulators part them."""
    # Most processes never judge quality; the first import takes most of a second.
    from scipy.sparse import coo_matrix  # noqa: PLC0415
    from scipy.sparse.csgraph import connected_components  # noqa: PLC0415

    if "zones" not in view.kept:
        rows = view.session.execute(text("select from_node_id, to_node_id from gas_pipe where status in (2, 3)")).all()
        ends = np.array([tuple(row) for row in rows], np.int64).reshape(-1, 2)
        nodes, place = np.unique(ends, return_inverse=True)
        place = place.reshape(-1, 2)
        size = len(nodes)
        graph = coo_matrix((np.ones(len(ends), np.int8), (place[:, 0], place[:, 1])), shape=(size, size))
        labels = connected_components(graph, directed=False)[1] if size else []
        view.kept["zones"] = dict(zip(nodes.tolist(), list(map(int, labels)), strict=True))
    found: dict[int, int] = view.kept["zones"]
    return found


def _kpa(row: Any) -> float:
    return float(kpa_from_mpa(row.mean) if row.unit == "MPa" else row.mean)


def gauges_by_zone(view: View) -> tuple[dict[int, float], list[tuple[Any, int, bool]]]:
    """Return zone -> highest feeding pressure in kPa, and (gauge, zone, fed here) of what may be compared.

    Of a regulator's two gauges the lower one stands at its outlet and feeds; the higher one ends its inlet's zone.
    """
    zones, feeding, ends = zone_of_node(view), {}, []
    gauges = [r for r in points_of_day(view) if r.measure == PRESSURE and r.mean is not None and r.hours >= HOURS_LEAST]
    regulators = {r.id: r for r in view.session.execute(text("select id, node_id, outlet_node_id from gas_regulator"))}
    stations = dict(
        map(tuple, view.session.execute(text("select id, node_id from gas_station where node_id is not null")).all())
    )
    pairs: dict[int, list[Any]] = {}
    for row in gauges:
        if row.object_type == "regulator" and row.object_id in regulators:
            pairs.setdefault(row.object_id, []).append(row)
        elif row.object_type == "node" and row.object_id in zones:
            ends.append((row, zones[row.object_id], False))
        elif row.object_type == "station" and stations.get(row.object_id) in zones:
            zone = zones[stations[row.object_id]]
            feeding[zone] = max(feeding.get(zone, 0.0), _kpa(row))
    for number, both in pairs.items():
        if len(both) != 2:
            continue
        outlet, inlet = sorted(both, key=_kpa)
        there, here = regulators[number].outlet_node_id, regulators[number].node_id
        if there in zones:
            feeding[zones[there]] = max(feeding.get(zones[there], 0.0), _kpa(outlet))
            ends.append((outlet, zones[there], True))
        if here in zones:
            ends.append((inlet, zones[here], False))
    return feeding, ends


def _zoned(view: View) -> tuple[dict[int, float], list[tuple[Any, int, bool]]]:
    if "gauges" not in view.kept:
        view.kept["gauges"] = gauges_by_zone(view)
    found: tuple[dict[int, float], list[tuple[Any, int, bool]]] = view.kept["gauges"]
    return found


def pressure_orders(view: View, parameters: Parameters) -> Iterator[Fact]:
    """Yield each gauge that ends a zone with the highest pressure that feeds it."""
    feeding, ends = _zoned(view)
    for row, zone, feeds in ends:
        if not feeds and zone in feeding:
            values = {"upstream_kpa": feeding[zone], "own_kpa": _kpa(row)}
            yield Fact(row.enterprise_id, "point", row.id, row.src_code, values, "RT", view.begin, view.upto)


def neighbours(view: View, parameters: Parameters) -> Iterator[Fact]:
    """Yield each gauge with its nearest gauge of the same zone within `near_m`, and their usual ratio."""
    ends = _zoned(view)[1]
    by_point = {row.id: (row, zone) for row, zone, _ in ends}
    usual = _usual(view)
    taken: set[int] = set()
    for first, second in _near(view, list(by_point), float(parameters["near_m"])):
        (row, zone), (other, there) = by_point[first], by_point[second]
        if zone != there or first in taken:
            continue
        taken.add(first)
        ratio = usual[first] / usual[second] if usual.get(first) and usual.get(second) else None
        if ratio is not None and row.unit != other.unit:
            ratio *= _kpa_factor(row) / _kpa_factor(other)
        values = {"own_kpa": _kpa(row), "other_kpa": _kpa(other), "other": other.src_code, "usual_ratio": ratio}
        yield Fact(row.enterprise_id, "point", row.id, row.src_code, values, "RT", view.begin, view.upto)


def _kpa_factor(row: Any) -> float:
    return 1000.0 if row.unit == "MPa" else 1.0


def _near(view: View, points: list[int], near_m: float) -> list[tuple[int, int]]:
    """Return pairs of points, each with its nearest ones first; the index on the place narrows them."""
    found = text(
        "select a.id, b.id from point a join point b on b.enterprise_id = a.enterprise_id and b.id <> a.id"
        " and b.object_id is distinct from a.object_id and b.geom && st_expand(a.geom, :degrees)"
        " and st_dwithin(a.geom::geography, b.geom::geography, :near_m)"
        " where a.id = any(cast(:points as int[])) and b.id = any(cast(:points as int[]))"
        " order by a.id, st_distance(a.geom::geography, b.geom::geography), b.id"
    )
    degrees = near_m / 80_000  # a degree of longitude is longer than that up to 44 degrees north
    rows = view.session.execute(found, {"points": points, "near_m": near_m, "degrees": degrees})
    return [(row[0], row[1]) for row in rows]


def _usual(view: View) -> dict[int, float]:
    found = text(
        "select point_id, avg(mean) from reading_day where starts_at_h = 0 and day >= :first and day < :day"
        " and mean > 0 group by point_id having count(*) >= :least"
    )
    facts = {"first": view.day - timedelta(days=USUAL_DAYS), "day": view.day, "least": USUAL_DAYS_LEAST}
    return {row[0]: float(row[1]) for row in view.session.execute(found, facts)}
