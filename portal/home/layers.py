"""The layers of the map as tables: their columns, filters and orders; pure declarations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ColumnKind = Literal["text", "number", "code", "district", "enterprise", "flag", "date", "address", "user_number", "road", "building"]


@dataclass(frozen=True)
class Column:
    """One column of a layer: its key, SQL under the alias `t`, how its value reads, and the unit of a number."""

    key: str
    sql: str
    kind: ColumnKind = "text"
    dictionary: str = ""
    unit: str = ""


@dataclass(frozen=True)
class LayerTable:
    """One layer as a table; every piece of SQL is written here, never taken from a request.

    `orders` are columns a list may be sorted by, `codes` those it may be narrowed by; `search` says whether the
    search function knows the layer, otherwise words are looked for in `name`.
    """

    key: str
    source: str
    columns: tuple[Column, ...]
    codes: tuple[str, ...] = ()
    orders: tuple[str, ...] = ()
    scoped: bool = True
    search: bool = True
    geom: str = "t.geom"
    id: str = "t.id"

    def column(self, key: str) -> Column:
        """Return a column by its key; raise KeyError when there is none."""
        return {each.key: each for each in self.columns}[key]


CODE, NAME = Column("code", "t.src_code"), Column("name", "t.name")
PLACE = (
    Column("district", "t.adcode", "district"),
    Column("enterprise", "t.enterprise_id", "enterprise"),
    Column("status", "t.status", "code", "life_status"),
)


def _code(key: str, dictionary: str) -> Column:
    return Column(key, f"t.{key}", "code", dictionary)


def _number(key: str, unit: str = "", sql: str = "") -> Column:
    return Column(key, sql or f"t.{key}", "number", unit=unit)


_AREA_M2 = "round(ST_Area(t.geom::geography))"
NETWORK = (
    LayerTable(
        "pipe", "gas_pipe t",
        (
            CODE, NAME, _code("pressure_class", "pressure_class"), _code("material", "material"), _number("od_mm", "mm"),
            _number("length_m", "m"), _number("install_year"), Column("road_name", "t.road_name"), *PLACE,
        ),
        codes=("pressure_class", "material", "status"),
        orders=("code", "name", "od_mm", "length_m", "install_year"),
    ),
    LayerTable(
        "station", "gas_station t",
        (
            CODE, NAME, _code("kind", "station_kind"), Column("address", "t.address"),
            _number("design_m3_per_h", "m³/h"), _number("p_in_mpa", "MPa"), _number("p_out_mpa", "MPa"), *PLACE,
        ),
        codes=("kind", "status"), orders=("code", "name", "design_m3_per_h"),
    ),
    LayerTable(
        "valve", "gas_valve t",
        (
            CODE, NAME, _code("kind", "valve_kind"), _number("dn_mm", "mm"), _code("current_state", "valve_state"),
            _code("normal_state", "valve_state"), Column("remote", "t.remote", "flag"), *PLACE,
        ),
        codes=("current_state", "kind", "status"), orders=("code", "name", "dn_mm"),
    ),
    LayerTable(
        "regulator", "gas_regulator t",
        (
            CODE, NAME, _code("form", "regulator_form"), _code("inlet_class", "pressure_class"),
            _code("outlet_class", "pressure_class"), _number("p2_set_kpa", "kPa"), _number("design_m3_per_h", "m³/h"), *PLACE,
        ),
        codes=("form", "outlet_class", "status"), orders=("code", "name", "p2_set_kpa", "design_m3_per_h"),
    ),
    LayerTable(
        "user", "gas_user t",
        (
            Column("code", "t.src_code", "user_number"), _code("user_class", "user_class"),
            Column("address", "t.address", "address"), _number("households"), Column("detector", "t.detector", "flag"),
            Column("last_check_on", "t.last_check_on", "date"), *PLACE,
        ),
        codes=("user_class", "status"),
    ),
    LayerTable(
        "sensor", "point t left join latest on latest.point_id = t.id",
        (
            CODE, NAME, _code("measure", "measure"), _number("value", sql="latest.value"), Column("unit", "t.unit"),
            Column("quality", "latest.quality", "code", "quality"), Column("object", "t.object_code"),
            _number("period_s", "s"), *PLACE,
        ),
        codes=("measure", "quality", "status"), orders=("code", "name", "period_s"),
    ),
)  # fmt: skip
BASE = (
    LayerTable(
        "district", "base_district t",
        (
            Column("code", "t.adcode"), Column("name", "t.name_zh"), Column("name_en", "t.name_en"),
            _number("area_m2", "m²", _AREA_M2),
        ),
        orders=("code", "name", "area_m2"), scoped=False, search=False, id="t.adcode::bigint",
    ),
    LayerTable(
        "road", "base_road t",
        (
            Column("code", "t.id::text"), Column("name", "t.name"), Column("road_class", "t.road_class", "road"),
            _number("length_m", "m", "round(ST_Length(t.geom::geography)::numeric, 1)::float8"),
        ),
        orders=("name", "road_class"), scoped=False, search=False,
    ),
    LayerTable(
        "water", "base_water t", (Column("code", "t.id::text"), Column("name", "t.name"), _number("area_m2", "m²", _AREA_M2)),
        orders=("name", "area_m2"), scoped=False, search=False,
    ),
    LayerTable(
        "green", "base_green t", (Column("code", "t.id::text"), Column("name", "t.name"), _number("area_m2", "m²", _AREA_M2)),
        orders=("name", "area_m2"), scoped=False, search=False,
    ),
    LayerTable(
        "building", "base_building t",
        (Column("code", "t.id::text"), Column("name", "t.name"), Column("kind", "t.kind", "building"), _number("height_m", "m")),
        orders=("name", "height_m"), scoped=False, search=False,
    ),
)  # fmt: skip
TABLES = {table.key: table for table in (*NETWORK, *BASE)}
