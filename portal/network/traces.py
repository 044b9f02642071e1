"""Traces and pressure zones as they are told: what lies up- or downstream, which sources feed a place, what is joined."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from gis.network.impact import zone_of
from gis.network.plan_queries import lines_of, pipe_sums, regulators_named, sources_at, valves_named
from gis.network.tracing import sources_feeding
from portal.core.errors import Invalid
from portal.network.places import Asked, Spot, begins_at, counted_users, is_fed, node_of, numbers
from portal.network.plans import DRAWN_MOST, Border, feature_of, kinds_of, point_of

NAMED_MOST = 200


def told_trace(asked: Asked, spot: Spot, way: str) -> dict[str, Any]:
    """Return what lies up- or downstream of an object with its sources; raise Invalid where gas has no direction."""
    if not is_fed(asked, spot):
        raise Invalid("network_unfed_trace", named=spot.code)
    known, net = asked.known, asked.known.stored.grid.network
    begin = begins_at(asked, spot, down=way == "down")
    reach = known.flow.downstream(begin) if way == "down" else known.flow.upstream(begin)
    on = np.zeros(net.n_nodes, bool)
    on[reach.nodes] = True
    users = np.flatnonzero(on[net.users.node]) if way == "down" else np.empty(0, np.int64)
    feeding = sources_feeding(known.stored.grid, begins_at(asked, spot, down=False) or begin)
    border = Border()
    told = {"at": spot.told(), "way": way, **_extent(asked, reach.pipes, users, border)}
    told["valves"] = _valves(asked, np.flatnonzero(on[net.valves.node]), border)
    regulators = numbers(known.stored.regulators, np.flatnonzero(on[net.inlet] | on[net.outlet]))
    told["regulators"] = len(regulators_named(asked.session, asked.scope, regulators))
    told["sources"] = _sources(asked, np.asarray(feeding, np.int64), border)
    return told | {"crosses_border": border.hidden, "geo": _drawn(asked, spot, reach.pipes, told)}


def told_zone(asked: Asked, spot: Spot) -> dict[str, Any]:
    """Return the pressure zone of an object: what is joined to it, what feeds it, and the closed valves around it."""
    known, net = asked.known, asked.known.stored.grid.network
    node = node_of(asked, spot)
    zone = zone_of(known.stored.grid, known.zones, node)
    on = np.zeros(net.n_nodes, bool)
    on[zone.nodes] = True
    border = Border()
    feeding = sources_feeding(known.stored.grid, [node]) if is_fed(asked, spot) else []
    inside = [each for each in np.unique(net.sources).tolist() if on[each]]
    told = {
        "at": spot.told(),
        "fed": is_fed(asked, spot),
        **_extent(asked, zone.pipes, np.flatnonzero(on[net.users.node]), border),
        "closed_valves": _valves(asked, zone.closed_valves, border),
        "regulators_in": _regulators(asked, zone.inlets, border),
        "regulators_out": _regulators(asked, zone.outlets, border)["count"],
        "sources_inside": len(inside),
        "sources": _sources(asked, np.asarray(feeding, np.int64), border),
    }
    return told | {"crosses_border": border.hidden, "geo": _drawn(asked, spot, zone.pipes, told)}


def _extent(asked: Asked, pipes: Any, users: Any, border: Border) -> dict[str, Any]:
    ids = numbers(asked.known.stored.pipes, pipes)
    sums = pipe_sums(asked.session, asked.scope, ids)
    border.note(len(ids), sum(row.pipes for row in sums), sums)
    counted = counted_users(asked, users)
    total = sum(count for _, count, _ in counted)
    border.note(len(users), total)
    lengths: dict[int, float] = {}
    for row in sums:
        lengths[row.pressure_class] = lengths.get(row.pressure_class, 0.0) + row.length_m
    return {
        "pipes": sum(row.pipes for row in sums),
        "length_m": round(sum(lengths.values()), 1),
        "length_by_class": {str(key): round(lengths[key], 1) for key in sorted(lengths)},
        "users": total,
        "households": sum(homes for _, _, homes in counted),
        "by_kind": kinds_of(counted, []),
    }


def _valves(asked: Asked, positions: Any, border: Border) -> dict[str, Any]:
    ids = numbers(asked.known.stored.valves, positions)
    rows = list(valves_named(asked.session, asked.scope, ids).values())
    border.note(len(ids), len(rows), rows)
    named = [
        {
            "id": row.id,
            "code": row.src_code,
            "state": row.current_state,
            "lon": round(row.lon, 6),
            "lat": round(row.lat, 6),
        }
        for row in rows[:NAMED_MOST]
    ]
    return {"count": len(rows), "named": named}


def _regulators(asked: Asked, positions: Any, border: Border) -> dict[str, Any]:
    ids = numbers(asked.known.stored.regulators, positions)
    rows = list(regulators_named(asked.session, asked.scope, ids).values())
    border.note(len(ids), len(rows), rows)
    named = [
        {"id": row.id, "code": row.src_code, "name": row.name, "lon": round(row.lon, 6), "lat": round(row.lat, 6)}
        for row in rows[:NAMED_MOST]
    ]
    return {"count": len(rows), "named": named}


def _sources(asked: Asked, nodes: Any, border: Border) -> list[dict[str, Any]]:
    ids = numbers(asked.known.stored.nodes, nodes)
    rows = sources_at(asked.session, asked.scope, ids)
    border.note(len(ids), len({row["node_id"] for row in rows}))
    return [
        {"layer": row["layer"], "id": row["id"], "code": row["src_code"], "name": row["name"], "kind": row["kind"],
         "lon": round(row["lon"], 6), "lat": round(row["lat"], 6)}
        for row in rows
    ]  # fmt: skip


def _drawn(asked: Asked, spot: Spot, pipes: Any, told: dict[str, Any]) -> dict[str, Any]:
    ids = numbers(asked.known.stored.pipes, pipes)
    features = [
        feature_of(
            {"part": "traced", "id": row.id, "code": row.src_code, "pressure_class": row.pressure_class},
            json.loads(row.geom),
        )
        for row in lines_of(asked.session, asked.scope, ids, DRAWN_MOST)
    ]
    features += [
        feature_of({"part": "source", "id": row["id"], "code": row["code"], "name": row["name"]}, point_of(row))
        for row in told["sources"]
    ]
    features += [
        feature_of({"part": "shut", "id": row["id"], "code": row["code"]}, point_of(row))
        for row in told.get("closed_valves", {}).get("named", [])
    ]
    return {"type": "FeatureCollection", "features": features}
