"""Declared mappings of foreign models (`mappings/*.json`): layers and columns turned into our tables."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import shapely
import shapely.ops

from ingestion_adapters.files.fields import Column, spec_of
from ingestion_adapters.files.findings import Finding, Where, say
from ingestion_adapters.files.raw import Cell, Grid
from ingestion_adapters.files.tables import Table, shapes_from
from ingestion_adapters.mapping.readers import reader_of, sources_of

_FOLDER = Path(__file__).with_name("mappings")


@cache
def mappings() -> tuple[dict[str, Any], ...]:
    """Return every declared mapping."""
    return tuple(json.loads(path.read_text(encoding="utf-8")) for path in sorted(_FOLDER.glob("*.json")))


def mapping_for(grids: list[Grid]) -> dict[str, Any] | None:
    """Return the mapping whose layers and columns a file has, or None."""
    have = {grid.layer: set(grid.columns or ()) for grid in grids}
    for mapping in mappings():
        if all(set(columns) <= have.get(layer, set()) for layer, columns in mapping["needs"].items()):
            return mapping
    return None


def mapped_tables(grids: list[Grid], mapping: dict[str, Any], file: str) -> tuple[list[Table], list[Finding]]:
    """Return the tables a mapping makes of a file's layers, and the notice that says what was declared."""
    by_name = {grid.layer: grid for grid in grids}
    tables: list[Table] = []
    for layer in mapping["layers"]:
        grid = by_name.get(layer["layer"])
        if grid is None or grid.columns is None:
            continue
        shown = f"{file}#{layer['layer']}"
        picked = _picked(grid, layer.get("where", {}))
        if layer.get("inline"):
            tables += _inline(grid, picked, layer, shown)
            continue
        table = _table(grid, picked, layer["kind"], layer["fields"], shown)
        if layer.get("at") == "start" and table.shapes is not None:
            table.shapes = np.asarray(shapely.get_point(table.shapes, 0), object)
        table.chord = bool(mapping["chord"])
        tables.append(table)
    used = {layer["layer"] for layer in mapping["layers"]}
    found = [say("layer_skipped", Where(file), {"name": name}) for name in by_name if name not in used]
    notice = say(
        "mapping_used", Where(file), {"name": mapping["name"], "value": mapping["zh"], "value_en": mapping["en"]}
    )
    return tables, [notice, *found]


def _picked(grid: Grid, where: Mapping[str, str]) -> list[int]:
    columns = grid.columns or []
    tests = [(columns.index(name), value) for name, value in where.items()]
    return [i for i, row in enumerate(grid.rows) if all(str(row[at]) == value for at, value in tests)]


def _header(field: str, rule: Mapping[str, Any]) -> str:
    sources = sources_of(rule)
    return sources[0] if sources else field


def _table(grid: Grid, picked: list[int], kind: str, rules: Mapping[str, Any], shown: str) -> Table:
    names = grid.columns or []
    sources = [dict(zip(names, grid.rows[i], strict=True)) for i in picked]
    readers = [reader_of(rule) for rule in rules.values()]
    rows: list[list[Cell]] = [[read(source) for read in readers] for source in sources]
    columns = [Column(spec_of(kind, field), _header(field, rule), i) for i, (field, rule) in enumerate(rules.items())]
    headers = [column.header for column in columns]
    table = Table(shown, kind, columns, rows, [grid.numbers[i] for i in picked], headers, stated_crs=grid.crs)
    if grid.wkb is not None:
        table.shapes = shapes_from([grid.wkb[i] for i in picked])
    return table


def _inline(grid: Grid, picked: list[int], layer: Mapping[str, Any], shown: str) -> list[Table]:
    """Return a device that is an edge of its source as a node with the device, between two half pipes.

    A device of ours sits at a node; only so does shutting it cut this edge and no other.
    """
    device = _table(grid, picked, layer["kind"], layer["fields"], shown)
    pipe = _table(grid, picked, "pipe", {"src_code": layer["fields"]["src_code"], **layer["pipe"]}, shown)
    key = next(iter(layer["fields"]))
    at = list(layer["fields"]).index(key)
    codes = [str(row[at]) for row in device.rows]
    lines = pipe.shapes if pipe.shapes is not None else np.empty(0, object)
    middles = np.asarray(shapely.line_interpolate_point(lines, 0.5, normalized=True), object)
    device.shapes = middles
    device.columns.append(Column(spec_of(layer["kind"], "node"), "node", len(device.headers)))
    device.headers.append("node")
    device.rows = [[*row, f"{code}.M"] for row, code in zip(device.rows, codes, strict=True)]
    rules = {"src_code": {"constant": ""}, "kind": {"constant": layer["node_kind"]}}
    node = _table(grid, picked, "node", rules, shown)
    node.rows = [[f"{code}.M", layer["node_kind"]] for code in codes]
    node.shapes = middles
    return [node, device, _half(pipe, codes, 0), _half(pipe, codes, 1)]


def _half(pipe: Table, codes: list[str], part: int) -> Table:
    """Return the first (0) or second (1) half of every pipe, ending at the middle node."""
    fields = [column.spec.field for column in pipe.columns]
    rows = [list(row) for row in pipe.rows]
    for row, code in zip(rows, codes, strict=True):
        row[fields.index("src_code")] = f"{code}.{part + 1}"
        row[fields.index("from_node" if part else "to_node")] = f"{code}.M"
    half = Table(
        pipe.file, "pipe", pipe.columns, rows, pipe.numbers, pipe.headers, stated_crs=pipe.stated_crs, chord=True
    )
    lines = [] if pipe.shapes is None else list(pipe.shapes)
    cut = [
        None if line is None else shapely.ops.substring(line, part / 2, (part + 1) / 2, normalized=True)
        for line in lines
    ]
    half.shapes = np.array([*cut, None], object)[:-1]
    return half
