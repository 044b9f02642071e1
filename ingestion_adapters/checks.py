"""Judging a row: typed by the contract, codes by the dictionaries, numbers and places by reason; pure."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from itertools import islice
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import msgspec
from msgspec import UNSET

from ingestion_adapters.contract import DATASETS, KEYS, LineString, Pipe, Record
from ingestion_adapters.contract.sense import breach_of
from ingestion_adapters.contract.times import instant_ms, instant_of
from ingestion_adapters.masking import hidden, without_numbers
from portal.core.codes import dictionaries

__all__ = ["instant_ms", "instant_of"]

RAW_CHARS = 2000
FIELDS_KEPT = 200
INT_LIMIT = 2**31 - 1
YEARS = (1900, 2100)
KEY_FIELDS = ("src_code", "alarm_no", "uscc", "point", "gas_day", *KEYS.values(), "user_no")
LISTS = frozenset(
    {"photos", "photos_before", "photos_after", "hazards", "operations", "certificates", "people", "points"}
)
_PATH = re.compile(r" - at `\$(?:\.([A-Za-z_0-9]+))?[^`]*`$")
_MISSING = re.compile(r"missing required field `([^`]+)`")
_UNKNOWN = re.compile(r"unknown field `([^`]*)`")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f]")


@dataclass(frozen=True)
class Finding:
    """What is wrong with one row, in both languages; `error` refuses the row, `warning` only notes it."""

    row: int
    code: str
    zh: str
    en: str
    field: str | None = None
    object_code: str | None = None
    rule: str | None = None
    raw: str | None = None
    severity: str = "error"
    file: str | None = None


@dataclass(frozen=True)
class Stored:
    """What became of a batch's rows; `row` of a finding counts from 0 in the records given.

    `held` of the refused rows are kept and wait for approval.
    """

    accepted: int
    duplicate: int
    rejections: list[Finding]
    late: int = 0
    held: int = 0


def clean_text(text: str, limit: int = RAW_CHARS) -> str:
    """Return text that the database can hold: no control characters or lone surrogates, cut to `limit`."""
    whole = text[: limit * 2].encode("utf-8", "replace").decode()
    return _CONTROL.sub("�", whole)[:limit]


def raw_text(row: object) -> str:
    """Return a row as text for the quarantine."""
    if isinstance(row, str):
        return clean_text(row)
    try:
        return clean_text(json.dumps(row, ensure_ascii=False, default=str))
    except (TypeError, ValueError, RecursionError):
        return clean_text(repr(row))


def object_code_of(row: object) -> str | None:
    """Return the sender's own code of a raw row, when it carries one."""
    if isinstance(row, Mapping):
        for name in KEY_FIELDS:
            value = row.get(name)
            if isinstance(value, str | int) and value != "":
                return clean_text(str(value), 64)
    return None


def judge_row(row: object, index: int, dataset: str, *, lax: bool = False) -> Record | Finding:
    """Return the typed record of one raw row, or the finding that refuses it.

    `lax` reads numbers, truth values and dates from text, as a CSV row carries them.
    """
    given = row
    if lax and isinstance(row, dict):
        given = _from_text(row)
    try:
        record = msgspec.convert(given, DATASETS[dataset], strict=not lax)
    except (msgspec.ValidationError, RecursionError, OverflowError, ValueError) as wrong:
        finding = _schema_finding(str(wrong), given)
    else:
        found = _judge_values(record)
        if found is None:
            return record  # type: ignore[no-any-return]
        finding = found
    return replace(finding, row=index, object_code=object_code_of(row), raw=kept_text(row, dataset))


def kept_text(row: object, dataset: str) -> str:
    """Return a row as text for the quarantine, what is personal in it masked."""
    if isinstance(row, dict) and len(row) > FIELDS_KEPT:  # of a row that is none, the begin is enough
        row = dict(islice(row.items(), FIELDS_KEPT))
    text = raw_text(hidden(row, personal_fields(dataset)))
    return text if dataset == "RT" else without_numbers(text)


@cache
def personal_fields(dataset: str) -> dict[str, Any]:
    """Return field -> kind of mask of a dataset's records, marks of nested rows within."""
    found: dict[str, Any] = {}
    for kind in get_args(DATASETS[dataset]) or (DATASETS[dataset],):
        found.update(personal_marks(kind))
    return found


def personal_marks(kind: type) -> dict[str, Any]:
    """Return field -> kind of mask of a record type, marks of nested rows within."""
    found: dict[str, Any] = {}
    for name, hint in get_type_hints(kind, include_extras=True).items():
        mark = marks_of(hint).get("mask")
        inner = nested_type(hint)
        if mark:
            found[name] = mark
        elif inner is not None and (within := personal_marks(inner)):
            found[name] = within
    return found


