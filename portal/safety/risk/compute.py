"""Working out the risk of segments: the whole city, or only what noted changes touch."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import insert, text
from sqlalchemy.orm import Session

from gis.basemap.queries import city_box
from gis.crs import UnusableCrs, gauss3_srid
from gis.network.graph_queries import load_grid
from gis.risk.columns import fill_temporary, read_columns
from gis.risk.formulas import heat_radius_m
from gis.risk.model import LIKELIHOOD, Model
from gis.risk.models import RiskRun, RiskSegment
from gis.risk.scoring import INPUT_NAMES, Inputs, score
from gis.risk.supply import households_lost
from portal.core.clock import local
from portal.core.sql import load_sql
from portal.jobs.queries import parameter_value
from portal.safety.risk.stations import compute_stations

HERE = str(Path(__file__).parent)
RISK_LOCK = 727_130
# Degrees that are wider than the widest control zone (50 m), track or impact radius anywhere in the country.
BOX_DEG, NEAR_DEG, TRACK_DEG = 0.0012, 0.004, 0.0005
UTM_NORTH, UTM_SOUTH = 32600, 32700
_ATTRIBUTES = """
select p.id as pipe_id, p.od_mm, p.pressure_class,
  1000 * coalesce(p.mop_mpa, p.design_p_mpa, (array[4.0, 2.5, 1.6, 0.8, 0.4, 0.2, 0.01])[p.pressure_class]) as pressure_kpa
