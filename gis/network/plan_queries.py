"""Rows of what a plan or a trace names, read within the scope of who asks: codes, figures, places and geometry."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ARRAY, BigInteger, ColumnElement, Row, any_, func, literal, select
from sqlalchemy.orm import Session

from gis.network.graph import Index
from gis.network.models import GasUser, Node, Pipe, Regulator, Station, Valve
from gis.network.queries import scope_filter
from portal.core.actor import Scope

DIGITS = 6  # a decimetre
# Lines of a wide plan lose what no screen shows: some metres.
SIMPLER_FROM, SIMPLER_DEG = 2_000, 0.00003
# A wash of some 25 m along the pipes; beyond so many pipes the hull around them, which costs less.
WASH_DEG = 0.00025
WASHED_MOST = 400
SOURCE_KINDS = (1, 2, 3, 4, 5, 6)


def _within(model: Any, column: Any, numbers: Index, scope: Scope) -> ColumnElement[bool]:
    """Return the condition that a column is one of some numbers and the row may be seen."""
    wanted: ColumnElement[bool] = column == any_(literal(numbers.tolist(), ARRAY(BigInteger)))
    return wanted & scope_filter(model, scope)


def _among(model: Any, numbers: Index, scope: Scope) -> ColumnElement[bool]:
    return _within(model, model.id, numbers, scope)


def pipes_named(session: Session, scope: Scope, numbers: Index) -> Sequence[Row[Any]]:
    """Return code and figures of pipes by number."""
    columns = (
        Pipe.id, Pipe.src_code, Pipe.enterprise_id, Pipe.adcode, Pipe.pressure_class, Pipe.od_mm, Pipe.wall_mm,
        Pipe.length_m, Pipe.mop_mpa, Pipe.design_p_mpa, Pipe.road_name, Pipe.material,
    )  # fmt: skip
    return session.execute(select(*columns).where(_among(Pipe, numbers, scope)).order_by(Pipe.id)).all()


def pipe_sums(session: Session, scope: Scope, numbers: Index) -> Sequence[Row[Any]]:
    """Return owner, pressure class, number and length of pipes, by owner and class."""
    columns = (
        Pipe.enterprise_id,
        Pipe.pressure_class,
        func.count().label("pipes"),
        func.sum(Pipe.length_m).label("length_m"),
    )
    grouped = select(*columns).where(_among(Pipe, numbers, scope)).group_by(Pipe.enterprise_id, Pipe.pressure_class)
    return session.execute(grouped).all()


def lines_of(session: Session, scope: Scope, numbers: Index, most: int) -> Sequence[Row[Any]]:
    """Return number, code, pressure class and GeoJSON geometry of pipes; the largest first when there are more."""
    geom: Any = Pipe.geom
    if len(numbers) > SIMPLER_FROM:
        geom = func.ST_Simplify(geom, SIMPLER_DEG, True)
    wanted = select(Pipe.id, Pipe.src_code, Pipe.pressure_class, func.ST_AsGeoJSON(geom, DIGITS, 0).label("geom"))
    wanted = wanted.where(_among(Pipe, numbers, scope)).order_by(Pipe.pressure_class, Pipe.od_mm.desc(), Pipe.id)
    return session.execute(wanted.limit(most)).all()


def _spot(model: Any) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
    return func.ST_X(model.geom).label("lon"), func.ST_Y(model.geom).label("lat")


def valves_named(session: Session, scope: Scope, numbers: Index) -> dict[int, Row[Any]]:
    """Return code, figures and place of valves by number."""
    columns = (
        Valve.id, Valve.src_code, Valve.name, Valve.enterprise_id, Valve.adcode, Valve.dn_mm, Valve.kind, Valve.drive,
        Valve.remote, Valve.current_state, Valve.status, *_spot(Valve),
    )  # fmt: skip
    return {row.id: row for row in session.execute(select(*columns).where(_among(Valve, numbers, scope)))}


def regulators_named(session: Session, scope: Scope, numbers: Index) -> dict[int, Row[Any]]:
    """Return code, classes and place of regulators by number."""
    columns = (
        Regulator.id, Regulator.src_code, Regulator.name, Regulator.enterprise_id, Regulator.form,
        Regulator.inlet_class, Regulator.outlet_class, *_spot(Regulator),
    )  # fmt: skip
    return {row.id: row for row in session.execute(select(*columns).where(_among(Regulator, numbers, scope)))}


def sources_at(session: Session, scope: Scope, nodes: Index) -> list[dict[str, Any]]:
    """Return the stations that bring gas in at some nodes, and of a node without one the node itself."""
    columns = (Station.node_id, Station.id, Station.src_code, Station.name, Station.kind, *_spot(Station))
    fitting = _within(Station, Station.node_id, nodes, scope) & Station.kind.in_(SOURCE_KINDS)
    found: list[dict[str, Any]] = [
        {"layer": "station", **row._mapping}
        for row in session.execute(select(*columns).where(fitting).order_by(Station.id))
    ]
    told = {row["node_id"] for row in found}
    bare = select(Node.id.label("node_id"), Node.id, Node.src_code, Node.name, *_spot(Node)).where(
        _among(Node, nodes, scope)
    )
    found += [{"layer": "node", "kind": None, **row._mapping} for row in session.execute(bare) if row.id not in told]
    return found


def users_by_class(session: Session, scope: Scope, numbers: Index) -> list[tuple[int, int, int]]:
    """Return class, users and households of some users."""
    wanted = select(GasUser.user_class, func.count(), func.sum(GasUser.households))
    rows = session.execute(wanted.where(_among(GasUser, numbers, scope)).group_by(GasUser.user_class))
    return [(int(user_class), int(users), int(households)) for user_class, users, households in rows]


_USER = (
    GasUser.id, GasUser.src_code, GasUser.name, GasUser.address, GasUser.user_class, GasUser.households,
    GasUser.enterprise_id, GasUser.adcode, GasUser.regulator_id, *_spot(GasUser),
)  # fmt: skip


def special_users(session: Session, scope: Scope, numbers: Index, most: int) -> Sequence[Row[Any]]:
    """Return some users with their places, most households first."""
    wanted = select(*_USER).where(_among(GasUser, numbers, scope))
    return session.execute(wanted.order_by(GasUser.households.desc(), GasUser.id).limit(most)).all()


def users_named(session: Session, scope: Scope, numbers: Index, most: int) -> Sequence[Row[Any]]:
    """Return some users with their places, those that are not residential first."""
    wanted = select(*_USER).where(_among(GasUser, numbers, scope))
    return session.execute(wanted.order_by(GasUser.user_class.desc(), GasUser.id).limit(most)).all()


def wash_of(session: Session, scope: Scope, numbers: Index) -> tuple[str, float] | None:
    """Return the area around pipes as GeoJSON and in m² on the ellipsoid; None without pipes."""
    lines = func.ST_Collect(Pipe.geom)
    area = func.ST_Buffer(lines, WASH_DEG, 2) if len(numbers) <= WASHED_MOST else func.ST_ConvexHull(lines)
    inner = select(area.label("area")).where(_among(Pipe, numbers, scope)).subquery()
    row = session.execute(
        select(func.ST_AsGeoJSON(inner.c.area, DIGITS, 0), func.ST_Area(func.geography(inner.c.area)))
    ).one()
    return None if row[0] is None or row[1] is None else (str(row[0]), float(row[1]))
