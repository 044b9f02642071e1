"""Which values of an object a correction may name, how each is read and what it may be; pure declarations."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

FieldKind = Literal["code", "number", "whole", "flag", "text"]
Value = str | float | int | bool | None
# Values read back from the database differ from what was written by less than this.
SAME = 1e-6
TEXT_CHARS = 120


@dataclass(frozen=True)
class Field:
    """One value: its column, how it is read, the code table of a code, and the bounds of a number."""

    name: str
    kind: FieldKind
    dictionary: str = ""
    low: float = 0.0
    high: float = 1e9


def _code(name: str, dictionary: str) -> Field:
    return Field(name, "code", dictionary)


_STATUS = _code("status", "life_status")
_NAME = Field("name", "text")
FIELDS: dict[str, tuple[Field, ...]] = {
    "pipe": (
        _NAME, _STATUS, _code("pressure_class", "pressure_class"), _code("material", "material"),
        Field("od_mm", "number", low=10, high=2000), Field("wall_mm", "number", low=0.5, high=100),
        Field("install_year", "whole", low=1950, high=2100), _code("laying", "laying"), _code("coating", "coating"),
        _code("cp_kind", "cp_kind"), Field("depth_start_m", "number", low=0, high=60),
        Field("depth_end_m", "number", low=0, high=60), Field("road_name", "text"),
    ),
    "valve": (
        _NAME, _STATUS, _code("current_state", "valve_state"), _code("normal_state", "valve_state"),
        _code("kind", "valve_kind"), _code("drive", "valve_drive"), Field("remote", "flag"),
        Field("dn_mm", "number", low=10, high=2000),
    ),
    "regulator": (
        _NAME, _STATUS, _code("form", "regulator_form"), _code("inlet_class", "pressure_class"),
        _code("outlet_class", "pressure_class"), Field("p2_set_kpa", "number", high=10000),
        Field("design_m3_per_h", "number", high=1e7), Field("slam_shut", "flag"),
    ),
    "station": (
        _NAME, _STATUS, _code("kind", "station_kind"), Field("address", "text"),
        Field("design_m3_per_h", "number", high=1e8), Field("attended", "flag"),
    ),
    "user": (_STATUS, _code("user_class", "user_class"), Field("households", "whole", low=0, high=100000), Field("detector", "flag")),
}  # fmt: skip
LAYERS = tuple(FIELDS)


class BadValue(ValueError):
    """A value that does not fit its field; the message is the field's name."""


def field_of(layer: str, name: str) -> Field:
    """Return the field of a layer; raise KeyError for one that no correction may name."""
    return {each.name: each for each in FIELDS[layer]}[name]


def dictionary_of(layer: str, field: Field) -> str:
    """Return the code table of a field; the state of a user has one of its own."""
    return "user_status" if layer == "user" and field.name == "status" else field.dictionary


def read_value(field: Field, text: str, codes: Mapping[int, str]) -> Value:
    """Return what somebody wrote as a value of the field; raise BadValue for what it cannot be."""
    words = text.strip()
    if field.kind == "text":
        if not words or len(words) > TEXT_CHARS:
            raise BadValue(field.name)
        return words
    if field.kind == "flag":
        if words not in ("0", "1"):
            raise BadValue(field.name)
        return words == "1"
    try:
        number = float(words)
    except ValueError as wrong:
        raise BadValue(field.name) from wrong
    if field.kind == "code":
        if number not in codes:
            raise BadValue(field.name)
        return int(number)
    if not math.isfinite(number) or not field.low <= number <= field.high or (field.kind == "whole" and number % 1):
        raise BadValue(field.name)
    return int(number) if field.kind == "whole" else number


def same(one: Any, other: Any) -> bool:
    """Return whether two values of a field are the same."""
    if isinstance(one, int | float) and isinstance(other, int | float):
        return abs(one - other) <= SAME * max(1.0, abs(one), abs(other))
    return bool(one == other)
