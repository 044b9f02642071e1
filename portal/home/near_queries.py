"""What lies nearest to a place: objects of a layer with metres and bearing, and objects by the code on their label."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from gis.crs import STORAGE_SRID
from gis.tiles.queries import scope_sql
from portal.core.actor import Scope

NEAREST = 20
POINTS = ("valve", "regulator", "station")
TABLES = {"pipe": "gas_pipe", "station": "gas_station", "valve": "gas_valve", "regulator": "gas_regulator", "sensor": "point"}
SAME_CODE_MOST = 50
_DETAILS = {"valve": "t.current_state", "regulator": "t.form", "station": "t.kind"}
# Metres of a degree of latitude are fewest at the equator, on the CGCS2000 ellipsoid: a box so made is never too small.
_M_PER_DEG = 110_574.0

# The index gives neighbours in degrees, which are not those in metres. The farthest of them in metres bounds a box
# that holds the true ones, and these are ordered on the ellipsoid. Uses the GiST index of geom twice.
_NEAREST = """
with here as (select ST_SetSRID(ST_MakePoint(:lon, :lat), {srid}) as g),
rough as materialized (
  select t.geom from {table} t where t.status <> 7 and {scope} order by t.geom <-> (select g from here) limit :most),
reach as (
  select coalesce(max(ST_Distance(rough.geom::geography, here.g::geography)), 0) * 1.001 + 1 as m from rough, here),
frame as (select ST_Expand(here.g, m / ({per_degree} * cos(radians(:lat))), m / {per_degree}) as box from here, reach)
select t.id, t.src_code, t.name, {detail} as detail, ST_X(t.geom) as lon, ST_Y(t.geom) as lat,
  ST_Distance(t.geom::geography, here.g::geography) as distance_m,
  coalesce(degrees(ST_Azimuth(here.g::geography, t.geom::geography)), 0) as bearing_deg
from {table} t, here, frame
where t.status <> 7 and {scope} and t.geom && frame.box
order by distance_m, t.id limit :most
"""
_BY_CODE = """
select t.id, t.src_code, t.name, t.enterprise_id, e.name as enterprise
from {table} t join enterprise e on e.id = t.enterprise_id
where t.src_code = :code and t.status <> 7 and {scope} and (:enterprise is null or t.enterprise_id = :enterprise)
order by t.enterprise_id limit :most
"""


@dataclass(frozen=True)
class Near:
    """An object near a place: metres on the ellipsoid, and degrees from north, clockwise."""

    id: int
    code: str
    name: str
    detail: int | None
    distance_m: float
    bearing_deg: float


def nearest(session: Session, scope: Scope, layer: str, lon: float, lat: float) -> list[Near]:
    """Return the objects of a layer of POINTS nearest to a place, nearest first."""
    limited, facts = scope_sql(scope)
    statement = _NEAREST.format(
        table=TABLES[layer], scope=limited, detail=_DETAILS[layer], srid=STORAGE_SRID, per_degree=_M_PER_DEG
    )
    rows = session.execute(text(statement), facts | {"lon": lon, "lat": lat, "most": NEAREST})
    return [Near(row.id, row.src_code, row.name or "", row.detail, row.distance_m, row.bearing_deg) for row in rows]


def by_code(session: Session, scope: Scope, kind: str, code: str, enterprise: int | None) -> list[Any]:
    """Return the objects of a kind that carry a code, one for each enterprise that uses it."""
    limited, facts = scope_sql(scope)
    statement = text(_BY_CODE.format(table=TABLES[kind], scope=limited))
    return list(session.execute(statement, facts | {"code": code, "enterprise": enterprise, "most": SAME_CODE_MOST}))
