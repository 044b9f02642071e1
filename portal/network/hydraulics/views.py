"""What the pages of hydraulics show: pictures, paths and hours, read again within the scope of who asks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from gis.hydraulics.gas import Numbers
from gis.hydraulics.lasting import Lasting, lasting_of
from gis.hydraulics.paths import path_between
from gis.hydraulics.solver import Index
from portal.core.actor import Scope
from portal.core.errors import Invalid
from portal.network.hydraulics.drawing import Drawn, Stop, features_of, geometry_of
from portal.network.hydraulics.forms import parse_number
from portal.network.hydraulics.queries import lines_of_pipes, nodes_told
from portal.network.hydraulics.solving import Answer
from portal.network.hydraulics.tables import plain
from portal.network.hydraulics.telling import Seen

DRAWN_MOST = 6_000
# Beyond so many lines a picture loses what no screen shows: some metres.
SIMPLER_FROM, SIMPLER_DEG = 1_500, 0.00004
HORIZON_H = 72.0
STOPS_MOST = 400


def drawn_features(session: Session, scope: Scope, answer: Answer, seen: Seen) -> tuple[list[dict[str, Any]], int]:
    """Return the pipes as GeoJSON, the widest when there are more than are drawn, and how many were left out."""
    stored = answer.solved.stored
    places = np.flatnonzero(seen.pipes & (stored.grid.pipes > 0))
    order = places[np.lexsort((-np.nan_to_num(stored.od_mm[places]), stored.pressure_class[places]))]
    kept = order[:DRAWN_MOST]
    numbers = stored.grid.pipes[kept]
    at = {int(number): int(place) for number, place in zip(numbers, kept, strict=True)}
    rows = lines_of_pipes(session, scope, numbers, SIMPLER_DEG if len(kept) > SIMPLER_FROM else 0.0)
    tops = _tops(answer)
    drawn = [_drawn(answer, row, at[row.id], tops) for row in rows]
    return features_of(drawn), len(order) - len(kept)


def _tops(answer: Answer) -> Mapping[int, float]:
    """Return the highest pressure of each class of nodes."""
    out, verdict = answer.solved.outcome, answer.verdict
    pressure = out.pressure_kpa[: len(verdict.node_class)]
    found = {}
    for code in np.unique(verdict.node_class).tolist():
        here = pressure[(verdict.node_class == code) & ~np.isnan(pressure)]
        found[int(code)] = float(here.max()) if len(here) else 0.0
    return found


def _drawn(answer: Answer, row: Any, place: int, tops: Mapping[int, float]) -> Drawn:
    solved, out, verdict = answer.solved, answer.solved.outcome, answer.verdict
    ends = solved.stored.grid.grid.network.pipes
    pair = (int(ends.start[place]), int(ends.end[place]))
    kpa = [float(out.pressure_kpa[each]) for each in pair]
    node = pair[int(np.argmin(np.nan_to_num(kpa, nan=np.inf)))]
    lowest = kpa[pair.index(node)]
    flow = float(out.flow_m3_per_h[place])
    unknown = bool(np.isnan(flow))
    limits = answer.adjusted.limits
    return Drawn(
        number=int(row.id), code=str(row.src_code), pressure_class=int(row.pressure_class),
        geometry=geometry_of(row.geom), kpa=None if unknown else plain(lowest), flow=None if unknown else round(flow, 2),
        velocity=None if unknown else plain(abs(float(out.velocity_m_per_s[place])), 2),
        floor_kpa=float(limits.floor_of(np.array([row.pressure_class]))[0]),
        top_kpa=tops.get(int(verdict.node_class[node]), 0.0), broken=bool(verdict.fast[place]),
    )  # fmt: skip


def path_stops(session: Session, scope: Scope, answer: Answer, given: Mapping[str, str]) -> list[Stop]:
    """Return the nodes of a way between two nodes; without both, from the feeding station to the weakest users.

    Raises Invalid where a node is not in the network or no way leads there.
    """
    solved = answer.solved
    begin, end = (_node(answer, given.get(name, "")) for name in ("from", "to"))
    if begin is None or end is None:
        ends = _weakest(answer)
        if ends is None:
            return []
        begin, end = begin if begin is not None else ends[0], end if end is not None else ends[1]
    way = path_between(solved.network, begin, end)
    if way is None:
        raise Invalid("hydraulic_no_path")
    return _stops(session, scope, answer, *way)


def _node(answer: Answer, given: str) -> int | None:
    if not given.strip():
        return None
    place = answer.solved.stored.grid.position("node", parse_number(given.strip(), "hydraulic_path"))
    if place is None:
        raise Invalid("hydraulic_no_path")
    return place


def _weakest(answer: Answer) -> tuple[int, int] | None:
    """Return a station's node and the node with users whose pressure is lowest against its limit."""
    solved, out = answer.solved, answer.solved.outcome
    many = len(solved.stored.owner)
    margin = out.pressure_kpa[:many] / np.maximum(answer.verdict.floor_kpa, 1e-9)
    margin = np.where(solved.network.demand_m3_per_h[:many] > 0, margin, np.nan)
    stations = [place for place, (kind, _) in enumerate(solved.feeds) if kind == "station"]
    flows = np.nan_to_num(out.feed_flow_m3_per_h)
    if np.isnan(margin).all() or not stations:
        return None
    last = int(np.nanargmin(margin))
    for place in sorted(stations, key=lambda each: -flows[each]):
        first = int(solved.network.feeds.outlet[place])
        if path_between(solved.network, first, last) is not None:
            return first, last
    return None


