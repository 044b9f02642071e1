"""One matching of all borders: read, compare, keep; each step is told as it begins."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from gis.borders.matching import Found, stages
from gis.borders.queries import figures_in_force, read_network, store_found

Tell = Callable[[str], None]


def run_matching(session: Session, now: datetime, *, tell: Tell = lambda _step: None) -> dict[str, Any]:
    """Match all borders within the transaction's scope and keep what is found; return the figures of the run."""
    tell("read")
    read, figures = read_network(session), figures_in_force(session)
    found: list[Found] = []
    tell("ends")
    for name, part in stages(read.pipes, read.xy, figures, read.closed):
        found += part
        tell("double" if name == "ends" else "store")
    new, gone = store_found(session, read, found, now)
    return {
        "pipes": len(read.pipe_ids),
        "found": dict(Counter(each.kind for each in found)),
        "new": new,
        "gone": gone,
    }
