"""Rows of the map's layers as tables: narrowed, ordered, a page at a time or all, within the caller's scope."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from gis.areas import Area
from gis.asof import Moment
from gis.crs import STORAGE_SRID
from gis.tiles.queries import scope_sql
from portal.core.actor import Scope
from portal.home.area_queries import area_values
from portal.home.layers import LayerTable

PAGE_ROWS = 50
SEARCHED_MOST = 500
_SMALLEST = "-1e300"


@dataclass(frozen=True)
class Wanted:
    """What a list is narrowed to and how it is ordered; `codes` is column -> code."""

    words: str = ""
    codes: tuple[tuple[str, int], ...] = ()
    enterprise_id: int | None = None
    adcode: str | None = None
    area: Area | None = None
    order: str = ""
    descending: bool = False
    moment: Moment | None = None


@dataclass(frozen=True)
class RowPage:
    """One page of rows, and the numbers at which the pages beside it begin; None at an end."""

    rows: list[Any]
    before: int | None
    after: int | None


def page_of(
    session: Session, scope: Scope, table: LayerTable, wanted: Wanted, *, after: int | None, before: int | None
) -> RowPage:
    """Return one page; `after` and `before` are numbers of rows beside it."""
    backward = before is not None
    edge = before if backward else after
    conditions, values = _conditions(scope, table, wanted)
    key = sort_key(table, wanted.order)
    down = wanted.descending != backward
    if edge is not None:
        sign = "<" if down else ">"
        conditions.append(f"({key}, {table.id}) {sign} (select {key}, {table.id} from {table.source} where {table.id} = :edge)")
        values["edge"] = edge
    way = "desc" if down else "asc"
    rows = list(
        session.execute(
            text(f"{_select(table, _middle(table))} where {' and '.join(conditions)} order by {key} {way}, {table.id} {way} limit :most"),
            values | {"most": PAGE_ROWS + 1},
        )
    )
    more, rows = len(rows) > PAGE_ROWS, rows[:PAGE_ROWS]
    if backward:
        rows.reverse()
    if not rows:
        return RowPage([], None, None)
    has_before, has_after = (more, True) if backward else (edge is not None, more)
    return RowPage(rows, rows[0].id if has_before else None, rows[-1].id if has_after else None)


def rows_of(
    session: Session, scope: Scope, table: LayerTable, wanted: Wanted, *, most: int, drawn: Mapping[str, str] | None = None
) -> Iterator[Any]:
    """Return up to `most` rows in order; `drawn` adds SQL by name, and the geometry as WKB in `shape`."""
    conditions, values = _conditions(scope, table, wanted)
    key, way = sort_key(table, wanted.order), "desc" if wanted.descending else "asc"
    more = {} if drawn is None else {**drawn, "shape": f"ST_AsBinary({table.geom})"}
    statement = (
        f"{_select(table, more)} where {' and '.join(conditions)} "
        f"order by {key} {way}, {table.id} {way} limit :most"
    )
    yield from session.execute(text(statement).execution_options(yield_per=1000), values | {"most": most})


def sort_key(table: LayerTable, order: str) -> str:
    """Return the SQL a list is sorted by; the number when the column is none to sort by."""
    if order not in table.orders:
        return table.id
    column = table.column(order)
    numeric = column.kind in ("number", "road")
    return f"coalesce(({column.sql})::float8, {_SMALLEST})" if numeric else f"coalesce(({column.sql})::text, '')"


def _middle(table: LayerTable) -> dict[str, str]:
    """Return SQL of a place that leads to an object which cannot be selected on the map."""
    if table.scoped:
        return {}
    return {"lon": f"ST_X(ST_PointOnSurface({table.geom}))", "lat": f"ST_Y(ST_PointOnSurface({table.geom}))"}


def _select(table: LayerTable, more: Mapping[str, str]) -> str:
    columns = "".join(f", {column.sql} as {column.key}" for column in table.columns)
    columns += "".join(f", {sql} as {name}" for name, sql in more.items())
    return f"select {table.id} as id{columns} from {table.source}"


def _conditions(scope: Scope, table: LayerTable, wanted: Wanted) -> tuple[list[str], dict[str, Any]]:
    conditions, values = ["true"], dict[str, Any]()
    if wanted.moment is not None:
        values["at"] = wanted.moment.at
    if table.scoped:
        limited, facts = scope_sql(scope)
        conditions += [limited, "t.status <> 7"]
        values |= facts
        for name, value in (("enterprise_id", wanted.enterprise_id), ("adcode", wanted.adcode)):
            if value is not None:
                conditions.append(f"t.{name} = :{name}")
                values[name] = value
    for name, code in wanted.codes:
        conditions.append(f"{table.column(name).sql} = :code_{name}")
        values[f"code_{name}"] = code
    if wanted.words:
        found, facts = _fitting(table, wanted.words)
        conditions.append(found)
        values |= facts
    if wanted.area is not None:
        conditions.append(_inside(table, wanted.area))
        values |= area_values(wanted.area)
    return conditions, values


def _fitting(table: LayerTable, words: str) -> tuple[str, dict[str, Any]]:
    if table.search:
        return (
            f"t.id in (select h.id from search_layer(:layer, :words, {SEARCHED_MOST}) h)",
            {"layer": table.key, "words": words},
        )
    escaped = words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    if "name" not in {each.key for each in table.columns}:  # by_name(): users of a past day have a number and an address
        return f"({table.column('code').sql} = :words or t.address ilike :anywhere)", {"words": words, "anywhere": f"%{escaped}%"}
    code, name = table.column("code").sql, table.column("name").sql
    return (
        f"({code} = :words or {name} ilike :anywhere or name_stem({name}) = any(stems_of(:words, {SEARCHED_MOST})))",
        {"words": words, "anywhere": f"%{escaped}%"},
    )


def _inside(table: LayerTable, area: Area) -> str:
    box = f"t.geom && ST_MakeEnvelope(:west, :south, :east, :north, {STORAGE_SRID})"
    points = table.key in ("station", "valve", "regulator", "user", "sensor")
    if points and area.is_box:
        return box
    shape = (
        f"ST_MakeEnvelope(:west, :south, :east, :north, {STORAGE_SRID})"
        if area.is_box
        else f"ST_GeomFromText(:area, {STORAGE_SRID})"
    )
    return f"{box} and ST_Intersects(t.geom, {shape})"