def _stops(session: Session, scope: Scope, answer: Answer, way: Index, steps: Numbers) -> list[Stop]:
    solved, out, verdict = answer.solved, answer.solved.outcome, answer.verdict
    share = 1 + answer.adjusted.figures.local_loss_share
    at = np.concatenate([[0.0], np.cumsum(steps)]) / share
    origin = solved.origin[way]
    codes = {row.id: row.src_code for row in nodes_told(session, scope, solved.stored.grid.nodes[origin])}
    links = set(zip(solved.network.feeds.inlet.tolist(), solved.network.feeds.outlet.tolist(), strict=True))
    return [
        Stop(
            codes.get(int(solved.stored.grid.nodes[origin[place]]), "–"), float(at[place]),
            plain(float(out.pressure_kpa[node])) if int(solved.stored.grid.nodes[origin[place]]) in codes else None,
            place > 0 and (int(way[place - 1]), int(node)) in links, float(verdict.floor_kpa[origin[place]]),
        )
        for place, node in enumerate(way.tolist()[:STOPS_MOST])
    ]  # fmt: skip


def hours_told(session: Session, scope: Scope, before: Answer, after: Answer, seen: Seen) -> list[dict[str, Any]]:
    """Return how long each zone that lost its gas lasts, of those with nodes in the scope."""
    gas = after.adjusted.figures.gas
    zones = lasting_of(before.solved, after.solved, after.verdict.floor_kpa, gas, HORIZON_H)
    grid = after.solved.stored.grid
    told = []
    for each in zones:
        own = seen.nodes[each.nodes]
        if not own.any():
            continue
        first = int(np.argmin(np.where(own, each.drained.hours, np.inf)))
        number = int(grid.nodes[each.nodes[first]])
        codes = nodes_told(session, scope, [number])
        told.append({
            "nodes": int(own.sum()), "demand_m3_per_h": round(each.demand_m3_per_h, 1),
            "held_nm3": round(each.drained.held_nm3, 1), "usable_nm3": round(each.drained.usable_nm3, 1),
            "first_users_h": _first(each, each.floor_nodes), "first_regulator_h": _first(each, each.regulator_nodes),
            "last_regulator_h": _last(each, each.regulator_nodes), "regulators": int(each.regulator_nodes.sum()),
            "example": codes[0].src_code if codes else None,
        })  # fmt: skip
    return told


def _first(zone: Lasting, watched: np.ndarray[Any, Any]) -> float | None:
    hours = zone.drained.hours[watched]
    return None if not len(hours) or not np.isfinite(hours).any() else round(float(hours.min()), 2)


def _last(zone: Lasting, watched: np.ndarray[Any, Any]) -> float | None:
    hours = zone.drained.hours[watched]
    return None if not len(hours) or not np.isfinite(hours).all() else round(float(hours.max()), 2)
