"""Topology of a stored network: connected part and supply of every pipe of one enterprise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sqlalchemy import text
from sqlalchemy.orm import Session

from gis.network.graph_queries import load_grid
from gis.network.topology import Graph, components


@dataclass(frozen=True)
class Topology:
    """What was built: pipes, connected parts, and pipes that no source reaches."""

    pipes: int
    parts: int
    unfed: int
    sources: int


def build_topology(session: Session, enterprise_id: int) -> Topology:
    """Work out connected parts and supply of an enterprise's network and write them on its pipes."""
    own = {"id": enterprise_id}
    pipes = session.execute(
        text("select id, from_node_id, to_node_id from gas_pipe where enterprise_id = :id and status in (2, 3)"), own
    ).all()
    if not pipes:
        return Topology(0, 0, 0, 0)
    links = session.execute(
        text(
            "select node_id, outlet_node_id from gas_regulator where enterprise_id = :id and outlet_node_id is not null"
        ),
        own,
    ).all()
    ends = np.array([(begin, end) for _, begin, end in pipes] + [(a, b) for a, b in links], np.int64)
    nodes, place = np.unique(ends, return_inverse=True)
    start, end = place.reshape(-1, 2).T
    graph = Graph(len(nodes), start.astype(np.int64), end.astype(np.int64))
    part = components(graph)
    count = len(pipes)
    stored = load_grid(session, enterprise_id)
    fed_of = dict(zip(stored.pipes.tolist(), stored.grid.fed_pipes.tolist(), strict=True))
    pipe_fed = [fed_of[row.id] for row in pipes]
    _write(session, [row.id for row in pipes], part[start[:count]].tolist(), pipe_fed)
    sources = len(np.unique(stored.grid.network.sources))
    return Topology(count, int(part.max()) + 1, count - sum(pipe_fed), sources)


def _write(session: Session, ids: list[int], part: list[int], fed: list[bool]) -> None:
    session.execute(
        text(
            "update gas_pipe p set component = t.part, fed = t.fed "
            "from unnest(cast(:ids as bigint[]), cast(:part as int[]), cast(:fed as boolean[])) as t(id, part, fed) "
            "where p.id = t.id and (p.component, p.fed) is distinct from (t.part, t.fed)"
        ),
        {"ids": ids, "part": part, "fed": fed},
    )
