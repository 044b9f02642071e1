"""The shortest way along pipes and through regulators between two nodes; pure."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from gis.hydraulics.gas import Numbers
from gis.hydraulics.solver import Index
from gis.hydraulics.zones import FlowNetwork

# A regulator or an edge without length counts as a millimetre, so that the way across it is one.
SHORTEST_M = 0.001


def path_between(net: FlowNetwork, begin: int, end: int) -> tuple[Index, Numbers] | None:
    """Return the nodes of the shortest way, and of each but the first the metres from the one before; None without a way.

    Regulators are passed downwards only; the way is looked for from either end.
    """
    for first, last, back in ((begin, end, False), (end, begin, True)):
        found = _way(net, first, last)
        if found is not None:
            return (found[0][::-1], found[1][::-1]) if back else found
    return None


def _way(net: FlowNetwork, begin: int, end: int) -> tuple[Index, Numbers] | None:
    pipes, feeds = net.pipes, net.feeds
    links = feeds.inlet >= 0
    tail = np.concatenate([pipes.start, pipes.end, feeds.inlet[links]])
    head = np.concatenate([pipes.end, pipes.start, feeds.outlet[links]])
    length = np.maximum(np.concatenate([pipes.length_m, pipes.length_m, np.zeros(int(links.sum()))]), SHORTEST_M)
    order = np.lexsort((length, head, tail))
    tail, head, length = tail[order], head[order], length[order]
    first = np.ones(len(tail), bool)
    first[1:] = (tail[1:] != tail[:-1]) | (head[1:] != head[:-1])
    graph = csr_array((length[first], (tail[first], head[first])), shape=(net.n_nodes, net.n_nodes))
    far, before = dijkstra(graph, directed=True, indices=begin, return_predecessors=True)
    if not np.isfinite(far[end]):
        return None
    nodes = [end]
    while nodes[-1] != begin:
        nodes.append(int(before[nodes[-1]]))
    way = np.array(nodes[::-1], np.int64)
    return way, np.diff(far[way])
