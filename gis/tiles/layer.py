"""What a vector tile layer is made of: table, columns, thinning by zoom; pure declarations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

from gis.asof import past_source

MAX_FEATURES = 5000
MAX_ZOOM = 22

Changes = Literal["base", "network", "live"]


def everything(_zoom: int) -> str:
    """Return the condition that keeps every row."""
    return "true"


@dataclass(frozen=True)
class Past:
    """A layer as it was known at the bound instant `:at`: where its rows come from and what is drawn of them."""

    source: str
    columns: str
    keep: Callable[[int], str] = everything
    order: str = ""


@dataclass(frozen=True)
class VectorLayer:
    """One layer of the map; every piece of SQL is written here in the code, never taken from a request.

    `keep` returns the condition that thins the layer at a zoom; `changes` says what makes its
    tiles old; `scoped` says whether rows carry enterprise_id and adcode under the alias `t`; `past`
    says how it is drawn as it was known on a former day, None where no former states are kept.
    `counted_cells` is a table of level, cell and n that holds the present cells ready counted.
    """

    name: str
    source: str
    columns: str
    changes: Changes
    id: str = "t.id"
    geom: str = "t.geom"
    min_zoom: int = 0
    keep: Callable[[int], str] = everything
    order: str = ""
    scoped: bool = True
    cells_below_zoom: int = 0
    counted_cells: str = ""
    past: Past | None = None

    def at_a_past_day(self) -> VectorLayer | None:
        """Return the layer as it was known at the bound instant `:at`; None without former states.

        The ground under the network is the same on every day.
        """
        if self.changes == "base":
            return self
        return None if self.past is None else replace(self, **vars(self.past))


class UnknownLayer(KeyError):
    """No layer of this name is declared."""


class LayerTable:
    """The layers of one application, by name."""

    def __init__(self, layers: list[VectorLayer]) -> None:
        """Keep the layers; two of one name are a mistake."""
        self._by_name = {layer.name: layer for layer in layers}
        if len(self._by_name) != len(layers):
            raise ValueError("two layers of one name")

    def named(self, name: str) -> VectorLayer:
        """Return the layer of this name; raise UnknownLayer when there is none."""
        if name not in self._by_name:
            raise UnknownLayer(name)
        return self._by_name[name]

    def names(self) -> list[str]:
        """Return the names of all layers in the order of declaration."""
        return list(self._by_name)


def pipe_classes(zoom: int) -> str:
    """Return which pressure classes are drawn at a zoom: trunks first, everything from 14 on."""
    if zoom < 11:
        return "t.pressure_class <= 4 and t.status <> 7"
    if zoom < 13:
        return "t.pressure_class <= 5 and t.status <> 7"
    if zoom < 14:
        return "t.pressure_class <= 6 and t.status <> 7"
    return "t.status <> 7"


def road_classes(zoom: int) -> str:
    """Return which roads are drawn at a zoom: expressways first, local roads from 14 on."""
    most = 1 if zoom < 9 else 2 if zoom < 12 else 3 if zoom < 14 else 4
    return f"t.road_class <= {most}"


def in_place(_zoom: int) -> str:
    """Return the condition that leaves out removed objects."""
    return "t.status <> 7"


def big_buildings(zoom: int) -> str:
    """Return which buildings are drawn at a zoom: only large ones below 15."""
    return "t.kind <> 'residential' or t.height_m >= 12" if zoom < 15 else "true"


BASE_LAYERS = [
    VectorLayer("district", "base_district t", "t.name_zh as n", "base", id="t.adcode::bigint", scoped=False),
    VectorLayer(
        "district_label", "base_district t", "t.name_zh as n", "base",
        id="t.adcode::bigint", geom="t.label", scoped=False,
    ),
    VectorLayer(
        "road", "base_road t", "t.road_class as c, t.name as n", "base",
        min_zoom=8, keep=road_classes, order="t.road_class", scoped=False,
    ),
    VectorLayer("water", "base_water t", "t.name as n", "base", scoped=False),
    VectorLayer("green", "base_green t", "t.name as n", "base", min_zoom=9, scoped=False),
    VectorLayer(
        "building", "base_building t", "t.height_m as h", "base",
        min_zoom=14, keep=big_buildings, scoped=False,
    ),
]


def historied(name: str, table: str, columns: str, **more: Any) -> VectorLayer:
    """Return a layer of one table whose former states are kept, drawn alike today and on a past day."""
    past = Past(past_source(f"{table} t"), columns, more.get("keep", everything), more.get("order", ""))
    return VectorLayer(name, f"{table} t", columns, "network", past=past, **more)


NETWORK_LAYERS = [
    historied(
        "pipe", "gas_pipe",
        "t.pressure_class as pc, t.install_year as y, t.material as mt, t.status as st, t.enterprise_id as e",
        keep=pipe_classes, order="t.pressure_class",
    ),
    historied("station", "gas_station", "t.kind as k, t.name as n", keep=in_place),
    historied("valve", "gas_valve", "t.current_state as s", min_zoom=13, keep=in_place),
    historied("regulator", "gas_regulator", "t.form as f", min_zoom=12, keep=in_place),
    historied("user", "gas_user", "t.user_class as c", min_zoom=8, keep=in_place, cells_below_zoom=15, counted_cells="user_cell t"),
]  # fmt: skip
