"""What the readable API page shows: fields and a sample of every record type, from the contract."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, get_args, get_origin, get_type_hints

import msgspec

from ingestion_adapters.contract import DATASETS
from ingestion_adapters.openapi import field_marks, record_types
from portal.core.codes import words_of

SAMPLES: dict[str, dict[str, Any]] = {
    "Enterprise": {
        "uscc": "91990100MA0DEMA011",
        "name": "云川示例燃气有限公司",
        "kind": 1,
        "licence_no": "川2026000001",
        "licence_expire": "2028-12-31",
        "duty_phone": "028-00000000",
        "staff_n": 320,
        "certified_n": 280,
    },
    "Node": {"type": "NOD", "src_code": "J0001", "lon": 104.06512, "lat": 30.65731, "kind": 0},
    "Pipe": {
        "type": "PIP",
        "src_code": "GD0001",
        "from_node": "J0001",
        "to_node": "J0002",
        "pressure_class": 4,
        "material": 11,
        "od_mm": 219.1,
        "wall_mm": 6.0,
        "install_year": 2012,
        "geom": {"type": "LineString", "coordinates": [[104.06512, 30.65731], [104.06633, 30.65802]]},
    },
    "Valve": {"type": "VLV", "src_code": "FM0001", "node": "J0001", "lon": 104.06512, "lat": 30.65731, "dn_mm": 200},
    "Regulator": {
        "type": "REG",
        "src_code": "TY0001",
        "node": "J0002",
        "lon": 104.06633,
        "lat": 30.65802,
        "form": 2,
        "inlet_class": 4,
        "outlet_class": 7,
        "p2_set_kpa": 2.5,
    },
    "Station": {
        "type": "STA",
        "src_code": "MZ01",
        "node": "J0001",
        "lon": 104.06512,
        "lat": 30.65731,
        "kind": 2,
        "name": "北门站",
    },
    "Point": {
        "type": "PNT",
        "src_code": "MZ01.PT101",
        "object_code": "MZ01",
        "measure": 1,
        "unit": "kPa",
        "lon": 104.06512,
        "lat": 30.65731,
        "period_s": 60,
        "low": 250.0,
        "high": 380.0,
    },
    "User": {
        "user_no": "U00000001",
        "user_class": 10,
        "lon": 104.0671,
        "lat": 30.6585,
        "regulator": "TY0001",
        "detector": True,
    },
    "Reading": {"point": "MZ01.PT101", "t": "2026-06-01T08:00:00+08:00", "v": 312.4, "q": 192, "f": "N"},
    "AlarmPush": {
        "alarm_no": "BJ20260601001",
        "kind": 11,
        "level": 2,
        "raised_at": "2026-06-01T08:03:00+08:00",
        "point": "MZ01.PT101",
        "value": 402.0,
        "limit": 380.0,
        "text": "出站压力高",
    },
    "DailySupply": {"gas_day": "2026-06-01", "purchased_m3": 182300.0, "sold_m3": 176900.0, "stored_m3": 52000.0},
}


@dataclass(frozen=True)
class FieldLine:
    """One field of a record as a row of the page."""

    name: str
    kind: str
    required: bool
    words: str
    unit: str
    codes: list[tuple[int, str]]


@dataclass(frozen=True)
class RecordPage:
    """One record type with its fields and a sample."""

    name: str
    tag: str
    fields: list[FieldLine]
    sample: str


@dataclass(frozen=True)
class DatasetPage:
    """One dataset with its record types."""

    dataset: str
    records: list[RecordPage]


def dataset_pages(language: str) -> list[DatasetPage]:
    """Return every dataset for the page, in Chinese (`zh`) or English (`en`)."""
    return [
        DatasetPage(dataset, [_record_page(kind, language) for kind in record_types(dataset)]) for dataset in DATASETS
    ]


def _record_page(kind: type, language: str) -> RecordPage:
    marks = field_marks(kind)
    hints = get_type_hints(kind)
    lines = [
        FieldLine(
            item.name,
            _kind_words(hints[item.name]),
            item.required,
            str(marks[item.name].get(language, "")),
            str(marks[item.name].get("unit", "")),
            _codes(marks[item.name].get("dict"), language),
        )
        for item in msgspec.structs.fields(kind)
    ]
    tag = msgspec.inspect.type_info(kind).tag  # type: ignore[union-attr]  # every record is a struct
    sample = json.dumps({"records": [SAMPLES[kind.__name__]]}, ensure_ascii=False, indent=2)
    return RecordPage(kind.__name__, str(tag or ""), lines, sample)


def _codes(dictionary: str | None, language: str) -> list[tuple[int, str]]:
    return sorted(words_of(dictionary, language).items()) if dictionary else []


def _kind_words(hint: Any) -> str:
    parts = [part for part in get_args(hint) if part is not type(None)] or [hint]
    if get_origin(hint) is not None and str(get_origin(hint)).endswith("Literal"):
        return " ".join(map(str, parts))
    return " | ".join("date" if part.__name__ == "date" else part.__name__ for part in parts)