from gas_pipe p {join} where p.status in (2, 3, 5)
"""
_REACH = {
    "pipe_id": "bigint",
    "pressure_kpa": "double precision",
    "heat_radius_m": "double precision",
    "radius_m": "double precision",
}
_INPUTS = (
    {"pipe_id": "bigint"}
    | dict.fromkeys(INPUT_NAMES, "integer")
    | {"length_m": "double precision", "od_mm": "double precision"}
)
_OUT = ("log_rate", "log_rate_low", "log_rate_high", "unknown_n", "likelihood", "c_people", "c_plus", "c_supply", "consequence",
        "score", "colour", "colour_low", "colour_high")  # fmt: skip
_TEMPORARY = (
    *("risk_wanted", "risk_reach", "risk_now", "risk_near", "risk_far", "risk_sites", "risk_works", "risk_filed"),
    *("risk_patrolled", "risk_supply", "risk_inputs", "risk_made"),
)
# A temporary table has no statistics, and no index, unless it is given them.
_AFTER = {
    "segments": ("analyze risk_now (pipe_id, pressure_class, radius_m)",),
    "open_sites": ("create index ix_risk_sites on risk_sites using gist (geom)", "analyze risk_sites"),
}
_STAMPS = frozenset({"computed_at"})


@dataclass(frozen=True)
class Done:
    """What a working out did."""

    segments: int
    changed: int


def metric_srid(session: Session) -> int:
    """Return the EPSG number of the metric system of the city: its CGCS2000 3-degree zone, elsewhere UTM."""
    west, south, east, north = city_box(session)
    lon = (west + east) / 2
    try:
        return gauss3_srid(3.0 * round(lon / 3))
    except UnusableCrs:
        return (UTM_NORTH if south + north >= 0 else UTM_SOUTH) + int((lon + 180) // 6) % 60 + 1


def refresh_people(session: Session, srid: int) -> None:
    """Work out who is in every building, drop buildings that are gone, and follow a change of zone."""
    session.execute(text("create temporary table risk_moved (geom geometry) on commit drop"))
    gone = "delete from risk_building where building_id not in (select id from base_building) or st_srid(geom) <> :srid"
    session.execute(text(gone), {"srid": srid})
    session.execute(load_sql(HERE, "people"), {"srid": srid, "whole": True})


def compute_all(session: Session, model: Model, now: datetime, *, waited_s: float = 0.0, people: bool = True) -> Done:
    """Work out every segment and station; `people` counts who is in the buildings first."""
    began = time.monotonic()
    srid = metric_srid(session)
    if people:
        refresh_people(session, srid)
    supply = _households_behind(session)
    done = _compute(session, model, now, srid=srid, wanted=None, supply=supply)
    session.execute(
        text("delete from risk_segment where pipe_id not in (select id from gas_pipe where status in (2, 3, 5))")
    )
    compute_stations(session, srid, now)
    _keep_run(session, model, now, whole=True, done=done, facts=(waited_s, began))
    return done


def compute_some(
    session: Session, model: Model, now: datetime, pipe_ids: Sequence[int] | NDArray[Any], *, waited_s: float = 0.0
) -> Done:
    """Work out some segments; those no longer in place lose their row."""
    began = time.monotonic()
    ids = np.unique(np.asarray(pipe_ids, np.int64))
    done = _compute(session, model, now, srid=metric_srid(session), wanted=ids, supply=None)
    _keep_run(session, model, now, whole=False, done=done, facts=(waited_s, began))
    return done


def _keep_run(
    session: Session, model: Model, now: datetime, *, whole: bool, done: Done, facts: tuple[float, float]
) -> None:
    waited_s, began = facts
    session.execute(
        insert(RiskRun).values(
            at=now, whole=whole, model_id=model.number, segments_n=done.segments, changed_n=done.changed,
            waited_s=waited_s, took_ms=round((time.monotonic() - began) * 1000),
        )
    )  # fmt: skip


def _households_behind(session: Session) -> dict[str, NDArray[Any]]:
    """Return for each segment in the graph the households that lose gas with the section around it; -1 without gas."""
    stored = load_grid(session)
    return {"pipe_id": stored.pipes, "households": households_lost(stored.grid)}


def _reach(session: Session, model: Model, wanted: NDArray[np.int64] | None) -> int:
    """Make the temporary table of radii; return how many segments there are."""
    join = ""
    if wanted is not None:
        fill_temporary(session, "risk_wanted", {"pipe_id": "bigint"}, {"pipe_id": wanted})
        join = "join risk_wanted w on w.pipe_id = p.id"
    kinds = {
        "pipe_id": "bigint",
        "od_mm": "double precision",
        "pressure_class": "integer",
        "pressure_kpa": "double precision",
    }
    found = read_columns(session, _ATTRIBUTES.format(join=join), kinds)
    reach = model["reach"]
    heat = heat_radius_m(
        found["od_mm"], found["pressure_kpa"], hole_mm=reach["hole_mm"], flux_kw_per_m2=reach["flux_kw_per_m2"]
    )
    least = np.array([reach[f"class_{number}"] for number in range(1, 8)])[found["pressure_class"] - 1]
    values = {name: found[name] for name in ("pipe_id", "pressure_kpa")} | {
        "heat_radius_m": heat,
        "radius_m": np.maximum(heat, least),
    }
    fill_temporary(session, "risk_reach", _REACH, values)
    return len(heat)


def _compute(
    session: Session,
    model: Model,
    now: datetime,
    *,
    srid: int,
    wanted: NDArray[np.int64] | None,
    supply: dict[str, NDArray[Any]] | None,
) -> Done:
    _clear(session)
    if not _reach(session, model, wanted):
        _forget(session, wanted)
        return Done(0, 0)
    found = _read_inputs(session, now, srid, supply)
    made = score(model, Inputs(**{name: found[name] for name in INPUT_NAMES}))
    parts = {f"part_{place}": made.parts[:, place] for place in range(len(LIKELIHOOD))}
    values = (
        {"pipe_id": found["pipe_id"], "expected": made.expected} | {name: getattr(made, name) for name in _OUT} | parts
    )
    kinds = {"pipe_id": "bigint", "expected": "double precision"} | dict.fromkeys([*_OUT, *parts], "integer")
    fill_temporary(session, "risk_made", kinds, values)
    changed = _store(session, model, now, list(parts))
    _forget(session, wanted)
    return Done(len(found["pipe_id"]), changed)


def gathered_inputs(session: Session, model: Model, now: datetime, *, srid: int) -> tuple[NDArray[Any], Inputs]:
    """Return the numbers of all segments in place and their inputs as another version would gather them; nothing is kept."""
    _clear(session)
    _reach(session, model, None)
    found = _read_inputs(session, now, srid, None)
    _clear(session)
    return found["pipe_id"], Inputs(**{name: found[name] for name in INPUT_NAMES})


def _clear(session: Session) -> None:
    for name in _TEMPORARY:
        session.execute(text(f"drop table if exists pg_temp.{name}"))


def _read_inputs(
    session: Session, now: datetime, srid: int, supply: dict[str, NDArray[Any]] | None
) -> dict[str, NDArray[Any]]:
    behind = supply or {"pipe_id": np.empty(0, np.int64), "households": np.empty(0, np.int64)}
    fill_temporary(session, "risk_supply", {"pipe_id": "bigint", "households": "integer"}, behind)
    _gather(session, now, srid)
    return read_columns(session, "select * from risk_inputs", _INPUTS)


def _gather(session: Session, now: datetime, srid: int) -> None:
    months = parameter_value(session, "risk.leak_months", 24)
    given = {
        "segments": {"srid": srid, "today": local(now).date()},
        "near_buildings": {},
        "far_buildings": {"reach_m": parameter_value(session, "risk.hca_reach_m", 200)},
        "open_sites": {"srid": srid},
        "near_works": {},
        "filed": {"since": now - timedelta(days=months * 365.25 / 12)},
        "patrolled": {"now": now, "near_m": parameter_value(session, "risk.patrol.near_m", 15), "box_deg": TRACK_DEG},
    }
    for name, values in given.items():
        session.execute(load_sql(HERE, name), values)
        for statement in _AFTER.get(name, ()):
            session.execute(text(statement))
    inputs = load_sql(HERE, "inputs").text
    session.execute(text(f"create temporary table risk_inputs on commit drop as {inputs}"))


def _store(session: Session, model: Model, now: datetime, parts: list[str]) -> int:
    facts = {"at": now, "model": model.number}
    changed = session.execute(load_sql(HERE, "changes"), facts)
    columns = [column.name for column in RiskSegment.__table__.columns]
    weighed = [name for name in columns if name not in _STAMPS]
    statement = load_sql(HERE, "write").text.format(
        columns=", ".join(columns),
        excluded=", ".join(f"excluded.{name}" for name in columns),
        parts=", ".join(f"m.{name}" for name in parts),
        old=", ".join(f"old.{name}" for name in weighed),
        new=", ".join(f"excluded.{name}" for name in weighed),
    )
    session.execute(text(statement), facts | {"hca_households": parameter_value(session, "risk.hca_households", 100)})
    session.execute(text("delete from risk_overbuild where pipe_id in (select pipe_id from risk_now)"))
    session.execute(load_sql(HERE, "over_buildings"))
    return int(changed.rowcount)  # type: ignore[attr-defined]


def _forget(session: Session, wanted: NDArray[np.int64] | None) -> None:
    """Drop the rows of wanted segments that are no longer in place."""
    if wanted is None:
        return
    for table in ("risk_segment", "risk_overbuild"):
        session.execute(
            text(
                f"delete from {table} where pipe_id in (select pipe_id from risk_wanted except select pipe_id from risk_reach)"
            )
        )
