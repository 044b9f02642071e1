"""Gathers what the cockpit shows: the index with its parts, figures, and panels of one scope."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from gis.basemap.queries import district_names
from gis.network.queries import count_objects, pipe_km
from portal.cockpit.models import SafetyIndex
from portal.cockpit.queries import (
    SupplyHour,
    accidents_since,
    alarms_by_hour,
    cases_in_time,
    covered_objects,
    danger_funnel,
    duty_now,
    gravest_incident,
    household_checks,
    index_before,
    start_of_quarter,
    start_of_year,
    supply_days,
    supply_hours,
)
from portal.cockpit.rules import (
    PARTS,
    Index,
    accident_score,
    broken_line,
    mean_known,
    nice_top,
    share,
    stacked_areas,
)
from portal.core.actor import Actor, Scope
from portal.core.clock import local
from portal.home.queries import feeds, live_alarms
from portal.jobs.queries import parameter_value
from portal.operation.alarms.queries import open_counts
from portal.safety.risk.areas import area_lines
from portal.safety.risk.queries import change_sums, colour_totals
from reports.archive import months_with_reports, newest_of_month

ADCODE = re.compile(r"\d{6}", re.ASCII)
WEIGHTS = {"device": 25.0, "coverage": 20.0, "accidents": 25.0, "surroundings": 15.0, "management": 15.0}
ACCIDENT_LIMIT = 5.0
YEAR, MONTH, WEEK = timedelta(days=365), timedelta(days=30), timedelta(days=7)
ALARMS_SHOWN, ENTERPRISES_SHOWN = 4, 6
LEVELS = (4, 3, 2, 1)


@dataclass(frozen=True)
class Place:
    """What the cockpit looks at: the scope, and the district it was narrowed to (empty: all of it)."""

    scope: Scope
    adcode: str = ""

    @property
    def notes_index(self) -> bool:
        """Return whether the index of this place is kept from day to day."""
        return bool(self.adcode) or self.scope.whole_city


def narrowed(actor: Actor, adcode: str) -> Place:
    """Return the caller's scope, narrowed to a district where the scope holds it."""
    own = actor.scope
    if ADCODE.fullmatch(adcode) and (own.whole_city or adcode in own.adcodes):
        return Place(Scope(adcodes=frozenset({adcode})), adcode)
    if not own.whole_city and not own.enterprise_ids and len(own.adcodes) == 1:
        return Place(own, next(iter(own.adcodes)))
    return Place(own)


def index_of(session: Session, scope: Scope, now: datetime) -> Index:
    """Return the safety index of a scope, from what the database holds now."""
    found, colours = feeds(session, scope, now), colour_totals(session, scope)
    km = sum(pipe_km(session, scope)["pressure"].values())
    graded = sum(each[1] for each in colours.values())
    grave = sum(colours[colour][1] for colour in (1, 2) if colour in colours)
    seen, every = covered_objects(session, scope)
    funnel = danger_funnel(session, scope, now - YEAR)
    timely, judged = cases_in_time(session, scope, now - YEAR)
    limit = parameter_value(session, "cockpit.accidents_per_100km", ACCIDENT_LIMIT)
    parts = {
        "device": share(found.points - found.silent, found.points),
        "coverage": share(seen, every),
        "accidents": accident_score(accidents_since(session, scope, now - YEAR), km, limit),
        "surroundings": share(graded - grave, graded),
        "management": mean_known([share(funnel.closed, funnel.found), share(timely, judged)]),
    }
    weights = {key: parameter_value(session, f"cockpit.weight.{key}", WEIGHTS[key]) for key in PARTS}
    return Index(parts, weights)


def note_index(session: Session, now: datetime) -> str:
    """Keep today's index of the city and of each district; the last one of a day stays."""
    day = local(now).date()
    places = {"": Scope(whole_city=True)}
    places |= {adcode: Scope(adcodes=frozenset({adcode})) for adcode in district_names(session, "zh_CN")}
    for adcode, scope in places.items():
        index = index_of(session, scope, now)
        row = session.get(SafetyIndex, (day, adcode)) or SafetyIndex(day=day, adcode=adcode)
        row.score, row.noted_at = index.score, now
        for part, value in index.parts.items():
            setattr(row, part, value)
        session.add(row)
    session.flush()
    return f"{len(places)} places"


