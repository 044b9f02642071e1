"""Rules on the network as a whole: unconnected parts, supply, class changes without a regulator (R14, R15)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gis.network.topology import Graph, class_changes, components, supplied_nodes
from ingestion_adapters.contract import Node, Pipe, Record, Regulator, Station, Valve
from ingestion_adapters.files.devices import REGULATOR_NODE
from ingestion_adapters.files.drafts import Judging
from ingestion_adapters.files.findings import Where, say
from ingestion_adapters.files.joining import Nodes
from portal.core.codes import word_of

_SOURCE_NODE = 8
_FEEDING_STATIONS = (1, 2, 3, 4, 5)
_MAX_TOLD = 1000


def judge_whole(records: Sequence[Record], nodes: Nodes, judging: Judging) -> None:
    """Note what only the whole delivery shows; these are warnings, for a delivery may be a part of the network."""
    pipes = [record for record in records if isinstance(record, Pipe)]
    if not pipes:
        return
    codes: dict[str, int] = {}
    for record in records:
        if isinstance(record, Node):
            codes.setdefault(record.src_code, len(codes))
    edges = [(pipe.from_node, pipe.to_node) for pipe in pipes]
    edges += [(r.node, r.outlet_node) for r in records if isinstance(r, Regulator) and r.outlet_node]
    for one, other in edges:
        codes.setdefault(one, len(codes))
        codes.setdefault(other, len(codes))
    pairs = np.array([(codes[one], codes[other]) for one, other in edges])
    graph = Graph(len(codes), pairs[:, 0], pairs[:, 1])
    _note_parts(records, graph, codes, judging)
    _note_class_changes(records, pipes, codes, nodes, judging)


def _note_parts(records: Sequence[Record], graph: Graph, codes: dict[str, int], judging: Judging) -> None:
    sizes = np.bincount(components(graph))
    sizes = sizes[sizes > 1]
    if sizes.size > 1:
        facts = {"count": sizes.size, "main": sizes.max(), "nodes": sizes.sum() - sizes.max()}
        judging.findings.append(say("part_isolated", Where(""), facts))
    sources = {r.src_code for r in records if isinstance(r, Node) and r.kind == _SOURCE_NODE}
    sources |= {r.node for r in records if isinstance(r, Station) and r.kind in _FEEDING_STATIONS and r.node}
    at = np.array([codes[code] for code in sources if code in codes], np.int64)
    if not at.size:
        return
    shut = np.array(
        [codes[r.node] for r in records if isinstance(r, Valve) and r.current_state == 0 and r.node in codes], np.int64
    )
    dry = np.flatnonzero(~supplied_nodes(graph, at, closed_nodes=shut))
    dry = np.setdiff1d(dry, shut)
    if dry.size:
        names = list(codes)
        judging.findings.append(say("part_unfed", Where(""), {"count": dry.size, "value": names[dry[0]]}))


def _note_class_changes(
    records: Sequence[Record],
    pipes: Sequence[Pipe],
    codes: dict[str, int],
    nodes: Nodes,
    judging: Judging,
) -> None:
    pairs = np.array([(codes[pipe.from_node], codes[pipe.to_node]) for pipe in pipes])
    classes = np.array([pipe.pressure_class for pipe in pipes])
    fitted = {r.node for r in records if isinstance(r, Regulator)} | {
        r.outlet_node for r in records if isinstance(r, Regulator)
    }
    fitted |= {r.src_code for r in records if isinstance(r, Node) and r.kind == REGULATOR_NODE}
    at = np.array([codes[code] for code in fitted if code in codes], np.int64)
    names = list(codes)
    changed = class_changes(Graph(len(codes), pairs[:, 0], pairs[:, 1]), classes, at)[:_MAX_TOLD]
    for place in changed.tolist():
        met = sorted(set(classes[(pairs == place).any(axis=1)].tolist()))
        draft = nodes.drafts.get(names[place])
        where = Where(draft.table.file if draft else "", draft.row if draft else 0, names[place])
        facts = {"value": names[place]}
        finding_zh = "、".join(word_of("pressure_class", code, "zh") for code in met)
        finding_en = ", ".join(word_of("pressure_class", code, "en") for code in met)
        judging.findings.append(say("class_change", where, {**facts, "words": finding_zh, "words_en": finding_en}))
