"""What lies in an area of the map: counts by kind and enterprise, within the caller's scope."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg2.errors
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from gis.areas import Area
from gis.crs import STORAGE_SRID
from gis.tiles.queries import scope_sql
from portal.core.actor import Scope
from portal.core.errors import Invalid

TIMEOUT_MS = 12_000


@dataclass(frozen=True)
class PointLayer:
    """A layer of points: its table, the column that tells kinds apart with its dictionary, and what else is summed."""

    table: str
    kind: str
    dictionary: str
    summed: str = "0"


POINT_LAYERS = {
    "station": PointLayer("gas_station", "kind", "station_kind"),
    "valve": PointLayer("gas_valve", "current_state", "valve_state"),
    "regulator": PointLayer("gas_regulator", "form", "regulator_form"),
    "user": PointLayer("gas_user", "user_class", "user_class", "coalesce(sum(t.households), 0)"),
    "sensor": PointLayer("point", "measure", "measure"),
}
_POINTS = """
select t.{kind} as kind, t.enterprise_id, count(*)::integer as n, ({summed})::bigint as more
from {table} t where t.status <> 7 and {scope} and t.geom && ST_MakeEnvelope(:west, :south, :east, :north, {storage})
{within} group by 1, 2
"""


@dataclass(frozen=True)
class Counted:
    """How many points of a layer lie in an area, by kind and by enterprise; `more` is what else was summed."""

    total: int
    more: int
    by_kind: dict[int, int]
    by_enterprise: dict[int, int]


def points_in(session: Session, scope: Scope, area: Area, layer: str) -> Counted:
    """Return the points of a layer in an area."""
    limited, facts = scope_sql(scope)
    kind = POINT_LAYERS[layer]
    statement = _POINTS.format(
        table=kind.table, kind=kind.kind, summed=kind.summed, scope=limited, storage=STORAGE_SRID,
        within="" if area.is_box else f"and ST_Intersects(t.geom, ST_GeomFromText(:area, {STORAGE_SRID}))",
    )  # fmt: skip
    rows = session.execute(text(statement), facts | area_values(area)).all()
    by_kind: dict[int, int] = {}
    by_enterprise: dict[int, int] = {}
    for code, enterprise, count, _ in rows:
        by_kind[code] = by_kind.get(code, 0) + count
        by_enterprise[enterprise] = by_enterprise.get(enterprise, 0) + count
    return Counted(sum(row.n for row in rows), sum(row.more for row in rows), by_kind, by_enterprise)


def area_values(area: Area) -> dict[str, float | str]:
    """Return the parameters of an area's conditions."""
    west, south, east, north = area.bounds
    values: dict[str, float | str] = {"west": west, "south": south, "east": east, "north": north}
    return values if area.is_box else values | {"area": area.polygon.wkt}


@contextmanager
def within_time(session: Session) -> Iterator[None]:
    """Limit how long an area may be asked about; raise Invalid when it is too much."""
    session.execute(text(f"set local statement_timeout = {TIMEOUT_MS}"))
    try:
        yield
    except OperationalError as error:
        if isinstance(error.orig, psycopg2.errors.QueryCanceled):
            raise Invalid("area_too_much", limit_s=TIMEOUT_MS // 1000) from error
        raise
