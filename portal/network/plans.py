"""Shut-off plans as they are told: valves in order, what and who loses gas, what to vent, and the way back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from gis.network.impact import Impact, impact_of
from gis.network.isolation import Plan, Unfed, best_plans, isolate
from gis.network.plan_queries import (
    lines_of,
    pipe_sums,
    pipes_named,
    regulators_named,
    sources_at,
    special_users,
    valves_named,
    wash_of,
)
from ingestion_adapters.masking import masked_name
from portal.core.errors import Invalid, NotFound
from portal.network.forms import PLANS_MOST, Question
from portal.network.places import Asked, Spot, counted_users, numbers, pipes_at, spot_of
from portal.network.queries import network_figures
from portal.network.rules import (
    COMMON_CLASSES,
    KINDS,
    RESIDENTIAL_CLASSES,
    Bore,
    Figures,
    contents_of,
    kind_of_user,
    masked_address,
    masked_code,
    person_days,
)

DRAWN_MOST = 4_000
SPECIAL_MOST = 500
REGULATORS_MOST = 200


@dataclass(frozen=True)
class Found:
    """A question worked out: its places, the plan told, and all plans in the order of their readiness."""

    question: Question
    spots: tuple[Spot, ...]
    plan: Plan
    place: int
    plans: tuple[Plan, ...]


def figures_in_force(session: Session) -> Figures:
    """Return the adjustable figures of the estimates."""
    known = network_figures(session)
    return Figures(
        vent_dn_mm=known.get("vent_dn_mm", 50.0),
        vent_discharge=known.get("vent_discharge", 0.8),
        vent_floor_kpa=known.get("vent_floor_kpa", 1.0),
        gas_temperature_k=known.get("gas_temperature_k", 288.15),
        households_a_person_day=known.get("relight_homes_per_person_day", 40.0),
        others_a_person_day=known.get("relight_others_per_person_day", 4.0),
    )


def find_plans(asked: Asked, question: Question, *, all_plans: bool) -> Found:
    """Work out a question; without `all_plans` only the plan that keeps gas for most.

    Raises NotFound for what is not there or outside the scope, Invalid where no gas runs or arrives.
    """
    spots = tuple(spot_of(asked, each) for each in question.places)
    pipes = list(dict.fromkeys(pipe for spot in spots for pipe in pipes_at(asked, spot)))
    stuck = _stuck(asked, question.stuck)
    grid = asked.known.stored.grid
    if not grid.fed_pipes[pipes].any():
        raise Invalid("network_unfed", named=", ".join(spot.code for spot in spots))
    try:
        if all_plans or question.plan is not None:
            plans = tuple(best_plans(grid, pipes, stuck, most=PLANS_MOST))
        else:
            plans = (isolate(grid, pipes, stuck),)
    except Unfed:
        raise Invalid("network_unfed", named=", ".join(spot.code for spot in spots)) from None
    place = question.plan if question.plan and question.plan <= len(plans) else _gentlest(plans) + 1
    return Found(question, spots, plans[place - 1], place, plans)


def _stuck(asked: Asked, wanted: Sequence[int]) -> list[int]:
    if not wanted:
        return []
    seen = valves_named(asked.session, asked.scope, np.asarray(wanted, np.int64))
    if len(seen) < len(wanted):
        raise NotFound("network_valve_not_there")
    places = (asked.known.stored.position("valve", each) for each in wanted)
    return [each for each in places if each is not None]


def _gentlest(plans: Sequence[Plan]) -> int:
    """Return the place of the plan that keeps gas for most."""
    return min(range(len(plans)), key=lambda i: (plans[i].lost_users, len(plans[i].lost_nodes), len(plans[i].valves)))


@dataclass
class Border:
    """Whether something of the plan lies outside the scope, and whose the rest is."""

    hidden: bool = False
    owners: frozenset[int] = frozenset()

    def note(self, wanted: int, found: int, rows: Sequence[Any] = ()) -> None:
        """Remember that so many of those wanted were found, and whose they are."""
        self.hidden = self.hidden or found < wanted
        self.owners |= {int(row.enterprise_id) for row in rows}


def told_plan(asked: Asked, found: Found) -> dict[str, Any]:
    """Return a plan in full, of the caller's own objects only."""
    stored, plan = asked.known.stored, found.plan
    impact = impact_of(stored.grid, plan)
    border, figures = Border(), figures_in_force(asked.session)
    valves = _valves(asked, plan.valves, border)
    segment = _segment(asked, plan, border, figures)
    lost = _lost(asked, impact, border)
    users = {row["kind"]: (row["users"], row["households"]) for row in lost["by_kind"]}
    return {
        "at": [spot.told() for spot in found.spots],
        "stuck": _named_stuck(asked, found.question.stuck),
        "plan": found.place,
        "valves": valves,
        "sources_to_stop": _sources(asked, plan),
        "segment": segment,
        "lost": lost,
        "relight": _relight(valves, lost, users, figures),
        "crosses_border": border.hidden,
        "enterprises": sorted(border.owners),
    }


