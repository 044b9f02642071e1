"""Sample files of every dataset, made from the contract's samples: JSON as it is pushed, CSV with every field as a column."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import msgspec

from ingestion_adapters.openapi import record_types
from ingestion_adapters.samples import SAMPLES
from portal.core.cells import safe_value

FORMATS = {"json": "application/json", "csv": "text/csv; charset=utf-8"}


def sample_file(dataset: str, kind: str) -> str:
    """Return the sample file of a dataset as text; raise KeyError for an unknown dataset or format."""
    return {"json": _as_json, "csv": _as_csv}[kind](dataset)


def _rows(dataset: str) -> list[dict[str, Any]]:
    return [SAMPLES[kind.__name__] for kind in record_types(dataset)]


def _as_json(dataset: str) -> str:
    return json.dumps({"records": _rows(dataset)}, ensure_ascii=False, indent=2) + "\n"


def _as_csv(dataset: str) -> str:
    rows = _rows(dataset)
    tagged = ["type"] if any("type" in row for row in rows) else []
    names = dict.fromkeys(
        (*tagged, *(item.encode_name for kind in record_types(dataset) for item in msgspec.structs.fields(kind)))
    )
    target = io.StringIO()
    writer = csv.writer(target)
    writer.writerow(names)
    for row in rows:
        writer.writerow([safe_value(_cell(row.get(name))) for name in names])
    return target.getvalue()


def _cell(value: Any) -> Any:
    """Return a value as a CSV row carries it: lines as WKT, lists of texts parted by semicolons, others as JSON."""
    if isinstance(value, dict):
        pairs = ", ".join(" ".join(map(str, pair)) for pair in value["coordinates"])
        return f"LINESTRING ({pairs})"
    if isinstance(value, list):
        plain = all(isinstance(each, str) for each in value)
        return ";".join(value) if plain else json.dumps(value, ensure_ascii=False)
    return str(value).lower() if isinstance(value, bool) else value
