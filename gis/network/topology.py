"""Topology of a pipe network in plain arrays: snapping ends, connected parts, supply from sources, class changes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

Index = NDArray[np.int64]
Flags = NDArray[np.bool_]
Metres = NDArray[np.float64]


@dataclass(frozen=True)
class Graph:
    """A network of `n_nodes` nodes; pipe i runs from `start[i]` to `end[i]`."""

    n_nodes: int
    start: Index
    end: Index


def snap_ends(x: Metres, y: Metres, *, tolerance_m: float = 0.05) -> Index:
    """Return for each point the number of its node; points within the tolerance share one (R13).

    Numbers run from 0 in the order of first appearance. Chains of near points end in one node.
    """
    points = np.column_stack([x, y])
    pairs = cKDTree(points).query_pairs(tolerance_m, output_type="ndarray")
    _, labels = connected_components(_adjacency(len(points), pairs[:, 0], pairs[:, 1]), directed=False)
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    order = np.empty(len(first), np.int64)
    order[np.argsort(first)] = np.arange(len(first))
    return order[inverse]


def _adjacency(n: int, start: NDArray[np.integer], end: NDArray[np.integer]) -> coo_array:
    return coo_array((np.ones(len(start), np.int8), (start, end)), shape=(n, n))


def components(graph: Graph) -> Index:
    """Return the connected part of every node, largest part 0 (R14)."""
    _, labels = connected_components(_adjacency(graph.n_nodes, graph.start, graph.end), directed=False)
    ranks = np.argsort(np.argsort(-np.bincount(labels), kind="stable"), kind="stable")
    return np.asarray(ranks[labels], np.int64)


def supplied_nodes(graph: Graph, sources: Index, *, closed_nodes: Index | None = None) -> Flags:
    """Return whether each node is reachable from a source through open valves (R14).

    A closed valve sits at a node and cuts every pipe there; a source at a closed node supplies only itself.
    """
    fed = np.zeros(graph.n_nodes, bool)
    if sources.size == 0:
        return fed
    shut = np.zeros(graph.n_nodes, bool)
    if closed_nodes is not None:
        shut[closed_nodes] = True
    passes = ~(shut[graph.start] | shut[graph.end])
    _, labels = connected_components(_adjacency(graph.n_nodes, graph.start[passes], graph.end[passes]), directed=False)
    reached = np.zeros(labels.max(initial=0) + 1, bool)
    reached[labels[sources]] = True
    fed[:] = reached[labels]
    fed[shut] = False
    fed[sources] = True
    return fed


def class_changes(graph: Graph, pressure_class: NDArray[np.integer], regulators: Index) -> Index:
    """Return the nodes without a regulator where pipes of different pressure classes meet (R15, GB 50028 6.1.7)."""
    ends = np.concatenate([graph.start, graph.end])
    classes = np.concatenate([pressure_class, pressure_class])
    lowest = np.full(graph.n_nodes, 127, np.int64)
    highest = np.full(graph.n_nodes, -1, np.int64)
    np.minimum.at(lowest, ends, classes)
    np.maximum.at(highest, ends, classes)
    mixed = lowest < highest
    mixed[regulators] = False
    return np.flatnonzero(mixed)