def summaries(asked: Asked, found: Found) -> list[dict[str, Any]]:
    """Return all plans in short, the readiest first; figures count what lies within the scope."""
    gentlest = _gentlest(found.plans)
    return [
        {
            "plan": place,
            "keeps_most": place == gentlest + 1,
            "readiest": place == 1,
            "sources_to_stop": len(plan.sources_to_stop),
            **_own_counts(asked, plan),
        }
        for place, plan in enumerate(found.plans, 1)
    ]


def _own_counts(asked: Asked, plan: Plan) -> dict[str, int]:
    stored = asked.known.stored
    effort = stored.grid.network.valves.effort
    if asked.scope.whole_city:
        return {
            "valves": len(plan.valves), "on_site": plan.on_site, "users": plan.lost_users,
            "households": plan.lost_households,
        }  # fmt: skip
    seen = valves_named(asked.session, asked.scope, numbers(stored.valves, plan.valves))
    own = [each for each in plan.valves if int(stored.valves[each]) in seen]
    users = impact_of(stored.grid, plan).users
    counted = counted_users(asked, users)
    return {
        "valves": len(own), "on_site": int((effort[own] > 0).sum()),
        "users": sum(count for _, count, _ in counted), "households": sum(homes for _, _, homes in counted),
    }  # fmt: skip


def _valves(asked: Asked, positions: Sequence[int], border: Border) -> list[dict[str, Any]]:
    stored = asked.known.stored
    seen = valves_named(asked.session, asked.scope, numbers(stored.valves, positions))
    border.note(len(positions), len(seen), list(seen.values()))
    effort, far = stored.grid.network.valves.effort, stored.grid.distance_m
    told = []
    for each in positions:
        row = seen.get(int(stored.valves[each]))
        if row is not None:
            told.append({
                "order": len(told) + 1, "id": row.id, "code": row.src_code, "name": row.name, "dn_mm": row.dn_mm,
                "kind": row.kind, "drive": row.drive, "remote": row.remote, "effort": int(effort[each]),
                "enterprise_id": row.enterprise_id, "lon": round(row.lon, 6), "lat": round(row.lat, 6),
                "from_source_m": _rounded(far[stored.grid.network.valves.node[each]]),
            })  # fmt: skip
    return told


def _rounded(metres: float) -> float | None:
    return round(float(metres), 1) if np.isfinite(metres) else None


def _named_stuck(asked: Asked, stuck: Sequence[int]) -> list[dict[str, Any]]:
    seen = valves_named(asked.session, asked.scope, np.asarray(stuck, np.int64)) if stuck else {}
    return [
        {"id": row.id, "code": row.src_code, "lon": round(row.lon, 6), "lat": round(row.lat, 6)}
        for each in stuck
        if (row := seen.get(each))
    ]


def _sources(asked: Asked, plan: Plan) -> list[dict[str, Any]]:
    if not plan.sources_to_stop:
        return []
    nodes = numbers(asked.known.stored.nodes, plan.sources_to_stop)
    return [
        {"layer": row["layer"], "id": row["id"], "code": row["src_code"], "name": row["name"],
         "lon": round(row["lon"], 6), "lat": round(row["lat"], 6)}
        for row in sources_at(asked.session, asked.scope, nodes)
    ]  # fmt: skip


def _segment(asked: Asked, plan: Plan, border: Border, figures: Figures) -> dict[str, Any]:
    ids = numbers(asked.known.stored.pipes, plan.segment)
    rows = pipes_named(asked.session, asked.scope, ids)
    border.note(len(ids), len(rows), rows)
    bores = [
        Bore(row.pressure_class, row.length_m, row.od_mm, row.wall_mm, row.mop_mpa, row.design_p_mpa) for row in rows
    ]
    roads = sorted({row.road_name for row in rows if row.road_name})
    classes = sorted({int(row.pressure_class) for row in rows})
    contents = {key: round(value, 3) for key, value in asdict(contents_of(bores, figures)).items()}
    return {"pipes": len(rows), "roads": roads, "pressure_classes": classes, **contents}


def _lost(asked: Asked, impact: Impact, border: Border) -> dict[str, Any]:
    session, scope, stored = asked.session, asked.scope, asked.known.stored
    pipe_ids, user_ids = numbers(stored.pipes, impact.pipes), numbers(stored.users, impact.users)
    sums = pipe_sums(session, scope, pipe_ids)
    border.note(len(pipe_ids), sum(row.pipes for row in sums), sums)
    counted = counted_users(asked, impact.users)
    users = sum(count for _, count, _ in counted)
    border.note(len(user_ids), users)
    rare = ~np.isin(stored.grid.network.users.kind[impact.users], COMMON_CLASSES)
    special = special_users(session, scope, numbers(stored.users, impact.users[rare]), SPECIAL_MOST)
    by_kind = kinds_of(counted, special)
    named = sorted((told_user(row) for row in special), key=lambda each: KINDS.index(each["kind"]))
    return {
        "pipes": sum(row.pipes for row in sums),
        "length_m": round(sum(row.length_m for row in sums), 1),
        "users": users,
        "households": sum(homes for _, _, homes in counted),
        "by_kind": by_kind,
        "special": named,
        "special_more": sum(n for user_class, n, _ in counted if user_class not in COMMON_CLASSES) - len(named),
        **_regulators(asked, impact, border),
    }