def headline(session: Session, actor: Actor, place: Place, now: datetime) -> dict[str, Any]:
    """Return the row of figures on top, each None where the caller may not see it."""
    scope = place.scope
    index = index_of(session, scope, now)
    before = index_before(session, place.adcode, (local(now) - WEEK).date()) if place.notes_index else None
    found: dict[str, Any] = {
        "index": index,
        "index_moved": None if before is None or None in (before.score, index.score) else index.score - before.score,
        "feeds": feeds(session, scope, now),
    }
    if actor.may("alarm.read"):
        found["alarms"] = open_counts(session, scope=scope)
    if actor.may("safety.read"):
        graver, lighter = change_sums(session, scope, now - MONTH)
        funnel = danger_funnel(session, scope, start_of_quarter(now))
        checks = household_checks(session, scope, start_of_year(now))
        found |= {
            "red_km": colour_totals(session, scope).get(1, (0, 0.0))[1],
            "graver_km": graver,
            "lighter_km": lighter,
            "funnel": funnel,
            "closed_share": share(funnel.closed, funnel.found),
            "checks": checks,
            "checked_share": share(checks.seen, checks.users),
        }
    if actor.may("supply.read"):
        found["supply"] = supply_days(session, scope, local(now).date())
    return found


def panels(session: Session, actor: Actor, place: Place, now: datetime, language: str) -> dict[str, Any]:
    """Return what the panels around the map show."""
    scope = place.scope
    found: dict[str, Any] = {
        "objects": count_objects(session, scope),
        "km": sum(pipe_km(session, scope)["pressure"].values()),
        "duty": duty_now(session, scope, now),
    }
    if actor.may("safety.read"):
        names = district_names(session, language)
        orange = parameter_value(session, "risk.area.orange_per_km2", 3)
        found["districts"] = [each for each in area_lines(session, scope, orange, names) if each.length_km > 0]
    if actor.may("alarm.read"):
        found["newest"] = live_alarms(session, scope, limit=ALARMS_SHOWN)
        found["trend"] = trend(alarms_by_hour(session, scope, now), now)
    if actor.may("supply.read"):
        found["gas"] = gas_chart(supply_hours(session, scope, now))
    if actor.may("report.read"):
        found["ranking"] = ranking(session)
    if actor.may("emergency.read"):
        found["incident"] = gravest_incident(session, scope)
    return found


def trend(found: dict[int, list[int]], now: datetime) -> dict[str, Any]:
    """Return the alarms of the past day as stacked areas, the lightest level lowest."""
    hours = len(found[1])
    most = max(sum(found[level][at] for level in LEVELS) for at in range(hours))
    top = nice_top(most)
    first = local(now) - timedelta(hours=hours - 1)
    return {
        "paths": list(zip(LEVELS, stacked_areas([found[level] for level in LEVELS], top), strict=True)),
        "ticks": [top, top / 2, 0],
        "hours": [(first + timedelta(hours=at)).hour for at in range(0, hours, 4)],
        "sums": {level: sum(found[level]) for level in LEVELS},
        "busiest": most,
    }


def gas_chart(hours: list[SupplyHour]) -> dict[str, Any]:
    """Return today's supply as columns and the share of pressures within limits as a line."""
    flows = [each.m3_per_h for each in hours]
    known = [value for value in flows if value is not None]
    most = max(known, default=0.0)
    top = nice_top(most)
    shares = [each.in_limits for each in hours]
    low = min([95.0, *(value for value in shares if value is not None)])
    day: list[SupplyHour | None] = [*hours, *[None] * (24 - len(hours))]
    return {
        "columns": [None if each is None or each.m3_per_h is None else 100 * each.m3_per_h / top for each in day],
        "line": broken_line([None if each is None else each.in_limits for each in day], low, 100.0),
        "ticks": [top, top / 2, 0],
        "shares": [100.0, (100.0 + low) / 2, low],
        "m3": sum(known),
        "last": next((each for each in reversed(hours) if each.m3_per_h is not None), None),
    }


def ranking(session: Session) -> tuple[date | None, list[Any]]:
    """Return the newest month with evaluations and its reports, the best first."""
    months = months_with_reports(session)
    if not months:
        return None, []
    lines = newest_of_month(session, months[0]).values()
    ordered = sorted((each for each in lines if each.score is not None), key=lambda each: -(each.score or 0))
    return months[0], ordered[:ENTERPRISES_SHOWN]