def nested_type(hint: Any) -> type | None:
    """Return the record type of a field that holds a list of records, else None."""
    if get_origin(hint) is list:
        (inner,) = get_args(hint)
        return inner if isinstance(inner, type) and issubclass(inner, Record) else None
    return next((found for part in get_args(hint) if (found := nested_type(part)) is not None), None)


def marks_of(hint: Any) -> dict[str, Any]:
    """Return the marks of a field, its own before those of the type it is made of."""
    found: dict[str, Any] = {}
    for meta in _metas(hint):
        if isinstance(meta, msgspec.Meta) and meta.extra:
            found = meta.extra | found
    return found


@cache
def field_marks(kind: type) -> dict[str, dict[str, Any]]:
    """Return field -> marks of a record type."""
    return {name: marks_of(hint) for name, hint in get_type_hints(kind, include_extras=True).items()}


def _from_text(row: dict[str, Any]) -> dict[str, Any]:
    known = {name: value for name, value in row.items() if value is not None and value != ""}
    line = known.get("geom")
    if isinstance(line, str):
        known["geom"] = line_of_text(line)
    track = known.get("track")
    if isinstance(track, str):
        known["track"] = line_of_text(track)
    for name in LISTS & known.keys():
        known[name] = list_of_text(known[name])
    return known


def list_of_text(text: Any) -> object:
    """Return the list of a JSON text or of words parted by semicolons; the value itself when it is no text."""
    if not isinstance(text, str):
        return text
    if text.lstrip().startswith("["):
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            return text
    return [part.strip() for part in text.replace("；", ";").split(";") if part.strip()]


def line_of_text(text: str) -> object:
    """Return the GeoJSON line of a WKT or GeoJSON text; the text itself when it is neither."""
    found = re.fullmatch(r"\s*LINESTRING(?:\s*Z)?\s*\((.*)\)\s*", text, re.I | re.S)
    try:
        if found is None:
            return json.loads(text)
        pairs = [[float(part) for part in pair.split()] for pair in found[1].split(",")]
    except (ValueError, RecursionError):
        return text
    return {"type": "LineString", "coordinates": pairs}


def _schema_finding(message: str, row: object) -> Finding:
    place = _PATH.search(message)
    words = _PATH.sub("", message)
    field = place[1] if place else None
    missing, unknown = _MISSING.search(words), _UNKNOWN.search(words)
    if missing and not field:
        name = missing[1]
        return Finding(0, "E_SCHEMA", f"缺少必填字段“{name}”", f"The required field {name} is missing", name)
    if unknown and not field:
        name = clean_text(unknown[1], 64)
        return Finding(0, "E_SCHEMA", f"未定义的字段“{name}”", f"The field {name} is not defined", name)
    if field in ("lon", "lat", "geom") and isinstance(row, Mapping):
        off = _place_finding(field, row.get(field))
        if off:
            return off
    shown = clean_text(words, 160)
    name = field or "row"
    return Finding(0, "E_SCHEMA", f"字段“{name}”的类型或格式不对：{shown}", f"{name}: {shown}", field)


def _place_finding(field: str, value: object) -> Finding | None:
    if field == "geom":
        empty = isinstance(value, Mapping) and not value.get("coordinates")
        if not empty and isinstance(value, Mapping):
            return None
        return Finding(0, "E_GEOMETRY", "几何为空或不是 LineString", "The geometry is empty or not a LineString", field)
    limit = 180.0 if field == "lon" else 90.0
    if isinstance(value, str):
        with suppress(ValueError):
            value = float(value)
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) > limit:
        return off_system(field)
    return None


def off_system(field: str) -> Finding:
    """Return the finding for a coordinate that cannot be degrees of CGCS2000."""
    return Finding(
        0,
        "E_CRS",
        f"“{field}”不是CGCS2000经纬度（经度在前，单位度）；可能是投影坐标",
        f"{field} is not a CGCS2000 degree (longitude first); it looks projected",
        field,
    )


def _metas(hint: Any) -> tuple[Any, ...]:
    if get_origin(hint) is Annotated:
        base, *metas = get_args(hint)
        return (*reversed(metas), *_metas(base))
    return ()


def _judge_values(record: Any) -> Finding | None:
    marks = field_marks(type(record))
    for name in record.__struct_fields__:
        value = getattr(record, name)
        if value is None or value is UNSET:
            continue
        finding = _value_finding(name, value, marks[name])
        if finding:
            return finding
    if isinstance(record, Pipe):
        return line_finding(record.geom)
    return _sense_finding(record)


