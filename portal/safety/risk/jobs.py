"""The jobs that keep the risk of segments fresh: what changed within seconds, everything each night."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path

import numpy as np
from sqlalchemy import text
from sqlalchemy.orm import Session

from gis.risk.columns import fill_temporary
from portal.core.sql import load_sql
from portal.safety.risk.compute import (
    BOX_DEG,
    NEAR_DEG,
    RISK_LOCK,
    compute_all,
    compute_some,
    compute_stations,
    metric_srid,
)
from portal.safety.risk.model_queries import released_model

HERE = str(Path(__file__).parent)
CELL_LEVEL = 20
# Beyond this it is quicker to work out everything.
MOST_PIPES, MOST_CELLS = 20_000, 4_000
KINDS = {"pipe": 1, "works": 2, "patrol": 3}
WHOLE, PEOPLE = frozenset({"buildings", "model"}), frozenset({"buildings", "users"})
TIMEOUT = "120s"


def recompute_risk(session: Session, now: datetime) -> str:
    """Work out the segments that noted changes touch; return what was done."""
    if not _alone(session):
        return "another working out is under way"
    noted = session.execute(text("delete from risk_due returning kind, object_id, at")).all()
    if not noted:
        return ""
    waited_s = (now - min(each.at for each in noted)).total_seconds()
    by_kind: dict[str, set[int]] = {}
    for each in noted:
        by_kind.setdefault(each.kind, set()).add(each.object_id)
    model = released_model(session)
    if (
        WHOLE & by_kind.keys()
        or len(by_kind.get("pipe", ())) > MOST_PIPES
        or len(by_kind.get("users", ())) > MOST_CELLS
    ):
        done = compute_all(session, model, now, waited_s=waited_s, people=bool(PEOPLE & by_kind.keys()))
        return f"all {done.segments} segments, {done.changed} changed colour"
    srid = metric_srid(session)
    _follow_users(session, sorted(by_kind.get("users", ())), srid)
    pipes = _touched(session, by_kind)
    if "station" in by_kind:
        compute_stations(session, srid, now)
    if not len(pipes):
        return "nothing touched"
    done = compute_some(session, model, now, pipes, waited_s=waited_s)
    return f"{done.segments} segments, {done.changed} changed colour"


def grade_risk(session: Session, now: datetime) -> str:
    """Work out everything: pipes grow older, leaks are forgotten, patrols fall due, and the graph has changed."""
    if not _alone(session):
        return "another working out is under way"
    session.execute(text("delete from risk_due"))
    done = compute_all(session, released_model(session), now)
    return f"all {done.segments} segments, {done.changed} changed colour"


def _alone(session: Session) -> bool:
    session.execute(text(f"set local statement_timeout = '{TIMEOUT}'"))
    return bool(session.scalar(text("select pg_try_advisory_xact_lock(:lock)"), {"lock": RISK_LOCK}))


def cell_boxes(cells: Iterable[int]) -> list[tuple[float, float, float, float]]:
    """Return west, south, east, north of Morton cells of level 20, degrees."""
    boxes = []
    for cell in cells:
        x = sum((cell >> 2 * bit & 1) << bit for bit in range(CELL_LEVEL))
        y = sum((cell >> 2 * bit + 1 & 1) << bit for bit in range(CELL_LEVEL))
        edges = [each / (1 << CELL_LEVEL) for each in (x, x + 1)]
        rows = [np.degrees(np.arctan(np.sinh(np.pi * (1 - 2 * each / (1 << CELL_LEVEL))))) for each in (y + 1, y)]
        boxes.append((edges[0] * 360 - 180, float(rows[0]), edges[1] * 360 - 180, float(rows[1])))
    return boxes


def _follow_users(session: Session, cells: Sequence[int], srid: int) -> None:
    """Count anew who is in the buildings where users came, went or changed."""
    session.execute(text("drop table if exists pg_temp.risk_moved, pg_temp.risk_noted"))
    session.execute(text("create temporary table risk_moved (geom geometry) on commit drop"))
    if not cells:
        return
    session.execute(
        text("insert into risk_moved select st_makeenvelope(:west, :south, :east, :north, 4490)"),
        [dict(zip(("west", "south", "east", "north"), box, strict=True)) for box in cell_boxes(cells)],
    )
    session.execute(load_sql(HERE, "people"), {"srid": srid, "whole": False})


def _touched(session: Session, by_kind: dict[str, set[int]]) -> list[int]:
    pairs = [(KINDS[kind], number) for kind in KINDS for number in sorted(by_kind.get(kind, ()))]
    values = {
        "kind_no": np.array([each[0] for each in pairs], np.int64),
        "object_id": np.array([each[1] for each in pairs], np.int64),
    }
    fill_temporary(session, "risk_noted", dict.fromkeys(values, "bigint"), values)
    return list(session.scalars(load_sql(HERE, "due_pipes"), {"box_deg": BOX_DEG, "near_deg": NEAR_DEG}))