def kinds_of(counted: list[tuple[int, int, int]], special: Sequence[Any]) -> list[dict[str, Any]]:
    """Return users and households of each kind; public users are told apart by those that were named."""
    sums: dict[str, list[int]] = {}
    for user_class, users, homes in counted:
        kind = kind_of_user(user_class, None)
        known = sums.setdefault(kind, [0, 0])
        known[0] += users
        known[1] += homes
    for row in special:
        plain, kind = kind_of_user(row.user_class, None), kind_of_user(row.user_class, row.name)
        if kind != plain:
            sums[plain] = [sums[plain][0] - 1, sums[plain][1] - row.households]
            into = sums.setdefault(kind, [0, 0])
            sums[kind] = [into[0] + 1, into[1] + row.households]
    order = sorted(sums, key=KINDS.index)
    return [{"kind": kind, "users": sums[kind][0], "households": sums[kind][1]} for kind in order if sums[kind][0]]


def told_user(row: Any) -> dict[str, Any]:
    """Return a user as those see it who may: of a home, number, address and place are masked."""
    home = row.user_class in RESIDENTIAL_CLASSES
    return {
        "id": row.id, "code": masked_code(row.src_code, residential=home),
        "name": masked_name(row.name) if home and row.name else row.name,
        "kind": kind_of_user(row.user_class, row.name), "user_class": row.user_class, "households": row.households,
        "address": masked_address(row.address, residential=home), "enterprise_id": row.enterprise_id,
        "lon": round(row.lon, 3 if home else 6), "lat": round(row.lat, 3 if home else 6),
    }  # fmt: skip


def _regulators(asked: Asked, impact: Impact, border: Border) -> dict[str, Any]:
    stored = asked.known.stored
    ids = numbers(stored.regulators, impact.regulators)
    seen = regulators_named(asked.session, asked.scope, ids)
    border.note(len(ids), len(seen), list(seen.values()))
    rows = [seen[int(each)] for each in ids if int(each) in seen]
    return {
        "regulators": len(rows),
        "regulators_in_order": [
            {"id": row.id, "code": row.src_code, "name": row.name, "lon": round(row.lon, 6), "lat": round(row.lat, 6)}
            for row in rows[:REGULATORS_MOST]
        ],
    }


def _relight(
    valves: list[dict[str, Any]], lost: dict[str, Any], users: dict[str, tuple[int, int]], figures: Figures
) -> dict[str, Any]:
    """Return the way back: valves in reverse, regulators from the source on, then users in the order of care."""
    return {
        "valves": [each["code"] for each in sorted(valves, key=lambda each: each["from_source_m"] or 0.0)],
        "regulators": [each["code"] for each in lost["regulators_in_order"]],
        "kinds": [kind for kind in KINDS if kind in users],
        "person_days": round(person_days(users, figures), 1),
        "homes_a_person_day": figures.households_a_person_day,
        "others_a_person_day": figures.others_a_person_day,
    }


def plan_features(asked: Asked, found: Found, told: dict[str, Any]) -> dict[str, Any]:
    """Return the plan as GeoJSON: wash, isolated and lost pipes, numbered valves, stuck ones, users that come first."""
    stored = asked.known.stored
    impact = impact_of(stored.grid, found.plan)
    segment, lost = numbers(stored.pipes, found.plan.segment), numbers(stored.pipes, impact.pipes)
    features = []
    both = np.concatenate([segment, lost])
    wash = wash_of(asked.session, asked.scope, both)
    if wash:
        features.append(feature_of({"part": "wash", "area_m2": round(wash[1])}, json.loads(wash[0])))
    for part, ids in (("lost", lost), ("segment", segment)):
        for row in lines_of(asked.session, asked.scope, ids, DRAWN_MOST):
            marks = {"part": part, "id": row.id, "code": row.src_code, "pressure_class": row.pressure_class}
            features.append(feature_of(marks, json.loads(row.geom)))
    for part, rows, names in (
        ("user", told["lost"]["special"], ("id", "code", "name", "kind")),
        ("source", told["sources_to_stop"], ("id", "code", "name")),
        ("stuck", told["stuck"], ("id", "code")),
        ("valve", told["valves"], ("id", "code", "order", "effort")),
    ):
        features += [feature_of({"part": part, **{name: row[name] for name in names}}, point_of(row)) for row in rows]
    return {"type": "FeatureCollection", "features": features}


def point_of(row: dict[str, Any]) -> dict[str, Any]:
    """Return the place of a row as GeoJSON."""
    return {"type": "Point", "coordinates": [row["lon"], row["lat"]]}


def feature_of(properties: dict[str, Any], geometry: dict[str, Any]) -> dict[str, Any]:
    """Return a GeoJSON feature."""
    return {"type": "Feature", "properties": properties, "geometry": geometry}
