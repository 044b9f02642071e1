"""Reads of the risk of segments, always within a scope: sums, areas, lists, one segment, changes, runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, case, func, select, text, tuple_
from sqlalchemy.orm import Session

from gis.basemap.models import Building
from gis.network.models import Pipe, Station
from gis.risk.models import RiskChange, RiskOverbuild, RiskRun, RiskSegment, RiskStation
from portal.core.actor import Scope
from portal.core.errors import NotFound
from portal.core.paging import contains, equals
from portal.core.scoping import in_scope

PAGE_ROWS, EXPORT_MOST, CHANGES_MOST, SITES_MOST = 50, 50_000, 20, 500
BIGGEST_ID = 2**63 - 1
GREY, DUCTILE = 30, 31
RENEWABLE = (10, 11, 12, 20, 21, 22, 23)
VIEWS = ("ageing", "works", "over", "sensitive", "hca", "unknown")


@dataclass(frozen=True)
class SegmentFilter:
    """What a list of segments is narrowed to; `cell` is column and row of the 1 km grid."""

    colour: int | None = None
    pressure_class: int | None = None
    material: int | None = None
    enterprise_id: int | None = None
    adcode: str | None = None
    view: str = ""
    cell: tuple[int, int] | None = None
    words: str = ""


@dataclass(frozen=True)
class Place:
    """Where a page of segments begins: score and number of a row."""

    score: int
    number: int
    backward: bool = False


@dataclass(frozen=True)
class SegmentPage:
    """One page of segments, the gravest first."""

    rows: Sequence[Any]
    has_before: bool
    has_after: bool


def within(scope: Scope, model: Any = RiskSegment) -> ColumnElement[bool]:
    """Return the condition that a row lies in the scope."""
    return in_scope(scope, model.enterprise_id, model.adcode)


def colour_totals(session: Session, scope: Scope) -> dict[int, tuple[int, float]]:
    """Return colour -> segments and kilometres."""
    rows = session.execute(
        select(RiskSegment.colour, func.count(), func.sum(RiskSegment.length_m) / 1000)
        .where(within(scope))
        .group_by(RiskSegment.colour)
    )
    return {row[0]: (int(row[1]), float(row[2])) for row in rows}


def area_rows(session: Session, scope: Scope, *, grid: bool = False) -> Sequence[Any]:
    """Return for each district, or each cell of the grid, segments and kilometres by colour."""
    keys = (RiskSegment.cell_x, RiskSegment.cell_y) if grid else (RiskSegment.adcode,)
    counts = [func.count().filter(RiskSegment.colour == each).label(f"n{each}") for each in (1, 2, 3, 4)]
    lengths = [
        (func.coalesce(func.sum(RiskSegment.length_m).filter(RiskSegment.colour == each), 0) / 1000).label(f"km{each}")
        for each in (1, 2, 3, 4)
    ]
    asked = (
        select(*keys, *counts, *lengths, func.sum(RiskSegment.expected).label("expected"))
        .where(within(scope))
        .group_by(*keys)
    )
    return session.execute(asked).all()


def district_km2(session: Session) -> dict[str, float]:
    """Return adcode -> area, km²."""
    return {
        row[0]: float(row[1])
        for row in session.execute(text("select adcode, st_area(geom::geography) / 1e6 from base_district"))
    }


def worst_drivers(session: Session, scope: Scope, colour: int = 2) -> Sequence[Any]:
    """Return how many segments of a colour or graver each cause of likelihood and consequence touches."""
    concerned = RiskSegment.colour <= colour
    causes = {
        "works": RiskSegment.works_n > 0,
        "leak": RiskSegment.leaks_n > 0,
        "corrosion": RiskSegment.corrosion_n > 0,
        "old": RiskSegment.age_years >= 20,
        "grey": RiskSegment.material == GREY,
        "bare": (RiskSegment.material < 20) & (func.coalesce(RiskSegment.cp_kind, 0) == 0),
        "people": RiskSegment.c_people >= 4,
        "sensitive": RiskSegment.sensitive_n > 0,
        "supply": RiskSegment.c_supply >= 4,
    }
    columns = [func.count().filter(concerned & condition).label(name) for name, condition in causes.items()]
    row = session.execute(select(*columns).where(within(scope))).one()
    return sorted(((name, n) for name, n in row._asdict().items() if n), key=lambda pair: -pair[1])


def attention_counts(session: Session, scope: Scope, ageing_years: int) -> dict[str, int]:
    """Return how many segments each view holds, and hard overbuilds."""
    views = {name: view_condition(name, ageing_years) for name in VIEWS if name != "over"}
    columns = [func.count().filter(condition).label(name) for name, condition in views.items()]
    row = session.execute(select(*columns).where(within(scope))).one()
    over = (
        session.scalar(
            select(func.count()).select_from(RiskOverbuild).where(within(scope, RiskOverbuild), RiskOverbuild.hard)
        )
        or 0
    )
    hazards = (
        session.scalar(
            select(func.count()).select_from(RiskStation).where(within(scope, RiskStation), RiskStation.level > 0)
        )
        or 0
    )
    return {name: int(n) for name, n in row._asdict().items()} | {"over": int(over), "stations": int(hazards)}


def view_condition(view: str, ageing_years: int) -> ColumnElement[bool]:
    """Return the condition of a view: ageing by 国办发〔2022〕22号, works, over, sensitive, hca, unknown."""
    conditions: dict[str, ColumnElement[bool]] = {
        "ageing": RiskSegment.material.in_((GREY, DUCTILE))
        | (RiskSegment.material.in_(RENEWABLE) & (RiskSegment.age_years >= ageing_years)),
        "works": RiskSegment.works_n > 0,
        "over": RiskSegment.pipe_id.in_(select(RiskOverbuild.pipe_id)),
        "sensitive": RiskSegment.sensitive_n > 0,
        "hca": RiskSegment.hca > 0,
        "unknown": RiskSegment.colour_low != RiskSegment.colour_high,
    }
    return conditions[view]


def _asked(wanted: SegmentFilter, scope: Scope, ageing_years: int) -> Select[Any]:
    columns = (
        RiskSegment.pipe_id,
        Pipe.src_code,
        Pipe.name,
        Pipe.road_name,
        RiskSegment.colour,
        RiskSegment.score,
        RiskSegment.likelihood,
        RiskSegment.consequence,
        RiskSegment.expected,
        RiskSegment.length_m,
        RiskSegment.pressure_class,
        RiskSegment.material,
        RiskSegment.od_mm,
        RiskSegment.age_years,
        RiskSegment.people_day,
        RiskSegment.people_night,
        RiskSegment.radius_m,
        RiskSegment.works_n,
        RiskSegment.leaks_n,
        RiskSegment.hca,
        RiskSegment.supply_households,
        RiskSegment.colour_low,
        RiskSegment.colour_high,
        RiskSegment.enterprise_id,
        RiskSegment.adcode,
        RiskSegment.model_id,
        RiskSegment.computed_at,
    )
    asked = select(*columns).join(Pipe, Pipe.id == RiskSegment.pipe_id).where(within(scope))
    asked = asked.where(
        *equals(
            {
                RiskSegment.colour: wanted.colour,
                RiskSegment.pressure_class: wanted.pressure_class,
                RiskSegment.material: wanted.material,
                RiskSegment.enterprise_id: wanted.enterprise_id,
                RiskSegment.adcode: wanted.adcode,
            }
        )
    )
    if wanted.view:
        asked = asked.where(view_condition(wanted.view, ageing_years))
    if wanted.cell:
        asked = asked.where(RiskSegment.cell_x == wanted.cell[0], RiskSegment.cell_y == wanted.cell[1])
    if wanted.words:
        asked = asked.where(contains(wanted.words, Pipe.src_code, Pipe.road_name))
    return asked


def segments_page(
    session: Session, wanted: SegmentFilter, *, place: Place | None, scope: Scope, ageing_years: int
) -> SegmentPage:
    """Return one page of segments, the highest score first."""
    key, backward = (RiskSegment.score, RiskSegment.pipe_id), place is not None and place.backward
    asked = _asked(wanted, scope, ageing_years)
    if place:
        at = (place.score, place.number)
        asked = asked.where(tuple_(*key) > at if backward else tuple_(*key) < at)
    asked = asked.order_by(*(each.asc() if backward else each.desc() for each in key)).limit(PAGE_ROWS + 1)
    rows = session.execute(asked).all()
    more, rows = len(rows) > PAGE_ROWS, rows[:PAGE_ROWS]
    if backward:
        return SegmentPage(rows[::-1], has_before=more, has_after=True)
    return SegmentPage(rows, has_before=place is not None, has_after=more)


def segments_listed(session: Session, wanted: SegmentFilter, *, scope: Scope, ageing_years: int) -> Iterator[Any]:
    """Give the segments of a filter, the highest score first, up to the most an export holds."""
    asked = _asked(wanted, scope, ageing_years).order_by(RiskSegment.score.desc(), RiskSegment.pipe_id.desc())
    yield from session.execute(asked.limit(EXPORT_MOST).execution_options(yield_per=1000))


def find_segment(session: Session, pipe_id: int, *, scope: Scope) -> RiskSegment:
    """Return the risk of one segment; raise NotFound outside the scope."""
    found = None
    if 0 < pipe_id <= BIGGEST_ID:
        found = session.scalar(select(RiskSegment).where(RiskSegment.pipe_id == pipe_id, within(scope)))
    if found is None:
        raise NotFound("risk_segment", pipe_id=pipe_id)
    return found


def changes_of(
    session: Session, scope: Scope, pipe_id: int | None = None, *, since: datetime | None = None
) -> Sequence[Any]:
    """Return the newest changes of colour, of one segment or of all, with the segment's code."""
    asked = (
        select(RiskChange, Pipe.src_code, Pipe.road_name)
        .join(Pipe, Pipe.id == RiskChange.pipe_id)
        .where(within(scope, RiskChange))
    )
    if pipe_id is not None:
        asked = asked.where(RiskChange.pipe_id == pipe_id)
    if since is not None:
        asked = asked.where(RiskChange.at >= since)
    return session.execute(asked.order_by(RiskChange.at.desc(), RiskChange.id.desc()).limit(CHANGES_MOST)).all()


