"""What the readable API page shows: fields and a sample of every record type, from the contract."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin, get_type_hints

import msgspec
from msgspec import UnsetType

from ingestion_adapters.contract import DATASETS
from ingestion_adapters.openapi import field_marks, nested_types, record_types
from ingestion_adapters.samples import SAMPLES
from portal.core.codes import words_of

__all__ = ["SAMPLES", "DatasetPage", "dataset_pages"]


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
        DatasetPage(
            dataset,
            [_record_page(each, language) for kind in record_types(dataset) for each in (kind, *nested_types(kind))],
        )
        for dataset in DATASETS
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
        for item in sorted(msgspec.structs.fields(kind), key=lambda item: not item.required)
    ]
    tag = msgspec.inspect.type_info(kind).tag  # type: ignore[union-attr]  # every record is a struct
    known = SAMPLES.get(kind.__name__)
    sample = json.dumps({"records": [known]}, ensure_ascii=False, indent=2) if known else ""
    return RecordPage(kind.__name__, str(tag or ""), lines, sample)


def _codes(dictionary: str | None, language: str) -> list[tuple[int, str]]:
    return sorted(words_of(dictionary, language).items()) if dictionary else []


def _kind_words(hint: Any) -> str:
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Literal:
        return " ".join(map(str, inner))
    if origin is list:
        return f"{_kind_words(inner[0])}[]"
    parts = [part for part in inner if part not in (type(None), UnsetType)]
    return " | ".join(map(_kind_words, parts)) if parts else str(hint.__name__)
