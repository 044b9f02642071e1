"""What distinguishes pipes in a theme of the map: one expression a theme, for tiles, lengths and exports alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from gis.asof import past_source
from gis.crs import STORAGE_SRID
from gis.tiles.layer import VectorLayer
from gis.tiles.queries import scope_sql
from portal.core.actor import Scope

UNKNOWN = "unknown"


@dataclass(frozen=True)
class ThemeColumn:
    """One theme: its key, the name of its property in pipe tiles, and SQL over `gas_pipe t` that gives a whole number.

    The SQL is written in the code, never taken from a request; null means unknown.
    """

    key: str
    property: str
    sql: str


PRESSURE = ThemeColumn("pressure", "pc", "t.pressure_class")
YEAR = ThemeColumn("year", "y", "t.install_year")
MATERIAL = ThemeColumn("material", "mt", "t.material")
ENTERPRISE = ThemeColumn("enterprise", "e", "t.enterprise_id")
STATUS = ThemeColumn("status", "st", "t.status")
COLUMNS = (PRESSURE, YEAR, MATERIAL, ENTERPRISE, STATUS)

# Of a pipe that reaches beyond the area only the part inside counts, measured on the ellipsoid.
_INSIDE_M = """case when ST_Within(t.geom, area.g) then t.length_m
  else coalesce(ST_Length(ST_Intersection(t.geom, area.g)::geography), 0) end"""
_AREA = " cross join (select ST_GeomFromText(:area, {storage}) as g) area"
_MEETS = " and t.geom && area.g and ST_Intersects(t.geom, area.g)"
_SUMS = """
select {keys}, count(*)::integer as n, sum(t.metres) / 1000 as km
from (select {columns}, {metres} as metres from {source}{area} where t.status <> 7 and {scope}{meets}) t
group by grouping sets ({sets})
"""


@dataclass(frozen=True)
class Sum:
    """How many pipes, and how many kilometres of them."""

    count: int = 0
    km: float = 0.0

    def __add__(self, other: Sum) -> Sum:
        """Return both together."""
        return Sum(self.count + other.count, self.km + other.km)


def with_columns(layer: VectorLayer, more: Sequence[ThemeColumn]) -> VectorLayer:
    """Return the layer of pipes with the properties of further themes in its tiles."""
    added = "".join(f", {column.sql} as {column.property}" for column in more)
    return replace(layer, columns=layer.columns + added)


def pipes_by_theme(
    session: Session, scope: Scope, columns: Sequence[ThemeColumn], area: str | None = None, at: datetime | None = None
) -> dict[str, dict[str, Sum]]:
    """Return theme -> code -> pipes within the scope, from one pass.

    `area` is WKT that narrows and cuts them; `at` takes them as they were known at a past instant.
    """
    limited, facts = scope_sql(scope)
    names = [f"k{number}" for number in range(len(columns))]
    pairs = list(zip(columns, names, strict=True))
    statement = _SUMS.format(
        columns=", ".join(f"{column.sql} as {name}" for column, name in pairs),
        keys=", ".join(f"{name}, grouping({name}) as g{name}" for name in names),
        sets=", ".join(f"({name})" for name in names),
        scope=limited,
        source="gas_pipe t" if at is None else past_source("gas_pipe t"),
        metres="t.length_m" if area is None else _INSIDE_M,
        area="" if area is None else _AREA.format(storage=STORAGE_SRID),
        meets="" if area is None else _MEETS,
    )
    found: dict[str, dict[str, Sum]] = {column.key: {} for column in columns}
    values = facts | ({} if area is None else {"area": area}) | ({} if at is None else {"at": at})
    for row in session.execute(text(statement), values).mappings():
        column, name = next((column, name) for column, name in pairs if row[f"g{name}"] == 0)
        code = UNKNOWN if row[name] is None else str(row[name])
        found[column.key][code] = Sum(row["n"], float(row["km"]))
    return found


def km_by_theme(session: Session, scope: Scope, columns: Sequence[ThemeColumn]) -> dict[str, dict[str, float]]:
    """Return theme -> code -> kilometres of pipe within the scope."""
    found = pipes_by_theme(session, scope, columns)
    return {key: {code: each.km for code, each in sums.items()} for key, sums in found.items()}
