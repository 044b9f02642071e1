"""The mapping file: its shape, its JSON Schema, and what is wrong with one; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gis.crs import UnusableCrs, parse_crs
from ingestion_adapters.checks import field_marks, nested_type
from ingestion_adapters.contract import DATASETS
from ingestion_adapters.files.headings import record_kinds
from ingestion_adapters.mapping.readers import zone_of
from portal.core.units import linear, units_like

FILE_BYTES = 8 * 1024 * 1024
Name = Annotated[str, Meta(min_length=1, max_length=128)]
Offset = Annotated[str, Meta(pattern=r"^[+-]\d\d:\d\d$")]
Scalar = str | int | float | bool


class _Part(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    pass


class Rule(_Part):
    """How one field of ours is made: from a field of theirs, a constant, or a text with {fields} in it."""

    source: Name | UnsetType = msgspec.field(default=UNSET, name="from")
    constant: Scalar | UnsetType = UNSET
    text: Annotated[str, Meta(max_length=400)] | UnsetType = UNSET
    words: Annotated[dict[str, Scalar], Meta(max_length=5000)] | UnsetType = UNSET
    otherwise: Scalar | UnsetType = msgspec.field(default=UNSET, name="else")
    unit: Annotated[str, Meta(max_length=16)] | UnsetType = UNSET
    times: float | UnsetType = UNSET
    plus: float | UnsetType = UNSET
    replace: (
        Annotated[list[Annotated[list[str], Meta(min_length=2, max_length=2)]], Meta(max_length=50)] | UnsetType
    ) = UNSET
    time: Annotated[str, Meta(max_length=40)] | UnsetType = UNSET
    date: Annotated[str, Meta(max_length=40)] | UnsetType = UNSET
    offset: Offset | UnsetType = UNSET
    each: dict[str, Rule | Name] | UnsetType = UNSET


class PointRule(_Part):
    """One point of theirs: our code of it, and their unit where it is not that of the measure."""

    code: Name | UnsetType = UNSET
    unit: Annotated[str, Meta(max_length=16)] | UnsetType = UNSET


Fields = dict[str, Rule | Name]


class DatasetRules(_Part):
    """How the rows of one dataset are read; `fields` is ours -> theirs, a name alone being a plain rename."""

    fields: Fields = {}
    types: dict[str, Fields] = {}
    ignore: Annotated[list[Name], Meta(max_length=500)] = []
    points: Annotated[dict[Name, PointRule | Name], Meta(max_length=200_000)] = {}
    units: dict[str, str] = {}


class MappingFile(_Part):
    """How an enterprise speaks."""

    format: Literal[1]
    name: Annotated[str, Meta(min_length=1, max_length=100)]
    crs: Annotated[str, Meta(max_length=20)] | UnsetType = UNSET
    time: Annotated[str, Meta(max_length=40)] | UnsetType = UNSET
    date: Annotated[str, Meta(max_length=40)] | UnsetType = UNSET
    offset: Offset | UnsetType = UNSET
    datasets: dict[str, DatasetRules] = {}


def schema() -> dict[str, Any]:
    """Return the JSON Schema of the mapping file."""
    found = msgspec.json.schema(MappingFile)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "燃监企业字段映射 / mapping"} | found


def read_mapping(text: bytes) -> tuple[dict[str, Any] | None, list[str]]:
    """Return the mapping of a file and what is wrong with it, in words of the form `place: what`."""
    if len(text) > FILE_BYTES:
        return None, [f"$: more than {FILE_BYTES >> 20} MB"]
    try:
        found = msgspec.json.decode(text.removeprefix(b"\xef\xbb\xbf"), type=MappingFile)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as wrong:
        return None, [str(wrong)[:300]]
    body: dict[str, Any] = msgspec.to_builtins(found)
    return body, list(problems_of(body))


def problems_of(body: Mapping[str, Any]) -> Iterator[str]:
    """Give what the schema cannot say: unknown datasets, fields and units, and systems that cannot be read."""
    if body.get("crs"):
        try:
            parse_crs(body["crs"])
        except UnusableCrs:
            yield f"crs: {body['crs']} is no coordinate system that can be used"
    try:
        zone_of(body.get("offset", "+08:00"))
    except ValueError:
        yield f"offset: {body['offset']}"
    for dataset, rules in body.get("datasets", {}).items():
        if dataset not in DATASETS:
            yield f"datasets: {dataset} is no dataset"
            continue
        yield from _dataset_problems(dataset, rules)


def fields_of(dataset: str, tag: str = "") -> dict[str, dict[str, Any]]:
    """Return field -> marks of a dataset, of one type of record when `tag` is given."""
    found: dict[str, dict[str, Any]] = {}
    for kind in record_kinds(dataset):
        info: Any = msgspec.inspect.type_info(kind)
        if not tag or str(info.tag) == tag:
            found |= {item.encode_name: field_marks(kind).get(item.name, {}) for item in msgspec.structs.fields(kind)}
    return found


def tags_of(dataset: str) -> list[str]:
    """Return the types of record of a dataset that has several, else nothing."""
    infos: list[Any] = [msgspec.inspect.type_info(kind) for kind in record_kinds(dataset)]
    return [str(info.tag) for info in infos if info.tag is not None] if len(infos) > 1 else []


def inner_kind(dataset: str, field: str) -> type | None:
    """Return the record type of a field that holds a list of records."""
    for kind in record_kinds(dataset):
        for item in msgspec.structs.fields(kind):
            if item.encode_name == field:
                return nested_type(item.type)
    return None


def _dataset_problems(dataset: str, rules: Mapping[str, Any]) -> Iterator[str]:
    tags = tags_of(dataset)
    for tag in rules.get("types", {}):
        if tag not in tags:
            yield f"{dataset}.types: {tag} is none of {', '.join(tags) or '–'}"
    for tag, fields in [("", rules.get("fields", {})), *rules.get("types", {}).items()]:
        known = fields_of(dataset, tag)
        if known:
            yield from _field_problems(f"{dataset}{'.' + tag if tag else ''}", fields, known, bool(tags))
    if dataset != "RT" and (rules.get("points") or rules.get("units")):
        yield f"{dataset}: points and units of measures belong to RT"
    for measure, unit in rules.get("units", {}).items():
        if not measure.isdigit() or not units_like(unit):
            yield f"RT.units: {measure} {unit}"
    for point, rule in rules.get("points", {}).items():
        unit = rule.get("unit") if isinstance(rule, Mapping) else None
        if unit and not units_like(unit):
            yield f"RT.points.{point}: {unit} is no unit"


def _field_problems(
    place: str, fields: Mapping[str, Any], known: Mapping[str, Mapping[str, Any]], tagged: bool
) -> Iterator[str]:
    for field, rule in fields.items():
        if field not in known and not (tagged and field == "type"):
            yield f"{place}: {field} is no field"
        if isinstance(rule, str):
            continue
        if sum(name in rule for name in ("from", "constant", "text")) != 1:
            yield f"{place}.{field}: exactly one of from, constant, text"
        unit = rule.get("unit")
        if unit and linear(unit, str(known.get(field, {}).get("unit", ""))) is None:
            yield f"{place}.{field}: {unit} does not become {known.get(field, {}).get('unit') or '–'}"
