"""What distinguishes pipes in a theme of the map: one expression a theme, for tiles, lengths and exports alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import text
from sqlalchemy.orm import Session

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

_KM = """
select {keys}, sum(t.length_m) / 1000 as km
from (select {columns}, t.length_m from gas_pipe t where t.status <> 7 and {scope}) t
group by grouping sets ({sets})
"""


def with_columns(layer: VectorLayer, more: Sequence[ThemeColumn]) -> VectorLayer:
    """Return the layer of pipes with the properties of further themes in its tiles."""
    added = "".join(f", {column.sql} as {column.property}" for column in more)
    return replace(layer, columns=layer.columns + added)


def km_by_theme(session: Session, scope: Scope, columns: Sequence[ThemeColumn]) -> dict[str, dict[str, float]]:
    """Return theme -> code -> kilometres of pipe within the scope, from one pass over the pipes."""
    limited, facts = scope_sql(scope)
    names = [f"k{number}" for number in range(len(columns))]
    statement = _KM.format(
        columns=", ".join(f"{column.sql} as {name}" for column, name in zip(columns, names, strict=True)),
        keys=", ".join(f"{name}, grouping({name}) as g{name}" for name in names),
        sets=", ".join(f"({name})" for name in names),
        scope=limited,
    )
    found: dict[str, dict[str, float]] = {column.key: {} for column in columns}
    for row in session.execute(text(statement), facts).mappings():
        column, name = next(
            (column, name) for column, name in zip(columns, names, strict=True) if row[f"g{name}"] == 0
        )
        code = UNKNOWN if row[name] is None else str(row[name])
        found[column.key][code] = round(float(row["km"]), 3)
    return found