def change_sums(session: Session, scope: Scope, since: datetime) -> tuple[float, float]:
    """Return kilometres that grew graver and that grew lighter since an instant, by change."""
    km = RiskChange.length_m / 1000
    row = session.execute(
        select(
            func.coalesce(func.sum(case((RiskChange.became < RiskChange.was, km), else_=0.0)), 0),
            func.coalesce(func.sum(case((RiskChange.became > RiskChange.was, km), else_=0.0)), 0),
        ).where(within(scope, RiskChange), RiskChange.at >= since)
    ).one()
    return float(row[0]), float(row[1])


def last_run(session: Session) -> RiskRun | None:
    """Return the newest working out, None before the first."""
    return session.scalar(select(RiskRun).order_by(RiskRun.id.desc()).limit(1))


def overbuilds(
    session: Session, scope: Scope, *, pipe_id: int | None = None, after: int = 0, limit: int = PAGE_ROWS + 1
) -> Sequence[Any]:
    """Return buildings over pipes, those on the pipe first, from a place in the list on."""
    middle = func.ST_Centroid(Building.geom)
    columns = (
        *(RiskOverbuild, Pipe.src_code, Pipe.road_name, Pipe.pressure_class, RiskSegment.colour),
        *(Building.kind.label("building_kind"), Building.name.label("building_name"), Building.height_m),
        *(func.ST_X(middle).label("lon"), func.ST_Y(middle).label("lat")),
    )
    asked = (
        select(*columns)
        .join(Pipe, Pipe.id == RiskOverbuild.pipe_id)
        .join(RiskSegment, RiskSegment.pipe_id == RiskOverbuild.pipe_id)
        .join(Building, Building.id == RiskOverbuild.building_id)
        .where(within(scope, RiskOverbuild))
    )
    if pipe_id is not None:
        asked = asked.where(RiskOverbuild.pipe_id == pipe_id)
    of = RiskOverbuild
    asked = asked.order_by(of.hard.desc(), of.length_m.desc(), of.distance_m, of.pipe_id, of.building_id)
    return session.execute(asked.offset(after).limit(limit)).all()


def station_hazards(session: Session, scope: Scope) -> Sequence[Any]:
    """Return the stations that store gas, the gravest first."""
    asked = (
        select(RiskStation, Station.src_code, Station.name, Station.kind)
        .join(Station, Station.id == RiskStation.station_id)
        .where(within(scope, RiskStation))
    )
    return session.execute(asked.order_by(RiskStation.r.desc(), RiskStation.station_id)).all()


def place_of_pipe(session: Session, pipe_id: int) -> tuple[float, float]:
    """Return longitude and latitude of the middle of a pipe."""
    middle = func.ST_LineInterpolatePoint(Pipe.geom, 0.5)
    row = session.execute(select(func.ST_X(middle), func.ST_Y(middle)).where(Pipe.id == pipe_id)).one()
    return float(row[0]), float(row[1])