def _value_finding(name: str, value: Any, marks: dict[str, Any]) -> Finding | None:
    if "dict" in marks:
        for code in value if isinstance(value, list) else (value,):
            if finding := _dictionary_finding(name, marks["dict"], code):
                return finding
        return None
    if marks.get("instant"):
        return None if instant_ms(value) is not None else time_finding(name)
    if isinstance(value, LineString):
        found = line_finding(value)
        return replace(found, field=name) if found else None
    if isinstance(value, list):
        inner = (_judge_values(each) for each in value if isinstance(each, Record))
        found = next((finding for finding in inner if finding), None)
        return replace(found, field=f"{name}.{found.field}" if found.field else name) if found else None
    return _number_finding(name, value, marks)


def _sense_finding(record: Any) -> Finding | None:
    found = breach_of(record)
    return Finding(0, found.code, found.zh, found.en, found.field, rule=found.rule) if found else None


def _dictionary_finding(name: str, dictionary: str, value: int) -> Finding | None:
    if value in dictionaries()[dictionary]:
        return None
    return Finding(
        0,
        "E_DICT",
        f"“{name}”的代码 {clean_text(str(value), 30)} 不在字典 {dictionary} 中",
        f"{name}: code {clean_text(str(value), 30)} is not in the dictionary {dictionary}",
        name,
    )


def _number_finding(name: str, value: object, marks: dict[str, Any]) -> Finding | None:
    if isinstance(value, float) and not math.isfinite(value):
        return Finding(0, "E_RANGE", f"“{name}”不是有限数", f"{name} is not a finite number", name)
    if isinstance(value, int) and name not in ("raised_at", "cleared_at", "t") and abs(value) > INT_LIMIT:
        return Finding(0, "E_RANGE", f"“{name}”的数值超出范围", f"{name} is out of range", name)
    if "least" in marks and isinstance(value, int | float) and value < marks["least"]:
        return Finding(0, "E_RANGE", f"“{name}”不能为负数", f"{name} must not be negative", name)
    if marks.get("most") is not None and isinstance(value, int | float) and value > marks["most"]:
        most = f"{marks['most']:g}"
        return Finding(0, "E_RANGE", f"“{name}”大于 {most}", f"{name} is larger than {most}", name)
    if name == "install_year" and isinstance(value, int) and not YEARS[0] <= value <= YEARS[1]:
        return Finding(0, "E_RANGE", "建设年代不合理", "The year of installation is not plausible", name, rule="R18")
    if isinstance(value, date) and not YEARS[0] <= value.year <= YEARS[1]:
        return Finding(0, "E_RANGE", f"“{name}”的日期不合理", f"{name}: the date is not plausible", name)
    return None


def line_finding(line: LineString) -> Finding | None:
    """Return what is wrong with a line's coordinates, None when they can be a pipe."""
    pairs = line.coordinates
    if len(pairs) < 2:
        return Finding(0, "E_GEOMETRY", "管线少于两个点", "The line has fewer than two points", "geom")
    if not all(math.isfinite(number) for pair in pairs for number in pair):
        return Finding(0, "E_GEOMETRY", "几何含无效坐标", "The line holds a coordinate that is no number", "geom")
    if any(abs(pair[0]) > 180 or abs(pair[1]) > 90 for pair in pairs):
        return off_system("geom")
    if len({(pair[0], pair[1]) for pair in pairs}) < 2:
        return Finding(0, "E_GEOMETRY", "管线长度为零", "The line has no length", "geom")
    return None


def time_finding(field: str, code: str = "E_TIME") -> Finding:
    """Return the finding for a time that cannot be used."""
    words = {
        "E_TIME": (
            "时间无法识别：须为带时区的ISO 8601（如2026-06-01T08:00:00+08:00）或毫秒；"
            "表格的日期时间单元格不带时区，请改为文本填写，或在字段映射中声明时间格式",
            "The time cannot be read: ISO 8601 with offset (2026-06-01T08:00:00+08:00) or ms; a date and time cell of a "
            "spreadsheet has no offset: write it as text, or declare the format in the mapping of fields",
        ),
        "E_FUTURE": ("时间晚于平台时间300秒以上", "The time lies more than 300 s in the future"),
        "E_TOO_OLD": ("时间早于6年前", "The time is older than 6 years"),
    }
    zh, en = words[code]
    return Finding(0, code, zh, en, field)
