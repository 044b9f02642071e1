"""Two scenarios side by side: kept ones, the network as it is now, or the one of the address; what differs, by object."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from portal.config import Settings
from portal.core.actor import Scope
from portal.network.hydraulics.forms import Asked, parse_asked, parse_number
from portal.network.hydraulics.queries import find_scenario, nodes_told, pipes_told, visible_ids
from portal.network.hydraulics.results import Result, compared, result_kept, result_of
from portal.network.hydraulics.services import check_asked
from portal.network.hydraulics.solving import answer_of, hour_now
from portal.network.hydraulics.tables import plain
from portal.network.hydraulics.telling import seen_of, told_answer

SHOWN_MOST = 100
EXPORT_MOST = 100_000


@dataclass(frozen=True)
class Side:
    """One side: how it stands in an address, its name, its figures and its results."""

    key: str
    name: str
    told: dict[str, Any]
    result: Result


@dataclass(frozen=True)
class Compared:
    """Objects that differ, the greatest change first; `total` of them, of so many compared, of which rows are shown."""

    rows: list[dict[str, Any]]
    total: int
    compared: int


def side_of(session: Session, scope: Scope, settings: Settings, key: str, given: Mapping[str, str]) -> Side:
    """Return a side: `now`, `asked` for the scenario of the address, or the number of a kept one; may raise NotFound."""
    if key not in ("now", "asked"):
        kept = find_scenario(session, scope, parse_number(key, "hydraulic_scenario"))
        return Side(key, kept.name, kept.told, result_kept(kept))
    asked = parse_asked(given) if key == "asked" else Asked()
    check_asked(session, scope, asked)
    answer = answer_of(settings, asked.scenario(hour_now()), by_readings=asked.hour is None)
    told = told_answer(session, scope, answer, seen_of(session, scope, answer))
    name = _("The network now") if asked.untouched else _("The scenario asked for")
    if asked.hour is not None:
        name = f"{name} · {asked.hour:02d}:00"
    if asked.factor != 1.0:
        name = f"{name} × {asked.factor:g}"
    return Side(key, name, told, result_of(answer))


def compared_sides(session: Session, scope: Scope, one: Side, two: Side, kind: str, *, whole: bool = False) -> Compared:
    """Return what differs between two sides, within the scope."""
    found = compared(one.result, two.result, kind)
    single = kind.removesuffix("s")
    mine = np.isin(found.ids, visible_ids(session, scope, single, found.ids))
    places = np.flatnonzero(mine)
    shown = places[: EXPORT_MOST if whole else SHOWN_MOST]
    rows = (nodes_told if kind == "nodes" else pipes_told)(session, scope, found.ids[shown])
    codes = {row.id: row.src_code for row in rows}
    return Compared(
        [
            {
                "id": int(found.ids[place]), "code": codes[int(found.ids[place])],
                "before": plain(float(found.before[place])), "after": plain(float(found.after[place])),
            }
            for place in shown.tolist()
            if int(found.ids[place]) in codes
        ],
        len(places),
        len(visible_ids(session, scope, single, one.result.node_ids if kind == "nodes" else one.result.pipe_ids)),
    )  # fmt: skip
