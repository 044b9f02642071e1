"""Devices that a survey names only as fittings of nodes: valves and regulators made from the point table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ingestion_adapters.files.drafts import Draft, Judging
from ingestion_adapters.files.fields import plain_word
from ingestion_adapters.files.findings import Where, say
from ingestion_adapters.files.values import fittings, nominal_size

VALVE_NODE, REGULATOR_NODE = 5, 6
_REGULATOR_BOX = 3


def mark_fittings(nodes: Iterable[Draft]) -> None:
    """Set the kind of nodes that carry a valve, regulator or source: the device counts more than the bend it is on."""
    for node in nodes:
        kind = fittings().get(plain_word(node.values.get("fitting", "")))
        if kind is not None:
            node.values["kind"] = kind


def devices_at(nodes: Iterable[Draft], pipes: Iterable[Draft], judging: Judging) -> list[dict[str, Any]]:
    """Return valves and regulators at accepted nodes, as far as the connected pipes tell their size and classes."""
    around: dict[str, list[Draft]] = {}
    for pipe in pipes:
        for code in {pipe.values["from_node"], pipe.values["to_node"]}:
            around.setdefault(code, []).append(pipe)
    made: list[dict[str, Any]] = []
    files: dict[str, list[int]] = {}
    for node in nodes:
        counts = files.setdefault(node.table.file, [0, 0, 0])
        if "fitting" not in node.values:
            continue
        device, slot = _device(node, around)
        if slot is not None:
            counts[slot] += 1
        if device is not None:
            made.append(device)
    for file, (valves, regulators, open_ones) in files.items():
        if valves:
            judging.findings.append(say("derived_valve", Where(file), {"count": valves}))
        if regulators or open_ones:
            facts = {"count": regulators, "other": open_ones}
            judging.findings.append(say("derived_regulator", Where(file), facts))
    return made


def _device(node: Draft, around: Mapping[str, list[Draft]]) -> tuple[dict[str, Any] | None, int | None]:
    kind, pipes = node.values.get("kind"), around.get(node.code, [])
    place = {"src_code": node.code, "node": node.code, "lon": node.values["lon"], "lat": node.values["lat"]}
    if kind == VALVE_NODE and pipes:
        widest = max(pipes, key=lambda pipe: float(pipe.values["od_mm"]))
        size = nominal_size(widest.values["od_mm"], widest.values["material"])
        return {"type": "VLV", **place, "dn_mm": size}, 0
    if kind != REGULATOR_NODE:
        return None, None
    classes = sorted({pipe.values["pressure_class"] for pipe in pipes})
    if len(classes) != 2:
        return None, 2
    return {"type": "REG", **place, "form": _REGULATOR_BOX, "inlet_class": classes[0], "outlet_class": classes[1]}, 1
